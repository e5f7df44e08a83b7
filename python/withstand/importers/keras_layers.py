# SPDX-License-Identifier: MIT
"""What each supported layer of Keras makes of tensors; anything not listed here is refused."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import numpy as np

from . import keras_activations as activations
from .affine import SOFTMAX
from .graph import Form, GraphBuilder
from .keras_affine import AFFINE, MERGES
from .keras_conv import CONVOLUTIONS, POOLING
from .keras_moves import MOVES
from .keras_operations import ARITHMETIC, combined
from .keras_parts import Part
from .layers import IDENTITY, Phi

__all__ = ["FLOATS", "KNOWN", "Tensor", "step", "supported"]

FLOATS: Final = ("float32", "float64")


class Tensor(NamedTuple):
    """A tensor, and why nothing but moving its entries may follow, or empty."""

    form: Form
    closed: str = ""


def step(build: GraphBuilder, part: Part, arguments: list[Any]) -> Tensor:
    """Return what a layer makes of its arguments, which are tensors, numbers, and lists of such.

    Raises
    ------
    ValueError
        If an argument or weight of the layer is not supported.
    """
    if part.operation:
        return _operation(build, part, arguments)
    if part.kind not in KNOWN:
        raise ValueError(f"is not supported; supported are {supported()}")
    _check_config(part)
    tensors = _tensors(part, arguments)
    forms = [tensor.form for tensor in tensors]
    if part.kind in MOVES:
        return Tensor(MOVES[part.kind](build, forms, part), tensors[0].closed)
    for tensor in tensors:
        if tensor.closed:
            raise ValueError(tensor.closed)
    if part.kind in activations.LAYERS:
        return _activated(build, part, forms[0], activations.LAYERS[part.kind](part))
    result = _FUNCTIONS[part.kind](build, forms, part)
    return _activated(build, part, result, activations.activation(part, part.config.get("activation")))


def _tensors(part: Part, arguments: list[Any]) -> list[Tensor]:
    """Return the tensors that a layer reads: one, or a list of them."""
    if len(arguments) != 1:
        raise ValueError(f"is called with {len(arguments)} arguments, supported is its input alone")
    given = arguments[0] if isinstance(arguments[0], list) else [arguments[0]]
    if not given or not all(isinstance(each, Tensor) for each in given):
        raise ValueError("is called with something that is no tensor")
    if len(given) > 1 and part.kind not in MERGES:
        raise ValueError(f"is called with {len(given)} tensors, supported is one")
    return given


def _operation(build: GraphBuilder, part: Part, arguments: list[Any]) -> Tensor:
    for each in arguments:
        if isinstance(each, Tensor) and each.closed:
            raise ValueError(each.closed)
    values = [each.form if isinstance(each, Tensor) else each for each in arguments]
    if not any(isinstance(each, Form) for each in values):
        raise ValueError("is called without a tensor")
    if part.kind in activations.OPERATIONS and len(values) == 1:
        return _activated(build, part, values[0], activations.OPERATIONS[part.kind](part))
    if part.kind in ARITHMETIC and len(values) <= 2:
        return Tensor(combined(build, part, values))
    known = ", ".join(sorted([*activations.OPERATIONS, *ARITHMETIC]))
    raise ValueError(f"is not supported; of keras.ops supported are {known}")


def _activated(build: GraphBuilder, part: Part, form: Form, phi: Phi | activations.Softmax) -> Tensor:
    if isinstance(phi, activations.Softmax):
        return _softmax(form, phi.axis)
    return Tensor(form if phi is IDENTITY else build.activate(form, phi, name=part.name))


def _softmax(form: Form, axis: Any) -> Tensor:
    """A softmax over all entries is taken off; over some of them alone, the rest are other inputs of it."""
    axes = [int(n) for n in np.atleast_1d(axis)]
    sizes = (1, *form.shape)
    if not all(-len(sizes) <= n < len(sizes) for n in axes) or int(np.prod([sizes[n] for n in axes])) != int(
        np.prod(sizes)
    ):
        raise ValueError(f"runs over axis {axis} of shape {form.shape}, supported is only the class axis")
    return Tensor(form, SOFTMAX)


# what of a configuration is read -------------------------------------------------------------------------------------
#: What any layer may say that does not change its function in inference.
_HARMLESS: Final = re.compile(
    r".*_(initializer|regularizer|constraint)|name|trainable|dtype|autocast|batch_shape|batch_input_shape|input_shape|"
    r"input_dtype|seed|supports_masking"
)
_CONV: Final = "kernel_size strides padding data_format dilation_rate activation use_bias"
_POOL: Final = "pool_size strides padding data_format"
_TRAINING: Final = (
    "kernel_initializer bias_initializer depthwise_initializer pointwise_initializer kernel_regularizer "
    "bias_regularizer depthwise_regularizer pointwise_regularizer activity_regularizer kernel_constraint "
    "bias_constraint depthwise_constraint pointwise_constraint beta_initializer gamma_initializer "
    "moving_mean_initializer moving_variance_initializer beta_regularizer gamma_regularizer beta_constraint "
    "gamma_constraint alpha_initializer alpha_regularizer alpha_constraint lora_alpha seed name dtype"
)

_FUNCTIONS: Final = {**AFFINE, **CONVOLUTIONS, **POOLING, **MERGES}

_READ: Final = {
    "Activation": "activation",
    "BatchNormalization": "axis momentum epsilon center scale synchronized renorm_clipping renorm_momentum",
    "Concatenate": "axis",
    "Dense": "units activation use_bias",
    "Dropout": "rate noise_shape",
    "AlphaDropout": "rate noise_shape",
    "ELU": "alpha",
    "Flatten": "data_format",
    "GaussianDropout": "rate",
    "GaussianNoise": "stddev",
    "ActivityRegularization": "l1 l2",
    "LeakyReLU": "negative_slope alpha",
    "Normalization": "axis mean variance invert",
    "PReLU": "shared_axes",
    "Permute": "dims",
    "ReLU": "max_value negative_slope threshold",
    "RepeatVector": "n",
    "Rescaling": "scale offset",
    "Reshape": "target_shape",
    "Softmax": "axis",
    **{f"SpatialDropout{n}D": "rate data_format noise_shape" for n in (1, 2, 3)},
    **{f"Conv{n}D": f"filters groups {_CONV}" for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": f"depth_multiplier {_CONV}" for n in (1, 2)},
    **{f"SeparableConv{n}D": f"filters depth_multiplier {_CONV}" for n in (1, 2)},
    **{f"{kind}Pooling{n}D": _POOL for kind in ("Max", "Average") for n in (1, 2, 3)},
    **{f"Global{kind}Pooling{n}D": "data_format keepdims" for kind in ("Max", "Average") for n in (1, 2, 3)},
    **{f"ZeroPadding{n}D": "padding data_format" for n in (1, 2, 3)},
    **{f"Cropping{n}D": "cropping data_format" for n in (1, 2, 3)},
    **{f"UpSampling{n}D": "size data_format interpolation" for n in (1, 2, 3)},
}

#: The arguments of each constructor that are read here, or that do not change a function in inference.
KNOWN: Final = {kind: f"{_READ.get(kind, '')} {_TRAINING}" for kind in (*MOVES, *_FUNCTIONS, *activations.LAYERS)}

#: Entries of configurations that mean nothing while they have one of these values.
_USUAL: Final[dict[str, tuple[Any, ...]]] = {"groups": (1,), "renorm": (False,), "sparse": (False,), "fused": (True,)}


def supported() -> str:
    """Return the names of what is supported, for refusals."""
    return ", ".join(sorted(KNOWN))


def _check_config(part: Part) -> None:
    """Refuse a layer that says more than is read here."""
    policy = part.config.get("dtype")
    if isinstance(policy, dict):
        policy = policy.get("config", {}).get("name", policy.get("class_name"))
    if policy is not None and policy not in FLOATS:
        raise ValueError(f"has the dtype policy '{policy}', supported are {', '.join(FLOATS)}")
    known = _READ.get(part.kind, "").split()
    for key, value in part.config.items():
        usual = (None, *_USUAL.get(key, ()))
        if key not in known and not _HARMLESS.fullmatch(key) and not any(value is u or value == u for u in usual):
            raise ValueError(f"has {key} = {value!r}, which is not supported")
