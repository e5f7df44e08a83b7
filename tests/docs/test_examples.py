# SPDX-License-Identifier: MIT
"""The examples run, and the README's table of flipped decisions is what they find, checked against enumeration."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import withstand as ws

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "docs" / "img" / "bit_flips.svg"


def example(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def flips():
    net, X, _ = ws.embedded("digits")
    return [example("flips").smallest_flip(net, x, i) for i, x in enumerate(X)]


def test_equality_prints_equal_numbers(capsys):
    example("equality").main()
    for line in capsys.readouterr().out.splitlines()[1:]:
        worst, fep = line.split()[-2:]
        assert worst == fep


def test_the_table_of_the_readme(flips, monkeypatch, capsys):
    flips_example = example("flips")
    monkeypatch.setattr(flips_example, "smallest_flip", lambda net, x, index: flips[index])
    monkeypatch.setattr("sys.argv", ["flips.py"])
    flips_example.main()
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(table) == 9
    assert "\n".join(table) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_fewest_crashes_against_enumeration(flips):
    """Every set of one and of two neurons, on every image; of three on the first images that need three or more."""
    net, X, _ = ws.embedded("digits")
    for k in (1, 2, 3):
        tried = [flip for flip in flips if k < 3 or flip.crashes >= 3][: 100 if k < 3 else 6]
        assert {flip.crashes > k for flip in tried} == {True, False}
        for flip in tried:
            every = ws.enumerate_failures(net, ws.Crash(k), X[flip.index], spec=ws.Argmax())
            assert (every.worst >= 0.0) == (flip.crashes <= k), (flip, k)


def test_the_witness_flips_the_class(flips):
    net, X, _ = ws.embedded("digits")
    for flip in flips:
        outputs = net.forward(X[flip.index], failed=dict.fromkeys(flip.failed, 0.0))
        assert len(flip.failed) == flip.crashes
        assert outputs[flip.after] == outputs.max() >= outputs[flip.before]


def test_the_accuracy_curve_is_written(tmp_path, monkeypatch):
    options = ["--most", "2", "--trials", "20", "--svg", str(tmp_path / "c.svg")]
    monkeypatch.setattr("sys.argv", ["accuracy_curve.py", *options])
    example("accuracy_curve").main()
    assert (tmp_path / "c.svg").stat().st_size > 10_000


def test_the_tolerance_curve_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["tolerance_curve.py", "--most", "2", "--svg", str(tmp_path / "curve.svg")])
    example("tolerance_curve").main()
    assert (tmp_path / "curve.svg").stat().st_size > 10_000


def test_the_bits_that_hurt_are_printed_and_drawn(tmp_path, monkeypatch, capsys):
    picture = tmp_path / "bits.svg"
    monkeypatch.setattr("sys.argv", ["bit_flips.py", "--svg", str(picture)])
    example("bit_flips").main()
    lines = capsys.readouterr().out.splitlines()
    net, X, _ = ws.embedded("digits_small")
    for format, sign, row in (("int8", 7, lines[1]), ("float16", 15, lines[10])):
        every = ws.enumerate_failures(net.rounded(format), ws.WeightFlip(1, format=format, bits=[sign]), X[:16])
        assert int(row.split()[0]) == sign
        assert max(map(float, row.split()[1:])) == pytest.approx(every.worst, rel=1e-4)
    texts = [re.findall(r">([^<>]+)</text>", path.read_text(encoding="utf-8")) for path in (picture, PICTURE)]
    assert texts[0] == texts[1]
    assert len(texts[0]) > 3 * (8 + 16)
