# SPDX-License-Identifier: MIT
"""Words, parameters and channels on the command line: the same answers as from Python, and the exit codes."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import withstand as ws

pytest.importorskip("click")
from click.testing import CliRunner
from withstand.cli.commands import app

NET, X, Y = ws.embedded("digits_small")
WORDS = NET.rounded("int8")
ROWS = ("digits_small", "--rows", "0:2")
INT8 = ("--rounded", "int8")


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


CASES = [
    (("--weight-flip", "1", *INT8), WORDS, ws.WeightFlip(1, format="int8")),
    (
        ("--weight-flips", "0,0,1", *INT8, "--bits", "7,0+1"),
        WORDS,
        ws.WeightFlip((0, 0, 1), bits=[7, (0, 1)], format="int8"),
    ),
    (
        ("--weight-flip", "1", "--format", "bfloat16", "--rounded", "bfloat16", "--clamp", "-2:2", "--biases"),
        NET.rounded("bfloat16"),
        ws.WeightFlip(1, format="bfloat16", clamp=(-2.0, 2.0), biases=True),
    ),
    (
        ("--weight-flip", "1", "--exactly", "--to", "1", *INT8),
        WORDS,
        ws.WeightFlip(1, format="int8", to=1, exactly=True),
    ),
    (("--weight-crash", "1"), NET, ws.WeightCrash(1)),
    (("--channels", "2"), NET, ws.Crash(2, unit="channel")),
    (
        ("--bit-flip", "1", "--scale", "0.5", "-l", "2"),
        NET,
        ws.BitFlip(1, format="int8", scale=0.5, among=[(2, i) for i in range(32)]),
    ),
    (("--bit-flips", "1", "--weight-crash", "1"), NET, ws.BitFlip(1, format="int8") + ws.WeightCrash(1)),
]


@pytest.mark.parametrize(("options", "net", "failures"), CASES, ids=lambda v: repr(v)[:50])
def test_bounds_and_worst_cases(options, net, failures):
    code, text = run("bound", *ROWS, *options, "--json")
    found = ws.bound(net, failures, X[:2])
    assert code == 0
    assert (json.loads(text)["value"], json.loads(text)["failures"]) == (found.value, repr(failures))
    for epsilon, expected in ((found.value * 1.01, 0), (found.value / 1e4, 3)):
        assert run("bound", *ROWS, *options, "-e", repr(epsilon))[0] == expected
    ask = ("worst-case", *ROWS, *options, "--node-limit", "2000", "--gap", "0.5")
    code, text = run(*ask, "--json")
    told, worst = json.loads(text), ws.worst_case(net, failures, X[:2], node_limit=2000, gap=0.5)
    assert (code, told["lower"], told["upper"]) == (0, worst.lower, worst.upper)
    assert [tuple(pair[0][:2]) for pair in told["values"]] == [c[:2] for c in worst.witness.values]
    assert len(told["ways"]) == len(worst.witness.ways)
    assert run(*ask, "-e", repr(worst.lower / 2))[0] == 1
    assert run(*ask, "-e", repr(worst.upper * 1.01))[0] == 0


@pytest.mark.parametrize("asked", [("bound", "-k", "1"), ("tolerance", "-e", "1"), ("harden", "-k", "1", "-e", "30")])
def test_answers_say_of_which_words_they_are(asked):
    told = json.loads(run(asked[0], *ROWS, *asked[1:], *INT8, "--json")[1])
    assert told["model"] == told["statement"]["network"] == "digits_small, rounded to int8"
    assert told["fingerprint"] == WORDS.fingerprint
    assert "digits_small, rounded to int8" in run(asked[0], *ROWS, *asked[1:], *INT8)[1]


def test_enumerate():
    failures = ws.WeightFlip(1, format="int8", bits=[7])
    code, text = run("enumerate", *ROWS, *INT8, "--weight-flip", "1", "--bits", "7", "--components", "--json")
    told, found = json.loads(text), ws.enumerate_failures(WORDS, failures, X[:2], components=True)
    assert (code, told["worst"], told["configurations"]) == (0, found.worst, found.configurations)
    ask = ("enumerate", *ROWS, *INT8, "--weight-flip", "1", "--bits", "7")
    assert run(*ask, "-e", repr(found.worst))[0] == 0
    code, text = run(*ask, "-e", repr(found.worst / 2))
    assert code == 1 and re.search(r"bits +7\n", text)
    assert run("enumerate", *ROWS, *INT8, "--weight-flip", "1", "--bits", "7", "--argmax")[0] in (0, 1)


def test_accuracy_and_campaign():
    failures = ws.WeightFlip(1, format="int8", bits=[0, 1])
    ask = ("digits_small", "--rows", ":9", *INT8, "--weight-flip", "1", "--bits", "0,1")
    found = ws.certified_accuracy(WORDS, X[:9], Y[:9], failures)
    code, text = run("accuracy", *ask, "--json")
    assert (code, json.loads(text)["lower"], json.loads(text)["upper"]) == (0, found.lower, found.upper)
    assert json.loads(text)["fingerprint"] == WORDS.fingerprint
    for target, expected in ((found.lower, 0), (1.0, 0 if found.lower == 1 else 1)):
        assert run("accuracy", *ask, "--target", repr(target))[0] == expected
    drawn = ws.campaign(WORDS, X[:9], Y[:9], failures, trials=30, seed=2)
    code, text = run("campaign", *ask, "-n", "30", "--seed", "2", "--json")
    assert (code, json.loads(text)["errors"]) == (0, drawn.errors.tolist())
    drawn = ws.campaign(WORDS, X[:9], Y[:9], failures, trials=30, rates=1e-3)
    code, text = run("campaign", *ask, "-n", "30", "--rates", "0.001", "--json")
    assert (code, json.loads(text)["failed"]) == (0, drawn.failed.tolist())
    assert run("campaign", *ask, "-n", "30", "--target", "0.01")[0] == 0


def test_tolerance_and_reliability():
    ask = ("--of", "weight-flip:int8", *INT8, "-e", "25", "--json")
    net, inputs, _ = ws.embedded("diabetes")
    code, text = run("tolerance", "diabetes", "--rows", ":2", "--of", "weight-flip:int8", *INT8, "-e", "3", "--json")
    model = lambda k: ws.WeightFlip(k, format="int8")  # noqa: E731
    found = ws.tolerance(net.rounded("int8"), 3, inputs[:2], model=model)
    told = json.loads(text)
    assert (told["guaranteed"], told["breaking"]) == (found.guaranteed, found.breaking)
    assert code == (0 if found.guaranteed >= 1 else 1)
    code, text = run("reliability", *ROWS, *ask, "-p", "1e-7", "--samples", "0")
    likely = ws.reliability(WORDS, 1e-7, 25, X[:2], model=model, samples=0)
    assert (code, json.loads(text)["upper"]) == (0, likely.upper)
    ask = ("reliability", *ROWS, *INT8, "--of", "weight-flip:int8", "-e", "25", "-p", "1e-7", "--samples", "0")
    assert [run(*ask, "--target", target)[0] for target in ("0.01", "1e-300")] == [0, 3 if likely.lower == 0 else 1]
    for kind, made in (("channel", "Crash(k, unit='channel')"), ("bit-flip:int8", "BitFlip(k, format='int8')"),
                       ("bit-flip", "BitFlip(k, format='int8')")):  # fmt: skip
        code, text = run("reliability", *ROWS, "--of", kind, "-e", "25", "-p", "1e-7", "--samples", "0", "--json")
        assert (code, json.loads(text)["failures"]) == (0, made)


def test_reliability_of_some_bits_and_of_biases():
    ask = ("reliability", *ROWS, *INT8, "--of", "weight-flip:int8", "-e", "25", "-p", "1e-7", "--samples", "0")
    code, text = run(*ask, "--bits", "6,7", "--biases", "--json")
    told, model = json.loads(text), lambda k: ws.WeightFlip(k, format="int8", bits=[6, 7], biases=True)
    found = ws.reliability(WORDS, 1e-7, 25, X[:2], model=model, samples=0)
    assert (code, told["lower"], told["upper"], told["failures"]) == (0, found.lower, found.upper, found.failures)
    assert "biases=True" in told["failures"]
    assert told["statement"]["rigor"].startswith("each bit of each word flips independently, p = 1e-07;")
    for kind, option, said in (("crash", ("--bits", "7"), "--bits is about flips: give --of bit-flip:int8"),
                               ("bit-flip:int8", ("--biases",), "give --of weight-flip:int8")):  # fmt: skip
        for command in (("reliability", "-p", "0.1"), ("tolerance",)):
            code, text = run(*command, *ROWS, "--of", kind, "-e", "1", *option)
            assert code == 2 and said in " ".join(text.split())


def test_tolerance_of_some_bits_and_of_biases():
    net, inputs, _ = ws.embedded("diabetes")
    ask = ("tolerance", "diabetes", "--rows", ":2", *INT8, "--of", "weight-flip:int8", "-e", "25")
    told = json.loads(run(*ask, "--bits", "2,7", "--biases", "--json")[1])
    model = lambda k: ws.WeightFlip(k, format="int8", bits=[2, 7], biases=True)  # noqa: E731
    found = ws.tolerance(net.rounded("int8"), "25", inputs[:2], model=model)
    assert (told["guaranteed"], told["breaking"]) == (found.guaranteed, found.breaking)
    assert "biases=True" in told["failures"]


@pytest.mark.parametrize("command", ["reliability", "tolerance"])
@pytest.mark.parametrize(("option", "instead"), [
    ("--weight-flip", "--of weight-flip:int8"), ("--bit-flips", "--of bit-flip:int8"), ("--crash", "--of crash"),
    ("--weight-crashes", "--of weight-crash"), ("--stuck", "--of stuck:1"), ("--channels", "--of channel"),
])  # fmt: skip
def test_commands_of_one_kind_say_how_it_is_given(command, option, instead):
    code, text = run(command, *ROWS, option, "1")
    said = f"no option {option}: {command} asks about one kind of failure, {instead}"
    assert code == 2 and " ".join(text.split()).endswith(said)


def test_other_options_that_are_none_are_told_so():
    assert "no option" not in run("tolerance", *ROWS, "--nothing", "1")[1]
    assert run("criticality", *ROWS, "--weight-flip", "1")[0] == 2


def test_replicas_know_no_words():
    code, text = run("replicas", *ROWS, "--weight-crash", "1", "-e", "1")
    assert code == 2 and "copies are of neurons" in text
    code, text = run("replicas", *ROWS, "--channel", "1", "-e", "1")
    assert code == 2 and "fail one by one" in text


def test_channels_of_a_layer(tmp_path):
    layers = [
        ws.Layer([(0, ws.Conv(np.ones((3, 1, 2, 2))))]),
        ws.Layer([(1, ws.Conv(np.full((2, 3, 2, 2), 0.5)))]),
        ws.Layer([(2, np.ones((2, 8)))], activation="identity"),
    ]
    ws.Network(layers=layers, shape=(1, 4, 4)).save(tmp_path / "net.npz")
    np.save(tmp_path / "X.npy", np.ones((1, 16)))
    ask = ("enumerate", str(tmp_path / "net.npz"), "-x", str(tmp_path / "X.npy"), "--channel", "1", "--json")
    assert json.loads(run(*ask)[1])["configurations"] == 6
    code, text = run(*ask, "-l", "2")
    told = json.loads(text)
    assert (code, told["configurations"]) == (0, 3)
    assert told["groups"] == [[list(c) for c in told["failed"]]]
    assert {layer for layer, _ in told["failed"]} == {2}
    assert told["channels"] in ([[2, 0]], [[2, 1]])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--weight-flip", "1"), "is no word of int8; round the network first: --rounded int8, whose parameters are"),
        (("--weight-flip", "1", *INT8, "-l", "1"), "--layer is of neurons: give counts per layer"),
        (("--weight-crash", "1", "-l", "1"), "give counts per layer"),
        (("-k", "1", "--bits", "7"), "--bits is about flips"),
        (("-k", "1", "--format", "int8"), "--format is about flips"),
        (("-k", "1", "--biases"), "--biases is about flips"),
        (("--bit-flip", "1", "--biases"), "--biases are parameters"),
        (("--bit-flip", "1", "--bits", "x"), "is no list of bits"),
        (("--bit-flip", "1", "--bits", "8"), "bits are numbered 0 to 7"),
        (("--bit-flip", "1", "--to", "2"), "--to"),
        (("--bit-flip", "1", "--clamp", "1"), "is not LOW:HIGH"),
        (("--bit-flip", "1", "--clamp", "nan:1"), "is not LOW:HIGH"),
        (("--bit-flip", "1", "--scale", "nan"), "--scale"),
        (("--bit-flip", "1", "--format", "float32", "--scale", "1"), "scale must not be given for float32"),
        (("--rounded", "int9", "-k", "1"), "--rounded"),
    ],
)
def test_wrong_usage(arguments, sentence):
    code, text = run("bound", *ROWS, *arguments)
    assert code == 2
    assert sentence in " ".join(text.split())


@pytest.mark.parametrize("options", [("--weight-crash", "1"), ("--bit-flip", "1"), ("--channel", "1")])
def test_certificates(options, tmp_path):
    proof = str(tmp_path / "proof.json")
    code, text = run("worst-case", *ROWS, *options, "--certificate", proof)
    assert code == 0, text
    code, text = run("check", proof, "digits_small")
    assert code == 0 and "confirmed" in text


def test_what_has_no_certificate_is_refused_before_any_work(tmp_path):
    for options in (("--noise", "0.1"), ("--weight-flip", "3", "--format", "int8", *INT8)):
        code, text = run("worst-case", *ROWS, *options, "--certificate", str(tmp_path / "proof.json"))
        told = ("certificates cover crashed and stuck neurons", "the limit is 1,000,000")
        assert code == 2 and any(reason in text for reason in told)
        assert not (tmp_path / "proof.json").exists()


@pytest.mark.parametrize("kind", ["weight-flip", "weight-flip:int9", "weight-crash:1", "bit-flip:", "flip"])
def test_kinds_that_are_none(kind):
    assert run("tolerance", *ROWS, "-e", "1", "--of", kind)[0] == 2


@pytest.mark.parametrize("model", ["digits_small", "diabetes"])
@pytest.mark.parametrize(("option", "layers"), [("--weight-crash", ("1",)), ("--weight-flip", ("0", "1"))])
def test_the_counts_that_a_refusal_suggests_are_taken(model, option, layers):
    asked = ("bound", model, "--rows", "0:1", *(INT8 if option == "--weight-flip" else ()))
    code, said = run(*asked, option, "2", *(word for layer in layers for word in ("-l", layer)))
    suggested = re.search(rf"like {option} ([\d,]+)", said)[1]
    assert code == 2 and suggested == ",".join(["2", *["0"] * ws.embedded(model)[0].depth])
    assert run(*asked, option, suggested)[0] == 0
