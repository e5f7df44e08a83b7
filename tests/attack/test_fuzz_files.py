# SPDX-License-Identifier: MIT
"""A little of the campaign of mutated files, and that it would notice a false answer."""

from __future__ import annotations

import dataclasses
import random

import pytest
import withstand as ws
from fuzz_files import CAMPAIGNS, Certificates, Checkpoints, part


@pytest.mark.parametrize("kind", CAMPAIGNS)
def test_mutated_files(kind):
    assert CAMPAIGNS[kind](300, 0, 1) == []


@pytest.mark.parametrize("kind", [Certificates, Checkpoints])
def test_some_are_rejected_and_some_accepted(kind, tmp_path, monkeypatch):
    """A campaign whose mutations are all of one sort would show nothing."""
    monkeypatch.setattr("fuzz_files.LIMITS", {})
    target, rng = kind(tmp_path), random.Random(0)
    for _ in range(300):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("warnings.warn", lambda *args, **options: None)
            assert target.attempt(rng) is None
    assert 100 < target.rejected < 299


def test_a_false_confirmation_is_noticed(monkeypatch):
    real = ws.check_certificate

    def lenient(*args, **options):
        found = real(*args, **options)
        return dataclasses.replace(found, valid=True, upper=found.upper * 0.9)

    monkeypatch.setattr(ws, "check_certificate", lenient)
    assert part(Certificates, 30, "0")


@pytest.mark.limits_memory
def test_a_wrong_result_is_noticed(monkeypatch):
    monkeypatch.setattr("fuzz_files.numbers", lambda found: object())
    assert part(Checkpoints, 5, "0")


def test_a_foreign_exception_is_noticed(monkeypatch):
    def foreign(*args, **options):
        raise KeyError("x")

    monkeypatch.setattr(ws, "check_certificate", foreign)
    assert part(Certificates, 3, "0")
