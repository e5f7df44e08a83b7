# SPDX-License-Identifier: MIT
"""The commands accuracy and campaign say what the functions say."""

from __future__ import annotations

import json

import numpy as np
import pytest
import withstand as ws

pytest.importorskip("click")
from click.testing import CliRunner
from withstand.cli.accuracies import accuracy, campaign  # noqa: F401  (they add themselves)
from withstand.cli.app import app

NET, X, Y = ws.embedded("digits_small")


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_accuracy():
    found = ws.certified_accuracy(NET, X, Y, ws.Crash(2))
    code, text = run("accuracy", "digits_small", "-k", "2", "--rows", ":", "--json")
    told = json.loads(text)
    assert code == 0
    assert (told["lower"], told["upper"]) == (found.lower, found.upper)
    assert (told["curve"]["lower"], told["per_input"]) == (found.curve.lower.tolist(), found.per_input.tolist())
    assert (told["spec"], told["fingerprint"]) == ("argmax", NET.fingerprint)
    for target, expected in ((found.lower, 0), (found.lower + 0.001, 1)):
        assert run("accuracy", "digits_small", "-k", "2", "--rows", ":", "--target", str(target))[0] == expected
    code, text = run("accuracy", "digits_small", "-k", "2", "--rows", ":")
    assert [line.split() for line in text.splitlines()[-3:]] == [
        [str(k), f"{low:.6g}", f"{low:.6g}"] for k, low in enumerate(found.curve.lower)
    ]


def test_classes_of_a_file(tmp_path):
    NET.save(tmp_path / "net.npz")
    np.save(tmp_path / "X.npy", X[:6])
    np.savez(tmp_path / "y.npz", y=Y[:6])
    np.savetxt(tmp_path / "y.csv", Y[:6])
    ask = ("accuracy", str(tmp_path / "net.npz"), "-x", str(tmp_path / "X.npy"), "-k", "1", "--rows", "1:5", "--json")
    found = ws.certified_accuracy(NET, X[1:5], Y[1:5], ws.Crash(1))
    for name in ("y.npz", "y.csv"):
        code, text = run(*ask, "-y", str(tmp_path / name))
        assert (code, json.loads(text)["tolerated"]) == (0, found.tolerated.tolist())
    code, text = run(*ask)
    assert code == 2 and "give --classes FILE" in text
    code, text = run("accuracy", "digits_small", "-x", str(tmp_path / "X.npy"), "-k", "1")
    assert code == 2 and "give --classes FILE" in text


def test_campaign():
    found = ws.campaign(NET, X[:5], Y[:5], ws.Crash(2), trials=40, seed=3, confidence=0.9)
    ask = ("campaign", "digits_small", "-k", "2", "--rows", ":5", "-n", "40", "--seed", "3", "--confidence", "0.9")
    code, text = run(*ask, "--json")
    told = json.loads(text)
    assert code == 0
    assert (told["accuracy_interval"], told["errors"]) == (list(found.accuracy_interval), found.errors.tolist())
    low, high = found.accuracy_interval
    for target, expected in ((low, 0), ((low + high) / 2, 3), (1.0, 1 if high < 1 else 3)):
        assert run(*ask, "--target", repr(target))[0] == expected
    rates = ws.campaign(NET, X[:5], Y[:5], ws.Crash(0), rates=0.1, trials=40)
    code, text = run("campaign", "digits_small", "-k", "0", "--rates", "0.1", "--rows", ":5", "-n", "40", "--json")
    assert json.loads(text)["failed"] == rates.failed.tolist()


def test_a_checkpoint_and_pictures(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "run.db"
    ask = ("campaign", "digits_small", "-k", "2", "--rows", ":5", "-n", "20", "--checkpoint", str(path))
    first, again = run(*ask, "--json"), run(*ask, "--plot", str(tmp_path / "c.svg"), "--json")
    told = [json.loads(text) for _, text in (first, again)]
    for each in told:
        del each["seconds"], each["statement"]["command"]
    assert told[0] == told[1]
    code, text = run(*ask, "--seed", "1")
    assert code == 4 and "another problem" in text
    assert run("accuracy", "digits_small", "-k", "1", "--plot", str(tmp_path / "a.svg"))[0] == 0
    assert min((tmp_path / name).stat().st_size for name in ("a.svg", "c.svg")) > 5000


def test_the_smallest_output(tmp_path):
    turned = ws.Network([*NET.weights[:-1], -NET.weights[-1]], [*NET.biases[:-1], -NET.biases[-1]])
    turned.save(tmp_path / "net.npz")
    np.save(tmp_path / "X.npy", X[:5])
    np.save(tmp_path / "y.npy", Y[:5])
    files = (str(tmp_path / "net.npz"), "-x", str(tmp_path / "X.npy"))
    found = ws.certified_accuracy(NET, X[:5], Y[:5], ws.Crash(2))
    told = json.loads(run("accuracy", *files, "-y", str(tmp_path / "y.npy"), "-k", "2", "--lowest", "--json")[1])
    assert (told["tolerated"], told["spec"], told["statement"]["lowest"]) == (found.tolerated.tolist(), "argmax", True)
    worst = ws.worst_case(NET, ws.Crash(1), X[:5], spec=ws.Argmax())
    code, text = run("worst-case", *files, "-k", "1", "--argmin", "--json")
    assert (json.loads(text)["lower"], code) == (pytest.approx(worst.lower), 1 if worst.lower >= 0 else 0)
