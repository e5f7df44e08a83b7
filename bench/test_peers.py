# SPDX-License-Identifier: MIT
"""The peers agree with each other: the same maximum, reached by the set they name."""

from __future__ import annotations

from itertools import pairwise, product
from math import comb

import numpy as np
import pytest
from peers import chunked_numpy, loop_numpy
from peers.common import MODELS, Array, Form, Net, Worst, anywhere, load, size

FORMS = {"chunked_numpy": chunked_numpy.worst, "loop_numpy": loop_numpy.worst}
try:
    from peers import batched_torch
except ImportError:  # PyTorch is a rival, not a requirement
    pass
else:
    FORMS["batched_torch"] = batched_torch.worst
form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


def random_net(widths: tuple[int, ...], activation: str, seed: int) -> tuple[Net, Array]:
    """Return a network with normal weights and five inputs."""
    draw = np.random.default_rng(seed)
    pairs = list(pairwise(widths))
    weights = tuple(draw.normal(size=(n, m)) for m, n in pairs)
    biases = tuple(draw.normal(size=n) for _, n in pairs)
    return Net(weights, biases, activation), draw.uniform(size=(5, widths[0]))


def error_of(net: Net, x: Array, failed: tuple[tuple[int, int], ...]) -> float:
    """Return the error of one configuration, written as the definition says."""
    y = x
    for layer, (w, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
        s = y @ w.T + b
        if layer == len(net.weights):
            return float(np.abs(s - net.trace(x)[-1]).max())
        y = np.maximum(s, 0.0) if net.activation == "relu" else 1.0 / (1.0 + np.exp(-s))
        y[:, [i for at, i in failed if at == layer]] = 0.0
    raise AssertionError("a network has outputs")


@form
@pytest.mark.parametrize("activation", ["relu", "logistic"])
@pytest.mark.parametrize("counts", [c for c in product(range(3), repeat=3) if any(c)])
def test_forms_agree(form: Form, activation: str, counts: tuple[int, ...]) -> None:
    """Every form finds the loop's maximum, and the set it names has that error."""
    net, x = random_net((3, 5, 4, 6, 2), activation, seed=sum(counts))
    if size(net, counts) > 400:
        pytest.skip("larger than the check needs")
    expected, found = loop_numpy.worst(net, x, counts), form(net, x, counts)
    assert found.configurations == expected.configurations == size(net, counts)
    assert found.error == pytest.approx(expected.error, rel=1e-9, abs=1e-12)
    assert error_of(net, x, found.failed) == pytest.approx(found.error, rel=1e-9, abs=1e-12)


@form
def test_more_than_one_chunk(form: Form) -> None:
    """The last, shorter chunk counts: three of 24 neurons are 2024 configurations."""
    net, x = random_net((3, 24, 4, 2), "relu", seed=1)
    expected, found = loop_numpy.worst(net, x, (3, 0)), form(net, x, (3, 0))
    assert found.configurations == 2024
    assert found.error == pytest.approx(expected.error, rel=1e-9)


@form
def test_anywhere_counts_every_distribution(form: Form) -> None:
    """Exactly k of all hidden neurons is C(N, k) configurations."""
    net, x = random_net((3, 5, 4, 6, 2), "relu", seed=7)
    found = anywhere(form, net, x, 3)
    assert found.configurations == comb(15, 3)
    assert found.error == pytest.approx(anywhere(loop_numpy.worst, net, x, 3).error, rel=1e-9)


def test_embedded_files_are_read() -> None:
    """The networks as arrays reproduce the outputs stored with their samples."""
    for name in ("digits", "digits_small", "diabetes"):
        stored = np.load(MODELS / f"{name}_samples.npz")
        outputs = load(MODELS / f"{name}.onnx").trace(stored["samples_x"])[-1]
        np.testing.assert_allclose(outputs, stored["outputs"], rtol=1e-12, atol=1e-12)


def test_a_tie_keeps_the_first() -> None:
    """Merging two answers is deterministic."""
    one, two = Worst(1.0, ((1, 0),), 3), Worst(1.0, ((1, 1),), 4)
    assert one | two == Worst(1.0, ((1, 0),), 7)


def test_crashes_of_a_graph() -> None:
    """A convolution read by another one and past it: every crash, in more than one batch, as by setting it to 0."""
    torch = pytest.importorskip("torch")
    draw = np.random.default_rng(3)
    x, a, b, c = (torch.tensor(draw.normal(size=s)) for s in ((2, 6, 6), (3, 2, 3, 3), (3, 3, 3, 3), (4, 108)))
    convolve = torch.nn.functional.conv2d
    stages = [
        batched_torch.Stage(((0, lambda y: convolve(y, a, padding=1)),), relu=True),
        batched_torch.Stage(((1, lambda y: convolve(y, b, padding=1)), (1, lambda y: y)), relu=True),
        batched_torch.Stage(((2, lambda y: y.flatten(1) @ c.T),), relu=False),
    ]

    def output(mask: Array) -> Array:
        first = convolve(x[None], a, padding=1).relu() * torch.tensor(mask.reshape(3, 6, 6))
        last = (convolve(first, b, padding=1) + first).relu().flatten(1) @ c.T
        return np.asarray(last[0])

    found = batched_torch.Graph(stages, x).errors(1, np.arange(108))
    masks = 1.0 - np.eye(108)
    expected = [np.abs(output(mask) - output(np.ones(108))).max() for mask in masks]
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert found.max() > 0


@pytest.mark.parametrize("written", ["baddbmm", "update"])
@pytest.mark.parametrize("activation", ["relu", "logistic"])
def test_changed_weights(written: str, activation: str) -> None:
    """Every weight doubled and lowered by one, in more than one batch, as by a network that has that weight."""
    torch = pytest.importorskip("torch")
    net, x = random_net((3, 5, 4, 2), activation, seed=5)
    peer = batched_torch.Words(net, x, torch.float64, written, batch=8)
    for layer, w in enumerate(net.weights, start=1):
        to, source = np.divmod(np.arange(w.size), w.shape[1])
        words = 2.0 * w.reshape(-1) - 1.0
        expected = []
        for place, word in zip(zip(to, source, strict=True), words, strict=True):
            weights = [v.copy() for v in net.weights]
            weights[layer - 1][place] = word
            other = Net(tuple(weights), net.biases, activation)
            expected.append(np.abs(other.trace(x)[-1] - net.trace(x)[-1]).max())
        found = peer.errors(layer, to, source, words)
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert found.max() > 0
