# SPDX-License-Identifier: MIT
"""A few interruptions of every command of the campaign, and what it would call wrong."""

from __future__ import annotations

import pytest

pytest.importorskip("click")
import cli_signals


@pytest.mark.slow
def test_interruptions(sigint):
    kinds, delays, _ = cli_signals.campaign(15, seed=1, workers=1)
    assert not [kind for kind in kinds if kind.startswith("wrong")]
    assert sum(kinds.values()) == 15
    assert delays


@pytest.mark.parametrize(
    ("code", "answer", "said"),
    [(1, "", "Traceback"), (-2, "", ""), (130, "", ""), (130, "", 2 * "interrupted\n"), (0, "", ""), (3, "x", "")],
)
def test_what_is_wrong(code, answer, said):
    assert cli_signals.judge("inspect", cli_signals.End(code, answer, said, True, 0.0), 0).startswith("wrong")
