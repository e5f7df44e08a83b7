# SPDX-License-Identifier: MIT
"""The shape of the source: files of one screen or a few, short functions, and dependencies that point one way."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "python" / "withstand"
CORE = ROOT / "cpp" / "src"
#: Folders of source; Eigen in extern/ is somebody else's, and so is what a build leaves.
FOLDERS = ("bench", "cpp", "examples", "python", "tests")
#: Most lines of a file, and of a function without its docstring.
FILE, FUNCTION = 300, 50

#: The engines of the C++ core stand side by side. What is theirs: their folder, and these of the public headers.
HEADERS = {"bounds": ("bound", "linear"), "enumerate": ("enumerate", "statistics"), "search": ("search",)}
CPP = (".cpp", ".hpp", ".inl")
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)
#: Where one engine may ask another.
ALLOWED = {"search/adapters": {"bounds", "enumerate"}}

#: What each part of the Python package may import of the others.
MAY_IMPORT: dict[str, set[str]] = {
    "model": set(),
    "certificate": {"model"},
    "importers": {"model"},
    "questions": {"model", "certificate", "importers"},
    "uses": {"model", "certificate", "importers", "questions"},
    "report": {"model", "certificate", "importers", "questions", "uses"},
    "cli": {"model", "certificate", "importers", "questions", "uses", "report"},
}
#: A network is read from an .npz file by its importer; what a search found is written by a file no checker imports.
EXCEPT = {("model/network.py", "importers"), ("certificate/writing.py", "_core")}
#: Beside these parts: what confirms the engines' answers may not ask the engines.
ENGINES = {"certificate": {"_core"}}


def read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def sources(*suffixes: str) -> list[Path]:
    found = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*") if file.suffix in suffixes]
    return sorted(file for file in found if "build" not in file.relative_to(ROOT).parts)


def test_files_are_short():
    lengths = {file: len(read(file).splitlines()) for file in sources(".py", *CPP)}
    assert len(lengths) > 300
    assert {str(file.relative_to(ROOT)): n for file, n in lengths.items() if n > FILE} == {}


def long_functions(text: str) -> dict[str, int]:
    """Return the functions with too many lines, and how many they have."""
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node, clean=False) is not None
            first = node.body[0]
            lines = node.end_lineno - node.lineno + 1 - documented * (first.end_lineno - first.lineno + 1)
            if lines > FUNCTION:
                found[node.name] = lines
    return found


def test_a_long_function_is_noticed():
    body = "\n    x = 1" * FUNCTION
    assert long_functions(f'def short():\n    """Two\n    lines."""{body[10:]}') == {}
    assert long_functions(f"def long():{body}") == {"long": FUNCTION + 1}
    assert long_functions(f'class A:\n  async def f():\n    """A docstring."""{body}') == {"f": FUNCTION + 1}


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if folder != "cpp"])
def test_functions_are_short(folder):
    files = [file for file in sources(".py") if file.is_relative_to(ROOT / folder)]
    found = {str(file.relative_to(ROOT)): long_functions(read(file)) for file in files}
    assert {file: functions for file, functions in found.items() if functions} == {}


def owner(file: Path, name: str, core: Path) -> str | None:
    """Return the engine whose header a file of the core includes under this name."""
    if name.startswith("withstand/"):
        header = Path(name).stem
        return next((engine for engine, headers in HEADERS.items() if header in headers), None)
    beside = Path(os.path.normpath(file.parent / name))
    path = beside.relative_to(core) if beside.is_relative_to(core) and beside.exists() else Path(name)
    return path.parts[0] if path.parts[0] in HEADERS else None


def crossings(core: Path) -> set[tuple[str, str]]:
    """Return each file of an engine, and what it includes of another engine although it may not."""
    found = set()
    for engine in HEADERS:
        for file in (file for file in sorted((core / engine).rglob("*")) if file.suffix in CPP):
            place = file.relative_to(core)
            allowed = {engine}.union(*(to for folder, to in ALLOWED.items() if place.is_relative_to(folder)))
            for name in INCLUDE.findall(read(file)):
                if (owner(file, name, core) or engine) not in allowed:
                    found.add((str(place), name))
    return found


def test_engines_include_nothing_of_one_another():
    assert crossings(CORE) == set()


def test_the_engines_are_where_they_are_looked_for():
    assert all(any((CORE / engine).rglob("*.cpp")) for engine in HEADERS)
    public = {file.stem for file in (ROOT / "cpp/include/withstand").glob("*.hpp")}
    assert all(public.intersection(headers) for headers in HEADERS.values())


@pytest.mark.parametrize(
    ("place", "name", "crosses"),
    [
        ("search/tree.cpp", "bounds/problem.hpp", True),
        ("search/layered/walk.hpp", "../../bounds/problem.hpp", True),
        ("search/first.cpp", "withstand/linear.hpp", True),
        ("bounds/linear/relaxation.cpp", "enumerate/walk.hpp", True),
        ("enumerate/walk.inl", "withstand/search.hpp", True),
        ("search/adapters/relaxation.cpp", "bounds/problem.hpp", False),
        ("search/adapters/relaxation.cpp", "withstand/linear.hpp", False),
        ("search/tree.cpp", "adapters/relaxation.hpp", False),
        ("search/tree.cpp", "withstand/space.hpp", False),
        ("bounds/linear/relaxation.cpp", "../problem.hpp", False),
        ("bounds/linear/relaxation.cpp", "core/rounding.hpp", False),
        ("evaluate/forward.cpp", "bounds/problem.hpp", False),  # no engine
    ],
)
def test_a_planted_include_is_noticed(tmp_path, place, name, crosses):
    text = f'// What it is.\n#include "{name}"\n#include <vector>\n'
    for file, content in (("bounds/problem.hpp", "#pragma once\n"), (place, text)):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(content)
    assert crossings(tmp_path) == ({(place, name)} if crosses else set())


def imported(text: str) -> set[str]:
    """Return the names directly below `withstand` that a module imports, at its top or later; not for types alone."""
    names, tree = set(), ast.parse(text)
    typing = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.If)
              and ast.unparse(node.test) == "TYPE_CHECKING" for inner in ast.walk(node)}  # fmt: skip
    for node in ast.walk(tree):
        if id(node) in typing:
            continue
        if isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("withstand.")}


def test_imports_are_seen():
    lines = ("from withstand import _core, model", "import withstand.uses.curve", "import numpy", "from . import x")
    later = "def f():\n    from withstand.questions.bounds import bound"
    types = "if TYPE_CHECKING:\n    from withstand.cli import app"
    assert imported("\n".join((*lines, later, types))) == {"_core", "model", "uses", "questions"}


@pytest.mark.parametrize("part", [name for name in MAY_IMPORT if (PACKAGE / name).is_dir()])
def test_parts_of_the_package_import_one_way(part):
    forbidden = (set(MAY_IMPORT) - MAY_IMPORT[part] - {part}) | ENGINES.get(part, set())
    found = {(file.relative_to(PACKAGE).as_posix(), name) for file in sorted((PACKAGE / part).rglob("*.py"))
             for name in imported(read(file)) & forbidden
             if name == "_core" or (PACKAGE / name).is_dir()}  # fmt: skip
    assert found <= EXCEPT


def test_the_checker_does_not_know_the_writer():
    checker = [file for file in (PACKAGE / "certificate").rglob("*.py") if file.name != "writing.py"]
    assert [file.name for file in checker if re.search(r"import.*\bwriting\b|\bwriting import", read(file))] == []


@pytest.mark.parametrize("file", sorted((ROOT / "tests/oracle").glob("*.py")), ids=lambda file: file.stem)
def test_the_oracle_and_its_tests_import_nothing_of_the_package(file):
    assert "withstand" not in re.findall(r"^\s*(?:from|import) (\w+)", read(file), re.MULTILINE)
