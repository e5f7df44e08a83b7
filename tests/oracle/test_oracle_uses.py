# SPDX-License-Identifier: MIT
"""The oracle's uses of the theory: totals, memory, quorums, replicas."""

from __future__ import annotations

import math
from fractions import Fraction as Q
from itertools import product

import numpy as np
import pytest
import strategies as s

import oracle

H, F4 = Q(1, 2), Q(1, 4)


# totals -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("B", "plain", "with_cap", "most", "guaranteed"),
    [
        (F4, [(0, 1)], [(0, 1)], 1, 0),
        (H, [(0, 2), (1, 1)], [(0, 2), (1, 1)], 2, 1),
        (Q(3, 4), [(2, 3)], [(4, 3)], 5, 2),
    ],
)
def test_golden_frontier(B, plain, with_cap, most, guaranteed):
    numbers = oracle.scalars((4, 3), (H, F4), 1, 1, (0, 0), 1)
    assert oracle.frontier(numbers, B) == plain
    assert oracle.frontier(numbers, B, cap="range") == with_cap
    assert oracle.max_total(numbers, B) == most
    assert oracle.guaranteed_total(numbers, B) == guaranteed


def test_naive_fep_set_is_not_a_down_set():
    at = lambda f: oracle.fep(oracle.scalars((4, 3), (H, F4), 1, 1, f))  # noqa: E731
    assert at((4, 3)) == Q(3, 4)
    assert at((3, 0)) == Q(9, 8)


def test_single_layer_count_needs_rationals():
    numbers = oracle.scalars((5,), (Q(1, 10),), 1, 1, (0,))
    assert oracle.max_total(numbers, Q(3, 10) - Q(1, 10)) == 2
    assert (0.3 - 0.1) / 0.1 < 2


def test_totals_equal_the_maximum_over_distributions():
    rng = np.random.default_rng(19)
    for _ in range(40):
        L = int(rng.integers(1, 4))
        N = tuple(int(n) for n in rng.integers(1, 5, L))
        w = tuple(Q(int(v), 8) for v in rng.integers(0, 12, L + 1))
        K, D, R = (tuple(Q(int(v), 4) for v in rng.integers(1, 9, L)) for _ in range(3))
        numbers, most = oracle.scalars(N, w, K, D, (0,) * L, R), sum(N)
        for cap in (None, "range"):
            for best in (max, min):
                split = [
                    best(
                        oracle.recursion(oracle.scalars(N, w, K, D, f, R), cap=cap)
                        for f in oracle.distributions(N, t)
                    )
                    for t in range(most + 1)
                ]
                assert oracle.total_bounds(numbers, most, best, cap=cap) == split
            B = Q(int(rng.integers(1, 30)), 4)
            D_set = oracle.tolerated(numbers, B, cap=cap)
            assert oracle.max_total(numbers, B, cap=cap) == max(sum(f) for f in D_set)
            unsafe = [t for t in range(most + 1) if not all(f in D_set for f in oracle.distributions(N, t))]
            assert oracle.guaranteed_total(numbers, B, cap=cap) == min(unsafe, default=most + 1) - 1
        exact = [
            max(oracle.fep(oracle.scalars(N, w, K, D, f, R)) for f in oracle.distributions(N, t))
            for t in range(most + 1)
        ]
        assert oracle.total_bounds(numbers, most, exactly=True) == exact


# memory -----------------------------------------------------------------------------------------------------
def test_golden_bits():
    c = oracle.coefficients((3, 4), (0, H, F4), (1, 1))
    assert c == [Q(3, 2), 1]
    assert oracle.uniform_bits(c, Q(1, 100)) == 7
    assert sum(c) * oracle.rounding_error(7) == Q(5, 2) / 256
    assert oracle.allocate(c, (3, 4), Q(1, 100))[1] == (7, 7)


