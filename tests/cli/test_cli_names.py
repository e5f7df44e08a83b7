# SPDX-License-Identifier: MIT
"""Tables name what failed as people know it: channels by their number, noise by its name, and not neuron by neuron."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

pytest.importorskip("click")

import withstand as ws
from click.testing import CliRunner
from withstand.cli.commands import app

RNG = np.random.default_rng(3)
MAPS = ws.Network(
    layers=[
        ws.Layer([(0, ws.Conv(RNG.normal(size=(3, 1, 3, 3)), padding=1))]),
        ws.Layer([(1, RNG.normal(size=(4, 75)))]),
        ws.Layer([(2, RNG.normal(size=(2, 4)))], activation="identity"),
    ],
    shape=(1, 5, 5),
)
X = RNG.normal(size=(2, 25))


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("names")
    MAPS.save(folder / "maps.npz")
    np.save(folder / "x.npy", X)
    return str(folder / "maps.npz"), str(folder / "x.npy")


def said(*arguments: str) -> str:
    ran = CliRunner().invoke(app, list(arguments))
    assert ran.exit_code in (0, 1, 3), ran.output
    return ran.output


#: Of every command that tells a witness.
ASKED = {
    "worst-case": ("--channel", "1"),
    "enumerate": ("--channel", "1"),
    "tolerance": ("--of", "channel", "-e", "0.1"),
}


@pytest.mark.parametrize("command", ASKED)
def test_tables_name_channels_and_not_their_neurons(files, command):
    text = said(command, files[0], "-x", files[1], *ASKED[command])
    assert "channel" in text and not re.search(r"\(\d+, \d+\), \(\d+, \d+\), \(\d+, \d+\), \(\d+, \d+\), \(\d+", text)
    found = ws.worst_case(MAPS, ws.Crash(1, unit="channel"), X).witness
    (channel,) = found.channels
    assert str(channel) in text
    assert f"channel {channel}: 25 neurons" in repr(found) or channel[0] == 2


def test_the_ranking_names_channels_and_json_the_first_neuron(files):
    asked = ("enumerate", files[0], "-x", files[1], "--channel", "1", "--components")
    text, told = said(*asked), json.loads(said(*asked, "--json"))
    found = ws.enumerate_failures(MAPS, ws.Crash(1, unit="channel"), X, components=True)
    assert [row["component"] for row in told["components"]] == [list(c) for c in found.critical()]
    named = [tuple(map(int, pair)) for pair in re.findall(r"^ +channel \((\d+), (\d+)\) ", text, re.M)]
    assert named == [(l, n // 25 if l == 1 else n) for l, n in found.critical()]
    assert len(told["failed"]) == len(found.witness.failed)


@pytest.mark.parametrize(("failures", "option"), [
    (ws.Crash(1), "--crash=1"), (ws.Byzantine(1, capacity=9.0), "--byzantine=1:9"), (ws.Crash(0), "--crash=0"),
    (ws.SynapseCrash(1), "--synapse-crash=1"),
])  # fmt: skip
def test_beside_noise_what_fails_is_named_and_noise_by_its_name(failures, option):
    net, rows, _ = ws.embedded("digits_small")
    witness = ws.worst_case(net, failures + ws.Noise(0.01), rows[:1], node_limit=20).witness
    assert len(witness.failed) >= net.n_neurons
    *alone, last = witness._names()
    assert last == "noise" and len(alone) == max(failures._terms[0].counts)
    assert witness.error == float(np.abs(net.forward(rows[0], failed=witness) - net.forward(rows[0])).max())
    text = said("worst-case", "digits_small", option, "--noise", "0.01", "--rows", "0:1", "--node-limit", "20")
    assert re.search(rf"^  failed +{re.escape(', '.join([*alone, 'noise']))}$", text, re.M)
    assert len(repr(witness)) < 200


def test_what_is_named_beside_noise_transmits_what_noise_cannot_make_it():
    """Every other neuron is within the amplitude of what its layer makes of what it is sent, recomputed in NumPy."""
    net, rows, _ = ws.embedded("digits_small")
    witness = ws.worst_case(net, ws.Crash(1) + ws.Noise((0.01, 0.03)), rows[:1], node_limit=20).witness
    before, far = rows[0], []
    for layer, most in ((1, 0.01), (2, 0.03)):
        would = np.maximum(net.weights[layer - 1] @ before + net.biases[layer - 1], 0)
        before = np.array([witness.values[layer, n] for n in range(len(would))])
        far += [str((layer, int(n))) for n in np.flatnonzero(np.abs(before - would) > most + 1e-9)]
    assert far == witness._names()[:-1]
