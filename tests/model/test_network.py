# SPDX-License-Identifier: MIT
"""The network: construction, evaluation, identity, bad input."""

from __future__ import annotations

import math
import pickle

import numpy as np
import oracle
import pytest
import withstand as ws
from withstand.model.activations import DEFAULT_SLOPES, NAMES


def make(rng, widths=(4, 7, 5, 3), activation="relu", output="identity"):
    weights = [rng.normal(size=(b, a)) for a, b in zip(widths, widths[1:])]
    biases = [rng.normal(size=b) for b in widths[1:]]
    return ws.Network(weights, biases, activation=activation, output_activation=output)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_properties(rng):
    net = make(rng, activation=["logistic", "tanh"])
    assert net.widths == (4, 7, 5, 3)
    assert (net.depth, net.n_neurons, net.n_parameters) == (2, 12, 4 * 7 + 7 * 5 + 5 * 3 + 15)
    assert net.max_weights == tuple(float(abs(w).max()) for w in net.weights)
    assert net.lipschitz == (0.25, 1.0)
    assert net.outputs == "values"
    assert repr(net) == "Network(4-7-5-3, logistic, tanh, 93 parameters)"


@pytest.mark.parametrize("name", NAMES)
def test_forward_is_the_definition(rng, name):
    slope = 0.2 if name in DEFAULT_SLOPES else None
    phi = oracle.Activation(name, 1.0, slope)
    net = make(rng, activation=ws.Activation(name, gain=1.5, slope=slope), output=ws.Activation(name, slope=slope))
    X = rng.normal(size=(9, 4))
    failed = {(1, 2): 0.5, (2, 0): 0.0, (1, 0, 3): 2.0}
    for case in (None, failed):
        y = X
        for l, (w, b) in enumerate(zip(net.weights, net.biases), start=1):
            products = w[None] * y[:, None, :]
            for component, value in (case or {}).items():
                if len(component) == 3 and component[0] == l:
                    products[:, component[1], component[2]] = value
            s = products.sum(-1) + b
            y = phi(1.5 * s) if l < 3 else phi(s)
            for component, value in (case or {}).items():
                if len(component) == 2 and component[0] == l:
                    y[:, component[1]] = value
        np.testing.assert_allclose(net.forward(X, failed=case), y, rtol=1e-13, atol=1e-13)


def test_a_row_computes_the_same_bits_alone_and_in_a_batch(rng):
    net = make(rng, widths=(33, 65, 17, 5), activation="tanh")
    X = rng.normal(size=(20, 33))
    batch = net.forward(X)
    assert all(np.array_equal(net.forward(x), y) for x, y in zip(X, batch))
    assert net.forward(X[0]).shape == (5,)
    assert [y.shape for y in net.trace(X)] == [(20, 33), (20, 65), (20, 17), (20, 5)]
    assert np.array_equal(net.trace(X[3])[-1], batch[3])


def test_identity_and_pickle(rng):
    net, same = make(np.random.default_rng(1)), make(np.random.default_rng(1))
    assert net == same
    assert hash(net) == hash(same)
    assert net != make(np.random.default_rng(2))
    assert net != make(np.random.default_rng(1), activation="tanh")
    assert pickle.loads(pickle.dumps(net)) == net
    assert net != "network"


def test_networks_are_immutable(rng):
    weights = [np.ones((2, 1)), np.ones((1, 2))]
    net = ws.Network(weights)
    weights[0][:] = 5
    assert net.forward([1.0]) == [2.0]
    with pytest.raises(ValueError, match="read-only"):
        net.weights[0][0, 0] = 3
    with pytest.raises(AttributeError):
        net.depth = 5


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, bool, np.float16])
def test_real_dtypes_are_converted(dtype):
    net = ws.Network([np.ones((2, 1), dtype), np.ones((1, 2), dtype)])
    assert net.weights[0].dtype == np.float64
    assert net.forward(np.ones((1, 1), dtype)) == [[2.0]]


W1, W2 = [[1.0], [2.0]], [[1.0, -1.0]]
NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([],), ValueError, "at least one hidden layer and an output layer, got no weights"),
        ((W2,), ValueError, "weights of layer 1 must have 2 dimensions"),
        (([W2],), ValueError, "at least one hidden layer, got the output layer alone"),
        (([W1, [[1.0]]],), ValueError, "layer 2: weights have 1 columns, layer 1 has 2 neurons"),
        (([np.zeros((0, 3)), np.zeros((1, 0))],), ValueError, r"layer 1: weights have shape \(0, 3\)"),
        (([W1, [[1.0, NAN]]],), ValueError, r"weights of layer 2 must be finite, entry \(0, 1\) is nan"),
        (([[[INF], [1.0]], W2],), ValueError, r"weights of layer 1 must be finite, entry \(0, 0\) is inf"),
        (([W1, W2], [[0.0, NAN], None]), ValueError, "biases of layer 1 must be finite, entry 1 is nan"),
        (([W1, W2], [[0.0], None]), ValueError, "layer 1: 1 biases for 2 neurons"),
        (([W1, W2], [None]), ValueError, "1 bias vectors for 2 layers"),
        (([W1, [["a", "b"]]],), TypeError, "weights of layer 2 must hold real numbers, got dtype <U1"),
        (([W1, [[1j, 1]]],), TypeError, "weights of layer 2 must hold real numbers, got dtype complex128"),
    ],
)
def test_bad_networks_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        ws.Network(*arguments)


