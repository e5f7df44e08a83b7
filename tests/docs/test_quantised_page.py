# SPDX-License-Identifier: MIT
"""The page about quantised files, which needs ONNX Runtime, prints what it says."""

from __future__ import annotations

import doctest
import logging
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "quantised.md"


@pytest.mark.filterwarnings("ignore")
def test_page() -> None:
    pytest.importorskip("onnxruntime")
    text = PAGE.read_text(encoding="utf-8").replace("```", "")
    page = doctest.DocTestParser().get_doctest(text, {}, "quantised", str(PAGE), 0)
    try:
        assert page.examples
        assert doctest.DocTestRunner(optionflags=doctest.REPORT_ONLY_FIRST_FAILURE).run(page).failed == 0
    finally:
        logging.disable(logging.NOTSET)
