# SPDX-License-Identifier: MIT
"""Write python/withstand/_core.pyi: the types of the compiled module, as the signatures of its bindings tell them.

    python python/bindings/stub.py     after every change of a binding, with the changed module built

mypy checks the package's Python against that file, the test-suite that the file is what this command writes. A type
that is too vague there is made precise in the binding.
"""

from __future__ import annotations

import difflib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

STUB = Path(__file__).resolve().parents[1] / "withstand" / "_core.pyi"
HEADER = """\
# SPDX-License-Identifier: MIT
# Written by python/bindings/stub.py from the compiled module: change the bindings instead.
"""
#: What compares without a hash is not quite an object; typeshed says it to mypy in the same words.
UNHASHABLE = "  # type: ignore[assignment]"
#: An enumeration as the generator writes it.
ENUMERATION = re.compile(
    r"(?P<head>^class \w+\(enum\.Enum\):\n)(?P<members>(?:    \w+: typing\.ClassVar\[\w+\]\n)+)"
    r"(?:    @classmethod\n    def __new__\(cls, value\):\n        \.\.\.\n)?", re.M)  # fmt: skip


def generated() -> str:
    """Return the stub of the module that this interpreter imports."""
    with tempfile.TemporaryDirectory() as folder:
        generator = [sys.executable, "-m", "pybind11_stubgen", "withstand._core", "--exit-code", "-o", folder]
        done = subprocess.run(generator, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"pybind11-stubgen cannot express a signature:\n{done.stdout}{done.stderr}")
        lines = (Path(folder) / "withstand" / "_core.pyi").read_text().splitlines()
    # The compiled module has no __all__: the generator's would be a claim that is not true.
    text = "".join(f"{_accepted(line)}\n" for line in lines if not line.startswith("__all__"))
    return HEADER + ENUMERATION.sub(_members, text)


def _accepted(line: str) -> str:
    return line + UNHASHABLE if "__hash__: typing.ClassVar[None]" in line else line


def _members(enumeration: re.Match[str]) -> str:
    """Members are assigned: what is annotated is none, to a checker of types. The constructor is enum's own."""
    return enumeration["head"] + re.sub(r": typing\.ClassVar\[\w+\]", " = ...", enumeration["members"])


def difference(text: str) -> str:
    """Return what distinguishes a stub from the generated one; empty where nothing does."""
    lines = text.splitlines(), generated().splitlines()
    return "\n".join(difflib.unified_diff(*lines, "the stub", "the module", lineterm="", n=0))


if __name__ == "__main__":
    STUB.write_text(generated())
