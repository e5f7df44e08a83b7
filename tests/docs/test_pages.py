# SPDX-License-Identifier: MIT
"""The pages of the site: what they print, which commands they give, where they lead, and that the site has them all."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import withstand as ws
from withstand.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)
TEXTS = {path.relative_to(DOCS).with_suffix("").as_posix(): path.read_text(encoding="utf-8") for path in PAGES}
EXAMPLES = [name for name, text in TEXTS.items() if ">>>" in text]
NOTEBOOKS = [name for name, text in TEXTS.items() if "```{code-cell}" in text]


def test_every_page_with_examples_is_run():
    from test_application_pages import PAGES as applications

    assert set(EXAMPLES) == {*applications, "quantised", "index", "tutorial"}


def run_examples(name: str, text: str) -> None:
    page = doctest.DocTestParser().get_doctest(text.replace("```", ""), {}, name, name, 0)
    assert page.examples
    assert doctest.DocTestRunner(optionflags=doctest.REPORT_ONLY_FIRST_FAILURE).run(page).failed == 0


def tutorial() -> tuple[str, str]:
    """Return the tutorial without its part on PyTorch, and as far as that part, which needs an extra."""
    before, heading, rest = TEXTS["tutorial"].partition("## A PyTorch module of your own\n")
    part, following, after = rest.partition("\n## ")
    assert heading and following
    return before + following + after, before + part


@pytest.mark.parametrize("name", ["index", "tutorial"])
def test_page(name):
    run_examples(name, tutorial()[0] if name == "tutorial" else TEXTS[name])


def test_the_part_of_the_tutorial_on_pytorch():
    pytest.importorskip("torch")
    run_examples("tutorial", tutorial()[1])


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook(name):
    """Every cell runs, one after the other, and what it asserts holds."""
    pytest.importorskip("matplotlib")
    cells = re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```", TEXTS[name], re.MULTILINE | re.DOTALL)
    assert sum("assert" in cell for cell in cells) >= 8
    names: dict[str, object] = {}
    for cell in cells:
        exec(compile(cell, name, "exec"), names)


PAGED = TEXTS["tutorial"] + TEXTS["bit_flips"]
COMMANDS = re.findall(r"^withstand [a-z].*$", PAGED, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_pages_run(command):
    code = "from _withstand_command.entry import main; main()"
    arguments = shlex.split(command)[1:]
    ran = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout


def test_commands_of_the_page_of_certificates_run_one_after_the_other(tmp_path):
    code = "from _withstand_command.entry import main; main()"
    commands = re.findall(r"^withstand [a-z].*$", TEXTS["certificates"], re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        asked = [sys.executable, "-c", code, *shlex.split(command)[1:]]
        ran = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_page_of_installing_has_every_extra():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = text.split("[project.optional-dependencies]")[1].split("\n[")[0]
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", TEXTS["install"], re.M)
    assert sorted(re.findall(r"^(\w+) = \[", extras, re.M)) == sorted(re.findall(r"\w+", " ".join(rows)))


def test_the_table_of_questions_names_every_function_and_command():
    asked = TEXTS["which"]
    functions = {name for name in ws.__all__ if name.islower() and callable(getattr(ws, name))}
    beside = {"load", "embedded", "show_config", "get_include", "get_cmake_dir"}
    assert functions - beside == {name for name in functions if f"`ws.{name}" in asked}
    from withstand.cli import commands  # noqa: F401  (it adds them all)

    assert set(app.commands) == set(re.findall(r"`withstand ([a-z-]+)", asked))
    options = {option for command in app.commands.values() for p in command.params for option in p.opts}
    assert set(re.findall(r"`(--[a-z-]+)`", asked)) <= options
    models = {kind.__name__ for kind in ws.Failures.__subclasses__()}
    assert models == {name for name in models if f"`ws.{name}" in asked}


#: Commands whose names are not those of their functions.
_COMMANDS = {"enumerate_failures": "enumerate", "certified_accuracy": "accuracy", "replicas_needed": "replicas",
             "check_certificate": "check", "fep": "bound"}  # fmt: skip


def test_the_table_of_questions_names_the_command_of_every_function_that_it_names():
    """Options that stand with a command in the table are options of that command."""
    rows = TEXTS["which"].split("## ")[0].splitlines()
    cells = [row.split(" | ") for row in rows if row.startswith("| ") and "`withstand " in row]
    assert len(cells) > 15
    for _, functions, commands, _ in cells:
        named = re.findall(r"`withstand ([a-z-]+)([^`]*)`", commands)
        for function in re.findall(r"`ws\.(\w+)", functions):
            command = _COMMANDS.get(function, function.replace("_", "-"))
            assert command not in app.commands or command in {name for name, _ in named}, (function, commands)
        for name, more in named:
            options = {option for p in app.commands[name].params for option in p.opts}
            assert set(re.findall(r"--[a-z-]+", more)) <= options, (name, more)


def test_the_reference_has_every_public_name():
    listed = re.findall(r"^\.\. auto(?:function|class|exception):: (\w+)$", TEXTS["python"], re.MULTILINE)
    assert sorted({*listed} & {*ws.__all__}) == sorted({*ws.__all__} - {"__version__"})
    assert len(listed) == len(set(listed))


def test_the_page_of_headers_has_every_header():
    listed = re.findall(r"`(\w+\.hpp)`", TEXTS["cpp"])
    assert sorted(listed) == sorted(path.name for path in (ROOT / "cpp/include/withstand").glob("*.hpp"))


def test_the_site_has_every_page_once():
    trees = re.findall(r"^```\{toctree\}\n(.*?)^```", TEXTS["index"], re.MULTILINE | re.DOTALL)
    listed = [line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")]
    assert sorted(listed) == sorted(set(TEXTS) - {"index"})


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_links_lead_to_files(name):
    text = re.sub(r"^```.*?^```|`[^`]+`", "", TEXTS[name], flags=re.MULTILINE | re.DOTALL)
    targets = [target for target in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in target]
    folder = (DOCS / name).parent
    assert [target for target in targets if not (folder / target).exists()] == []
