# SPDX-License-Identifier: MIT
"""The program of the page about C++ compiles against the installed library, and says what the page says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import withstand as ws

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=600).stdout


@pytest.mark.slow
def test_program(tmp_path):
    try:
        package = ws.get_cmake_dir()
    except FileNotFoundError:
        pytest.skip("needs the package as it is installed, with its library")
    text = (ROOT / "docs/cpp.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```cpp\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "main.cpp").write_text(program, encoding="utf-8")
    consumer = (ROOT / "cpp/tests/consumer/CMakeLists.txt").read_text(encoding="utf-8")
    (tmp_path / "CMakeLists.txt").write_text(consumer, encoding="utf-8")
    build = tmp_path / "build"
    run("cmake", "-S", str(tmp_path), "-B", str(build), "-DCMAKE_BUILD_TYPE=Release", f"-Dwithstand_DIR={package}")
    run("cmake", "--build", str(build))
    assert run(str(build / "consumer")) == "8 <= worst <= 8, bound 8\n"
