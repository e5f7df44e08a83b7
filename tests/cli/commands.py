# SPDX-License-Identifier: MIT
"""The command `withstand` in a process of its own, as the console script starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

#: What the console script does.
START = "from _withstand_command.entry import main; main()"


def command(*arguments: str, before: str = "") -> list[str]:
    """Return the command line; `before` is Python that runs first."""
    return [sys.executable, "-c", f"{before}\n{START}", *arguments]


def withstand(*arguments: str, before: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command and return its exit code and what it said; the environment `env` is added to this one."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "timeout": 300, **options}
    options["env"] = {**os.environ, **options.get("env", {})}
    return subprocess.run(command(*arguments, before=before), check=False, **options)


def with_limit(resource: str, value: int) -> str:
    """Return Python that puts a limit on its process, and on files lets writing fail rather than kill."""
    return f"import resource; resource.setrlimit(resource.{resource}, ({value}, {value}))"


def hit(name: str, then: str) -> str:
    """Return Python after which the library's function `name` begins with the statement `then`."""
    return f"""
import _withstand_command.entry, os, signal
import withstand
original = withstand.{name}
def begin(*arguments, **options):
    {then}
    return original(*arguments, **options)
withstand.{name} = begin"""
