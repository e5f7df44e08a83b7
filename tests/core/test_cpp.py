# SPDX-License-Identifier: MIT
"""The C++ tests: configured, built and run by CTest."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_cpp_tests_pass(tmp_path):
    eigen = importlib.metadata.distribution("cmeel-eigen").locate_file("cmeel.prefix")
    for command in (
        ["cmake", "-S", ROOT, "-B", tmp_path, "-G", "Ninja", "-DWITHSTAND_TESTS=ON", "-DWITHSTAND_WERROR=ON",
         f"-DCMAKE_PREFIX_PATH={eigen}", f"-DPython_EXECUTABLE={sys.executable}"],
        ["cmake", "--build", tmp_path],
        ["ctest", "--test-dir", tmp_path, "--output-on-failure", "--no-tests=error"],
    ):  # fmt: skip
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)
        assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-5000:]
