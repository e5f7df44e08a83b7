# SPDX-License-Identifier: MIT
"""Activations: phi(gain * s)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from withstand import _core
from withstand._coerce import did_you_mean, real, shown
from withstand._types import FloatArray

#: Names of the activations, as `Network` and `Activation` take them.
NAMES: tuple[str, ...] = tuple(name for name, *_ in _core.known_activations())

#: Those that take a slope, and the slope they have without one.
DEFAULT_SLOPES: dict[str, float] = {n: slope for n, slope, *_ in _core.known_activations() if not math.isnan(slope)}

#: Those that are piecewise linear.
PIECEWISE_LINEAR: tuple[str, ...] = tuple(name for name, _, linear, _ in _core.known_activations() if linear)


class Activation:
    """An activation function s -> phi(gain * s).

    Parameters
    ----------
    name : str
        One of `withstand.model.activations.NAMES`, as "logistic" 1/(1+e^-s), "relu", "hard_tanh"
        min(1, max(-1, s)) or "clip" min(1, max(0, s + 1/2)). The guide lists the definitions.
    gain : float, default 1.0
        Positive factor on the pre-activation. The Lipschitz constant is gain * Lip(phi): 1/4 * gain for the
        logistic function.
    slope : float, optional
        The parameter of an activation that has one: negative slope of leaky_relu (default 0.01), alpha of elu
        (default 1).

    Raises
    ------
    ValueError
        For an unknown name, a gain that is not positive and finite, or a slope that is negative or not taken.

    Examples
    --------
    >>> import withstand as ws
    >>> ws.Activation("logistic", gain=4.0).lipschitz
    1.0
    >>> ws.Activation("clip")([-1.0, 0.0, 1.0])
    array([0. , 0.5, 1. ])
    """

    __slots__ = ("_core",)

    def __init__(self, name: str, gain: float = 1.0, slope: float | None = None) -> None:
        if not isinstance(name, str):
            raise TypeError(f"an activation is named by a string, got {shown(name)}")
        given = math.nan if slope is None else real(slope, "slope")
        try:
            self._core = _core.Activation(name, real(gain, "gain"), given)
        except ValueError as error:
            if name in NAMES:
                raise
            raise ValueError(f"{error}{did_you_mean(name, NAMES)}") from None

    @property
    def name(self) -> str:
        """Name of phi."""
        return str(self._core.name)

    @property
    def gain(self) -> float:
        """Factor on the pre-activation."""
        return float(self._core.gain)

    @property
    def slope(self) -> float | None:
        """The activation's parameter, as leaky_relu's negative slope or elu's alpha; None where it has none."""
        slope = float(self._core.slope)
        return None if math.isnan(slope) else slope

    @property
    def lipschitz(self) -> float:
        """Lipschitz constant K = gain * Lip(phi)."""
        return float(self._core.lipschitz)

    @property
    def range(self) -> tuple[float, float]:
        """Infimum and supremum of phi, possibly infinite."""
        return float(self._core.infimum), float(self._core.supremum)

    @property
    def nondecreasing(self) -> bool:
        """Whether phi never falls."""
        return bool(self._core.nondecreasing)

    @property
    def piecewise_linear(self) -> bool:
        """Whether phi consists of straight pieces."""
        return bool(self._core.piecewise_linear)

    def modulus(self, eta: float) -> float:
        """Largest change of the activation when its argument moves by `eta` >= 0 (rounded up)."""
        return float(self._core.modulus(real(eta, "eta")))

    def __call__(self, s: npt.ArrayLike) -> FloatArray:
        """Apply the activation elementwise."""
        return np.asarray(self._core(np.asarray(s, dtype=np.float64)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Activation) and bool(self._core == other._core)

    def __hash__(self) -> int:
        return hash((self.name, self.gain, self.slope))

    def __reduce__(self) -> tuple[type[Activation], tuple[str, float, float | None]]:
        return Activation, (self.name, self.gain, self.slope)

    def __repr__(self) -> str:
        parts = [repr(self.name)]
        if self.gain != 1.0:
            parts.append(f"gain={self.gain!r}")
        if self.slope is not None:
            parts.append(f"slope={self.slope!r}")
        return f"Activation({', '.join(parts)})"


ActivationLike = str | Activation


def as_activation(value: ActivationLike) -> Activation:
    """Return `value`, a name or an `Activation`, as an `Activation`."""
    if isinstance(value, Activation):
        return value
    if isinstance(value, str):
        return Activation(value)
    raise TypeError(f"an activation is a name or a withstand.Activation, got {shown(value)}")


def per_layer(value: ActivationLike | Sequence[ActivationLike], depth: int) -> tuple[Activation, ...]:
    """Return one `Activation` per hidden layer from one for all, or from a sequence of `depth`."""
    if isinstance(value, (str, Activation)):
        return (as_activation(value),) * depth
    if not isinstance(value, Iterable):
        raise TypeError(f"an activation is a name or a withstand.Activation, got {shown(value)}")
    activations = tuple(as_activation(v) for v in value)
    if len(activations) != depth:
        raise ValueError(f"{len(activations)} activations for {depth} hidden layers")
    return activations
