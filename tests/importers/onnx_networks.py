# SPDX-License-Identifier: MIT
"""Small convolutional ONNX networks, drawn at random: chains, residual ones, pooled ones, branches that are joined."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper
from onnx_models import model, node


class Writer:
    """Appends layers to a graph; `size` is the shape of the newest tensor, `neurons` the tensors of activations."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, Any] = {}
        self.neurons: list[str] = []
        self.size = self.input = (2, int(self.rng.integers(5, 7)), int(self.rng.integers(5, 7)))

    def add(self, op: str, inputs: str, **attributes: Any) -> str:
        output = f"t{len(self.nodes)}"
        self.nodes.append(node(op, inputs, output, name=f"node {output}", **attributes))
        return output

    def constant(self, *shape: int, scale: float = 0.5, centre: float = 0.0) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = self.rng.normal(centre, scale, size=shape)
        return name

    def conv(self, x: str, channels: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> str:
        given, *image = self.size
        weights = self.constant(channels, given // groups, kernel, kernel)
        self.size = (channels, *((n - 1) // stride + 1 for n in image))
        ends, steps = [kernel // 2] * 4, [stride] * 2
        return self.add("Conv", f"{x} {weights} {self.constant(channels)}", pads=ends, strides=steps, group=groups)

    def norm(self, x: str) -> str:
        channels = self.size[0]
        parts = [self.constant(channels, scale=0.1, centre=1.0), self.constant(channels), self.constant(channels)]
        return self.add("BatchNormalization", " ".join([x, *parts, self.constant(channels, scale=0.1, centre=1.0)]))

    def activate(self, x: str, kind: str = "Relu") -> str:
        if kind == "Silu":
            y = self.add("Mul", f"{x} {self.add('Sigmoid', x)}")
        elif kind == "Relu6":
            self.constants |= {"zero": np.array(0.0), "six": np.array(6.0)}
            y = self.add("Clip", f"{x} zero six")
        else:
            y = self.add(kind, x, **({"alpha": 0.2} if kind == "LeakyRelu" else {}))
        self.neurons.append(y)
        return y

    def pool(self, x: str, op: str, kernel: int, stride: int, before: int = 0) -> str:
        self.size = (self.size[0], *((n + before - kernel) // stride + 1 for n in self.size[1:]))
        ends = [before, before, 0, 0]
        return self.add(op, x, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=ends)

    def head(self, x: str, outputs: int, op: str = "Flatten") -> str:
        if op != "Flatten":
            x, self.size = self.add(op, x), (self.size[0], 1, 1)
        flat = self.add("Flatten", x)
        weights = self.constant(outputs, int(np.prod(self.size)))
        return self.add("Gemm", f"{flat} {weights} {self.constant(outputs)}", transB=1)

    def finish(self, x: str, softmax: bool = False) -> onnx.ModelProto:
        y = self.add("Softmax", x, axis=1) if softmax else x
        return model(self.nodes, {"x": ["N", *self.input]}, self.constants, outputs=[y], dtype=np.float32)


def convolutional(seed: int) -> tuple[onnx.ModelProto, list[str]]:
    """Two convolutions, the second one depthwise or strided, and two dense layers."""
    w = Writer(seed)
    x = w.activate(w.norm(w.conv("x", 4)), ("Relu", "Silu", "HardSwish")[seed % 3])
    x = w.conv(x, 4, groups=4) if seed % 2 else w.conv(x, 3, stride=2)
    x = w.activate(x, ("Relu6", "LeakyRelu", "Tanh")[seed % 3])
    x = w.head(x, 5)
    w.size = (5,)
    return w.finish(w.head(w.activate(x, "Elu"), 3), softmax=seed % 2 == 1), w.neurons


def residual(seed: int) -> tuple[onnx.ModelProto, list[str]]:
    """A block with an identity, and one with a convolution in its shortcut."""
    w = Writer(seed)
    x = w.activate(w.norm(w.conv("x", 3)))
    y = w.conv(w.activate(w.norm(w.conv(x, 3)), ("Relu", "Relu6")[seed % 2]), 3)
    x = w.activate(w.add("Add", f"{y} {x}"))
    size = w.size
    short = w.conv(x, 4, kernel=1, stride=2)
    w.size = size
    x = w.activate(w.add("Add", f"{short} {w.norm(w.conv(x, 4, stride=2))}"), ("Relu", "HardSwish")[seed % 2])
    return w.finish(w.head(x, 3, "GlobalAveragePool"), softmax=seed % 2 == 0), w.neurons


def pooled(seed: int) -> tuple[onnx.ModelProto, list[str]]:
    """Largest values and means over windows that overlap, that lie apart, that reach out of the image."""
    w = Writer(seed)
    x = w.activate(w.conv("x", 4), ("Relu", "Tanh")[seed % 2])
    x = w.pool(x, ("MaxPool", "AveragePool")[seed % 2], 2 + seed % 2, 2)
    x = w.activate(w.conv(x, 4), ("Silu", "Relu")[seed % 2])
    x = w.pool(x, ("AveragePool", "MaxPool")[seed % 2], 2, 1, before=1)
    return w.finish(w.head(x, 3, ("Flatten", "GlobalMaxPool")[seed % 2])), w.neurons


def joined(seed: int) -> tuple[onnx.ModelProto, list[str]]:
    """Branches of the inputs and of a layer, concatenated, one of them pooled."""
    w = Writer(seed)
    size, parts = w.size, []
    for kernel, kind in ((1, "Relu"), (3, ("Silu", "Relu6")[seed % 2])):
        w.size = size
        parts.append(w.activate(w.conv("x", 2, kernel), kind))
    largest = w.add("MaxPool", parts[0], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    joint = w.add("Concat", f"{parts[1]} {largest} x", axis=1)
    w.size = (6, *size[1:])
    return w.finish(w.head(w.activate(w.conv(joint, 3, stride=2)), 2)), w.neurons


NETWORKS = [(build, seed) for build in (convolutional, residual, pooled, joined) for seed in (1, 2, 3)]


def masked(proto: onnx.ModelProto, shapes: dict[str, tuple[int, ...]]) -> onnx.ModelProto:
    """Return the model with a product behind each named tensor, by an input `mask NAME` of the tensor's shape."""
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    for n, read in enumerate(copy.graph.node):
        copy.graph.node[n].input[:] = [f"masked {name}" if name in shapes else name for name in read.input]
    for name, shape in shapes.items():
        (place,) = (n for n, made in enumerate(copy.graph.node) if name in made.output)
        copy.graph.node.insert(place + 1, node_of_mask(name))
        copy.graph.input.append(helper.make_tensor_value_info(f"mask {name}", onnx.TensorProto.FLOAT, ["N", *shape]))
    return copy


def node_of_mask(name: str) -> onnx.NodeProto:
    return helper.make_node("Mul", [name, f"mask {name}"], [f"masked {name}"])
