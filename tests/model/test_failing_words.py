# SPDX-License-Identifier: MIT
"""Flipped bits, crashed weights, channels and groups: drawn at random against every configuration, and by hand."""

from __future__ import annotations

import math
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import withstand as ws
from withstand.model.quantisation import LayerFormat, Quantisation
from withstand.questions.enumeration import enumerate_failures

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import words_campaign

NET = ws.Network([[[1.0], [2.0], [1.0]], [[1.0, 0.5, 2.0]]])
ROUNDED = ws.Network([[[1.0], [0.3]], [[1.0, -1.0]]], [[0.5, 0.25], [0.0]]).rounded("int8")
GROUPS = [[(1, 0), (1, 1)], [(1, 2)]]
IMAGE = ws.Network(
    layers=[
        ws.Layer([(0, ws.Conv([[[1.0, 2.0]], [[-1.0, 4.0]]]))], [0.5, -0.5], "relu"),
        ws.Layer([(1, [[1.0, 0.0, 2.0, -1.0]])], activation="identity"),
    ],
    shape=(1, 3),
)


@pytest.mark.parametrize("seed", range(1, 5))
def test_answers_are_those_of_every_configuration(seed: int) -> None:
    tally = words_campaign.campaign(60, seed, limit=200)
    assert tally.wrong == []
    assert tally.seen["cases"] == 60 and sum(tally.answers.values()) > 3000


def test_golden_words() -> None:
    """q = 5 in int8: theory 17."""
    net = ws.Network([[[1.0]], [[1.0]]])
    found = enumerate_failures(net, ws.BitFlip(1, format="int8", scale=1.0, exactly=True), [[5.0]])
    assert sorted(w.values[(1, 0)] for w in found.top) == sorted([4.0, 7.0, 1.0, 13.0, 21.0, 37.0, 69.0, -123.0])
    assert {w.ways[(1, 0)]: w.values[(1, 0)] for w in found.top}[7] == -123.0


def test_the_word_is_that_of_the_signal_that_arrives() -> None:
    """Two int8 flips, 50 and 50: bit 6 sets the first to 114, and of 114 bit 7 makes -14: theory 16."""
    net = ws.Network([[[1.0]], [[1.0]], [[1.0]]])
    failures = ws.BitFlip((1, 1), format="int8", scale=1.0)
    found = enumerate_failures(net, failures, [[50.0]])
    worst = max(
        abs(word - 50.0) for first in range(-128, 128) for word in _flips(max(first, 0.0)) if first in _flips(50.0)
    )
    assert found.worst == worst == 178.0
    assert ws.bound(net, failures, [[50.0]], method="at-most").value >= 178.0
    assert net.forward([50.0], failed=found.witness) == [50.0 - 178.0]


def _flips(value: float) -> list[float]:
    return [float(word) for word in ws.Format("int8").flips(value)]


def test_a_kernel_entry_serves_every_place() -> None:
    """Entry (0, 0, 1) of 2 becomes 0: the first map loses 2 y at both places, read with 1 and 0."""
    found = enumerate_failures(IMAGE, ws.WeightCrash(1, among=[(1, "weight", (0, 0, 1))]), [[1.0, 1.0, 3.0]])
    assert found.worst == 2.0 and found.witness.failed == ((1, "weight", (0, 0, 1)),)
    assert ws.WeightCrash(1).configurations(IMAGE) == 1 + 4 + 4
    assert ws.WeightFlip(1, format="float32", biases=True).configurations(IMAGE) == 1 + 32 * (4 + 2 + 4)


def test_a_shared_bias_fails_in_its_whole_map() -> None:
    failures = ws.WeightFlip(1, format="float32", bits=[31], biases=True, among=[(1, "bias", (0,))])
    found = enumerate_failures(IMAGE, failures, [[1.0, 1.0, 3.0]])
    assert found.witness.values == {(1, "bias", (0,)): -0.5} and found.worst == 1.0  # both places, read with 1 and 0


def test_a_channel_fails_as_a_whole() -> None:
    found = enumerate_failures(IMAGE, ws.Crash(1, unit="channel", exactly=True), [[1.0, 1.0, 3.0]], components=True)
    assert found.configurations == 2 and set(found.components) == {(1, 0), (1, 2)}
    assert found.witness.groups == (((1, 2), (1, 3)),)


def test_a_dead_synapse_beats_its_weight_and_a_dead_neuron_both() -> None:
    weight = ws.WeightFlip(1, format="float32", bits=[31], exactly=True, among=[(2, "weight", (0, 2))])
    both = weight + ws.SynapseCrash(1, exactly=True, among=[(2, 0, 2)])
    assert enumerate_failures(NET, weight, [[1.0]]).worst == 4.0
    assert enumerate_failures(NET, both, [[1.0]]).worst == 2.0
    hidden = ws.WeightFlip(1, format="float32", bits=[31], exactly=True, among=[(1, "weight", (2, 0))])
    assert enumerate_failures(NET, hidden + ws.Crash(1, exactly=True, among=[(1, 2)]), [[1.0]]).worst == 2.0


