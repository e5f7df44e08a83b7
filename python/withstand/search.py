# SPDX-License-Identifier: MIT
"""The exact worst case: witnessed <= truth <= proved."""

from __future__ import annotations

import math
import operator
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from withstand import _core
from withstand._certificate_write import require_checkable, write
from withstand.domain import Box, bounds_of
from withstand.failures import Failures
from withstand.network import Network
from withstand.spec import Spec, asks_decisions
from withstand.witness import Witness


@dataclass(frozen=True, eq=False)
class WorstCase:
    """What `worst_case` found: lower <= truth <= upper.

    Attributes
    ----------
    status : {"exact", "gap", "budget", "interrupted"}
        Why the search ended: the interval closed; it is as narrow as asked for, or as splitting makes it; a limit was
        reached; Ctrl-C.
    lower : float
        The harm of the witness, by the canonical evaluation.
    upper : float
        No configuration at any input of the domain does more harm, in real arithmetic: the rounding of evaluations is
        part of it.
    exact : bool
        Whether `upper - lower` is at most `rounding`, and either at most 1e-9 of `lower`, or what evaluations may be
        off by is at most 1e-9 of the outputs' pre-activations (where all are 0: of the largest value transmitted), or
        below 1e-129.
    rounding : float
        How far apart the ends of an exact interval may be: what evaluations with twice the digits of a double may be
        off by, in any configuration (0 where no evaluation rounds), and what the search takes for a tie: 4e-15 of the
        harm, or of the absolute values that an output sums up (at most 1) where those are larger. 4e-13 where values
        or inputs range over intervals, for there the search ends at bounds.
    witness : Witness or None
        Attains `lower`; None only when the search ended before its first evaluation.
    nodes, evaluations : int
        States and bounds visited; complete evaluations of single configurations.
    configurations : int or None
        Size of the failure space; None for interval-valued failures.
    seconds : float
        Wall time.
    """

    status: str
    lower: float
    upper: float
    exact: bool
    rounding: float
    witness: Witness | None
    nodes: int
    evaluations: int
    configurations: int | None
    seconds: float


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
    progress: bool = False,
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
        Seconds after which the search ends with a valid interval.
    node_limit : int, optional
        Nodes after which it does; the same result every time, computed on one thread.
    threads : int, optional
        Default: `show_config()["threads"]`. The result does not depend on it when the search ends exact.
    progress : bool, default False
        Write the state of the search to stderr.
    certificate : path, optional
        Write the tree of the search there: a proof of the interval that `check_certificate` and the command
        ``withstand check`` confirm without trusting the search. Covers crashed and stuck neurons at given inputs. The
        search then closes everything by bounds, and the checker runs once: what it does not confirm is not written.

    Returns
    -------
    WorstCase

    Raises
    ------
    TypeError, ValueError
        For arguments that do not fit the network or each other, limits that are negative, or equivocal failures.

    Notes
    -----
    The problem is NP-hard, so the time may grow exponentially with the count. Two exact methods share it, and which one
    works is decided by the cost of either in counted operations, never by the clock:

    - *branch and bound*: a linear relaxation bounds what undecided components can do, its selection is the first
      witness, and the search splits along it; sets that the bound cannot exclude are evaluated when they are few;
    - *layered enumeration*: failures are tried layer by layer, skipping components whose failure changes nothing; the
      last stage is closed by selecting the largest gains, which is exact because every output is linear in it.

    Over a box, and where failed components may transmit any value of a range, the values and the inputs are split too,
    and the search ends when the interval is narrower than one millionth of its upper end (status "gap"). The values of
    `Noise` are not split: its interval stays open.
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
    lower, upper = bounds_of(net, domain)
    space = failures._space(net)
    record, options = None, {}
    goal = "argmax" if asks_decisions(spec) else "error"
    if certificate is not None:
        if isinstance(domain, Box):
            raise ValueError("certificates cover given inputs, not boxes")
        require_checkable(net, failures, lower, goal)  # before any work
        record = _core.TreeRecord()
        options = {"record": record, "bounding": math.inf}
    watch = _Watch(progress)
    found = _core.worst_case(
        net._core,
        space,
        lower,
        upper,
        goal=getattr(_core.Goal, goal),
        gap=_limit(gap, "gap"),
        time_limit=math.inf if time_limit is None else _limit(time_limit, "time_limit"),
        node_limit=2**64 - 1 if node_limit is None else _whole(node_limit, "node_limit"),
        threads=0 if threads is None else _whole(threads, "threads", least=1),
        watch=watch,
        **options,
    )
    watch.end()
    witness = _witness(found.witness)
    if certificate is not None and record is not None:
        if witness is None:
            raise ValueError("the search ended before its first evaluation: there is no witness to certify")
        write(certificate, net, failures, lower, goal, found.lower, found.upper, witness, record.leaves)
    return WorstCase(
        status=str(found.status.name),
        lower=float(found.lower),
        upper=float(found.upper),
        exact=found.status == _core.SearchStatus.exact,
        rounding=float(found.rounding),
        witness=witness,
        nodes=int(found.nodes),
        evaluations=int(found.evaluations),
        configurations=int(space.configurations()) if space.finite else None,
        seconds=time.perf_counter() - started,
    )


def _limit(value: float, name: str) -> float:
    number = float(value)
    if not number >= 0:
        raise ValueError(f"{name} must be at least 0, got {value!r}")
    return number


def _whole(value: int, name: str, least: int = 0) -> int:
    number = operator.index(value)
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {value!r}")
    return number


def _witness(found: Any) -> Witness | None:
    if found is None:
        return None
    values = dict(found.failed)
    return Witness(tuple(values), values, found.input, found.input_index, found.output, found.harm)


class _Watch:
    """Called about twenty times a second: Ctrl-C ends the search with what it has, progress goes to stderr."""

    def __init__(self, progress: bool) -> None:
        self._show: Callable[[str], object] | None = sys.stderr.write if progress else None
        self._started = time.perf_counter()

    def __call__(self, finished: int) -> bool:
        if self._show is not None:
            self._show(f"\rworst case: {finished:,} steps, {time.perf_counter() - self._started:.0f} s ")
        return True

    def end(self) -> None:
        if self._show is not None:
            self._show("\n")
