# SPDX-License-Identifier: MIT
"""Networks whose parameters are words, and formats that travel with a network."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import withstand as ws

RNG = np.random.default_rng(2)


def chain() -> ws.Network:
    weights = [RNG.normal(size=(5, 3)), RNG.normal(size=(4, 5)), RNG.normal(size=(2, 4))]
    return ws.Network(weights, [RNG.normal(size=5), None, RNG.normal(size=2)], activation="tanh")


def graph() -> ws.Network:
    """A convolution, a linear stage that cannot fail, a stage that clips, and the outputs."""
    layers = [
        ws.Layer([(0, ws.Conv(RNG.normal(size=(2, 1, 3)), padding=1))], RNG.normal(size=2), name="first"),
        ws.Layer([(1, RNG.normal(size=(6, 12)))], RNG.normal(size=6), "identity", may_fail=False, name="linear"),
        ws.Layer([(2, ws.Select(np.arange(6), -np.ones(6)))], np.full(6, 0.7), may_fail=False, name="clip"),
        ws.Layer([(3, RNG.normal(size=(4, 6))), (2, RNG.normal(size=(4, 6)))], RNG.normal(size=4)),
        ws.Layer([(4, RNG.normal(size=(2, 4)))], None, "identity"),
    ]
    return ws.Network(layers=layers, shape=(1, 6))


@pytest.mark.parametrize("name", ["int4", "int8", "int16", "float16", "bfloat16", "float32", "float64"])
def test_parameters_are_the_nearest_words(name):
    net = chain()
    made = net.rounded(name)
    form = ws.Format(name)
    for old, new, own in zip(net.weights, made.weights, made.formats, strict=True):
        if not form.is_float:
            assert own.weight == ws.Format(name, np.abs(old).max() / (2 ** (form.bits - 1) - 1))
            assert np.abs(old - new).max() <= own.weight.scale / 2 * (1 + 1e-12)
        assert own.weight.name == name
        assert own.weight.is_word(new).all()
        assert np.array_equal(new, own.weight.round(old))
    for old, new, own in zip(net.biases, made.biases, made.formats, strict=True):
        assert own.bias.name == (name if form.is_float else "int32")
        assert own.bias.is_word(new).all()
        assert np.abs(old - new).max() <= (1e-9 if not form.is_float else 2.0**-7) * max(np.abs(old).max(), 1)
    assert made.noise is made.output_rounding is None
    assert (made.activations, made.widths) == (net.activations, net.widths)
    assert (made == net) == (name == "float64")


def test_scales_per_layer_and_per_channel():
    net = chain()
    rows = np.abs(net.weights[1]).max(axis=1) / 7
    made = net.rounded("int4", [0.5, rows, 0.1])
    assert [own.weight.scale for own in made.formats] == [0.5, tuple(rows), 0.1]
    assert made.formats[1].weight.is_word(made.weights[1]).all()
    assert np.abs(made.weights[1]).max(axis=1) == pytest.approx(np.abs(net.weights[1]).max(axis=1))
    assert np.array_equal(made.weights[0], ws.Format("int4", 0.5).round(net.weights[0]))
    assert net.rounded("int8", 0.25).formats[2].weight.scale == 0.25
    given = ws.Format("uint8", 0.02, 100)
    assert {own.weight for own in net.rounded(given).formats} == {given}


def test_a_graph_rounds_what_its_stages_store_and_no_range():
    net = graph()
    made = net.rounded("int8", [0.1, 0.2, 0.3])
    layers = made._layout.given
    kernels = [given[0].reads[0][1].kernel for given in (layers, net._layout.given)]
    assert np.array_equal(kernels[0], ws.Format("int8", 0.1).round(kernels[1]))
    assert np.array_equal(layers[1].reads[0][1], ws.Format("int8", 0.2).round(net._layout.given[1].reads[0][1]))
    assert np.array_equal(layers[2].bias, net._layout.given[2].bias)
    assert layers[4].bias is None
    first, second, outputs = made.formats
    assert dict(second.parameters).keys() == {"weight_0", "weight_1", "bias", "linear.weight", "linear.bias"}
    assert (first.weight.scale, second.weight.scale, outputs.weight.scale) == (0.1, 0.2, 0.3)
    assert second.bias is None  # there are two of different scales
    x = RNG.normal(size=(20, 6))
    assert np.abs(made.forward(x) - net.forward(x)).max() > 0


@pytest.mark.parametrize("make", [chain, graph])
def test_formats_travel(make, tmp_path: Path):
    net = make()
    layers = len(net.formats or net.layers)
    channels = RNG.uniform(0.01, 0.1, size=net.layers[0].parameters["weight"][0])
    made = net.rounded("int8", [channels, *[0.1] * (layers - 1)])
    made.save(tmp_path / "net.npz")
    for copy in (pickle.loads(pickle.dumps(made)), ws.load(tmp_path / "net.npz")):
        assert copy == made
        assert copy.formats == made.formats
        assert copy.noise is None
        assert copy.fingerprint == made.fingerprint
    plain = ws.Network(layers=made._described().given, shape=made.shapes[0]) if make is graph else \
        ws.Network(made.weights, made.biases, activation="tanh")  # fmt: skip
    assert plain.formats is None
    assert plain.fingerprint == made.fingerprint  # formats do not determine the function


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format_names", ["int7"] * 6, "has a format of place 1: Format: name must be one of"),
        ("format_places", [9] * 6, "has formats of places up to 9, of 4"),
        ("format_channels", [3] * 6, "has formats whose numbers do not fit together"),
        ("format_scales", [-1.0] * 6, "scale must be positive"),
    ],
)
def test_damaged_formats_are_refused(key, value, message, tmp_path: Path):
    chain().rounded("int8").save(tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz") as file:
        arrays = dict(file)
    assert len(arrays[key]) == 6
    np.savez(tmp_path / "net.npz", **(arrays | {key: np.array(value)}))
    with pytest.raises(ws.UnsupportedModel, match=message):
        ws.load(tmp_path / "net.npz")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("int9",), "name must be one of"),
        (("uint8",), "uint8 has no negative words without a zero point"),
        (("float16", 0.1), "scale must not be given for float16"),
        ((ws.Format("int8"), 0.1), "scale must not be given with a Format"),
        (("int8", [0.1]), "scale must be a number, or one entry for each of the 3 layers"),
        (("int8", -0.1), "scale must be positive"),
        (("int8", [[0.1] * 4, 0.1, 0.1]), "layer 1 has 5 channels, its scale 4"),
    ],
)
def test_refused(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        chain().rounded(*given)


def test_numbers_beyond_a_float():
    net = ws.Network([[[1e6]], [[1.0]]])
    with pytest.raises(ValueError, match="layer 1 has parameters beyond the largest float16, 65504"):
        net.rounded("float16")
    assert net.rounded("bfloat16").weights[0][0, 0] == 999424.0


def test_noise_of_inputs_reaches_the_first_layer():
    """Amplitudes of all places of a chain: the inputs' are noise of what the first layer computes."""
    net = ws.Network([[[1.0, -2.0]], [[3.0]]], activation="relu")
    found = ws.bound(net, ws.Noise((0.5, 0.25)), [10.0, 1.0], method="signed")
    assert found.value == pytest.approx(3 * (0.5 * 3 + 0.25))
    with pytest.raises(ValueError, match="3 amplitudes for 1 hidden layers"):
        ws.bound(net, ws.Noise((0.5, 0.25, 0.0)), [10.0, 1.0])


