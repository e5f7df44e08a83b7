# SPDX-License-Identifier: MIT
"""Compares a loaded network with the torch module that it was exported from, in double precision.

The module runs as its users run it, on single examples, with its parameters and buffers replaced by their doubles, so
that nothing but the softplus beyond torch's threshold and a few roundings may differ. Where it cannot run so (it
converts types, or keeps tensors that are neither), it runs in its own precision, and more is allowed.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .errors import UnsupportedModel
from .layers import Array
from .torch_export import arguments_of

if TYPE_CHECKING:
    from .. import Network

__all__ = ["compare_exported"]

#: Allowed differences relative to the largest output, in double precision and in the module's own.
_CLOSE: Final = 1e-6
_CLOSE_SINGLE: Final = 1e-3
#: Sizes of random inputs, and of what is added to the example that was given.
_SIZES: Final = (0.1, 1.0, 10.0)


def compare_exported(net: Network, module: Any, inputs: Any) -> None:
    """Refuse a network that does not compute what the module does that it was exported from.

    The module is as before afterwards; generators of random numbers keep their state, no gradient is recorded.

    Parameters
    ----------
    net : Network
    module : torch.nn.Module
    inputs : tensor or array, tuple of them, or dict of them
        The example that it was exported with.

    Raises
    ------
    UnsupportedModel
        Naming an input at which the two differ, and both values; or where the module's outputs for one example
        depend on the others of a batch.
    """
    torch = sys.modules["torch"]
    positional, named = arguments_of(module, inputs)
    given = [*positional, *named.values()]
    rows = _rows(np.concatenate([tensor.cpu().double().numpy().reshape(-1) for tensor in given]))

    def run(convert: Callable[[Any], Any], part: Array) -> Array:
        ends = np.cumsum([tensor.numel() for tensor in given])[:-1]
        pieces = [
            convert(torch.tensor(piece.reshape(len(part), *tensor.shape[1:]), dtype=tensor.dtype, device=tensor.device))
            for piece, tensor in zip(np.split(part, ends, axis=1), given, strict=True)
        ]
        called = tuple(pieces[: len(positional)]), dict(zip(named, pieces[len(positional) :], strict=True))
        return _call(module, convert, *called).reshape(len(part), -1)

    with warnings.catch_warnings(), torch.no_grad(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # the module's user has met them
        values, close = _examples(run, rows)
        together = _batch(run, rows, close)
    if together is not None and together.shape == values.shape and not _agree(together, values, 10 * close):
        raise UnsupportedModel("gives an example other outputs in a batch than alone: examples depend on each other")
    _judge(net, rows, values, close)


def _rows(example: Array) -> Array:
    """Return inputs to compare at: the example, others near it, and others of several sizes; exact in float32."""
    rng = np.random.default_rng(0)
    random = [size * rng.normal(size=len(example)) for size in (*_SIZES, 1.0)]
    near = [example + size * max(1e-3, float(np.abs(example).max())) * rng.normal(size=len(example)) for size in _SIZES]
    return np.array([example, 0 * example, *near, *random]).astype(np.float32).astype(np.float64)


def _examples(run: Callable[..., Array], rows: Array) -> tuple[Array, float]:
    """Return the module's outputs for each example alone, and how close others must be."""
    try:
        return np.concatenate([run(_double, row[None]) for row in rows]), _CLOSE
    except Exception:  # the module's own code runs here, and may raise anything
        pass
    try:
        return np.concatenate([run(_as_it_is, row[None]) for row in rows]), _CLOSE_SINGLE
    except Exception as error:
        raise UnsupportedModel(f"fails on an example of the given shape: {error}") from error


def _batch(run: Callable[..., Array], rows: Array, close: float) -> Array | None:
    """Return the outputs for all examples in one batch, or None where the module takes single ones only."""
    try:
        return run(_double if close == _CLOSE else _as_it_is, rows)
    except Exception:  # as where forward names a batch of 1
        return None


def _double(tensor: Any) -> Any:
    return tensor.double() if tensor.dtype.is_floating_point else tensor


def _as_it_is(tensor: Any) -> Any:
    return tensor


def _call(module: Any, convert: Callable[[Any], Any], positional: Any, named: Any) -> Array:
    """Return the module's outputs, flat and one after the other; attributes that hooks set are as before."""
    torch = sys.modules["torch"]
    state = {name: convert(tensor) for name, tensor in (*module.named_parameters(), *module.named_buffers())}
    kept = [(part, dict(vars(part))) for part in module.modules()]
    try:
        outputs = torch.func.functional_call(module, state, positional, named)
    finally:
        for part, attributes in kept:
            for name, value in attributes.items():
                if isinstance(value, torch.Tensor):
                    vars(part)[name] = value
    leaves = torch.utils._pytree.tree_leaves(outputs)
    tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
    count = next(iter((*positional, *named.values()))).shape[0]
    return np.concatenate([tensor.cpu().double().reshape(count, -1).numpy() for tensor in tensors], axis=1)


def _judge(net: Network, rows: Array, values: Array, close: float) -> None:
    loaded = net.forward(rows)
    if values.shape != loaded.shape:
        raise UnsupportedModel(f"gives outputs of shape {values.shape}, and as loaded of shape {loaded.shape}")
    if net.outputs == "logits":
        top = loaded - loaded.max(axis=1, keepdims=True)
        loaded = top - np.log(np.exp(top).sum(axis=1, keepdims=True))
        loaded = loaded if np.all(values <= 0) else np.exp(loaded)
    for n, (ours, theirs) in enumerate(zip(loaded, values, strict=True)):
        if not _agree(ours, theirs, close):
            j = int(np.argmax(~(np.abs(ours - theirs) <= close * (1 + np.abs(theirs).max()))))
            raise UnsupportedModel(
                f"input {n} of the check: output {j} is {ours[j]} as loaded, but {theirs[j]} of the module itself: it "
                "does not compute what its trace says; check=False loads it all the same. "
                f"The input is {np.array2string(rows[n], threshold=20)}"
            )


def _agree(a: Array, b: Array, close: float) -> bool:
    return bool(np.all(np.abs(a - b) <= close * (1 + np.abs(b).max())))
