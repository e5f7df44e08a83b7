# SPDX-License-Identifier: MIT
"""What the graph builder makes of whole networks: which layers, which of them may fail, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from graph_forms import as_graph, row
from oracle.graph import convolution, evaluate_graph
from withstand.importers.budget import Account, Budget
from withstand.importers.errors import UnsupportedModel
from withstand.importers.graph import Graph, GraphBuilder
from withstand.importers.layers import Layers, Phi
from withstand.model.graph import bias_of, shapes_of
from withstand.model.maps import Conv, Select

RNG = np.random.default_rng(5)
SHAPE = (2, 4, 6)
K = RNG.normal(size=(3, 2, 3, 2))
TANH = Phi("tanh")


@pytest.mark.parametrize("stride", [1, 2, (2, 3)])
@pytest.mark.parametrize("padding", [0, 1, ((0, 2), (1, 0))])
@pytest.mark.parametrize(("groups", "dilation", "extra"), [(1, 1, 0), (2, 1, 0), (1, 2, 1), (1, (1, 3), (1, 0))])
@pytest.mark.parametrize("channel_axis", [0, -1])
def test_a_transposed_convolution_adds_kernels(
    stride: Any, padding: Any, groups: int, dilation: Any, extra: Any, channel_axis: int
) -> None:
    """Every entry of the image adds the kernel, times itself, to the result; then the edges are cut off."""
    kernel = np.random.default_rng(3).normal(size=(2, 3, 2, 3))
    t = np.random.default_rng(4).normal(size=SHAPE)
    steps, reaches, more = (v if isinstance(v, tuple) else (v, v) for v in (stride, dilation, extra))
    pads = padding if isinstance(padding, tuple) else ((padding, padding),) * 2
    sizes = [(n - 1) * s + (k - 1) * d + 1 + e for n, s, k, d, e in zip((4, 6), steps, (2, 3), reaches, more)]
    whole = np.zeros((3 * groups, *sizes))
    for c, i, j, u, v in np.ndindex(2, 4, 6, 2, 3):
        at = (i * steps[0] + u * reaches[0], j * steps[1] + v * reaches[1])
        first = c // (2 // groups) * 3
        whole[(slice(first, first + 3), *at)] += kernel[c, :, u, v] * t[c, i, j]
    wanted = whole[:, pads[0][0] : sizes[0] - pads[0][1], pads[1][0] : sizes[1] - pads[1][1]]
    builder = GraphBuilder()
    form = builder.input(SHAPE if channel_axis == 0 else (4, 6, 2))
    result = builder.conv_transpose(form, kernel, None, stride, padding, dilation, groups, channel_axis, extra)
    wanted = wanted if channel_axis == 0 else np.moveaxis(wanted, 0, -1)
    assert result.shape == wanted.shape
    net = builder.finish(
        [builder.dense(builder.reshape(builder.activate(result, TANH), (result.size,)), np.eye(result.size))]
    )
    x = t if channel_axis == 0 else np.moveaxis(t, 0, -1)
    assert np.abs(evaluate_graph(*as_graph(net), x[None]) - np.tanh(wanted.reshape(1, -1))).max() < 1e-12


def test_what_a_residual_network_becomes() -> None:
    """conv, BatchNorm, relu, conv, add, relu, mean, dense: two layers of neurons, and a wire for the mean."""
    builder = GraphBuilder()
    x = builder.input(SHAPE)
    first = builder.conv(x, K[:2, :, :, :1].copy(), np.ones(2), padding=((1, 1), (0, 0)))
    factor, offset = np.array([2.0, 3.0]).reshape(2, 1, 1), np.array([0.5, -1.0]).reshape(2, 1, 1)
    hidden = builder.activate(builder.shift(builder.scale(first, factor), offset), Phi("relu"), "a")
    second = builder.add(builder.conv(hidden, K[:2, :, :, :1].copy(), padding=((1, 1), (0, 0))), x)
    out = builder.dense(builder.mean(builder.activate(second, Phi("relu"), "b"), (1, 2)), np.ones((3, 2)))
    graph = builder.finish([out], logits=True)
    assert isinstance(graph, Graph) and graph.outputs == "logits"
    a, b, wire, last = graph.layers
    assert [layer.may_fail for layer in graph.layers] == [True, True, False, False]
    assert [layer.name for layer in graph.layers] == ["a", "b", "", ""]
    ((source, conv),) = a.reads
    assert source == 0 and np.array_equal(conv.kernel, K[:2, :, :, :1] * factor[..., None])
    assert a.bias is not None and np.array_equal(a.bias, np.array([2.5, 2.0]))  # one per channel
    assert [(source, type(kind)) for source, kind in b.reads] == [(1, Conv), (0, type(None))] and b.bias is None
    assert all(source == 2 and isinstance(kind, Select) for source, kind in wire.reads) and len(wire.reads) == 24
    assert [(source, type(kind)) for source, kind in last.reads] == [(3, np.ndarray)]


def test_a_max_pool_is_layers_that_may_not_fail() -> None:
    builder = GraphBuilder()
    hidden = builder.activate(builder.conv(builder.input(SHAPE), K, padding=((1, 1), (0, 1))), Phi("relu"))
    pooled = builder.max_pool(hidden, 2)
    graph = builder.finish([builder.dense(builder.reshape(pooled, (pooled.size,)), np.ones((2, pooled.size)))])
    assert isinstance(graph, Graph)
    assert [layer.may_fail for layer in graph.layers] == [True, False, False, False, False]
    assert [layer.activation.name for layer in graph.layers] == ["relu", "relu", "relu", "identity", "identity"]


def test_matrices_in_a_row_are_layers() -> None:
    builder = GraphBuilder()
    form = builder.shift(builder.scale(builder.input((3,)), 2.0), 1.0)
    hidden = builder.activate(builder.dense(form, row(3, 4), np.ones(4)), TANH)
    net = builder.finish([builder.activate(builder.dense(hidden, row(4, 2)), Phi("logistic"))])
    assert isinstance(net, Layers)
    assert np.array_equal(net.weights[0], row(3, 4) * 2) and np.array_equal(net.weights[1], row(4, 2))
    assert np.array_equal(net.biases[0], row(3, 4) @ np.ones(3) + 1) and np.array_equal(net.biases[1], np.zeros(2))
    assert net.activations == (TANH,) and net.output_activation == Phi("logistic")


def test_outputs_that_are_neurons_may_not_fail() -> None:
    """Two heads: one is activated, the other is not; what only the outputs read never fails."""
    builder = GraphBuilder()
    hidden = builder.activate(builder.dense(builder.input((3,)), row(3, 4)), TANH)
    heads = [builder.activate(builder.dense(hidden, row(4, 2)), Phi("logistic")), builder.dense(hidden, row(4, 1))]
    graph = builder.finish(heads)
    assert isinstance(graph, Graph)
    assert [layer.may_fail for layer in graph.layers] == [True, False, False]
    x = RNG.normal(size=(5, 3))
    y = np.tanh(x @ row(3, 4).T)
    wanted = np.concatenate([1 / (1 + np.exp(-(y @ row(4, 2).T))), y @ row(4, 1).T], 1)
    assert np.abs(evaluate_graph(graph.layers, graph.shape, x) - wanted).max() < 1e-12


def test_a_layer_that_is_an_output_and_is_read_may_fail() -> None:
    builder = GraphBuilder()
    hidden = builder.activate(builder.dense(builder.input((3,)), row(3, 4)), TANH)
    graph = builder.finish([hidden, builder.dense(hidden, row(4, 1))])
    layers, _ = as_graph(graph)
    assert len(layers) == 2 and layers[0].may_fail


def test_several_inputs_are_joined_and_what_no_output_reads_is_left_out() -> None:
    builder = GraphBuilder()
    a, b = builder.input((2, 2), "a"), builder.input((3,), "b")
    builder.activate(builder.dense(b, row(3, 9)), TANH)
    hidden = builder.activate(builder.dense(b, row(3, 4)), TANH)
    graph = builder.finish([builder.dense(builder.concat([hidden, builder.reshape(a, (4,))], 0), row(8, 2))])
    assert isinstance(graph, Graph) and graph.shape == (7,) and len(graph.layers) == 2
    x = RNG.normal(size=(5, 7))
    wanted = np.concatenate([np.tanh(x[:, 4:] @ row(3, 4).T), x[:, :4]], 1) @ row(8, 2).T
    assert np.abs(evaluate_graph(graph.layers, graph.shape, x) - wanted).max() < 1e-12


def test_a_clip_of_the_inputs_may_not_fail() -> None:
    builder = GraphBuilder()
    clipped = builder.activate(builder.shift(builder.input((3,)), -0.5), Phi("clip"))
    again = builder.activate(builder.scale(clipped, 2.0), Phi("hard_tanh"))
    hidden = builder.activate(builder.dense(again, row(3, 4)), Phi("hard_tanh"))
    graph = builder.finish([builder.dense(hidden, row(4, 1))])
    assert isinstance(graph, Graph)
    assert [layer.may_fail for layer in graph.layers] == [False, False, True, False]


@pytest.mark.parametrize("may_fail", [False, True])
def test_a_linear_bottleneck_is_a_wire_or_neurons(may_fail: bool) -> None:
    builder = GraphBuilder(linear_may_fail=may_fail)
    narrow = builder.conv(
        builder.activate(builder.conv(builder.input(SHAPE), K), TANH), K.transpose(1, 0, 3, 2)[:, :, :2, :2].copy()
    )
    wide = builder.activate(builder.conv(narrow, K[:, :, :1, :1].copy()), TANH)
    graph = builder.finish([builder.mean(wide, (1, 2))])
    assert isinstance(graph, Graph)
    assert [layer.may_fail for layer in graph.layers] == [True, may_fail, True, False]


def test_form_read_twice_is_stored_once() -> None:
    builder = GraphBuilder()
    stem = builder.shared(builder.conv(builder.input(SHAPE), K, np.ones(3)))
    one, other = (builder.activate(builder.scale(stem, sign), Phi("relu")) for sign in (1.0, -1.0))
    graph = builder.finish([builder.mean(builder.add(one, other), (0, 1, 2))])
    assert isinstance(graph, Graph)
    assert sum(isinstance(kind, Conv) for layer in graph.layers for _, kind in layer.reads) == 1


def test_the_budget_is_charged_before_a_matrix_is_made() -> None:
    builder = GraphBuilder(Account(Budget(entries=1000)))
    with pytest.raises(ValueError, match="1000 entries"):
        builder.dense(builder.input((900,)), np.broadcast_to(1.0, (9000, 900)))


def test_no_neurons_are_refused() -> None:
    builder = GraphBuilder()
    with pytest.raises(UnsupportedModel, match="no hidden neurons"):
        builder.finish([builder.max_pool(builder.conv(builder.input(SHAPE), K), 2)])


@pytest.mark.parametrize("shape", [(30,), (3, 10), (15, 2), (2, 15)])
@pytest.mark.parametrize("last", [False, True])
def test_a_convolution_in_another_shape_keeps_its_biases(shape: tuple[int, ...], last: bool) -> None:
    """Per channel where its shape shows channels, else per neuron; as a hidden layer and as the output."""
    builder = GraphBuilder()
    first = builder.activate(builder.conv(builder.input(SHAPE), K, np.arange(3.0)), TANH)
    moved = builder.reshape(builder.conv(first, np.ones((3, 3, 1, 1)), np.arange(3.0)), shape)
    hidden = builder.activate(moved, TANH)
    output = hidden if last else builder.dense(builder.reshape(hidden, (30,)), np.eye(30))
    x = RNG.normal(size=(2, *SHAPE))
    y = np.tanh(np.array([convolution(Conv(K), t[None])[0] for t in x]) + np.arange(3.0).reshape(3, 1, 1))
    wanted = np.tanh(y.sum(axis=1, keepdims=True) + np.arange(3.0).reshape(3, 1, 1)).reshape(2, -1)
    graph = builder.finish([output])
    assert isinstance(graph, Graph)
    assert np.abs(evaluate_graph(graph.layers, graph.shape, x) - wanted).max() < 1e-12
    shapes = shapes_of(graph.layers, graph.shape)
    assert all(bias_of(layer, own).size == np.prod(own) for layer, own in zip(graph.layers, shapes[1:]))


@pytest.mark.parametrize(("width", "kind"), [(1000, Layers), (1100, Graph)])
def test_scaled_neurons_are_a_matrix_only_while_it_is_small(width: int, kind: type) -> None:
    builder = GraphBuilder()
    hidden = builder.activate(builder.scale(builder.input((width,)), 2.0), TANH)
    assert isinstance(builder.finish([builder.dense(hidden, row(width))]), kind)
