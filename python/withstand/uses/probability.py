# SPDX-License-Identifier: MIT
"""Independent failures: how many fail, which ones, and what a count of exceedances says of a probability."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from withstand._coerce import SAMPLES, real_array, share, shown, whole
from withstand._types import FloatArray
from withstand.model.network import Network, as_network

Probabilities: TypeAlias = "float | Sequence[float] | Sequence[Sequence[float]] | npt.NDArray[Any]"


def per_neuron(net: Network, p: Probabilities) -> FloatArray:
    """Return the failure probability of every hidden neuron, layer after layer, shape (n_neurons,).

    `p` is one number, one per hidden layer, one array per hidden layer, or one flat array.

    Raises
    ------
    TypeError, ValueError
        If it is none of these, or a probability lies outside [0, 1].
    """
    widths = as_network(net).widths[1:-1]
    if isinstance(p, (list, tuple)) and any(isinstance(part, (list, tuple)) or getattr(part, "ndim", 0) for part in p):
        parts = [real_array(part, f"p of layer {n}") for n, part in enumerate(p, start=1)]
        if len(parts) != net.depth:
            raise ValueError(f"p has {len(parts)} parts for {net.depth} hidden layers")
        for n, (part, width) in enumerate(zip(parts, widths), start=1):
            if part.ndim > 1 or part.size not in (1, width):
                raise ValueError(f"p of layer {n} has shape {part.shape}, the layer has {width} neurons")
        values = np.concatenate([np.broadcast_to(part, width) for part, width in zip(parts, widths)])
    else:
        given = real_array(p, "p")
        if given.ndim == 0:
            values = np.full(sum(widths), float(given))
        elif given.shape == (net.depth,):
            values = np.repeat(given, widths)
        elif given.shape == (sum(widths),):
            values = given
        else:
            known = f"a number, {net.depth} for the layers or {sum(widths)} for the neurons"
            raise ValueError(f"p has shape {given.shape}: expected {known}")
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"p must lie in [0, 1], got {values[(values < 0) | (values > 1)][0]}")
    return values


def counts_table(p: FloatArray, most: int) -> FloatArray:
    """Return T of shape (n + 1, most + 2): T[i, j] is the probability that j of the neurons i, i+1, ... fail.

    The last column is the probability that more than `most` do. Only products and sums of nonnegative numbers: every
    entry has a relative error below 4 n 2^-53.
    """
    table = np.zeros((len(p) + 1, most + 2))
    table[len(p), 0] = 1.0
    for i in range(len(p) - 1, -1, -1):
        after = table[i + 1]
        table[i] = (1 - p[i]) * after
        table[i, 1:] += p[i] * after[:-1]
        table[i, -1] = after[-1] + p[i] * after[-2]
    return table


def draw(
    p: FloatArray, table: FloatArray, levels: npt.NDArray[np.int64], rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Draw failure sets with the given numbers of failures; True where a neuron fails, shape (len(levels), n).

    Each set has its probability under independent failures, given its size.
    """
    failed = np.zeros((len(levels), len(p)), dtype=bool)
    left = levels.copy()
    for i in range(len(p)):
        here = table[i, left]
        fails = p[i] * np.where(left > 0, table[i + 1, left - 1], 0.0)
        failed[:, i] = rng.random(len(left)) * here < fails
        left -= failed[:, i]
    return failed


