# SPDX-License-Identifier: MIT
"""The two pipelines of examples/: a release is let through by a proof, and by nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import withstand as ws

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def ran(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=600)


def gate(folder: Path, *options: object) -> subprocess.CompletedProcess[str]:
    return ran(sys.executable, EXAMPLES / "pipeline_python/gate.py", folder, *options)


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    pytest.importorskip("sklearn")
    folder = tmp_path_factory.mktemp("release")
    done = ran(sys.executable, EXAMPLES / "pipeline_python/export.py", folder)
    assert done.returncode == 0, done.stderr
    net, inputs = ws.load(folder / "model.npz"), np.load(folder / "inputs.npy")
    assert net.widths == (64, 32, 10) and inputs.shape == (4, 64)
    return folder, ws.enumerate_failures(net, ws.Crash(1), inputs).worst


def test_a_proof_that_is_confirmed_releases(release):
    folder, worst = release
    done = gate(folder, "--crash", 1, "--epsilon", worst * 1.001)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "checked: confirmed" in done.stdout and done.stdout.endswith("released\n")


def test_a_witness_refuses(release):
    folder, worst = release
    done = gate(folder, "--crash", 1, "--epsilon", worst * 0.999)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "refused")


@pytest.mark.parametrize("change", ["model", "inputs", "proof", "failures"])
def test_a_proof_of_something_else_does_not_release(release, tmp_path, change):
    folder, worst = release
    assert gate(folder, "--epsilon", worst * 1.001).returncode == 0
    for name in ("model.npz", "inputs.npy", "proof.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    if change == "model":
        net = ws.load(folder / "model.npz")
        ws.Network([net.weights[0], 1.5 * net.weights[1]], net.biases).save(tmp_path / "model.npz")
    elif change == "inputs":
        np.save(tmp_path / "inputs.npy", np.load(folder / "inputs.npy") * 0.5)
    elif change == "proof":
        proof = json.loads((folder / "proof.json").read_text())
        proof["upper"] = proof["lower"] = 0.0
        (tmp_path / "proof.json").write_text(json.dumps(proof))
    done = gate(tmp_path, "--crash", 2 if change == "failures" else 1, "--epsilon", worst * 1.001, "--check")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "confirmed" not in done.stdout


def as_its_page_says(pipeline: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the commands of a pipeline's README, one after the other, in a folder that has examples/ and nothing else."""
    (folder / "examples").symlink_to(EXAMPLES)
    (commands,) = re.findall(r"^```sh\n(.*?)^```", (EXAMPLES / pipeline / "README.md").read_text(), re.M | re.DOTALL)
    here = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    words = ["bash", "-e", "-c", commands]
    return subprocess.run(words, cwd=folder, env=here, capture_output=True, text=True, check=False, timeout=600)


def test_the_page_of_the_pipeline_in_python(tmp_path):
    pytest.importorskip("sklearn")
    done = as_its_page_says("pipeline_python", tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "released"), done.stdout + done.stderr


@pytest.mark.slow
def test_the_page_of_the_pipeline_in_cpp(program, tmp_path):
    done = as_its_page_says("pipeline_cpp", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("released: ")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    try:
        package = ws.get_cmake_dir()
    except FileNotFoundError:
        pytest.skip("needs the package as it is installed, with its library")
    build = tmp_path_factory.mktemp("gate")
    where = ("-S", EXAMPLES / "pipeline_cpp", "-B", build, f"-Dwithstand_DIR={package}")
    done = ran("cmake", *where, "-DCMAKE_BUILD_TYPE=Release")
    assert done.returncode == 0, done.stderr
    done = ran("cmake", "--build", build)
    assert done.returncode == 0, done.stdout
    for model in ("digits_small", "digits"):
        files = (build / f"{model}.txt", build / f"{model}_inputs.txt")
        assert ran(sys.executable, EXAMPLES / "pipeline_cpp/export.py", model, *files).returncode == 0
    return build


def asked(program: Path, model: str, *words: object) -> subprocess.CompletedProcess[str]:
    return ran(program / "release_gate", program / f"{model}.txt", program / f"{model}_inputs.txt", *words)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "crashes"), [("digits_small", 1), ("digits_small", 2), ("digits", 2)])
def test_the_program_decides_as_python_does(program, model, crashes):
    net, inputs, _ = ws.embedded(model)
    worst = ws.worst_case(net, ws.Crash(crashes), inputs[:16])
    assert worst.exact
    for epsilon, code, word in ((worst.upper * 1.0001, 0, "released"), (worst.lower * 0.9999, 1, "refused")):
        done = asked(program, model, crashes, epsilon)
        assert (done.returncode, done.stdout.split(":")[0]) == (code, word), done.stdout + done.stderr
    loose = ws.bound(net, ws.Crash(crashes), inputs[:16]).value * 1.001
    assert asked(program, model, crashes, loose).stdout.startswith("released: bound")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "message"),
    [((), 2, "usage"), (("-1", 1), 2, "CRASHES must be a whole number"), ((1, "x"), 2, "must be a number, got x"),
     ((1, -1), 2, "epsilon must be at least 0"), (("nan", 1), 2, "CRASHES"), ((33333, 1), 2, "33333")],
)  # fmt: skip
def test_the_program_refuses_wrong_words(program, words, code, message):
    done = asked(program, "digits_small", *words)
    assert (done.returncode, message in done.stderr) == (code, True), done.stderr


@pytest.mark.slow
def test_the_program_refuses_broken_files(program, tmp_path):
    whole = (program / "digits_small.txt").read_text().split()
    inputs = program / "digits_small_inputs.txt"
    for text, message in (
        (" ".join(whole[:-1]), f"word {len(whole)} must be a bias, got the end of the file"),
        (" ".join([*whole[:2], "-3", *whole[3:]]), "word 3 must be a number of rows"),
        (" ".join([*whole[:4], "one", *whole[5:]]), "word 5 must be a number, got one"),
    ):
        (tmp_path / "broken.txt").write_text(text)
        done = ran(program / "release_gate", tmp_path / "broken.txt", inputs, 1, 1)
        assert (done.returncode, message in done.stderr) == (4, True), done.stderr
    done = ran(program / "release_gate", tmp_path / f"missing{os.extsep}txt", inputs, 1, 1)
    assert (done.returncode, "cannot be read" in done.stderr) == (4, True)
