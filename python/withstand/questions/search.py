# SPDX-License-Identifier: MIT
"""The exact worst case: witnessed <= truth <= proved."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from withstand import _core
from withstand._answer import Told
from withstand._coerce import as_path, as_seconds, at_least_zero, node_count, thread_count
from withstand._inputs import either_word
from withstand._rehearsal import arguments_fit
from withstand.certificate.terms import of_neurons
from withstand.certificate.writing import require_checkable, write
from withstand.model.deciding import decided
from withstand.model.domain import Box, bounds_of
from withstand.model.failures import Failures, as_failures
from withstand.model.network import Network, as_network
from withstand.model.settled import worded
from withstand.model.spec import Spec, asks_decisions
from withstand.questions.agenda import Portion, Proved
from withstand.questions.interval import RIGOR, WorstCase
from withstand.questions.progress import Steps
from withstand.questions.spread_search import spread_over
from withstand.questions.witnesses import Witnesses
from withstand.statement import Inputs, judged

#: Of the time that is left to a certificate, the share of searching for its tree; looking at one takes far longer.
SEARCHING = 0.25
#: Seconds that the checker may always take; beyond a limit it may take as long as that again.
LOOKING = 2.0
#: A tree of twice the nodes is begun where so many times what the last one took is left: twice, and half of it again.
GROWING = 3.0


@either_word
def worst_case(
    net: Network,
    failures: Failures,
    domain: npt.ArrayLike | Box,
    *,
    spec: Spec = None,
    gap: float = 0.0,
    time_limit: float | None = None,
    node_limit: int | None = None,
    threads: int | None = None,
    executor: Executor | None = None,
    progress: bool | Callable[[int], object] = False,
    certificate: str | os.PathLike[str] | None = None,
) -> WorstCase:
    """Find the worst that the failures can do to the network, and prove that nothing is worse.

    Parameters
    ----------
    net : Network
    failures : Failures
        What may fail.
    domain : array_like of shape (n, d) or (d,), or Box
        Where: the given inputs, or every input of a box.
    spec : Argmax, optional
        Maximise the lead over the intact network's class instead of the error.
    gap : float, default 0.0
        End as soon as (upper - lower) <= gap * |upper|.
    time_limit : float, optional
        Seconds after which the search ends with a valid interval, in the middle of a bound or of an evaluation where
        it must. Before any search, whatever the limit, come one bound in some passes over the weights and one
        evaluated configuration; after it, up to half a second for bounds that can be expected to end by then, so that
        `upper` is no worse than what `bound` says in that time.
    node_limit : int, optional
        Nodes after which it does (states of an enumeration are counted by 64); the same result every time, computed
        on one thread.
    threads : int, optional
        Default: `show_config()["threads"]`; with an executor 1, of each of its tasks. The result does not depend on it
        when the search ends exact.
    executor : concurrent.futures.Executor, optional
        What searches the inputs, some at a time, or parts of the box, as it does the shards of `enumerate_failures`:
        processes, loky, ``Client.get_executor()`` of dask.distributed. The same answer: tasks start with the worst
        that is known when they are given out, and after some tenths of a second leave what is open to others, so that
        all workers share one hard input. With a `node_limit`, which is that of a task, each searches as if it were
        alone, to its end. What a worker that dies had is searched again.
    progress : bool or callable, default False
        True writes the state of the search to stderr; a callable receives the number of steps, some times a second.
    certificate : path, optional
        Write the tree of a search there: a proof of the interval that `check_certificate` and the command
        ``withstand check`` confirm without trusting the search. Covers crashed and stuck neurons at given inputs: a
        second search, which starts with the witness of the first, then closes everything by bounds, and the interval
        is what its tree proves. Of flipped bits, groups, channels and crashed weights and synapses the checker
        evaluates every configuration, so that there may be at most 1,000,000 at all inputs together. What it does not
        confirm is not written. Of a `time_limit`, half is for the first search, and the tree is kept as small as can
        be checked in about what is left, and refused where the checker takes longer than the limit once more; a
        `node_limit` is that of each search. Which networks that is practical for:
        *what is trusted* in the documentation.

    Returns
    -------
    WorstCase

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit the network or each other, limits that are negative, or equivocal failures; for a
        certificate together with an executor, and what is no executor, or is shut down.

    Notes
    -----
    The problem is NP-hard, so the time may grow exponentially with the count. Two exact methods share it, and which one
    works is decided by the cost of either in counted operations, never by the clock:

    - *branch and bound*: a linear relaxation bounds what undecided components can do, its selection is the first
      witness, and the search splits along it; sets that the bound cannot exclude are evaluated when they are few;
    - *layered enumeration*: failures are tried layer by layer, skipping components whose failure changes nothing; the
      last stage is closed by selecting the largest gains, which is exact because every output is linear in it.

    Over a box, and where failed components may transmit any value of a range, the values and the inputs are split too,
    and the search ends when the interval is narrower than one millionth of its upper end (status "gap"). Not split
    are the values of `Noise`, and boxes where groups, channels, parameters or bits fail: there the interval goes from
    the worst at the middle of the box to the least bound, with status "gap" where no limit came first.
    A search that goes on for long also asks the methods of `bound`, cheap ones first, each as soon as it costs little
    beside the work so far, or a tenth of the time has gone: what ends at a limit ends no worse than the bounds that
    it had the time to ask.
    `lower` is always the canonical evaluation of the witness. `upper` holds in real arithmetic and is rounded outward.
    The failures are those of *When Neurons Fail* (El Mhamdi and Guerraoui, IPDPS 2017).

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[1.0], [2.0]], [[1.0, -1.0]]])
    >>> worst = ws.worst_case(net, ws.Crash(1), [[3.0]])
    >>> worst.status, worst.lower, worst.witness.failed
    ('exact', 6.0, ((1, 1),))
    """
    started = time.perf_counter()
    asked = as_network(net), spec
    net, spec = decided(*asked)
    lower, upper = bounds_of(net, domain, "domain")
    failures = worded(as_failures(failures), net)
    space = failures._space(net, lower if np.array_equal(lower, upper) else None)
    proof = None if certificate is None else _Proof(certificate, net, failures, domain, spec)
    watch, gap, count = Steps(progress), at_least_zero(gap, "gap"), thread_count(threads)
    seconds, nodes = as_seconds(time_limit), node_count(node_limit)
    arguments_fit()
    if executor is not None:
        if proof is not None:
            raise ValueError("a certificate is the tree of one search: without an executor")
        alone = node_limit is not None  # what is counted must not depend on who is first
        task = partial(_task, *asked, failures, node_limit, threads or 1)
        spread = spread_over(executor, lower, upper, task, gap, time_limit, watch, alone)
        watch.end()
        return _worst_case(spread, space, started, *asked, failures, Inputs.of(lower, upper))
    search = partial(_core.worst_case, net._core, space, lower, upper, goal=getattr(_core.Goal, _goal(spec)),
                     gap=gap, threads=count, watch=watch)  # fmt: skip
    if proof is None:
        part = _proved(net, failures, spec, search(time_limit=seconds, node_limit=nodes))
    else:
        part = proof.written(search, started + seconds, nodes, watch)
    watch.end()
    return _worst_case(part, space, started, *asked, failures, Inputs.of(lower, upper))


def _proved(net: Network, failures: Failures, spec: Spec, found: _core.SearchResult) -> Proved:
    best, witnesses = found.witness, Witnesses(net, failures, spec is not None)
    return Proved(
        status=str(found.status.name),
        lower=float(found.lower),
        upper=float(found.upper),
        rounding=float(found.rounding),
        witness=None if best is None else witnesses.witness(best.failed, best.ways, best.input, best.input_index,
                                                            best.output, best.harm),
        nodes=int(found.nodes),
        evaluations=int(found.evaluations),
    )  # fmt: skip


def _worst_case(part: Proved, space: _core.Space, started: float, net: Network, spec: Spec, failures: Failures,
                inputs: Inputs) -> WorstCase:  # fmt: skip
    told = Told(net, inputs, failures, RIGOR, spec=spec,
                verdict=judged(part.lower, part.upper, None, spec is not None))  # fmt: skip
    return WorstCase(
        **{name: value for name, value in vars(part).items() if name not in ("open", "closed")},
        exact=part.status == "exact",
        configurations=space.configurations() if space.finite and math.isfinite(space.magnitude) else None,
        seconds=time.perf_counter() - started,
        _told=told,
    )


def _task(
    net: Network,
    spec: Spec,
    failures: Failures,
    node_limit: int | None,
    threads: int,
    portion: Portion,
    seconds: float | None,
) -> Proved:
    """Search one portion; what an executor's worker calls."""
    net, spec = decided(net, spec)
    lower, upper = bounds_of(net, portion.domain, "domain")
    space = failures._space(net, lower if np.array_equal(lower, upper) else None)
    frontier = _core.Frontier(portion.grain, list(portion.parts))
    found = _core.worst_case(
        net._core, space, lower, upper, goal=getattr(_core.Goal, _goal(spec)), gap=portion.gap,
        time_limit=as_seconds(seconds), node_limit=node_count(node_limit), threads=threads, watch=Steps(False),
        floor=portion.floor, frontier=frontier,
    )  # fmt: skip
    return replace(_proved(net, failures, spec, found), open=tuple(frontier.open), closed=float(frontier.closed))


