# SPDX-License-Identifier: MIT
"""Random campaigns: what is drawn, what is measured, and what the intervals promise."""

from __future__ import annotations

import itertools
import json
import math
import multiprocessing
import sqlite3
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import bridge
import numpy as np
import oracle
import pytest
import strategies as own
import withstand as ws
from test_accuracy import Losing
from withstand.uses.probability import bounded_mean, clopper_pearson, quantile_interval
from withstand.uses.random_failures import RandomFailures

NET, X, Y = ws.embedded("digits_small")
SMALL = ws.Network([[[1.0], [2.0], [-1.0]], [[1.0, 1.0, 0.5], [0.5, -1.0, 1.0]], [[1.0, -1.0], [0.5, 1.0]]])
ROWS, CLASSES = np.array([[1.0], [-0.5], [0.25]]), np.array([0, 1, 1])

MODELS = [
    ws.Crash(2),
    ws.Crash((1, 2)),
    ws.Crash(2, exactly=True),
    ws.Crash(1, among=[(1, 0), (0, 0), (2, 1)]),
    ws.StuckAt(1, value=2.0) + ws.Crash(1),
    ws.Crash(2, exactly=True) + ws.StuckAt((1, 0), value=-1.0),
    ws.SynapseCrash(2),
    ws.SynapseCrash((0, 1, 1)) + ws.Crash(1),
]


def told(found):
    arrays = (found.accuracies, found.errors, found.failed, found.kept)
    return [a.tobytes() for a in arrays], found.accuracy_interval, found.error_interval, found.flips_interval


@pytest.mark.parametrize("failures", MODELS, ids=repr)
def test_every_configuration_is_drawn_equally_often(failures):
    drawer, rng = RandomFailures(SMALL, failures), np.random.default_rng(7)
    size, each = failures.configurations(SMALL), 150
    seen = Counter(tuple((d.term, d.component) for d in drawer.draw(rng)) for _ in range(each * size))
    assert len(seen) == size
    chi = sum((n - each) ** 2 / each for n in seen.values())  # mean size - 1, deviation sqrt(2 (size - 1))
    assert abs(chi - (size - 1)) < 5 * math.sqrt(2 * (size - 1))


@pytest.mark.parametrize("failures", MODELS, ids=repr)
def test_all_errors_are_those_of_an_enumeration(failures):
    trials = 60 * failures.configurations(SMALL)
    found = ws.campaign(SMALL, ROWS, CLASSES, failures, trials=trials)
    every = ws.enumerate_failures(SMALL, failures, ROWS)
    assert found.errors.max() == every.worst
    assert set(found.errors.tolist()) >= {w.error for w in every.top}
    low, high = bounded_mean(found.errors / every.worst, 0.999)
    assert low * every.worst <= every.mean <= high * every.worst


