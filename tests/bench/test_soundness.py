# SPDX-License-Identifier: MIT
"""The soundness campaign of bench/, in small: no violation, and every wrong bound is caught."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import soundness


def test_no_bound_is_exceeded():
    ran, found = soundness.campaign(150, seed=1)
    assert ran == 150
    assert found == []


@pytest.mark.parametrize("mutant", [name for name in soundness.MUTANTS if name != "none"])
def test_a_wrong_bound_is_caught(mutant):
    _, found = soundness.campaign(1500, seed=2, mutant=mutant, stop=1)
    assert found
