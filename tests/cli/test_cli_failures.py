# SPDX-License-Identifier: MIT
"""What does not work says so in one line and with exit code 4: streams, files, libraries, memory; NaN is refused."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("click")
from click.testing import CliRunner
from commands import command, hit, with_limit, withstand
from withstand.cli.arrays import read
from withstand.cli.commands import app

FEW = ("digits_small", "--rows", "0:2")
BOUND = ("bound", *FEW, "-k", "1")
ANSWER = {
    "inspect": ("digits_small",),
    "bound": (*FEW, "-k", "1", "--json"),
    "enumerate": (*FEW, "-k", "1"),
    "report": ("diabetes", "--rows", "0:2", "-e", "0.5", "--most", "1"),
    "tolerance": (*FEW, "-e", "1"),
    "--help": (),
    "--version": (),
}
WRITERS = {
    "--checkpoint": ("enumerate", *FEW, "-k", "1"),
    "--certificate": ("worst-case", *FEW, "-k", "1"),
    "--plot": ("tolerance", "diabetes", "--rows", "0:1", "-e", "0.5", "--samples", "2"),
    "--output": ("precision", *FEW, "-e", "1"),
    "-o": ("report", "diabetes", "--rows", "0:1", "-e", "0.5", "--most", "1"),
}
SUFFIX = {"--plot": ".svg", "-o": ".html", "--output": ".npz"}


def failed(ended: subprocess.CompletedProcess[str], *parts: str) -> None:
    """Check that the command ended with 4 and one line that holds the parts."""
    assert ended.returncode == 4, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.startswith("Error: ")
    assert all(part in line for part in parts), line


def shell(redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = ["bash", "-o", "pipefail", "-c", f'"$@" {redirection}', "bash", *command(*arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize("name", ANSWER)
def test_full_standard_output(name):
    failed(shell("> /dev/full", name, *ANSWER[name]), "standard output: No space left on device")


@pytest.mark.parametrize("name", ANSWER)
def test_closed_standard_output(name):
    failed(shell(">&-", name, *ANSWER[name]), "standard output is closed")


def test_output_that_outgrows_a_limit(tmp_path):
    with (tmp_path / "answer").open("w") as file:
        ended = withstand("inspect", "digits_small", before=with_limit("RLIMIT_FSIZE", 10), stdout=file)
    failed(ended, "standard output: File too large")


def test_a_reader_who_left():
    failed(shell("| true", *BOUND), "standard output: Broken pipe")


@pytest.mark.parametrize("redirection", ["2>&-", "2> /dev/full"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((*BOUND, "-e", "1000"), 0),
        ((*BOUND, "-e", "0.001"), 3),
        (("enumerate", *FEW, "-k", "1", "-e", "0.001"), 1),
        (("worst-case", *FEW, "-k", "1", "-e", "0.001"), 1),
        ((*BOUND, "-e", "nan"), 2),
        (("inspect", "/dev/null"), 4),
    ],
)
def test_standard_error_that_takes_nothing(redirection, arguments, code):
    ended = shell(redirection, *arguments)
    assert (ended.returncode, ended.stderr) == (code, "")
    assert bool(ended.stdout) == (code in (0, 1, 3))


def test_all_streams_closed():
    assert shell("<&- >&- 2>&-", *BOUND).returncode == 4


def test_no_file_gets_the_number_of_a_closed_stream(tmp_path):
    """An interruption writes to number 2, whatever is open there."""
    path = tmp_path / "certificate"
    ended = shell("2>&-", *WRITERS["--certificate"], "--certificate", str(path))
    assert ended.returncode == 0
    kept = path.read_bytes()
    ended = shell("<&- 2>&-", *WRITERS["--certificate"], "--certificate", str(path))
    assert (ended.returncode, path.read_bytes()) == (0, kept)
    started = "import os, sys\nfrom _withstand_command.entry import _keep_numbers\nos.close(2)\n_keep_numbers()\n"
    code = started + "sys.exit(os.readlink('/proc/self/fd/2') != os.devnull)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@pytest.mark.parametrize("option", WRITERS)
def test_a_folder_that_is_missing_is_noticed_before_the_work(option):
    before = hit(WRITERS[option][0].replace("-", "_").replace("enumerate", "enumerate_failures"), "raise KeyError(0)")
    path = f"no/folder/file{SUFFIX.get(option, '')}"
    failed(withstand(*WRITERS[option], option, path, before=before), path, "there is no folder no/folder")


@pytest.mark.parametrize("option", WRITERS)
def test_a_disk_that_is_full(option, tmp_path):
    if option == "--plot":
        pytest.importorskip("matplotlib")
    path = tmp_path / f"file{SUFFIX.get(option, '')}"
    ended = withstand(*WRITERS[option], option, str(path), before=with_limit("RLIMIT_FSIZE", 100))
    failed(ended, str(path))


def test_a_disk_that_fills_up_costs_no_answer(tmp_path):
    path = tmp_path / "run.db"
    arguments = ("enumerate", "digits", "-k", "3", "--checkpoint", str(path))
    ended = withstand(*arguments, before=with_limit("RLIMIT_FSIZE", 100_000))
    failed(ended, str(path), "keeps no more shards")
    assert "(complete)" in ended.stdout


@pytest.mark.parametrize("option", WRITERS)
def test_a_folder_instead_of_a_file_to_write(option, tmp_path):
    path = tmp_path / f"folder{SUFFIX.get(option, '')}"
    path.mkdir()
    assert withstand(*WRITERS[option], option, str(path)).returncode == 2


@pytest.mark.parametrize("place", ["model", "inputs", "certificate"])
@pytest.mark.parametrize("suffix", ["npz", "nnet", "onnx", "npy", "csv"])
def test_a_pipe_is_no_file(place, suffix, tmp_path):
    """Nobody writes to it: to open it would be to wait for ever."""
    path = str(tmp_path / f"pipe.{suffix}")
    os.mkfifo(path)
    arguments = {"model": ("inspect",), "inputs": (*BOUND, "--inputs"), "certificate": ("check",)}[place]
    more = ("digits",) if place == "certificate" else ()
    failed(withstand(*arguments, path, *more, timeout=60), path, "not a regular file")


@pytest.mark.parametrize("suffix", ["npz", "npy", "csv"])
@pytest.mark.parametrize("content", [b"", b"\x93NUMPY\x01\x00", b"PK\x03\x04, no more", b"1,2\n3,x\n", b"\xff\xfe\x00"])
def test_inputs_that_cannot_be_read(suffix, content, tmp_path):
    path = tmp_path / f"inputs.{suffix}"
    path.write_bytes(content)
    failed(withstand(*BOUND, "--inputs", str(path)), str(path))


def test_tables_of_spreadsheets(tmp_path):
    path = tmp_path / "inputs.csv"
    path.write_bytes(b"\xef\xbb\xbf1,2\r\n3,4\r\n")  # with the mark that spreadsheets begin it with
    assert read(path).tolist() == [[1, 2], [3, 4]]
    for text in ("a,b\n1,2\n", "1;2\n3;4\n"):
        path.write_text(text)
        said = "lines of numbers separated by commas, and no header"
        failed(withstand(*BOUND, "--inputs", str(path)), str(path), said)


@pytest.mark.parametrize("name", ["numpy", "click", "withstand._core"])
def test_a_library_that_is_missing(name):
    before = f"import sys; sys.modules[{name!r}] = None"
    said = 'needs click: pip install "withstand[cli]"' if name == "click" else "cannot start: "
    failed(withstand("inspect", "digits_small", before=before), said, name)


def test_a_library_that_is_broken(tmp_path):
    (tmp_path / "numpy.py").write_text("raise ImportError('a page\\nof advice') from OSError('the cause')\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    failed(withstand("inspect", "digits_small", env={"PYTHONPATH": path}), "cannot start: the cause")


@pytest.mark.slow
@pytest.mark.parametrize("megabytes", [20, 40, 60, 80, 100, 120, 140, 160, 200])
def test_memory_that_is_too_little(megabytes):
    """Whichever library it is that cannot be mapped, or that ends the process: never a verdict that is not there."""
    before = with_limit("RLIMIT_AS", megabytes << 20)
    ended = withstand("enumerate", *FEW, "-k", "1", "-e", "1000", before=before)
    assert ended.returncode in (0, 4)
    assert "Traceback" not in ended.stderr
    assert bool(ended.stdout) == (ended.returncode == 0)
    assert len(ended.stderr.splitlines()) == (ended.returncode == 4)


def test_a_library_that_ends_the_process():
    before = hit("bound", "import ctypes; ctypes.CDLL(None).exit(1)")
    assert withstand(*BOUND, before=before).returncode == 4


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ("raise MemoryError", "not enough memory"),
        ("raise OverflowError('too large')", "too large"),
        ("raise EOFError", "unexpected EOFError"),
        ("raise KeyError('key')", "unexpected KeyError: 'key'"),
        ("raise AssertionError", "unexpected AssertionError"),
        ("raise RuntimeError('two\\nlines')", "unexpected RuntimeError: two lines"),
        ("raise OSError(5, 'Input/output error', 'a file')", "a file: Input/output error"),
        ("raise ImportError('needs something')", "needs something"),
        ("raise UnicodeDecodeError('utf-8', b'', 0, 1, 'why')", "why"),
    ],
)
def test_what_the_library_may_raise(then, said):
    ended = withstand(*BOUND, before=hit("bound", then))
    failed(ended, said)
    assert ended.stderr.endswith("(WITHSTAND_DEBUG=1 shows where)\n")
    ended = withstand(*BOUND, before=hit("bound", then), env={"WITHSTAND_DEBUG": "1"})
    assert ended.returncode == 4
    assert ended.stderr.startswith("Traceback (most recent call last):")
    assert said in ended.stderr.splitlines()[-1]


def test_a_warning_is_one_line():
    ended = withstand(*BOUND, before=hit("bound", "import warnings; warnings.warn('a file is lost', stacklevel=1)"))
    assert (ended.returncode, ended.stderr) == (0, "Warning: a file is lost\n")


EPSILON = {
    "bound": (*FEW, "-k", "1"),
    "enumerate": (*FEW, "-k", "1"),
    "worst-case": (*FEW, "-k", "1"),
    "tolerance": FEW,
    "reliability": (*FEW, "-p", "0.01"),
    "criticality": FEW,
    "precision": FEW,
    "quorum": FEW,
    "replicas": (*FEW, "-k", "1"),
    "harden": (*FEW, "-k", "1"),
    "report": FEW,
}


@pytest.mark.parametrize("name", EPSILON)
@pytest.mark.parametrize("value", ["nan", "-1", "abc", "inf", "1e999999999", "-nan", ""])
def test_one_parser_of_budgets(name, value):
    ended = CliRunner().invoke(app, [name, *EPSILON[name], "--epsilon", value])
    assert ended.exit_code == 2
    assert "epsilon must be" in ended.output


def test_every_budget_is_in_the_table():
    takes = {name for name, c in app.commands.items() if any(p.name == "epsilon" for p in c.params)}
    assert takes == set(EPSILON)


@pytest.mark.parametrize(
    "arguments",
    [
        ("worst-case", *FEW, "-k", "1", "--gap"),
        ("worst-case", *FEW, "-k", "1", "--time-limit"),
        ("worst-case", "digits_small", "--rows", "0", "-k", "1", "--radius"),
        ("bound", *FEW, "--noise"),
        ("bound", *FEW, "--stuck=1:"),
        ("bound", *FEW, "--byzantine=1:"),
        ("bound", *FEW, "--deviation=1:"),
        ("bound", *FEW, "--synapse-byzantine=1:"),
        ("tolerance", *FEW, "-e", "1", "--of=stuck:"),
        ("reliability", *FEW, "-e", "1", "-p"),
        ("reliability", *FEW, "-e", "1", "-p=0.1,"),
        ("reliability", *FEW, "-e", "1", "-p", "0.01", "--target"),
        ("reliability", *FEW, "-e", "1", "-p", "0.01", "--confidence"),
        ("quorum", *FEW, "-e", "1", "--latency=pareto:"),
    ],
)
def test_nan_is_no_number(arguments):
    joined = [*arguments[:-1], arguments[-1] + "nan"] if arguments[-1][-1] in ":,=" else [*arguments, "nan"]
    ended = CliRunner().invoke(app, joined)
    assert ended.exit_code == 2
    assert "Error: Invalid value for" in ended.output
