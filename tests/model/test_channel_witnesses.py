# SPDX-License-Identifier: MIT
"""Witnesses name the channels that fail."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
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


def _residual(axis: int, clip: bool) -> ws.Network:
    """A convolution, the sum of its feature maps and what another one makes of them, and a readout."""
    kernel = np.array([[[0.5], [1.0]], [[-0.25], [2.0]]])
    shape = (1, 3) if axis == 0 else (3, 1)
    index = np.arange(6).reshape((2, 3) if axis == 0 else (3, 2))
    clips = [ws.Layer([(2, ws.Select(index, -1.0))], may_fail=False)] if clip else []
    last = 2 + len(clips)
    return ws.Network(
        layers=[
            ws.Layer([(0, ws.Conv(kernel[:, :1], channel_axis=axis))]),
            ws.Layer([(1, ws.Conv(kernel, channel_axis=axis))], activation="identity", may_fail=False),
            *clips,
            ws.Layer([(1, None), (last, None)]),
            ws.Layer([(last + 1, np.arange(1.0, 7.0)[None])], activation="identity"),
        ],
        shape=shape,
    )


@pytest.mark.parametrize(("axis", "clip"), [(0, False), (0, True), (-1, False), (-1, True)])
def test_sums_of_feature_maps_are_feature_maps(axis: int, clip: bool, tmp_path: Path) -> None:
    net, x = _residual(axis, clip), [[1.0, 2.0, 3.0]]
    assert ws.Crash(1, unit="channel").configurations(net) == 1 + 2 + 2
    assert [layer.channel_axis for layer in net.layers] == [axis % 2, axis % 2, None]
    among = ws.Crash(1, unit="channel", exactly=True, among=[(2, 1)])
    found = ws.worst_case(net, among, x, certificate=tmp_path / "proof.json")
    maps = np.arange(6).reshape(2, 3) if axis == 0 else np.arange(6).reshape(3, 2).T
    assert found.witness.failed == tuple((2, int(neuron)) for neuron in maps[1])
    assert ws.check_certificate(tmp_path / "proof.json", net=net, failures=among).valid


def test_what_moves_entries_has_no_feature_maps() -> None:
    kernel = ws.Conv([[[1.0]], [[2.0]]])
    turned = ws.Layer([(1, ws.Select([[5, 4, 3], [2, 1, 0]]))])
    net = ws.Network(layers=[ws.Layer([(0, kernel)]), turned, ws.Layer([(2, np.ones((1, 6)))])], shape=(1, 3))
    assert ws.Crash(1, unit="channel").configurations(net) == 1 + 2 + 6
