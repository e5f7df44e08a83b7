# SPDX-License-Identifier: MIT
"""Pictures that commands draw to files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from withstand.cli.parameters import OutputFile
from withstand.cli.refusals import working_with
from withstand.statement import Statement

plot_option = click.option("--plot", type=OutputFile((".svg", ".png", ".pdf")), help="Draw it there; needs matplotlib.")


def picture(draw: Callable[[], Any], path: Path | None, said: Statement) -> None:
    """Write what `draw` draws, signed by what it is a statement about, where a file was asked for."""
    if path is None:
        return
    with working_with(path):
        from withstand._pictures import sign
        from withstand.plot import save

        axes = draw()
        sign(axes, said)
        save(axes.figure, path)
