# SPDX-License-Identifier: MIT
"""What of a study does not fit is refused before any question; what does not work is told, and what was asked."""

from __future__ import annotations

import html
import json

import numpy as np
import pytest
import withstand as ws

pytest.importorskip("click")
from test_cli_study import HEAD, NET, X, answers, run, study

#: What only the network, the inputs or the other arguments show to be wrong.
UNFIT = [
    ('ask = "worst-case"\ncrash = 65', "64 neurons can fail, not 65"),
    ('ask = "worst-case"\ncrash = [1, 2, 3]', "3 counts for 2 hidden layers"),
    ('ask = "worst-case"\ncrash = 1\nrows = "0:1"\nradius = "0.1"\ncertificate = "proof.json"', "not boxes"),
    ('ask = "worst-case"\nbyzantine = "1:1"\ncertificate = "proof.json"', "certificates cover crashed"),
    ('ask = "worst-case"\ncrash = 1\nradius = "0.1"', "--radius makes a box around one input"),
    ('ask = "worst-case"\ncrash = 1\nrows = "900:"', "selects none of"),
    ('ask = "worst-case"\nweight-flip = 1', "is no word of int8"),
    ('ask = "enumerate"\ncrash = 1\nradius = "0.1"', "enumeration needs inputs"),
    ('ask = "enumerate"\nbyzantine = "1:1"', "cannot be enumerated"),
    ('ask = "bound"\ncrash = 1\nmethod = "fep"', "the formula may fall short"),
    ('ask = "bound"\nnoise = "0.1"\nmethod = "split"', "split: does not cover"),
    ('ask = "accuracy"\ncrash = 1\ninputs = "X.npy"', "which classes are right?"),
    ('ask = "campaign"\ncrash = [1, 2, 3]', "3 counts for 2 hidden layers"),
    ('ask = "harden"\ncrash = 65\nepsilon = 1', "64 neurons can fail, not 65"),
    ('ask = "tolerance"', "say what harm is"),
    ('ask = "reliability"\np = "2"\nepsilon = 1', "must lie in [0, 1]"),
    ('ask = "criticality"\ncrash = 65', "64 hidden neurons"),
    ('ask = "precision"\nepsilon = 1\nno-weights = true\nno-activations = true', "nothing to quantise"),
    ('ask = "replicas"\ncrash = [1, 2, 3]\nepsilon = 1', "3 counts for 2 hidden layers"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "said"), UNFIT, ids=lambda v: v[-40:])
def test_what_does_not_fit_is_refused_before_any_question_is_asked(wrong, said, tmp_path):
    np.save(tmp_path / "X.npy", X[:2])
    code, output = run(study(tmp_path, HEAD + f'[[questions]]\nask = "inspect"\n[[questions]]\n{wrong}\n'))
    assert code == 2, output
    assert said in " ".join(output.split())
    assert "line 7: questions: 2 " in " ".join(output.split())
    assert list((tmp_path / "study-results").iterdir()) == []


def test_what_only_the_work_refuses_is_a_failure_of_that_question(tmp_path):
    """Too tight a budget shows when bits are chosen: the others are asked, and the summary is of this run."""
    tight = '[[questions]]\nask = "precision"\nepsilon = "{}"\n'
    path = study(tmp_path, HEAD + tight.format(9) + '[[questions]]\nask = "inspect"\n')
    assert run(path)[0] == 0
    study(tmp_path, HEAD + tight.format("1e-30") + '[[questions]]\nask = "bound"\ncrash = 1\n')
    code, text = run(path)
    assert code == 4
    assert "epsilon 1e-30 needs more than" in " ".join(text.split())
    kept = json.loads((tmp_path / "study-results/summary.json").read_text(encoding="utf-8"))
    assert [row["verdict"] for row in kept["questions"]] == ["did not work", "answered"]
    assert "needs more than" in kept["questions"][0]["answer"]


def test_a_folder_that_is_missing_is_a_failure_of_that_question(tmp_path):
    """And so is a file that cannot be read."""
    text = HEAD + '[[questions]]\nask = "report"\nmost = 1\noutput = "no/page.html"\n[[questions]]\nask = "inspect"\n'
    code, said = run(study(tmp_path, text))
    assert code == 4
    assert "there is no folder" in " ".join(said.split())
    assert list(answers(tmp_path)) == ["2 inspect"]


def test_the_summary_says_what_was_asked(tmp_path):
    text = HEAD + '[[questions]]\nask = "worst-case"\ncrash = 1\nepsilon = 0.1\n'
    text += '[[questions]]\nask = "enumerate"\nrounded = "int8"\nweight-flip = 1\nlayer = []\n'
    text += '[[questions]]\nask = "worst-case"\nchannel = 1\nargmax = true\n'
    code, said = run(study(tmp_path, text))
    assert code == 1, said
    worst = ws.worst_case(NET, ws.Crash(1), X[:2])
    words = ws.enumerate_failures(NET.rounded("int8"), ws.WeightFlip(1, format="int8"), X[:2]).witness
    maps = ws.worst_case(NET, ws.Crash(1, unit="channel"), X[:2], spec=ws.Argmax()).witness
    told = worst.statement
    ((flipped, bit),) = words.ways.items()
    for suffix in (".html", ".txt", ".json"):
        page = (tmp_path / f"study-results/summary{suffix}").read_text(encoding="utf-8")
        page = html.unescape(page)
        for part in (NET.fingerprint, told.inputs.sha256, "rows 0:2 of the inputs", "Crash(1)", "harm is more than 0.1",
                     f"failed {worst.witness.failed[0]}; input {worst.witness.input_index}, output ",
                     f"failed {flipped} bit {bit};", f"failed channel {maps.channels[0]};"):  # fmt: skip
            assert part in page, (suffix, part)
