# SPDX-License-Identifier: MIT
"""What the pages about the applications print is what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = (
    "accuracy", "bit_flips", "criticality", "precision", "quorum", "reliability", "replicate", "report", "tolerance"
)  # fmt: skip
MODULES = ("accuracy", "campaign", "criticality", "enumeration", "hardening", "latency", "moments",
           "precision", "probability", "quantise", "quorum", "reliability", "replicas", "tolerance", "curve",
           "report", "spec")  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_page(name):
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8").replace("```", "")
    page = doctest.DocTestParser().get_doctest(text, {}, name, str(DOCS / f"{name}.md"), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.REPORT_ONLY_FIRST_FAILURE)
    assert page.examples
    assert runner.run(page).failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_functions(name):
    module = importlib.import_module(f"withstand.{name}")
    found = doctest.testmod(module)
    assert found.failed == 0
