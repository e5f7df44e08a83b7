# SPDX-License-Identifier: MIT
"""What the tensors of a program are while it is read: forms, constants, and activations that are not closed yet."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from withstand.model.activations import NAMES

from .affine import SOFTMAX
from .budget import extent
from .graph import Form, GraphBuilder
from .layers import Phi
from .torch_program import Node, Shape

__all__ = ["Closed", "Pending", "Signal", "Tracer", "Value", "is_constant"]

#: Limits of clips that are activations: which one, and what is added to its argument first.
_CLIPS: Final = {
    (0.0, math.inf): (Phi("relu"), 0.0),
    (0.0, 6.0): (Phi("relu6"), 0.0),
    (-1.0, 1.0): (Phi("hard_tanh"), 0.0),
    (0.0, 1.0): (Phi("clip"), -0.5),
}


@dataclass(eq=False)
class Pending:
    """A function of one tensor's entries that may be a part of an activation: it becomes neurons once it is read.

    x * sigmoid(x) is one layer of silu, not one of sigmoids that is multiplied; max(0, min(6, x)) is one of relu6.

    Parameters
    ----------
    kind : {"phi", "clip", "part"}
    source : value
        The argument.
    parameters : tuple
        The `Phi`; the limits; or what the part computes, as ("exp",).
    """

    kind: str
    source: Any
    parameters: tuple[Any, ...]
    shape: Shape
    label: str = ""
    signal: Signal | None = None


@dataclass(frozen=True, eq=False)
class Closed:
    """What a softmax returns: its argument, which nothing but moving data may follow."""

    logits: Signal

    @property
    def shape(self) -> Shape:
        """The tensor's shape."""
        return self.logits.shape


@dataclass(frozen=True, eq=False)
class Signal:
    """A tensor that depends on the inputs.

    Parameters
    ----------
    form : Form
    label : str
        What its neurons are called if it becomes some.
    made : tuple
        How it was made of another value with a stored number: ("+" or "*", the value, the number); else empty.
    """

    form: Form
    label: str = ""
    made: tuple[Any, ...] = ()

    def made_by(self, sign: str, value: Any) -> Any:
        """Return the number where this is its sum with the value, or their product; else None."""
        return self.made[2] if self.made[:1] == (sign,) and self.made[1] is value else None

    @property
    def shape(self) -> Shape:
        """The tensor's shape."""
        return tuple(self.form.shape)


Value: TypeAlias = Signal | Pending | Closed | NDArray[Any] | float | int | bool


def is_constant(value: Any) -> bool:
    """Whether a value does not depend on the inputs."""
    return isinstance(value, np.ndarray | np.generic | float | int | bool)


@dataclass
class Tracer:
    """The builder, and what operators share.

    Forms have the shapes of the program's tensors, whose first axis is the batch of one example; layers are built
    without it.
    """

    builder: GraphBuilder
    node: Node = field(default_factory=lambda: Node("", "", {}, ()))
    called: dict[str, int] = field(default_factory=dict)

    def begin(self, node: Node) -> None:
        """Take note of the node that runs now."""
        self.node = node

    @property
    def here(self) -> str:
        """What neurons are called that this node's weights make."""
        return self.node.place or self.node.name

    def room(self, *shapes: Any) -> None:
        """Charge for a tensor of these shapes, broadcast, that is about to be made."""
        self.builder.account.array(extent(np.broadcast_shapes(*(tuple(map(int, shape)) for shape in shapes))))

    def batched(self, form: Form, label: str = "") -> Signal:
        """Return a form with the axis of the batch in front."""
        return Signal(self.builder.reshape(form, (1, *form.shape)), label)

    def inner(self, value: Any) -> Form:
        """Return a value as a form without the axis of the batch, where it has one."""
        form = self.signal(value).form
        shape = tuple(form.shape)
        return self.builder.reshape(form, shape[1:]) if len(shape) > 1 and shape[0] == 1 else form

    def like(self, form: Form, value: Any, shape: Shape | None = None) -> Signal:
        """Return a form that moves, scales or shifts a value, in the given shape."""
        if shape is not None and tuple(form.shape) != tuple(shape):
            form = self.builder.reshape(form, tuple(shape))
        return Signal(form, value.label)

    def shared(self, signal: Signal) -> Signal:
        """Return a tensor that several nodes read: weights that make it stay in one layer."""
        form = self.builder.shared(self.inner(signal), name=signal.label or self.here)
        return replace(self.like(form, signal, signal.shape), made=signal.made)

    def signal(self, value: Any) -> Signal:
        """Return a value as a form; activations become neurons."""
        if isinstance(value, Closed):
            raise ValueError(SOFTMAX)
        if isinstance(value, Signal):
            return value
        if isinstance(value, Pending):
            if value.signal is None:
                value.signal = Signal(self._close(value))  # what is made of these neurons is not called like them
            return value.signal
        raise ValueError(f"reads {type(value).__name__} where a tensor that depends on the inputs is supported")

    def activation(self, value: Any, phi: Phi) -> Pending:
        """Return an activation of a value, not closed yet."""
        return self._pending("phi", value, phi)

    def clip(self, value: Any, lower: float, upper: float) -> Pending:
        """Return a value clipped to [lower, upper], not closed yet."""
        if isinstance(value, Pending) and value.kind == "clip" and value.signal is None:
            low, high = value.parameters
            lower, upper = min(max(low, lower), upper), min(max(high, lower), upper)
            value = value.source
        return self._pending("clip", value, float(lower), float(upper))

    def part(self, value: Any, *what: Any) -> Pending:
        """Return what is no activation, but may become one with the next operator."""
        return self._pending("part", value, *what)

    def is_part(self, value: Any, *what: Any) -> bool:
        """Whether a value is that part."""
        return isinstance(value, Pending) and value.kind == "part" and value.parameters == what

    def _pending(self, kind: str, value: Any, *parameters: Any) -> Pending:
        if isinstance(value, Closed):
            raise ValueError(SOFTMAX)
        if is_constant(value):
            raise ValueError("is applied to a stored tensor, which is not supported: store the result instead")
        label = value.label if isinstance(value, Signal) else ""  # an activation becomes neurons of its own name
        return Pending(kind, value, parameters, tuple(value.shape), label or self.here)

    def _close(self, value: Pending) -> Form:
        if value.kind == "part":
            raise ValueError(f"reads {value.parameters[0]} of a computed tensor, which is no supported activation")
        form = self.inner(value.source)
        if value.kind == "clip":
            if value.parameters not in _CLIPS:
                low, high = value.parameters
                if self.builder.is_input(form):
                    clipped = self.builder.clip_input(form, low, high, name=value.label)
                    return self.builder.reshape(clipped, value.shape)
                raise ValueError(f"clips to [{low:g}, {high:g}], supported are [0, inf], [0, 6], [-1, 1] and [0, 1]")
            phi, shift = _CLIPS[value.parameters]
            form = self.builder.shift(form, np.asarray(shift)) if shift else form
        else:
            (phi,) = value.parameters
            if phi.name not in NAMES:
                raise ValueError(f"{phi.name} is no supported activation, known are {', '.join(NAMES)}")
        name = self.distinct(value.label)
        return self.builder.reshape(self.builder.activate(form, phi, name=name), value.shape)

    def distinct(self, label: str) -> str:
        """Return a name that no layer of neurons has yet: of one module that is run twice, the second has a number."""
        self.called[label] = self.called.get(label, 0) + 1
        if self.called[label] == 1:
            return label
        return self.distinct(f"{label}_{self.called[label] - 1}")
