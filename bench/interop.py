# SPDX-License-Identifier: MIT
"""What exporters really write, construct by construct, and what this package makes of it.

    python bench/interop.py                          # the table; a package that is missing is said to be
    python bench/interop.py --write docs/interop.md

Every file is loaded, and compared with what wrote it on a few inputs.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "torch")
sys.path.insert(0, str(Path(__file__).parent))

import withstand as ws
from exporters.constructs import CONSTRUCTS
from exporters.writers import EXPORTERS, contents, sklearn_models, sklearn_onnx, versions

HEAD = """# What exporters write, and what is made of it

Each network is one construct between a tanh and a dense layer, written by an exporter, opened, and loaded.

    python bench/interop.py --write docs/interop.md

makes this page. *In the file* are its operators, or layers, with the numbers of each; *here* are the layers of neurons
that may fail, by what the file calls them, or the words of the refusal. What loads is compared with the model that was
written, on 20 inputs: **differs** says so where it is beyond 1e-5. A **guess** in bold, made before the files were
written, was wrong.
"""


@dataclass(frozen=True)
class Row:
    """One file: what is in it, and what is made of it."""

    construct: str
    declared: str
    inside: str
    here: str
    loads: bool
    guess: bool


def told(path: Path, function: Callable[[Any], Any]) -> tuple[str, bool]:
    """Return what loading a file gives, in words, and whether it gives the network that computes the function."""
    try:
        net = ws.load(path)
    except ValueError as error:
        text = str(error).removeprefix(f"{path}: ")
        return "refused: " + text.partition("; supported")[0].partition(": supported")[0][:180], False
    layers = [f"`{layer.name}` {layer.kind} {'x'.join(map(str, layer.shape))} {layer.activation.name}"
              for layer in net.layers[:-1]]  # fmt: skip
    end = ", logits" if net.outputs == "logits" else ""
    off = difference(net, function)
    if not off <= 1e-5:
        return f"**differs** by {off:.2g}", False
    return f"{'graph' if net.is_graph else 'chain'}: {', '.join(layers)}{end}", True


def difference(net: ws.Network, function: Callable[[Any], Any]) -> float:
    """Return the largest difference of outputs; the softmax that was taken off is put back on."""
    x = np.random.default_rng(0).normal(size=(20, net.widths[0])).astype(np.float32)
    ours, theirs = net.forward(x), np.asarray(function(x))
    if net.outputs == "logits":
        ours = np.exp(ours - np.logaddexp.reduce(ours, axis=1, keepdims=True))
    return float(np.abs(ours - theirs).max()) if ours.shape == theirs.shape else float("nan")


def rows(exporter: str) -> Iterator[Row]:
    """Write, open and load every construct that the exporter's library has."""
    write, library, _ = EXPORTERS[exporter]
    for name, construct in CONSTRUCTS.items():
        if getattr(construct, library) is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                path, function = write(construct, Path(folder))
            except ImportError:
                raise
            except Exception as error:  # an exporter's own
                reason = (str(error).strip() or "no reason").splitlines()[0][:120]
                yield Row(name, "", f"not written: {type(error).__name__}: {reason}", "", False, construct.loads)
                continue
            here, loads = told(path, function)
            yield Row(name, *contents(path), here, loads, construct.loads)


def sklearn_rows() -> Iterator[Row]:
    for name, model in sklearn_models().items():
        with tempfile.TemporaryDirectory() as folder:
            path, function = sklearn_onnx(model, Path(folder))
            here, loads = told(path, function)
            yield Row(name, *contents(path), here, loads, True)


def section(title: str, packages: tuple[str, ...], found: Iterator[Row]) -> list[str]:
    """One exporter's table, or the word that a package is missing."""
    try:
        table, heading = list(found), f"## {title}: {versions(packages)}"
    except ImportError as error:
        return [f"## {title}", "", f"Not run: {error}.", ""]
    declared = sorted({row.declared for row in table if row.declared})
    lines = [heading, "", f"Declared: {'; '.join(declared)}.", "", "| construct | in the file | here | guessed |"]
    lines.append("| --- | --- | --- | --- |")
    for row in table:
        guess = "loads" if row.guess else "refused"
        guess = guess if row.guess == row.loads else f"**{guess}**"
        cells = (row.construct, row.inside, row.here, guess)
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return [*lines, ""]


def page() -> str:
    lines = [HEAD]
    for title, (_, _, packages) in EXPORTERS.items():
        lines += section(title, packages, rows(title))
    lines += section("skl2onnx.to_onnx", ("skl2onnx", "scikit-learn", "onnx"), sklearn_rows())
    return "\n".join(lines).rstrip() + "\n"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path, help="write the page to this file")
    chosen: Any = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        text = page()
    if chosen.write:
        chosen.write.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
