# SPDX-License-Identifier: MIT
"""TFLite files of int8 against LiteRT's kernels: every rounding is within the noise that the loaded network tells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tflite")
pytest.importorskip("ai_edge_litert")
import withstand as ws
from quantised_bounds import INPUTS, held, stores_words
from quantised_tflite import KERNELS, RELU, RELU6, Words, run
from withstand.importers import UnsupportedModel


def load(data: bytes, folder: Path) -> ws.Network:
    path = folder / "net.tflite"
    path.write_bytes(data)
    return ws.load(path)


# one operator each ---------------------------------------------------------------------------------------------------
def one_dense(w: Words) -> int:
    return w.dense(w.input, 12, 16, 0.05, 3)


def one_dense_between(w: Words) -> int:  # a ratio in [1/4, 1/2): two roundings of up to 3/4 of a step
    return w.dense(w.input, 12, 16, 0.04 * 0.01 / 0.3, -128)


def one_dense_coarse(w: Words) -> int:  # ... and of more than one
    return w.dense(w.input, 12, 16, 0.04 * 0.01 / 1.7, -20)


def one_convolution(w: Words) -> int:
    return w.conv(w.input, (4, 2, 2, 3), (1, 3, 3, 4), 0.09, -128, act=RELU)


def one_convolution_with_padding(w: Words) -> int:  # pads with the zero point, which stands for 0
    return w.conv(w.input, (5, 3, 3, 3), (1, 4, 4, 5), 0.2, 60)


def one_depthwise(w: Words) -> int:
    return w.conv(w.input, (1, 2, 2, 3), (1, 3, 3, 3), 0.03, 10, depthwise=True)


def one_clamp(w: Words) -> int:
    return w.dense(w.input, 12, 16, 0.037, -128, act=RELU6, weight=0.03)


def one_sum(w: Words) -> int:
    other = w.op("LOGISTIC", [w.input], (1, 12), 1 / 256, -128)
    return w.op("ADD", [w.input, other], (1, 12), 0.031, -7, "AddOptions")


def one_difference(w: Words) -> int:
    held = w.words((1, 12), 0.02)
    return w.op("SUB", [w.input, held], (1, 12), 0.05, 0, "SubOptions")


def one_factor(w: Words) -> int:
    return w.op("MUL", [w.input, w.words((1, 12), 0.02)], (1, 12), 0.0021, 9, "MulOptions")


def one_average(w: Words) -> int:
    return w.op("AVERAGE_POOL_2D", [w.input], (1, 2, 2, 3), 0.04, 5, "Pool2DOptions", padding=0, strideH=2, strideW=2,
                filterHeight=3, filterWidth=3)  # fmt: skip


def one_mean(w: Words) -> int:
    return w.op("MEAN", [w.input, w.constant(np.array([1, 2]))], (1, 3), 0.011, 5, "ReducerOptions")


def one_largest(w: Words) -> int:
    return w.op("MAX_POOL_2D", [w.input], (1, 2, 2, 3), 0.04, 5, "Pool2DOptions", padding=1, strideH=2, strideW=2,
                filterHeight=2, filterWidth=2)  # fmt: skip


def one_logistic(w: Words) -> int:
    return w.op("LOGISTIC", [w.input], (1, 12), 1 / 256, -128)


def one_tanh(w: Words) -> int:
    return w.op("TANH", [w.input], (1, 12), 1 / 128, 0)


def one_leaky(w: Words) -> int:
    return w.op("LEAKY_RELU", [w.input], (1, 12), 0.0301, -60, "LeakyReluOptions", alpha=0.2)


def one_copy(w: Words) -> int:
    return w.op("QUANTIZE", [w.input], (1, 12), 0.04 / 0.6387, 11)


FLAT = [one_dense, one_dense_between, one_dense_coarse, one_clamp, one_sum, one_difference, one_factor, one_logistic,
        one_tanh, one_leaky, one_copy]  # fmt: skip
IMAGES = [one_convolution, one_convolution_with_padding, one_depthwise, one_average, one_mean, one_largest]
EXACT = (one_largest,)


@pytest.mark.parametrize("make", [*FLAT, *IMAGES], ids=lambda make: make.__name__)
def test_one_operator_of_words(make: Callable[[Words], int], tmp_path: Path) -> None:
    """Inputs are words, so that what is seen is the operator's own rounding; no amplitude is above 1.6 steps."""
    w = Words((12,) if make in FLAT else (4, 4, 3), seed=3)
    made = make(w)
    step = w.scale(made)[0]
    data = w.finish(w.rectified(made))
    net = load(data, tmp_path)
    word = ws.Format("int8", float(np.float32(0.04)), 5)
    X = word.round(np.random.default_rng(1).uniform(-6, 6, (INPUTS, net.widths[0])))
    noise = (0.0, *net.noise[1:])
    assert max(net.noise[1:]) <= 1.6 * max(step, 1 / 128)
    seen = {kernels: held(net, X, run(data, kernels, X), noise) for kernels in KERNELS}
    if make not in EXACT:  # amplitudes are not far too large
        assert max(seen.values()) > 0.4, seen


