# SPDX-License-Identifier: MIT
"""Hardening: the smallest set of neurons to protect so that failures of the others do no harm."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace

import numpy.typing as npt

from withstand._coerce import Epsilon, as_limit, as_seconds, flag, needed, thread_count
from withstand.model.domain import Box, bounds_of
from withstand.model.failures import Crash, Failures
from withstand.model.network import Network, as_network
from withstand.model.spec import Argmax, asks_decisions
from withstand.questions.clock import Clock
from withstand.questions.enumeration import enumerate_failures
from withstand.questions.progress import Line
from withstand.questions.search import WorstCase, worst_case
from withstand.uses import crash_sets

Neuron = tuple[int, int]
Harmful = frozenset[Neuron]

#: Branches after which a smallest hitting set is no longer looked for.
_BRANCHES = 20_000
#: Configurations of which every one is evaluated where rounding leaves a search undecided.
_FEW = 100_000


@dataclass(frozen=True, eq=False, repr=False)
class Hardening:
    """Neurons to protect, and the proof that the others may fail.

    Attributes
    ----------
    protect : tuple of (layer, neuron)
        Sorted.
    exact : bool
        Whether no smaller set of neurons does.
    at_least : int
        Every set that does has at least this many neurons.
    worst : WorstCase
        The search over the unprotected neurons that confirms it: its `upper` is within epsilon, to rounding.
    searches : int
        Searches made.
    """

    protect: tuple[Neuron, ...]
    exact: bool
    at_least: int
    worst: WorstCase
    searches: int

    def __repr__(self) -> str:
        how = "no smaller set does" if self.exact else f"at least {self.at_least} are needed"
        return (
            f"Hardening: protect {len(self.protect)} neurons ({how})\n"
            f"  protect  {', '.join(map(str, self.protect)) or 'none'}\n"
            f"  then     error <= {self.worst.upper:.6g}, proved by {self.searches} searches"
        )


def harden(
    net: Network,
    failures: int | Crash,
    epsilon: Epsilon | None = None,
    X: npt.ArrayLike | Box | None = None,
    *,
    spec: Argmax | None = None,
    time_limit: float | None = None,
    threads: int | None = None,
    progress: bool = False,
) -> Hardening:
    """Find the smallest set of neurons to protect so that crashes of the others stay within `epsilon`.

    Parameters
    ----------
    net : Network
    failures : int or Crash
        How many may crash: a total, or counts per hidden layer.
    epsilon : int, float, str, Fraction or Decimal
        Largest tolerated error, a string is read as a decimal; unused with `spec`, and may be left out then.
    X : array_like of shape (n, d) or (d,), or Box
        For which inputs.
    spec : Argmax, optional
        Keep the decisions instead.
    time_limit : float, optional
        Seconds in all.
    threads : int, optional
    progress : bool, default False
        Say on standard error how many searches were made.

    Returns
    -------
    Hardening

    Raises
    ------
    TypeError, ValueError
        For failures that are not plain crashes, an `epsilon` out of range, or a domain that does not fit; and where a
        search leaves open on which side of `epsilon` the worst error is, at its time limit or by rounding.

    Notes
    -----
    Every harmful set needs a protected member: a hitting set. The smallest one that hits the harmful sets known so far
    is no larger than the answer; a search among the neurons it leaves either proves that nothing harmful is left,
    and then it *is* the answer, or yields another harmful set. Where the smallest hitting set takes too long it is
    replaced by a greedy one, and `at_least` counts disjoint harmful sets.

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[1.0], [2.0], [3.0]], [[1.0, 1.0, 1.0]]])
    >>> ws.harden(net, 1, 1.5, [[1.0]]).protect  # the crashes of neurons 1 and 2 alone move the output by 2 and 3
    ((1, 1), (1, 2))
    """
    if X is None:
        raise TypeError("X must be an array of inputs or a Box, got None")
    as_network(net), bounds_of(net, X), thread_count(threads)
    line = Line(flag(progress, "progress"))
    clock = Clock(as_seconds(time_limit), line)
    decisions = asks_decisions(spec)
    limit = 0.0 if decisions and epsilon is None else as_limit(needed(epsilon))
    counts, total = _crashes(net, failures)
    found: list[Harmful] = []
    searches = 0

    def search(protected: Harmful) -> WorstCase:
        """Search the unprotected neurons until it is clear on which side of the limit they are."""
        nonlocal searches
        searches += 1
        left = _among(net, counts, total, [c for c in crash_sets.components(net) if c not in protected])
        result = worst_case(net, left, X, spec=spec, time_limit=clock.limit(), threads=threads,
                            progress=lambda steps: line(f"harden: search {searches}, {steps:,} steps"))  # fmt: skip
        if result.status == "interrupted":
            raise KeyboardInterrupt
        if harmful(result.lower) or not harmful(result.upper):
            return result
        few = result.configurations is not None and result.configurations <= _FEW
        if not isinstance(X, Box) and result.exact and few:  # let evaluations decide
            every = enumerate_failures(net, left, X, spec=spec, threads=threads)
            if every.status != "complete":
                raise KeyboardInterrupt
            return replace(result, lower=every.worst, witness=every.witness)
        what = "harm" if decisions else "error"
        limited = result.status == "budget"
        why = "the search's limit" if limited else "what a search can tell apart"
        raise ValueError(
            f"{result.lower!r} <= worst {what} <= {result.upper!r} with {len(protected)} neurons protected: {why} "
            f"leaves open on which side of {limit!r} it is"
        )

    def harmful(value: float) -> bool:
        return value >= 0 if decisions else value > limit

    with closing(line):
        while True:
            protected, exact = _hitting_set(found)
            result = search(protected)
            if not harmful(result.lower):
                break
            # Disjoint harmful sets: each is a lower bound's worth, and saves a round.
            avoided = set(protected)
            while harmful(result.lower):
                assert result.witness is not None
                members = frozenset((c[0], c[1]) for c in result.witness.failed)
                if not members:
                    raise ValueError("the intact network is harmful already: two classes tie at one of the inputs")
                found.append(members)
                avoided |= members
                result = search(frozenset(avoided))
    at_least = len(protected) if exact else _packing(found)
    return Hardening(tuple(sorted(protected)), exact or at_least == len(protected), at_least, result, searches)


def _crashes(net: Network, failures: int | Crash) -> tuple[tuple[int, ...], bool]:
    if isinstance(failures, Failures) and not isinstance(failures, Crash):
        raise TypeError(f"harden takes how many neurons may crash, or a Crash, got {failures!r}")
    model = failures if isinstance(failures, Crash) else Crash(failures)
    _, _, counts, total, exactly, _, among = model._terms[0]
    if exactly or among is not None:
        raise ValueError(f"{model!r}: harden takes at most so many crashes among all neurons")
    model._space(net)
    return counts, total


def _among(net: Network, counts: tuple[int, ...], total: bool, left: list[Neuron]) -> Crash:
    """Return the crashes of neurons that are left, no more than there are."""
    if total:
        return Crash(min(counts[0], len(left)), among=left)
    sizes = [sum(c[0] == layer for c in left) for layer in range(1, net.depth + 1)]
    return Crash(tuple(min(f, n) for f, n in zip(counts, sizes)), among=left)


def _hitting_set(sets: list[Harmful]) -> tuple[Harmful, bool]:
    """Return a smallest set that meets every given one, and True; or a greedy one and False."""
    greedy = _greedy(sets)
    best, left = greedy, _BRANCHES
    stack: list[tuple[Harmful, list[Harmful], Harmful]] = [(frozenset(), sets, frozenset())]
    while stack and left:
        left -= 1
        chosen, open_sets, excluded = stack.pop()
        open_sets = [s - excluded for s in open_sets]
        if not open_sets:
            if len(chosen) < len(best):
                best = chosen
            continue
        if not all(open_sets) or len(chosen) + _packing(open_sets) >= len(best):
            continue
        # One of the members of the smallest set must be chosen; those tried before are excluded.
        smallest = min((sorted(members) for members in open_sets), key=len)
        for n, member in enumerate(smallest):
            rest = [s for s in open_sets if member not in s]
            stack.append((chosen | {member}, rest, excluded | frozenset(smallest[:n])))
    return best, not stack


def _greedy(sets: list[Harmful]) -> Harmful:
    chosen: set[Neuron] = set()
    open_sets = sets
    while open_sets:
        hits: dict[Neuron, int] = {}
        for members in open_sets:
            for member in members:
                hits[member] = hits.get(member, 0) + 1
        best = min(hits, key=lambda c: (-hits[c], c))
        chosen.add(best)
        open_sets = [s for s in open_sets if best not in s]
    return frozenset(chosen)


def _packing(sets: list[Harmful]) -> int:
    """Return a number of disjoint sets among the given ones: so many members any hitting set has."""
    used: set[Neuron] = set()
    count = 0
    for members in sorted(sets, key=len):
        if not used & members:
            used |= members
            count += 1
    return count
