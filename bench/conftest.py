# SPDX-License-Identifier: MIT
"""Every benchmark runs on one thread and records its machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # for `peers` and `machine`, in any import mode

import machine

machine.one_thread()  # before any test imports numpy


def pytest_benchmark_update_machine_info(config: object, machine_info: dict[str, Any]) -> None:
    """Add what a reader needs in order to compare two result files."""
    machine_info["withstand"] = machine.describe()


def pytest_benchmark_update_json(config: object, benchmarks: object, output_json: dict[str, Any]) -> None:
    """Leave out what only the owner of the machine knows: its name, and where the interpreter was built."""
    for field in ("node", "python_build", "release"):
        output_json["machine_info"].pop(field, None)