@pytest.mark.parametrize(
    ("activation", "error", "message"),
    [
        ("sine", ValueError, "unknown activation 'sine'; known are logistic tanh relu"),
        (["relu", "relu"], ValueError, "2 activations for 1 hidden layers"),
        (3, TypeError, "not iterable|an activation is"),
        ([3], TypeError, "an activation is a name or a withstand.Activation, got 3"),
    ],
)
def test_bad_activations_are_refused(activation, error, message):
    with pytest.raises(error, match=message):
        ws.Network([W1, W2], activation=activation)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("relu", 0.0), "activation relu: gain must be positive and finite, got 0"),
        (("relu", INF), "activation relu: gain must be positive and finite, got inf"),
        (("tanh", 1.0, 0.5), "activation tanh has no slope, got 0.5"),
        (("elu", 1.0, -1.0), "activation elu: slope must be nonnegative and finite, got -1"),
    ],
)
def test_bad_activation_parameters_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ws.Activation(*arguments)


@pytest.mark.parametrize(
    ("X", "failed", "error", "message"),
    [
        ([1.0, 2.0], None, ValueError, "X has 2 columns, the network takes 1 inputs"),
        ([[[1.0]]], None, ValueError, r"X must have shape \(n, 1\) or \(1,\), got \(1, 1, 1\)"),
        ([NAN], None, ValueError, "X must be finite, entry 0 is nan"),
        (["a"], None, TypeError, "X must hold real numbers"),
        ([1.0], {(1, 2): 0.0}, ValueError, r"failed component \(1, 2\) does not exist: layers have widths 1 2 1"),
        ([1.0], {(2, 0): 0.0}, ValueError, "outputs never fail"),
        ([1.0], {(1, 0): NAN}, ValueError, "transmitted value must be finite, got nan"),
        ([1.0], {(1,): 0.0}, ValueError, r"a neuron is \(layer, neuron\), a synapse \(layer, to, from\)"),
        ([1.0], {(1, -1): 0.0}, ValueError, r"failed component \(1, -1\)"),
        ([1.0], {(1, 0, 1): 0.0}, ValueError, r"failed component \(1, 0, 1\) does not exist"),
    ],
)
def test_bad_inputs_are_refused(X, failed, error, message):
    with pytest.raises(error, match=message):
        ws.Network([W1, W2]).forward(X, failed=failed)


def test_one_image_is_told_to_be_flattened():
    net, X, _ = ws.embedded("digits_small")
    image = X[0].reshape(8, 8)
    with pytest.raises(ValueError, match=r"has 8 columns, .* if it is one input, flatten: X\.reshape\(1, -1\)$"):
        net.forward(image)
    with pytest.raises(ValueError, match=r"has 7 columns, the network takes 64 inputs$"):
        net.forward(np.zeros((8, 7)))
    with pytest.raises(ValueError, match=r"lower must have 1 dimension, got shape \(8, 8\); flatten: lower\.reshape"):
        ws.Box(image - 0.01, image + 0.01)
    with pytest.raises(ValueError, match=r"upper must have 1 dimension, got shape \(\)$"):
        ws.Box([0.0], 1.0)


def test_a_tensor_with_a_gradient_is_told_to_be_detached():
    torch = pytest.importorskip("torch")
    net, X, _ = ws.embedded("digits_small")
    given = torch.tensor(X[:2], requires_grad=True)
    with pytest.raises(TypeError, match=r"^X must be an array, got a tensor with a gradient; give \.detach\(\)"):
        net.forward(given)
    assert np.array_equal(net.forward(given.detach()), net.forward(X[:2]))


def test_images_are_told_to_be_flattened():
    net, X, _ = ws.embedded("digits_small")
    images = X[:2].reshape(2, 1, 8, 8)
    with pytest.raises(ValueError, match=r"got \(2, 1, 8, 8\); flatten: X\.reshape\(len\(X\), -1\)$"):
        net.forward(images)
    with pytest.raises(ValueError, match=r"flatten: domain\.reshape\(len\(domain\), -1\)$"):
        ws.worst_case(net, ws.Crash(1), images)
    with pytest.raises(ValueError, match=r"got \(2, 3, 8, 8\)$"):
        net.forward(np.zeros((2, 3, 8, 8)))
