# SPDX-License-Identifier: MIT
"""The oracle's bounds on networks done by hand: golden tables in exact rationals."""

from __future__ import annotations

from fractions import Fraction as Q

import numpy as np
import pytest

import oracle

H, F4 = Q(1, 2), Q(1, 4)
# golden scalar tables ---------------------------------------------------------------------------------------
GOLDEN = [  # N, w_2.., K, Delta, R, f, Fep, at most, capped, additive
    ((5,), (F4,), 1, 1, 1, (2,), H, H, H, H),
    ((3, 4), (H, F4), 1, 1, 1, (1, 1), Q(5, 8), Q(5, 8), Q(5, 8), Q(3, 4)),
    ((3, 4), (H, F4), F4, 1, 1, (1, 1), Q(11, 32), Q(11, 32), Q(11, 32), Q(3, 8)),
    ((2, 3), (1, 1), 1, 1, 1, (2, 0), 6, 6, 3, 6),
    ((2, 3), (1, 1), 1, 1, 1, (2, 1), 5, 6, 3, 7),
    ((2, 3), (1, 1), 1, 1, 2, (2, 1), 5, 6, 6, 7),
    ((4, 4, 4), (H, H, Q(1, 8)), H, 1, 1, (1, 2, 1), Q(23, 64), Q(23, 64), Q(23, 64), H),
    ((10, 10), (Q(1, 10), Q(1, 10)), 1, 2, 1, (3, 2), Q(22, 25), Q(22, 25), Q(22, 25), 1),
]


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: str(row[0]))
def test_golden_scalar_table(row):
    N, w, K, D, R, f, fep, at_most, capped, additive = row
    numbers = oracle.scalars(N, w, K, D, f, R)
    assert oracle.fep(numbers) == fep
    assert oracle.at_most(numbers) == at_most
    L = len(N)
    assert oracle.fep_unrolled(N, numbers.w, (K,) * L, (D,) * L, f) == fep
    assert oracle.at_most_closed(N, numbers.w, (K,) * L, (D,) * L, f) == at_most
    assert oracle.capped(numbers) == capped
    assert oracle.additive(N, numbers.w, (K,) * L, (D,) * L, f) == additive


def test_golden_synapses():
    def at(g, f=(0, 0)):
        M = (1, H, F4)
        return oracle.fep(
            oracle.scalars(
                (3, 4), (1, H, F4), 1, 1, f, synapses=tuple([pair] for pair in zip(g, M, strict=True))
            )
        )

    assert [at((1, 0, 0)), at((0, 2, 0)), at((1, 1, 2)), at((1, 1, 2), (1, 1))] == [H, F4, Q(9, 8), Q(13, 8)]


def test_synapse_factor_counts_neurons_and_outputs_once():
    # two S2 synapses, one into the hidden layer and one into the output: true error 2
    net = oracle.network([[[1.0], [0.0]], [[1.0, 0.0]]], None, "relu")
    model = oracle.synapse_byzantine((1, 1), 1.0, "signal")
    assert oracle.adversary(net, model, [[1.0]]).error == 2.0
    assert oracle.bound(net, model, (np.ones(1), np.ones(1)), "fep")[0] == 2.0


def test_additive_failures_keep_relaying():
    net = oracle.network([[[1.0]], [[1.0]], [[1.0]]])
    assert oracle.adversary(net, oracle.noise(1.0), [[1.0]]).error == 2.0
    box = (np.ones(1), np.ones(1))
    assert oracle.bound(net, oracle.noise(1.0), box, "at-most")[0] == 2.0
    assert oracle.additive((1, 1), (1, 1, 1), (1, 1), (1, 1), (1, 1)) == 2
    assert oracle.fep(oracle.scalars((1, 1), (1, 1), 1, 1, (1, 1))) == 1  # Fep is unsound for them


