# SPDX-License-Identifier: MIT
"""Arrays that files hold, and which of their rows a command asks about."""

from __future__ import annotations

import math
from pathlib import Path

import click
import numpy as np

from withstand._types import FloatArray

#: What archives call inputs, and right classes.
INPUTS, CLASSES = ("X", "x", "samples_x"), ("y", "Y", "classes")


def read(path: Path, keys: tuple[str, ...] = INPUTS) -> FloatArray:
    """Return the array of a file, or the first of an archive that one of the keys names."""
    if path.suffix == ".csv":
        if not path.stat().st_size:
            raise ValueError("is an empty file")
        try:
            return np.loadtxt(path, delimiter=",", ndmin=2, encoding="utf-8-sig")  # spreadsheets begin it with a mark
        except ValueError as error:
            wanted = "lines of numbers separated by commas, and no header"
            raise ValueError(f"is not what a .csv holds here, {wanted}: {str(error).rstrip('.')}") from None
    try:
        loaded = np.load(path, allow_pickle=False)
    except ValueError:  # which offers to unpickle it
        raise ValueError("holds no array of numbers: expected .npy, .npz or .csv") from None
    if isinstance(loaded, np.ndarray):
        return loaded
    with loaded:
        for key in keys:
            if key in loaded:
                return np.asarray(loaded[key])
        raise ValueError(f"holds {', '.join(loaded)}, expected an array {', '.join(keys[:-1])} or {keys[-1]}")


def chosen_rows(rows: str | None) -> tuple[int | None, int | None]:
    """Return from where to where rows are asked about, as --rows says."""
    if rows is None:
        return 0, 16
    start, colon, stop = rows.partition(":")
    try:
        if not colon:
            return int(start), (int(start) + 1) or None  # the last is followed by none
        return (int(start) if start else None), (int(stop) if stop else None)
    except ValueError:
        raise click.UsageError(f"--rows {rows}: expected START:STOP, one row, or : for all") from None


def refuse_images(path: Path, shape: tuple[int, ...], width: int) -> None:
    """Say of a file whose inputs are not flat how they are to be."""
    one = len(shape) == 2 and shape[1] != width == math.prod(shape)
    if one or (len(shape) > 2 and math.prod(shape[1:]) == width):
        wanted = (1 if one else shape[0], width)
        raise click.UsageError(f"{path.name} holds an array of shape {shape}, and inputs are flat here: reshape it to "
                               f"{wanted} before it is saved")  # fmt: skip
