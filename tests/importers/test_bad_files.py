# SPDX-License-Identifier: MIT
"""Every file that is no network, or not one of ours, is refused with its reason."""

from __future__ import annotations

import builtins
import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from withstand.importers import UnsupportedModel, read


@pytest.mark.parametrize("suffix", [".onnx", ".nnet", ".npz"])
class TestAnyFile:
    """What holds for every format."""

    def test_empty(self, tmp_path: Path, suffix: str) -> None:
        _needs(suffix)
        refused(tmp_path, suffix, b"", r"bad\S+: (is an empty file|ends inside|is not a readable)")

    def test_random_bytes(self, tmp_path: Path, suffix: str) -> None:
        _needs(suffix)
        rng = np.random.default_rng(5)
        for size in (1, 10, 1000, 100_000):
            refused(tmp_path, suffix, rng.bytes(size), "is (truncated or )?not a")

    def test_text(self, tmp_path: Path, suffix: str) -> None:
        _needs(suffix)
        refused(
            tmp_path,
            suffix,
            b"<html><body>404: not found</body></html>\n",
            "is .*not a|has text where|ends inside",
        )

    def test_git_lfs_pointer(self, tmp_path: Path, suffix: str) -> None:
        pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 42\n"
        refused(
            tmp_path,
            suffix,
            pointer,
            "is a Git LFS pointer, not the model itself; fetch it with 'git lfs pull'",
        )

    def test_missing(self, tmp_path: Path, suffix: str) -> None:
        with pytest.raises(FileNotFoundError, match=r"none\S+: no such file"):
            read(tmp_path / f"none{suffix}")

    def test_directory(self, tmp_path: Path, suffix: str) -> None:
        (tmp_path / f"folder{suffix}").mkdir()
        with pytest.raises(IsADirectoryError, match="is a directory, not a model file"):
            read(tmp_path / f"folder{suffix}")


def test_unknown_suffix(tmp_path: Path) -> None:
    refused(tmp_path, ".pkl", b"cos", r"unknown suffix '\.pkl', supported are \.onnx, \.onnx\.gz, \.nnet")


@pytest.mark.parametrize("source", [None, 3, b"net.onnx", ["net.onnx"]])
def test_not_a_path(source: Any) -> None:
    with pytest.raises(TypeError, match=type(source).__name__):
        read(source)


def test_missing_onnx_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.onnx").write_bytes(b"\x08\x08")
    importing = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.split(".")[0] == "onnx":
            raise ModuleNotFoundError(f"No module named '{name}'")
        return importing(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r'pip install "withstand\[onnx\]"'):
        read(tmp_path / "net.onnx")


