# SPDX-License-Identifier: MIT
"""A little of the campaign of kills, and that it would notice other bits."""

from __future__ import annotations

import pytest
from kill import CAMPAIGNS, History


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "kills"), [("here", 3), ("processes", 1)])
def test_kill_and_resume(kind, kills):
    assert CAMPAIGNS[kind](kills, 0, 1) == []


@pytest.mark.slow
def test_other_bits_are_noticed(tmp_path):
    assert any("other bits" in line for line in History("here", tmp_path / "run.db", "0", "another truth").run(1))
