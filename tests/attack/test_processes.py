# SPDX-License-Identifier: MIT
"""The scenarios of processes and threads, and small calls, in little."""

from __future__ import annotations

import pytest
from processes import attempt, check, many_callers, many_threads, run, scenarios, small_calls


@pytest.mark.slow
@pytest.mark.parametrize("number", range(7), ids=lambda n: scenarios(1)[n][0])
def test_processes(number):
    assert attempt(number, 1) is None


def test_64_threads_and_64_callers():
    truth = run(1)
    many_threads(truth)
    many_callers(truth)
    with pytest.raises(ValueError, match="other bits"):
        check("another truth")


@pytest.mark.limits_memory
def test_small_calls():
    small_calls(None, 2000)


@pytest.mark.slow
def test_without_further_threads():
    numbers = [n for n, (name, _) in enumerate(scenarios(1)) if name == "no further thread"]
    if not numbers:
        pytest.skip("only root may give a process a user of its own")
    assert attempt(numbers[0], 1) is None
