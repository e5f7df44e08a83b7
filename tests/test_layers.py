# SPDX-License-Identifier: MIT
"""The core's folders include one another in one direction; engines stand side by side."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parents[1] / "cpp"
#: Which folders' private headers, and which public headers of theirs, the sources of a folder may not see.
HIDDEN = {
    "core": ("activation", "network", "failure", "evaluate", "bounds", "enumerate", "search"),
    "evaluate": ("bounds", "enumerate", "search"),
    "failure": ("bounds", "enumerate", "search"),
    "bounds": ("enumerate", "search"),
    "enumerate": ("bounds", "search"),
    "search": ("bounds", "enumerate"),
}
PUBLIC = {"bounds": ("bound", "linear"), "enumerate": ("enumerate", "statistics"), "search": ("search",)}
#: Where one engine may ask others.
FREE = "search/adapters"


def included(file: Path) -> list[str]:
    return re.findall(r'^\s*#\s*include\s*["<]([^">]+)[">]', file.read_text(encoding="utf-8"), re.MULTILINE)


def resolved(file: Path, name: str, core: Path) -> Path | None:
    """Return the header an include names, beside the file or in a folder of headers."""
    for folder in (file.parent, core / "src", core / "include"):
        if (folder / name).is_file():
            return (folder / name).resolve()
    return None


def seen(file: Path, core: Path) -> set[Path]:
    """Return all headers that a file includes, directly or by way of others."""
    found: set[Path] = set()
    open_ = [file.resolve()]
    while open_:
        here = open_.pop()
        for header in filter(None, (resolved(here, name, core) for name in included(here))):
            if header not in found:
                found.add(header)
                open_.append(header)
    return found


def crossings(core: Path, folder: str) -> set[tuple[str, str]]:
    """Return each file of a folder, and what it sees although it may not."""
    src, include = (core / "src").resolve(), (core / "include/withstand").resolve()
    public = {include / f"{name}.hpp" for part in HIDDEN[folder] for name in PUBLIC.get(part, ())}
    return {
        (file.relative_to(src).as_posix(), header.name)
        for file in (src / folder).rglob("*")
        if file.suffix in (".cpp", ".hpp", ".inl") and not file.is_relative_to(src / FREE)
        for header in seen(file, core)
        if header in public or any(header.is_relative_to(src / part) for part in HIDDEN[folder])
    }


@pytest.mark.parametrize("folder", HIDDEN)
def test_a_folder_sees_no_engine_beside_it(folder):
    assert crossings(CORE, folder) == set()


def test_folders_and_headers_are_where_they_are_looked_for():
    for folder in {FREE, *HIDDEN, *(part for parts in HIDDEN.values() for part in parts)}:
        assert any((CORE / "src" / folder).rglob("*.cpp"))
    assert all((CORE / f"include/withstand/{name}.hpp").exists() for names in PUBLIC.values() for name in names)


@pytest.mark.parametrize(
    ("place", "name", "crosses"),
    [
        ("search/tree.cpp", "bounds/problem.hpp", True),
        ("search/layered/walk.hpp", "../../bounds/problem.hpp", True),
        ("search/first.cpp", "withstand/linear.hpp", True),
        ("search/second.cpp", "withstand/statistics.hpp", True),
        ("search/third.cpp", "core/passes_on.hpp", True),  # another header stands between
        ("core/sum.cpp", "bounds/problem.hpp", True),
        ("bounds/linear/relaxation.cpp", "enumerate/walk.hpp", True),
        ("enumerate/walk.inl", "withstand/search.hpp", True),
        ("search/adapters/relaxation.cpp", "bounds/problem.hpp", False),
        ("search/adapters/relaxation.cpp", "withstand/linear.hpp", False),
        ("search/tree.cpp", "adapters/relaxation.hpp", False),
        ("search/tree.cpp", "withstand/space.hpp", False),
        ("bounds/linear/relaxation.cpp", "../problem.hpp", False),
        ("bounds/linear/relaxation.cpp", "core/rounding.hpp", False),
    ],
)
def test_a_planted_include_is_noticed(tmp_path, place, name, crosses):
    headers = [f"include/withstand/{header}.hpp" for header in ("linear", "search", "space", "statistics")]
    headers += [f"src/{name}.hpp" for name in ("bounds/problem", "enumerate/walk", "search/adapters/relaxation")]
    headers += ["src/core/rounding.hpp"]
    for file in headers:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("#pragma once\n")
    (tmp_path / "src/core/passes_on.hpp").write_text('#include "bounds/problem.hpp"\n')
    planted = tmp_path / "src" / place
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(f'// What it is.\n#  include "{name}"\n#include <vector>\n')
    found = {file for file, _ in crossings(tmp_path, Path(place).parts[0])}
    assert found == ({place} if crosses else set()) | ({"core/passes_on.hpp"} if place.startswith("core") else set())
