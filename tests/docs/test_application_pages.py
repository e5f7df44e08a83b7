# SPDX-License-Identifier: MIT
"""What the pages about the applications print is what they say."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = (
    "accuracy", "bit_flips", "certificates", "criticality", "precision",
    "quorum", "reliability", "replicate", "report", "tolerance",
)  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_page(name):
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8").replace("```", "")
    page = doctest.DocTestParser().get_doctest(text, {}, name, str(DOCS / f"{name}.md"), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.REPORT_ONLY_FIRST_FAILURE)
    assert page.examples
    assert runner.run(page).failed == 0