def test_half_a_step_is_not_sound(tmp_path: Path) -> None:
    """Kernels without a delegate round twice: with half a step as noise the test above would fail."""
    w = Words((12,), seed=3)
    made = one_dense_between(w)
    step = float(w.scale(made)[0])
    data = w.finish(w.rectified(made))
    net = load(data, tmp_path)
    X = ws.Format("int8", float(np.float32(0.04)), 5).round(np.random.default_rng(1).uniform(-6, 6, (1000, 12)))
    apart = np.abs(net.forward(X) - run(data, "built in", X)).max()
    assert step / 2 * 1.2 < apart <= 0.751 * step


# networks ------------------------------------------------------------------------------------------------------------
def dense(seed: int = 0) -> bytes:
    w = Words((12,), seed)
    y = w.dense(w.input, 12, 16, 0.09, -128, act=RELU)
    y = w.dense(y, 16, 10, 0.13, -128)  # the activation is a zero point
    return w.finish(w.dense(y, 10, 4, 0.2, 17))


def bottleneck(seed: int = 1) -> bytes:
    """Linear stages, asymmetric words, and an activation of its own."""
    w = Words((12,), seed)
    y = w.dense(w.input, 12, 6, 0.08, -31)
    y = w.op("TANH", [w.dense(y, 6, 8, 0.02, 40)], (1, 8), 1 / 128, 0)
    y = w.op("LEAKY_RELU", [y], (1, 8), 1 / 130, -10, "LeakyReluOptions", alpha=0.3)
    return w.finish(w.dense(y, 8, 3, 0.03, -5))


def residual(seed: int = 2) -> bytes:
    """Scales per channel, a sum of a convolution and what it read, a pool and a softmax's logits."""
    w = Words((6, 6, 3), seed)
    x = w.conv(w.input, (4, 3, 3, 3), (1, 4, 4, 4), 0.11, -128, act=RELU)
    y = w.conv(x, (4, 1, 1, 4), (1, 4, 4, 4), 0.15, -3)
    y = w.conv(y, (1, 1, 1, 4), (1, 4, 4, 4), 0.05, 20, depthwise=True)
    y = w.op("ADD", [x, y], (1, 4, 4, 4), 0.12, -128, "AddOptions", fusedActivationFunction=RELU)
    y = w.op("AVERAGE_POOL_2D", [y], (1, 2, 2, 4), 0.12, -128, "Pool2DOptions", padding=1, strideH=2, strideW=2,
             filterHeight=2, filterWidth=2)  # fmt: skip
    y = w.op("RESHAPE", [y, w.constant(np.array([1, 16]))], (1, 16), 0.12, -128, "ReshapeOptions", newShape=[1, 16])
    return w.finish(w.dense(y, 16, 5, 0.1, -9))


def floats_outside(seed: int = 4) -> bytes:
    """The usual file of a converter: floats become words, and words floats."""
    w = Words((12,), seed)
    w.graph.tensors[w.input].type, w.graph.tensors[w.input].quantization = 0, None
    y = w.op("QUANTIZE", [w.input], (1, 12), 0.04, 5)
    y = w.dense(y, 12, 16, 0.09, -128, act=RELU6)
    y = w.dense(y, 16, 3, 0.1, 17)
    return w.finish(w.add("DEQUANTIZE", [y], (1, 3), "DequantizeOptions"))


NETWORKS = [dense, bottleneck, residual, floats_outside]


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("make", NETWORKS, ids=lambda make: make.__name__)
def test_networks(make: Callable[[], bytes], kernels: str, tmp_path: Path) -> None:
    data = make()
    net = load(data, tmp_path)
    X = np.random.default_rng(5).uniform(-6, 6, (INPUTS, net.widths[0]))
    assert net.noise[0] == pytest.approx(0.02, rel=1e-3)
    assert stores_words(net) > 0
    held(net, X, run(data, kernels, X), net.noise)


# what is read --------------------------------------------------------------------------------------------------------
def test_layers_and_formats(tmp_path: Path) -> None:
    net = load(dense(), tmp_path)
    assert net.widths == (12, 16, 10, 4)
    assert [a.name for a in net.activations] == ["relu", "relu"]
    first, second, outputs = net.formats
    assert first.weight == ws.Format("int8", float(np.float32(0.01)))
    assert first.bias.name == "int32"
    assert second.signal == ws.Format("int8", float(np.float32(0.13)), -128)
    assert outputs.signal == ws.Format("int8", float(np.float32(0.2)), 17)
    assert outputs.weight == first.weight  # stored by a stage that cannot fail, before the range of the outputs
    for layer in net._layout.given:
        for _, kind in layer.reads:
            if isinstance(kind, np.ndarray):
                assert first.weight.is_word(kind).all()
    assert len(net.noise) == len(net._layout.given)
    assert net.output_rounding == pytest.approx(0.1, rel=0.1)


