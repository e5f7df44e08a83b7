# SPDX-License-Identifier: MIT
"""The mixed-integer programs agree with trying everything on small networks."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from peers import chunked_numpy, loop_numpy
from peers.common import MODELS, anywhere, load
from test_peers import error_of, random_net

highs_mip = pytest.importorskip("peers.highs_mip", exc_type=ImportError)
highs_synapses = pytest.importorskip("peers.highs_synapses", exc_type=ImportError)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("k", [1, 2, 3])
def test_anywhere(seed: int, k: int) -> None:
    """At most k crashes anywhere, two inputs."""
    net, x = random_net((3, 5, 4, 6, 2) if seed % 2 else (4, 6, 7, 3), "relu", seed)
    expected = max(anywhere(loop_numpy.worst, net, x[:2], j).error for j in range(1, k + 1))
    found = highs_mip.worst(net, x[:2], k)
    assert found.optimal
    assert found.error == pytest.approx(expected, rel=1e-9)
    assert found.bound == pytest.approx(expected, abs=1e-6)
    assert error_of(net, x[:2], found.failed) == pytest.approx(found.error, rel=1e-9)


@pytest.mark.parametrize("counts", [(2, 0, 1), (0, 3, 0), (1, 1, 2), (0, 0, 1)])
def test_per_layer(counts: tuple[int, ...]) -> None:
    """At most so many crashes in every layer; fewer may be worse."""
    net, x = random_net((3, 5, 4, 6, 2), "relu", sum(counts))
    spaces = [c for c in product(*(range(k + 1) for k in counts)) if any(c)]
    expected = max(loop_numpy.worst(net, x, c).error for c in spaces)
    found = highs_mip.worst(net, x, counts)
    assert found.error == pytest.approx(expected, rel=1e-9)
    assert found.bound == pytest.approx(expected, abs=1e-6)


def test_digits_small() -> None:
    """Two crashes anywhere among 64 neurons of a trained network."""
    net = load(MODELS / "digits_small.onnx")
    x = np.load(MODELS / "digits_small_samples.npz")["samples_x"][:1]
    expected = max(anywhere(chunked_numpy.worst, net, x, j).error for j in (1, 2))
    found = highs_mip.worst(net, x, 2)
    assert found.optimal
    assert found.error == pytest.approx(expected, rel=1e-9)
    assert found.bound == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_dead_synapses(seed: int) -> None:
    """At most two of them, one output and sign, against every pair."""
    net, x = random_net((3, 4, 3, 2) if seed % 2 else (4, 5, 2), "relu", seed)
    synapses = [(layer, j, i) for layer, w in enumerate(net.weights, 1) for j, i in np.ndindex(*w.shape)]
    sets = [*combinations(synapses, 2), *((s,) for s in synapses), ()]
    nominal = net.trace(x[:1])[-1][0]
    for output, sign in product(range(2), (1, -1)):
        expected = max(sign * (highs_synapses.replay(net, x[0], list(s)) - nominal)[output] for s in sets)
        found = highs_synapses.worst(net, x[0], 2, output, sign, 60.0)
        assert found.optimal
        assert found.error == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert found.bound == pytest.approx(expected, abs=1e-6)


def test_only_relu() -> None:
    """A logistic network is refused by name."""
    net, x = random_net((2, 3, 1), "logistic", 0)
    with pytest.raises(ValueError, match="logistic"):
        highs_mip.worst(net, x, 1)