@pytest.mark.parametrize("seed", range(30))
def test_the_mean_over_all_configurations_is_in_the_interval(seed):
    rng = np.random.default_rng(seed)
    net = own.random_network(rng, depth=(1, 2), outputs=(2, 3), activations=("relu", "tanh"))
    model, rows = own.random_model(rng, net, cap=200), own.random_inputs(rng, net, int(rng.integers(1, 4)))
    y = oracle.forward(net, rows).argmax(axis=1)
    outputs = [oracle.forward(net, rows, oracle.values(model, c)) for c in oracle.configurations(net, model)]
    accuracies = np.array([(out.argmax(axis=1) == y).mean() for out in outputs])
    found = ws.campaign(bridge.network(net), rows, y, bridge.model(model), trials=200, seed=seed, confidence=0.999)
    assert set(found.accuracies.tolist()) <= set(accuracies.tolist())
    assert found.accuracy_interval[0] <= accuracies.mean() <= found.accuracy_interval[1]
    assert found.flips_interval[0] <= (accuracies < 1).mean() <= found.flips_interval[1]
    for n in range(len(rows)):
        kept = np.mean([out[n].argmax() == y[n] for out in outputs])
        assert found.input_interval(n)[0] <= kept <= found.input_interval(n)[1]
    low, high = found.error_quantile(0.5)
    intact = oracle.forward(net, rows)
    errors = np.sort([abs(out - intact).max() for out in outputs])
    assert low <= errors[len(errors) // 2] + 1e-9 and high >= errors[(len(errors) - 1) // 2] - 1e-9


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_rates_are_those_of_every_component(rate):
    found = ws.campaign(SMALL, ROWS, CLASSES, ws.Crash(0), rates=rate, trials=2000, confidence=0.999)
    expected = 0.0
    for mask in itertools.product((0, 1), repeat=5):
        dead = [c for c, m in zip([(1, 0), (1, 1), (1, 2), (2, 0), (2, 1)], mask) if m]
        right = SMALL.forward(ROWS, failed=dict.fromkeys(dead, 0.0)).argmax(axis=1) == CLASSES
        expected += rate ** sum(mask) * (1 - rate) ** (5 - sum(mask)) * right.mean()
    assert found.accuracy_interval[0] <= expected <= found.accuracy_interval[1]
    assert abs(found.failed.mean() - 5 * rate) <= 5 * math.sqrt(5 * rate * (1 - rate) / 2000)
    assert "at rate" in found.failures


def test_rates_of_a_sum():
    failures = ws.Crash(0) + ws.SynapseCrash(0)
    found = ws.campaign(SMALL, ROWS, CLASSES, failures, rates=(1.0, 0.0), trials=3)
    assert found.failed.tolist() == [5, 5, 5]
    found = ws.campaign(SMALL, ROWS, CLASSES, failures, rates=(0.0, 1.0), trials=3)
    assert found.failed.tolist() == [SMALL.n_synapses] * 3


def test_a_byzantine_component_sends_an_end_of_its_range():
    for convention, shift in (("value", 0.0), ("deviation", 1.0)):
        net = ws.Network([[[1.0]], [[1.0], [0.0]]])
        failures = ws.Byzantine(1, capacity=0.5, convention=convention, exactly=True)
        found = ws.campaign(net, [[1.0]], [0], failures, trials=60)
        assert set(found.errors.tolist()) == ({1.5, 0.5} if not shift else {0.5})


def test_trials_do_not_depend_on_who_runs_them():
    whole = told(ws.campaign(NET, X[:9], Y[:9], ws.Crash(3), trials=300, seed=5))
    assert told(ws.campaign(NET, X[:9], Y[:9], ws.Crash(3), trials=300, seed=6)) != whole
    with ThreadPoolExecutor(3) as pool:
        assert told(ws.campaign(NET, X[:9], Y[:9], ws.Crash(3), trials=300, seed=5, executor=pool)) == whole
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert told(ws.campaign(NET, X[:9], Y[:9], ws.Crash(3), trials=300, seed=5, executor=pool)) == whole
    with pytest.warns(RuntimeWarning, match="the executor lost"):
        assert told(ws.campaign(NET, X[:9], Y[:9], ws.Crash(3), trials=300, seed=5, executor=Losing())) == whole
    first, all_ = (ws.campaign(NET, X[:9], Y[:9], ws.Crash(3), trials=n, seed=5) for n in (100, 300))
    assert first.errors.tobytes() == all_.errors[:100].tobytes()


def stop_after(most):
    def report(done, total):
        if done > most:
            raise KeyboardInterrupt

    return report


def test_a_campaign_goes_on_from_its_file(tmp_path):
    path, ask = tmp_path / "campaign.db", {"trials": 200, "seed": 1}
    whole = ws.campaign(NET, X[:9], Y[:9], ws.Crash(3), **ask)
    half = ws.campaign(NET, X[:9], Y[:9], ws.Crash(3), checkpoint=path, progress=stop_after(90), **ask)
    assert half.status == "interrupted" and 90 < half.done < 200
    assert half.errors.tobytes() == whole.errors[: half.done].tobytes()
    seen = []
    rest = ws.campaign(NET, X[:9], Y[:9], ws.Crash(3), checkpoint=path, progress=lambda d, t: seen.append(d), **ask)
    assert told(rest) == told(whole)
    assert seen[0] == half.done and seen[-1] == 200
    for other in ({"failures": ws.Crash(2)}, {"seed": 2}, {"y": (Y[:9] + 1) % 10}, {"rates": 0.1}):
        arguments = {"failures": ws.Crash(3), "y": Y[:9], **ask, **other}
        with pytest.raises(ValueError, match="checkpoint of another problem"):
            ws.campaign(NET, X[:9], checkpoint=path, **arguments)


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "campaign.db"
    ws.campaign(NET, X[:2], Y[:2], ws.Crash(1), trials=50, checkpoint=path)
    with sqlite3.connect(path) as file:
        (state,) = file.execute("SELECT state FROM shards WHERE first = 0").fetchone()
        file.execute("UPDATE shards SET state = ? WHERE first = 0", (state.replace("2", "1"),))
    file.close()
    with pytest.raises(ValueError, match="is damaged: its shard"):
        ws.campaign(NET, X[:2], Y[:2], ws.Crash(1), trials=50, checkpoint=path)
    with pytest.raises(ValueError, match=r"checkpoint of another problem"):
        ws.enumerate_failures(NET, ws.Crash(1), X[:2], checkpoint=path)


@pytest.mark.parametrize(
    ("failures", "options", "sentence"),
    [
        (ws.Noise(0.1), {}, "noise and equivocal"),
        (ws.Byzantine(1, capacity=1.0, equivocal=True), {}, "noise and equivocal"),
        (ws.Byzantine(1, capacity=1.0, convention="deviation") + ws.Crash(1), {}, "what a failed component hears"),
        (ws.Crash(1) + ws.StuckAt(1, value=1.0), {"rates": 0.1}, "could fail in two ways at once"),
        (ws.Crash(1), {"rates": 1.5}, r"rates must lie in \[0, 1\]"),
        (ws.Crash(1), {"rates": (0.1, 0.2)}, "rates: 2 for a sum of 1 models"),
        (ws.Crash(65), {}, "64 neurons can fail, not 65"),
        (ws.Crash(40, exactly=True) + ws.StuckAt(24, value=1.0, exactly=True), {}, "hardly ever disjoint"),
        (ws.Crash(1), {"trials": 0}, "trials must be at least 1"),
    ],
)
def test_what_is_refused(failures, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        ws.campaign(NET, X[:2], Y[:2], failures, **{"trials": 5, **options})


def test_an_overflow_is_no_right_class():
    net = ws.Network([[[1.0]], [[1e308], [0.0]], [[1e308, 1.0], [0.0, 1.0]]], activation="identity")
    found = ws.campaign(net, [[1e-300]], [0], ws.StuckAt(1, value=1e300, exactly=True, among=[(2, 0)]), trials=2)
    assert (found.accuracies.tolist(), found.errors.tolist()) == ([0.0, 0.0], [math.inf] * 2)
    assert found.error_interval == (0.0, math.inf)
    assert json.loads(json.dumps(found.to_dict()))["errors"] == ["inf", "inf"]


# intervals -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("p", [0.02, 0.3, 0.5, 0.9])
def test_bounded_mean_covers_every_mean(p):
    """All sequences of 10 values 0 or 1, each with its chance: the interval misses with at most 5 %."""
    missed = 0.0
    for values in itertools.product((0.0, 1.0), repeat=10):
        low, high = bounded_mean(np.array(values))
        assert 0 <= low <= np.mean(values) <= high <= 1
        missed += (not low <= p <= high) * p ** sum(values) * (1 - p) ** (10 - sum(values))
    assert missed <= 0.05


def test_bounded_mean_of_a_narrow_distribution_is_narrow():
    values = 0.95 + 0.02 * np.sin(np.arange(1000.0))
    low, high = bounded_mean(values)
    assert high - low < 0.35 * (clopper_pearson(950, 1000)[1] - clopper_pearson(950, 1000)[0])


@pytest.mark.parametrize("n", [1, 5, 40, 300])
@pytest.mark.parametrize("q", [0.1, 0.5, 0.99])
def test_quantiles_between_order_statistics(n, q):
    """How many values lie below a quantile is binomial: each end is missed with at most 2.5 %, the next by more."""
    low, high = quantile_interval(np.arange(1.0, n + 1), q)
    chance = [math.comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(n + 1)]
    first, last = 0 if low == -math.inf else int(low), n + 1 if high == math.inf else int(high)
    assert sum(chance[:first]) <= 0.025 < sum(chance[: first + 1])
    assert sum(chance[last:]) <= 0.025 < sum(chance[last - 1 :])