def test_ranges_are_clipped(tmp_path: Path) -> None:
    net = load(dense(), tmp_path)
    far = net.forward([[100.0] * 12, [-100.0] * 12])
    word = net.formats[-1].signal
    assert far.min() >= word.low and far.max() <= word.high
    assert np.array_equal(net.forward(np.full(12, 1e6)), net.forward(np.full(12, (127 - 5) * np.float32(0.04))))
    hidden = net.trace(np.full(12, 1e6))[1]
    assert hidden.max() > 255 * 0.09  # neurons are not clipped, what reads them is


def test_noise_of_other_places_is_refused(tmp_path: Path) -> None:
    net = load(dense(), tmp_path)
    with pytest.raises(ValueError, match="noise that no neuron stands behind moves an output by 1"):
        ws.bound(net, ws.Noise((*net.noise[:-1], 1.0)), np.zeros(12))
    with pytest.raises(ValueError, match="amplitudes for 2 hidden layers"):
        ws.bound(net, ws.Noise(net.noise[:-1]), np.zeros(12))


def other_scale_of_bias(w: Words) -> int:
    weight = w.words((4, 12), 0.01)
    bias = w.grid(w.constant(np.full(4, 1000, np.int32)), "int32", 0.001, 0)
    return w.op("FULLY_CONNECTED", [w.input, weight, bias], (1, 4), 0.05, 0, "FullyConnectedOptions")


def unsigned(w: Words) -> int:
    made = w.dense(w.input, 12, 4, 0.05, 0)
    return w.grid(made, "uint8", 0.05, 100)


def wide(w: Words) -> int:
    made = w.dense(w.input, 12, 4, 0.05, 0)
    return w.grid(made, "int16", 0.05, 0)


def weights_off_zero(w: Words) -> int:
    weight = w.grid(w.words((4, 12), 0.01), "int8", 0.01, 3)
    return w.op("FULLY_CONNECTED", [w.input, weight, -1], (1, 4), 0.05, 0, "FullyConnectedOptions")


def quotient(w: Words) -> int:
    return w.op("DIV", [w.input, w.words((1, 12), 0.1)], (1, 12), 0.05, 0, "DivOptions")


def joined_in_other_words(w: Words) -> int:
    return w.op("CONCATENATION", [w.input, w.input], (1, 24), 0.05, 0, "ConcatenationOptions", axis=1)


def dynamic(w: Words) -> int:
    w.graph.tensors[w.input].type, w.graph.tensors[w.input].quantization = 0, None
    y = w.op("QUANTIZE", [w.input], (1, 12), 0.04, 5)
    w.dense(y, 12, 4, 0.05, 0)
    return w.add("FULLY_CONNECTED", [w.input, w.words((4, 12), 0.01), -1], (1, 4), "FullyConnectedOptions")


def large_sums(w: Words) -> int:
    weight = w.words((4, 12), 0.01)
    bias = w.grid(w.constant(np.full(4, 2**31 - 9, np.int32)), "int32", w.scale(w.input) * w.scale(weight), 0)
    return w.op("FULLY_CONNECTED", [w.input, weight, bias], (1, 4), 0.05, 0, "FullyConnectedOptions")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (large_sums, r"has sums of products of up to 2,147,\d+,\d+, which 32 bits do not hold"),
        (other_scale_of_bias, "FULLY_CONNECTED .*has a bias whose scale is not that of the products"),
        (unsigned, "is of type UINT8, how whose kernels round is not known"),
        (wide, "is of type INT16, how whose kernels round is not known"),
        (weights_off_zero, "has weights of int8 with a zero point"),
        (quotient, "DIV .*is not supported of int8; supported are"),
        (joined_in_other_words, "makes words of another scale or zero point than it reads"),
        (dynamic, "computes with floats in a model of integers, as dynamic quantisation does"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_refused(make: Callable[[Words], int], message: str, tmp_path: Path) -> None:
    w = Words((12,), seed=1)
    with pytest.raises(UnsupportedModel, match=message):
        load(w.finish(make(w)), tmp_path)


def test_damage(tmp_path: Path) -> None:
    """What is still read has finite numbers; everything else is refused."""
    rng = np.random.default_rng(5)
    for data in (residual(), bottleneck()):
        for _ in range(100):
            changed = bytearray(data)
            for place in rng.integers(0, len(data), size=4):
                changed[place] = rng.integers(256)
            try:
                net = load(bytes(changed), tmp_path)
            except UnsupportedModel:
                continue
            assert np.isfinite([*net.noise, net.output_rounding]).all()
