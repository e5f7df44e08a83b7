# SPDX-License-Identifier: MIT
"""The campaign of bench/ for the exact worst case, in small: no violation, and every wrong search is caught."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import search_campaign


def test_nothing_is_worse_than_the_worst_case():
    tally = search_campaign.campaign(100, seed=1)
    assert tally.networks == tally.intervals == 100
    assert tally.finite == 200
    assert tally.closed >= 50
    assert tally.violations == ()


@pytest.mark.parametrize("mutant", [name for name in search_campaign.MUTANTS if name != "none"])
def test_a_wrong_search_is_caught(mutant):
    assert search_campaign.campaign(1000, seed=2, mutant=mutant, stop=1).violations
