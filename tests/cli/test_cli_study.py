# SPDX-License-Identifier: MIT
"""A study asks what its file says, keeps what is answered, and goes on from there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import withstand as ws

pytest.importorskip("click")
from click.testing import CliRunner
from commands import hit, withstand
from withstand.cli.commands import app
from withstand.cli.studying import EXAMPLE

NET, X, _ = ws.embedded("digits_small")
PAGE = Path(__file__).resolve().parents[2] / "docs/study.md"
HEAD = '[network]\nmodel = "digits_small"\n[inputs]\nrows = "0:2"\n'
TWO = HEAD + '[[questions]]\nask = "bound"\ncrash = 1\n[[questions]]\nask = "worst-case"\ncrash = 1\nepsilon = 0.1\n'


def study(folder: Path, text: str) -> str:
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["run", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def answers(folder: Path) -> dict[str, dict]:
    kept = [json.loads(f.read_text(encoding="utf-8")) for f in (folder / "study-results").glob("*.json")]
    return {entry["name"]: entry for entry in kept if "name" in entry}


def test_the_answers_are_those_of_the_library(tmp_path):
    code, text = run(study(tmp_path, TWO), "--json")
    assert code == 1
    rows = json.loads(text)["questions"]
    assert [(row["question"], row["verdict"]) for row in rows] == [
        ("1 bound", "answered"),
        ("2 worst-case", "violated"),
    ]
    kept = answers(tmp_path)
    assert kept["1 bound"]["answer"]["value"] == ws.bound(NET, ws.Crash(1), X[:2]).value
    assert kept["2 worst-case"]["answer"]["upper"] == ws.worst_case(NET, ws.Crash(1), X[:2]).upper
    assert kept["1 bound"]["network"] == NET.fingerprint
    for suffix in (".html", ".json", ".txt"):
        assert "2 worst-case" in (tmp_path / f"study-results/summary{suffix}").read_text(encoding="utf-8")


def test_verdicts_are_those_that_the_answers_state(tmp_path):
    """Of every command, those included whose own exit code tells no verdict."""
    asked = {"harden": "crash = 1\nepsilon = 9", "report": "most = 1\nepsilon = 9",
             "replicas": "crash = 1\nepsilon = 9", "inspect": "", "quorum": "epsilon = 9",
             "tolerance": "epsilon = 9", "bound": "crash = 1",
             "precision": "epsilon = 9", "worst-case": "crash = 1\nargmax = true"}  # fmt: skip
    text = HEAD + "".join(f'[[questions]]\nask = "{name}"\n{more}\n' for name, more in asked.items())
    code, said = run(study(tmp_path, text), "--json")
    verdicts = {row["command"]: row["verdict"] for row in json.loads(said)["questions"]}
    assert set(verdicts) == set(asked)
    for kept in answers(tmp_path).values():
        stated = (kept["answer"].get("statement") or {}).get("verdict")
        assert verdicts[kept["command"]] == (stated or "answered"), kept["command"]
    assert verdicts["harden"] == "tolerated" and verdicts["report"] == verdicts["tolerance"] != "answered"
    assert code == (1 if "violated" in verdicts.values() else 3 if "unknown" in verdicts.values() else 0)


def test_no_names_of_failures_leave_the_question_its_own_options(tmp_path):
    """Also where those that every question shares would be asked of."""
    failures = "[failures]\none = { crash = 1 }\ntwo = { crash = 2 }\n"
    text = HEAD + failures + '[[questions]]\nask = "bound"\nnoise = "0.5"\nfailures = []\n'
    assert run(study(tmp_path, text))[0] == 0
    (kept,) = answers(tmp_path).values()
    assert kept["name"] == "1 bound" and kept["answer"]["value"] == ws.bound(NET, ws.Noise(0.5), X[:2]).value
    code, said = run(study(tmp_path, text.replace('noise = "0.5"\n', "")))
    assert code == 2 and "say what may fail" in said


def test_nothing_is_asked_twice(tmp_path, monkeypatch):
    path, asked = study(tmp_path, TWO), []
    real = ws.bound

    def bound(*arguments, **options):
        found = real(*arguments, **options)  # which a rehearsal leaves
        asked.append(arguments)
        return found

    monkeypatch.setattr(ws, "bound", bound)
    first = run(path)
    assert (run(path), len(asked)) == (first, 1)
    study(tmp_path, TWO.replace('ask = "bound"\ncrash = 1', 'ask = "bound"\ncrash = 2'))
    run(path)
    assert len(asked) == 2
    for file in (tmp_path / "study-results").glob("*.json"):
        file.write_text("{", encoding="utf-8")  # cut
    run(path)
    assert len(asked) == 3


def test_other_inputs_are_another_question(tmp_path):
    np.save(tmp_path / "X.npy", X[:2])
    text = '[network]\nmodel = "digits_small"\n[inputs]\ninputs = "X.npy"\n[[questions]]\nask = "bound"\ncrash = 1\n'
    path, values = study(tmp_path, text), []
    for rows in (X[:2], X[5:6]):
        np.save(tmp_path / "X.npy", rows)
        assert run(path)[0] == 0
        values = sorted(entry["answer"]["value"] for f in (tmp_path / "study-results").glob("*.json")
                        for entry in [json.loads(f.read_text())] if "answer" in entry)  # fmt: skip
    assert values == sorted(ws.bound(NET, ws.Crash(1), rows).value for rows in (X[:2], X[5:6]))


def test_interrupted_and_resumed(tmp_path, sigint):
    """Ctrl-C in the second question: the first is kept, the second is asked when the command comes again."""
    path = study(tmp_path, TWO)
    at_work = "from withstand._rehearsal import rehearsed; rehearsed() or os.kill(os.getpid(), signal.SIGINT)"
    ended = withstand("run", path, before=hit("worst_case", at_work))
    assert (ended.returncode, ended.stderr) == (130, "interrupted\n")
    assert list(answers(tmp_path)) == ["1 bound"]
    ended = withstand("run", path, before=hit("bound", "raise AssertionError('asked again')"))
    assert (ended.returncode, ended.stderr) == (1, "")
    assert set(answers(tmp_path)) == {"1 bound", "2 worst-case"}


@pytest.mark.slow
def test_an_enumeration_goes_on_from_its_checkpoint(tmp_path, sigint):
    path = study(tmp_path, HEAD + '[[questions]]\nask = "enumerate"\ncrash = 4\nthreads = 1\n')
    waiting = f"""
