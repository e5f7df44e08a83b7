# SPDX-License-Identifier: MIT
"""Manners: misuse is refused by name, and the number of threads changes no bit of an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import withstand as ws

from .plain import Case
from .tally import Desk


def _misuses(case: Case) -> dict[str, Callable[[], Any]]:
    """Calls that the contract refuses."""
    net, X = case.built, case.X
    hidden, m = sum(case.net.widths[1:-1]), case.net.widths[-1]
    outside = (case.net.depth + 1, 0)
    calls: dict[str, Callable[[], Any]] = {
        f"ws.bound(net, ws.Crash({hidden + 1}), domain)": lambda: ws.bound(net, ws.Crash(hidden + 1), X),
        f"ws.worst_case(net, ws.Crash({hidden + 1}), domain)": lambda: ws.worst_case(net, ws.Crash(hidden + 1), X),
        f"ws.enumerate_failures(net, ws.Crash({hidden + 1}), domain)": lambda: ws.enumerate_failures(
            net, ws.Crash(hidden + 1), X
        ),
        f"ws.bound(net, ws.Crash(1, among=[{outside}]), domain)": lambda: ws.bound(
            net, ws.Crash(1, among=[outside]), X
        ),
        "ws.bound(net, ws.Crash((1,) * (net.depth + 1)), domain)": lambda: ws.bound(
            net, ws.Crash((1,) * (case.net.depth + 1)), X
        ),
        "ws.bound(net, ws.Crash(1), [[nan, ...]])": lambda: ws.bound(net, ws.Crash(1), np.full_like(X, np.nan)),
        "ws.worst_case(net, ws.Crash(1), X with one column more)": lambda: ws.worst_case(
            net, ws.Crash(1), np.hstack([X, X[:, :1]])
        ),
        "ws.enumerate_failures(net, ws.Byzantine(1, capacity=1.0), domain)": lambda: ws.enumerate_failures(
            net, ws.Byzantine(1, capacity=1.0), X
        ),
        "ws.Byzantine(1, capacity=inf)": lambda: ws.Byzantine(1, capacity=np.inf),
        "ws.Crash(-1)": lambda: ws.Crash(-1),
        "ws.bound(net, ws.Crash(1), domain, method='best')": lambda: ws.bound(net, ws.Crash(1), X, method="best"),
        "ws.reliability(net, 1.5, 0.1, domain)": lambda: ws.reliability(net, 1.5, 0.1, X),
        "ws.tolerance(net, -1.0, domain)": lambda: ws.tolerance(net, -1.0, X),
    }
    turned = ("identity", "logistic", "tanh", "hard_tanh", "clip", "softsign")  # of these one output can decide
    if m == 1 and case.net.out[0] not in turned:
        calls["ws.bound(net, ws.Crash(1), domain, spec=ws.Argmax())"] = lambda: ws.bound(
            net, ws.Crash(1), X, spec=ws.Argmax()
        )
    return calls


def check_misuse(case: Case, desk: Desk) -> None:
    desk.open("misuse")
    calls = _misuses(case)
    call = str(case.rng("misuse").choice(sorted(calls)))
    try:
        answer = calls[call]()
    except (ValueError, TypeError, OverflowError) as refusal:
        desk.check(bool(str(refusal).strip()), "refused without words", call, refusal, "a named condition")
    except Exception as crash:
        desk.check(False, "misuse crashes", call, crash, "ValueError or TypeError")
    else:
        desk.check(False, "misuse is answered", call, answer, "a refusal")


def check_threads(case: Case, desk: Desk) -> None:
    """The same bits from one thread and from two."""
    desk.open("threads")
    if case.finite and case.box is None:
        one, two = (_threads(case, desk, "enumerate_failures", n) for n in (1, 2))
        if one is not None and two is not None:
            first, second = ((e.worst, e.mean, e.std, e.histogram.counts.tolist()) for e in (one, two))
            same = first == second and one.witness.values == two.witness.values
            desk.check(same, "threads change the answer", "ws.enumerate_failures", first, second)
    one, two = (_threads(case, desk, "bound", n) for n in (1, 2))
    if one is not None and two is not None:
        same = one.value == two.value and bool((one.per_input == two.per_input).all())
        desk.check(same, "threads change the answer", "ws.bound", one, two)


def _threads(case: Case, desk: Desk, name: str, n: int) -> Any:
    question = getattr(ws, name)
    return desk.ask(
        f"ws.{name}(net, failures, domain, threads={n})",
        lambda: question(case.built, case.failures, case.domain, spec=case.spec, threads=n),
    )
