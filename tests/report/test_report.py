# SPDX-License-Identifier: MIT
"""The report says what the single questions say, in three forms, and its page needs nothing from elsewhere."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import withstand as ws
from withstand.report import drawing


@pytest.fixture(scope="module")
def diabetes():
    net, X, y = ws.embedded("diabetes")
    return net, X[:4], y[:4]


@pytest.fixture(scope="module")
def found(diabetes):
    net, X, y = diabetes
    return ws.report(net, X, epsilon="0.5", targets=y, most=3, samples=40, title="a <network>")


def test_numbers_are_those_of_the_questions(diabetes, found):
    net, X, y = diabetes
    data = json.loads(found.json())
    for row in data["curve"]:
        k = row["crashes"]
        worst = ws.worst_case(net, ws.Crash(k), X)
        assert (row["witnessed"], row["search proved"]) == (worst.lower, worst.upper)
        assert row["worst random"] <= row["witnessed"] <= row["proved"] <= row["paper"]
    tolerated = ws.tolerance(net, "0.5", X)
    assert data["tolerance"][0]["harmless"] == tolerated.guaranteed
    assert [row["harmful"] for row in data["tolerance"][1:]] == [limit.breaking for limit in tolerated.per_layer]
    ranking = ws.criticality(net, X).ranking()
    assert [(row["layer"], row["neuron"]) for row in data["criticality"]] == list(ranking[:10])
    for row in data["reliability"]:
        again = ws.reliability(net, row["p"], 0.5, X, samples=40)
        assert (row["at least"], row["at most"]) == (again.lower, again.upper)
    assert data["precision"][0]["proved error"] == ws.precision(net, 0.5, X).bound
    own = abs(net.forward(X)[:, 0] - y).max()
    assert f"epsilon' = {own:.6g}, so that the whole budget is {0.5 + own:.6g}" in str(found)


class Page(HTMLParser):
    """Tags that are open, and everything that would be loaded."""

    def __init__(self):
        super().__init__()
        self.open, self.loaded, self.tags = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loaded += [value for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing(found):
    page, text = Page(), found.html()
    page.feed(text)
    assert page.open == []
    assert page.loaded == []
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert page.tags.count("svg") == 2
    assert not re.search(r"https?:|url\(|@import", text)
    assert "a &lt;network&gt;" in text
    assert "<network>" not in text


def test_text_and_files(found, tmp_path):
    for section in found.sections:
        assert section.title in str(found)
    for suffix in (".html", ".json", ".txt"):
        found.save(tmp_path / f"report{suffix}")
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["title"] == "a <network>"
    with pytest.raises(ValueError, match=r"is written as \.html"):
        found.save(tmp_path / "report.pdf")


def test_decisions():
    net, X, y = ws.embedded("digits_small")
    found = ws.report(net, X[:3], spec=ws.Argmax(), targets=y[:3], most=2, samples=10, p=(1e-3,))
    keys = [section.key for section in found.sections]
    assert keys == ["network", "curve", "tolerance", "criticality", "reliability"]
    right = int((net.forward(X[:3]).argmax(axis=1) == y[:3]).sum())
    assert f"picks the given class for {right} of them" in str(found)
    tolerated = ws.tolerance(net, 0, X[:3], spec=ws.Argmax())
    assert json.loads(found.json())["tolerance"][0]["harmless"] == tolerated.guaranteed


def test_without_a_budget_and_with_one_too_small(diabetes):
    net, X, _ = diabetes
    bare = ws.report(net, X, most=1, samples=5)
    assert [section.key for section in bare.sections] == ["network", "curve", "criticality"]
    tiny = ws.report(net, X, epsilon=1e-14, most=1, samples=5, p=())
    assert "needs more than 40 bits" in tiny.sections[-1].text


def test_charts_put_larger_values_higher():
    chart = drawing.lines([1, 2], {"a": [1.0, 10.0], "b": [0.0, 5.0]}, log=True, x="k", y="v")
    heights = [float(h) for h in re.findall(r'<circle cx="[\d.]+" cy="([\d.]+)"', chart)]
    assert len(heights) == 3  # the 0 has no logarithm
    assert heights[1] < heights[2] < heights[0]
    cells = re.findall(r'fill-opacity="([\d.]+)"', drawing.heat([np.array([1.0, 2.0]), np.array([4.0])], "t"))
    assert [float(c) for c in cells] == [0.25, 0.5, 1.0]
