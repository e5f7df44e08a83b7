# SPDX-License-Identifier: MIT
"""Criticality: which neurons matter, alone and together, and why weights and gradients do not tell."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from withstand import _core
from withstand._answer import Answer, Told
from withstand._coerce import as_seconds, flag, shown, thread_count, whole
from withstand._inputs import either_word
from withstand._plural import counted
from withstand._progress import Line
from withstand._rehearsal import arguments_fit
from withstand._types import FloatArray
from withstand.model.deciding import decided
from withstand.model.domain import rows_of
from withstand.model.failures import Crash
from withstand.model.network import Network, as_network
from withstand.model.spec import Spec, asks_decisions
from withstand.questions.clock import Clock
from withstand.questions.enumeration import run
from withstand.questions.results import component_errors
from withstand.statement import Inputs
from withstand.uses import crash_sets
from withstand.uses.critical_pairs import Neuron, Pair, synergy
from withstand.uses.critical_scores import taylor, weight_norm
from withstand.uses.rank_correlation import rank_correlation

LayerArrays = tuple[FloatArray, ...]

#: Sets drawn for each neuron where all of them would be too many.
_DRAWN = 2000


@dataclass(frozen=True, eq=False)
class Score:
    """A cheap guess at criticality, held against the truth.

    Attributes
    ----------
    values : tuple of ndarray
        Per hidden layer, shape (N_l,).
    correlation : float
        Spearman's rank correlation with `Criticality.worst`.
    error : float
        What the k neurons that score highest do together (decisions: their harm); compare `Criticality.largest`.
    """

    values: LayerArrays
    correlation: float
    error: float


@dataclass(frozen=True, eq=False, repr=False)
class Criticality(Answer):
    """What each neuron does when it is among k crashed ones.

    Attributes
    ----------
    k : int
    worst, mean : tuple of ndarray
        Per hidden layer, shape (N_l,): largest and mean error over all sets of k crashes that contain the neuron and
        over all inputs (the error at an input is the worst over outputs). With `Argmax` harm to the decision, the lead
        of another class: some set that contains the neuron flips a class where its worst is at least 0.
    exact : bool
        Whether all sets were tried at all inputs; otherwise `worst` is at least reached and `mean` an estimate. Single
        crashes of graphs are evaluated to rounding, not canonically.
    sets : int
        Sets tried for each neuron.
    synergy : tuple of Pair
        The pairs with the largest synergy, largest first; empty for k = 1, for decisions, or where there is none.
    scores : dict of str to Score
        "weight norm": the norm of the weights out of a neuron. "taylor": mean |value x gradient|, worst over outputs.
    """

    k: int
    worst: LayerArrays
    mean: LayerArrays
    exact: bool
    sets: int
    synergy: tuple[Pair, ...]
    scores: dict[str, Score]

    @property
    def largest(self) -> float:
        """The largest error (decisions: harm) of any k crashes tried."""
        return max(float(layer.max()) for layer in self.worst)

    def ranking(self) -> tuple[Neuron, ...]:
        """Return all neurons, the most critical first."""
        worst = np.concatenate(self.worst)
        names = [(layer, i) for layer, values in enumerate(self.worst, start=1) for i in range(len(values))]
        return tuple(names[n] for n in np.argsort(-worst, kind="stable"))

    def _draw(self, axes: Any = None) -> Any:
        """Draw the worst errors as a heat map, one row per layer, and return the axes; needs matplotlib."""
        from withstand.plot import draw_heat

        return draw_heat(self.worst, f"worst {self._word} among {self.k} crashed", axes)

    def _rows(self) -> list[dict[str, Any]]:
        values = (np.concatenate(part).tolist() for part in (self.worst, self.mean))
        names = [(layer, i) for layer, part in enumerate(self.worst, start=1) for i in range(len(part))]
        return [{"layer": l, "neuron": i, "worst": w, "mean": m} for (l, i), w, m in zip(names, *values)]

    def _said(self) -> str:
        names = self.ranking()[:5]
        top = ", ".join(f"{name} {self.worst[name[0] - 1][name[1]]:.4g}" for name in names)
        how = "all" if self.exact else "random"
        tried = f"{how} {counted(self.sets, 'set')} for each neuron" if self.k > 1 else "each neuron alone"
        worst = "worst" if self._word == "error" else f"worst {self._word}"
        lines = [f"Criticality among {self.k} crashed ({tried})", f"  {worst:<7}  {top}"]
        for pair in self.synergy[:1]:
            (a, b), (alone_a, alone_b) = pair.neurons, pair.alone
            lines.append(f"  synergy  {a} with {b}: {pair.error:.4g}, alone {alone_a:.4g} + {alone_b:.4g}")
        top = "its first does" if self.k == 1 else f"its top {self.k} do"
        lines += [f"  {name}: rank correlation {score.correlation:.2f}, {top} {score.error:.4g} of {self.largest:.4g}"
                  for name, score in self.scores.items()]  # fmt: skip
        return "\n".join(lines)


@either_word
def criticality(
    net: Network,
    X: npt.ArrayLike,
    *,
    k: int = 1,
    spec: Spec = None,
    evaluations: int = 50_000_000,
    seed: int = 0,
    time_limit: float | None = 60.0,
    threads: int | None = None,
    progress: bool = False,
) -> Criticality:
    """Measure for every hidden neuron what happens when it is among `k` that crash.

    Parameters
    ----------
    net : Network
    X : array_like, shape (n, d) or (d,)
    k : int, default 1
        Size of the sets.
    spec : Argmax, optional
        Rank by what is done to the decision instead: harm, the lead of another class, which is at least 0 where the
        class flips. There is no synergy then: leads do not add up.
    evaluations : int, default 50,000,000
        Sets x inputs up to which all sets are tried; beyond, 2,000 random sets for each neuron.
    seed : int, default 0
    time_limit : float or None, default 60.0
        Seconds in all. When they are up, fewer inputs or sets were tried, the result is not `exact`, and synergies may
        be left out. None: no limit; the result is then the same on every machine.
    threads : int, optional
        For the enumeration.
    progress : bool, default False
        Say on standard error how far it is, and the worst so far.

    Returns
    -------
    Criticality

    Raises
    ------
    TypeError, ValueError
        If `k` is not between 1 and the number of hidden neurons, `X` does not fit, or `spec` is no `Argmax`.

    Notes
    -----
    Exact: one enumeration for each input, C(n, k) sets, serves all neurons. Neither weights nor gradients find the
    critical sets: `scores` shows how far off they are. What single words, synapses or channels do is told by
    `enumerate_failures(..., components=True)`.

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[1.0], [2.0], [3.0]], [[1.0, -1.0, 1.0]]])
    >>> found = ws.criticality(net, [[1.0]])
    >>> found.worst[0].tolist(), found.ranking()[0]
    ([1.0, 2.0, 3.0], (1, 2))
    >>> pair = ws.Network([[[1.0], [2.0], [3.0]], [[1.0, 1.0, 0.0], [0.0, 0.0, 0.5]]])
    >>> found = ws.criticality(pair, [[1.0]], spec=ws.Argmax())  # outputs 3 and 1.5: which neuron keeps the class?
    >>> found.worst[0].tolist(), found.ranking()[0]
    ([-0.5, 0.5, -3.0], (1, 1))
    """
    rows, asked, decisions = rows_of(as_network(net), X), (net, spec), asks_decisions(spec)
    k, evaluations, seed = whole(k, "k", least=-1), whole(evaluations, "evaluations"), whole(seed, "seed")
    thread_count(threads)
    line = Line(flag(progress, "progress"))
    clock = Clock(as_seconds(time_limit), line)
    if not 1 <= k <= net.n_neurons:
        raise ValueError(f"k must lie between 1 and the {net.n_neurons} hidden neurons, got {shown(k)}")
    net, spec = decided(net, spec)
    arguments_fit()
    sets = math.comb(net.n_neurons - 1, k - 1)
    exact = math.comb(net.n_neurons, k) * len(rows) <= evaluations
    with closing(line):
        if exact:
            worst, mean, tried = _enumerated(net, rows, k, spec, threads, clock)
            exact = tried == len(rows)
        else:
            worst, mean, sets = _drawn(net, rows, k, min(sets, _DRAWN), decisions, np.random.default_rng(seed), clock)
    ends = np.cumsum(net.widths[1:-1])[:-1]
    together = k > 1 and not decisions and math.comb(net.n_neurons, 2) * len(rows) <= evaluations
    how = "every set of crashes" if exact else "some sets of crashes, or some inputs: worst is at least what is told"
    told = Told(asked[0], Inputs.of(rows), Crash(k, exactly=True), f"{how}, evaluated in double precision",
                spec=asked[1], seed=None if sets == math.comb(net.n_neurons - 1, k - 1) else seed)  # fmt: skip
    return Criticality(
        k, tuple(np.split(worst, ends)), tuple(np.split(mean, ends)), exact, sets,
        synergy(net, rows, clock) if together else (),
        {name: _score(net, rows, values, worst, k, decisions) for name, values in
         (("weight norm", weight_norm(asked[0])), ("taylor", taylor(asked[0], rows)))},
        _told=told,
    )  # fmt: skip


def _enumerated(
    net: Network, rows: FloatArray, k: int, spec: Spec, threads: int | None, clock: Clock
) -> tuple[FloatArray, FloatArray, int]:
    """Return worst and mean over every set that contains the neuron, and every input; and how many inputs."""
    sites = crash_sets.components(net)
    worst, mean = np.full(len(sites), -np.inf), np.zeros(len(sites))
    # Whether a class flips is never left to rounding.
    tried, close = 0, 1e-9 * (1.0 + float(np.abs(net.forward(rows)).max()))
    for row in rows:
        if tried and clock.over():
            break
        clock.say(f"criticality: input {tried + 1:,} of {len(rows):,}{_so_far(worst)}")
        tried += 1
        if net.is_graph and k == 1:  # to rounding: a canonical evaluation of each would take minutes
            alone = np.array(_core.crash_errors(net._core, row, spec is not None))
            for n in np.flatnonzero(abs(alone) <= close) if spec is not None else ():
                alone[n] = crash_sets.harm_of(net, row[None], np.arange(len(alone)) == n, True)
            worst, mean = np.maximum(worst, alone), mean + alone
            continue
        found = run(net, Crash(k, exactly=True), row[None], spec=spec, threads=threads, components=True)
        errors = [of for _, of in component_errors(sites, found)]
        worst = np.maximum(worst, [of.worst for of in errors])
        mean += np.array([of.mean for of in errors])
    return worst, mean / tried, tried


def _drawn(
    net: Network, rows: FloatArray, k: int, sets: int, decisions: bool, rng: np.random.Generator, clock: Clock
) -> tuple[FloatArray, FloatArray, int]:
    """Return the same over random sets of each neuron; and how many: fewer where the first take too long."""
    n = net.n_neurons
    worst, mean = np.full(n, -np.inf), np.zeros(n)
    for neuron in range(n):
        clock.say(f"criticality: neuron {neuron + 1:,} of {n:,}{_so_far(worst)}")
        if math.isfinite(clock.left()) and neuron in (0, n // 2):  # what one set takes, and whether that was right
            started = clock.left()
            crash_sets.harms(net, rows, np.eye(n, dtype=bool)[:1], decisions)
            pace = max(started - clock.left(), 1e-9)
            sets = max(1, min(sets, int(clock.left() / pace / (n - neuron))))
        others = rng.random((sets, n))
        others[:, neuron] = -1.0
        failed = np.zeros((sets, n), dtype=bool)
        np.put_along_axis(failed, np.argpartition(others, k - 1, axis=1)[:, :k], True, axis=1)
        errors = np.array([crash_sets.harms(net, row[None], failed, decisions) for row in rows])
        worst[neuron], mean[neuron] = errors.max(), errors.mean()
    return worst, mean, sets


def _so_far(worst: FloatArray) -> str:
    """Return the worst that was seen, for the line of progress."""
    return "" if math.isinf(worst.max()) else f", worst {worst.max():.6g} so far"


def _score(
    net: Network, rows: FloatArray, values: FloatArray, worst: FloatArray, k: int, decisions: bool
) -> Score:
    """Return how well values rank the neurons, and what the first k by them do."""
    failed = np.zeros(len(values), dtype=bool)
    failed[np.argsort(-values, kind="stable")[:k]] = True
    ends = np.cumsum(net.widths[1:-1])[:-1]
    harm = crash_sets.harm_of(net, rows, failed, decisions)
    return Score(tuple(np.split(values, ends)), rank_correlation(values, worst), harm)
