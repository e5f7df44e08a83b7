# SPDX-License-Identifier: MIT
"""The command line. Exit codes: 0 tolerated or nothing asked, 1 violated, 2 wrong usage, 3 unknown, 130 interrupted."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command ``withstand``."""
    try:
        from withstand.cli import applications, limits, tell  # noqa: F401  (they add their commands)
        from withstand.cli.app import app
    except ImportError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.stderr.write(f'the command line needs {error.name}: pip install "withstand[cli]"\n')
        raise SystemExit(2) from None
    app(prog_name="withstand", auto_envvar_prefix="WITHSTAND")
