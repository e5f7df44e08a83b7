# SPDX-License-Identifier: MIT
"""The ONNX operators that are activations: what each adds to its argument first, and which phi it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from .form import Form
from .layers import IDENTITY, Phi
from .onnx_node import Node, Value, constant, live

__all__ = ["ACTIVATIONS", "CLIPS", "clip_limits", "is_hard_sigmoid"]

#: The clips that are activations, and what each adds to its argument first.
CLIPS: Final = {
    (0.0, np.inf): (Phi("relu"), 0.0),
    (-1.0, 1.0): (Phi("hard_tanh"), 0.0),
    (0.0, 1.0): (Phi("clip"), -0.5),
    (0.0, 6.0): (Phi("relu6"), 0.0),
}
_LARGEST: Final = float(np.finfo(np.float32).max)


def _named(name: str) -> Callable[[Node, list[Value]], tuple[Form, Phi]]:
    return lambda node, values: (live(values[0]), Phi(name))


def _sloped(name: str) -> Callable[[Node, list[Value]], tuple[Form, Phi]]:
    return lambda node, values: (live(values[0]), _slope(name, float(node.attribute("alpha"))))


def _slope(name: str, slope: float) -> Phi:
    if not 0 <= slope < np.inf:
        raise ValueError(f"has a slope of {slope}, supported are slopes >= 0")
    return Phi(name, slope=slope)


def _prelu(node: Node, values: list[Value]) -> tuple[Form, Phi]:
    slopes = np.unique(constant(values[1]))
    if slopes.size != 1:
        raise ValueError(f"has {slopes.size} different slopes, supported is one for all neurons")
    return live(values[0]), _slope("leaky_relu", float(slopes[0]))


def _hard_sigmoid(node: Node, values: list[Value]) -> tuple[Form, Phi]:
    """min(1, max(0, alpha s + beta)), the clip of gain alpha at s + (beta - 1/2) / alpha."""
    if is_hard_sigmoid(node):
        return live(values[0]), Phi("hard_sigmoid")
    alpha, beta = node.attribute("alpha"), node.attribute("beta")
    if not alpha > 0:
        raise ValueError(f"has alpha = {alpha}, supported is alpha > 0")
    return live(values[0]).plus(np.asarray((beta - 0.5) / alpha)), Phi("clip", gain=float(alpha))


def is_hard_sigmoid(node: Node) -> bool:
    """Whether a HardSigmoid is clip(s / 6 + 1/2): its 1/6 is an attribute in single precision."""
    alpha, beta = node.attribute("alpha"), node.attribute("beta")
    return bool(np.float32(alpha) == np.float32(1 / 6) and beta == 0.5)


def _swish(node: Node, values: list[Value]) -> tuple[Form, Phi]:
    if (alpha := node.attribute("alpha")) != 1:
        raise ValueError(f"has alpha = {alpha}, supported is 1")
    return live(values[0]), Phi("silu")


def _gelu(node: Node, values: list[Value]) -> tuple[Form, Phi]:
    names = {"none": "gelu", "tanh": "gelu_tanh"}
    form = bytes(node.attribute("approximate")).decode(errors="replace")
    if form not in names:
        raise ValueError(f"has approximate = '{form}', supported are none and tanh")
    return live(values[0]), Phi(names[form])


def _selu(node: Node, values: list[Value]) -> tuple[Form, Phi]:
    """The constants are attributes in single precision: those that round to them stand for the real ones."""
    constants = {"alpha": 1.6732632423543772848, "gamma": 1.0507009873554804934}
    for name, right in constants.items():
        if np.float32(given := float(node.attribute(name))) != np.float32(right):
            raise ValueError(f"has {name} = {given}, supported is {right}")
    return live(values[0]), Phi("selu")


def _clip(node: Node, values: list[Value]) -> tuple[Form, Phi]:
    limits = clip_limits(node, values)
    tensor = live(values[0])
    if limits == (-np.inf, np.inf):
        return tensor, IDENTITY
    if limits not in CLIPS:
        raise ValueError(f"clips to {list(limits)}, supported are {', '.join(str(list(known)) for known in CLIPS)}")
    phi, shift = CLIPS[limits]
    return (tensor.plus(np.asarray(shift)) if shift else tensor), phi


def clip_limits(node: Node, values: list[Value]) -> tuple[float, float]:
    """Return the limits of a Clip, which moved from attributes to inputs; the largest float means none."""
    limits = []
    for position, name, sign in ((1, "min", -1.0), (2, "max", 1.0)):
        value = values[position] if len(values) > position else node.attribute(name)
        if isinstance(value, Form):
            raise ValueError(f"has a computed {name}, supported are constants")
        limit = sign * np.inf if value is None else float(np.asarray(value).reshape(()))
        limits.append(sign * np.inf if sign * limit >= _LARGEST else limit)
    return limits[0], limits[1]


def _maximum(node: Node, values: list[Value]) -> tuple[Form, Phi]:
    """max(x, 0) is how some exporters write a ReLU; the largest of one tensor is that tensor."""
    if len(values) == 1:
        return live(values[0]), IDENTITY
    tensors = [value for value in values if isinstance(value, Form)]
    zeros = [value for value in values if not isinstance(value, Form)]
    if len(tensors) != 1 or any(np.any(constant(value)) for value in zeros):
        raise ValueError("takes a maximum other than max(x, 0)")
    tensor = tensors[0]
    for zero in zeros:
        tensor = tensor.plus(constant(zero))
    return tensor, Phi("relu")


ACTIVATIONS: Final[dict[str, Callable[[Node, list[Value]], tuple[Form, Phi]]]] = {
    "Clip": _clip,
    "Elu": _sloped("elu"),
    "Gelu": _gelu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _named("hard_swish"),
    "LeakyRelu": _sloped("leaky_relu"),
    "Max": _maximum,
    "PRelu": _prelu,
    "Relu": _named("relu"),
    "Selu": _selu,
    "Sigmoid": _named("logistic"),
    "Softplus": _named("softplus"),
    "Softsign": _named("softsign"),
    "Swish": _swish,
    "Tanh": _named("tanh"),
}