def test_noise_of_stages_that_cannot_fail():
    """Through a convolution, a selection with factors and a sum: every corner, in a regime where all is linear."""
    kernel, matrix = np.array([[[1.0, 2.0]]]), np.array([[1.0, -1.0], [2.0, 0.0]])
    layers = [
        ws.Layer([(0, ws.Conv(kernel, padding=[(0, 1)]))], [50.0], "identity", may_fail=False),
        ws.Layer([(1, ws.Select([1, 0], [-3.0, 2.0])), (0, ws.Select([0, 1]))], None, "identity", may_fail=False),
        ws.Layer([(2, matrix), (1, ws.Select([0, 1]))], [900.0, 900.0]),
        ws.Layer([(3, [[1.0, 1.0]])], None, "identity"),
    ]
    net, noise, x = ws.Network(layers=layers, shape=(1, 2)), (0.5, 0.25, 0.125, 2.0), np.array([3.0, -4.0])
    first = np.array([[1.0, 2.0], [0.0, 1.0]])
    second = np.array([[0.0, -3.0], [2.0, 0.0]])
    gains = []  # of noise on each of the eight signals, in each neuron that may fail
    by_first = matrix @ second + np.eye(2)
    for size, reached in zip(noise, (by_first @ first + matrix, by_first, matrix, np.eye(2)), strict=True):
        gains.append(size * np.abs(reached).sum(axis=1))
    corners = np.sum(gains, axis=0)
    found = ws.bound(net, ws.Noise(noise), x, method="signed").value
    assert found >= corners.sum()
    carried_on = np.abs(matrix) @ (np.abs(second) @ (np.abs(first) @ [0.5, 0.5] + 0.25) + 0.5 + 0.125)
    carried_on = carried_on + np.abs(first) @ [0.5, 0.5] + 0.25 + 2.0
    assert found == pytest.approx(2 * carried_on.max(), rel=1e-8)  # one amplitude per layer


def test_replicas_hold_no_words():
    assert ws.replicate(chain().rounded("int8"), 3).formats is None
