# SPDX-License-Identifier: MIT
"""The pictures of the README and the pages show what is computed today: each holds its numbers."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import withstand as ws

pytest.importorskip("matplotlib")
from withstand.plot import measure_curve, numbers_in

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "img"


def numbers(name):
    found = numbers_in(IMAGES / f"{name}.svg")
    assert found is not None, f"python docs/img/make.py {name}"
    return found


def test_every_picture_is_made_by_the_command():
    made = re.search(r"PICTURES = \((.*?)\)", (IMAGES / "make.py").read_text(encoding="utf-8"))[1]
    shown = {
        image
        for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
        for image in re.findall(r"img/(\w+\.(?:svg|png))", page.read_text(encoding="utf-8"))
    }
    assert shown == {f"{name}.svg" for name in re.findall(r"\w+", made)} | {"tradeoff.png"}
    assert shown == {path.name for path in IMAGES.iterdir() if path.suffix in (".svg", ".png")}


def test_the_tolerance_curve():
    net, X, _ = ws.embedded("digits")
    drawn = numbers("tolerance_curve")
    assert drawn["counts"] == [1, 2, 3, 4, 5, 6]
    again = measure_curve(net, X[:16], drawn["counts"])
    assert drawn["proved"] == pytest.approx(again.proved.tolist(), rel=1e-9)
    assert drawn["paper"] == pytest.approx(again.paper.tolist(), rel=1e-9)
    assert [search["lower"] for search in drawn["searches"]] == again.lower.tolist()
    assert all(search["exact"] for search in drawn["searches"])
    assert np.array_equal(drawn["random"], again.random)


def test_the_accuracy_curve():
    """The first counts, which take seconds."""
    net, X, y = ws.embedded("digits")
    drawn = numbers("accuracy_curve")
    proved = ws.certified_accuracy(net, X, y, ws.Crash(2)).curve
    assert drawn["proved"][:3] == proved.lower.tolist()
    assert drawn["not refuted"][:3] == proved.upper.tolist()
    found = ws.campaign(net, X, y, ws.Crash(1, exactly=True), trials=drawn["trials"])
    assert (drawn["random"][0], drawn["interval"][0]) == (found.accuracy, list(found.accuracy_interval))


def test_the_bits():
    net, X, _ = ws.embedded("digits_small")
    drawn = numbers("bit_flips")
    for format, table in drawn.items():
        assert np.array(table, float).shape == (3, ws.Format(format).bits)
        words = ws.WeightFlip((0, 0, 1), format=format, bits=[3])
        assert float(table[2][3]) == ws.enumerate_failures(net.rounded(format), words, X[:16]).worst


def test_the_flips():
    """Every image of the fewest and of the most crashes."""
    net, X, _ = ws.embedded("digits")
    crashes = numbers("flips")["crashes"]
    assert len(crashes) == len(X)
    for index in [i for i, k in enumerate(crashes) if k in (1, max(crashes))]:
        found = ws.tolerance(net, 0, X[index], spec=ws.Argmax(), per_layer=False, node_limit=None)
        assert (found.breaking, found.exact) == (crashes[index], True)
