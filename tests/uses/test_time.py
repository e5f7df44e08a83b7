# SPDX-License-Identifier: MIT
"""Questions made of many bounds and searches end with the time or with Ctrl-C, and what they say by then is true."""

from __future__ import annotations

import _thread
import json
import threading

import numpy as np
import pytest
import withstand as ws
from withstand._progress import Line
from withstand.questions import clock as clocks
from withstand.questions.clock import Clock
from withstand.uses import curve, hardening, tolerance_search
from withstand.uses.frontier import Layers, frontier, guaranteed_total, max_total
from withstand.uses.protection import Components

RNG = np.random.default_rng(12)
pytestmark = pytest.mark.usefixtures("sigint")  # also where a job in the background ignores it
NET = ws.Network([RNG.normal(size=(b, a)) / np.sqrt(a) for a, b in ((4, 24), (24, 24), (24, 2))])
X = RNG.normal(size=(3, 4))
EPSILON = 1.0


@pytest.fixture(scope="module")
def whole():
    found = ws.tolerance(NET, EPSILON, X, time_limit=None)
    assert found.status == "complete"
    assert found.guaranteed > 1
    return found


class Ticking:
    """A clock that is over after so many looks at it."""

    def __init__(self, looks):
        self.left, self.now = looks, 0.0

    def monotonic(self):
        self.left -= 1
        if self.left < 0:
            self.now = 1e9
        return self.now


@pytest.mark.parametrize("looks", [1, 5, 20, 60, 100, 150, 250, 400, 10000])
def test_what_is_known_when_the_time_is_up_is_true(whole, looks, monkeypatch):
    monkeypatch.setattr(clocks, "time", Ticking(looks))
    found = ws.tolerance(NET, EPSILON, X, time_limit=100.0)
    assert found.guaranteed <= whole.guaranteed
    for here, there in zip(found.per_layer, whole.per_layer):
        assert here.guaranteed <= there.guaranteed or there.breaking is None
        assert here.breaking is None or here.breaking > there.guaranteed
    assert found.breaking is None or found.breaking > whole.guaranteed
    assert found.status == "budget" or repr(found) == repr(whole)
    if looks <= 60:
        assert found.status == "budget"
        assert "the time was up" in repr(found)


def test_no_time_at_all_still_answers():
    found = ws.tolerance(NET, EPSILON, X, time_limit=0)
    assert (found.status, found.breaking, found.exact, found.curve) == ("budget", None, False, None)
    assert found.guaranteed >= -1
    assert ws.report(NET, X, epsilon=EPSILON, samples=5, time_limit=0).status == "budget"
    low = ws.reliability(NET, 0.01, EPSILON, X, time_limit=0)
    full = ws.reliability(NET, 0.01, EPSILON, X, time_limit=None)
    assert (low.status, full.status) == ("budget", "complete")
    assert "the time was up: more may narrow the interval" in str(low) and "the time was up" not in str(full)
    flips = {"model": lambda k: ws.WeightCrash(k), "samples": 1}  # sets of one are not begun
    assert ws.reliability(NET, 0.01, EPSILON, X, time_limit=0, **flips).status == "budget"
    assert low.proved[0] <= full.proved[0] <= full.proved[1] <= low.proved[1]
    assert not ws.criticality(NET, X, time_limit=0).exact
    assert ws.quorum(NET, EPSILON, X, time_limit=0).frontier is None
    with pytest.raises(TimeoutError, match=r"the time was up \(0 s\) before the number of copies was found"):
        ws.replicas_needed(NET, ws.Crash(2), 0.01, X, time_limit=0)
    with pytest.raises(ValueError, match="the search's limit leaves open"):
        ws.harden(NET, 3, 0.2, X, time_limit=0)


def test_what_components_do_alone_is_known_when_a_search_has_no_time():
    """The time is up after the first look at single crashes: unprotected, the worst of them is witnessed."""
    model, alone = ws.Crash(3), ws.enumerate_failures(NET, ws.Crash(1), X, components=True).components
    limit = float(np.median([each.worst for each in alone.values()]))
    rest = hardening._Rest(NET, Components(NET, model), limit, X, None, Clock(60.0, Line(False)), None)
    found = rest.alone()
    protected = frozenset(name for members in found for name in members)
    left = max(each.worst for name, each in alone.items() if name not in protected)
    assert protected and 0 < left <= limit
    rest.clock = Clock(0.0, Line(False))
    with pytest.raises(hardening.Undecided, match=rf"^{left!r} <= worst error <= .* leaves open"):
        rest.search(protected)