class TestOnnx:
    """Graphs that are no chain of layers."""

    @pytest.fixture(autouse=True)
    def _onnx(self) -> None:
        pytest.importorskip("onnxruntime")

    def test_every_truncation(self, tmp_path: Path) -> None:
        data = self.graph("Tanh x h; Neg h y").SerializeToString()
        for size in range(len(data)):
            refused(tmp_path, ".onnx", data[:size], r"bad\.onnx: ")

    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=200))
    def test_any_bytes(self, tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
        refused(tmp_path_factory.mktemp("bytes"), ".onnx", data, "bad.onnx: ")

    @settings(max_examples=200, deadline=None)
    @given(st.integers(0), st.integers(0, 255))
    def test_any_damaged_byte(self, tmp_path_factory: pytest.TempPathFactory, at: int, byte: int) -> None:
        """One changed byte gives a network or a refusal, never another exception."""
        data = bytearray(self.graph("Tanh x h; Add h c y", c=[1.0, 2.0]).SerializeToString())
        data[at % len(data)] = byte
        path = tmp_path_factory.mktemp("bytes") / "bad.onnx"
        path.write_bytes(data)
        with contextlib.suppress(UnsupportedModel):
            read(path)

    @pytest.mark.parametrize(
        ("nodes", "message"),
        [
            ("Tanh x h; Mul h h y", r"\(Mul\): multiplies two computed tensors, one must be constant"),
            ("Tanh x h; MatMul h h y", r"\(MatMul\): multiplies two computed tensors"),
            ("Tanh x h; Div c h y", r"\(Div\): divides by a computed tensor"),
            ("Tanh x h; Div h zero y", r"\(Div\): divides by zero"),
            ("Tanh x h; Sin h y", r"node with output 'y' \(Sin\): is not supported; supported are Add, "),
            ("Softmax:axis=1 x p; Relu p y", r"\(Relu\): follows a softmax"),
            ("Tanh x h; Softmax:axis=0 h y", r"\(Softmax\): runs over axis 0"),
            ("Tanh x h; MatMul h nan y", r"node with output 'y' \(MatMul\): has a constant that holds nan"),
            ("Tanh x h; Add h inf y", r"\(Add\): has a constant that holds inf"),
            ("MatMul x W a; Clip a zero five h; Neg h y", r"\(Clip\): clips to \[0.0, 5.0\], supported are"),
            ("PRelu x c h; Neg h y", r"\(PRelu\): has 2 different slopes"),
            ("LeakyRelu:alpha=-0.5 x h; Neg h y", r"\(LeakyRelu\): has a slope of -0.5"),
            ("Cast:to=7 x i; Neg i y", r"\(Cast\): rounds a computed tensor"),
            ("Tanh x h; Add h nowhere y", "tensor 'nowhere' is read, but no earlier node"),
            ("RandomNormalLike x r; Relu r y", r"\(RandomNormalLike\): is random"),
            ("Tanh x h; Reshape h seven y", r"\(Reshape\): cannot be evaluated"),
            ("Tanh x h; MatMul h wide y", r"\(MatMul\): "),
            (
                "LeakyRelu:alhpa=0.5 x h; Neg h y",
                r"\(LeakyRelu\): has an attribute 'alhpa' of a name or type",
            ),
            ("LeakyRelu:alpha=1 x h; Neg h y", r"\(LeakyRelu\): has an attribute 'alpha' of a name or type"),
            ("Relu x c h; Neg h y", r"\(Relu\): has 2 inputs, it takes 1 to 1"),
            ("Swish2 x h; Neg h y", r"\(Swish2\): is no operator of version 17"),
            ("Tanh x h; Neg h h; Neg h y", "makes tensor 'h', which exists already"),
            ("Tanh x h; Neg h y; Sigmoid x h", r"\(Sigmoid\): makes tensor 'h', which exists already"),
            ("Tanh x h; Neg h y; Sigmoid h x", r"\(Sigmoid\): makes tensor 'x', which exists already"),
            (
                "Tanh x h; Gemm h V tall y",
                r"\(Gemm\): adds a bias of shape \(2, 2\) to a product of shape \(1, 2\)",
            ),
            (
                "Tanh x h; Gemm h stack y",
                r"\(Gemm\): multiplies tensors of 2 and 3 axes, it takes matrices",
            ),
            ("Neg x y", "has no hidden neurons"),
            ("Tanh x y", "has no hidden neurons"),
            ("Neg c y", "output 'y' does not depend on the inputs"),
        ],
    )
    def test_refused(self, tmp_path: Path, nodes: str, message: str) -> None:
        constants = {"c": [1.0, 2.0], "zero": 0.0, "five": 5.0, "nan": [[np.nan], [1.0]], "inf": np.inf}
        constants |= {
            "wide": np.ones((3, 1)),
            "V": np.eye(2),
            "W": np.ones((2, 2)),
            "tall": np.ones((2, 2)),
            "stack": np.ones((1, 2, 2)),
            "seven": np.array([7]),
        }
        refused(tmp_path, ".onnx", self.graph(nodes, **constants).SerializeToString(), message)

    def test_node_names_are_used(self, tmp_path: Path) -> None:
        proto = self.graph("Sin x h; Relu h y")
        proto.graph.node[0].name = "sin1"
        data = proto.SerializeToString()
        refused(tmp_path, ".onnx", data, r"bad\.onnx: node 'sin1' \(Sin\): is not supported")

    def test_nodes_that_wait_for_one_another(self, tmp_path: Path) -> None:
        data = self.graph("Tanh x h; Add h b a; Neg a b; Neg b y").SerializeToString()
        refused(tmp_path, ".onnx", data, r"node with output 'a' \(Add\): depends on what it makes itself")

    def test_an_output_twice(self, tmp_path: Path) -> None:
        proto = self.graph("Tanh x h; Neg h y")
        proto.graph.output.append(proto.graph.output[0])
        refused(tmp_path, ".onnx", proto.SerializeToString(), "holds the output 'y' twice")

    def test_an_output_of_no_type(self, tmp_path: Path) -> None:
        proto = self.graph("Tanh x h; Neg h y")
        proto.graph.output[0].type.tensor_type.elem_type = 99
        refused(tmp_path, ".onnx", proto.SerializeToString(), "output 'y' is of type type 99, supported are real")

    def test_unused_branches_do_not_matter(self, tmp_path: Path) -> None:
        (tmp_path / "dead.onnx").write_bytes(self.graph("Erf x g; Tanh x h; Neg h y").SerializeToString())
        assert len(read(tmp_path / "dead.onnx").activations) == 1

    def test_other_domains(self, tmp_path: Path) -> None:
        proto = self.graph("Tanh x h; Gelu h y")
        proto.graph.node[1].domain = "com.example"
        refused(tmp_path, ".onnx", proto.SerializeToString(), r"\(Gelu\): is of the domain 'com.example'")

    def test_training_mode(self, tmp_path: Path) -> None:
        proto = self.graph("Tanh x h; BatchNormalization:training_mode=1 h c c c c y", c=[1.0, 2.0])
        refused(tmp_path, ".onnx", proto.SerializeToString(), "is in training mode")

    @pytest.mark.parametrize(
        ("shape", "message"),
        [
            (["N", "M"], r"input 'x' has shape \['N', 'M'\], where only a leading batch axis"),
            (["N"], "where only a leading batch axis may be unknown"),
            (None, "input 'x' has no declared shape"),
        ],
    )
    def test_unknown_sizes(self, tmp_path: Path, shape: Any, message: str) -> None:
        refused(tmp_path, ".onnx", self.graph("Tanh x h; Neg h y", shape=shape).SerializeToString(), message)

    def test_text_inputs(self, tmp_path: Path) -> None:
        proto = self.graph("Tanh x h; Neg h y")
        proto.graph.input[0].type.tensor_type.elem_type = 8
        refused(tmp_path, ".onnx", proto.SerializeToString(), "input 'x' is of type STRING, supported are real")

    def test_integer_arithmetic(self, tmp_path: Path) -> None:
        proto = self.graph("Div x two a; Cast:to=11 a b; Tanh b h; Neg h y", two=np.array([2]))
        proto.graph.input[0].type.tensor_type.elem_type = 7
        refused(tmp_path, ".onnx", proto.SerializeToString(), r"\(Div\): computes with integers")

    def test_convolution_of_another_shape(self, tmp_path: Path) -> None:
        for attribute, message in (
            ("kernel_shape=[2,2]", r"\(Conv\): has kernels of size \(3, 3\), but declares the kernel \(2, 2\)"),
            (
                "group=2",
                r"\(Conv\): has kernels \(1, 1, 3, 3\) in 2 groups on a tensor of shape \(1, 1, 4, 4\)",
            ),
            ("dilations=[2,2]", r"\(Conv\): a kernel that reaches over \(5, 5\) does not fit in an image of \(4, 4\)"),
        ):
            proto = self.graph(
                f"Conv:{attribute} x K h0; Relu h0 h; Neg h y", shape=[1, 1, 4, 4], K=np.ones((1, 1, 3, 3))
            )
            refused(tmp_path, ".onnx", proto.SerializeToString(), message)

    def test_convolution_too_large(self, tmp_path: Path) -> None:
        nodes, kernels = "Conv:pads=[5000,5000,5000,5000] x K h0; Relu h0 h; Neg h y", np.ones((8, 3, 3, 3))
        data = self.graph(nodes, shape=[1, 3, 256, 256], K=kernels).SerializeToString()
        refused(tmp_path, ".onnx", data, r"\(Conv\): makes a tensor of 841156128 entries, at most 67108864")

    @staticmethod
    def graph(nodes: str, shape: Any = (1, 2), **constants: Any) -> Any:
        """A graph from 'Op[:attribute=value] input ... output; ...' on an input x."""
        from onnx import helper
        from onnx_models import model

        parsed = []
        for text in nodes.split(";"):
            op, *inputs, output = text.split()
            op, *attributes = op.split(":")
            named = dict(item.split("=") for item in attributes)
            parsed.append(helper.make_node(op, inputs, [output], **{key: eval(value) for key, value in named.items()}))
        proto = model(parsed, {"x": shape or [1]}, constants)
        if shape is None:
            proto.graph.input[0].type.tensor_type.ClearField("shape")
        return proto


def refused(folder: Path, suffix: str, data: bytes, message: str) -> None:
    """Reading a file of these bytes raises UnsupportedModel, which names the file and matches."""
    path = folder / f"bad{suffix}"
    path.write_bytes(data)
    with pytest.raises(UnsupportedModel, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))


def _needs(suffix: str) -> None:
    if suffix == ".onnx":
        pytest.importorskip("onnx")
