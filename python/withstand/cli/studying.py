# SPDX-License-Identifier: MIT
"""The command that asks what a file says, and asks nothing twice."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

import withstand as ws
from withstand.cli import options as opt
from withstand.cli.app import app
from withstand.cli.output import CODES, INTERRUPTED, TOLERATED, UNKNOWN, VIOLATED, grid, show, text, watched
from withstand.cli.parameters import InputFile, OutputFile
from withstand.cli.refusals import DidNotWork, refusals_have_exit_codes, say, working_with
from withstand.cli.study import Question, Study, arguments, read
from withstand.report.text import Section

#: What an exit code says of a question.
SAID = {TOLERATED: "tolerated", VIOLATED: "violated", UNKNOWN: "unknown", DidNotWork.exit_code: "did not work"}
#: Columns of the summary.
HEADER = ("question", "command", "verdict", "answer", "file")
#: What an answer says in the summary, of what it has.
SUMMED = ("lower", "upper", "guaranteed", "breaking", "value", "worst", "bound", "accuracy", "copies", "at_least")

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
    rows, code = _ask_all(asked, model, results)
    _summarise(asked, model, results, rows)
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


def _ask_all(study: Study, model: opt.Model, results: Path) -> tuple[list[tuple[Any, ...]], int]:
    """Ask what is not answered yet; return the rows of the summary and the exit code."""
    prepared = [_prepared(question, model, results) for question in study.questions]
    rows: list[tuple[Any, ...]] = []
    codes = {TOLERATED}
    for n, (question, (words, key, written)) in enumerate(zip(study.questions, prepared), start=1):
        file = results / f"{key}.json"
        found = _kept(file) if all(path.exists() for path in written) else None
        if found is None:
            if watched():
                say(f"{n} of {len(prepared)}: {question.name}")
            code, answer = _ask(question, [model.name, *words, "--json"], key, results)
            if code == INTERRUPTED:
                return rows, INTERRUPTED
            found = {"name": question.name, "command": question.command, "options": question.options,
                     "network": model.network.fingerprint, "version": ws.__version__, "exit_code": code,
                     "answer": answer}  # fmt: skip
            if code != DidNotWork.exit_code:  # what did not work is tried again
                _keep(file, found)
        codes |= {found["exit_code"], CODES.get(_verdict(found), TOLERATED)}
        rows.append(_row(question, found, file.name))
    worst = next(code for code in (DidNotWork.exit_code, VIOLATED, UNKNOWN, TOLERATED) if code in codes)
    return rows, worst


def _prepared(question: Question, model: opt.Model, results: Path) -> tuple[list[str], str, list[Path]]:
    """Return a question's words, the key of what is asked, and the files that it writes.

    What it says wrongly is refused here, before any work.
    """
    command = app.commands[question.command]
    words = arguments(question, command, results)
    with _at(question):
        parsed = command.make_context(question.command, [model.name, *words], parent=click.get_current_context())
    read_here, written = ([value for p in command.params if isinstance(p.type, kind)
                           for value in [parsed.params.get(p.name or "")] if isinstance(value, Path)]
                          for kind in (InputFile, OutputFile))  # fmt: skip
    contents = [sha256(file.read_bytes()).hexdigest() for file in read_here]
    asked = {"command": question.command, "options": question.options, "network": model.network.fingerprint,
             "files": contents, "version": ws.__version__}  # fmt: skip
    return words, sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16], written


def _ask(question: Question, words: list[str], key: str, results: Path) -> tuple[int, Any]:
    """Run the command of a question; a checkpoint keeps what an interruption would lose."""
    command, checkpoint = app.commands[question.command], results / f"{key}.db"
    if any(p.name == "checkpoint" for p in command.params) and "checkpoint" not in question.options:
        words = [*words, f"--checkpoint={checkpoint}"]
    printed, code = io.StringIO(), TOLERATED
    try:
        with _at(question), redirect_stdout(printed):
            context = command.make_context(question.command, words, parent=click.get_current_context())
            with context:
                command.invoke(context)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else TOLERATED
    except DidNotWork as error:
        error.show()
        return error.exit_code, error.message
    if code != INTERRUPTED:
        checkpoint.unlink(missing_ok=True)
    return code, json.loads(printed.getvalue()) if code != INTERRUPTED else None


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


def _verdict(found: dict[str, Any]) -> str:
    """Return what the answer itself states; "answered" where that is no verdict, as nobody said what harm is."""
    if found["exit_code"] != TOLERATED:
        return SAID[found["exit_code"]]
    statement = found["answer"].get("statement") or {}
    return statement.get("verdict") or "answered"


def _row(question: Question, found: dict[str, Any], file: str) -> tuple[Any, ...]:
    answer, verdict = found["answer"], _verdict(found)
    if isinstance(answer, dict):
        single = {key: answer[key] for key in SUMMED if isinstance(answer.get(key), (int, float, str))}
        answer = ", ".join(f"{key.replace('_', ' ')} {text(value)}" for key, value in single.items())
    return question.name, question.command, verdict, answer, file


def _summarise(study: Study, model: opt.Model, results: Path, rows: list[tuple[Any, ...]]) -> None:
    said = f"{len(rows)} of {len(study.questions)} questions about {study.model} are answered; "
    said += f"fingerprint {model.network.fingerprint}, withstand {ws.__version__}."
    table = Section("questions", "Questions", said, HEADER, tuple(rows))
    for suffix in (".html", ".json", ".txt"):
        with working_with(results / f"summary{suffix}"):
            ws.Report(str(study.file), (table,)).save(results / f"summary{suffix}")
