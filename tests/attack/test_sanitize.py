# SPDX-License-Identifier: MIT
"""The sanitizers' command sees its planted faults, and notices a tool that does not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")]


def planted(folder, **changes):
    """Run the part that needs no build, in a copy of the command where text was changed."""
    (folder / "tests/attack").mkdir(parents=True)
    text = (HERE / "sanitize.sh").read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "tests/attack/sanitize.sh").write_text(text, encoding="utf-8")
    shutil.copy(HERE / "planted.cpp", folder / "tests/attack")
    command = ["bash", folder / "tests/attack/sanitize.sh", "planted"]
    environment = {**os.environ, "PYTHON": sys.executable}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=600)


def test_every_planted_fault_is_seen(tmp_path):
    ran = planted(tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.findall(r"(\d) of (\d) planted faults seen", ran.stdout) == [("6", "6"), ("2", "2")]


def test_a_tool_that_sees_nothing_is_noticed(tmp_path):
    ran = planted(tmp_path, **{"address,undefined": "address", "detect_leaks=1": "detect_leaks=0"})
    assert ran.returncode == 1
    unseen = set(re.findall(r"sanitize: (\w+ planted in a \w+) was not seen", ran.stderr))
    assert unseen == {f"{f} planted in a {w}" for f in ("signed_overflow", "leak") for w in ("program", "python")}


def test_wrong_usage_is_told():
    ran = subprocess.run(
        ["bash", HERE / "sanitize.sh", "memory"], capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "PYTHON": sys.executable},
    )  # fmt: skip
    assert (ran.returncode, "address|thread|all|planted" in ran.stderr) == (2, True)
