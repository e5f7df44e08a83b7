# SPDX-License-Identifier: MIT
"""Delays of signals, and how long the first q of n take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from withstand._coerce import choice, finite, shown
from withstand._types import FloatArray

#: Names of the distributions with the default of their parameter, where they have one.
LATENCIES: dict[str, float | None] = {"exponential": None, "uniform": None, "pareto": 3.0, "lognormal": 1.0}


@dataclass(frozen=True)
class Latency:
    """A distribution of delays, independent and the same for all signals.

    Parameters
    ----------
    name : {"exponential", "uniform", "pareto", "lognormal"}
        Exponential of mean 1, uniform on [0, 1], Pareto on [1, inf) with P(T > t) = t^-shape, exp(shape * normal).
    shape : float, optional
        Default 3 for "pareto" (more than 1, or the mean is infinite), 1 for "lognormal"; the others have none.

    Raises
    ------
    ValueError
        For an unknown name or a shape out of range.

    Examples
    --------
    >>> from withstand.latency import Latency
    >>> round(Latency("exponential").expected(10, 9), 5)
    1.92897
    """

    name: str
    shape: float | None = None

    def __post_init__(self) -> None:
        default = LATENCIES[choice(self.name, "latency", tuple(LATENCIES))]
        if default is None and self.shape is not None:
            raise ValueError(f"{self.name} latency has no shape, got {self.shape}")
        if self.shape is None:
            object.__setattr__(self, "shape", default)
        elif not finite(self.shape, f"the shape of {self.name} latency") > (self.name == "pareto"):
            least = 1 if self.name == "pareto" else 0
            raise ValueError(f"the shape of {self.name} latency must be more than {least}, got {self.shape}")

    def draw(self, rng: np.random.Generator, size: tuple[int, ...]) -> FloatArray:
        """Return independent delays."""
        if self.name == "exponential":
            return rng.exponential(size=size)
        if self.name == "uniform":
            return rng.random(size)
        if self.name == "pareto":
            return np.asarray(1 + rng.pareto(self._shape, size))
        return rng.lognormal(0.0, self._shape, size)

    def expected(self, n: int, quorum: int) -> float:
        """Return the mean of the quorum-th smallest of `n` delays; 0 for an empty quorum."""
        if not 0 <= quorum <= n:
            raise ValueError(f"a quorum of {quorum} among {n} signals")
        if quorum == 0:
            return 0.0
        if self.name == "exponential":
            return math.fsum(1 / i for i in range(n - quorum + 1, n + 1))
        if self.name == "uniform":
            return quorum / (n + 1)
        if self.name == "pareto":
            a, left = 1 / self._shape, n - quorum + 1
            return math.exp(math.lgamma(n + 1) + math.lgamma(left - a) - math.lgamma(left) - math.lgamma(n + 1 - a))
        return _lognormal(n, quorum, self._shape)

    @property
    def _shape(self) -> float:
        assert self.shape is not None
        return self.shape


LatencyLike: TypeAlias = "str | tuple[str, float] | Latency"


def as_latency(value: LatencyLike) -> Latency:
    """Return a name, a pair (name, shape) or a `Latency` as a `Latency`."""
    if isinstance(value, Latency):
        return value
    if isinstance(value, str):
        return Latency(value)
    given: Any = value  # whatever it was called with
    if isinstance(given, tuple) and len(given) == 2:
        return Latency(*given)
    raise TypeError(f"latency must be a name, (name, shape) or a Latency, got {shown(value)}")


def _lognormal(n: int, quorum: int, sigma: float) -> float:
    """Mean of e^(sigma z) under the density of the order statistic of n normals, by the trapezoidal rule.

    The integrand is smooth and vanishes at both ends, where the rule converges faster than any power of the step.
    """
    z = np.linspace(-12.0, 12.0 + 2 * sigma, 6001)
    below = np.array([math.log(0.5 * math.erfc(-v / math.sqrt(2))) for v in z])
    above = np.array([math.log(max(0.5 * math.erfc(v / math.sqrt(2)), 1e-320)) for v in z])
    choose = math.log(quorum) + math.lgamma(n + 1) - math.lgamma(quorum + 1) - math.lgamma(n - quorum + 1)
    density = choose + (quorum - 1) * below + (n - quorum) * above - z**2 / 2 - 0.5 * math.log(2 * math.pi)
    return float(np.exp(density + sigma * z).sum() * (z[1] - z[0]))
