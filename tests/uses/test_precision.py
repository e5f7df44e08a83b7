# SPDX-License-Identifier: MIT
"""Memory cost: quantisers keep their error, the allocation is the cheapest, the quantised network keeps the bound."""

from __future__ import annotations

from itertools import product

import bridge
import numpy as np
import oracle
import pytest
import strategies as s
import withstand as ws
from hypothesis import given
from hypothesis import strategies as st
from withstand.model.quantise import QUANTISERS, Quantiser, unit_error
from withstand.uses.precision import allocate

TIGHT = ws.Network(
    [np.zeros((3, 1)), np.full((4, 3), 0.5), np.full((1, 4), 0.25)],
    [np.full(3, 0.5), np.full(4, -1.0), None],
    activation="clip",
)


# quantisers -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", QUANTISERS)
@pytest.mark.parametrize("bits", [0, 1, 2, 5])
def test_unit_error_is_the_largest_error(name, bits):
    values = np.linspace(0, 1, 2**12 + 1)
    quantiser = Quantiser(name, bits, 0.0, 1.0)
    error = abs(quantiser(values) - values)
    assert error.max() <= unit_error(name, bits) + 1e-15
    assert error.max() >= unit_error(name, bits) - 2**-12
    codes = quantiser.codes(values)
    assert codes.min() >= 0
    assert codes.max() < 2**bits + (name == "fraction")


@given(st.floats(-3, 3), st.floats(0, 4), st.integers(0, 30), st.sampled_from(QUANTISERS), st.floats(0, 1))
def test_quantisers_scale_with_the_range_and_clip(low, length, bits, name, part):
    quantiser = Quantiser(name, bits, low, low + length)
    value = low + part * length
    assert abs(quantiser([value])[0] - value) <= length * unit_error(name, bits) + 1e-14
    ends = quantiser([low - 1, low + length + 1])
    assert (ends >= low - 1e-14).all()
    assert (ends <= low + length + 1e-14).all()


def test_golden_errors():
    assert unit_error("fraction", 7) == 1 / 256
    assert unit_error("saturated", 7) == 1 / 128
    assert unit_error("truncated", 7) == 1 / 128
    assert unit_error("grid", 7) == 1 / 254


# allocation -------------------------------------------------------------------------------------------------
def test_pitfall_a_saturating_quantiser_errs_by_a_whole_step():
    """b stored bits cannot hold 1: there the error is 2^-b, twice the half step that rounding makes elsewhere."""
    for bits in (1, 4, 7):
        quantiser = Quantiser("saturated", bits, 0.0, 1.0)
        assert 1.0 - quantiser(1.0) == unit_error("saturated", bits) == 2.0**-bits
        inside = np.arange(2**bits) / 2**bits  # up to the largest value it stores
        assert np.abs(inside + 2.0 ** -(bits + 1) - quantiser(inside + 2.0 ** -(bits + 1))).max() == 2.0 ** -(bits + 1)


def test_golden_bits():
    assert allocate([1.5, 1.0], [3, 4], 0.01) == (7, 7)
    found = ws.precision(TIGHT, 0.01, [[0.0]], weights=False, quantiser="fraction")
    assert found.activation_bits == (7, 7)
    assert found.uniform_bits == 7
    assert found.bound == pytest.approx(2.5 / 256, rel=2e-9)
    assert found.observed <= found.bound


def test_allocation_is_the_cheapest_of_all():
    rng = np.random.default_rng(0)
    for trial in range(60):
        sites, most = int(rng.integers(1, 4)), 7
        errors = (rng.integers(1, 20, sites) / 4).tolist()
        words = rng.integers(1, 9, sites).tolist()
        name = QUANTISERS[trial % 4]
        units = [unit_error(name, b) for b in range(most + 1)]
        budget = float(rng.integers(1, 40)) / 40 * sum(errors) * units[0] + sum(errors) * units[most]
        error = lambda bits: sum(e * units[b] for e, b in zip(errors, bits, strict=True))  # noqa: B023, E731
        memory = lambda bits: int(np.dot(words, bits))  # noqa: B023, E731
        feasible = [bits for bits in product(range(most + 1), repeat=sites) if error(bits) <= budget]
        found = allocate(errors, words, budget, quantiser=name, most=most)
        assert found in feasible
        assert memory(found) == min(map(memory, feasible))
        if name == "fraction":
            theirs = oracle.allocate(errors, words, budget, most)
            assert theirs[0] == memory(found)
        assert allocate(errors, words, sum(errors) * units[most] * 0.99, quantiser=name, most=most) is None