def test_allocation_is_the_cheapest_of_all():
    rng = np.random.default_rng(0)
    for _ in range(20):
        L, most = int(rng.integers(1, 4)), 7
        c = [Q(int(v), 4) for v in rng.integers(1, 20, L)]
        words = [int(v) for v in rng.integers(1, 9, L)]
        B = Q(int(rng.integers(1, 20)), 40) + sum(c) * oracle.rounding_error(most)
        error = lambda bits, c=c: sum(k * oracle.rounding_error(b) for k, b in zip(c, bits, strict=True))  # noqa: E731
        feasible = [bits for bits in product(range(most + 1), repeat=L) if error(bits) <= B]
        memory, bits = oracle.allocate(c, words, B, most)
        assert memory == min(int(np.dot(words, bits)) for bits in feasible)
        assert error(bits) <= B
        assert memory == sum(m * b for m, b in zip(words, bits, strict=True))


def test_precision_is_the_additive_recursion_and_not_fep():
    wide = oracle.precision((1, 2, 2), (0, H, H), (1, 1), (0, Q(1, 10), Q(1, 10)))
    assert wide == Q(1, 5) == oracle.additive((2, 2), (0, H, H), (1, 1), (Q(1, 10),) * 2, (2, 2))
    assert oracle.fep(oracle.scalars((2, 2), (H, H), 1, Q(1, 10), (2, 2))) == Q(1, 10)
    c = oracle.coefficients((2, 2), (0, H, H), (1, 1))
    assert sum(k * Q(1, 10) for k in c) == wide


def test_precision_bounds_a_perturbed_network():
    rng = np.random.default_rng(1)
    for _ in range(80):
        net = s.random_network(
            rng, width=(1, 4), depth=(1, 3), outputs=(1, 1), output_activations=("identity",)
        )
        x, L = s.random_inputs(rng, net, 1)[0], net.depth
        lam = [float(v) for v in rng.integers(0, 4, L + 1) / 16]
        q, beta = ([float(v) for v in rng.integers(0, 4, L + 1) / 16] for _ in range(2))
        shift = lambda shape, size: size * rng.choice([-1.0, 1.0], shape)  # noqa: E731
        weights = [W + shift(W.shape, size) for W, size in zip(net.weights, q, strict=True)]
        biases = [b + shift(b.shape, size) for b, size in zip(net.biases, beta, strict=True)]
        rough = oracle.network(weights, biases, net.activations)
        added = {(k, i): float(shift((), lam[k])) for k in range(L + 1) for i in range(net.widths[k])}
        error = abs(oracle.forward(rough, x, added=added) - oracle.forward(net, x))[0]
        Y = [abs(y).max() for y in oracle.trace(net, x)[:-1]]
        bound = oracle.precision(net.widths[:-1], rough.max_weights, net.lipschitz, lam, q=q, beta=beta, Y=Y)
        assert error <= bound + 1e-10 * max(1, error)


# quorums ----------------------------------------------------------------------------------------------------
def test_golden_waiting_times():
    waits = [oracle.exponential_wait(10, f) for f in range(4)]
    assert [round(float(t), 5) for t in waits] == [2.92897, 1.92897, 1.42897, 1.09563]
    assert [round(float(waits[0] / t), 3) for t in waits] == [1, 1.518, 2.050, 2.673]
    for N, f in ((10, 0), (10, 3), (3, 2), (5, 5)):
        exponential = oracle.expected_wait(N, f, lambda t: 1 - math.exp(-t), 40.0)
        assert exponential == pytest.approx(float(oracle.exponential_wait(N, f)), abs=1e-5)
        uniform = oracle.expected_wait(N, f, lambda t: t, 1.0, 2000)
        assert uniform == pytest.approx(float(oracle.uniform_wait(N, f)), abs=1e-5)


def test_golden_quorum_frontier():
    numbers = oracle.scalars((10, 10), (Q(1, 20), Q(1, 20)), 1, 1, (0, 0), 1)
    front = oracle.frontier(numbers, Q(1, 5))
    assert front == [(0, 4), (2, 3), (5, 2), (6, 1), (8, 0)]
    wait = {f: sum(oracle.exponential_wait(10, k) for k in f) for f in front}
    best = min(wait, key=wait.get)
    assert best == (5, 2)
    assert round(float(wait[best]), 4) == 2.0746
    assert round(2 * float(oracle.exponential_wait(10, 0)), 4) == 5.8579