def clopper_pearson(exceeding: int, samples: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Clopper-Pearson interval of a proportion: `exceeding` of `samples` independent trials.

    Each end leaves (1 - confidence) / 2 to one binomial tail; found by bisection of the exact tail, outward.

    Raises
    ------
    ValueError
        Unless 0 <= exceeding <= samples, 1 <= samples <= 1e8 and 0 < confidence < 1.

    Examples
    --------
    >>> from withstand.probability import clopper_pearson
    >>> [round(end, 10) for end in clopper_pearson(3, 100)]
    [0.0062299715, 0.085176053]
    """
    exceeding, samples = whole(exceeding, "exceeding", least=-1), whole(samples, "samples", least=-1, most=SAMPLES)
    if not 0 <= exceeding <= samples or samples < 1:
        raise ValueError(f"{shown(exceeding)} of {shown(samples)} trials is no proportion")
    confidence = share(confidence, "confidence")
    half = (1 - confidence) / 2
    lower = 1 - _largest(samples - exceeding, samples, half)
    return max(lower, 0.0), _largest(exceeding, samples, half)


#: Terms of a binomial tail that are added one by one; a geometric series bounds those before them.
_TERMS = 100_000


@lru_cache(maxsize=256)
def _largest(k: int, m: int, tail: float) -> float:
    """Largest q with P(Bin(m, q) <= k) >= tail."""
    if k == m:
        return 1.0
    first = max(0, k - _TERMS)
    i = np.arange(first, k + 1)
    logs = np.array([math.lgamma(m + 1) - math.lgamma(j + 1) - math.lgamma(m - j + 1) for j in i.tolist()])
    low, high = k / m, 1.0
    while high - low > 1e-14 * high and low < (middle := (low + high) / 2) < high:
        terms = np.exp(logs + i * math.log(middle) + (m - i) * math.log1p(-middle))
        ratio = first * (1 - middle) / ((m - first + 1) * middle)  # of terms before the first: below 1 and falling
        at_most = terms.sum() + terms[0] * ratio / (1 - ratio)
        low, high = (middle, high) if at_most >= tail else (low, middle)
    return high


#: Share of the capital that is staked at most: less is safer, more pays sooner where there are few values.
_MOST = 0.75


def bounded_mean(values: FloatArray, confidence: float = 0.95) -> tuple[float, float]:
    """Return an interval for the mean of independent numbers in [0, 1] that are distributed alike, in whatever way.

    It holds with `confidence` for every number of values. Nothing is approximated: the capital of somebody who bets
    against a mean, and stakes no more than he has, exceeds 2 / (1 - confidence) with a chance of at most half of
    1 - confidence if that mean is the true one (Ville); the means that nobody got as rich against are left. Stakes
    follow the variance seen so far (Waudby-Smith and Ramdas, JRSS B 2024), so that narrow distributions have narrow
    intervals. Depends on the order of the values.

    Examples
    --------
    >>> import numpy as np
    >>> from withstand.probability import bounded_mean
    >>> low, high = bounded_mean(np.tile([0.94, 0.96], 500))
    >>> 0.94 < low < 0.95 < high < 0.96
    True
    """
    x = real_array(values, "values", 1)
    if not (len(x) and (x >= 0).all() and (x <= 1).all()):
        raise ValueError(f"values must be numbers in [0, 1], at least one, got {shown(values)}")
    odds = math.log(2 / (1 - share(confidence, "confidence")))
    stakes = _stakes(x, odds)
    return _least_mean(x, stakes, odds), 1 - _least_mean(1 - x, stakes, odds)


def _stakes(x: FloatArray, odds: float) -> FloatArray:
    """What to bet on each value, from those before it."""
    seen = np.arange(1, len(x) + 1)
    means = (0.5 + np.cumsum(x)) / (seen + 1)
    spread = (0.25 + np.cumsum((x - means) ** 2)) / (seen + 1)
    before = np.concatenate([[0.25], spread[:-1]])
    return np.asarray(np.sqrt(2 * odds / (len(x) * before)))


def _least_mean(x: FloatArray, stakes: FloatArray, odds: float) -> float:
    """The smallest mean against which betting that it is larger does not make rich; found by bisection, outward."""

    def gain(mean: float) -> float:  # falls with the mean: so does every factor
        return float(np.log1p(np.minimum(stakes, _MOST / mean) * (x - mean)).sum())

    low, high = 0.0, float(x.mean())
    while high - low > 1e-12 and low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if gain(middle) >= odds else (low, middle)
    return low


def quantile_interval(values: FloatArray, q: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return values between which the quantile `q` of their distribution lies, whatever it is, with `confidence`.

    Order statistics: how many values lie below a quantile is binomial. An end is infinite where there are too few
    values for it.

    Examples
    --------
    >>> import numpy as np
    >>> from withstand.probability import quantile_interval
    >>> quantile_interval(np.arange(1000.0), 0.5)
    (468.0, 531.0)
    """
    ordered, tail = np.sort(real_array(values, "values", 1)), (1 - share(confidence, "confidence")) / 2
    n, q = len(ordered), share(q, "q")
    k = np.arange(n + 1)
    logs = np.array([math.lgamma(n + 1) - math.lgamma(j + 1) - math.lgamma(n - j + 1) for j in k.tolist()])
    below = np.cumsum(np.exp(logs + k * math.log(q) + (n - k) * math.log1p(-q)))  # P(at most k values lie below)
    first = int(np.searchsorted(below, tail * (1 - 1e-9), side="right"))  # values that are surely below, but for a tail
    last = int(np.searchsorted(below, 1 - tail * (1 - 1e-9), side="left")) + 1
    low = -math.inf if first == 0 else float(ordered[first - 1])
    return low, math.inf if last > n else float(ordered[last - 1])
