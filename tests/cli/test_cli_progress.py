# SPDX-License-Identifier: MIT
"""Every command that may take long says how far it is, to terminals alone."""

from __future__ import annotations

import inspect

import pytest
import withstand as ws

pytest.importorskip("click")
from click.testing import CliRunner
from withstand.cli import accuracies, applications, hardening, limits, reporting
from withstand.cli import app as first
from withstand.cli.commands import app

FEW = ("digits_small", "--rows", "0:2")
#: The function of the library that a command calls, and how it is asked.
CALLS = {
    "enumerate": ("enumerate_failures", (*FEW, "-k", "1")),
    "worst-case": ("worst_case", (*FEW, "-k", "1")),
    "tolerance": ("tolerance", (*FEW, "-e", "1")),
    "reliability": ("reliability", (*FEW, "-p", "0.01", "-e", "1")),
    "criticality": ("criticality", FEW),
    "quorum": ("quorum", (*FEW, "-e", "1")),
    "replicas": ("replicas_needed", (*FEW, "-k", "1", "-e", "1")),
    "harden": ("harden", (*FEW, "-k", "1", "-e", "1")),
    "accuracy": ("certified_accuracy", (*FEW, "-k", "1")),
    "campaign": ("campaign", (*FEW, "-k", "1")),
    "report": ("report", (*FEW, "-e", "1")),
    "check": ("check_certificate", (__file__, "digits_small")),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_for_terminals(name, terminal, monkeypatch):
    asked = {}

    def called(*arguments, **options):
        asked.update(options)
        raise ValueError("enough")

    function, arguments = CALLS[name]
    monkeypatch.setattr(ws, function, called)
    if terminal:
        for module in (accuracies, applications, first, hardening, limits, reporting):
            monkeypatch.setattr(module, "watched", lambda: True)
    assert "enough" in CliRunner().invoke(app, [name, *arguments]).output
    assert asked["progress"] is terminal


def test_every_function_that_shows_progress_is_among_them():
    public = [getattr(ws, name) for name in ws.__all__ if inspect.isfunction(getattr(ws, name))]
    shows = {f.__name__ for f in public if "progress" in inspect.signature(f).parameters}
    assert shows == {function for function, _ in CALLS.values()}
