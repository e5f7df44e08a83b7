# SPDX-License-Identifier: MIT
"""The stub of the compiled core says what the core is: it is generated, and mypy agrees with it."""

from __future__ import annotations

import enum
import os
import subprocess
import sys
from pathlib import Path
from types import WrapperDescriptorType

import pytest
from withstand import _core

pytest.importorskip("pybind11_stubgen")
pytest.importorskip("mypy")

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "python" / "bindings"))

import stub  # noqa: E402

pytestmark = pytest.mark.slow

#: Slips in a stub: a name that the module lacks, one of the module's that the stub lacks, and a type.
RENAMED = ("def default_threads() -> int:", "def default_thread() -> int:")
RETYPED = ("def default_threads() -> int:", "def default_threads() -> str:")


def planted(slip):
    text, (right, wrong) = stub.STUB.read_text(), slip
    assert text.count(right) == 1
    return text.replace(right, wrong)


def mypy(folder, text, *command):
    """Run a command of mypy where `withstand._core` has this stub, and `withstand` nothing else."""
    package = folder / "stubs" / "withstand"
    package.mkdir(parents=True)
    (package / "__init__.pyi").touch()
    (package / "_core.pyi").write_text(text)
    environment = {**os.environ, "MYPYPATH": str(package.parent)}
    done = subprocess.run([sys.executable, "-m", *command], env=environment, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def stubtest(folder, text):
    """What stubtest says beyond what pybind11 does to every module: its classes have a metaclass of its own, and where
    there is nothing to construct, an `__init__` that raises; its enumerations are Python's, with an attribute more."""
    types = {name: of for name, of in vars(_core).items() if isinstance(of, type)}
    classes = {name: of for name, of in types.items() if not issubclass(of, enum.Enum)}
    fine = {f"withstand._core.{name} is inconsistent, metaclass differs" for name in classes}
    listed = types.keys() - classes.keys()
    fine |= {f"withstand._core.{name}.__pybind11_native_enum__ is not present in stub" for name in listed}
    fine |= {
        f'withstand._core.{name}.__init__ is inconsistent, stub does not have *args parameter "args"'
        for name, of in classes.items()
        if isinstance(of.__init__, WrapperDescriptorType)
    }
    _, said = mypy(folder, text, "mypy.stubtest", "withstand._core", "--concise")
    lines = said.splitlines()
    assert fine <= set(lines), said
    return [line for line in lines if line not in fine]


def test_the_stub_is_what_the_module_says():
    text = stub.STUB.read_text()
    assert stub.difference(text) == "", "run python python/bindings/stub.py"
    assert stub.generated() == text


def test_stubtest_reports_nothing(tmp_path):
    assert stubtest(tmp_path, stub.STUB.read_text()) == []


def test_a_wrong_name_is_seen_by_both(tmp_path):
    text = planted(RENAMED)
    assert "+def default_threads() -> int:" in stub.difference(text)
    assert stubtest(tmp_path, text) == [
        "withstand._core.default_thread is not present at runtime",
        "withstand._core.default_threads is not present in stub",
    ]


def test_a_wrong_type_is_seen():
    assert stub.difference(planted(RETYPED)).splitlines()[-2:] == [f"-{RETYPED[1]}", f"+{RETYPED[0]}"]


def test_mypy_checks_across_the_boundary(tmp_path):
    calls = tmp_path / "calls.py"
    calls.write_text(
        "from withstand import _core\n"
        "right: float = _core.Activation('relu', 1.0, 0.0).gain\n"
        "_core.Activation('relu', 1.0, 0.0).gains\n"
        "_core.Activation('relu', '1', 0.0)\n"
        "_core.Site(1)\n"
        "wrong: str = _core.default_threads()\n"
    )
    code, said = mypy(tmp_path, stub.STUB.read_text(), "mypy", "--strict", "--cache-dir", os.devnull, calls.name)
    assert code == 1
    assert [line.split(":")[1] for line in said.splitlines() if ": error:" in line] == ["3", "4", "5", "6"], said