def test_infinite_ways_are_infinite_harm_by_name() -> None:
    net = ws.Network([[[1.0]], [[0.5]]], activation="hard_tanh")  # an activation would bound it
    found = enumerate_failures(net, ws.WeightFlip(1, format="float32", bits=[30, 0]), [[1.0], [0.0]], components=True)
    assert (found.worst, found.infinite, found.mean, found.std) == (math.inf, 1, math.inf, math.inf)
    assert found.witness.failed == ((1, "weight", (0, 0)),) and found.witness.ways == {(1, "weight", (0, 0)): 30}
    assert found.quantile(1.0) == math.inf and math.isfinite(found.quantile(0.5))
    assert found.components[(2, "weight", (0, 0))].worst < math.inf
    assert ws.bound(net, ws.WeightFlip(1, format="float32", bits=[30]), [[1.0]]).value == math.inf
    assert ws.worst_case(net, ws.WeightFlip(1, format="float32", bits=[30]), [[1.0]]).lower == math.inf
    clamped = ws.WeightFlip(1, format="float32", bits=[30, 0], clamp=(-2.0, 2.0))
    assert enumerate_failures(net, clamped, [[1.0], [0.0]]).worst == 1.5


@pytest.mark.parametrize(
    "failures",
    [
        ws.BitFlip(2, format="float16", bits=[14, (0, 15)], exactly=True) + ws.WeightCrash(1),
        ws.Crash(1, groups=GROUPS) + ws.WeightFlip(1, format="float32", bits=[31, 23]),
        ws.StuckAt(2, value=0.5, unit="channel"),
    ],
)
def test_shards_give_the_same_answer(failures: ws.Failures, tmp_path: Path) -> None:
    X = [[1.0], [0.625]]
    alone = enumerate_failures(NET, failures, X, components=True, epsilon=0.5)
    with ThreadPoolExecutor(2) as executor:
        apart = enumerate_failures(NET, failures, X, components=True, epsilon=0.5, executor=executor)
    kept = [
        enumerate_failures(NET, failures, X, components=True, epsilon=0.5, checkpoint=tmp_path / "kept.db")
        for _ in "12"
    ]
    for other in (apart, *kept):
        assert other.top == alone.top and other.components == alone.components
        assert (other.mean, other.std, other.infinite, other.exceeding) == (
            alone.mean, alone.std, alone.infinite, alone.exceeding)  # fmt: skip


@pytest.mark.parametrize(
    ("failures", "text"),
    [
        (
            ws.BitFlip(1, scale=0.5, bits=[(0, 7), 3], to=1),
            "BitFlip(1, scale=0.5, bits=((0, 7), 3), to=1)",
        ),
        (ws.WeightFlip(1, clamp=(-1, 2), biases=True), "WeightFlip(1, format='float32', clamp=(-1, 2), biases=True)"),
        (ws.WeightCrash((1, 0), exactly=True), "WeightCrash((1, 0), exactly=True)"),
        (ws.WeightCrash(1, among=[(1, "weight", (0, 0))]), "WeightCrash(1, among=[1 weights])"),
        (ws.Crash(1, unit="channel"), "Crash(1, unit='channel')"),
        (ws.StuckAt(1, 0.5, groups=GROUPS), "StuckAt(1, value=0.5, groups=[2])"),
    ],
)
def test_repr_and_pickle(failures: ws.Failures, text: str) -> None:
    again = pickle.loads(pickle.dumps(failures))
    assert repr(failures) == repr(again) == text
    assert again == failures and hash(again) == hash(failures)


def test_scales_of_layers_and_channels() -> None:
    net = ws.Network([[[0.5], [0.25]], [[3.0, 0.75]]])
    failures = ws.WeightFlip(1, format="int8", scale=[[0.5, 0.25], 0.75], bits=[0])
    found = enumerate_failures(net, failures, [[1.0]], components=True)
    assert {w.failed[0]: w.values[w.failed[0]] for w in found.top if w.failed} == {
        (1, "weight", (0, 0)): 0.0, (1, "weight", (1, 0)): 0.0, (2, "weight", (0, 0)): 3.75, (2, "weight", (0, 1)): 0.0,
    }  # fmt: skip
    signals = enumerate_failures(net, ws.BitFlip(1, scale=[[0.5, 0.25]], bits=[1]), [[1.0]])
    assert sorted(w.values[w.failed[0]] for w in signals.top if w.failed) == [0.75, 1.5]


