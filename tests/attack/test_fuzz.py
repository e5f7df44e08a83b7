# SPDX-License-Identifier: MIT
"""A short run of each fuzzing command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def test_own_parsers() -> None:
    finished("fuzz_loaders", "--executions", "600", "--seed", "11")


@pytest.mark.skipif(sys.platform == "win32", reason="children are forked")
def test_onnx() -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    finished("fuzz_onnx", "--executions", "600", "--seed", "12")


@pytest.mark.skipif(sys.platform == "win32", reason="children are forked")
def test_keras() -> None:
    for package in ("torch", "keras", "h5py"):
        pytest.importorskip(package)
    finished("fuzz_keras", "--executions", "60", "--seed", "13")


def finished(name: str, *options: str) -> None:
    command = [sys.executable, str(HERE / f"{name}.py"), *options]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.startswith(f"{name}: {options[1]} executions in ")
    assert result.stdout.rstrip().endswith("; 0 violations")
    assert "loaded" in result.stdout or "agrees with" in result.stdout