def test_the_neurons_of_fewer_inputs_are_worst_at_least_as_seen():
    some, everything = ws.criticality(NET, X, time_limit=0), ws.criticality(NET, X, time_limit=None)
    assert everything.exact
    assert all((a <= b).all() for a, b in zip(some.worst, everything.worst))
    drawn = ws.criticality(NET, X, k=3, evaluations=0, time_limit=0)
    assert (drawn.exact, drawn.sets) == (False, 1)


def test_every_search_gets_the_time_that_is_left(monkeypatch):
    given = []

    def searched(*arguments, time_limit, **options):
        given.append(time_limit)
        return ws.worst_case(*arguments, time_limit=time_limit, **options)

    monkeypatch.setattr(tolerance_search, "worst_case", searched)
    monkeypatch.setattr(curve, "worst_case", searched)
    ws.tolerance(NET, EPSILON, X, time_limit=50.0, samples=2)
    assert len(given) > 5
    assert 50 > given[0] > 0
    assert given == sorted(given, reverse=True)
    given.clear()
    ws.tolerance(NET, EPSILON, X, time_limit=None)
    assert set(given) == {None}


def interrupted(monkeypatch, after):
    """Ctrl-C while the search number `after` works."""
    made = []

    def searched(*arguments, progress=False, **options):
        made.append(1)
        if len(made) < after:
            return ws.worst_case(*arguments, progress=progress, **options)
        threading.Timer(0.01, _thread.interrupt_main).start()

        def wait(steps):
            threading.Event().wait(0.2)

        found = ws.worst_case(NET, ws.Byzantine(6, capacity=3.0), ws.Box(X[0] - 3, X[0] + 3), progress=wait)
        assert found.status == "interrupted"
        return found

    for module in (tolerance_search, curve):
        monkeypatch.setattr(module, "worst_case", searched)


@pytest.mark.parametrize("after", [1, 2, 3])
def test_ctrl_c_ends_with_what_is_known(whole, after, monkeypatch):
    interrupted(monkeypatch, after)
    found = ws.tolerance(NET, EPSILON, X)
    assert found.status == "interrupted"
    assert "interrupted" in repr(found)
    assert -1 <= found.guaranteed <= whole.guaranteed
    assert found.frontier == whole.frontier


def test_ctrl_c_ends_a_report_with_its_sections(monkeypatch):
    interrupted(monkeypatch, 4)
    found = ws.report(NET, X, epsilon=EPSILON, most=2, samples=2)
    assert found.status == "interrupted"
    assert [section.key for section in found.sections] == ["asked", "network", "curve", "tolerance"]
    assert json.loads(found.json())["status"] == "interrupted"


def test_ctrl_c_ends_hardening_as_it_should(monkeypatch):
    from withstand.uses import hardening

    interrupted(monkeypatch, 1)
    monkeypatch.setattr(hardening, "worst_case", tolerance_search.worst_case)
    with pytest.raises(KeyboardInterrupt):
        ws.harden(NET, 1, 0.5, X)


def test_a_scalar_bound_that_is_cut_short_proves_less():
    layers = Layers((9, 9), (1, 1), (1, 1), (1, 1), (None, None))
    assert guaranteed_total(layers, 40) <= max_total(layers, 40)
    for total in (guaranteed_total, max_total):
        found = []
        for looks in range(60):
            left = iter(range(looks))
            found.append(total(layers, 40, lambda left=left: next(left, None) is not None))
        assert found[0] == -1
        assert found == sorted(found)
        assert found[-1] == total(layers, 40)
    assert frontier(layers, 40, go_on=lambda: False) is None


def test_a_clock_shares_what_is_left(monkeypatch):
    monkeypatch.setattr(clocks, "time", Ticking(10**9))
    clock = Clock(10.0, Line(False))
    assert (clock.left(), clock.limit(), clock.part(0.25)) == (10, 10, 2.5)
    assert (clock.over(), clock.status) == (False, "complete")
    clocks.time.now = 10.0
    assert (clock.left(), clock.limit(), clock.over(), clock.status) == (0, 0, True, "budget")
    clock.interrupt()
    assert clock.status == "interrupted"
    endless = Clock(float("inf"), Line(False))
    assert (endless.limit(), endless.part(0.5), endless.over()) == (None, None, False)