def test_inputs_have_words_of_the_scale_given() -> None:
    net = ws.Network([[[1.0]], [[1.0]]])
    found = enumerate_failures(net, ws.BitFlip(1, scale=0.5, bits=[0], among=[(0, 0)]), [[1.0]])
    assert found.witness.values == {(0, 0): 1.5}
    widest = enumerate_failures(
        net, ws.BitFlip(1, bits=[7], among=[(0, 0)]), [[127.0], [1.0]]
    )  # the largest input fits
    assert {w.values[(0, 0)] for w in widest.top if w.failed} == {-1.0}


REFUSED = [
    (
        ws.Network([[[0.3]], [[1.0]]]),
        ws.WeightFlip(1, format="int8", scale=1.0),
        "parameter 0.3 of layer 1 is no word of int8",
    ),
    (NET, ws.WeightFlip(1, format="int8", scale=[1.0]), "one for each of the 2 layers of weights, got 1"),
    (NET, ws.WeightFlip(1, format="int8", scale=[[1.0, 1.0], 1.0]), "layer 1 has 3 channels, its scale 2"),
    (NET, ws.BitFlip(1, scale=[1.0, 1.0]), "one for each of the 1 layers of signals, got 2"),
    (NET, ws.Crash(1, groups=[[(1, 0)], [(1, 0), (1, 1)]]), "neuron (1, 0) is in two groups"),
    (NET, ws.Crash(1, groups=[[(1, 5)]]), "(1, 5), layer 1 has 3 neurons"),
    (NET, ws.Crash(1, groups=[[]]), "a group is empty"),
    (NET, ws.Crash(3, groups=GROUPS), "2 groups can fail, not 3"),
    (NET, ws.Crash(1, groups=GROUPS) + ws.StuckAt(1, 1.0), "neuron (1, 0) fails in a group of one model"),
    (NET, ws.Crash(1, unit="channel", among=[(1, 3)]), "among names (1, 3), there is no such channel"),
    (NET, ws.WeightCrash(1, among=[(1, "kernel", (0, 0))]), "layer 1 stores no 'kernel', but "),
    (NET, ws.WeightCrash(1, among=[(4, "weight", (0, 0))]), "layer 4 stores no 'weight'"),
    (NET, ws.WeightCrash(1, among=[(1, "weight", (3, 0))]), "weight (1, 'weight', (3, 0)): the array has shape (3, 1)"),
    (NET, ws.WeightCrash(1, among=[(1, "weight", (0,))]), "the array has shape (3, 1)"),
    (NET, ws.WeightCrash(1, among=[(1, "bias", (0,))]), "(1, 'bias', (0,)), biases fail only with biases=True"),
    (NET, ws.WeightFlip(1, among=[(1, "bias", (0,))]), "(1, 'bias', (0,)), biases fail only with biases=True"),
    (NET, ws.WeightCrash(7), "6 weights can fail, not 7"),
    (NET, ws.WeightCrash((1,)), "1 counts for 2 layers of weights"),
]


@pytest.mark.parametrize(("net", "failures", "sentence"), REFUSED)
def test_what_does_not_fit_is_refused_by_name(net: ws.Network, failures: ws.Failures, sentence: str) -> None:
    for ask in (failures.configurations, lambda n: enumerate_failures(n, failures, [[1.0]])):
        with pytest.raises(ValueError) as caught:
            ask(net)
        assert sentence in str(caught.value)


def test_kernel_entries_that_meet_only_padding_are_none() -> None:
    layers = [
        ws.Layer([(0, ws.Conv([[[1.0, 2.0]]], padding=[(1, 0)], stride=2))]),
        ws.Layer([(1, [[1.0]])], activation="identity"),
    ]
    net = ws.Network(layers=layers, shape=(1, 1))
    assert ws.WeightCrash(1).configurations(net) == 1 + 1 + 1  # nothing, one entry of two, the output's weight
    with pytest.raises(ValueError, match="meets nothing but padding"):
        ws.WeightCrash(1, among=[(1, "weight", (0, 0, 0))]).configurations(net)
    with pytest.raises(ValueError, match="meets nothing but padding"):
        net.forward([1.0], failed={(1, "weight", (0, 0, 0)): 3.0})


def test_counts_per_layer_speak_of_one_stage() -> None:
    layers = [
        ws.Layer([(0, [[1.0]])]),
        ws.Layer([(1, [[2.0]])], activation="identity", may_fail=False, name="mix"),
        ws.Layer([(2, None)]),
        ws.Layer([(3, [[1.0]])], activation="identity"),
    ]
    net = ws.Network(layers=layers, shape=(1,))
    assert enumerate_failures(net, ws.WeightCrash((0, 1, 0)), [[1.0]]).witness.failed == ((2, "mix.weight", (0, 0)),)
    layers[2] = ws.Layer([(2, [[1.0]])])
    with pytest.raises(ValueError, match="layer 2 counts the parameters of 2 stages, which share no count"):
        ws.WeightCrash((0, 1, 0)).configurations(ws.Network(layers=layers, shape=(1,)))


