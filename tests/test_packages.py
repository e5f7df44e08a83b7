# SPDX-License-Identifier: MIT
"""The package's parts import one another in one direction, and the short module paths lead where the modules are."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest
import withstand as ws

PATHS = (
    "activations", "bounds", "build_info", "certificate", "checkpoint", "config", "convolution", "criticality", "curve",
    "domain", "embedded", "enumeration", "failures", "frontier", "hardening", "importers", "latency", "moments",
    "network", "precision", "probability", "progress", "quantise", "quorum", "reliability", "replicas", "report",
    "results", "scalars", "search", "sharding", "spec", "tolerance", "witness",
)  # fmt: skip


@pytest.mark.parametrize("name", PATHS)
def test_short_module_paths_stay(name):
    program = f"import pickle, withstand.{name}; print(type(withstand.{name}).__name__)"
    kind = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert kind in ("module", "function")
    assert (kind == "function") == (name in ws.__all__)


def test_pickles_that_name_short_paths_or_plain_terms_are_read():
    stored = b"\x80\x04cwithstand.spec\nArgmax\n)\x81."
    assert pickle.loads(stored) == ws.Argmax()
    moved = pickle.dumps(ws.Crash((2, 1)), protocol=0).replace(b"withstand.model.failures", b"withstand.failures")
    assert b"withstand.failures" in moved
    assert pickle.loads(moved) == ws.Crash((2, 1))
    assert b"term" not in pickle.dumps(ws.Crash(1) + ws.StuckAt(1, value=0.5))
