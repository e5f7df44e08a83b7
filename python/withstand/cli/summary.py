# SPDX-License-Identifier: MIT
"""What a study found, on one page: every answer on a line, and below, question by question, what it is about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import withstand as ws
from withstand.cli.options import Model
from withstand.cli.output import TOLERATED, UNKNOWN, VIOLATED, text
from withstand.cli.refusals import DidNotWork, working_with
from withstand.cli.study import Study
from withstand.report.text import Section
from withstand.statement import Statement, word_of

#: An answer as it is kept: the question's name, its command and options, the exit code, and what the command printed.
Found = dict[str, Any]

#: What an exit code says of a question.
SAID = {TOLERATED: "tolerated", VIOLATED: "violated", UNKNOWN: "unknown", DidNotWork.exit_code: "did not work"}
#: Columns of the summary.
HEADER = ("question", "command", "verdict", "answer", "file")
#: What an answer says in the summary, of what it has.
SUMMED = ("lower", "upper", "guaranteed", "breaking", "value", "worst", "bound", "accuracy", "copies", "at_least")
#: Failed components of a witness that are named.
SHOWN = 12


def verdict_of(found: Found) -> str:
    """Return what the answer itself states; "answered" where that is no verdict, as nobody said what harm is."""
    if found["exit_code"] != TOLERATED:
        return SAID[found["exit_code"]]
    statement = found["answer"].get("statement") or {}
    return statement.get("verdict") or "answered"


def row(found: Found) -> tuple[Any, ...]:
    """Return the line of an answer, under `HEADER`."""
    answer = found["answer"]
    if isinstance(answer, dict):
        single = {key: answer[key] for key in SUMMED if isinstance(answer.get(key), (int, float, str))}
        answer = ", ".join(f"{key.replace('_', ' ')} {text(value)}" for key, value in single.items())
    return found["name"], found["command"], verdict_of(found), answer, found["file"]


def summarise(study: Study, model: Model, results: Path, answers: list[Found]) -> None:
    """Write the summary of the answers, each with its name and its file, as .html, .json and .txt."""
    said = f"{len(answers)} of {len(study.questions)} questions about {study.model} are answered; "
    said += f"fingerprint {model.network.fingerprint}, withstand {ws.__version__}."
    table = Section("questions", "Questions", said, HEADER, tuple(map(row, answers)))
    each = [_section(n, found) for n, found in enumerate(answers, start=1)]
    for suffix in (".html", ".json", ".txt"):
        with working_with(results / f"summary{suffix}"):
            ws.Report(str(study.file), (table, *each)).save(results / f"summary{suffix}")


def _section(number: int, found: Found) -> Section:
    """Tell what one answer is a statement about, and who attains it."""
    name, command, verdict, answer, file = row(found)
    told = found["answer"].get("statement") if isinstance(found["answer"], dict) else None
    lines = {} if told is None else dict(Statement.of(told).lines())
    rows = tuple({"answer": answer, **lines, **_witness(found["answer"], told)}.items())
    return Section(f"question-{number}", name, f"{command}: {verdict}; {file}.", ("what", "is"), rows)


def _witness(answer: Any, told: Any) -> dict[str, str]:
    """Return the failures that attain what is witnessed, in words, where there are any."""
    if not isinstance(answer, dict) or told is None or not isinstance(answer.get("failed"), list):
        return {}
    ways = {_component(of): bits for of, bits in answer.get("ways", ())}
    names = [f"channel {_component(channel)}" for channel in answer.get("channels", ())]
    together = {_component(part) for group in answer.get("groups", ()) for part in group} if names else set()
    for component in map(_component, answer["failed"]):
        if component not in together:
            names.append(f"{component} bit {_component(ways[component])}" if component in ways else str(component))
    more = [f"{len(names) - SHOWN:,} more"] if len(names) > SHOWN else []
    harm = f"{word_of(told['spec'] == 'argmax')} {text(answer['error'])}"
    failed = ", ".join([*names[:SHOWN], *more]) or "nothing"
    return {"witness": f"failed {failed}; input {answer['input_index']}, output {answer['output']}: {harm}"}


def _component(plain: Any) -> Any:
    """Return what JSON has as lists as the tuple that it was."""
    return tuple(map(_component, plain)) if isinstance(plain, list) else plain
