# SPDX-License-Identifier: MIT
"""Failures of loaded graphs replay in ONNX Runtime: neurons are the entries of the file's tensors, in C order."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

import withstand as ws  # noqa: E402
from onnx_networks import NETWORKS, masked  # noqa: E402

IDS = [f"{build.__name__}-{seed}" for build, seed in NETWORKS]


class Runtime:
    """ONNX Runtime on a model and on its masked copy; of a softmax at the end, the logarithms."""

    def __init__(self, proto: Any, net: ws.Network) -> None:
        self.logits = net.outputs == "logits"
        self.shapes = {layer.name: layer.shape for layer in net.layers[:-1]}
        self.names, self.input = list(self.shapes), net.shapes[0]
        self.plain, self.failing = (
            onnxruntime.InferenceSession(each.SerializeToString(), providers=["CPUExecutionProvider"])
            for each in (proto, masked(proto, self.shapes))
        )

    def run(self, x: np.ndarray, crashes: list[Mapping[Any, float]] | None = None) -> np.ndarray:
        """Outputs for rows of inputs, in each of which the given neurons send 0."""
        feeds = {"x": x.reshape(-1, *self.input).astype(np.float32)}
        if crashes is None:
            (y,) = self.plain.run(None, feeds)
            return self._values(y)
        for number, (name, shape) in enumerate(self.shapes.items(), start=1):
            mask = np.ones((len(x), math.prod(shape)), dtype=np.float32)
            for row, crash in enumerate(crashes):
                mask[row, [neuron for layer, neuron in crash if layer == number]] = 0
            feeds[f"mask {name}"] = mask.reshape(-1, *shape)
        (y,) = self.failing.run(None, feeds)
        return self._values(y)

    def _values(self, y: np.ndarray) -> np.ndarray:
        """A softmax fixes its argument up to a number that all classes share, which is taken out of both sides."""
        return centred(np.log(y.astype(np.float64))) if self.logits else y.astype(np.float64)

    def ours(self, y: np.ndarray) -> np.ndarray:
        return centred(y) if self.logits else y


def centred(y: np.ndarray) -> np.ndarray:
    return y - y.mean(axis=-1, keepdims=True)


@pytest.fixture(params=NETWORKS, ids=IDS)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[ws.Network, Runtime, list[str], np.ndarray]:
    build: Callable[[int], Any]
    build, seed = request.param
    proto, neurons = build(seed)
    onnx.save(proto, tmp_path / "net.onnx")
    net = ws.load(tmp_path / "net.onnx")
    return net, Runtime(proto, net), neurons, np.random.default_rng(seed).normal(size=(3, net.widths[0]))


def close(one: np.ndarray, other: np.ndarray) -> None:
    assert one.shape == other.shape
    assert np.abs(one - other).max() <= 2e-5 * max(1.0, np.abs(other).max())


def test_layers_are_the_tensors_of_activations(case: Any) -> None:
    net, runtime, neurons, x = case
    assert runtime.names == neurons
    assert net.is_graph
    close(runtime.ours(net.forward(x)), runtime.run(x))


def test_every_single_crash(case: Any) -> None:
    """Each neuron is the entry of its tensor that bears its number."""
    net, runtime, _, x = case
    single = [{(layer, neuron): 0.0} for layer in range(1, net.depth + 1) for neuron in range(net.widths[layer])]
    ours = np.array([net.forward(x[0], failed=crash) for crash in single])
    close(runtime.ours(ours), runtime.run(np.repeat(x[:1], len(single), axis=0), single))


@pytest.mark.parametrize("count", [1, 2])
def test_witnesses_replay(case: Any, count: int) -> None:
    net, runtime, _, x = case
    found = ws.enumerate_failures(net, ws.Crash(count), x)
    exact = ws.worst_case(net, ws.Crash(count), x)
    assert exact.status == "exact" and exact.lower == pytest.approx(found.worst, rel=1e-9)
    for witness in (found.witness, exact.witness):
        assert len(witness.failed) == count and all(value == 0 for value in witness.values.values())
        row = np.asarray(witness.input)[None]
        theirs = runtime.run(row, [witness.values])
        close(runtime.ours(net.forward(row, failed=witness.values)), theirs)
        if not runtime.logits:
            error = np.abs(theirs - runtime.run(row)).max()
            assert abs(error - exact.lower) <= 1e-4 * max(1.0, exact.lower)