import glob, threading, time
def when_it_is_there():
    while not glob.glob({str(tmp_path / "study-results/*.db")!r}):
        time.sleep(0.01)
    time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)
"""
    later = "threading.Thread(target=when_it_is_there, daemon=True).start()"
    ended = withstand("run", path, before=waiting + hit("enumerate_failures", later))
    assert ended.returncode in (0, 130)
    assert len(list((tmp_path / "study-results").glob("*.db"))) == (ended.returncode == 130)
    assert withstand("run", path).returncode == 0
    (kept,) = answers(tmp_path).values()
    assert kept["answer"]["worst"] == ws.enumerate_failures(NET, ws.Crash(4), X[:2]).worst
    assert list((tmp_path / "study-results").glob("*.db")) == []


def test_what_does_not_work_is_asked_again(tmp_path):
    (tmp_path / "bad.npy").write_bytes(b"no array")
    bad = '[[questions]]\nask = "bound"\ncrash = 1\ninputs = "bad.npy"\n'
    path = study(tmp_path, '[network]\nmodel = "digits_small"\n' + bad + '[[questions]]\nask = "inspect"\n')
    code, text = run(path)
    assert code == 4
    assert "did not work" in text
    assert list(answers(tmp_path)) == ["2 inspect"]
    np.save(tmp_path / "bad.npy", X[:1])
    assert run(path)[0] == 0


def test_a_file_that_is_missing_is_written_again(tmp_path):
    text = HEAD + '[[questions]]\nask = "report"\nmost = 1\nepsilon = 1\noutput = "page.html"\n'
    path, page = study(tmp_path, text), tmp_path / "study-results/page.html"
    first = run(path)
    page.unlink()
    assert run(path) == first
    assert page.read_text(encoding="utf-8").startswith("<!")


WRONG = [
    ("x = 1\n" + HEAD, "line 1: x: is no table"),
    (HEAD + "[question]\n", "did you mean 'questions'?"),
    ("[network]\n", "line 1: network.model: names the network"),
    (HEAD, "questions: a study asks something"),
    (HEAD + '[[questions]]\nask = "bund"\n', "line 6: questions.ask: is the command to run"),
    (
        HEAD + '[[questions]]\nask = "bound"\ncrsh = 1\n',
        "line 7: questions.crsh: there is no option --crsh; did you mean",
    ),
    (HEAD + '[[questions]]\nask = "bound"\ncrash = "x"\n', "line 7: questions.crash: 'x' is neither a count"),
    (HEAD + '[[questions]]\nask = "bound"\ncrash = 1\nargmax = 1\n', "line 8: questions.argmax: must be true or false"),
    (HEAD + '[[questions]]\nask = "bound"\ncrash = true\n', "line 7: questions.crash: must be a number"),
    (HEAD + '[[questions]]\nask = "bound"\n', "line 5: questions: 1 bound: say what may fail: --crash 2"),
    (
        HEAD + '[[questions]]\nask = "inspect"\n[[questions]]\nask = "bound"\ncrash = 99\n',
        "line 7: questions: 2 bound:",
    ),
    (
        HEAD + '[failures]\na = {crash = 1}\n[[questions]]\nask = "bound"\nfailures = "b"\n',
        "line 9: questions.failures",
    ),
    (HEAD + '[failures]\na = {crsh = 1}\n[[questions]]\nask = "bound"\n', "line 6: failures.crsh: there is no option"),
    (HEAD + '[failures.a]\ncrsh = 1\n[[questions]]\nask = "bound"\n', "line 6: failures.a.crsh: there is no option"),
    (
        HEAD + '[budgets]\nepsilon = "y"\n[[questions]]\nask = "bound"\ncrash = 1\n',
        "line 6: budgets.epsilon: epsilon must",
    ),
    (HEAD + "a = \n", "Invalid value (at line 5"),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=lambda v: v[-40:])
def test_what_a_study_says_wrongly(text, said, tmp_path):
    code, output = run(study(tmp_path, text))
    assert code == 2
    assert said in " ".join(output.split())
    assert answers(tmp_path) == {}


def test_init(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("--init")[0] == 0
    assert (tmp_path / "study.toml").read_text(encoding="utf-8") == EXAMPLE
    assert run("--init")[0] == 2  # it is there
    code, text = run()
    assert code == 1  # one crash changes a decision
    assert "6 of 6 questions answered" in text
    assert (tmp_path / "study-results/report.html").exists()


def test_the_page(tmp_path, monkeypatch):
    page = PAGE.read_text(encoding="utf-8")
    (example,) = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    study(tmp_path, example)
    (tmp_path / "misspelt.toml").write_text(HEAD + "\n[[questions]]\nask = 'bound'\ncrash = 1\nepsilom = 1\n")
    unfit = HEAD + '[[questions]]\nask = "inspect"\n[[questions]]\nask = "worst-case"\ncrash = 65\n'
    (tmp_path / "unfit.toml").write_text(unfit)
    shown = re.findall(r"^```console\n\$ withstand (.*?)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    for words, said in shown:
        ended = CliRunner().invoke(app, words.split())
        lines = [line.rstrip() for line in (ended.stdout or ended.output.partition("\n\n")[2]).splitlines()]
        assert lines == said.splitlines()
    assert len(shown) == 3
