# SPDX-License-Identifier: MIT
"""Activations that ONNX files write out as several operators, behind convolutions and in branches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx_models import check, model, node  # noqa: E402
from withstand.importers import UnsupportedModel, read  # noqa: E402

RNG = np.random.default_rng(12)
CONSTANTS: dict[str, Any] = {
    "K": RNG.normal(size=(3, 2, 3, 3)),
    "L": RNG.normal(size=(2, 3, 3, 3)),
    "c": RNG.normal(size=3),
    "U": RNG.normal(size=(4, 5)) * 2,
    "V": RNG.normal(size=(4, 5)) * 2,
    "W": RNG.normal(size=(5, 3)),
    "root": np.array(np.sqrt(2)),
    "half_root": np.array(np.sqrt(0.5)),
    "half": np.array(0.5),
    "one": np.array(1.0),
    "two": np.array(2.0),
    "twenty": np.array(20.0),
}
#: What makes "h" of "a".
WRITTEN = {
    "silu": "Sigmoid a s; Mul a s h",
    "gelu": "Div a root d; Erf d e; Add e one p; Mul a p m; Mul m half h",
    "gelu, halved first": "Mul a half m; Mul a half_root d; Erf d e; Add e one p; Mul m p h",
    "softsign": "Abs a e; Add e one p; Div a p h",
    "softplus": "Softplus a s; Greater a twenty g; Where g a s h",
    "softplus of beta 1": "Mul a one t; Softplus t s; Greater t twenty g; Div s one q; Where g a q h",
}


def nodes(text: str) -> list[Any]:
    parts = [part.split() for part in text.split("; ")]
    return [node(op, " ".join(inputs), output) for op, *inputs, output in parts]


def kinds(net: Any) -> list[tuple[str, bool]]:
    return [(layer.activation.name, layer.may_fail) for layer in net.layers]


@pytest.mark.parametrize("how", WRITTEN)
@pytest.mark.parametrize("rows", ["N", 1, 3])
def test_between_convolutions(tmp_path: Path, how: str, rows: str | int) -> None:
    """Every neuron is one of the activation, and the kernels are those of the file, without wires between."""
    chain = [
        node("Conv", "x K c", "a", pads=[1, 1, 1, 1]),
        *nodes(WRITTEN[how]),
        node("Conv", "h L", "y"),
    ]
    proto = model(chain, {"x": [rows, 2, 5, 5]}, CONSTANTS)
    if rows == 3:
        onnx.save(proto, tmp_path / "batch.onnx")
        net = read(tmp_path / "batch.onnx")
    else:
        net = check(proto, tmp_path, reference="Erf" not in WRITTEN[how], runtime=False)
        check(model(chain, {"x": [rows, 2, 5, 5]}, CONSTANTS, dtype=np.float32), tmp_path)
    assert kinds(net) == [(how.split(",")[0].split()[0], True), ("identity", False)]
    assert [layer.shape for layer in net.layers] == [(3, 5, 5), (2, 3, 3)]
    for layer, kernel in zip(net.layers, ("K", "L")):
        ((_, conv),) = layer.reads
        assert np.array_equal(conv.kernel, CONSTANTS[kernel])


@pytest.mark.parametrize("how", WRITTEN)
def test_of_a_sum_of_branches(tmp_path: Path, how: str) -> None:
    """One layer reads both branches."""
    text = f"MatMul x U u; Tanh u v; MatMul x V w; Tanh w z; Add v z a; {WRITTEN[how]}; MatMul h W y"
    net = check(model(nodes(text), {"x": [1, 4]}, CONSTANTS, dtype=np.float32), tmp_path)
    name = how.split(",")[0].split()[0]
    assert kinds(net) == [("tanh", True), ("tanh", True), (name, True), ("identity", False)]
    assert [source for source, _ in net.layers[2].reads] == [1, 2]


@pytest.mark.parametrize("how", WRITTEN)
def test_beside_a_skip(tmp_path: Path, how: str) -> None:
    """What the activation and the skip both read is computed once."""
    text = f"MatMul x U a; {WRITTEN[how]}; Add h a z; Mul z half y"
    net = check(model(nodes(text), {"x": [1, 4]}, CONSTANTS, dtype=np.float32), tmp_path)
    assert kinds(net) == [("identity", False), (how.split(",")[0].split()[0], True), ("identity", False)]
    held = [layer for layer in net.layers if any(isinstance(kind, np.ndarray) for _, kind in layer.reads)]
    assert held == [net.layers[0]]


def test_a_sum_with_its_activation_is_no_activation(tmp_path: Path) -> None:
    """Sigmoid(a) + a leads to one product, with a constant: its parameters are held once all the same."""
    net = check(model(nodes("MatMul x U a; Sigmoid a s; Add s a z; Mul z half y"), {"x": [1, 4]}, CONSTANTS), tmp_path)
    assert kinds(net) == [("identity", False), ("logistic", True), ("identity", False)]


def test_a_softplus_of_another_layer_in_between(tmp_path: Path) -> None:
    text = "MatMul x U a; Softplus a s; MatMul x V b; Tanh b t; Greater a twenty g; Where g a s h; Add h t y"
    net = check(model(nodes(text), {"x": [1, 4]}, CONSTANTS, dtype=np.float32), tmp_path)
    assert kinds(net)[0] == ("softplus", True)
    assert [name for name, _ in kinds(net)] == ["softplus", "tanh", "identity"]


@pytest.mark.parametrize("also", ["a", "m"])
def test_a_part_that_is_an_output_too(tmp_path: Path, also: str) -> None:
    text = f"MatMul x U a; {WRITTEN['gelu, halved first']}; MatMul h W y"
    proto = model(nodes(text), {"x": [1, 4]}, CONSTANTS, dtype=np.float32, outputs=("y", also))
    net = check(proto, tmp_path)
    assert kinds(net) == [("identity", False), ("gelu", True), ("identity", False)]
    ((_, weights),) = net.layers[0].reads
    assert np.array_equal(weights, CONSTANTS["U"].T.astype(np.float32))


def test_of_joined_tensors_scaled_one_by_one(tmp_path: Path) -> None:
    chain = [
        *nodes("MatMul x U u; Tanh u v; MatMul x V w; Tanh w z; Div v root d; Div z root e"),
        node("Concat", "v z", "a", axis=1),
        node("Concat", "d e", "f", axis=1),
        *nodes("Erf f g; Add g one p; Mul a p y"),
    ]
    net = check(model(chain, {"x": [1, 4]}, CONSTANTS, dtype=np.float32), tmp_path)
    assert kinds(net) == [("tanh", True), ("tanh", True), ("gelu", True), ("identity", False)]


START = "MatMul x U a; MatMul x V b"
PRODUCTS = "multiplies two computed tensors"
CHOICES = "chooses between computed tensors"
REFUSED = [
    (f"{START}; Sigmoid a s; Mul b s y", PRODUCTS),
    (f"{START}; Div a root d; Erf d e; Add e one p; Mul b p y", "is 1 \\+ an erf"),
    (f"{START}; Abs a e; Add e one p; Div b p y", "is 1 \\+ an absolute value"),
    (f"{START}; Tanh a s; Tanh b t; Abs t e; Add e one p; Div s p y", "is 1 \\+ an absolute value"),
    (f"{START}; Softplus a s; Greater b twenty g; Where g a s y", CHOICES),
    (f"{START}; Softplus a s; Greater a twenty g; Where g b s y", CHOICES),
    (f"{START}; Softplus b s; Greater a twenty g; Where g a s y", CHOICES),
    (f"{START}; Softplus a s; Mul s two q; Greater a twenty g; Where g a q y", CHOICES),
    (f"{START}; Softplus a s; Add s one q; Greater a twenty g; Where g a q y", CHOICES),
    (f"{START}; Tanh a s; Tanh b t; Softplus s q; Greater s twenty g; Add s t u; Where g u q y", CHOICES),
    (f"{START}; Tanh a s; Tanh b t; Mul s two q; Add s t u; Add q t v; Abs v e; Add e one p; Div u p y",
     "is 1 \\+ an absolute value"),
    (f"{START}; Tanh a s; Add s one u; Abs s e; Add e one p; Div u p y", "is 1 \\+ an absolute value"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_parts_of_different_tensors_are_refused(tmp_path: Path, text: str, message: str) -> None:
    onnx.save(model(nodes(text), {"x": [1, 4]}, CONSTANTS), tmp_path / "net.onnx")
    with pytest.raises(UnsupportedModel, match=message):
        read(tmp_path / "net.onnx")


def test_moved_parts_are_refused(tmp_path: Path) -> None:
    """A gate turned round belongs to other entries, as does a softplus."""
    turn = node("Slice", "e from to axis back", "r")
    places = {"from": [-1], "to": [-100], "axis": [1], "back": [-1]}
    constants = CONSTANTS | {name: np.array(value) for name, value in places.items()}
    abs_ = [*nodes("MatMul x U a; Abs a e"), turn, *nodes("Add r one p; Div a p y")]
    softplus = [*nodes("MatMul x U a; Softplus a e"), turn, *nodes("Greater a twenty g; Where g a r y")]
    for chain, message in ((abs_, "is 1 \\+ an absolute value"), (softplus, CHOICES)):
        onnx.save(model(chain, {"x": [1, 4]}, constants), tmp_path / "net.onnx")
        with pytest.raises(UnsupportedModel, match=message):
            read(tmp_path / "net.onnx")
