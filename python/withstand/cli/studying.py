# SPDX-License-Identifier: MIT
"""The command that asks what a file says, and asks nothing twice."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

import withstand as ws
from withstand._rehearsal import rehearsal
from withstand.cli import options as opt
from withstand.cli.app import app
from withstand.cli.output import CODES, INTERRUPTED, TOLERATED, UNKNOWN, VIOLATED, grid, show, watched
from withstand.cli.parameters import InputFile, OutputFile
from withstand.cli.refusals import DidNotWork, refusals_have_exit_codes, say, working_with
from withstand.cli.study import Question, Study, arguments, read
from withstand.cli.summary import HEADER, SAID, Found, row, summarise, verdict_of

EXAMPLE = """\
# A study: `withstand run study.toml` asks its questions, and keeps the answers in the folder study-results.
# Run it again after Ctrl-C, or after a change: what is answered already is not asked again.
# Keys are the options of the commands: `withstand worst-case --help` lists those of worst-case.

[network]
model = "digits_small"          # a file beside this one, or an embedded network
# rounded = "int8"              # round its parameters first

[inputs]
rows = "0:4"                    # which inputs: ":" is all of them
# inputs = "inputs.npy"         # your own: .npy, .csv or .npz
# classes = "classes.npy"       # the right ones, which accuracy and campaign need

[budgets]
epsilon = 13.0                  # the largest tolerated error; a decimal is taken exactly where the command does
time-limit = 20                 # seconds of each question that takes a limit

[seeds]
seed = 0                        # of random draws

# What may fail, by names. A question asks of all of them, or of those that it names.
[failures.one-crash]
crash = 1

[failures.two-crashes]
crash = 2

[failures.stuck]
stuck = "1:0.5"

[[questions]]
ask = "worst-case"

[[questions]]
name = "decisions"
ask = "worst-case"
failures = ["one-crash"]
argmax = true

[[questions]]
ask = "tolerance"
at-least = 2

