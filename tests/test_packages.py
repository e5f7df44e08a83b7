# SPDX-License-Identifier: MIT
"""The package's parts import one another in one direction, and the short module paths lead where the modules are."""

from __future__ import annotations

import ast
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import withstand as ws

HOME = Path(ws.__file__).parent
MAY_IMPORT = {
    "model": (),
    "certificate": ("model",),
    "importers": ("model",),
    "questions": ("model", "certificate", "importers"),
    "uses": ("model", "certificate", "importers", "questions"),
    "report": ("model", "certificate", "importers", "questions", "uses"),
}
#: An .npz file is the importers'.
KNOWN = {("model/network.py", "importers")}
PATHS = (
    "activations", "bounds", "build_info", "certificate", "checkpoint", "config", "convolution", "criticality", "curve",
    "domain", "embedded", "enumeration", "failures", "frontier", "hardening", "importers", "latency", "moments",
    "network", "precision", "probability", "progress", "quantise", "quorum", "reliability", "replicas", "report",
    "results", "scalars", "search", "sharding", "spec", "tolerance", "witness",
)  # fmt: skip


def imported(file: Path) -> set[str]:
    """Return the parts of the package that a file imports, at its top or later."""
    nodes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
    names = [f"{node.module}.{alias.name}" for node in nodes for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("withstand.")}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_one_way(package):
    allowed = {package, *MAY_IMPORT[package]}
    found = {(str(file.relative_to(HOME)), part) for file in sorted((HOME / package).glob("*.py"))
             for part in imported(file) if part != "_core" and not (HOME / f"{part}.py").exists()}  # fmt: skip
    assert found
    assert {(file, part) for file, part in found if part not in allowed} <= KNOWN


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
