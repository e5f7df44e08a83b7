# SPDX-License-Identifier: MIT
"""Flipped bits of signals whose words the network states: these, and no others."""

from __future__ import annotations

import pickle

import pytest
import withstand as ws
from withstand.certificate.terms import described
from withstand.model.quantisation import LayerFormat, Quantisation

X = [[3.0]]


def stating(*signals: ws.Format | None) -> ws.Network:
    """A chain of one neuron a layer, whose inputs, layers and outputs are these words."""
    chain = [ws.Layer([(place, [[1.0]])]) for place in range(len(signals) - 2)]
    net = ws.Network(layers=[*chain, ws.Layer([(len(chain), [[1.0]])], activation="identity")], shape=(1,))
    net._quantisation = Quantisation(tuple(LayerFormat((), form) for form in signals))
    return net


UINT8, INT16 = ws.Format("uint8", 0.5, 2), ws.Format("int16", 0.001)
NET = stating(UINT8, UINT8, UINT8)
MIXED = stating(UINT8, UINT8, INT16, UINT8)


def answers(net: ws.Network, failures: ws.Failures) -> tuple[float, float, float]:
    found = ws.enumerate_failures(net, failures, X)
    return found.worst, ws.worst_case(net, failures, X).upper, ws.bound(net, failures, X).value


def test_words_are_those_that_the_network_states():
    found = ws.enumerate_failures(NET, ws.BitFlip(1), X)  # 3 is the word 6 + 2: bit 7 adds 128 words of a half
    assert (found.worst, found.witness.ways) == (64.0, {(1, 0): 7})
    assert answers(NET, ws.BitFlip(1)) == answers(NET, ws.BitFlip(1, format="uint8"))
    assert "BitFlip(1, format='uint8')" in str(found)
    (stated,) = described(ws.BitFlip(1), NET, ws.enumerate_failures(NET, ws.BitFlip(1), X).witness.input[None])
    assert (stated["words"]["format"], stated["words"]["scales"][1]) == ("uint8", [[0.5, 2]])
    assert [ws.tolerance(NET, e, X, model=ws.BitFlip).guaranteed for e in (63.0, 65.0)] == [0, 1]


def test_networks_that_state_none_hold_words_of_int8():
    plain = ws.Network([[[1.0]], [[1.0]]])
    assert answers(plain, ws.BitFlip(1, scale=1.0)) == answers(plain, ws.BitFlip(1, format="int8", scale=1.0))
    assert answers(stating(None, None, None), ws.BitFlip(1)) == answers(plain, ws.BitFlip(1, format="int8"))


def test_layers_with_words_of_their_own_are_asked_about_by_name():
    on_second = ws.BitFlip(1, among=[(2, 0)])
    found = ws.enumerate_failures(MIXED, on_second, X)
    assert found.witness.ways == {(2, 0): 15} and found.worst == pytest.approx(32.768)
    assert on_second.configurations(MIXED) == 1 + 16
    assert ws.BitFlip(1, among=[(0, 0), (1, 0)]).configurations(MIXED) == 1 + 2 * 8
    assert ws.BitFlip(1, bits=[15], among=[(2, 0)]).configurations(MIXED) == 2


@pytest.mark.parametrize(("net", "failures", "said"), [
    (NET, ws.BitFlip(1, format="int8"), r"words of uint8 \(layer 1\), none of int8: drop format"),
    (NET, ws.BitFlip(1, format="float32"), r"words of uint8 \(layer 1\), none of float32"),
    (NET, ws.BitFlip(1, format="int8", among=[(0, 0)]), r"words of uint8 \(layer 0\), none of int8"),
    (NET, ws.BitFlip(1, bits=[8]), "bits are numbered 0 to 7"),
    (MIXED, ws.BitFlip(1), r"uint8 \(layer 1\) and int16 \(layer 2\): ask about layers of one format, give among"),
    (MIXED, ws.BitFlip(1, format="uint8"), r"words of int16 \(layer 2\), none of uint8"),
])  # fmt: skip
def test_other_words_are_refused_by_name(net, failures, said):
    for ask in (ws.enumerate_failures, ws.worst_case, ws.bound):
        with pytest.raises(ValueError, match=said):
            ask(net, failures, X)
    with pytest.raises(ValueError, match=said):
        failures.configurations(net)


def test_models_tell_what_they_were_given():
    for failures, text in (
        (ws.BitFlip(1), "BitFlip(1)"),
        (ws.BitFlip((1, 0), bits=[9], to=1), "BitFlip((1, 0), bits=(9,), to=1)"),
        (ws.BitFlip(1, format="int8"), "BitFlip(1, format='int8')"),
        (ws.BitFlip(1, format="int32"), "BitFlip(1, format='int32')"),
    ):
        assert repr(failures) == repr(pickle.loads(pickle.dumps(failures))) == text