class _Proof:
    """The certificate that a search is to leave behind; what none can be written of is refused before any work."""

    def __init__(
        self, path: str | os.PathLike[str], net: Network, failures: Failures, domain: npt.ArrayLike | Box, spec: Spec
    ) -> None:
        self._path = as_path(path, "certificate")
        if isinstance(domain, Box):
            raise ValueError("certificates cover given inputs, not boxes")
        if net._judged is not None:
            raise ValueError("certificates of decisions are of the largest of several outputs")
        self._net, self._failures, self._spec, self._goal = net, failures, spec, _goal(spec)
        self._inputs, _ = bounds_of(net, domain, "domain")
        self._bound = require_checkable(net, failures, self._inputs, self._goal)
        self._until = math.inf
        self._trees = of_neurons(failures)  # anything else is evaluated, set by set

    def written(self, search: Callable[..., _core.SearchResult], end: float, nodes: int, watch: Steps) -> Proved:
        """Search; then, from what that witnesses, for a tree that bounds close and the checker can look at in time.

        How large that may be is measured: from what is surely small enough the trees double, as long as what is left
        is GROWING times what the last one, with the look at it, took.
        """

        def left() -> float:
            return max(0.0, end - time.perf_counter())

        self._until = end + max(LOOKING, left())
        if not self._trees:
            return self._write(self._proved(search(time_limit=left(), node_limit=nodes)), [], watch)
        plain = self._proved(search(time_limit=left() / 2, node_limit=nodes))
        watch.now("worst case found, searching again for a proof")
        began, interrupted = time.perf_counter(), plain.status == "interrupted"
        seconds = 0.0 if interrupted else left()
        few = nodes if math.isinf(seconds) else min(nodes, 1 + int(seconds / self._bound))  # a bound for each: the most
        best = self._write(*self._tree(plain, search, SEARCHING * seconds, few), watch)
        if interrupted:
            return replace(best, status="interrupted")
        while best.status == "budget" and few < nodes and GROWING * (time.perf_counter() - began) <= left():
            began, few = time.perf_counter(), min(nodes, 2 * few)
            found, leaves = self._tree(best, search, SEARCHING * left(), few)
            if found.status == "interrupted":
                return replace(best, status="interrupted")
            try:
                best = self._write(found, leaves, watch) if found.upper <= best.upper else best
            except ValueError:  # more than the checker confirms: the last file stands
                break
        return best

    def _tree(
        self, known: Proved, search: Callable[..., _core.SearchResult], seconds: float, nodes: int
    ) -> tuple[Proved, Sequence[_core.Leaf]]:
        """Search for a tree that closes above what is known to be witnessed; return the interval, and its leaves."""
        record = _core.TreeRecord()
        tree = self._proved(search(time_limit=seconds, node_limit=nodes, record=record, bounding=math.inf,
                                   floor=known.lower))  # fmt: skip
        best = known if tree.witness is None or tree.lower <= known.lower else tree
        found = replace(
            tree,
            lower=best.lower,
            witness=best.witness,
            upper=max(tree.upper, best.lower),
            nodes=known.nodes + tree.nodes,
            evaluations=known.evaluations + tree.evaluations,
        )
        return found, record.leaves

    def _proved(self, found: _core.SearchResult) -> Proved:
        return _proved(self._net, self._failures, self._spec, found)

    def _write(self, found: Proved, leaves: Sequence[_core.Leaf], watch: Steps) -> Proved:
        """Write down what the search found, and return it."""
        if found.witness is None:
            raise ValueError("the search ended before its first evaluation: there is no witness to certify")
        write(self._path, self._net, self._failures, self._inputs, self._goal, found.lower, found.upper, found.witness,
              leaves, watch.say, self._until)  # fmt: skip
        return found


def _goal(spec: Spec) -> str:
    return "argmax" if asks_decisions(spec) else "error"
