# SPDX-License-Identifier: MIT
"""Progress is shown where it is asked for, and stops nothing where nobody can see it."""

from __future__ import annotations

import inspect
import io
import sys
import tempfile
from itertools import product

import pytest
import withstand as ws
from arguments_table import NET, X


class Closed(io.StringIO):
    def __init__(self):
        super().__init__()
        self.close()


class Full(io.StringIO):
    def write(self, text):
        raise OSError(28, "No space left on device")


SHOWN = {
    "worst_case": lambda: ws.worst_case(NET, ws.Crash(1), X, progress=True),
    "enumerate_failures": lambda: ws.enumerate_failures(NET, ws.Crash(2), X, progress=True),
    "certified_accuracy": lambda: ws.certified_accuracy(NET, X, [0, 1], ws.Crash(1), progress=True),
    "campaign": lambda: ws.campaign(NET, X, [0, 1], ws.Crash(1), trials=3, progress=True),
    "tolerance": lambda: ws.tolerance(NET, 0.5, X, progress=True),
    "harden": lambda: ws.harden(NET, 1, 0.5, X, progress=True),
    "reliability": lambda: ws.reliability(NET, 0.1, 0.5, X, progress=True),
    "criticality": lambda: ws.criticality(NET, X, progress=True),
    "quorum": lambda: ws.quorum(NET, 0.5, X, runs=9, progress=True),
    "replicas_needed": lambda: ws.replicas_needed(NET, ws.Crash((1,)), 0.01, X, progress=True),
    "report": lambda: ws.report(NET, X, epsilon=0.5, most=1, samples=2, progress=True),
    "check_certificate": lambda: checked(ws.WeightCrash(1)),
}


def checked(failures, progress=False):
    """Write a certificate and check it."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/proof.json"
        ws.worst_case(NET, failures, X, certificate=path, progress=progress)
        assert ws.check_certificate(path, NET, progress=True).valid


@pytest.mark.parametrize(("ask", "stream"), list(product(SHOWN, (lambda: None, Closed, Full))))
def test_progress_that_nobody_can_see_stops_nothing(ask, stream, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream())
    SHOWN[ask]()


def test_every_function_that_shows_progress_is_among_them():
    public = [getattr(ws, name) for name in ws.__all__ if inspect.isfunction(getattr(ws, name))]
    assert {f.__name__ for f in public if "progress" in inspect.signature(f).parameters} == set(SHOWN)


@pytest.mark.parametrize("ask", SHOWN)
def test_progress_is_shown(ask, capsys):
    SHOWN[ask]()
    assert capsys.readouterr().err or ask in ("worst_case", "harden")  # shown by the clock: a fast search shows none


def test_a_search_for_a_certificate_says_what_it_does(monkeypatch, capsys):
    """The second search and the check of what it leaves are no steps of the first."""
    monkeypatch.setattr("withstand._progress.INTERVAL", 0.0)
    net, rows, _ = ws.embedded("digits_small")
    with tempfile.TemporaryDirectory() as folder:
        ws.worst_case(net, ws.Crash(3), rows[:4], certificate=f"{folder}/proof.json", progress=True)
    said = capsys.readouterr().err
    assert "checking a proof: 0 of " in said
