# SPDX-License-Identifier: MIT
"""Upper bounds on the output error of a network with failures."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from withstand import _core
from withstand._answer import Answer, Told
from withstand._coerce import shown, thread_count
from withstand._inputs import either_word
from withstand._rehearsal import arguments_fit
from withstand._types import FloatArray
from withstand.model.deciding import decided
from withstand.model.domain import Box, bounds_of
from withstand.model.failures import Failures, as_failures
from withstand.model.network import Network, as_network
from withstand.model.settled import settled, worded
from withstand.model.spec import Spec, asks_decisions
from withstand.statement import Inputs, judged

#: The methods by name, in the core's order: what each takes, covers and rests on.
_FACTS: dict[str, _core.MethodFacts] = {facts.name: facts for facts in _core.methods()}
#: Multiply-adds in a second of one thread, about.
_PER_SECOND = 4e9
#: Names of the methods, as `bound` takes them.
METHODS: tuple[str, ...] = tuple(_FACTS)


@dataclass(frozen=True, eq=False, repr=False)
class Bound(Answer):
    """A proved upper bound on the output error (or, with `Argmax`, on the harm to the decision).

    Attributes
    ----------
    value : float
        Bound for every output and every input of the domain.
    per_output : ndarray, shape (m,)
        Bound of each output; with `Argmax` the harm output j does as the new class (-inf: it is the class itself).
    per_input : ndarray, shape (n,)
        Bound for each given input; one entry for a box, or for no domain.
    method : str
        The method asked for.
    covers : {"at most", "exactly"}
        Whether fewer failures than counted are covered too.
    rigor : str
        In which sense the number is an upper bound.
    reference : str
        Where the method comes from; `docs/theory.md` has statement and proof.
    slack : float
        How much more than `value` two evaluations in double precision may differ by, from their own rounding;
        infinite where it is not known.
    """

    value: float
    per_output: FloatArray
    per_input: FloatArray
    method: str
    covers: str
    rigor: str
    reference: str
    slack: float
    _contest: _Contest | None = field(default=None)

    def __float__(self) -> float:
        return self.value

    @cached_property
    def won_by(self) -> str:
        """The method that proves `value`: of "tightest" the cheapest that proves as much at the worst input."""
        return self.method if self._contest is None else self._contest.winner(self.value)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "won_by": self.won_by, "_contest": None}  # without the network

    def _said(self) -> str:
        how = self.won_by if self.won_by == self.method else f"{self.won_by}, the {self.method}"
        return f"Bound: {self._word} <= {self.value:.6g}, {self.covers} so many failures, by {how} ({self.reference})"


@either_word
def bound(
    net: Network,
    failures: Failures,
    domain: npt.ArrayLike | Box | None = None,
    *,
    method: str = "tightest",
    spec: Spec = None,
    threads: int | None = None,
) -> Bound:
    """Bound how far the outputs move when components fail.

    Parameters
    ----------
    net : Network
    failures : Failures
        What may fail: `Crash(2)`, `Byzantine((1, 0), capacity=1.0)`, a sum of models, ...
    domain : array_like of shape (n, d) or (d,), or Box, optional
        For which inputs: the given ones, or all of a box. Without it the bound holds for every input whatsoever, with
        the activations' own ranges; activations that are unbounded, where their values matter, need a domain.
    method : str, default "tightest"
        "fep": the paper's Forward Error Propagation (Theorem A). Takes `exactly=True`, or at-most spaces where a
        failure does at least as much as the activation's range (Theorem C). "at-most": Theorem B. "capped": with ranges
        and moduli of continuity. "matrix", "adjoint", "signed", "linear": per neuron, see `docs/theory.md`. "split", of
        `Crash` and `StuckAt` at given inputs: the first failures are tried, set by set, as deep as a second or two go;
        where that is all of them it is exact but for rounding, else "linear" bounds the rest. "tightest": the least of
        all that apply, with "split" for about as long as "linear" takes.
    spec : Argmax, optional
        Bound the harm to the decision instead of the error.
    threads : int, optional
        For several inputs; default as `show_config` tells. The result does not depend on it.

    Returns
    -------
    Bound

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If the failures do not fit the network, the domain does not, or the method does not apply; the message names
        the violated condition.

    Notes
    -----
    Cost: "fep", "at-most" and "capped" L operations per distribution of a total count (and one interval propagation
    per input); the others one pass over the weights per input, "linear" L passes per row, "split" about one per set of
    failures, at most 2e10 multiply-adds per input, and "linear" for each set that it leaves off at.

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[1.0]] * 3, [[0.5] * 3] * 4, [[0.25] * 4]], activation="clip")
    >>> ws.bound(net, ws.Crash((1, 1)), method="fep").value
    0.625
    """
    asked = as_network(net), spec
    net, spec = decided(*asked)
    decisions, count = asks_decisions(spec), thread_count(threads)
    if not isinstance(method, str):
        raise TypeError(f"method must be a string, got {shown(method)}")
    failures = worded(as_failures(failures), net)
    lower, upper = (None, None) if domain is None else bounds_of(net, domain, "domain")
    if lower is None or upper is None:
        found = _core.bound_without_domain(net._core, failures._space(net), method, decisions)
    else:
        points = np.array_equal(lower, upper)
        space = failures._space(net, lower if points else None)
        if method == "tightest" or method in _covering(failures, True, points):
            arguments_fit()  # any other is refused at once, or a formula of few operations, which knows what it covers
        found = _core.bound(net._core, space, lower, upper, method, decisions, count)
    arguments_fit()
    return _result(net, found, method, *asked, failures, lower, upper)


def bound_within(
    net: Network,
    failures: Failures,
    domain: npt.ArrayLike | Box | None,
    seconds: float,
    *,
    spec: Spec = None,
    threads: int | None = None,
) -> Bound:
    """Return the least bound of the methods that can be expected to end in so many seconds; one of them always runs."""
    rows, space, points = 1, None, False
    if domain is not None:
        lower, upper = bounds_of(net, domain, "domain")
        points = np.array_equal(lower, upper)
        rows, space = len(lower), as_failures(failures)._space(net, lower if points else None)
    space = space or as_failures(failures)._space(net)
    names = _covering(failures, domain is not None, points)
    costs = {name: rows * _FACTS[name].cost(net._core, space) / _PER_SECOND for name in names}
    if sum(costs.values()) <= seconds:
        return bound(net, failures, domain, spec=spec, threads=threads)
    least: Bound | None = None
    for name in sorted(names, key=costs.__getitem__):
        if costs[name] > seconds and least is not None:
            break
        seconds -= costs[name]
        found = bound(net, failures, domain, method=name, spec=spec, threads=threads)
        least = found if least is None or found.value < least.value else least
    assert least is not None  # "capped" covers everything
    return least


def methods_within(
    net: Network, failures: Failures, rows: int, seconds: float, useless: Collection[str] = ()
) -> Iterator[str]:
    """Yield the methods for given inputs, cheap ones first, that can be expected to end in so many seconds together."""
    space, names = as_failures(failures)._space(net), set(_covering(failures, True, True)) - set(useless)
    costs = {name: rows * _FACTS[name].cost(net._core, space) / _PER_SECOND for name in sorted(names)}
    for name in sorted(costs, key=costs.__getitem__):
        seconds -= costs[name]
        if seconds < 0:
            return
        yield name


def _covering(failures: Failures, domain: bool, points: bool) -> list[str]:
    """Return the methods that cover such failures, without those that are never the least.

    The linear relaxation knows nothing of groups, bit flips and failed parameters; failures are tried at `points`, of
    neurons that crash or get stuck.
    """
    apart = any(term.equivocal for term in failures._terms)
    never = {"fep", "at-most", "tightest"}
    if any(term.together or term.on_weights or term.flips is not None for term in failures._terms):
        never |= {"linear"}
    if not points or any(term.together or term.effect not in ("crash", "stuck") for term in failures._terms):
        never |= {"split"}
    known = {name: facts for name, facts in _FACTS.items() if name not in never}
    return [n for n, facts in known.items() if (domain or not facts.needs_domain) and (facts.equivocal or not apart)]


@either_word
def fep(net: Network, failures: Failures, domain: npt.ArrayLike | Box | None = None) -> Bound:
    """Forward Error Propagation, the paper's formula: `bound` with method "fep".

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[1.0]] * 5, [[0.25] * 5]], activation="clip")
    >>> ws.fep(net, ws.Crash(2)).value
    0.5
    """
    return bound(net, failures, domain, method="fep")


def _result(
    judges: Network,
    found: _core.Bounds,
    method: str,
    net: Network,
    spec: Spec,
    failures: Failures,
    lower: FloatArray | None,
    upper: FloatArray | None,
) -> Bound:
    value, per_output, per_input = found.result()
    slack: float = found.slack
    rigor = (
        "upper bound in real arithmetic, rounded outward; an evaluation in double precision may exceed it by its own "
        f"rounding, at most {slack:.3g}"
    )
    if found.relaxed:
        rigor += "; the total count was relaxed to what each layer can hold"
    covers = "exactly" if found.exactly else "at most"
    told = Told(net, Inputs.of(lower, upper), failures, rigor, spec=spec, covers=covers,
                verdict=judged(-np.inf, value, None, spec is not None))  # fmt: skip
    contest = None
    if method == "tightest":
        worst = slice(int(per_input.argmax()), int(per_input.argmax()) + 1)
        domain = None if lower is None or upper is None else (lower[worst].copy(), upper[worst].copy())
        contest = _Contest(net, settled(failures, net, lower), domain, spec)
    per_output, reference = judges._judged_outputs(per_output), _FACTS[method].reference
    return Bound(value, per_output, per_input, method, covers, rigor, reference, slack, contest, _told=told)


@dataclass(frozen=True, eq=False)
class _Contest:
    """What the least of all methods was asked for at the worst input, for who wants to know which one it was."""

    net: Network
    failures: Failures
    domain: tuple[FloatArray, FloatArray] | None
    spec: Spec

    def winner(self, value: float) -> str:
        """Return the cheapest method that proves so much alone, or "tightest": the outputs' are of several."""
        points = self.domain is not None and np.array_equal(*self.domain)
        names = _covering(self.failures, self.domain is not None, points)
        space = self.failures._space(self.net, self.domain[0] if self.domain and points else None)
        for name in sorted(names, key=lambda name: float(_FACTS[name].cost(self.net._core, space))):
            if self._alone(name, space) <= value:
                return name
        return "tightest"

    def _alone(self, method: str, space: _core.Space) -> float:
        net, spec = decided(self.net, self.spec)
        decisions = asks_decisions(spec)
        if self.domain is None:
            return float(_core.bound_without_domain(net._core, space, method, decisions).result()[0])
        return float(_core.bound(net._core, space, *self.domain, method, decisions, 1).result()[0])