[[questions]]
ask = "report"
most = 2
output = "report.html"          # written into the folder of results
"""


@app.command()
@click.argument("study", type=click.Path(path_type=Path), default="study.toml")
@click.option("--init", is_flag=True, help="Write an example study, with comments, to start from.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path),
              help="Where the answers are kept.  [default: beside STUDY, its name with -results]")  # fmt: skip
@opt.json_option
@refusals_have_exit_codes
def run(study: Path, init: bool, folder: Path | None, as_json: bool) -> None:
    """Ask the questions of a file, STUDY, and ask nothing twice.

    Every answer is a file of its own in the folder of results, with a summary beside them; after Ctrl-C the same
    command goes on from there. Exit code 1: something is violated, 3: something is unknown, 4: something did not work.
    """
    if init:
        if study.exists():
            raise click.UsageError(f"{study} exists: an example is written to a new file")
        with working_with(study):
            study.write_text(EXAMPLE, encoding="utf-8")
        click.echo(f"wrote {study}: withstand run {study} asks its questions")
        return
    source: Path = InputFile().convert(str(study), None, click.get_current_context())
    asked = read(source, app.commands)
    results = folder or source.with_name(f"{source.stem}-results")
    with working_with(results):
        results.mkdir(exist_ok=True)
    model = _loaded(asked)
    answers, code = _ask_all(asked, model, results)
    rows = [row(found) for found in answers]
    summarise(asked, model, results, answers)
    if as_json:
        show({"study": str(source), "folder": str(results), "network": asked.model,
              "fingerprint": model.network.fingerprint, "version": ws.__version__,
              "questions": [dict(zip(HEADER, r)) for r in rows]}, True)
    else:
        click.secho(f"{source}: {len(rows)} of {len(asked.questions)} questions answered, in {results}", bold=True)
        grid(HEADER[:-1], [row[:-1] for row in rows])
    sys.exit(code)


def _loaded(study: Study) -> opt.Model:
    """Return the network of a study, which its questions then find loaded."""
    context = click.get_current_context()
    path = study.file.parent / study.model
    model = opt.ModelType().convert(str(path) if path.exists() else study.model, None, context)
    context.meta[opt.LOADED] = {model.name: model}
    return model


def _ask_all(study: Study, model: opt.Model, results: Path) -> tuple[list[Found], int]:
    """Ask what is not answered yet; return the answers, each with the name of its file, and the exit code."""
    prepared = [_prepared(question, model, results) for question in study.questions]
    answers: list[Found] = []
    codes = {TOLERATED}
    for n, (question, (words, key, found)) in enumerate(zip(study.questions, prepared), start=1):
        file = results / f"{key}.json"
        if found is None:
            if watched():
                say(f"{n} of {len(prepared)}: {question.name}")
            code, answer = _ask(question, words, key, results)
            if code == INTERRUPTED:
                return answers, INTERRUPTED
            found = {"name": question.name, "command": question.command, "options": question.options,
                     "network": model.network.fingerprint, "version": ws.__version__, "exit_code": code,
                     "answer": answer}  # fmt: skip
            if code != DidNotWork.exit_code:  # what did not work is tried again
                _keep(file, found)
        codes |= {found["exit_code"], CODES.get(verdict_of(found), TOLERATED)}
        answers.append({**found, "name": question.name, "file": file.name})
    worst = next(code for code in (DidNotWork.exit_code, VIOLATED, UNKNOWN, TOLERATED) if code in codes)
    return answers, worst


def _prepared(question: Question, model: opt.Model, results: Path) -> tuple[list[str], str, Found | None]:
    """Return a question's words, the key of what is asked, and its answer where that is kept.

    What it says wrongly is refused here, before any work; what does not work is told when the question is asked.
    """
    command = app.commands[question.command]
    words = [model.name, *arguments(question, command, results), "--json"]
    contents: list[str] | None = None
    written: list[Path] = []
    with suppress(DidNotWork), _at(question):
        parsed = command.make_context(question.command, [*words], parent=click.get_current_context())
        read_here, written = ([value for p in command.params if isinstance(p.type, kind)
                               for value in [parsed.params.get(p.name or "")] if isinstance(value, Path)]
                              for kind in (InputFile, OutputFile))  # fmt: skip
        with working_with(None):
            contents = [sha256(file.read_bytes()).hexdigest() for file in read_here]
    asked = {"command": question.command, "options": question.options, "network": model.network.fingerprint,
             "files": contents, "version": ws.__version__}  # fmt: skip
    key = sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]
    found = _kept(results / f"{key}.json") if all(path.exists() for path in written) else None
    if found is None:
        with suppress(DidNotWork):
            _rehearse(question, words)
    return words, key, found


def _rehearse(question: Question, words: list[str]) -> None:
    """Run the command of a question up to where its work begins: it refuses what it would refuse when asked."""
    try:
        with rehearsal():
            _invoke(question, words, io.StringIO())
    except SystemExit as end:  # of what is no work at all
        if end.code == INTERRUPTED:
            raise


def _ask(question: Question, words: list[str], key: str, results: Path) -> tuple[int, Any]:
    """Run the command of a question; a checkpoint keeps what an interruption would lose."""
    command, checkpoint = app.commands[question.command], results / f"{key}.db"
    if any(p.name == "checkpoint" for p in command.params) and "checkpoint" not in question.options:
        words = [*words, f"--checkpoint={checkpoint}"]
    printed, code = io.StringIO(), TOLERATED
    try:
        _invoke(question, words, printed)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else TOLERATED
    except click.ClickException as error:  # also what only the work itself finds to be refused
        failure = error if isinstance(error, DidNotWork) else DidNotWork(error.message)
        failure.show()
        return failure.exit_code, failure.message
    if code != INTERRUPTED:
        checkpoint.unlink(missing_ok=True)
    return code, json.loads(printed.getvalue()) if code != INTERRUPTED else None


def _invoke(question: Question, words: list[str], printed: io.StringIO) -> None:
    """Run the command of a question with these words."""
    command = app.commands[question.command]
    with _at(question), redirect_stdout(printed):
        context = command.make_context(question.command, [*words], parent=click.get_current_context())
        with context:
            command.invoke(context)


@contextmanager
def _at(question: Question) -> Iterator[None]:
    """Say where in the study a question stands that the command refuses."""
    try:
        yield
    except click.BadParameter as error:
        keys = [o[2:] for o in getattr(error.param, "opts", ()) if o[:2] == "--"]
        key = next((key for key in keys if key in question.options), None)
        place = question.places[key] if key else question.place
        raise place.refuse(key, error.message) from error
    except click.UsageError as error:
        raise question.place.refuse(None, f"{question.name}: {error.message}") from error


def _kept(file: Path) -> dict[str, Any] | None:
    """Return an answer that was kept; a file that is none is asked for again."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("exit_code") in SAID else None


def _keep(file: Path, found: dict[str, Any]) -> None:
    """Write an answer so that it is there whole or not at all."""
    part = file.with_suffix(".part")
    with working_with(file):
        part.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        os.replace(part, file)
