# SPDX-License-Identifier: MIT
"""Laws over random ONNX graphs of images: same function, same neurons in the same order, also with failures."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layers_oracle import evaluate, hidden

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnxruntime  # noqa: E402
from onnx import helper  # noqa: E402
from onnx_models import close, model  # noqa: E402
from withstand.importers import read  # noqa: E402

ACTIVATIONS = ["Relu", "Sigmoid", "Tanh", "LeakyRelu"]


class Graph:
    """A random graph: tensors so far with their shapes, without the batch axis, and which of them are neurons."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}
        self.tensors = {"x": (int(self.rng.integers(1, 4)), *(int(n) for n in self.rng.integers(3, 7, size=2)))}
        self.input = self.tensors["x"]
        self.neurons: list[str] = []

    def constant(self, *shape: int, low: float = -1.0) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = self.rng.uniform(low, 1.0, size=shape)
        return name

    def append(self, op: str, inputs: list[str], shape: tuple[int, ...], **attributes: Any) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        self.tensors[name] = shape
        return name

    def pick(self) -> str:
        """One of the last few tensors."""
        names = [name for name, shape in self.tensors.items() if len(shape) == 3][-4:]
        return str(self.rng.choice(names))

    def grow(self) -> None:
        kinds = ["conv", "conv", "activation", "activation", "pool", "join", "add", "norm", "move", "larger"]
        getattr(self, str(self.rng.choice(kinds)))(self.pick())

    def conv(self, of: str) -> None:
        channels, *image = self.tensors[of]
        out, groups = int(self.rng.integers(1, 4)), 1
        if self.rng.random() < 0.3:
            out, groups = channels * int(self.rng.integers(1, 3)), channels
        size = [int(self.rng.integers(1, min(3, n) + 1)) for n in image]
        pads, step = (
            [int(n) for n in self.rng.integers(0, 2, size=4)],
            [int(n) for n in self.rng.integers(1, 3, size=2)],
        )
        shape = tuple((n + pads[i] + pads[i + 2] - size[i]) // step[i] + 1 for i, n in enumerate(image))
        weights = [self.constant(out, channels // groups, *size)] + [self.constant(out)] * int(self.rng.integers(2))
        self.append("Conv", [of, *weights], (out, *shape), group=groups, pads=pads, strides=step)

    def activation(self, of: str) -> None:
        op = str(self.rng.choice(ACTIVATIONS))
        self.neurons.append(self.append(op, [of], self.tensors[of]))

    def pool(self, of: str) -> None:
        channels, *image = self.tensors[of]
        op = str(self.rng.choice(["MaxPool", "AveragePool"]))
        if min(image) < 2:
            return
        step = int(self.rng.integers(1, 3))
        shape = tuple((n - 2) // step + 1 for n in image)
        self.append(op, [of], (channels, *shape), kernel_shape=[2, 2], strides=[step, step])

    def join(self, of: str) -> None:
        alike = [name for name, shape in self.tensors.items() if shape[1:] == self.tensors[of][1:]]
        parts = [str(self.rng.choice(alike)) for _ in range(2)]
        channels = sum(self.tensors[name][0] for name in parts)
        if channels <= 8:
            self.append("Concat", parts, (channels, *self.tensors[of][1:]), axis=1)

    def add(self, of: str, op: str = "") -> None:
        alike = [name for name, shape in self.tensors.items() if shape == self.tensors[of]]
        op = op or str(self.rng.choice(["Add", "Sub"]))
        self.append(op, [of, str(self.rng.choice(alike))], self.tensors[of])

    def larger(self, of: str) -> None:
        self.add(of, str(self.rng.choice(["Max", "Min"])))

    def norm(self, of: str) -> None:
        channels = self.tensors[of][0]
        numbers = [self.constant(channels) for _ in range(3)] + [self.constant(channels, low=0.5)]
        self.append("BatchNormalization", [of, *numbers], self.tensors[of])

    def move(self, of: str) -> None:
        channels, height, width = self.tensors[of]
        if self.rng.random() < 0.5:
            self.append("Transpose", [of], (channels, width, height), perm=[0, 1, 3, 2])
        else:
            self.constants["ends"] = np.array([0, 0, 1, 0, 0, 0, 0, 1])
            self.append("Pad", [of, "ends"], (channels, height + 1, width + 1))

    def finish(self) -> Any:
        last = self.pick()
        self.neurons.append(self.append("Tanh", [last], self.tensors[last]))
        flat = self.append("Flatten", [self.neurons[-1]], (int(np.prod(self.tensors[last])),))
        self.append("MatMul", [flat, self.constant(self.tensors[flat][0], 2)], (2,))
        needed = {self.nodes[-1].output[0]}
        for made in reversed(self.nodes):
            needed |= set(made.input) if made.output[0] in needed else set()
        self.neurons = [name for name in self.neurons if name in needed]
        outputs = [*self.neurons, self.nodes[-1].output[0]]
        used = {name: values for name, values in self.constants.items() if name in needed}
        nodes = [made for made in self.nodes if made.output[0] in needed]
        return model(nodes, {"x": ["N", *self.input]}, used, outputs=outputs, dtype=np.float32)


def single(proto: Any, name: str) -> Any:
    """The same model with its last output alone."""
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    kept = [value for value in copy.graph.output if value.name == name]
    del copy.graph.output[:]
    copy.graph.output.extend(kept)
    return copy


@pytest.mark.parametrize("seed", range(60))
def test_a_random_graph(seed: int) -> None:
    """Its neurons transmit what ONNX Runtime says, and so do its outputs; one that only clips its inputs is none."""
    graph = Graph(seed)
    for _ in range(int(graph.rng.integers(3, 14))):
        graph.grow()
    proto = graph.finish()
    x = graph.rng.normal(size=(3, *graph.input)).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    *transmitted, wanted = (np.asarray(y).reshape(3, -1) for y in session.run(None, {"x": x}))
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(single(proto, proto.graph.output[-1].name), Path(folder) / "net.onnx")
        net = read(Path(folder) / "net.onnx")
    rows = x.reshape(3, -1)
    close(evaluate(net, rows), wanted, 1e-5)
    neurons = hidden(net, rows)
    makers = {made.output[0]: made for made in proto.graph.node}
    clips = [name for name in graph.neurons if makers[name].op_type == "Relu"]
    assert len(transmitted) - len(clips) <= len(neurons) <= len(transmitted)
    expected = list(zip(graph.neurons, transmitted))
    for computed in neurons:
        while expected[0][1].shape != computed.shape or np.abs(expected[0][1] - computed).max() > 1e-4:
            name, _ = expected.pop(0)
            assert name in clips
        expected.pop(0)


def test_the_graphs_are_of_all_kinds() -> None:
    """Convolutions, several reads, pooling and wires, most of them read and none of them refused."""
    seen: set[str] = set()
    for seed in range(60):
        graph = Graph(seed)
        for _ in range(int(graph.rng.integers(3, 14))):
            graph.grow()
        seen |= {made.op_type for made in graph.finish().graph.node}
    assert seen >= {"Conv", "Concat", "MaxPool", "AveragePool", "Max", "Min", "Pad", "Sub", "BatchNormalization"}