def test_greedy_is_beaten_where_layers_differ_in_size():
    """Adding a bit where it helps most per stored value is not optimal."""
    errors, words, budget = [1.0, 0.75], [5, 3], 0.3
    bits = [0, 0]
    cost = lambda bits: sum(e * unit_error("fraction", b) for e, b in zip(errors, bits, strict=True))  # noqa: E731
    while cost(bits) > budget:
        gain = [e * unit_error("fraction", b + 1) / w for e, b, w in zip(errors, bits, words, strict=True)]
        bits[int(np.argmax(gain))] += 1
    best = allocate(errors, words, budget)
    assert np.dot(words, best) < np.dot(words, bits)


# the whole answer -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["digits", "digits_small", "diabetes"])
@pytest.mark.parametrize("quantiser", QUANTISERS)
def test_observed_error_never_exceeds_the_bound(name, quantiser):
    net, X, _ = ws.embedded(name)
    box = ws.Box(np.zeros(X.shape[1]), np.ones(X.shape[1]))
    for domain, epsilon in ((X, 0.1), (box, 0.5)):
        found = ws.precision(net, epsilon, domain, quantiser=quantiser)
        assert 0 < found.observed <= found.bound + found.slack <= epsilon
        assert found.inputs == (len(X) if domain is X else 1002)
        assert found.ratio <= 1
        assert found.bytes < found.bytes_single
        quantised = found.quantised.forward(X)
        assert abs(quantised - net.forward(X)).max() <= found.bound + found.slack


def test_random_networks_keep_the_bound():
    rng, held = np.random.default_rng(2), 0
    for trial in range(150):
        plain = s.random_network(rng, depth=(1, 3), width=(1, 5))
        net, X = bridge.network(plain), s.random_inputs(rng, plain, 4)
        kinds = [{}, {"weights": False}, {"activations": False}][trial % 3]
        try:
            found = ws.precision(net, float(rng.choice([0.05, 0.5])), X, quantiser=QUANTISERS[trial % 4], **kinds)
        except ValueError:  # no weight anywhere, or more than 40 bits
            continue
        assert found.observed <= found.bound + found.slack <= found.epsilon
        assert (found.weight_bits is None) == ("weights" in kinds)
        assert (found.activation_bits is None) == ("activations" in kinds)
        held += 1
    assert held > 120


def test_bound_is_attained_to_a_factor_on_positive_weights():
    """The construction at the middle of the ramp: every rounding error adds up."""
    net = ws.Network(
        [np.zeros((3, 1)), np.full((4, 3), 0.5), np.full((1, 4), 0.25)],
        [np.full(3, 0.25 - 0.5 + 1 / 512 - 1e-9), np.full(4, -0.5), None],
        activation="clip",
    )
    found = ws.precision(net, 0.01, [[0.0]], weights=False, quantiser="truncated")
    assert found.observed >= found.bound / 4


def test_saved_file_holds_the_quantised_network(tmp_path):
    net, X, _ = ws.embedded("digits_small")
    found = ws.precision(net, 0.1, X)
    path = tmp_path / "small.npz"
    found.quantised.save(path)
    with np.load(path, allow_pickle=False) as data:
        assert data["weight_bits"].tolist() == list(found.weight_bits)
        assert data["activation_bits"].tolist() == list(found.activation_bits)
        for layer in (1, 2, 3):
            low, high = data[f"weights_range_{layer}"]
            codes = data[f"weights_{layer}"]
            assert codes.dtype.kind == "u"
            steps = 2 ** int(data["weight_bits"][layer - 1]) - 1
            np.testing.assert_allclose(
                low + codes * ((high - low) / steps), found.quantised.network.weights[layer - 1], atol=1e-15
            )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"quantiser": "posit"}, "quantiser must be one of"),
        ({"activations": False, "weights": False}, "nothing to quantise"),
        ({"epsilon": 1e-14}, "needs more than 40 bits"),
        ({"epsilon": -1.0}, "epsilon must be at least 0"),
    ],
)
def test_refusals(change, message):
    arguments = {"epsilon": 0.1, **change}
    with pytest.raises(ValueError, match=message):
        ws.precision(TIGHT, domain=[[0.0]], **arguments)
