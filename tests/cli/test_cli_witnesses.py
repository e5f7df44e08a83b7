# SPDX-License-Identifier: MIT
"""A witness is told in one form by every command, that of the schema: crashes, flipped words, channels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import withstand as ws
from tiny_schema import wrong
from withstand.schema import names, schema

pytest.importorskip("click")
from click.testing import CliRunner
from withstand.cli.commands import app

KEYS = {"failed", "values", "input", "input_index", "output", "error", "ways", "groups", "channels"}
#: Commands that show no witness.
WITHOUT = {"bound", "inspect", "check", "criticality", "reliability", "precision", "quorum", "replicas", "campaign",
           "harden", "run", "schema", "statement"}  # fmt: skip
#: What fails, and how `tolerance` says it.
KINDS = {
    "crash": (("--crash", "6"), ("--of", "crash")),
    "weight flip": (("--rounded", "int8", "--weight-flip", "1"), ("--rounded", "int8", "--of", "weight-flip:int8")),
    "channel": (("--channel", "1"), ("--of", "channel")),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, tuple[str, ...]]:
    """Models by what fails of them, with inputs and classes: all so that it changes a class."""
    folder = tmp_path_factory.mktemp("models")
    net = ws.Network(
        layers=[
            ws.Layer([(0, ws.Conv([[[1.0, 2.0]], [[-1.0, 4.0]]]))], [0.5, -0.5], "relu"),
            ws.Layer([(1, [[1.0, 0.0, 2.0, -1.0], [0.0, 1.0, 0.5, 2.0]])], [3.0, 0.0], activation="identity"),
        ],
        shape=(1, 3),
    )
    X = np.array([[1.0, 1.0, 3.0], [2.0, 0.5, 1.0]])
    net.save(folder / "net.npz")
    np.save(folder / "x.npy", X)
    np.save(folder / "y.npy", net.forward(X).argmax(axis=1))
    own = (str(folder / "net.npz"), "-x", str(folder / "x.npy"))
    return {"crash": ("digits", "--rows", "0:2"), "weight flip": ("digits", "--rows", "5:9"), "channel": own}


def told(command: str, *words: str):
    ran = CliRunner().invoke(app, [command, *words, "--json"])
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    return json.loads(ran.stdout, parse_constant=pytest.fail)


def held(value):
    """Yield every witness, at every depth."""
    if isinstance(value, dict):
        if "ways" in value:
            yield value
        value = [*value.values()]
    for entry in value if isinstance(value, list) else ():
        yield from held(entry)


def asked(command: str, kind: str, model: tuple[str, ...]) -> tuple[str, ...]:
    some, of = KINDS[kind]
    classes = ("--classes", str(Path(model[0]).with_name("y.npy"))) if kind == "channel" else ()
    return {
        "enumerate": (*model, *some, "--argmax") if kind != "crash" else (*model, "--crash", "1", "--argmax"),
        "worst-case": (*model, *some, "--argmax", "--time-limit", "5"),
        "tolerance": (*model, *of, "--argmax", "--time-limit", "5", "--samples", "2"),
        "accuracy": (*model, *some, *classes, "--time-limit", "5"),
        "report": (*model, "--argmax", "--most", "2", "--time-limit", "5"),  # of crashes, whatever holds the words
    }[command]


def test_every_command_is_looked_at(models):
    assert set(names()) - WITHOUT == {"enumerate", "worst-case", "tolerance", "accuracy", "report"}
    for name in WITHOUT - {"statement", "schema"}:
        assert '"ways"' not in json.dumps(schema(name)["properties"]), name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", ["enumerate", "worst-case", "tolerance", "accuracy", "report"])
def test_witnesses_are_what_the_schema_says(command, kind, models):
    found = told(command, *asked(command, kind, models[kind]))
    assert list(wrong(found, schema(command))) == []
    witnesses = list(held(found))
    assert witnesses
    parts = {"$ref": "#/$defs/witness"}
    for witness in witnesses:
        own = {key: value for key, value in witness.items() if key in KEYS}
        assert set(own) == KEYS and list(wrong(own, parts, schema("accuracy"))) == []
    assert command == "report" or any(w["ways"] for w in witnesses) == (kind == "weight flip")
    assert command == "report" or any(w["channels"] for w in witnesses) == (kind == "channel")


def test_plain_data_holds_the_same(models):
    net, X, _ = ws.embedded("digits")
    found = ws.worst_case(net, ws.Crash(1), X[:2], spec=ws.Argmax())
    said = found.witness.to_dict()
    assert found.to_dict()["witness"] == said and set(said) == KEYS and said["ways"] == said["channels"] == []
    shown = told("worst-case", "digits", "--rows", "0:2", "--crash", "1", "--argmax")
    assert {key: shown[key] for key in KEYS} == said
    nothing = ws.enumerate_failures(net, ws.Crash(0), X[:2], components=True)
    assert nothing.to_dict()["components"] == []  # as where there are some: a list


def table(*words: str) -> str:
    return " ".join(CliRunner().invoke(app, list(words)).output.split())


def test_in_a_box_the_table_says_where():
    """Ten numbers are shown; more are where JSON has them."""
    few = ("worst-case", "diabetes", "--rows", "0", "--radius", "0.1", "--crash", "1")
    assert f"({', '.join(f'{v:.6g}' for v in told(*few)['input'])})" in table(*few)
    many = ("worst-case", "digits_small", "--rows", "0", "--radius", "0.001", "--crash", "1", "--node-limit", "9")
    assert "input 64 numbers, which --json lists" in table(*many)
    assert "which --json lists" not in table("worst-case", "digits_small", "--rows", "0", "--crash", "1")


def test_an_interval_of_a_certificate_is_said_to_be_its_own(tmp_path):
    words = ("worst-case", "digits_small", "--rows", "0:2", "--crash", "3", "--certificate", str(tmp_path / "p.json"))
    said = "the interval is what the certificate proves: without --certificate it may be narrower"
    assert said in table(*words, "--node-limit", "1")
    assert said not in table("worst-case", "digits_small", "--rows", "0:2", "--crash", "3", "--node-limit", "1")


def test_inspect_names_layers_that_have_names(tmp_path):
    layers = [ws.Layer([(0, [[1.0]])], name="stem"), ws.Layer([(1, [[1.0]])], activation="identity", name="head")]
    ws.Network(layers=layers, shape=(1,)).save(tmp_path / "net.npz")
    said = table("inspect", str(tmp_path / "net.npz"))
    assert "layer name neurons" in said and "1 stem 1 relu" in said and "2 head 1 identity" in said
    assert "layer neurons" in table("inspect", "diabetes")
