# SPDX-License-Identifier: MIT
"""Laws of the graph builder: every operation equals NumPy, and every layer has the shape that it declares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from graph_forms import as_graph, row
from oracle.graph import convolution, evaluate_graph, signals
from withstand.importers.graph import GraphBuilder
from withstand.importers.layers import Phi
from withstand.model.graph import bias_of, shapes_of
from withstand.model.maps import Conv

RNG = np.random.default_rng(5)
SHAPE = (2, 4, 6)
K = RNG.normal(size=(3, 2, 3, 2))
TANH = Phi("tanh")


def image(t: np.ndarray, kernel: np.ndarray, **how: Any) -> np.ndarray:
    """A convolution of one image."""
    return convolution(Conv(kernel, **how), t[None])[0]


def largest(t: np.ndarray, size: int, step: int, before: int) -> np.ndarray:
    """Max pooling of one image of shape (C, H, W), window by window."""
    padded = np.pad(t, ((0, 0), (before, before), (before, before)), constant_values=-np.inf)
    counts = [(n - size) // step + 1 for n in padded.shape[1:]]
    out = np.empty((len(t), *counts))
    for i, j in np.ndindex(*counts):
        out[:, i, j] = padded[:, i * step : i * step + size, j * step : j * step + size].max(axis=(1, 2))
    return out


def mean(t: np.ndarray, size: int, step: int, before: int, count_pad: bool) -> np.ndarray:
    """Mean pooling of one image of shape (C, H, W), window by window."""
    padded = np.pad(t, ((0, 0), (before, before), (before, before)), constant_values=0 if count_pad else np.nan)
    counts = [(n - size) // step + 1 for n in padded.shape[1:]]
    out = np.empty((len(t), *counts))
    for i, j in np.ndindex(*counts):
        out[:, i, j] = np.nanmean(padded[:, i * step : i * step + size, j * step : j * step + size], axis=(1, 2))
    return out


#: What a builder does with a form, and NumPy with a tensor of SHAPE.
OPERATIONS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[np.ndarray], np.ndarray]]] = {
    "add": (
        lambda b, f: b.add(f, b.transpose(b.reshape(f, (6, 4, 2)), (2, 1, 0))),
        lambda t: t + t.reshape(6, 4, 2).transpose(2, 1, 0),
    ),
    "add itself": (lambda b, f: b.add(f, f), lambda t: t + t),
    "add broadcast": (lambda b, f: b.add(f, b.take(f, np.arange(6))), lambda t: t + t.reshape(-1)[:6]),
    "subtract": (lambda b, f: b.subtract(b.scale(f, 3.0), b.shift(f, 2.0)), lambda t: 3 * t - (t + 2)),
    "scale": (lambda b, f: b.scale(f, np.arange(2.0).reshape(2, 1, 1)), lambda t: t * np.array([[[0.0]], [[1.0]]])),
    "divide": (lambda b, f: b.divide(f, np.arange(1.0, 7)), lambda t: t / np.arange(1.0, 7)),
    "shift": (lambda b, f: b.shift(f, np.arange(6.0)), lambda t: t + np.arange(6.0)),
    "reshape": (lambda b, f: b.reshape(f, (8, 6)), lambda t: t.reshape(8, 6)),
    "transpose": (lambda b, f: b.transpose(f, (1, 2, 0)), lambda t: t.transpose(1, 2, 0)),
    "take": (
        lambda b, f: b.take(b.shift(f, 1.0), np.array([[3, -1], [0, 3]])),
        lambda t: np.array([[t.flat[3] + 1, 0], [t.flat[0] + 1, t.flat[3] + 1]]),
    ),
    "concat": (
        lambda b, f: b.concat([f, b.shift(b.scale(f, 2.0), 1.0), f], 1),
        lambda t: np.concatenate([t, 2 * t + 1, t], 1),
    ),
    "pad": (
        lambda b, f: b.pad(f, [(0, 1), (2, -1), (-2, 3)]),
        lambda t: np.pad(t[:, :-1, 2:], [(0, 1), (2, 0), (0, 3)]),
    ),
    "broadcast": (
        lambda b, f: b.broadcast(b.take(f, np.arange(2)[:, None]), (3, 2, 5)),
        lambda t: np.broadcast_to(t.flat[:2][:, None], (3, 2, 5)),
    ),
    "mean": (lambda b, f: b.mean(f, (0, 2)), lambda t: t.mean(axis=(0, 2))),
    "mean, axes kept": (
        lambda b, f: b.mean(b.shift(f, np.arange(6.0)), -1, keepdims=True),
        lambda t: (t + np.arange(6.0)).mean(axis=-1, keepdims=True),
    ),
    "mean_pool": (lambda b, f: b.mean_pool(f, 2), lambda t: mean(t, 2, 2, 0, False)),
    "mean_pool padded": (lambda b, f: b.mean_pool(f, 3, 1, 1), lambda t: mean(t, 3, 1, 1, False)),
    "mean_pool that counts its padding": (
        lambda b, f: b.mean_pool(f, 3, 2, 1, count_include_pad=True),
        lambda t: mean(t, 3, 2, 1, True),
    ),
    "mean_pool, channels last": (
        lambda b, f: b.mean_pool(f, 2, 1, channel_axis=-1),
        lambda t: np.moveaxis(mean(np.moveaxis(t, -1, 0), 2, 1, 0, False), 0, -1),
    ),
    "max_pool": (lambda b, f: b.max_pool(f, 2), lambda t: largest(t, 2, 2, 0)),
    "max_pool padded": (lambda b, f: b.max_pool(f, 3, 1, 1), lambda t: largest(t, 3, 1, 1)),
    "max_pool rounded up": (
        lambda b, f: b.max_pool(f, 3, 2, ceil=True),
        lambda t: largest(np.pad(t, ((0, 0), (0, 1), (0, 1)), constant_values=-np.inf), 3, 2, 0),
    ),
    "max_pool of a form": (
        lambda b, f: b.max_pool(b.shift(b.scale(f, -2.0), np.arange(6.0)), 2, 1),
        lambda t: largest(-2 * t + np.arange(6.0), 2, 1, 0),
    ),
    "largest": (lambda b, f: b.largest(f, (1, 2), keepdims=True), lambda t: t.max(axis=(1, 2), keepdims=True)),
    "maximum": (lambda b, f: b.maximum(f, b.scale(f, -1.0)), np.abs),
    "minimum": (
        lambda b, f: b.minimum(f, b.shift(b.take(f, np.arange(6)), 0.5)),
        lambda t: np.minimum(t, t.flat[:6] + 0.5),
    ),
    "clip_input": (
        lambda b, f: b.clip_input(b.shift(f, 0.25), -0.5, np.full(6, 0.5)),
        lambda t: np.clip(t + 0.25, -0.5, 0.5),
    ),
    "clip_input far away": (
        lambda b, f: b.clip_input(b.clip_input(f, -1e30, 1e30), -2e6, 2e7),
        lambda t: t,
    ),
    "clip_input to far away": (lambda b, f: b.shift(b.clip_input(f, 1e8, 1e9), -1e8), lambda t: 0 * t),
    "clip_input from below": (lambda b, f: b.clip_input(f, -0.5, np.inf), lambda t: np.maximum(t, -0.5)),
    "wire": (lambda b, f: b.wire(b.transpose(b.shift(f, 1.0), (2, 0, 1))), lambda t: (t + 1).transpose(2, 0, 1)),
    "wire of the inputs": (lambda b, f: b.wire(f), lambda t: t),
    "dense": (
        lambda b, f: b.dense(b.reshape(f, (48,)), np.ones((3, 48)), np.arange(3.0)),
        lambda t: t.sum() + np.arange(3.0),
    ),
    "dense at every position": (
        lambda b, f: b.dense(f, K[:, 0, :2, :].repeat(3, 1).reshape(3, 12)[:, :6], np.ones(3)),
        lambda t: t @ K[:, 0, :2, :].repeat(3, 1).reshape(3, 12)[:, :6].T + 1,
    ),
    "dense of a sum": (
        lambda b, f: b.dense(b.reshape(b.add(f, b.activate(f, TANH)), (48,)), np.ones((1, 48))),
        lambda t: np.array([np.sum(t + np.tanh(t))]),
    ),
    "dense of branches": (
        lambda b, f: b.dense(b.reshape(b.shift(b.concat([b.activate(f, TANH), f], 0), 1.0), (96,)), row(96)),
        lambda t: row(96) @ (np.concatenate([np.tanh(t), t], 0).reshape(-1) + 1),
    ),
    "dense of a padded, repeated tensor": (
        lambda b, f: b.dense(b.pad(b.concat([b.reshape(f, (48,))] * 2, 0), [(1, 1)]), row(98)),
        lambda t: row(98)[:, 1:-1] @ np.concatenate([t.reshape(-1)] * 2),
    ),
    "dense of dense": (
        lambda b, f: b.dense(b.dense(b.reshape(f, (48,)), row(48, 5), np.ones(5)), row(5, 2)),
        lambda t: row(5, 2) @ (row(48, 5) @ t.reshape(-1) + 1),
    ),
    "dense of a convolution": (
        lambda b, f: b.dense(b.reshape(b.conv(f, K), (30,)), row(30)),
        lambda t: row(30) @ image(t, K).reshape(-1),
    ),
    "conv": (lambda b, f: b.conv(f, K, np.arange(3.0)), lambda t: image(t, K) + np.arange(3.0).reshape(3, 1, 1)),
    "conv with all its numbers": (
        lambda b, f: b.conv(f, K, None, (2, 1), ((1, 2), (0, 3)), (1, 2)),
        lambda t: image(t, K, stride=(2, 1), padding=((1, 2), (0, 3)), dilation=(1, 2)),
    ),
    "conv in groups": (
        lambda b, f: b.conv(f, K[:, :1].repeat(2, 0), groups=2),
        lambda t: image(t, K[:, :1].repeat(2, 0), groups=2),
    ),
    "conv, channels last": (
        lambda b, f: b.conv(b.transpose(f, (1, 2, 0)), K, np.ones(3), channel_axis=-1),
        lambda t: image(t, K).transpose(1, 2, 0) + 1,
    ),
    "conv of a padded tensor": (
        lambda b, f: b.conv(b.pad(f, [(0, 0), (1, 1), (0, 2)]), K, padding=1),
        lambda t: image(t, K, padding=((2, 2), (1, 3))),
    ),
    "conv of a shifted, padded tensor": (
        lambda b, f: b.conv(b.shift(b.pad(f, [(0, 0), (1, 1), (0, 2)]), 1.0), K),
        lambda t: image(np.pad(t, ((0, 0), (1, 1), (0, 2))) + 1, K),
    ),
    "conv of a normalised tensor": (
        lambda b, f: b.conv(b.divide(b.shift(f, -1.0), 2.0), K, padding=1),
        lambda t: image((t - 1) / 2, K, padding=1),
    ),
    "conv of a sum": (lambda b, f: b.conv(b.add(f, b.activate(f, TANH)), K), lambda t: image(t + np.tanh(t), K)),
    "conv of a conv": (
        lambda b, f: b.conv(b.conv(f, K, np.ones(3)), K.transpose(1, 0, 3, 2)),
        lambda t: image(image(t, K) + 1, K.transpose(1, 0, 3, 2)),
    ),
    "conv, normalised": (
        lambda b, f: b.shift(b.scale(b.conv(f, K, np.ones(3)), _channels(2.0)), _channels(1.0)),
        lambda t: (image(t, K) + 1) * _channels(2.0) + _channels(1.0),
    ),
    "conv, scaled position by position": (
        lambda b, f: b.scale(b.conv(f, K), np.arange(30.0).reshape(3, 2, 5)),
        lambda t: image(t, K) * np.arange(30.0).reshape(3, 2, 5),
    ),
    "conv, moved": (lambda b, f: b.transpose(b.conv(f, K), (1, 2, 0)), lambda t: image(t, K).transpose(1, 2, 0)),
    "convs joined": (
        lambda b, f: b.concat([b.conv(f, K), b.shift(b.conv(f, 2 * K), 1.0)], 0),
        lambda t: np.concatenate([image(t, K), image(t, 2 * K) + 1]),
    ),
    "convs split and joined": (
        lambda b, f: (
            lambda c: b.concat(
                [b.take(c, np.arange(10, 30).reshape(2, 2, 5)), b.take(c, np.arange(10).reshape(1, 2, 5))], 0
            )
        )(b.conv(f, K)),
        lambda t: np.roll(image(t, K), -1, 0),
    ),
    "convs added": (lambda b, f: b.add(b.conv(f, K), b.conv(f, K[::-1].copy())), lambda t: image(t, K + K[::-1])),
    "a conv that is a matrix": (
        lambda b, f: b.conv(f, row(48, 5).reshape(5, 2, 4, 6), np.ones(5)),
        lambda t: (row(48, 5) @ t.reshape(-1) + 1).reshape(5, 1, 1),
    ),
    "max_pool of a conv": (
        lambda b, f: b.max_pool(b.conv(f, K, np.ones(3)), 2),
        lambda t: largest(image(t, K) + 1, 2, 2, 0),
    ),
    "mean of a conv": (lambda b, f: b.mean(b.conv(f, K), (1, 2)), lambda t: image(t, K).mean(axis=(1, 2))),
}


def _channels(first: float) -> np.ndarray:
    return (first + np.arange(3.0)).reshape(3, 1, 1)


@pytest.mark.parametrize("behind", ["inputs", "neurons", "convolution"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_numpys(name: str, behind: str) -> None:
    """Of the inputs, of a layer of neurons, and of a convolution that is no layer yet; then read by neurons."""
    build, expected = OPERATIONS[name]
    kernel = np.random.default_rng(1).normal(size=(2, 2, 1, 3))
    builder = GraphBuilder()
    form = builder.input(SHAPE)
    x = np.random.default_rng(2).normal(size=(3, *SHAPE))
    values = x
    if behind == "neurons":
        form, values = builder.activate(form, TANH), np.tanh(x)
    elif behind == "convolution":
        if name.startswith("clip_input"):
            pytest.skip("is no input")
        form = builder.conv(form, kernel, np.array([0.5, -1.0]), padding=((0, 0), (1, 1)))
        values = np.array([image(t, kernel, padding=((0, 0), (1, 1))) + np.array([[[0.5]], [[-1.0]]]) for t in x])
    if behind == "neurons" and name.startswith("clip_input"):
        with pytest.raises(ValueError, match="clips what is no input"):
            build(builder, form)
        return
    result = build(builder, form)
    wanted = np.array([expected(t) for t in values])
    assert result.shape == wanted.shape[1:]
    hidden = builder.activate(result, TANH, "hidden")
    net = builder.finish(
        [builder.dense(builder.reshape(hidden, (hidden.size,)), np.eye(hidden.size), np.ones(hidden.size))]
    )
    graph = as_graph(net)
    assert np.abs(evaluate_graph(*graph, x) - (np.tanh(wanted.reshape(3, -1)) + 1)).max() < 1e-12
    assert [s.shape[1:] for s in signals(*graph, x)] == (shapes := shapes_of(*graph))
    assert all(bias_of(layer, own).size == np.prod(own) for layer, own in zip(graph[0], shapes[1:]))
