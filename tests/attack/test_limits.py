# SPDX-License-Identifier: MIT
"""The command that tries limits and interrupts: it runs, and it sees what it is there to see."""

from __future__ import annotations

import argparse
import dataclasses
import math
import subprocess
import sys
from pathlib import Path

import limits
import numpy as np
import pytest
import withstand as ws
from _problems import PROBLEMS

HERE = Path(__file__).parent
OPTIONS = argparse.Namespace(allow=1.0, answer=0.3, patience=60.0, seed=0)


def test_the_command_finds_a_small_problem_in_order():
    """Times are for the command itself: a loaded machine is no fault of the package."""
    command = [sys.executable, HERE / "limits.py", "--only", "small", "--limits", "0", "0.5", "--interrupts", "1"]
    ran = subprocess.run(
        [*command, "--allow", "60", "--answer", "60"], capture_output=True, text=True, check=False, timeout=300
    )
    assert "2 calls and 1 interrupts" in ran.stdout, ran.stdout + ran.stderr
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def small():
    problem = PROBLEMS["small"](0)
    return problem, limits.search(problem)


def test_a_right_interval_has_no_fault(small):
    problem, found = small
    assert limits.faults_of(problem, found.lower, found.upper, found.witness) == []


@pytest.mark.parametrize(
    ("forged", "fault"),
    [
        ({"input": np.zeros(3)}, "another input"),
        ({"failed": ((1, 0), (1, 1), (1, 2), (1, 3))}, "4 failures"),
        ({"values": {(1, 0): 0.5}}, "transmits what it may not"),
    ],
)
def test_a_forged_witness_is_seen(small, forged, fault):
    problem, found = small
    witness = dataclasses.replace(found.witness, **forged)
    assert any(fault in told for told in limits.faults_of(problem, found.lower, found.upper, witness))


def test_a_forged_interval_is_seen(small):
    problem, found = small
    assert "above upper" in limits.faults_of(problem, found.upper + 1, found.upper, found.witness)[0]
    assert "replays to" in limits.faults_of(problem, np.nextafter(found.lower, 0), found.upper, found.witness)[0]
    assert limits.faults_of(problem, 0.0, found.upper, None) == ["no witness"]
    exactly = dataclasses.replace(problem, allowed=(len(found.witness.failed) + 1, True, (0.0, 0.0)))
    assert "failures" in limits.faults_of(exactly, found.lower, found.upper, found.witness)[0]
    box = dataclasses.replace(problem, domain=ws.Box(np.full(3, 2.0), np.full(3, 3.0)))
    assert limits.faults_of(box, found.lower, found.upper, found.witness) == ["the witness lies outside the box"]


@pytest.mark.parametrize(
    ("found", "limit", "faults"),
    [
        ((1.4, "budget", 0.0, 1.0, []), 0.5, []),
        ((1.6, "budget", 0.0, 1.0, []), 0.5, ["late"]),
        ((10.9, "budget", 0.0, 1.0, []), 10.0, []),
        ((21.9, "budget", 0.0, 1.0, []), 20.0, []),
        ((22.1, "budget", 0.0, 1.0, []), 20.0, ["late"]),
        ((0.5, "budget", 0.0, 3.0, []), 0.5, ["signed is 1 less"]),
        ((0.1, "budget", 0.0, 3.0, []), 0.1, []),
        (TimeoutError("no answer"), 0.1, ["TimeoutError: no answer"]),
    ],
)
def test_a_broken_promise_is_seen(found, limit, faults):
    bounds = {"signed": (0.4, 2.0), "linear": (math.inf, math.inf)}
    assert limits.row_faults(found, limit, bounds, OPTIONS) == faults
    assert (faults or ["ok"])[0] in limits.row("small", limit, found, bounds, faults)


def test_a_worker_that_dies_is_seen(monkeypatch):
    monkeypatch.setitem(PROBLEMS, "small", lambda seed: sys.exit(3))
    with limits.worker("small", 0, limits.limited(0.0)) as (_, connection):
        assert isinstance(limits.answer(connection, 60.0), RuntimeError)


def test_an_interrupt_that_is_not_answered_is_seen(monkeypatch):
    monkeypatch.setattr(limits, "interruptible", lambda kind: lambda problem: limits.signal.pause())
    options = argparse.Namespace(**{**vars(OPTIONS), "patience": 0.2})
    took, how, faults = limits.interrupted("small", "bound", 0.0, options)
    assert took == math.inf, (how, faults)
