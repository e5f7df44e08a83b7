# SPDX-License-Identifier: MIT
"""Published files of int8 against LiteRT's kernels: whole, and tensor by tensor."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("tflite")
pytest.importorskip("ai_edge_litert")
import withstand as ws
from quantised_bounds import INPUTS, held, stores_words
from quantised_tflite import KERNELS, first_name, run, words_of
from test_published_models import models
from withstand.model.apply import applied
from withstand.model.graph import bias_of

PUBLISHED = ["pub8_mlperf_ad01_int8", "pub10_mlperf_resnet8_int8"]
here = pytest.mark.skipif(models() is None, reason="the published models are not here")


def inputs_of(name: str, count: int) -> np.ndarray:
    """Real inputs that come with a model, and random ones in the range of its words."""
    path = models() / f"{name}.ref.npz"
    word = ws.load(models() / f"{name}.tflite")._quantisation.formats[0].signal
    with np.load(path) as reference:
        given = reference["x"].reshape(len(reference["x"]), -1)
    return np.concatenate([given, np.random.default_rng(5).uniform(word.low, word.high, (count, given.shape[1]))])


@here
@pytest.mark.parametrize("kernels", KERNELS)
def test_published_autoencoder(kernels: str) -> None:
    path = models() / f"{PUBLISHED[0]}.tflite"
    net, X = ws.load(path), inputs_of(PUBLISHED[0], INPUTS)
    held(net, X, run(path.read_bytes(), kernels, X), net.noise)


@here
def test_published_convolutions() -> None:
    """One proof for all inputs; the file ends with a softmax, which moves by at most tanh(half as much)."""
    path = models() / f"{PUBLISHED[1]}.tflite"
    net, X = ws.load(path), inputs_of(PUBLISHED[1], INPUTS)
    word = net._quantisation.formats[0].signal
    box = ws.Box(np.full(net.widths[0], word.low), np.full(net.widths[0], word.high))
    proved = ws.bound(net, ws.Noise(net.noise), box, method="signed")
    allowed = np.tanh((proved.value + net.output_rounding) / 2) + 0.5 / 256 + 1 / 256  # 1 becomes 255 / 256
    logits = net.forward(X)
    chances = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    for kernels in KERNELS:
        assert np.abs(chances - run(path.read_bytes(), kernels, X)).max() <= allowed


@here
@pytest.mark.parametrize("kernels", ["built in", "reference"])
@pytest.mark.parametrize("name", PUBLISHED)
def test_every_tensor_of_published(name: str, kernels: str) -> None:
    """Layer by layer, each from the words that the runtime has computed before it: sharp where a whole net is not."""
    path = models() / f"{name}.tflite"
    net, X = ws.load(path), inputs_of(name, 12)
    found = net._quantisation
    scales = [layer.signal.scale for layer, amplitude in zip(found.formats, net.noise) if amplitude]
    steps = [amplitude / scale for amplitude, scale in zip(filter(None, net.noise), scales, strict=True)]
    assert 0.5 <= min(steps) <= max(steps) <= 1.6
    assert stores_words(net) == net.n_parameters
    noise = (*net.noise, net.output_rounding if net.outputs == "values" else 0.0)  # no logits have a softmax's name
    shares = []
    for x in X:
        tensors = words_of(path.read_bytes(), kernels, x)
        sent, off = [tensors[first_name(path)].reshape(net.shapes[0])], 0.0
        for place, layer in enumerate(net._layout.given, start=1):
            total = sum(applied(kind, sent[source][None])[0].reshape(-1) for source, kind in layer.reads)
            sent.append(layer.activation(total + bias_of(layer, net._layout.shapes[place])))
            sent[-1] = sent[-1].reshape(net._layout.shapes[place])
            off = max(off, noise[place])
            following = net._layout.given[place].name if place < len(net._layout.given) else None
            if layer.name in tensors and layer.name != following and off > 0:
                word = tensors[layer.name].reshape(sent[-1].shape)
                shares.append(np.abs(sent[-1] - word).max() / off)
                sent[-1], off = word, 0.0
    assert 0.9 < max(shares) <= 1
