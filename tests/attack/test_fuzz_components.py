# SPDX-License-Identifier: MIT
"""A little of the campaign of mutated certificates of components, and that it would notice a false answer."""

from __future__ import annotations

import dataclasses
import random

import withstand as ws
from fuzz_components import CAMPAIGNS, ComponentCertificates
from fuzz_files import LIMITS, part


def test_mutated_files():
    assert CAMPAIGNS["components"](300, 0, 1) == []


def test_some_are_rejected_and_some_judged(tmp_path, monkeypatch):
    for kind, most in dict(LIMITS).items():
        monkeypatch.setitem(LIMITS, kind, most)  # what the campaign lowers comes back
    target, rng = ComponentCertificates(tmp_path), random.Random(0)
    for _ in range(300):
        assert target.attempt(rng) is None
    assert target.rejected > 100
    assert target.judged > 20


def test_a_false_confirmation_is_noticed(monkeypatch):
    real = ws.check_certificate

    def lenient(*args, **options):
        found = real(*args, **options)
        return dataclasses.replace(found, valid=True, upper=found.upper * 0.9) if found.valid else found

    monkeypatch.setattr(ws, "check_certificate", lenient)
    assert part(ComponentCertificates, 100, "0")
