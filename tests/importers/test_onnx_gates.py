# SPDX-License-Identifier: MIT
"""Activations that ONNX files write out as several operators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx_models import check, model, node  # noqa: E402
from withstand.importers import UnsupportedModel, read  # noqa: E402
from withstand.importers.layers import Phi  # noqa: E402

RNG = np.random.default_rng(11)
CONSTANTS: dict[str, Any] = {
    "W": RNG.normal(size=(4, 5)) * 2,
    "b": RNG.normal(size=5),
    "V": RNG.normal(size=(5, 3)),
    "root": np.array(np.sqrt(2)),
    "half_root": np.array([np.sqrt(0.5)]),
    "half": np.array(0.5),
    "one": np.array(1.0),
    "twenty": np.array(20.0),
    "ten": np.array(10.0),
}
#: What stands between the affine maps, from "a" to "h": operator, inputs, output.
WRITTEN: dict[str, tuple[list[str], str]] = {
    "product": (["Sigmoid a s", "Mul a s h"], "silu"),
    "product, turned": (["Sigmoid a s", "Mul s a h"], "silu"),
    "erf": (["Div a root d", "Erf d e", "Add e one p", "Mul a p m", "Mul m half h"], "gelu"),
    "erf, halved first": (["Mul a half m", "Mul a half_root d", "Erf d e", "Add one e p", "Mul m p h"], "gelu"),
    "erf, halved last": (["Mul a half_root d", "Erf d e", "Add e one p", "Mul p a m", "Mul half m h"], "gelu"),
    "erf, through a cast": (["Div a root d", "Erf d e", "Identity e i", "Add i one p", "Mul a p m", "Mul m half h"],
                            "gelu"),
    "quotient": (["Abs a e", "Add e one p", "Div a p h"], "softsign"),
    "softplus": (["Softplus a s", "Greater a twenty g", "Where g a s h"], "softplus"),
    "softplus of beta 1": (["Mul a one t", "Softplus t s", "Greater t twenty g", "Div s one q", "Where g a q h"],
                           "softplus"),
}  # fmt: skip


def nodes(parts: list[str]) -> list[Any]:
    inner = []
    for part in parts:
        op, *inputs, output = part.split()
        inner.append(node(op, " ".join(inputs), output))
    return [node("Gemm", "x W b", "a"), *inner, node("MatMul", "h V", "y")]


@pytest.mark.parametrize("how", WRITTEN)
@pytest.mark.parametrize("rows", ["N", 1, 3])
def test_written_out(tmp_path: Path, how: str, rows: str | int) -> None:
    parts, name = WRITTEN[how]
    proto = model(nodes(parts), {"x": [rows, 4]}, CONSTANTS)
    if rows == 3:  # one row of the batch is the network
        onnx.save(proto, tmp_path / "batch.onnx")
        layers = read(tmp_path / "batch.onnx")
    else:
        layers = check(proto, tmp_path, reference="Erf d e" not in parts, runtime=False)  # theirs is single precision
        check(model(nodes(parts), {"x": [rows, 4]}, CONSTANTS, dtype=np.float32), tmp_path)
    assert layers.activations == (Phi(name),)
    assert np.array_equal(layers.weights[0], CONSTANTS["W"].T)
    assert np.array_equal(layers.weights[1], CONSTANTS["V"].T)


def test_twice_and_as_output(tmp_path: Path) -> None:
    """A gelu without its half is twice a gelu; at the output it is a layer, a whole one is the output's activation."""
    parts = ["Div a root d", "Erf d e", "Add e one p", "Mul a p m", "Mul m half h"]
    last = ["Div z root zd", "Erf zd ze", "Add ze one zp", "Mul z zp y"]
    proto = [*nodes(parts)[:-1], node("MatMul", "h V", "z"), *nodes(last)[1:-1]]
    layers = check(model(proto, {"x": [1, 4]}, CONSTANTS, dtype=np.float32), tmp_path)
    assert (len(layers.activations), layers.output_activation.name) == (2, "identity")
    assert np.array_equal(layers.weights[2], 2 * np.eye(3))
    proto = [*proto[:-1], node("Mul", "z zp", "zm"), node("Mul", "zm half", "y")]
    layers = check(model(proto, {"x": [1, 4]}, CONSTANTS, dtype=np.float32), tmp_path)
    assert (len(layers.activations), layers.output_activation.name) == (1, "gelu")


