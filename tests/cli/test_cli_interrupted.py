# SPDX-License-Identifier: MIT
"""Ctrl-C in the middle of long work: exit code 130, one line, and what is known so far where something is."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

pytest.importorskip("click")
from commands import command, hit, withstand

#: A second after the function of the library has begun.
LATER = "import threading; threading.Timer(1.0, os.kill, [os.getpid(), signal.SIGINT]).start()"
#: More than anyone waits for.
KEEPING = {
    "enumerate_failures": ("enumerate", "digits", "-k", "9"),
    "worst_case": ("worst-case", "digits", "--byzantine", "3:1", "--rows", "3", "--radius", "0.3"),
}
ENDLESS = {
    **KEEPING,
    "criticality": ("criticality", "digits", "-k", "4"),
    "reliability": ("reliability", "digits", "-p", "0.01", "-e", "13", "--evaluations", "100000000000"),
    "quorum": ("quorum", "digits", "-e", "13", "--runs", "100000000"),
    "tolerance": ("tolerance", "digits", "-e", "13", "--samples", "100000000"),
    "harden": ("harden", "digits", "-k", "5", "-e", "10"),
    "report": ("report", "digits", "-e", "13", "--most", "60"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDLESS)
def test_in_the_middle(name, sigint):
    ended = withstand(*ENDLESS[name], before=hit(name, LATER))
    assert (ended.returncode, ended.stderr) == (130, "interrupted\n")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "epsilon"), [(name, e) for name in KEEPING for e in ("0.001", "1000")])
def test_what_is_known_is_no_verdict(name, epsilon, sigint):
    ended = withstand(*KEEPING[name], "-e", epsilon, "--json", before=hit(name, LATER))
    answer = json.loads(ended.stdout)
    assert (ended.returncode, answer["status"]) == (130, "interrupted")
    assert answer.get("lower", answer.get("worst")) > 0.001
    assert answer.get("upper", float("inf")) >= answer.get("lower", 0)


@pytest.mark.slow
def test_the_checkpoint_is_named(sigint, tmp_path):
    path = tmp_path / "run.db"
    arguments = (*KEEPING["enumerate_failures"], "--checkpoint", str(path))
    ended = withstand(*arguments, before=hit("enumerate_failures", LATER))
    assert ended.returncode == 130
    assert ended.stderr == f"interrupted: {path} keeps what is done, the same command goes on from there\n"


@pytest.mark.parametrize("module", ["numpy", "withstand._core", "withstand.report", "click", "withstand.cli.app"])
def test_while_libraries_are_imported(module, sigint):
    before = f"""
import _withstand_command.entry, os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())"""
    ended = withstand("inspect", "digits_small", before=before)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "interrupted\n")


def test_where_python_cannot_raise(sigint):
    """The end of an object swallows every exception, and prints it."""
    then = "type('T', (), {'__del__': lambda self: (os.kill(os.getpid(), signal.SIGINT), os.getcwd())})()"
    ended = withstand("worst-case", "digits_small", "-k", "1", before=hit("worst_case", then))
    assert (ended.returncode, ended.stderr) == (130, "interrupted\n")


def test_after_the_answer(sigint):
    """All is said: the end of the interpreter changes nothing."""
    before = "import atexit, os, signal; atexit.register(os.kill, os.getpid(), signal.SIGINT)"
    ended = withstand("inspect", "digits_small", before=before)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_twice(sigint):
    before = hit("bound", "os.kill(os.getpid(), signal.SIGINT)")
    before += "\nwrite = os.write\nos.write = lambda *what: (os.kill(os.getpid(), signal.SIGINT), write(*what))"
    ended = withstand("bound", "digits_small", "-k", "1", before=before)
    assert (ended.returncode, ended.stderr) == (130, "interrupted\n")


def test_ignored_where_it_was_ignored_before():
    """A job in the background goes on."""
    arguments = command("bound", "digits_small", "-k", "1", before=hit("bound", "os.kill(os.getpid(), signal.SIGINT)"))
    ended = subprocess.run(
        arguments, capture_output=True, text=True, check=False, timeout=60,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