@pytest.mark.parametrize("failures", [ws.Crash(1, groups=GROUPS), ws.Crash(1, unit="channel"), ws.WeightCrash(1)])
def test_certificates_are_of_groups_and_weights_too(failures: ws.Failures, tmp_path: Path) -> None:
    found = ws.worst_case(NET, failures, [[1.0]], certificate=tmp_path / "proof.json")
    check = ws.check_certificate(tmp_path / "proof.json", NET, failures=failures, domain=[[1.0]])
    assert check.valid and check.lower == found.lower and check.configurations == failures.configurations(NET)


@pytest.mark.parametrize("failures", [ws.Crash(1, groups=GROUPS), ws.Crash(1, unit="channel")])
def test_uses_of_single_neurons_refuse_groups(failures: ws.Failures) -> None:
    with pytest.raises(ValueError, match="one by one, not in groups"):
        ws.replicas_needed(NET, failures, 0.5, [[1.0]])


def test_biases_are_words_of_their_own_length() -> None:
    """Weights of int8 and biases of int32: every bit of either."""
    assert ws.WeightFlip(1, format="int8", biases=True).configurations(ROUNDED) == 1 + 8 * 4 + 32 * 3
    assert ws.WeightFlip(1, format="int8", bits=[0], biases=True).configurations(ROUNDED) == 1 + 4 + 3


def test_witnesses_are_replayed_by_any_name() -> None:
    failures = ws.WeightFlip(1, format="int8", bits=[6, (0, 7)], exactly=True) + ws.BitFlip(
        1, format="int8", exactly=True
    )
    found = enumerate_failures(ROUNDED, failures, [[0.75]])
    intact = ROUNDED.forward([0.75])
    for worst in found.top:
        for failed in (worst, worst.values):
            assert np.abs(ROUNDED.forward(worst.input, failed=failed) - intact).max() == worst.error
        assert [y.shape for y in ROUNDED.trace(worst.input, failed=worst)] == [(1,), (2,), (1,)]


@pytest.mark.parametrize("seed", range(6))
def test_words_of_a_file_have_a_zero_point(seed: int) -> None:
    """Signals as quantised files store them: asymmetric, per tensor, and per channel."""
    rng = np.random.default_rng(seed)
    net = ws.Network([rng.normal(size=(3, 2)), rng.normal(size=(2, 3))])
    form = ws.Format("int8", 0.05, -128) if seed % 2 else ws.Format("uint8", (0.05, 0.125, 0.3), (0, 3, 128))
    net._quantisation = Quantisation((LayerFormat(), LayerFormat(signal=form), LayerFormat()))
    failures, x = ws.BitFlip(1, format=form.name, exactly=True), rng.normal(size=2)
    sent = net.trace(x)[1]
    intact = net.forward(x)
    expected = {}
    for neuron in range(3):
        for bit, word in enumerate(form.channel(neuron).flips(sent[neuron])):
            expected[(1, neuron), bit] = float(np.abs(net.forward(x, failed={(1, neuron): word}) - intact).max())
    found = enumerate_failures(net, failures, x)
    assert found.configurations == 24 and found.worst == max(expected.values())
    assert [w.error for w in found.top] == sorted(expected.values())[:-11:-1]
    for worst in found.top:
        ((component, bit),) = worst.ways.items()
        assert worst.error == expected[component, bit]
    exact = ws.worst_case(net, failures, x)
    assert exact.lower == found.worst and exact.upper >= found.worst
    for method in ("capped", "matrix", "signed", "adjoint", "tightest"):
        assert ws.bound(net, failures, x, method=method).value >= found.worst
    assert ws.bound(net, ws.BitFlip(1, format=form.name), x, method="at-most").value >= found.worst


def test_a_group_may_lose_what_a_dead_synapse_no_longer_delivers() -> None:
    """-2 a + b with a = 1, b = 0: both stuck at 3 make -3; without the first product they make 3, 5 more than -2."""
    net = ws.Network([[[1.0], [0.0]], [[-2.0, 1.0]]])
    failures = ws.StuckAt(1, 3.0, groups=[[(1, 0), (1, 1)]]) + ws.SynapseCrash(1)
    assert enumerate_failures(net, failures, [1.0]).worst == 5.0
    for method in ("at-most", "capped", "matrix", "signed", "tightest"):
        assert ws.bound(net, failures, [1.0], method=method).value >= 5.0, method