def test_fep_is_not_monotone_and_at_most_covers():
    rng = np.random.default_rng(0)
    for _ in range(150):
        L = int(rng.integers(1, 4))
        N = tuple(int(n) for n in rng.integers(1, 4, L))
        f = tuple(int(rng.integers(0, n + 1)) for n in N)
        w = tuple(Q(int(v), 8) for v in rng.integers(0, 12, L + 1))
        K, D, R = (tuple(Q(int(v), 4) for v in rng.integers(1, 9, L)) for _ in range(3))
        numbers = oracle.scalars(N, w, K, D, f, R)
        below = [oracle.scalars(N, w, K, D, g, R) for g in np.ndindex(*(k + 1 for k in f))]
        assert oracle.at_most(numbers) == max(oracle.fep(b) for b in below)  # Theorem B
        assert oracle.at_most(numbers) == oracle.at_most_closed(N, w, K, D, f)
        assert oracle.fep(numbers) == oracle.fep_unrolled(N, w, K, D, f)
        assert oracle.capped(numbers) == max(oracle.capped(b, exactly=True) for b in below)
        assert oracle.capped(numbers) <= oracle.at_most(numbers)
        if all(d >= r for d, r in zip(D, R, strict=True)):  # Theorem C
            assert oracle.capped(numbers) == oracle.capped(numbers, exactly=True) <= oracle.fep(numbers)


# golden networks --------------------------------------------------------------------------------------------
def golden_networks():
    inner = [[[1], [2]], [[1, H], [F4, -1], [-H, 1]], [[1, -H, F4]]]
    g2 = oracle.network([oracle.exact(W) for W in inner], [[0, 0], [0, 2, 0], [0]])
    edges = [(a, b) for a in range(4) for b in range(a)]
    gadget = [[float(v in edge) for v in range(4)] for edge in edges]
    return {
        "G1": (oracle.network([[[1.0]] * 5, [[0.25, -0.25, 0.125, 0.25, -0.125]]]), (2,)),
        "G2": (g2, (1, 0)),
        "G3": (g2, (1, 1)),
        "G4": (
            oracle.network(
                [[[1.0]] * 3, np.full((4, 3), 0.5), np.full((1, 4), 0.25)],
                [[-0.5] * 3, [-1.0] * 4, [0.0]],
                "clip",
            ),
            (1, 1),
        ),
        "G5": (
            oracle.network(
                [[[1.0]] * 2, np.ones((3, 2)), np.ones((1, 3))], [[0.0] * 2, [-1.0] * 3, [0.0]], "hard_tanh"
            ),
            (2, 1),
        ),
        "G6": (
            oracle.network([[[1.0]] * 4, gadget, np.ones((1, 6))], [[0.0] * 4, [-0.5] * 6, [0.0]], "clip"),
            (2, 0),
        ),
    }


# exact, exactly, Fep, at most, capped, matrix (layer), matrix (neuron), adjoint, signed, difference version
TABLE = {
    "G1": (H, H, H, H, H, H, H, H, (-H, Q(3, 8)), (-H, Q(3, 8))),
    "G2": (Q(19, 8), Q(19, 8), 6, 6, 6, Q(7, 2), Q(5, 2), Q(5, 2), (Q(-19, 8), F4), (Q(-19, 8), Q(1, 10))),
    "G3": (Q(27, 8), Q(27, 8), 6, 6, 6, Q(7, 2), Q(7, 2), Q(9, 2), (Q(-27, 8), F4), (Q(-27, 8), F4)),
    "G4": (*[Q(5, 8)] * 7, Q(3, 4), (Q(-5, 8), 0), (Q(-5, 8), 0)),
    "G5": (6, 5, 5, 6, 6, 6, 6, 7, (-6, 0), (-6, 0)),
    "G6": (1, 1, 12, 12, 6, 6, 6, 6, (-6, 0), (-6, 0)),
}


@pytest.mark.parametrize("name", TABLE)
def test_golden_networks(name):
    net, f = golden_networks()[name]
    net, x, model = net.exact(), oracle.exact([1]), oracle.crash(f)
    box = (x, x)
    exact, exactly, fep, at_most, capped, by_layer, by_neuron, adjoint, signed, linear = TABLE[name]
    assert oracle.worst(net, model, x) == exact
    assert oracle.worst(net, oracle.crash(f, exactly=True), x) == exactly
    assert oracle.bound(net, model, box, "at-most")[0] == at_most
    assert oracle.bound(net, model, box, "fep")[0] == fep
    assert oracle.bound(net, model, box, "capped")[0] == capped
    assert oracle.matrix(net, model, box, layer_delta=True)[0] == by_layer
    assert oracle.matrix(net, model, box)[0] == by_neuron
    assert oracle.adjoint(net, model, box)[0] == adjoint
    assert tuple(side[0] for side in oracle.signed(net, model, box).output) == signed
    assert tuple(side[0] for side in oracle.linear(net, model, box, versions=("difference",))) == linear
    low, high = oracle.linear(net, model, box)
    assert linear[0] <= low[0] <= -0
    assert 0 <= high[0] <= linear[1]
