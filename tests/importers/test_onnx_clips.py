# SPDX-License-Identifier: MIT
"""A clip of the inputs is no layer of neurons, a clip behind a matrix is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layers_oracle import sizes
from withstand.importers.affine import Affine
from withstand.importers.layers import Phi
from withstand.importers.stack import Stack

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("name", ["clip", "hard_tanh", "relu"])
def test_the_rule_itself(name: str) -> None:
    inputs = Affine.identity(0, 3, (1, 3))
    scaled = inputs.times(np.array([1.0, 2.0, -3.0])).plus(np.ones(3)).take(np.array([[2, 0, 0, 1]]))
    for tensor in (inputs, scaled):
        with pytest.raises(ValueError, match=f"clips the inputs \\({name} before any product with weights\\)"):
            Stack(3).push(tensor, Phi(name))
    for flat in (Phi("leaky_relu", slope=0.0), Phi("elu", slope=0.0)):  # the same function as a relu
        with pytest.raises(ValueError, match="clips the inputs"):
            Stack(3).push(scaled, flat)
    stack = Stack(3)
    hidden = stack.push(scaled.matmul(np.eye(4)), Phi(name))  # stored weights, although a diagonal of ones
    stack.push(hidden.times(np.array(2.0)), Phi(name))
    assert len(stack.activations) == 2


@pytest.mark.parametrize("name", ["tanh", "logistic", "leaky_relu", "elu", "softplus"])
def test_what_changes_every_value_is_a_layer(name: str) -> None:
    stack = Stack(3)
    stack.push(Affine.identity(0, 3, (1, 3)), Phi(name))
    assert len(stack.activations) == 1


CLIPS = {
    "Clip": ("Clip", ["low", "high"], {}),
    "Clip to one side": ("Clip", ["low"], {}),
    "HardSigmoid": ("HardSigmoid", [], {}),
    "Max": ("Max", ["low"], {}),
    "Min": ("Min", ["high"], {}),
    "Relu": ("Relu", [], {}),
}
SCALINGS = {
    "nothing": [],
    "scaler": [("Sub", "x mean", "s1"), ("Div", "s1 scale", "s2")],
    "normalisation": [("BatchNormalization", "x scale mean mean scale", "s2")],
    "moves": [("Reshape", "x shape", "s1"), ("Transpose", "s1", "s0"), ("Flatten", "s0", "s2")],
    "same twice": [("Mul", "x scale", "s1"), ("Concat", "s1 s1", "s0"), ("Gather", "s0 order", "s2")],
}


def scaled(nodes: list[tuple[str, str, str]], clip: str | None, first: Any) -> Any:
    """Scaled inputs, clipped, and a network behind them."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from onnx_models import model

    attributes = {"Concat": {"axis": 1}, "Gather": {"axis": 1}, "Transpose": {"perm": [0, 2, 1]}}
    made = [onnx.helper.make_node(op, i.split(), [o], **attributes.get(op, {})) for op, i, o in nodes]
    last = nodes[-1][2] if nodes else "x"
    if clip:
        op, limits, more = CLIPS[clip]
        made.append(onnx.helper.make_node(op, [last, *limits], ["clipped"], name="guard", **more))
        last = "clipped"
    made += [onnx.helper.make_node("MatMul", [last, "W"], ["a"]), onnx.helper.make_node("Relu", ["a"], ["h"])]
    made.append(onnx.helper.make_node("MatMul", ["h", "V"], ["y"]))
    constants = {
        "mean": RNG.normal(size=4),
        "scale": RNG.uniform(0.5, 2, size=4),
        "low": np.array(0.0),
        "high": np.array(1.0),
        "shape": np.array([-1, 2, 2]),
        "order": np.array([5, 0, 3, 2]),
        "W": first,
        "V": RNG.normal(size=(len(first.T), 2)),
    }
    return model(made, {"x": ["N", 4]}, constants)


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("scaling", SCALINGS)
def test_a_clip_of_the_inputs_is_no_layer_that_may_fail(tmp_path: Path, scaling: str, clip: str) -> None:
    proto = scaled(SCALINGS[scaling], clip, RNG.normal(size=(4, 5)))
    from onnx_models import check

    graph = check(proto, tmp_path, runtime=clip != "HardSigmoid")
    assert [layer.may_fail for layer in graph.layers].count(True) == 1
    assert sizes(graph) == (4, 5, 2)


@pytest.mark.parametrize("scaling", SCALINGS)
@pytest.mark.parametrize("first", [RNG.normal(size=(4, 5)), np.diag([1.0, 2.0, -1.0, 0.5])], ids=["dense", "diagonal"])
def test_the_same_behind_a_matrix_is_a_layer(tmp_path: Path, scaling: str, first: Any) -> None:
    proto = scaled(SCALINGS[scaling], None, first)
    from onnx_models import check

    assert len(check(proto, tmp_path).activations) == 1


@pytest.mark.parametrize("limits", [[], ["least"], ["", "most"], ["least", "most"]])
def test_a_clip_without_limits_does_nothing(tmp_path: Path, limits: list[str]) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from onnx_models import check, model

    make = onnx.helper.make_node
    nodes = [make("Clip", ["x", *limits], ["c"]), make("MatMul", ["c", "W"], ["a"]), make("Relu", ["a"], ["h"])]
    nodes += [make("Clip", ["h", *limits], ["d"]), make("MatMul", ["d", "V"], ["y"])]
    for kind in (np.float32, np.float64):
        most = float(np.finfo(kind).max)
        constants = {"W": RNG.normal(size=(4, 5)), "V": RNG.normal(size=(5, 2)), "least": -most, "most": most}
        used = {name: value for name, value in constants.items() if name in ("W", "V", *limits)}
        proto = model(nodes, {"x": ["N", 4]}, used, dtype=kind)
        # ONNX Runtime fuses a Relu with the Clip behind it only in single precision, and fails in double.
        assert len(check(proto, tmp_path, runtime=kind is np.float32).activations) == 1
