# SPDX-License-Identifier: MIT
"""A problem whose enumeration is kept in a file, for tests that lay hands on the file."""

from __future__ import annotations

import withstand as ws
from runs import NET, X
from withstand.questions.sharding import Problem

FAILURES = ws.Crash(3)
WHOLE = ws.enumerate_failures(NET, FAILURES, X, epsilon=0.5)
OTHER = X + 1


def enumerate_to(path, inputs=X, **options):
    return ws.enumerate_failures(NET, FAILURES, inputs, epsilon=0.5, checkpoint=path, threads=1, **options)


def finished(folder):
    """Return a finished checkpoint."""
    path = folder / "run.db"
    enumerate_to(path)
    return path


def problem(inputs=X):
    """Return what the checkpoint is of, and what computes it."""
    asked = Problem.of(NET, FAILURES, inputs, 0.5, False, 10)
    return asked, asked.engine()
