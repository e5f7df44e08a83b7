# SPDX-License-Identifier: MIT
"""The result of an enumeration."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from withstand import _core
from withstand._answer import Answer
from withstand._coerce import real_array, shown
from withstand._result import Result
from withstand._types import Component, FloatArray
from withstand.model.witness import Witness


@dataclass(frozen=True, eq=False, repr=False)
class Histogram(Result):
    """How many configurations have an error in each bin.

    Attributes
    ----------
    edges : ndarray, shape (bins + 1,)
        Increasing; bin i holds errors in [edges[i], edges[i+1]). Below 2^-64 in size there is one bin on each side of
        0, which nonnegative errors share with 0 itself: scale a network whose errors are that small.
    counts : ndarray of int64, shape (bins,)
    """

    edges: FloatArray
    counts: npt.NDArray[np.int64]

    def _rows(self) -> list[dict[str, Any]]:
        ends, counts = self.edges.tolist(), self.counts.tolist()
        return [{"from": low, "to": high, "count": n} for low, high, n in zip(ends[:-1], ends[1:], counts)]

    def __repr__(self) -> str:
        if len(self.counts) == 0:
            return "Histogram: nothing"
        ends = f"{self.edges[0]:.6g} to {self.edges[-1]:.6g}"
        return f"Histogram: {int(self.counts.sum()):,} errors in {len(self.counts):,} bins, {ends}"

    def _draw(self, axes: Any = None) -> Any:
        """Draw how many configurations have which error, and return the axes; needs matplotlib."""
        from withstand._pictures import draw_histogram

        return draw_histogram(self, axes)


class ComponentErrors(NamedTuple):
    """What the configurations do that have a component among the failed.

    Attributes
    ----------
    worst : float
        Their largest error (decisions: harm), by the canonical evaluation.
    mean : float
        Their mean error, to rounding; the same bits for any number of threads and shards.
    configurations : int
        How many there are.
    """

    worst: float
    mean: float
    configurations: int


@dataclass(frozen=True, eq=False, repr=False)
class Enumeration(Answer):
    """What `enumerate_failures` found. Statistics are over configurations; the error of a configuration is the worst
    over all inputs and outputs.

    Attributes
    ----------
    status : {"complete", "interrupted"}
        An interrupted run speaks of the `done` configurations it has seen, nothing more.
    done, configurations : int
        Configurations evaluated, and in the whole space.
    evaluations : int
        `done` times the number of inputs.
    worst : float
        Largest error (decisions: harm), by the canonical evaluation.
    witness : Witness or None
        A configuration that attains it: fewest failures, then first components, then first input. None where nothing
        was evaluated.
    mean, std : float
        Mean and population standard deviation of the errors, summed exactly and rounded once, however small they are;
        errors above 1e150 make `std` infinite, for their squares leave the range of doubles.
    rounding : float
        How far, at most, an error that enters `mean`, `std`, the histogram or the components' means may be from its
        canonical evaluation: it comes from a batch that updates signals, failure by failure. `worst`, `top`,
        `exceeding` and the components' worst errors are canonical.
    per_output : ndarray, shape (m,)
        Worst error of each output.
    top : tuple of Witness
        The worst configurations, worst first.
    histogram : Histogram
    resolution : float
        Relative width of the histogram's bins, and so the relative precision of `quantile` (of errors of at least
        2^-64).
    exceeding : float or None
        Share of configurations with error above epsilon (decisions: harm at least 0); None without epsilon.
    seconds : float
        Wall-clock time.
    infinite : int
        Configurations in which a way to fail makes a number that is infinite or none: infinite errors by convention,
        which make `mean` and `std` infinite. The histogram is of the others.
    components : dict of component to ComponentErrors, or None
        Of every component that is among the failed of some configuration evaluated, sorted; a component is a neuron
        (layer, neuron) or a synapse (layer of the receiver, to, from), whichever way it failed. None where not asked
        for.
    """  # noqa: D205

    status: str
    done: int
    configurations: int
    evaluations: int
    worst: float
    witness: Witness | None
    mean: float
    std: float
    rounding: float
    per_output: FloatArray
    top: tuple[Witness, ...]
    histogram: Histogram
    resolution: float
    exceeding: float | None
    seconds: float
    components: dict[Component, ComponentErrors] | None = None
    infinite: int = 0
    _least: float = field(default=math.nan)

    def _rows(self) -> list[dict[str, Any]]:
        if not self.components:
            return super()._rows()
        return [{"component": str(name), **errors._asdict()} for name, errors in self.components.items()]

    def _draw(self, axes: Any = None) -> Any:
        """Draw the histogram, and return the axes; needs matplotlib."""
        from withstand._pictures import draw_histogram

        axes = draw_histogram(self.histogram, axes)
        axes.set_xlabel(self._word)
        return axes

    def quantile(self, q: npt.ArrayLike) -> float | FloatArray:
        """Return the error that a share `q` of the configurations does not exceed, to within `resolution`.

        Parameters
        ----------
        q : float or array_like in [0, 1]
            0 gives the smallest and 1 the worst error.

        Returns
        -------
        float, or ndarray of the shape of `q`

        Raises
        ------
        ValueError
            If a share is outside [0, 1], or nothing was evaluated.
        """
        shares = real_array(q, "q")
        if not ((shares >= 0) & (shares <= 1)).all():
            raise ValueError(f"quantile: shares q must lie in [0, 1], got {shown(q)}")
        if self.done == 0:
            raise ValueError("quantile: no configuration was evaluated")
        ranks = np.ceil(shares * self.done).clip(1, self.done)
        finite = np.cumsum(self.histogram.counts)
        bins = np.searchsorted(finite, ranks, side="left").clip(0, max(0, len(finite) - 1))
        if len(finite) == 0:
            return math.inf if ranks.ndim == 0 else np.full(ranks.shape, math.inf)
        middle = (self.histogram.edges[bins] + self.histogram.edges[bins + 1]) / 2
        errors = np.where(ranks <= 1, self._least, np.where(ranks >= self.done, self.worst, middle))
        errors = np.where(ranks > self.done - self.infinite, math.inf, errors.clip(self._least, self.worst))
        return float(errors) if errors.ndim == 0 else errors

    def critical(self) -> tuple[Component, ...]:
        """Return the components, the worst first, equally bad ones by their mean.

        Raises
        ------
        ValueError
            If the enumeration was not asked for `components`.
        """
        if self.components is None:
            raise ValueError("critical: ask for it by enumerate_failures(..., components=True)")
        errors = self.components
        return tuple(sorted(errors, key=lambda c: (-errors[c].worst, -errors[c].mean)))

    def _said(self) -> str:
        share = "" if self.exceeding is None else f"\n  exceeding       {self.exceeding:.6g}"
        done = "" if self.status == "complete" else f" of {self.configurations:,}"
        return (
            f"Enumeration ({self.status})\n"
            f"  configurations  {self.done:,}{done}\n"
            f"  evaluations     {self.evaluations:,} in {self.seconds:.3g} s\n"
            f"  worst           {self.worst:.6g}\n"
            f"  mean, std       {self.mean:.6g}, {self.std:.6g}{share}\n"
            f"  witness         {self.witness}"
            f"{self._most_critical()}"
        )

    def _most_critical(self) -> str:
        if not self.components:
            return ""
        return "\n  critical        " + ", ".join(f"{c} {self.components[c].worst:.4g}" for c in self.critical()[:5])


def moments(statistics: _core.Statistics) -> tuple[float, float]:
    """Return mean and population standard deviation from the exact sums, each rounded once."""
    count = int(statistics.count)
    if count == 0:
        return math.nan, math.nan
    if int(statistics.infinite):
        return math.inf, math.inf
    total = _exact(statistics.sum)
    mean = total / (count * _UNIT)
    if int(statistics.large):
        return mean, math.inf
    # In units of the smallest double / faint_scale^2. The scale is a power of two: its product with a unit is exact.
    scale = int(_core.faint_scale) ** 2
    squares = _exact(statistics.squares) * scale + _exact(statistics.faint)
    return mean, _root(squares * count * _UNIT - total * total * scale, count * count * _UNIT * _UNIT * scale)


def _root(numerator: int, denominator: int) -> float:
    """Return the square root of a quotient, itself rounded once: it is first brought near 1 by a power of four."""
    if numerator <= 0:  # squares are kept to some 100 bits, so that equal errors may leave less than nothing
        return 0.0
    half = (numerator.bit_length() - denominator.bit_length()) // 2
    near = numerator / (denominator << 2 * half) if half >= 0 else (numerator << -2 * half) / denominator
    return math.ldexp(math.sqrt(near), half)


def component_errors(
    sites: Sequence[Component], statistics: _core.Statistics
) -> Iterator[tuple[Component, ComponentErrors]]:
    """Yield what is known of each component that failed, of `sites` in the engine's order."""
    for index, count, total, worst, infinite in statistics.components[1]:
        yield sites[index], ComponentErrors(worst, math.inf if infinite else _exact(total) / (count * _UNIT), count)


def histogram(statistics: _core.Statistics) -> Histogram:
    """Return the bins that hold something; a run of empty bins between two of them is one bin."""
    first, counts = statistics.histogram
    filled = np.concatenate([[True], counts > 0, [True]])
    kept = np.flatnonzero(filled[:-1] | filled[1:])
    merged = np.add.reduceat(counts, kept[:-1]) if len(kept) > 1 else counts
    # A negative bin reaches from its upper magnitude to its lower one: shift its edges by one.
    keys = first + kept
    return Histogram(_core.histogram_edge(np.where(keys >= 0, keys, keys - 1)), merged.astype(np.int64))


def _exact(digits: tuple[int, list[int]]) -> int:
    """Return an exact sum in units of the smallest double."""
    first, values = digits
    total = 0
    for value in reversed(values):
        total = (total << 32) + value
    return total << (32 * first)


#: 1 in units of the smallest double.
_UNIT = 1 << 1074
