# SPDX-License-Identifier: MIT
"""What the activations of Keras are, by the names and classes that configurations give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from .keras_parts import Part
from .layers import IDENTITY, Array, Phi

__all__ = ["APPROXIMATED", "LAYERS", "OPERATIONS", "Softmax", "activation", "known"]

#: What a live layer has instead of the name of a function that is not the one of this name in keras.activations.
APPROXIMATED: Final = "keras.ops.gelu"


class Softmax:
    """A softmax over an axis, which is no activation of ours: it is taken off where it is the last stage."""

    def __init__(self, axis: Any = -1) -> None:
        self.axis = axis


#: Activations by function: Keras' leaky_relu has a default slope of 0.2; hard_sigmoid depends on the version.
_FUNCTIONS: Final = {
    "elu": Phi("elu", slope=1.0),
    "gelu": Phi("gelu"),
    "hard_silu": Phi("hard_swish"),
    "hard_swish": Phi("hard_swish"),
    "hard_tanh": Phi("hard_tanh"),
    "leaky_relu": Phi("leaky_relu", slope=0.2),
    "relu": Phi("relu"),
    "relu6": Phi("relu6"),
    "selu": Phi("selu"),
    "sigmoid": Phi("logistic"),
    "silu": Phi("silu"),
    "softplus": Phi("softplus"),
    "softsign": Phi("softsign"),
    "swish": Phi("silu"),
    "tanh": Phi("tanh"),
}


def activation(part: Part, given: Any) -> Phi | Softmax:
    """Return what the argument `activation` of a layer is: a name, a layer, or nothing.

    Raises
    ------
    ValueError
        Naming it, if it is none of Keras' own that are supported.
    """
    if given is None:
        return IDENTITY
    name = given
    if isinstance(given, dict):
        config, kind = given.get("config"), given.get("class_name")
        module = str(given.get("module", "keras")).split(".")[0]
        if kind in LAYERS and isinstance(config, dict) and module == "keras":
            return LAYERS[kind](Part(str(kind), str(config.get("name", kind)), config, writer=part.writer))
        name = config if kind == "function" and module == "keras" else f"{kind} {config}"
    return _named(part, str(name))


def _named(part: Part, name: str) -> Phi | Softmax:
    if name == "linear":
        return IDENTITY
    if name in ("softmax", "log_softmax"):
        return Softmax()
    if name == "hard_sigmoid":
        return _hard_sigmoid(part.writer.version)
    if name == APPROXIMATED:
        return Phi("gelu_tanh")
    if name not in _FUNCTIONS:
        raise ValueError(f"has the activation '{name}', supported are {known()}")
    return _FUNCTIONS[name]


def known() -> str:
    """Return the names of what `activation` knows, for refusals."""
    names = ", ".join(["linear", "softmax", "log_softmax", "hard_sigmoid", *_FUNCTIONS])
    return f"{names} of keras.activations, and the layers {', '.join(LAYERS)}"


def _hard_sigmoid(version: str) -> Phi:
    """Keras 3 clips s / 6 + 1/2, which Keras 1 and 2 had with a slope of 0.2."""
    known = {"1": Phi("clip", gain=0.2), "2": Phi("clip", gain=0.2), "3": Phi("hard_sigmoid")}
    major = version.split(".")[0]
    if major not in known:
        written = f"of Keras {version}" if version else "of a file that does not say which Keras wrote it"
        raise ValueError(f"has the activation 'hard_sigmoid' {written}, supported are those of Keras 1 to 3")
    return known[major]


def _relu(part: Part) -> Phi:
    """Below a threshold t this ReLU is slope * (s - t), and it jumps from 0 to t there: no activation of ours."""
    largest, threshold = part.config.get("max_value"), part.config.get("threshold", 0.0)
    slope = _number(part, "negative_slope", 0.0)
    if largest == 6 and not threshold and not slope:
        return Phi("relu6")
    if largest is not None or threshold:
        raise ValueError(f"has max_value {largest} and threshold {threshold}, supported are None and 0")
    return _sloped("leaky_relu", slope) if slope else Phi("relu")


def _leaky_relu(part: Part) -> Phi:
    """Keras 2 calls the slope alpha, and has the same default."""
    return _sloped("leaky_relu", _number(part, "negative_slope", _number(part, "alpha", 0.3)))


def _prelu(part: Part) -> Phi:
    """Slopes that were trained are one per neuron; a single one is what `shared_axes` of all axes makes."""
    slopes: Array = np.unique(np.concatenate([array.reshape(-1) for array in part.weights()] or [np.zeros(0)]))
    if slopes.size != 1:
        raise ValueError(f"has {slopes.size} different slopes, supported is one for all neurons")
    return _sloped("leaky_relu", float(slopes[0]))


def _sloped(name: str, slope: Any) -> Phi:
    if not (np.ndim(slope) == 0 and slope >= 0):
        raise ValueError(f"has a slope of {slope}, supported are slopes >= 0")
    return Phi(name, slope=float(slope))


def _number(part: Part, key: str, default: float) -> Any:
    value = part.config.get(key, default)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, int | float | np.ndarray):
        raise ValueError(f"has {key} {value!r}, which is not a number")
    return value


#: Layers that are activations.
LAYERS: Final[dict[str, Callable[[Part], Phi | Softmax]]] = {
    "Activation": lambda part: activation(part, part.config.get("activation")),
    "ELU": lambda part: _sloped("elu", _number(part, "alpha", 1.0)),
    "LeakyReLU": _leaky_relu,
    "PReLU": _prelu,
    "ReLU": _relu,
    "Softmax": lambda part: Softmax(part.config.get("axis", -1)),
}

#: Operations of `keras.ops` that are activations.
OPERATIONS: Final[dict[str, Callable[[Part], Phi | Softmax]]] = {
    "Elu": lambda part: _sloped("elu", _number(part, "alpha", 1.0)),
    "Gelu": lambda part: Phi("gelu_tanh" if part.config.get("approximate", True) else "gelu"),
    "HardSigmoid": lambda part: _hard_sigmoid(part.writer.version),
    "HardSilu": lambda part: Phi("hard_swish"),
    "HardTanh": lambda part: Phi("hard_tanh"),
    "LeakyRelu": lambda part: _sloped("leaky_relu", _number(part, "negative_slope", 0.2)),
    "LogSoftmax": lambda part: Softmax(part.config.get("axis", -1)),
    "Relu": lambda part: Phi("relu"),
    "Relu6": lambda part: Phi("relu6"),
    "Selu": lambda part: Phi("selu"),
    "Sigmoid": lambda part: Phi("logistic"),
    "Silu": lambda part: Phi("silu"),
    "Softmax": lambda part: Softmax(part.config.get("axis", -1)),
    "Softplus": lambda part: Phi("softplus"),
    "Softsign": lambda part: Phi("softsign"),
    "Tanh": lambda part: Phi("tanh"),
}
