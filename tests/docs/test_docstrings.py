# SPDX-License-Identifier: MIT
"""The examples in docstrings print what they say: those of every module, also where nobody lists it."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

PYTHON = Path(__file__).resolve().parents[2] / "python"
#: What an example needs beside the tests' own requirements.
EXTRAS = {"torch", "keras", "h5py", "tflite"}
FILES = [path for path in sorted(PYTHON.rglob("*.py")) if ">>>" in path.read_text(encoding="utf-8")]
MODULES = [".".join(path.relative_to(PYTHON).with_suffix("").parts).removesuffix(".__init__") for path in FILES]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        if (error.name or "").split(".")[0] not in EXTRAS:
            raise
        pytest.skip(f"needs {error.name}")
    if name == "withstand.build_info" and not (Path(module.__file__).parent / "include").exists():
        pytest.skip("needs the package as it is installed, with its headers")
    assert doctest.testmod(module).failed == 0


def test_modules_are_found():
    assert len(MODULES) > 20
    assert {"withstand.importers", "withstand.uses.tolerance", "withstand.plot"} <= set(MODULES)
