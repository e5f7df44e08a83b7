# SPDX-License-Identifier: MIT
"""The list of planted slips is not stale: each still has its place in the sources, and changes it."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

from planting.catchers import CPP_TESTS, TESTS, Caught, PythonTest  # noqa: E402
from planting.page import page  # noqa: E402
from slips import SLIPS  # noqa: E402
from slips.slip import Slip  # noqa: E402


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.name)
def test_every_slip_applies(slip):
    text = (ROOT / "cpp" / slip.file).read_text()
    assert slip.planted(text) != text
    assert slip.why


def test_slips_are_many_and_have_names_of_their_own():
    assert len([s for s in SLIPS if not s.equivalent]) >= 60
    assert max(Counter(s.name for s in SLIPS).values()) == 1


def test_a_stale_slip_is_refused():
    slip = Slip("stale", "src/failure/space.cpp", "no such text", "", "nothing")
    with pytest.raises(ValueError, match=r"stale: the text to replace occurs 0 times in src/\w+/space\.cpp, not once"):
        slip.planted("int main() {}")
    with pytest.raises(ValueError, match="occurs 2 times"):
        slip.planted("no such text, no such text")


def test_every_catcher_has_its_file():
    python = [PythonTest(name).file for names in TESTS.values() for name in names]
    cpp = [f"cpp/tests/{name}.cpp" for names in CPP_TESTS.values() for name in names]
    assert [file for file in python + cpp if not (ROOT / file).is_file()] == []


def test_a_survivor_is_shown():
    file = "src/failure/space.cpp"
    slips = [Slip("a", file, "x", "y", "first"), Slip("b", file, "x", "z", "second")]
    text = page(slips, {"a": Caught("campaign, bound: below the truth", 3.2), "b": Caught("", 90.0)})
    assert "**1 of 2 slips are caught**, 1 of them by the campaign, 0 by the tests." in text
    assert "- b: not looked into." in text
    assert "| b | `failure/space.cpp` | second | **nothing** | 90 |" in text
