# SPDX-License-Identifier: MIT
"""The table of ATen's operators: what each is to the builder, and why others are refused."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from .torch_activations import ACTIVATIONS
from .torch_arithmetic import ARITHMETIC
from .torch_moves import MOVES
from .torch_pools import POOLS
from .torch_stored import STORED
from .torch_values import Tracer
from .torch_views import VIEWS
from .torch_weights import WEIGHTS

__all__ = ["HANDLERS", "REFUSED", "VIEWS"]

#: No tensor has more entries.
_LARGEST: Final = 1 << 62


def _of_sizes(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def handler(t: Tracer, a: int, b: int) -> Any:
        if max(abs(a), abs(b)) > _LARGEST:
            raise ValueError(f"computes with a size beyond {_LARGEST}")
        return function(a, b)

    return handler


#: Arithmetic of sizes, as in programs that were exported for any batch.
_SIZES: Final[dict[str, Callable[..., Any]]] = {
    f"_operator.{name}": _of_sizes(getattr(operator, name))
    for name in ("add", "sub", "mul", "floordiv", "mod", "eq", "ge", "gt", "le", "lt", "ne")
}

#: By operator and overload, or by operator: what is called with the tracer and the arguments by their schema's names.
HANDLERS: Final[dict[str, Callable[..., Any]]] = {
    **ACTIVATIONS, **ARITHMETIC, **MOVES, **POOLS, **STORED, **WEIGHTS, **_SIZES,
}  # fmt: skip

_NORMS: Final = "it normalises each example by its own statistics, which is no affine map and no activation"
_PRODUCTS: Final = "it multiplies computed tensors, which no layer does"
_STATES: Final = "recurrent networks keep a state from one step to the next, which no layer does"

#: What is known not to be a network of layers, and why.
REFUSED: Final = {
    "_fused_rms_norm": _NORMS,
    "_scaled_dot_product_flash_attention_for_cpu": _PRODUCTS,
    "embedding": "it looks up rows by integer inputs, which is no function of real inputs",
    "group_norm": _NORMS,
    "gru": _STATES,
    "instance_norm": _NORMS,
    "layer_norm": _NORMS,
    "lstm": _STATES,
    "native_group_norm": _NORMS,
    "native_layer_norm": _NORMS,
    "rms_norm": _NORMS,
    "rnn_relu": _STATES,
    "rnn_tanh": _STATES,
    "scaled_dot_product_attention": _PRODUCTS,
}
