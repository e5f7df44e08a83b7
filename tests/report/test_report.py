# SPDX-License-Identifier: MIT
"""The report says what the single questions say, in three forms, and its page needs nothing from elsewhere."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import withstand as ws
from withstand._pictures import BARS, coarse
from withstand.report import Origin, drawing


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
    assert data["tolerance"][0]["harmless"] == tolerated.guaranteed == data["statement"]["harmless"]
    assert data["statement"]["harmful"] == tolerated.breaking
    assert [row["harmful"] for row in data["tolerance"][1:]] == [limit.breaking for limit in tolerated.per_layer]
    ranking = ws.criticality(net, X).ranking()
    assert [(row["layer"], row["neuron"]) for row in data["criticality"]] == list(ranking[:10])
    for row in data["reliability"]:
        again = ws.reliability(net, row["p"], 0.5, X, samples=40)
        assert (row["at least"], row["at most"]) == (again.lower, again.upper)
    assert data["precision"][0]["proved error"] == ws.precision(net, 0.5, X).bound
    own = abs(net.forward(X)[:, 0] - y).max()
    assert f"epsilon' = {own:.6g}, so that the whole budget is {0.5 + own:.6g}" in str(found)


def test_it_says_of_what_it_speaks(diabetes, found):
    net, X, _ = diabetes
    said = json.loads(found.json())["statement"]
    assert said["fingerprint"] == net.fingerprint
    assert said["inputs"]["sha256"] == hashlib.sha256(X.astype("<f8").tobytes()).hexdigest()
    assert (said["version"], said["rows"], said["epsilon"]) == (ws.__version__, 4, "0.5")
    assert (said["failures"], said["spec"], said["covers"]) == ("Crash(1)", "error", "at most")
    assert said["verdict"] == "tolerated"
    for form in (str(found), found.html()):
        assert all(text in form for text in (net.fingerprint, said["inputs"]["sha256"], "any single crash is harmless"))


def again(found, net, X, y):
    """Run the code of every section, and compare what it prints with what it says it prints."""
    space = {"net": net, "X": X, "y": y, "ws": ws, "np": np}
    said = []
    space["print"] = lambda *values: said.append(" ".join(map(str, values)))
    blocks = {"first": found.code, **{section.key: section.code for section in found.sections if section.code}}
    for key, code in blocks.items():
        said.clear()
        exec(code, space)
        assert said == [line.split("  # ", 1)[1] for line in code.splitlines() if line.startswith("print(")], key
    return set(blocks)


def test_its_code_prints_its_numbers(diabetes, found):
    assert again(found, *diabetes) == {
        "first", "curve", "tolerance", "histogram", "criticality", "reliability", "precision", "witness"
    }  # fmt: skip


def test_decisions(tmp_path):
    net, X, y = ws.embedded("digits_small")
    X, y, proof = X[:3], y[:3], tmp_path / "proof.json"
    origin = Origin(code='net, X, y = ws.embedded("digits_small")\nX, y = X[:3], y[:3]')
    found = ws.report(net, X, spec=ws.Argmax(), targets=y, most=2, samples=10, p=(1e-3,), certificate=proof,
                      origin=origin)  # fmt: skip
    keys = [section.key for section in found.sections]
    assert keys == ["asked", "network", "curve", "tolerance", "histogram", "criticality", "accuracy", "reliability",
                    "certificate", "witness", "rigor"]  # fmt: skip
    right = int((net.forward(X).argmax(axis=1) == y).sum())
    assert f"picks the given class for {right} of them" in str(found)
    data = json.loads(found.json())
    assert data["tolerance"][0]["harmless"] == ws.tolerance(net, 0, X, spec=ws.Argmax()).guaranteed
    proved = ws.certified_accuracy(net, X, y, ws.Crash(2)).curve
    assert [row["proved"] for row in data["accuracy"]] == proved.lower.tolist()
    assert data["certificate"][0]["SHA-256"] == hashlib.sha256(proof.read_bytes()).hexdigest()
    assert again(found, None, None, None) >= {"accuracy", "certificate"}


def test_a_class_of_one_output_is_told_by_the_rule_of_the_specification():
    net = ws.Network([[[1.0]], [[1.0]]], [[0.0], [-1.0]])
    found = ws.report(net, [[0.5], [2.0]], spec=ws.Argmax(), targets=[0, 1], most=1, samples=2, p=())
    assert "picks the given class for 2 of them" in str(found)


def test_what_cannot_be_certified_is_said(tmp_path):
    net, X, _ = ws.embedded("diabetes")
    lowest = ws.report(net, X[:1], spec=ws.Argmax(lowest=True), most=1, samples=2, certificate=tmp_path / "p.json")
    (section,) = (section for section in lowest.sections if section.key == "certificate")
    assert "There is none: certificates of decisions are of the largest" in section.text
    assert not (tmp_path / "p.json").exists()


def test_the_histogram_counts_every_configuration(diabetes, found):
    net, X, _ = diabetes
    drawn = json.loads(found.json())["data"]["histogram"]
    every = ws.enumerate_failures(net, ws.Crash(3), X)
    assert drawn["crashes"] == 3
    assert sum(drawn["counts"]) == drawn["configurations"] == every.done == ws.Crash(3).configurations(net)
    assert len(drawn["counts"]) <= BARS
    edges, counts = coarse(every.histogram)
    for low, high, count in zip(edges[:-1], edges[1:], counts):
        inside = (every.histogram.edges[:-1] >= low) & (every.histogram.edges[1:] <= high)
        assert every.histogram.counts[inside].sum() == count


def test_equal_bytes_where_the_time_is_given(diabetes, monkeypatch):
    net, X, _ = diabetes
    pages = []
    for epoch in ("0", "0", "86400"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
        pages.append(ws.report(net, X, epsilon=0.5, most=2, samples=5, p=(0.01,)).html())
    assert pages[0] == pages[1]
    assert pages[2] == pages[0].replace("1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z") != pages[0]


class Page(HTMLParser):
    """Tags that are open, and everything that would be loaded."""

    def __init__(self):
        super().__init__()
        self.open, self.loaded, self.tags, self.names = [], [], [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.names |= {value for name, value in attrs if name == "id"}
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
    assert {link.removeprefix("#") for link in page.loaded} == page.names  # its own sections, all of them
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert page.tags.count("svg") == 3
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


def test_without_a_budget_and_with_one_too_small(diabetes):
    net, X, _ = diabetes
    bare = ws.report(net, X, most=1, samples=5)
    keys = [section.key for section in bare.sections]
    assert keys == ["asked", "network", "curve", "histogram", "criticality", "witness", "rigor"]
    assert json.loads(bare.json())["statement"]["verdict"] is None
    tiny = ws.report(net, X, epsilon=1e-14, most=1, samples=5, p=())
    (precision,) = (section for section in tiny.sections if section.key == "precision")
    assert "needs more than 40 bits" in precision.text


def test_progress_is_a_line_for_each_section(diabetes, capsys):
    net, X, _ = diabetes
    ws.report(net, X, most=1, samples=5, progress=True)
    said = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in said] == [f"report, {n} of 4" for n in (1, 2, 3, 4)]


def test_charts_put_larger_values_higher():
    chart = drawing.lines([1, 2], {"a": [1.0, 10.0], "b": [0.0, 5.0]}, log=True, x="k", y="v")
    tops = [float(y) for y in re.findall(r'<path class="point" d="M[\d.]+ ([\d.]+)h8v8', chart)]
    (lower,) = (float(y) - 4 for y in re.findall(r'<path class="point" d="M[\d.]+ ([\d.]+)a4', chart))
    assert len(tops) == 2  # and one of b: the 0 has no logarithm
    assert tops[1] < lower < tops[0]
    bars = drawing.bars(np.array([0.0, 1.0, 2.0]), np.array([1, 4]), x="e", y="n", mark=("epsilon", 1.5))
    one, four = (float(h) for h in re.findall(r'class="bar"[^>]+ height="([\d.]+)"', bars))
    assert four == pytest.approx(4 * one, abs=0.05)
    cells = re.findall(r'class="cell"[^>]+fill="#(\w+)"', drawing.heat([np.array([0.0, 1.0]), np.array([4.0])], "t"))
    shades = [sum(bytes.fromhex(cell)) for cell in cells]
    assert shades[0] > shades[1] > shades[2]
    below = drawing.heat([np.array([-4.0, -1.0]), np.array([2.0])], "t", "worst harm")  # harm may be below 0
    shades = [sum(bytes.fromhex(cell)) for cell in re.findall(r'class="cell"[^>]+fill="#(\w+)"', below)]
    assert shades[0] > shades[1] > shades[2]
    assert re.findall(r">(-?\d+|worst harm)[;<]", below)[-4:] == ["-4", "-1", "2", "worst harm"]


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-6.4, 6.4), (3.0, 3.0), (0.0, 0.0), (1e-9, 7e-9), (-5e7, -1.0)])
def test_ticks_are_round_and_enclose(low, high):
    marks = drawing.ticks(low, high)
    assert marks[0] <= low and high <= marks[-1] and 2 <= len(marks) <= 7
    assert all(len(f"{mark:.12g}".replace("-", "").replace(".", "").split("e")[0].strip("0")) <= 3 for mark in marks)


def test_a_wide_layer_is_drawn_by_the_worst_of_neighbours():
    layer = np.zeros(3000)
    layer[2999] = 2.0
    chart = drawing.heat([layer], "t")
    assert chart.count('class="cell"') == 1000
    assert "<title>layer 1, neuron 2997 to 2999: 2</title>" in chart


@pytest.mark.parametrize(("harm", "failures", "verdict"), [
    ({"spec": ws.Argmax()}, "Crash(1)", "violated"), ({"epsilon": 1}, "Crash(1)", "violated"),
    ({"epsilon": 3}, "Crash(3)", "tolerated")])  # fmt: skip
def test_the_answer_the_statement_and_the_proof_speak_of_the_same_failures(tmp_path, harm, failures, verdict):
    net, X = ws.Network([np.eye(3), np.eye(3)]), np.array([[1.0, 2.0, 3.0]])
    found = ws.report(net, X, samples=2, certificate=tmp_path / "proof.json", **harm)
    assert (found.statement.failures, found.statement.verdict) == (failures, verdict)
    limits = ws.tolerance(net, domain=X, **harm)
    assert (limits.statement.failures, limits.statement.verdict) == (failures, verdict)
    rows = {section.key: dict(row[:2] for row in section.rows) for section in found.sections}
    assert rows["asked"]["answer"].startswith({"violated": "a single crash can", "tolerated": "any 3 crashes"}[verdict])
    assert str(found.statement).startswith(f"answer       {rows['asked']['answer']}\n")
    assert json.loads(found.json())["statement"]["answer"] == rows["asked"]["answer"] == found.statement.answer
    assert (rows["asked"]["failures"], rows["asked"]["verdict"]) == (failures, verdict)
    assert f"failures=ws.{failures}" in next(section.code for section in found.sections if section.key == "certificate")


def test_the_neurons_that_matter_to_a_decision_are_those_that_flip_it():
    net, X, _ = ws.embedded("digits")
    found = ws.report(net, X[:16], spec=ws.Argmax(), most=1, samples=2)
    section = next(section for section in found.sections if section.key == "criticality")
    assert [row[:2] for row in section.rows] == list(ws.criticality(net, X[:16], spec=ws.Argmax()).ranking()[:10])
    assert section.rows[0][:2] in ws.tolerance(net, domain=X[:16], spec=ws.Argmax()).witness.failed
    assert "Harm when a neuron crashes alone" in section.text
    assert "1 of the 128 neurons can do alone" in section.text
    assert "spec=ws.Argmax()" in section.code


def test_words_and_roundings_are_left_out_and_how_to_ask_is_said(diabetes):
    net, X, _ = diabetes
    text = str(ws.report(net.rounded("int8"), X[:1], most=1, samples=2))
    assert "left out" in text
    assert "--weight-flip" in text
    assert "--noise" not in text  # the words are ours: no file rounds its signals
    assert "left out" not in str(ws.report(net, X[:1], most=1, samples=2))


CHAINS = "chains of dense layers, and this network is a graph or convolutional"


def test_a_graph_has_no_fewest_bits_and_the_report_says_why():
    layers = [ws.Layer([(0, ws.Conv(np.ones((2, 1, 2))))]), ws.Layer([(1, np.ones((2, 4)))], activation="identity")]
    found = ws.report(ws.Network(layers=layers, shape=(1, 3)), [[1.0, 2.0, 3.0]], epsilon=9, most=1, samples=2)
    section = next(section for section in found.sections if section.key == "precision")
    assert section.text == f"the fewest bits are found for {CHAINS}"


def test_what_ctrl_c_left_out_is_not_said_to_be_unasked(diabetes, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    net, X, _ = diabetes
    monkeypatch.setattr(importlib.import_module("withstand.report.asked"), "tolerance", interrupted)
    found = ws.report(net, X, epsilon=1, most=1, samples=2)
    assert (found.status, found.statement.verdict) == ("interrupted", None)
    assert found.statement.answer == "interrupted before it was known: no verdict"
    assert ws.report(net, X, most=1, samples=2).statement.answer.startswith("no budget and no decisions were given")
