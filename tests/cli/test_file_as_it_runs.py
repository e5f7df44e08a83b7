# SPDX-License-Identifier: MIT
"""Answers about `--noise file` beside what a runtime makes of the file, one flipped bit after the other."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("onnxruntime")

import onnx
import onnxruntime as runtime
import withstand as ws
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_static
from withstand.cli.commands import app

ROWS = 6


class Runs:
    """A small quantised file, its real network, and its runs with every bit of every stored weight flipped."""

    def __init__(self, folder) -> None:
        rng = np.random.default_rng(5)
        self.X = rng.normal(size=(ROWS, 4)).astype(np.float32)
        plain, self.path, self.inputs = folder / "plain.onnx", str(folder / "int8.onnx"), str(folder / "x.npy")
        np.save(self.inputs, self.X.astype(float))
        onnx.save(_dense(rng, (4, 5, 3)), plain)
        given = iter([{"x": row[None]} for row in self.X])
        reader = type("Reader", (), {"get_next": lambda self: next(given, None)})()
        quantize_static(plain, self.path, reader, activation_type=QuantType.QInt8, weight_type=QuantType.QInt8)
        self.net = ws.load(self.path)
        self.real = self.net.forward(self.X)
        self.flipped = self._all_flips()

    def _all_flips(self) -> np.ndarray:
        """Outputs of the runs, of shape (flips, inputs, outputs)."""
        model, found = onnx.load(self.path), []
        words = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        words = {name: w for name, w in words.items() if w.dtype == np.int8 and w.ndim == 2}
        for tensor in [t for t in model.graph.initializer if t.name in words]:
            model.graph.initializer.remove(tensor)
            model.graph.input.append(helper.make_tensor_value_info(tensor.name, TensorProto.INT8, tensor.dims))
        options = runtime.SessionOptions()
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = runtime.InferenceSession(model.SerializeToString(), options)
        for name, stored in words.items():
            for place in np.ndindex(stored.shape):
                for bit in range(8):
                    changed = stored.copy()
                    changed.view(np.uint8)[place] ^= 1 << bit
                    found.append(np.concatenate(
                        [session.run(None, {**words, name: changed, "x": row[None]})[0] for row in self.X]
                    ))  # fmt: skip
        assert len(found) == 8 * self.net.n_weights
        return np.array(found)


def _dense(rng: np.random.Generator, widths: tuple[int, ...]):
    nodes, stored, before = [], [], "x"
    for n, (into, out) in enumerate(zip(widths, widths[1:]), start=1):
        last = n == len(widths) - 1
        stored += [numpy_helper.from_array(rng.normal(size=(out, into)).astype(np.float32), f"w{n}"),
                   numpy_helper.from_array(rng.normal(size=out).astype(np.float32), f"b{n}")]  # fmt: skip
        nodes.append(helper.make_node("Gemm", [before, f"w{n}", f"b{n}"], ["y" if last else f"s{n}"], transB=1))
        before = f"y{n}"
        if not last:
            nodes.append(helper.make_node("Relu", [f"s{n}"], [before]))
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width])
            for name, width in (("x", widths[0]), ("y", widths[-1])))  # fmt: skip
    return helper.make_model(helper.make_graph(nodes, "dense", [x], [y], stored), ir_version=10,
                             opset_imports=[helper.make_opsetid("", 17)])  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Runs:
    return Runs(tmp_path_factory.mktemp("runs"))


def asked(runs: Runs, *more: str) -> tuple[int, dict]:
    ran = CliRunner().invoke(app, ["worst-case", runs.path, "-x", runs.inputs, "--weight-flip", "1", "--noise", "file",
                                   "--node-limit", "50", "--json", *more])  # fmt: skip
    return ran.exit_code, json.loads(ran.stdout)


def test_errors_of_the_runs_lie_below_the_upper_end_and_violate_what_they_exceed_alone(runs):
    """Of some input the network in real numbers does more than any run of the file: no budget between is violated."""
    between = 0
    for row in range(ROWS):
        worst = float(np.abs(runs.flipped[:, row] - runs.real[row]).max())
        _, told = asked(runs, "--rows", f"{row}:{row + 1}")
        assert told["lower"] is None and worst <= told["upper"]
        between += worst < told["witnessed"]
        for epsilon in (worst * (1 + 1e-6), (worst + told["witnessed"]) / 2, told["upper"]):
            code, said = asked(runs, "--rows", f"{row}:{row + 1}", "-e", f"{epsilon!r}")
            if epsilon >= worst:
                assert (code, said["verdict"]) in ((3, "unknown"), (0, "tolerated"))
                assert said["statement"]["verdict"] == said["verdict"]
        assert (code, said["verdict"]) == (0, "tolerated")
    assert between > 0


def test_decisions_that_no_run_changes_are_not_violated(runs):
    classes = runs.real.argmax(axis=1)
    for row in range(ROWS):
        code, told = asked(runs, "--rows", f"{row}:{row + 1}", "--argmax")
        lead = np.delete(runs.flipped[:, row], classes[row], axis=1).max(axis=1) - runs.flipped[:, row, classes[row]]
        assert lead.max() <= told["upper"]
        assert told["verdict"] == ("tolerated" if told["upper"] < 0 else "unknown")
        assert code == {"tolerated": 0, "unknown": 3}[told["verdict"]]


def test_the_answer_says_what_is_witnessed(runs):
    said = CliRunner().invoke(app, ["worst-case", runs.path, "-x", runs.inputs, "--rows", "0:1", "--weight-flip", "1",
                                    "--noise", "file", "--node-limit", "50"]).output  # fmt: skip
    assert "<= worst error" not in said and ": worst error <= " in said
    assert "witnessed is of the network in real numbers" in " ".join(said.split())
    assert "nothing was searched" in " ".join(said.split())
    _, told = asked(runs, "--rows", "0:1")
    assert (told["nodes"], told["status"]) == (0, "gap")
    assert told["statement"]["rigor"].startswith("no lower end is known; witnessed is")
    assert "lower is what" not in said and "; upper: no configuration" in told["statement"]["rigor"]


def test_a_number_of_noise_is_noise_of_any_sign_and_violates(runs):
    found = ws.worst_case(runs.net, ws.Noise(0.05) + ws.WeightFlip(1, format="int8"), runs.X[:1], node_limit=50)
    ran = CliRunner().invoke(app, ["worst-case", runs.path, "-x", runs.inputs, "--rows", "0:1", "--weight-flip", "1",
                                   "--noise", "0.05", "--node-limit", "50", "--json", "-e", "0"])  # fmt: skip
    told = json.loads(ran.stdout)
    assert (ran.exit_code, told["lower"], told["witnessed"]) == (1, found.lower, None)
