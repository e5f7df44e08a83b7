# SPDX-License-Identifier: MIT
"""The table of bound methods: what each takes, covers and rests on."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import withstand as ws
from withstand import _core
from withstand.uses.quorum import PER_RECEIVER


@pytest.mark.parametrize("facts", _core.methods(), ids=lambda facts: facts.name)
def test_the_table_says_what_a_method_takes_and_covers(facts):
    net = ws.Network([np.ones((3, 1)), [[1.0, -1.0, 0.5]]], activation="clip")
    crash, apart = ws.Crash((1,), exactly=True), ws.Byzantine(1, capacity=2.0, equivocal=True)

    def covers(failures, domain):
        try:
            return ws.bound(net, failures, domain, method=facts.name).covers
        except ValueError as error:
            assert str(error).startswith(f"{facts.name}: ")
            return None

    assert covers(crash, [0.25]) == ("exactly" if facts.exactly else "at most")
    assert (covers(crash, None) is None) == facts.needs_domain
    assert (covers(apart, [0.25]) is None) == (not facts.equivocal)
    assert (covers(ws.SynapseCrash(1), [0.25]) is None) == (not facts.synapses)
    assert ws.bound(net, crash, [0.25], method=facts.name).reference == facts.reference


def test_the_theory_has_a_section_of_every_method():
    theory = Path(__file__).parents[2] / "docs" / "theory.md"
    if not theory.is_file():
        pytest.skip("needs the documents")
    sections = dict(re.findall(r"^### ([0-9.]+) (.*)$", theory.read_text(), re.M))
    for facts in _core.methods():
        assert f'"{facts.name}"' in sections[facts.theory]


def test_quorums_use_methods_that_select_per_receiver():
    assert set(PER_RECEIVER) <= {facts.name for facts in _core.methods() if facts.equivocal}
