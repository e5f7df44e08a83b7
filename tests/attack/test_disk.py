# SPDX-License-Identifier: MIT
"""A little of the campaign of bad disks."""

from __future__ import annotations

import pytest
from disk import CAMPAIGNS


@pytest.mark.parametrize("kind", CAMPAIGNS)
def test_bad_disks(kind):
    assert CAMPAIGNS[kind](15, 0, 1) == []


def test_other_bits_are_noticed(monkeypatch):
    monkeypatch.setattr("disk.numbers", lambda found: object())
    assert CAMPAIGNS["gone"](2, 0, 1)
