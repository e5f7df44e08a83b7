# SPDX-License-Identifier: MIT
"""Laws over random chains of supported operators: same function, same neurons, same order."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layers_oracle import evaluate, hidden

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402
from onnx_models import close, model  # noqa: E402
from withstand.importers import read  # noqa: E402

CLIPS = ["Relu", "HardSigmoid"]
ACTIVATIONS = ["Sigmoid", "Tanh", "LeakyRelu", "Elu", "Softplus"]


class Chain:
    """A graph under construction, and the shape of its last tensor at batch size one."""

    def __init__(self, shape: tuple[int, ...], seed: int) -> None:
        self.inputs = self.shape = shape
        self.rng = np.random.default_rng(seed)
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}
        self.last = "x"
        self.activations: list[str] = []
        self.scaled_inputs = True

    def constant(self, array: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(array)
        return name

    def normal(self, *shape: int) -> str:
        return self.constant(self.rng.normal(size=shape))

    def append(self, op: str, *others: str, first: bool = True, shape: Any = None, **attributes: Any) -> None:
        inputs = [self.last, *others] if first else [*others, self.last]
        self.last = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [self.last], **attributes))
        self.shape = self.shape if shape is None else tuple(shape)


def grow(chain: Chain, draw: Any) -> None:
    """Append one random operator that fits the current shape."""
    kind = draw(st.sampled_from(["activation", "matmul", "gemm", "arithmetic", "move", "normalise", "join"]))
    size = draw(st.integers(1, 4))
    first = draw(st.booleans())
    if kind == "activation":
        chain.append(draw(st.sampled_from(ACTIVATIONS if chain.scaled_inputs else CLIPS + ACTIVATIONS)))
        chain.activations.append(chain.last)
        chain.scaled_inputs = False
    elif kind == "matmul" and first:
        chain.append("MatMul", chain.normal(chain.shape[-1], size), shape=(*chain.shape[:-1], size))
        chain.scaled_inputs = False
    elif kind == "matmul" and len(chain.shape) == 3:
        weights = chain.normal(size, chain.shape[1])
        chain.append("MatMul", weights, first=False, shape=(1, size, chain.shape[2]))
        chain.scaled_inputs = False
    elif kind == "gemm" and len(chain.shape) == 2:
        transposed = draw(st.booleans())
        weights = chain.rng.normal(size=(chain.shape[1], size))
        bias = chain.normal(*draw(st.sampled_from([(size,), (1, size), (1,)])))
        weights = chain.constant(weights.T if transposed else weights)
        chain.append("Gemm", weights, bias, alpha=0.5, beta=2.0, transB=int(transposed), shape=(1, size))
        chain.scaled_inputs = False
    elif kind == "arithmetic":
        op = draw(st.sampled_from(["Add", "Sub", "Mul", "Div"]))
        shape = [n if draw(st.booleans()) else 1 for n in chain.shape[draw(st.integers(0, len(chain.shape))) :]]
        number = chain.rng.uniform(0.5, 2, size=shape) * chain.rng.choice([-1, 1], size=shape)
        chain.append(op, chain.constant(number), first=first or op == "Div")
    elif kind == "normalise" and len(chain.shape) > 1:
        channels = chain.shape[1]
        numbers = [chain.normal(channels) for _ in range(3)]
        numbers.append(chain.constant(chain.rng.uniform(0.1, 2, size=channels)))
        chain.append("BatchNormalization", *numbers)
    elif kind == "join":
        axis = draw(st.integers(1, len(chain.shape) - 1))
        shape = [n * (1 + (i == axis)) for i, n in enumerate(chain.shape)]
        if np.prod(shape) <= 24:
            chain.append("Concat", chain.last, axis=axis, shape=shape)
    elif kind == "move" and len(chain.shape) == 3:
        if first:
            chain.append("Transpose", perm=[0, 2, 1], shape=(1, chain.shape[2], chain.shape[1]))
        else:
            chain.append("Flatten", shape=(1, chain.shape[1] * chain.shape[2]))
    elif kind == "move":
        at = size % 2 + 1
        chain.append("Unsqueeze", chain.constant([at]), shape=(*chain.shape[:at], 1, *chain.shape[at:]))


@st.composite
def chains(draw: Any) -> Chain:
    """A random chain with a hidden layer; the last operator is affine, or there is a trailing activation."""
    chain = Chain((1, *draw(st.lists(st.integers(1, 4), min_size=1, max_size=2))), draw(st.integers(0, 2**32 - 1)))
    for _ in range(draw(st.integers(0, 8))):
        grow(chain, draw)
    chain.append("Tanh")
    chain.activations.append(chain.last)
    chain.append("MatMul", chain.normal(chain.shape[-1], 2), shape=(*chain.shape[:-1], 2))
    if draw(st.booleans()):
        chain.append("Sigmoid")
    return chain


@settings(max_examples=150, deadline=None)
@given(chains(), st.booleans())
def test_chain(chain: Chain, dynamic: bool) -> None:
    shape = ["N" if dynamic else 1, *chain.inputs[1:]]
    proto = model(chain.nodes, {"x": shape}, chain.constants, outputs=(chain.last,))
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(proto, Path(folder) / "chain.onnx")
        layers = read(Path(folder) / "chain.onnx")
    x = np.random.default_rng(1).normal(size=chain.inputs)
    reference = ReferenceEvaluator(proto)
    *transmitted, expected = reference.run([*chain.activations, chain.last], {"x": x})
    close(evaluate(layers, x.reshape(1, -1))[0], expected.ravel(), 1e-11)
    neurons = hidden(layers, x.reshape(1, -1))
    assert len(neurons) == len(transmitted)
    for computed, wanted in zip(neurons, transmitted):
        close(computed[0], wanted.ravel(), 1e-11)