def test_hard_swish_as_a_product(tmp_path: Path) -> None:
    hard = node("HardSigmoid", "a", "s", alpha=1 / 6)
    chain = [*nodes([])[:1], hard, node("Mul", "a s", "h"), node("MatMul", "h V", "y")]
    layers = check(model(chain, {"x": [1, 4]}, CONSTANTS, dtype=np.float32), tmp_path)
    assert layers.activations == (Phi("hard_swish"),)


REFUSED = [
    (["Div a root d", "Erf d e", "Add e one h"], "is 1 \\+ an erf, which is supported only in"),
    (["Div a root d", "Erf d e", "Add e half p", "Mul a p h"], "is an erf, which is supported only in"),
    (["Erf a e", "Add e one p", "Mul a p h"], "is 1 \\+ an erf, which is supported only in"),
    (["Div a root d", "Erf d e", "Add e e p", "Mul a p h"], "is an erf, which is supported only in"),
    (["Div a root d", "Erf d e", "Add e one p", "Mul p p h"], "is 1 \\+ an erf"),
    (["Sigmoid a s", "Mul a s m", "Add m s h"], "multiplies two computed tensors"),
    (["Mul a half t", "Sigmoid t s", "Mul a s h"], "multiplies two computed tensors"),
    (["Abs a e", "Add e half p", "Div a p h"], "is an absolute value, which is supported only in"),
    (["Abs a e", "Add e one p", "Div p a h"], "is 1 \\+ an absolute value, which is supported only in"),
    (["Mul a half t", "Abs t e", "Add e one p", "Div a p h"], "is 1 \\+ an absolute value"),
    (["Abs a h"], "is an absolute value, which is supported only in"),
    (["Softplus a s", "Greater a ten g", "Where g a s h"], "compares with 10.0, supported are the thresholds >= 20"),
    (["Softplus a s", "Greater a twenty g", "Where g s a h"], "chooses between computed tensors"),
    (["Mul a half t", "Softplus a s", "Greater t twenty g", "Where g a s h"], "chooses between computed tensors"),
    (["Relu a s", "Greater a twenty g", "Where g a s h"], "chooses between computed tensors"),
    (["Greater a twenty g", "Where g a a h"], "chooses between computed tensors"),
]


@pytest.mark.parametrize(("parts", "message"), REFUSED)
def test_other_products_are_refused(tmp_path: Path, parts: list[str], message: str) -> None:
    onnx.save(model(nodes(parts), {"x": [1, 4]}, CONSTANTS), tmp_path / "net.onnx")
    with pytest.raises(UnsupportedModel, match=message):
        read(tmp_path / "net.onnx")


def test_a_factor_is_no_output(tmp_path: Path) -> None:
    parts = [*nodes(["Tanh a h"]), node("Div", "y root", "d"), node("Erf", "d", "e")]
    onnx.save(model(parts, {"x": [1, 4]}, CONSTANTS, outputs=("e",)), tmp_path / "net.onnx")
    with pytest.raises(UnsupportedModel, match="is an erf, which is supported only in"):
        read(tmp_path / "net.onnx")


def test_a_logistic_layer_that_is_also_an_output_stays_one(tmp_path: Path) -> None:
    """Who reads the factor too reads a layer of logistic neurons, which the product then passes by."""
    parts = nodes(["Sigmoid a s", "Mul a s h"])
    onnx.save(model(parts, {"x": [1, 4]}, CONSTANTS, outputs=("y", "s")), tmp_path / "net.onnx")
    with pytest.raises(UnsupportedModel, match="multiplies two computed tensors"):
        read(tmp_path / "net.onnx")


def test_swish_with_another_rate(tmp_path: Path) -> None:
    parts = [node("Gemm", "x W b", "a"), node("Swish", "a", "h", alpha=1.702), node("MatMul", "h V", "y")]
    onnx.save(model(parts, {"x": [1, 4]}, CONSTANTS, opset=24), tmp_path / "net.onnx")
    with pytest.raises(UnsupportedModel, match=r"has alpha = 1\.70"):
        read(tmp_path / "net.onnx")


@pytest.mark.parametrize(("inputs", "outputs"), [([], ["s"]), (["a"], [])])
def test_damaged_factors(tmp_path: Path, inputs: list[str], outputs: list[str]) -> None:
    parts = [node("Gemm", "x W b", "a"), onnx.helper.make_node("Sigmoid", inputs, outputs), node("Mul", "a s", "y")]
    onnx.save(model(parts, {"x": [1, 4]}, CONSTANTS), tmp_path / "net.onnx")
    with pytest.raises(UnsupportedModel, match=r"it takes 1 to 1|tensor 's' is read"):
        read(tmp_path / "net.onnx")
