# SPDX-License-Identifier: MIT
"""`withstand enumerate`: what it answers, its exit codes, and a run that is watched, interrupted and resumed."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys

import pytest
import withstand as ws

pytest.importorskip("click")
from click.testing import CliRunner
from withstand.cli.applications import app

NET, X, _ = ws.embedded("digits_small")


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["enumerate", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_says_what_the_function_says():
    code, text = run("digits_small", "-k", "2", "--rows", "0:4", "--json")
    found, answer = ws.enumerate_failures(NET, ws.Crash(2), X[:4]), json.loads(text)
    assert code == 0
    assert (answer["status"], answer["done"], answer["evaluations"]) == ("complete", found.done, found.evaluations)
    assert [answer[key] for key in ("worst", "mean", "std", "median")] == [
        found.worst, found.mean, found.std, found.quantile(0.5)
    ]  # fmt: skip
    assert [tuple(site) for site in answer["failed"]] == list(found.witness.failed)


def test_ranks_the_components():
    arguments = ("digits_small", "-k", "1", "--rows", "0:4", "--components")
    found = ws.enumerate_failures(NET, ws.Crash(1), X[:4], components=True)
    code, text = run(*arguments)
    header, *table = text.splitlines()[-11:]
    assert (code, header.split()) == (0, ["component", "worst", "mean", "configurations"])
    assert [re.findall(r"\(\d+, \d+\)|\S+", line)[0] for line in table] == [str(c) for c in found.critical()[:10]]
    answer = json.loads(run(*arguments, "--json")[1])["components"]
    assert {tuple(c.pop("component")): ws.ComponentErrors(**c) for c in answer} == found.components
    assert "components" not in json.loads(run(*arguments[:-1], "--json")[1])


@pytest.mark.parametrize(("epsilon", "code"), [("100", 0), ("1", 1)])
def test_exit_code_is_the_verdict(epsilon, code):
    assert run("digits_small", "-k", "1", "--rows", "0:4", "-e", epsilon)[0] == code


def test_refusals(tmp_path):
    code, text = run("digits_small", "-k", "65")
    assert (code, "64 neurons can fail, not 65" in text) == (2, True)
    path = str(tmp_path / "run.db")
    assert run("digits_small", "-k", "1", "--rows", "0:4", "--checkpoint", path)[0] == 0
    code, text = run("digits_small", "-k", "2", "--rows", "0:4", "--checkpoint", path)
    assert (code, "another problem: failures" in text) == (4, True)
    code, text = run("digits_small", "--stuck", "1:1e305", "--rows", "0:4")
    assert (code, "layer 1: a transmitted value may reach 1e+305" in text) == (4, True)


class Terminal:
    """The command with its standard error on a terminal and its answer in a pipe."""

    def __init__(self, *arguments: str) -> None:
        self._screen, screen = pty.openpty()
        command = [sys.executable, "-c", "from _withstand_command.entry import main; main()", "enumerate", *arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=screen)
        os.close(screen)
        self.shown = ""

    def watch(self, share: float) -> None:
        """Read the screen until the bar has come so far."""
        while max(map(float, re.findall(r"([\d.]+)%", self.shown)), default=-1.0) < share:
            self.shown += os.read(self._screen, 4096).decode()

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def end(self) -> tuple[int, dict[str, object]]:
        try:  # first: a command waits for a full terminal to be read
            while text := os.read(self._screen, 4096):
                self.shown += text.decode()
        except OSError:  # a terminal that nobody writes to any more
            pass
        answer, _ = self._process.communicate(timeout=600)
        os.close(self._screen)
        return self._process.returncode, json.loads(answer)


@pytest.mark.slow
def test_watched_interrupted_and_resumed(sigint, tmp_path):
    path = str(tmp_path / "run.db")
    arguments = ("digits_small", "-k", "5", "--rows", "0:40", "-t", "1", "--json")
    first = Terminal(*arguments, "--checkpoint", path)
    first.watch(10.0)
    first.interrupt()
    code, answer = first.end()
    assert (code, answer["status"]) == (130, "interrupted")
    assert 0 < answer["done"] < answer["configurations"] == 8_303_633
    assert re.match(r"8,303,633 configurations x 40 inputs, about [\d.]+ (s|min)\r\n", first.shown)
    assert re.search(r"#+ +[\d.]+%  [\d,]+ of 8,303,633  [\d,]+/s  [\d.]+ (s|min) left", first.shown)
    assert f"{path} keeps what is done" in first.shown.replace("\r\n", "")

    second = Terminal(*arguments, "--checkpoint", path)
    code, resumed = second.end()
    shares = list(map(float, re.findall(r"([\d.]+)%", second.shown)))
    assert code == 0
    assert shares[0] >= 9.0  # it did not begin again
    assert shares[-1] == 100.0
    whole = json.loads(run(*arguments)[1])
    for answer in (resumed, whole):
        del answer["seconds"], answer["statement"]["command"]
    assert resumed == whole


@pytest.mark.slow
def test_an_interrupted_run_gives_no_verdict(sigint):
    endless = Terminal("digits_small", "-k", "9", "--rows", "0:4", "-t", "1", "--json", "-e", "1")
    endless.watch(0.0)
    endless.interrupt()
    code, answer = endless.end()
    assert (code, answer["status"]) == (130, "interrupted")
    assert answer["worst"] > 1  # known, and yet no answer to what was asked
