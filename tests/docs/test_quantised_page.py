# SPDX-License-Identifier: MIT
"""The page about quantised files, which needs ONNX Runtime, prints what it says."""

from __future__ import annotations

import doctest
import logging
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "quantised.md"


@pytest.mark.filterwarnings("ignore")
def test_page() -> None:
    pytest.importorskip("onnxruntime")
    text = PAGE.read_text(encoding="utf-8").replace("```", "")
    page = doctest.DocTestParser().get_doctest(text, {}, "quantised", str(PAGE), 0)
    try:
        assert page.examples
        runner = doctest.DocTestRunner(optionflags=doctest.REPORT_ONLY_FIRST_FAILURE)
        assert runner.run(page, clear_globs=False).failed == 0
        _commands(page.globs["path"], page.globs["rows"])
    finally:
        logging.disable(logging.NOTSET)


def _commands(path: Path, rows: np.ndarray) -> None:
    """Run what the page gives for the shell, beside the file that it has made."""
    np.save(path.parent / "rows.npy", rows)
    commands = re.findall(r"^withstand [a-z].*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(commands) >= 4
    code = "from _withstand_command.entry import main; main()"
    for command in commands:
        asked = [sys.executable, "-c", code, *shlex.split(command)[1:]]
        ran = subprocess.run(asked, cwd=path.parent, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"
