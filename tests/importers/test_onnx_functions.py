# SPDX-License-Identifier: MIT
"""Local functions of an ONNX model: unfolded, counted before, and refused where they cannot be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import helper  # noqa: E402
from onnx_models import check, model  # noqa: E402
from withstand.importers import Budget, UnsupportedModel, read  # noqa: E402

RNG = np.random.default_rng(3)
CONSTANTS = {
    "W": RNG.normal(size=(4, 5)),
    "b": RNG.normal(size=5),
    "V": RNG.normal(size=(5, 5)),
    "c": RNG.normal(size=5),
}
STANDARD = helper.make_opsetid("", 17)
LOCAL = helper.make_opsetid("local", 1)


def function(name: str, nodes: list[Any], inputs: tuple[str, ...] = ("x",), domain: str = "local") -> Any:
    return helper.make_function(domain, name, list(inputs), ["y"], nodes, [STANDARD, LOCAL])


def call(name: str, inputs: list[str], output: str) -> Any:
    return helper.make_node(name, inputs, [output], domain="local")


def with_functions(nodes: list[Any], *functions: Any) -> Any:
    proto = model(nodes, {"x": [1, 4]}, CONSTANTS)
    proto.opset_import.append(LOCAL)
    proto.functions.extend(functions)
    return proto


def layers(*, depth: int = 1) -> Any:
    """Layers that call an affine function, `depth` calls below one another."""
    affine = [helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Add", ["p", "b"], ["y"])]
    functions = [function("F0", affine, ("x", "w", "b"))]
    for n in range(1, depth):
        functions.append(function(f"F{n}", [call(f"F{n - 1}", ["x", "w", "b"], "y")], ("x", "w", "b")))
    layer = [call(f"F{depth - 1}", ["x", "w", "b"], "s"), helper.make_node("Tanh", ["s"], ["y"])]
    functions.append(function("Layer", layer, ("x", "w", "b")))
    nodes = [
        call("Layer", ["x", "W", "b"], "h"),
        call("Layer", ["h", "V", "c"], "g"),
        helper.make_node("Neg", ["g"], ["y"]),
    ]
    return with_functions(nodes, *functions)


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_functions_that_call_one_another(tmp_path: Path, depth: int) -> None:
    assert len(check(layers(depth=depth), tmp_path).activations) == 2


def test_nothing_else_need_import_the_inliner(tmp_path: Path) -> None:
    onnx.save(layers(), tmp_path / "net.onnx")
    code = f"from withstand.importers import read; print(len(read({str(tmp_path / 'net.onnx')!r}).weights))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "3"


def doubling(depth: int) -> Any:
    """F_n calls F_{n - 1} twice: 2^depth nodes."""
    functions = [function("F0", [helper.make_node("Neg", ["x"], ["y"])])]
    for n in range(1, depth + 1):
        functions.append(function(f"F{n}", [call(f"F{n - 1}", ["x"], "m"), call(f"F{n - 1}", ["m"], "y")]))
    return with_functions(
        [
            helper.make_node("MatMul", ["x", "W"], ["a"]),
            helper.make_node("Tanh", ["a"], ["h"]),
            call(f"F{depth}", ["h"], "s"),
            helper.make_node("MatMul", ["s", "V"], ["y"]),
        ],
        *functions,
    )


def test_calls_that_multiply_are_counted_before(tmp_path: Path) -> None:
    onnx.save(doubling(4), tmp_path / "net.onnx")
    assert read(tmp_path / "net.onnx").activations
    with pytest.raises(UnsupportedModel, match=r"net\.onnx: the graph unfolds to 50 nodes, at most 40 are handled"):
        read(tmp_path / "net.onnx", Budget(nodes=40))
    with pytest.raises(UnsupportedModel, match=r"the graph needs \d+ bytes, .* exceeds the budget of 100"):
        read(tmp_path / "net.onnx", Budget(bytes=100, per_byte=0))


def test_a_function_that_calls_itself(tmp_path: Path) -> None:
    proto = with_functions(
        [helper.make_node("Tanh", ["x"], ["h"]), call("A", ["h"], "y")],
        function("A", [call("B", ["x"], "y")]),
        function("B", [call("A", ["x"], "y")]),
    )
    onnx.save(proto, tmp_path / "net.onnx")
    with pytest.raises(UnsupportedModel, match=r"net\.onnx: the graph calls the function 'A' from itself"):
        read(tmp_path / "net.onnx")


def test_functions_too_deep(tmp_path: Path) -> None:
    onnx.save(layers(depth=60), tmp_path / "net.onnx")
    with pytest.raises(UnsupportedModel, match="calls functions from one another more than 50 deep"):
        read(tmp_path / "net.onnx")


def test_a_standard_operator_redefined(tmp_path: Path) -> None:
    relu = function("Relu", [helper.make_node("Neg", ["x"], ["y"])], domain="")
    proto = with_functions([helper.make_node("Relu", ["x"], ["h"]), helper.make_node("Neg", ["h"], ["y"])], relu)
    onnx.save(proto, tmp_path / "net.onnx")
    with pytest.raises(UnsupportedModel, match="defines the function 'Relu' in the domain of the standard operators"):
        read(tmp_path / "net.onnx")


def test_a_function_twice(tmp_path: Path) -> None:
    once = function("F", [helper.make_node("Neg", ["x"], ["y"])])
    proto = with_functions([helper.make_node("Tanh", ["x"], ["h"]), call("F", ["h"], "y")], once, once)
    onnx.save(proto, tmp_path / "net.onnx")
    with pytest.raises(UnsupportedModel, match="defines the function 'F' of 'local' twice"):
        read(tmp_path / "net.onnx")


def test_a_reference_to_an_attribute_outside_a_function(tmp_path: Path) -> None:
    proto = model(
        [helper.make_node("LeakyRelu", ["x"], ["h"], alpha=0.5), helper.make_node("Neg", ["h"], ["y"])], {"x": [1, 4]}
    )
    proto.graph.node[0].attribute[0].ref_attr_name = "slope"
    onnx.save(proto, tmp_path / "net.onnx")
    with pytest.raises(UnsupportedModel, match=r"\(LeakyRelu\): takes its attribute 'alpha' from a function"):
        read(tmp_path / "net.onnx")


class TestExternalData:
    """Weights in side files."""

    @staticmethod
    def saved(folder: Path, **entries: str) -> Path:
        nodes = [
            helper.make_node("MatMul", ["x", "W"], ["a"]),
            helper.make_node("Tanh", ["a"], ["h"]),
            helper.make_node("Neg", ["h"], ["y"]),
        ]
        proto = model(nodes, {"x": [1, 4]}, {"W": CONSTANTS["W"]})
        tensor = proto.graph.initializer[0]
        data = tensor.raw_data
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        (folder / "inside").mkdir()
        (folder / "secret.bin").write_bytes(data)
        (folder / "inside" / "w.bin").write_bytes(data)
        for key, value in ({"location": "w.bin"} | entries).items():
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
        path = folder / "inside" / "net.onnx"
        path.write_bytes(proto.SerializeToString())
        return path

    def test_read(self, tmp_path: Path) -> None:
        assert np.array_equal(read(self.saved(tmp_path)).weights[0], CONSTANTS["W"].T)

    @pytest.mark.parametrize(
        ("entries", "message"),
        [
            ({"location": "../secret.bin"}, "lies outside the folder of the model"),
            ({"location": "none.bin"}, "no such file"),
            ({"location": "."}, "is a directory"),
            ({"location": ""}, "no side file is named"),
            ({"offset": "-8"}, "-8 on are needed"),
            ({"length": "1000"}, "has 160 bytes, 1000 from 0 on are needed"),
            ({"offset": "99999999999"}, "from 99999999999 on are needed"),
            ({"length": "x"}, "invalid literal"),
            ({"length": "80"}, "cannot reshape|cannot be read"),
        ],
    )
    def test_refused(self, tmp_path: Path, entries: dict[str, str], message: str) -> None:
        with pytest.raises(UnsupportedModel, match=rf"net\.onnx: .*'W'.*({message})"):
            read(self.saved(tmp_path, **entries))

    def test_an_absolute_path(self, tmp_path: Path) -> None:
        with pytest.raises(UnsupportedModel, match="lies outside the folder of the model"):
            read(self.saved(tmp_path, location=str(tmp_path / "secret.bin")))

    def test_a_link_that_leads_out(self, tmp_path: Path) -> None:
        path = self.saved(tmp_path, location="link.bin")
        (path.parent / "link.bin").symlink_to(tmp_path / "secret.bin")
        with pytest.raises(UnsupportedModel, match="lies outside the folder of the model"):
            read(path)

    def test_the_same_file_many_times_is_charged_each_time(self, tmp_path: Path) -> None:
        path = self.saved(tmp_path)
        proto = onnx.ModelProto.FromString(path.read_bytes())
        for n in range(10):
            proto.graph.initializer.add().CopyFrom(proto.graph.initializer[0])
            proto.graph.initializer[-1].name = f"W{n}"
        path.write_bytes(proto.SerializeToString())
        assert read(path).activations
        with pytest.raises(UnsupportedModel, match=r"'W6' .*needs 160 bytes, which with 1120 so far exceeds"):
            read(path, Budget(bytes=1200, per_byte=0))


@pytest.mark.parametrize("given", [None, 0.125])
@pytest.mark.parametrize("nested", [False, True])
def test_an_attribute_of_a_function_has_its_default(tmp_path: Path, given: float | None, nested: bool) -> None:
    """The operator inside would have another one: 0.01."""
    inside = helper.make_node("LeakyRelu", ["x"], ["y"])
    inside.attribute.append(onnx.AttributeProto(name="alpha", ref_attr_name="alpha", type=onnx.AttributeProto.FLOAT))
    defaults = [helper.make_attribute("alpha", 0.5)]
    leaky = helper.make_function("local", "F", ["x"], ["y"], [inside], [STANDARD, LOCAL], [], defaults)
    outer = function("Outer", [call("F", ["x"], "y")])
    used = call("Outer" if nested and given is None else "F", ["s"], "h")
    if given is not None:
        used.attribute.append(helper.make_attribute("alpha", given))
    nodes = [
        helper.make_node("MatMul", ["x", "W"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["s"]),
        used,
        helper.make_node("MatMul", ["h", "V"], ["y"]),
    ]
    net = check(with_functions(nodes, leaky, outer), tmp_path, reference=False)
    assert net.activations[0].slope == (0.5 if given is None else given)
