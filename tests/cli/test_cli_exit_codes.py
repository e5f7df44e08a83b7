# SPDX-License-Identifier: MIT
"""The exit code of every command: tolerated, violated, unknown, wrong usage, did not work, interrupted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import withstand as ws

pytest.importorskip("click")
from commands import hit, withstand
from withstand.cli.commands import app

CODES = {"tolerated": 0, "violated": 1, "unknown": 3, "wrong usage": 2, "did not work": 4, "interrupted": 130}
NO_VERDICT = "answers, without a verdict"
FEW = ("digits_small", "--rows", "0:2")
SURE = (*FEW, "-p", "0.01", "-e", "2", "--samples", "0", "--evaluations", "10000")

#: Of every command: arguments that end so, or why nothing does. DAMAGED and CERTIFICATE are files of the fixture;
#: where it is interrupted, the first is the function of the library in which the SIGINT comes.
CELLS: dict[str, dict[str, tuple[str, ...] | str]] = {
    "inspect": {
        "tolerated": ("digits_small",),
        "violated": NO_VERDICT,
        "unknown": NO_VERDICT,
        "wrong usage": ("no_such_file.npz",),
        "did not work": ("DAMAGED",),
        "interrupted": ("Crash", "digits_small"),
    },
    "bound": {
        "tolerated": (*FEW, "-k", "1", "-e", "1000"),
        "violated": "a bound proves no harm",
        "unknown": (*FEW, "-k", "1", "-e", "0.001"),
        "wrong usage": (*FEW, "-k", "65"),
        "did not work": ("DAMAGED", "-k", "1"),
        "interrupted": ("bound", *FEW, "-k", "1", "-e", "1000"),
    },
    "enumerate": {
        "tolerated": (*FEW, "-k", "1", "-e", "1000"),
        "violated": (*FEW, "-k", "1", "-e", "0.001"),
        "unknown": "it knows when it is done, and is interrupted otherwise",
        "wrong usage": (*FEW, "-k", "1", "-e", "-1"),
        "did not work": (*FEW, "-k", "1", "--checkpoint", "DAMAGED"),
        "interrupted": ("enumerate_failures", *FEW, "-k", "1", "-e", "1000"),
    },
    "worst-case": {
        "tolerated": (*FEW, "-k", "1", "-e", "1000"),
        "violated": (*FEW, "-k", "1", "-e", "0.001"),
        "unknown": ("digits_small", "-k", "8", "--rows", "0:4", "--node-limit", "1", "-e", "41"),
        "wrong usage": (*FEW, "-k", "x"),
        "did not work": (*FEW, "-k", "1", "--certificate", "no/folder"),
        "interrupted": ("worst_case", *FEW, "-k", "1", "-e", "1000"),
    },
    "check": {
        "tolerated": ("CERTIFICATE", "digits_small"),
        "violated": ("CERTIFICATE", "diabetes"),
        "unknown": "a certificate is confirmed or rejected",
        "wrong usage": ("no_such_file", "digits_small"),
        "did not work": ("CERTIFICATE", "DAMAGED"),
        "interrupted": ("check_certificate", "CERTIFICATE", "digits_small"),
    },
    "tolerance": {
        "tolerated": (*FEW, "-e", "13.4", "--at-least", "2"),
        "violated": (*FEW, "-e", "13.4", "--at-least", "9"),
        "unknown": (
            "digits_small",
            "--rows",
            "0",
            "--radius",
            "0.3",
            "-e",
            "30",
            "--at-least",
            "2",
            "--node-limit",
            "1",
        ),
        "wrong usage": FEW,
        "did not work": ("DAMAGED", "-e", "1"),
        "interrupted": ("tolerance", *FEW, "-e", "13.4"),
    },
    "reliability": {
        "tolerated": (*SURE, "--target", "0.9"),
        "violated": (*SURE, "--target", "0.01"),
        "unknown": (*SURE, "--target", "0.28"),
        "wrong usage": (*SURE, "--target", "nan"),
        "did not work": ("DAMAGED", "-p", "0.01", "-e", "2"),
        "interrupted": ("reliability", *SURE),
    },
    "criticality": {
        "tolerated": (*FEW, "-e", "1000"),
        "violated": (*FEW, "-e", "0.001"),
        "unknown": ("digits_small", "--rows", "0:1", "-k", "9", "-e", "1000"),
        "wrong usage": (*FEW, "--harden"),
        "did not work": (*FEW, "--inputs", "DAMAGED"),
        "interrupted": ("criticality", *FEW, "-e", "1000"),
    },
    "precision": {
        "tolerated": (*FEW, "-e", "1"),
        "violated": NO_VERDICT,
        "unknown": NO_VERDICT,
        "wrong usage": FEW,
        "did not work": (*FEW, "-e", "1", "--output", "no/folder.npz"),
        "interrupted": ("precision", *FEW, "-e", "1"),
    },
    "quorum": {
        "tolerated": ("diabetes", "--rows", "0:2", "-e", "2", "--runs", "10"),
        "violated": NO_VERDICT,
        "unknown": NO_VERDICT,
        "wrong usage": ("diabetes", "-e", "2", "--latency", "gamma"),
        "did not work": ("DAMAGED", "-e", "2"),
        "interrupted": ("quorum", "diabetes", "--rows", "0:2", "-e", "2", "--runs", "10"),
    },
    "replicas": {
        "tolerated": ("diabetes", "-k", "1", "-e", "0.2"),
        "violated": NO_VERDICT,
        "unknown": ("diabetes", "-k", "1", "-e", "0.2", "--time-limit", "0"),
        "wrong usage": ("diabetes", "-k", "1"),
        "did not work": ("DAMAGED", "-k", "1", "-e", "0.2"),
        "interrupted": ("replicas_needed", "diabetes", "-k", "1", "-e", "0.2"),
    },
    "accuracy": {
        "tolerated": (*FEW, "-k", "1", "--target", "0.1"),
        "violated": ("digits_small", "--rows", "0:20", "-k", "4", "--target", "0.99"),
        "unknown": (*FEW, "-k", "20", "--time-limit", "0", "--target", "0.5"),
        "wrong usage": (*FEW, "-k", "65"),
        "did not work": (*FEW, "-k", "1", "--classes", "DAMAGED"),
        "interrupted": ("certified_accuracy", *FEW, "-k", "1"),
    },
    "campaign": {
        "tolerated": (*FEW, "-k", "1", "-n", "50", "--target", "0.1"),
        "violated": (*FEW, "-k", "60", "--exactly", "-n", "50", "--target", "1"),
        "unknown": (*FEW, "-k", "1", "-n", "2", "--target", "0.5"),
        "wrong usage": (*FEW, "-k", "1", "--rates", "2"),
        "did not work": (*FEW, "-k", "1", "--checkpoint", "DAMAGED"),
        "interrupted": ("campaign", *FEW, "-k", "1"),
    },
    "harden": {
        "tolerated": (*FEW, "-k", "1", "-e", "8"),
        "violated": NO_VERDICT,
        "unknown": ("digits_small", "-k", "6", "-e", "17", "--time-limit", "0"),
        "wrong usage": (*FEW, "-k", "1"),
        "did not work": ("DAMAGED", "-k", "1", "-e", "8"),
        "interrupted": ("harden", *FEW, "-k", "1", "-e", "8"),
    },
    "run": {
        "tolerated": ("STUDY",),
        "violated": ("VIOLATED",),
        "unknown": ("UNKNOWN",),
        "wrong usage": ("no_such_study.toml",),
        "did not work": ("STUDY", "--folder", "no/folder"),
        "interrupted": ("bound", "STUDY"),
    },
    "report": {
        "tolerated": ("diabetes", "--rows", "0:2", "-e", "0.5", "--most", "2"),
        "violated": NO_VERDICT,
        "unknown": NO_VERDICT,
        "wrong usage": ("diabetes", "--output", "page.pdf"),
        "did not work": ("diabetes", "--rows", "0:2", "-e", "0.5", "--most", "2", "--output", "no/folder.html"),
        "interrupted": ("report", "diabetes", "--rows", "0:2", "-e", "0.5", "--most", "2"),
    },
    "schema": {
        "tolerated": ("bound",),
        "violated": NO_VERDICT,
        "unknown": NO_VERDICT,
        "wrong usage": ("bond",),
        "did not work": "it prints what the package holds, and reads no file",
        "interrupted": "it prints what the package holds, and computes nothing",
    },
}
RUN = [(name, kind) for name, cells in CELLS.items() for kind in CODES if not isinstance(cells.get(kind, ""), str)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    damaged, certificate = folder / "damaged.npz", folder / "certificate.json"
    damaged.write_bytes(b"no network, no array and no checkpoint")
    net, X, _ = ws.embedded("digits_small")
    ws.worst_case(net, ws.Crash(1), X[:1], certificate=certificate)
    studies = {name: folder / f"{name}.toml" for name in ("STUDY", "VIOLATED", "UNKNOWN")}
    for file, (ask, epsilon) in zip(studies.values(), (("bound", 1000), ("worst-case", 0), ("bound", 0))):
        question = f'[[questions]]\nask = "{ask}"\ncrash = 1\nepsilon = {epsilon}\n'
        file.write_text(f'[network]\nmodel = "digits_small"\n[inputs]\nrows = "0:2"\n{question}', encoding="utf-8")
    return {"DAMAGED": str(damaged), "CERTIFICATE": str(certificate), **{name: str(f) for name, f in studies.items()}}


def test_every_command_has_every_cell():
    assert set(CELLS) == set(app.commands)
    assert all(list(cells) == list(CODES) for cells in CELLS.values())


@pytest.mark.parametrize(("name", "kind"), RUN)
def test_exit_code(name, kind, files, sigint, tmp_path):
    arguments = [files.get(argument, argument) for argument in CELLS[name][kind]]
    before = ""
    if kind == "interrupted":
        before = hit(arguments.pop(0), "os.kill(os.getpid(), signal.SIGINT)")
    if name == "run" and kind != "did not work":
        arguments += ["--folder", str(tmp_path / "results")]
    ended = withstand(name, *arguments, before=before, cwd=tmp_path)
    assert ended.returncode == CODES[kind], ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    if kind == "interrupted":
        assert ended.stderr == "interrupted\n"
    elif kind == "did not work":
        assert re.fullmatch(r"Error: .+ \(WITHSTAND_DEBUG=1 shows where\)\n", ended.stderr)
        assert next(a for a in arguments if "damaged" in a or "no/folder" in a) in ended.stderr
    elif kind == "wrong usage":
        assert re.search(rf"^Usage: withstand {name} .*\n.*\n\nError: .", ended.stderr)
    else:
        assert (ended.stderr, bool(ended.stdout)) == ("", True)


def test_the_page_has_the_table():
    page = (Path(__file__).resolve().parents[2] / "docs/exit-codes.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.*) \|$", page, re.MULTILINE))
    assert set(rows) == set(CELLS)
    for name, cells in CELLS.items():
        shown = [cell.strip() for cell in rows[name].split("|")]
        assert shown == ["-" if isinstance(cells[kind], str) else str(code) for kind, code in CODES.items()], name
