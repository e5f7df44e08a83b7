# SPDX-License-Identifier: MIT
"""The command line.

Exit codes: 0 tolerated or nothing asked, 1 violated, 2 wrong usage, 3 unknown, 4 did not work, 130 interrupted.
The command itself begins in `_withstand_command.entry`, before the package is imported.
"""

from __future__ import annotations

import sys
import warnings
from contextlib import suppress
from typing import NoReturn


def main() -> NoReturn:
    """Run the command ``withstand``, where the package is imported already."""
    from _withstand_command.entry import main as command

    command()


def run() -> int:
    """Take the arguments of this process, do what they say, and return the exit code."""
    try:
        import click

        from withstand.cli.commands import app
        from withstand.cli.refusals import warn
    except ImportError as error:
        if error.name not in ("click", "rich"):
            raise
        raise ImportError(f'the command line needs {error.name}: pip install "withstand[cli]"') from None
    warnings.showwarning = warn
    try:
        code = app.main(prog_name="withstand", auto_envvar_prefix="WITHSTAND", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        with suppress(OSError, ValueError):  # where nobody listens, the exit code says it
            if sys.stderr is not None:
                error.show()
        return error.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