def test_receivers_may_miss_different_signals():
    net = oracle.network([[[1.0], [1.0]], np.eye(2), [[1.0, 1.0]]], [[0.0] * 2, [-0.5] * 2, [0.0]], "clip")
    x = np.ones(1)
    assert oracle.quorum_worst(net, x, (1, 0)) == 2.0
    assert (
        oracle.bound(net, oracle.crash((1, 0)), (x, x), "adjoint")[0] == 1.0
    )  # one common set: not for quorums
    for method in ("fep", "at-most", "capped", "matrix", "signed"):
        assert oracle.bound(net, oracle.crash((1, 0)), (x, x), method)[0] >= 2.0
    assert oracle.bound(net, oracle.crash((1, 0)), (x, x), "fep")[0] == 2.0


def test_quorum_bounds_hold_when_every_receiver_misses_its_own():
    rng = np.random.default_rng(2)
    for _ in range(25):
        net = s.random_network(
            rng, width=(1, 3), depth=(1, 2), outputs=(1, 2), output_activations=("identity",)
        )
        x = s.random_inputs(rng, net, 1)[0]
        f = tuple(int(rng.integers(0, n + 1)) for n in net.hidden)
        worst = oracle.quorum_worst(net, x, f)
        for method in ("at-most", "capped", "matrix", "signed"):
            assert worst <= oracle.bound(net, oracle.crash(f), (x, x), method).max() + 1e-10 * max(1, worst)


# replicas ---------------------------------------------------------------------------------------------------
def test_golden_replicas():
    numbers = oracle.scalars((3, 4), (H, F4), 1, 1, (1, 1))
    values = [oracle.fep(oracle.replicated(numbers, (r, r))) for r in (1, 2, 4, 8)]
    assert values == [Q(5, 8), Q(11, 32), Q(23, 128), Q(47, 512)]
    assert oracle.replicas_needed(numbers, Q(11, 32)) == 2
    assert oracle.replicas_needed(numbers, Q(1, 10)) == 8
    single = oracle.scalars((4,), (Q(1, 3),), 1, 1, (2,))
    assert oracle.replicas_needed(single, Q(1, 10)) == math.ceil(2 * Q(1, 3) / Q(1, 10))


def test_replication_keeps_the_function_and_divides_the_failures():
    rng = np.random.default_rng(3)
    for _ in range(30):
        net = s.random_network(rng, width=(1, 3), activations=oracle.PIECEWISE_LINEAR)
        if net.output_activation.name not in oracle.PIECEWISE_LINEAR:
            continue
        net, r = net.exact(), [int(v) for v in rng.integers(1, 4, net.depth)]
        more = oracle.replicate(net, r)
        X = oracle.exact(s.random_inputs(rng, net, 2))
        assert (oracle.forward(more, X) == oracle.forward(net, X)).all()
        assert more.hidden == tuple(n * k for n, k in zip(net.hidden, r, strict=True))
        f = [int(rng.integers(0, n + 1)) for n in net.hidden]
        numbers = oracle.scalars(net.hidden, net.max_weights, net.lipschitz, 1, f)
        parts = oracle.scalars(more.hidden, more.max_weights, more.lipschitz, 1, f)
        assert oracle.fep(oracle.replicated(numbers, r)) == oracle.fep(parts)
        fractions = [Q(k, v) for k, v in zip(f, r, strict=True)]
        unrolled = oracle.fep_unrolled(
            net.hidden, net.max_weights, net.lipschitz, (1,) * net.depth, fractions
        )
        assert oracle.fep(parts) == unrolled


def test_golden_gain_sweep():
    at = lambda K: oracle.fep(oracle.scalars((4, 4, 4), (H, H, Q(1, 8)), K, 1, (1, 1, 1)))  # noqa: E731
    assert [float(at(K)) for K in (F4, H, Q(1), Q(2))] == [0.189453125, 0.2890625, 0.59375, 1.625]
