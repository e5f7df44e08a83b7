# SPDX-License-Identifier: MIT
"""A quantised file against its float original: what ONNX Runtime computes is within what is proved."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

pytest.importorskip("onnxruntime")
import withstand as ws
from quantised_onnx import LEVELS, float_dense, float_images, run, saturates, static
from withstand.model.apply import applied
from withstand.model.graph import bias_of
from withstand.uses.file_precision import execute

pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(saturates(), reason="sums of words saturate on this processor, see docs/quantised.md"),
]
X = np.random.default_rng(6).normal(size=(40, 12)).astype(np.float32).astype(np.float64)


def pair(make, shape, folder, **options):
    proto = static(make(0), shape, folder, **options)
    onnx.save(proto, folder / "words.onnx")
    return ws.load(folder / "float.onnx"), ws.load(folder / "words.onnx"), proto


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize(("make", "shape"), [(float_dense, (12,)), (float_images, (3, 6, 6))])
def test_what_a_runtime_computes_is_within(make, shape, per_channel, tmp_path):
    net, file, proto = pair(make, shape, tmp_path, per_channel=per_channel)
    x = np.random.default_rng(6).normal(size=(20, net.widths[0])).astype(np.float32).astype(np.float64)
    found = ws.precision(net, 100, x, quantised=file)
    seen = max(np.abs(run(proto, level, x, shape) - net.forward(x)).max() for level in LEVELS)
    assert seen <= found.bound + found.slack
    assert seen == pytest.approx(found.observed, rel=0.2)  # of another execution: it rounds ties alone otherwise
    assert found.real <= found.observed + found.bound
    assert found.holds
    assert not ws.precision(net, found.observed / 2, x, quantised=file).holds


def test_rows_tell_where_it_comes_from(tmp_path):
    net, file, _ = pair(float_dense, (12,), tmp_path)
    found = ws.precision(net, 10, X, quantised=file)
    assert (found.statement.fingerprint, found.statement.rows) == (net.fingerprint, len(X))
    assert found.statement.verdict == "tolerated" and file.fingerprint in found.statement.rigor
    assert [row.layer for row in found.layers] == [0, 1, 2, 3]
    assert found.layers[0].parameters is None
    assert all(row.observed <= row.proved * (1 + 1e-9) for row in found.layers)
    for number in (1, 2, 3):  # the original with one layer of the file
        weights, biases = list(net.weights), list(net.biases)
        stage = next(layer for layer in file._layout.given if layer.kind == "dense"
                     and layer.reads[0][1].shape == weights[number - 1].shape)  # fmt: skip
        weights[number - 1] = stage.reads[0][1]
        biases[number - 1] = biases[number - 1] if stage.bias is None else stage.bias
        changed = ws.Network(weights, biases, activation="relu")
        assert found.layers[number].parameters == pytest.approx(np.abs(changed.forward(X) - net.forward(X)).max())
    text = repr(found)
    assert text.startswith("Difference: error <= ") and len(text.splitlines()) == 6


def test_rounding_nothing_is_the_real_network(tmp_path):
    _, file, proto = pair(float_dense, (12,), tmp_path)
    assert execute(file, X, set()) == pytest.approx(file.forward(X), rel=1e-12, abs=1e-12)
    everything = execute(file, X, set(range(len(file._layout.given) + 1)))
    ran = run(proto, "optimised", X, (12,))
    step = file.formats[-1].signal.scale
    assert np.mean(np.abs(everything - ran) < step / 2) > 0.9  # the same words, but for ties


def crashed(net, x, failed):
    """The file's outputs, each signal rounded to the nearest word, where neurons send the word that stands for 0."""
    layout, formats, noise = net._layout, net._quantisation.formats, (*net.noise, 1.0)
    sent = [formats[0].signal.round(x).reshape(layout.shapes[0])]
    for place, layer in enumerate(layout.given, start=1):
        parts = [applied(kind, sent[source][None])[0].reshape(-1) for source, kind in layer.reads]
        y = layer.activation(bias_of(layer, layout.shapes[place]) + sum(parts))
        y = formats[place].signal.round(y) if noise[place] else y
        for number, neuron in failed:
            if layout.places[number] == place:
                y[neuron] = 0.0
        sent.append(y.reshape(layout.shapes[place]))
    return sent[-1].reshape(-1)


@pytest.mark.parametrize(("make", "shape"), [(float_dense, (12,)), (float_images, (3, 6, 6))])
def test_a_failed_file_against_the_intact_real_network(make, shape, tmp_path):
    _, file, _ = pair(make, shape, tmp_path)
    rng, neurons = np.random.default_rng(4), [(n, i) for n in (1, 2) for i in range(file.widths[n])]
    x = 1.5 * rng.normal(size=(4, file.widths[0]))
    both = ws.bound(file, ws.Crash(2) + ws.Noise(file.noise), x)
    alone = ws.bound(file, ws.Noise(file.noise), x)
    real, seen = file.forward(x), []
    for row, wanted in zip(x, real, strict=True):
        intact = crashed(file, row, ())
        for _ in range(60):
            failed = [neurons[n] for n in rng.choice(len(neurons), size=rng.integers(3), replace=False)]
            faulty = crashed(file, row, failed)
            seen.append(np.abs(faulty - wanted).max())
            assert np.abs(faulty - intact).max() <= both.value + alone.value + 2 * file.output_rounding
    assert max(seen) <= both.value + file.output_rounding


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (lambda net, file: (net, 1, X, net), TypeError, "quantised must be a network loaded from a quantised file"),
        (lambda net, file: (net, 1, X, "x"), TypeError, "quantised must be a network loaded from a quantised file"),
        (lambda net, file: (net, 1, X, net.rounded("int8")), TypeError, "quantised must be a network loaded from"),
        (lambda net, file: (net, 1, ws.Box(X[0], X[0] + 1), file), ValueError, "domain must be inputs"),
        (lambda net, file: (ws.Network([[[1.0]], [[1.0]]]), 1, X, file), ValueError, "net has 1 inputs and 1 outputs"),
        (lambda net, file: (net, -1, X, file), ValueError, "epsilon must be at least 0"),
    ],
)
def test_refused(arguments, error, message, tmp_path):
    net, file, _ = pair(float_dense, (12,), tmp_path)
    *given, quantised = arguments(net, file)
    with pytest.raises(error, match=message):
        ws.precision(*given, quantised=quantised)
