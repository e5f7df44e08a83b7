# SPDX-License-Identifier: MIT
"""The core's folders include one another in one direction; engines stand side by side."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parents[1] / "cpp"
#: Private headers of which folders, and which public headers, the sources of a folder may not see.
HIDDEN = {
    "core": ("activation", "network", "failure", "evaluate", "bounds", "enumerate", "search"),
    "evaluate": ("bounds", "enumerate", "search"),
    "failure": ("bounds", "enumerate", "search"),
    "bounds": ("enumerate", "search"),
    "enumerate": ("bounds", "search"),
    "search": ("bounds", "enumerate"),
}
PUBLIC = {"bounds": ("bound", "linear"), "enumerate": ("enumerate",), "search": ("search",)}


def included(file: Path) -> list[str]:
    return re.findall(r'#include "([^"]+)"', file.read_text())


def resolved(file: Path, name: str) -> Path | None:
    """Return the header an include names, beside the file or in a folder of headers."""
    for folder in (file.parent, CORE / "src", CORE / "include"):
        if (folder / name).is_file():
            return (folder / name).resolve()
    return None


def seen(file: Path) -> set[Path]:
    """Return all headers that a file includes, directly or by way of others."""
    found: set[Path] = set()
    open_ = [file.resolve()]
    while open_:
        here = open_.pop()
        for header in filter(None, (resolved(here, name) for name in included(here))):
            if header not in found:
                found.add(header)
                open_.append(header)
    return found


@pytest.mark.skipif(not CORE.is_dir(), reason="needs the sources of the core")
@pytest.mark.parametrize("folder", HIDDEN)
def test_a_folder_sees_no_engine_beside_it(folder):
    files = [f for f in sorted((CORE / "src" / folder).rglob("*.?pp")) if "adapters" not in f.parts]
    hidden = HIDDEN[folder]
    names = [name for part in hidden for name in PUBLIC.get(part, ())]
    public = {(CORE / "include/withstand" / f"{name}.hpp").resolve() for name in names}
    private = [(CORE / "src" / part).resolve() for part in hidden]
    assert files
    wrong = {
        (file.name, header.name)
        for file in files
        for header in seen(file)
        if header in public or any(part in header.parents for part in private)
    }
    assert not wrong
