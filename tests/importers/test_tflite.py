# SPDX-License-Identifier: MIT
"""`.tflite` files of float models, against LiteRT."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layers_oracle import evaluate
from withstand.importers import Budget, UnsupportedModel, read

pytest.importorskip("tflite")
pytest.importorskip("ai_edge_litert")
from ai_edge_litert.interpreter import Interpreter
from tflite_models import Writer

RNG = np.random.default_rng(0)
RELU, CLIP, RELU6, TANH = 1, 2, 3, 4


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(0, 0.4, size=shape).astype(np.float32)


def dense() -> bytes:
    w = Writer((5,))
    y = w.add("FULLY_CONNECTED", [w.input, w.constant(normal(4, 5)), w.constant(normal(4))], (1, 4),
              "FullyConnectedOptions", fusedActivationFunction=RELU)  # fmt: skip
    y = w.add("FULLY_CONNECTED", [y, w.constant(normal(6, 4)), -1], (1, 6), "FullyConnectedOptions")
    y = w.add("LEAKY_RELU", [y], (1, 6), "LeakyReluOptions", alpha=0.2)
    y = w.add("FULLY_CONNECTED", [y, w.constant(normal(3, 6)), w.constant(normal(3))], (1, 3), "FullyConnectedOptions")
    return w.finish(w.add("SOFTMAX", [y], (1, 3), "SoftmaxOptions", beta=1.0))


def conv(w: Writer, x: int, kernel: np.ndarray, shape: tuple[int, ...], **options: Any) -> int:
    stride = options.pop("stride", 1)
    return w.add("CONV_2D", [x, w.constant(kernel), w.constant(normal(len(kernel)))], shape, "Conv2DOptions",
                 strideH=stride, strideW=stride, **options)  # fmt: skip


def images() -> bytes:
    w = Writer((8, 7, 2))
    y = conv(w, w.input, normal(4, 3, 3, 2), (1, 4, 4, 4), stride=2, padding=0, fusedActivationFunction=RELU6)
    y = w.add("DEPTHWISE_CONV_2D", [y, w.constant(normal(1, 3, 2, 8)), w.constant(normal(8))], (1, 2, 3, 8),
              "DepthwiseConv2DOptions", padding=1, strideH=1, strideW=1, depthMultiplier=2,
              fusedActivationFunction=RELU)  # fmt: skip
    y = w.add("MAX_POOL_2D", [y], (1, 2, 3, 8), "Pool2DOptions", padding=0, strideH=1, strideW=1, filterHeight=2,
              filterWidth=2)  # fmt: skip
    y = w.add("AVERAGE_POOL_2D", [y], (1, 1, 2, 8), "Pool2DOptions", padding=0, strideH=2, strideW=2, filterHeight=3,
              filterWidth=2)  # fmt: skip
    y = w.add("RESHAPE", [y, w.constant(np.array([1, 16]))], (1, 16), "ReshapeOptions", newShape=[1, 16])
    return w.finish(w.add("FULLY_CONNECTED", [y, w.constant(normal(2, 16)), w.constant(normal(2))], (1, 2),
                          "FullyConnectedOptions"))  # fmt: skip


def residual() -> bytes:
    w = Writer((5, 5, 3))
    x = conv(w, w.input, normal(4, 1, 1, 3), (1, 5, 5, 4), padding=1, dilationHFactor=1)
    y = conv(w, x, normal(4, 3, 3, 4), (1, 5, 5, 4), padding=0, fusedActivationFunction=CLIP)
    y = w.add("ADD", [x, y], (1, 5, 5, 4), "AddOptions", fusedActivationFunction=RELU)
    y = w.add("CONCATENATION", [y, x], (1, 5, 5, 8), "ConcatenationOptions", axis=-1)
    y = w.add("MEAN", [y, w.constant(np.array([1, 2]))], (1, 8), "ReducerOptions")
    return w.finish(w.add("FULLY_CONNECTED", [y, w.constant(normal(3, 8)), -1], (1, 3), "FullyConnectedOptions"))


def moves() -> bytes:
    w = Writer((4, 3, 2))
    y = w.add("PAD", [w.input, w.constant(np.array([[0, 0], [1, 0], [0, 2], [0, 0]]))], (1, 5, 5, 2), "PadOptions")
    y = w.add("TRANSPOSE", [y, w.constant(np.array([0, 3, 1, 2]))], (1, 2, 5, 5), "TransposeOptions")
    y = w.add("SLICE", [y, w.constant(np.array([0, 0, 1, 0])), w.constant(np.array([1, 2, 3, -1]))], (1, 2, 3, 5),
              "SliceOptions")  # fmt: skip
    y = w.add("FULLY_CONNECTED", [y, w.constant(normal(3, 5)), w.constant(normal(3))], (1, 2, 3, 3),
              "FullyConnectedOptions", keepNumDims=True)  # fmt: skip
    y = w.add("TANH", [y], (1, 2, 3, 3))
    y = w.add("RESHAPE", [y, w.constant(np.array([1, 18]))], (1, 18), "ReshapeOptions", newShape=[1, 18])
    return w.finish(w.add("FULLY_CONNECTED", [y, w.constant(normal(2, 18)), -1], (1, 2), "FullyConnectedOptions"))


def arithmetic() -> bytes:
    w = Writer((6,))
    y = w.add("SUB", [w.constant(np.float32([1.0])), w.input], (1, 6), "SubOptions")
    y = w.add("DIV", [y, w.constant(normal(6) + 3)], (1, 6), "DivOptions")
    y = w.add("FULLY_CONNECTED", [y, w.constant(normal(4, 6)), -1], (1, 4), "FullyConnectedOptions")
    a = w.add("LOGISTIC", [y], (1, 4))
    b = w.add("ELU", [w.add("MUL", [y, w.constant(normal(1, 4))], (1, 4), "MulOptions")], (1, 4))
    y = w.add("MAXIMUM", [a, b], (1, 4), "MaximumMinimumOptions")
    y = w.add("SUB", [y, a], (1, 4), "SubOptions", fusedActivationFunction=RELU)
    y = w.add(
        "PRELU", [w.add("MINIMUM", [y, b], (1, 4), "MaximumMinimumOptions"), w.constant(np.float32([0.3]))], (1, 4)
    )
    y = w.add("ADD", [y, w.constant(normal(4))], (1, 4), "AddOptions")
    return w.finish(w.add("FULLY_CONNECTED", [y, w.constant(normal(3, 4)), -1], (1, 3), "FullyConnectedOptions"), a)


def unpacked() -> bytes:
    w = Writer((5,))
    half = w.add("DEQUANTIZE", [w.constant(normal(4, 5).astype(np.float16))], (4, 5), "DequantizeOptions")
    y = w.add("FULLY_CONNECTED", [w.input, half, w.constant(normal(4))], (1, 4), "FullyConnectedOptions",
              fusedActivationFunction=RELU)  # fmt: skip
    codes = RNG.integers(-127, 128, size=(3, 4)).astype(np.int8)
    small = w.add("DEQUANTIZE", [w.constant(codes, scales=[0.02])], (3, 4), "DequantizeOptions")
    return w.finish(w.add("FULLY_CONNECTED", [y, small, -1], (1, 3), "FullyConnectedOptions"))


MODELS: list[Callable[[], bytes]] = [dense, images, residual, moves, arithmetic, unpacked]


def write(folder: Path, data: bytes) -> Path:
    path = folder / "net.tflite"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_equal_to_litert(make: Callable[[], bytes], tmp_path: Path) -> None:
    path = write(tmp_path, make())
    layers = read(path)
    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    for _ in range(5):
        x = RNG.normal(size=given["shape"]).astype(np.float32)
        interpreter.set_tensor(given["index"], x)
        interpreter.invoke()
        wanted = [interpreter.get_tensor(each["index"]).reshape(-1) for each in interpreter.get_output_details()]
        expected = np.concatenate(wanted)
        computed = evaluate(layers, x.reshape(1, -1))[0]
        if layers.outputs == "logits":
            computed = np.exp(computed - np.logaddexp.reduce(computed))
        assert np.abs(computed - expected).max() <= 1e-5 * max(1, np.abs(expected).max())


def one(
    kind: str, shape: tuple[int, ...], *constants: Any, options: str = "", given: Any = (4,), **values: Any
) -> bytes:
    w = Writer(given)
    y = w.add(kind, [w.input, *map(w.constant, constants)], shape, options, **values)
    return w.finish(w.add("TANH", [y], shape))


FULL = "FullyConnectedOptions"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            one("RESIZE_BILINEAR", (1, 4)),
            "operator RESIZE_BILINEAR of 'resize_bilinear1': is not supported; supported are",
        ),
        (one("GELU", (1, 4)), "GELU of .* is not supported"),
        (one("FULLY_CONNECTED", (1, 3), np.ones((3, 4), np.int8), options=FULL), "has quantised weights"),
        (one("FULLY_CONNECTED", (1, 3), normal(3, 5), options=FULL), r"has weights of shape \(3, 5\) for a tensor"),
        (
            one("FULLY_CONNECTED", (1, 2), normal(3, 4), options=FULL),
            r"makes a tensor of shape \(3,\), but the file says",
        ),
        (
            one("FULLY_CONNECTED", (1, 3), normal(3, 4), options=FULL, fusedActivationFunction=TANH),
            "fused activation 4",
        ),
        (one("FULLY_CONNECTED", (1, 3), normal(3, 4), normal(1), options=FULL), r"has a bias of shape \(1,\) for 3"),
        (one("SOFTMAX", (1, 4), options="SoftmaxOptions", beta=2.0), "has beta 2.0"),
        (one("SOFTMAX", (1, 4), options="SoftmaxOptions", beta=1.0), "operator TANH of .*follows a softmax"),
        (one("LEAKY_RELU", (1, 4), options="LeakyReluOptions", alpha=-1.0), "has a slope of -1.0"),
        (one("MEAN", (1, 1), np.array([0, 1]), options="ReducerOptions"), r"runs over axes \[0, 1\]"),
        (one("TRANSPOSE", (1, 4), np.array([1, 0]), options="TransposeOptions"), r"has axes \[1, 0\]"),
        (
            one("CONV_2D", (1, 2, 2, 2), normal(2, 3, 3, 2), options="Conv2DOptions", given=(4, 4, 2)),
            r"has stride \(0, 0\)",
        ),
        (one("TANH", (2, 4), given=(4,)), r"tensor 'tanh1' has shape \(2, 4\), supported is a batch axis"),
        (b"\x1c\0\0\0TFL3" + bytes(60), "is damaged|subgraphs"),
        (b"anything at all", "has no identifier TFL3"),
    ],
)
def test_refused(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(UnsupportedModel, match=rf"net\.tflite: .*({message})"):
        read(write(tmp_path, data))


def test_a_product_of_two_computed_tensors(tmp_path: Path) -> None:
    w = Writer((4,))
    y = w.add("TANH", [w.input], (1, 4))
    data = w.finish(w.add("MUL", [w.input, y], (1, 4), "MulOptions"))
    with pytest.raises(UnsupportedModel, match=r"operator MUL .*: combines computed tensors"):
        read(write(tmp_path, data))


def test_damage(tmp_path: Path) -> None:
    """What is still read has finite numbers; everything else is refused."""
    rng = np.random.default_rng(5)
    for data in (images(), residual()):
        for _ in range(100):
            changed = bytearray(data)
            for place in rng.integers(0, len(data), size=4):
                changed[place] = rng.integers(256)
            path = write(tmp_path, bytes(changed[: rng.integers(len(data))] if rng.random() < 0.2 else changed))
            try:
                read(path, Budget(entries=1 << 20, bytes=1 << 27, operations=1 << 29))
            except UnsupportedModel as error:
                assert str(path) in str(error)


def test_the_package_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tflite", None)
    with pytest.raises(ImportError, match=r"reading \.tflite files needs the tflite package .*: pip install tflite"):
        read(write(tmp_path, dense()))
