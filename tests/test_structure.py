# SPDX-License-Identifier: MIT
"""The shape of the source: files of one screen or a few, short functions, and dependencies that point one way."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "python" / "withstand"
#: Folders of source; Eigen in extern/ is somebody else's, and so is what a build leaves.
FOLDERS = ("bench", "cpp", "examples", "python", "tests")
#: Most lines of a file, and of a function without its docstring.
FILE, FUNCTION = 300, 50

CPP = (".cpp", ".hpp", ".inl")

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


def test_files_of_tests_have_names_of_their_own():
    """Tests lie in no package: of two files of one name pytest takes one and refuses the other."""
    names = [file.name for file in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) > 150
    assert sorted(name for name, n in Counter(names).items() if n > 1) == []


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


#: What may hold a brace in C++ without meaning it: comments, strings, characters, directives.
ASIDE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'"""
    r"""|^[ \t]*\#(?:[^\n\\]|\\.)*(?:\\\n[^\n]*)*""",
    re.DOTALL | re.MULTILINE,
)
SCOPE = re.compile(r"\b(?:namespace|class|struct|enum|union|extern)\b[^()]*$")


def cpp_functions(text: str) -> list[tuple[str, int]]:
    """Return each function of C++ source, and its lines from the first of its head to its last brace.

    What stands in a function (a lambda, a local class) belongs to it, and so do members that it initialises.
    """
    text = ASIDE.sub(lambda aside: '""' + "\n" * aside[0].count("\n"), text)
    found, outside, head = [], 0, 0  # braces that are open: of scopes, and
    inside: list[bool] = []  # of what stands in scopes, whether it is a function
    for mark in re.finditer(r"[{};]", text):
        at = mark.start()
        before = re.sub(r"template\s*<[^{}]*?>(?=\s*\w)", "", text[head:at]).lstrip(' \n"')
        if inside and mark[0] != ";":
            if mark[0] == "{":
                inside.append(False)
            elif inside.pop() and text[at + 1 :].lstrip()[:1] not in (",", "{"):  # else it was a member's initialiser
                start = head + len(text[head:at]) - len(text[head:at].lstrip(' \n"'))
                name = re.search(r"([\w~]+)\s*\(", text[start:at])
                found.append((name[1] if name else "", text.count("\n", start, at) + 1))
                head = at + 1
        elif mark[0] == "{" and SCOPE.search(before):
            outside, head = outside + 1, at + 1
        elif mark[0] == "{":
            inside.append("(" in before and before.count("(") == before.count(")"))
        elif not inside:
            outside, head = outside - (mark[0] == "}"), at + 1
    assert not inside and not outside, "braces do not match"
    return found


def test_a_long_function_of_cpp_is_noticed():
    body = "\n  if (x) { y = '{'; }  // }" * (FUNCTION - 2)
    short = f"/// What it does: {{\ntemplate <class T>\nint A<T>::short_one(int x) const {{{body}\n}}\n"
    made = f"#define OPEN {{ \\\n  {{\nA::A(int x)\n    : a_{{x}}, b_(f({{x}})) {{{body}\n}}\n"
    table = "const int table[] = {" + "\n  1," * FUNCTION + "};\n"
    text = f'namespace n {{\n{short}struct B : A {{\n  int at = 0;\n{short}}};\n{table}{made}}}\nextern "C" {{{short}}}'
    assert cpp_functions(text) == [("short_one", 51), ("short_one", 51), ("A", 51), ("short_one", 51)]


OWN = re.compile(
    r"^(?:template <[^>]*> )?"
    r"(?:(?:inline|constexpr|const|bool|double|int|void|auto|[A-Z]\w*|std::\S+(?: [\w:<>]+,?)*|[a-z_]+::\S+)[ &*]+)+"
    r"([a-z_]\w*)\(",
    re.M,
)


def own_functions(text: str) -> set[str]:
    """Return the names of the functions that are a file's own."""
    blocks = re.findall(r"^namespace \{\n(.*?)^\}  // namespace$", text, re.M | re.S)
    return {name for block in blocks for name in OWN.findall(block)}


def test_files_that_are_compiled_together_share_no_name():
    """Files of a folder are one unit: what is a file's own would be overloaded by its neighbour's, unseen."""
    names: dict[tuple[Path, str], list[str]] = {}
    for file in sources(".cpp"):
        together = "src" in file.parts or "bindings" in file.parts
        if together and not {"kernels", "activation"} & set(file.parts):  # those are compiled one by one
            for name in own_functions(read(file)):
                names.setdefault((file.parent, name), []).append(file.name)
    assert len(names) > 200
    assert {key: files for key, files in names.items() if len(files) > 1} == {}


def test_functions_of_cpp_are_short():
    files = [file for file in sources(*CPP) if "consumer" not in file.parts]
    found = {str(file.relative_to(ROOT)): cpp_functions(read(file)) for file in files}
    assert sum(map(len, found.values())) > 1000
    assert {(file, *f) for file, functions in found.items() for f in functions if f[1] > FUNCTION} == set()


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if folder != "cpp"])
def test_functions_are_short(folder):
    files = [file for file in sources(".py") if file.is_relative_to(ROOT / folder)]
    found = {str(file.relative_to(ROOT)): long_functions(read(file)) for file in files}
    assert {file: functions for file, functions in found.items() if functions} == {}


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
