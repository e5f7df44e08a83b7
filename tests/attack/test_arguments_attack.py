# SPDX-License-Identifier: MIT
"""A short run of the command `arguments.py`, and that it sees what is wrong."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import withstand as ws

spec = importlib.util.spec_from_file_location("attack_arguments", Path(__file__).with_name("arguments.py"))
arguments = importlib.util.module_from_spec(spec)
spec.loader.exec_module(arguments)


def test_a_short_run_finds_nothing():
    assert arguments.main(400, seed=1) == 0


def test_a_foreign_exception_is_found(monkeypatch):
    def careless(net):
        return net.nothing

    monkeypatch.setattr(arguments, "TABLE", [(careless, (ws.Crash(1),), {"net": [1]})])
    assert arguments.main(5, seed=1) == 5
