# SPDX-License-Identifier: MIT
"""What the library refuses is said in the words of the command line, whichever module refuses it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

pytest.importorskip("click")
from click.testing import CliRunner
from withstand.cli.commands import app
from withstand.cli.saying import in_options

PACKAGE = Path(__file__).resolve().parents[2] / "python/withstand"
FEW = ("digits_small", "--rows", "0:2")

REFUSED = [
    (("enumerate", *FEW, "--byzantine", "1:1"), "--byzantine 1:1: a failed component", "use withstand worst-case"),
    (("enumerate", *FEW, "--noise", "0.5"), "--noise 0.5: ", "use withstand worst-case"),
    (("bound", *FEW, "--weight-flip", "1"), "--weight-flip 1: parameter", "round the network first: --rounded int8"),
    (("bound", *FEW, "-k", "65"), "--crash 65: ", "64 neurons can fail"),
    (("bound", *FEW, "-k", "65", "--exactly"), "--crash 65 --exactly: ", "64 neurons can fail"),
    (("bound", *FEW, "--stuck", "1,2,3:0.5"), "--stuck 1,2,3:0.5: ", "3 counts for 2 hidden layers"),
    (("bound", *FEW, "-k", "1,0,0", "--noise", "1"), "--crash 1,0,0", "3 counts"),
    (("bound", *FEW, "--deviation", "99:1"), "--deviation 99:1: ", "can fail"),
    (("bound", *FEW, "--stuck", "1:inf"), "--stuck: ", "must be finite"),
    (("bound", *FEW, "--bit-flip", "1", "--bits", "8"), "--bit-flip: --bits are", "0 to 7"),
    (("bound", *FEW, "--bit-flip", "1", "--clamp", "2:1"), "--bit-flip: --clamp must be LOW:HIGH", "(2.0, 1.0)"),
    (("bound", *FEW, "--bit-flip", "1", "--format", "float32", "--scale", "1"), "--bit-flip: --scale", "floats"),
    (("bound", *FEW, "-k", "2", "--method", "fep"), "fep: --crash 2 is an at-most", "at-most, or --exactly"),
    (("bound", *FEW, "--noise", "1", "--method", "split"), "split: does not cover --noise 1,", "covers --crash and"),
    (("report", *FEW, "--weight-flips", "1"), "no option --weight-flips: a report is about crashed", "--weight-flip)"),
    (("report", *FEW, "--noise", "1"), "no option --noise: a report is about crashed", "in a study (withstand run)"),
    (("criticality", *FEW, "--channel", "1"), "no option --channel: neurons are ranked", "enumerate --channel --comp"),
    (("criticality", *FEW, "-k", "65"), "--crash must lie between", "hidden neurons"),
    (("reliability", *FEW, "-p", "0.1,0.1,0.1", "-e", "1"), "--p has shape", "2 for the layers"),
    (("reliability", *FEW, "-p", "7", "-e", "1"), "--p must lie in [0, 1]", "got"),
    (("precision", *FEW, "-e", "1", "--no-weights", "--no-activations"), "nothing to quantise", "leave out --no-act"),
    (("precision", *FEW, "-e", "1e-30"), "--epsilon 1e-30 needs more than", "bits"),
    (("quorum", *FEW, "-e", "1", "--midpoint"), "layer 1 has range", "leave out --midpoint"),
    (("replicas", *FEW, "-k", "1", "-e", "0"), "--epsilon is 0", "whatever the copies"),
    (("replicas", *FEW, "-k", "1", "-l", "1", "-e", "1"), "--crash 1: the copies to come", "drop --layer"),
    (("replicas", *FEW, "--weight-crash", "1", "-e", "1"), "--weight-crash 1: copies are of neurons", "given values"),
    (("harden", *FEW, "-k", "1", "--exactly", "-e", "1"), "--crash 1 --exactly: ", "at most so many"),
    (("harden", *FEW, "-k", "1", "--stuck", "1:1", "-e", "1"), "--crash 1 --stuck 1:1: ", "one kind"),
    (("campaign", *FEW, "--noise", "0.1"), "--noise 0.1: a campaign draws", "for bounds"),
    (("campaign", *FEW, "-k", "1", "--rates", "0.1,0.2"), "--rates: 2 for a sum of 1", "models"),
    (("campaign", *FEW, "-k", "1", "--rates", "7"), "--rates must lie in [0, 1]", "got"),
]


@pytest.mark.parametrize(("arguments", "begin", "more"), REFUSED, ids=lambda v: " ".join(v)[:40])
def test_refusals(arguments, begin, more):
    ended = CliRunner().invoke(app, list(arguments))
    said = " ".join(ended.output.split("Error: ")[1].split())
    assert ended.exit_code == 2
    assert said.startswith(begin), said
    assert more in said, said


def templates() -> list[tuple[str, str]]:
    """Return the sentences of every ValueError that a command may meet, with `1` for what is filled in."""
    found = []
    files = [
        PACKAGE / "_coerce.py",
        *(f for part in ("model", "questions", "uses") for f in (PACKAGE / part).glob("*.py")),
    ]
    for file in sorted(files):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args):
                continue
            text = node.exc.args[0]
            if getattr(node.exc.func, "id", "") in ("ValueError", "TimeoutError") and isinstance(
                text, ast.Constant | ast.JoinedStr
            ):
                parts = text.values if isinstance(text, ast.JoinedStr) else [text]
                said = "".join(str(p.value) if isinstance(p, ast.Constant) else "1" for p in parts)
                found.append((file.name, said))
    return found


#: What only Python says.
PYTHON = re.compile(
    r"\bnet\.|\bws\.|withstand\.\w|=True|='|\bBox\b|\bspec\b|\bamong\b(?! \d)|\bX\b|\b[a-z]+_[a-z]+\b|\(\.\.\."
)
#: Sentences that no command can provoke, and why not.
UNREACHABLE = {
    "failure_arguments.py": "components are named one by one in Python",
    "flips.py": "components are named one by one in Python",
    "term.py": "components are named one by one in Python; --layer names those that exist",
    "deciding.py": "decisions of one output are of networks built in Python",
    "results.py": "quantiles and rankings are asked of a result in Python",
    "maps.py": "layers are built in Python",
    "formats.py": "formats with channels are built in Python",
}


def test_no_sentence_speaks_python():
    all_of_them = templates()
    assert len(all_of_them) > 120
    left = {
        (file, said)
        for file, text in all_of_them
        for said in [in_options(text, app.commands["worst-case"])]
        if PYTHON.search(said)
    }
    assert {entry for entry in left if entry[0] not in UNREACHABLE} == set()
    assert {file for file, _ in left} == set(UNREACHABLE)


def test_words_that_are_no_arguments_stay():
    command = app.commands["worst-case"]
    for said in ("layer 1 has range 2", "checkpoint a: b", "1 is no format", "give more, or less", "crash it"):
        assert in_options(said, command) == said
    assert in_options("give scale", command) == "give --scale"
    assert in_options("give scale", None) == "give scale"
    assert in_options("use it, or exactly=True", command) == "use it, or --exactly"
    elsewhere = "one format, give --layer to withstand worst-case"
    assert in_options("one format, give among", app.commands["tolerance"]) == elsewhere
    assert in_options("no Crash(2) + StuckAt((1, 0), value=0.5) here", command) == "no --crash 2 + --stuck 1,0:0.5 here"
    assert in_options("Crash(1) + Noise(0.5): no", command) == "--crash 1 --noise 0.5: no"
    assert in_options("Crash((1, 0), unit='channel'): no", command) == "--channel 1,0: no"
    assert in_options("Crash(f(: no", command) == "Crash(f(: no"
