# SPDX-License-Identifier: MIT
"""What a network computes under failures: values, each with a bound of its rounding error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from withstand._types import FloatArray
from withstand.certificate.activation_lines import EPS, TINY
from withstand.certificate.budget import Budget, Rejected
from withstand.certificate.components import Component
from withstand.certificate.exact import Exact
from withstand.certificate.formats import Flip
from withstand.certificate.lowering import Chain
from withstand.certificate.space import Name, Way

Failed = Sequence[tuple[Name, Way]]
#: Sets that are evaluated at once, and entries of the rows that these may change.
_BATCH, _ROOM = 2048, 4_000_000
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Found:
    """What sets of failures do: harms and bounds of their errors, shape (sets,).

    `unsure` marks the sets in which rounding leaves open which word a signal is; of these nothing else is known.
    """

    harm: FloatArray
    error: FloatArray
    unsure: Bools


@dataclass
class _Changes:
    """What failures change in one stage, set by set."""

    held: list[tuple[int, int, float]] = field(default_factory=list)  # set, neuron, what it transmits
    flipped: dict[Flip, list[tuple[int, int, Way]]] = field(default_factory=dict)
    entries: list[tuple[int, Component, float]] = field(default_factory=list)  # set, what, what it weighs


class Values:
    """A network at one input, with a goal.

    Parameters
    ----------
    chain : Chain
    x : ndarray
    goal : {"error", "argmax"}
    budget : Budget
    components : mapping of name to Component, optional
        What may fail; neurons of other names fail alone.

    Attributes
    ----------
    batch : int
        Sets of failures that may be evaluated at once.
    """

    def __init__(self, chain: Chain, x: FloatArray, goal: str, budget: Budget,
                 components: Mapping[Name, Component] | None = None) -> None:  # fmt: skip
        self._budget, self._x, self._goal, self.batch = budget, x, goal, _BATCH
        self._components = components or {}
        self.exact = Exact(chain, x, budget, self._components)
        self._weights, self._biases, self._phis, self._numbers = chain.weights, chain.biases, chain.phis, chain.numbers
        self._stages = {number: stage for stage, number in enumerate(chain.numbers) if number >= 0}
        self._gamma = 2 * EPS * (max(max(w.shape) for w in chain.weights) + 32)
        intact, error, _, _ = self._outputs([()])
        self._intact, self._intact_error = intact[0], error[0]
        self._class = int(np.argmax(self._intact))
        if goal == "argmax":
            self._settle_class(error[0])

    @property
    def predicted(self) -> int:
        """The intact network's class, with the goal "argmax"."""
        return self._class

    def _settle_class(self, error: FloatArray) -> None:
        c = self._class
        if len(self._intact) < 2:
            raise Rejected("a network with one output picks no class")
        lead = self._intact[c] - self._intact - error - error[c]
        unclear = [j for j in range(len(lead)) if j != c and not lead[j] > 0]
        if unclear and self.exact.possible:
            self._class = self.exact.first_largest()
        elif unclear:
            raise Rejected(f"outputs {sorted([c, *unclear])} are too close to say which class the network picks")

    def evaluating(self, sets: int) -> None:
        """Count the work of so many evaluations before it is done."""
        self._budget.spend("configurations to evaluate", sets)
        self._budget.spend("multiply-adds", sets * (3 * sum(w.size for w in self._weights) + 2000))

    def evaluating_components(self, sets: int, failures: int) -> None:
        """Count the work of so many evaluations of at most so many failed components before it is done."""
        widest = max((self._row_work(c) for c in self._components.values()), default=0)
        most = min(failures, len(self._components)) * widest
        self._budget.spend("multiply-adds of components", sets * (3 * sum(w.size for w in self._weights) + 4 * most))
        self.batch = max(1, min(_BATCH, _ROOM // max(1, most)))

    def _row_work(self, component: Component) -> int:
        """Return the entries of the rows that a component changes."""
        return len(component.rows) * (self._weights[component.stage - 1].shape[1] + 1) if component.stage else 0

    def harms(self, sets: Sequence[Failed]) -> Found:
        """Return the harms of sets of failures; infinite, by convention, where a word becomes no finite number."""
        y, error, unsure, endless = self._outputs(sets)
        if self._goal == "error":
            rounding = error + self._intact_error + EPS * (np.abs(y) + np.abs(self._intact))
            harm, off = np.abs(y - self._intact).max(axis=1), 2 * rounding.max(axis=1)
            still = [not failed for failed in sets]  # nothing fails: nothing is off, however a sum was rounded
            harm[still], off[still] = 0.0, 0.0
        else:
            others = np.delete(np.arange(y.shape[1]), self._class)
            harm = (y[:, others] - y[:, [self._class]]).max(axis=1)
            off = 2 * ((1 + EPS) * error.max(axis=1) + EPS * np.abs(y).max(axis=1))
        known = endless & ~unsure
        return Found(np.where(known, np.inf, harm), np.where(known, 0.0, off), unsure)

    def _outputs(self, sets: Sequence[Failed]) -> tuple[FloatArray, FloatArray, Bools, Bools]:
        """Return the outputs, shape (len(sets), m), bounds of their errors, and which sets are unsure or endless."""
        y, error = np.repeat(self._x[None], len(sets), axis=0), np.zeros((len(sets), len(self._x)))
        unsure, endless = np.zeros(len(sets), dtype=bool), np.zeros(len(sets), dtype=bool)
        changes = self._changes(sets)
        self._fail(changes[0], y, error, unsure, endless)
        for l, phi in enumerate(self._phis, start=1):
            s, off = self._sums(l, changes[l].entries, y, error)
            y = phi(s)
            least, most = phi.over(s - off, s + off)
            apart = np.maximum(most - y, y - least) * (1 + 4 * EPS)
            error = np.minimum(apart, phi.lipschitz * off * (1 + 4 * EPS) + phi.error(s, y))
            self._fail(changes[l], y, error, unsure, endless)
        return y, error, unsure, endless

    def _changes(self, sets: Sequence[Failed]) -> list[_Changes]:
        """Sort what fails by stages."""
        found = [_Changes() for _ in self._numbers]
        for n, failed in enumerate(sets):
            for name, way in failed:
                component = self._components.get(name)
                if component is not None and component.stage:
                    found[component.stage].entries.append((n, component, way.value))
                    continue
                for number, neuron in (name,) if component is None else component.neurons:
                    stage = found[self._stages[number]]
                    if way.flip is None:
                        stage.held.append((n, neuron, way.value))
                    else:
                        stage.flipped.setdefault(way.flip, []).append((n, neuron, way))
        return found

    def _fail(self, changes: _Changes, y: FloatArray, error: FloatArray, unsure: Bools, endless: Bools) -> None:
        """Let the neurons of a stage fail. What is no finite number is noted, and counts for 0 from here on."""
        for flip, these in changes.flipped.items():
            n, neuron, ways = (list(part) for part in zip(*these))
            scale, zero = np.array([way.scale for way in ways]), np.array([float(way.zero) for way in ways])
            masks = np.array([way.mask for way in ways], dtype=np.uint64)
            finite = np.abs(y[n, neuron]) + error[n, neuron] < 1e308
            value, off = (np.where(finite, part[n, neuron], 0.0) for part in (y, error))
            low, high = flip.words.between(value, off, scale, zero)
            sent = flip.replaced(low, masks, scale, zero)
            np.logical_or.at(unsure, n, (low != high) | ~finite)
            np.logical_or.at(endless, n, ~np.isfinite(sent))
            y[n, neuron], error[n, neuron] = np.where(np.isfinite(sent), sent, 0.0), 0.0
        if changes.held:
            n, neuron, values = (list(part) for part in zip(*changes.held))
            y[n, neuron], error[n, neuron] = values, 0.0

    def _sums(
        self, l: int, entries: list[tuple[int, Component, float]], y: FloatArray, error: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return what the neurons of a stage sum up, and bounds of the rounding errors."""
        w, b = self._weights[l - 1], self._biases[l - 1]
        s, size, spread = y @ w.T + b, np.abs(y) @ np.abs(w).T + np.abs(b), error @ np.abs(w).T
        if entries:
            sets, rows, weights = _rows(np.column_stack([w, b]), entries)
            heard = np.column_stack([y, np.ones(len(y))])[sets]
            off = np.column_stack([error, np.zeros(len(y))])[sets]
            s[sets, rows] = np.einsum("pc,pc->p", weights, heard)
            size[sets, rows] = np.einsum("pc,pc->p", np.abs(weights), np.abs(heard))
            spread[sets, rows] = np.einsum("pc,pc->p", np.abs(weights), off)
        return s, (spread + self._gamma * size) * (1 + self._gamma) + EPS * np.abs(s) + TINY


def _rows(
    whole: FloatArray, entries: list[tuple[int, Component, float]]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], FloatArray]:
    """Return the rows of a matrix that failures change: set, row and, shape (changed, columns), what is there."""
    ordered = sorted(entries, key=lambda entry: entry[1].dead)  # a dead synapse delivers nothing, whatever its weight
    lengths = [len(component.rows) for _, component, _ in ordered]
    sets = np.repeat([n for n, _, _ in ordered], lengths)
    values = np.repeat([value for _, _, value in ordered], lengths)
    rows = np.concatenate([component.rows for _, component, _ in ordered])
    columns = np.concatenate([component.columns for _, component, _ in ordered])
    changed, at = np.unique(sets * len(whole) + rows, return_inverse=True)
    weights = whole[changed % len(whole)]
    for dead in (False, True):
        mine = np.repeat([component.dead == dead for _, component, _ in ordered], lengths)
        weights[at[mine], columns[mine]] = values[mine]
    return changed // len(whole), changed % len(whole), weights
