# SPDX-License-Identifier: MIT
"""Witnesses name the channels that fail."""

from __future__ import annotations

import pickle

import withstand as ws
from withstand.questions.enumeration import enumerate_failures

IMAGE = ws.Network(
    layers=[
        ws.Layer([(0, ws.Conv([[[1.0, 2.0]], [[-1.0, 4.0]]]))], [0.5, -0.5], "relu"),
        ws.Layer([(1, [[1.0, 0.0, 2.0, -1.0]])], activation="identity"),
    ],
    shape=(1, 3),
)


def test_a_witness_names_the_channels_that_fail() -> None:
    found = enumerate_failures(IMAGE, ws.Crash(1, unit="channel", exactly=True), [[1.0, 1.0, 3.0]])
    assert found.witness.channels == ((1, 1),)
    assert "failed=[channel (1, 1): 2 neurons], input 0" in repr(found.witness)
    assert repr(pickle.loads(pickle.dumps(found.witness))) == repr(found.witness)
    mixed = ws.Crash(1, unit="channel", exactly=True, among=[(1, 1)]) + ws.StuckAt(1, 5.0, exactly=True, among=[(1, 0)])
    both = enumerate_failures(IMAGE, mixed, [[1.0, 1.0, 3.0]])
    assert "failed=[channel (1, 1): 2 neurons, (1, 0)]" in repr(both.witness)
    fewest = ws.tolerance(IMAGE, 0.1, [[1.0, 1.0, 3.0]], model=lambda k: ws.Crash(k, unit="channel")).witness
    assert (len(fewest.channels), len(fewest.groups)) == (1, 1)  # what is not needed is taken out, its name too
    assert enumerate_failures(IMAGE, ws.Crash(1, groups=[[(1, 2), (1, 3)]]), [[1.0, 1.0, 3.0]]).witness.channels == ()
