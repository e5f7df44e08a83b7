# SPDX-License-Identifier: MIT
"""Every block of the README runs: Python with its output, commands with their exit code."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
COMMANDS = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]
#: Exit codes other than 0 that the README's commands are meant to give: 1 is "violated", 3 is "unknown".
EXPECTED = {"tolerance": 0, "report": 0, "harden": 0, "--epsilon": 1, "--argmax": 1}


def test_python_blocks_print_what_the_readme_says():
    source = "\n".join(text for kind, text in BLOCKS if kind == "python")
    test = doctest.DocTestParser().get_doctest(source, {}, "README", str(README), 0)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner = doctest.DocTestRunner(optionflags=flags)
    messages: list[str] = []
    runner.run(test, out=messages.append)
    assert runner.failures == 0, "".join(messages)
    assert runner.tries >= 8


@pytest.mark.parametrize("command", [c for c in COMMANDS if "withstand " in c and "cmake" not in c])
def test_commands_run(command):
    command = command.removeprefix('pip install ".[cli,onnx]" && ')  # the installation itself is the first test of all
    arguments = shlex.split(command, comments=True)
    assert arguments[0] == "withstand"
    code = "from _withstand_command.entry import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments[1:]], capture_output=True, text=True, check=False, timeout=300
    )
    expected = next((code for option, code in EXPECTED.items() if option in command), 0)
    assert result.returncode == expected, result.stdout + result.stderr
    assert result.stdout


def test_the_other_blocks_are_known():
    """A block of a new kind must get a test of its own."""
    assert {kind for kind, _ in BLOCKS} == {"text", "python", "sh", "cmake", "cpp"}  # the last two: test_cpp_page.py


def test_the_test_command_is_the_one_that_ci_runs():
    assert 'pip install ".[test]" && pytest -n 2' in COMMANDS
    assert "README.md" in (README.parent / ".ci/run").read_text(encoding="utf-8")
