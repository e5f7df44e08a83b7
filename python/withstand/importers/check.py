# SPDX-License-Identifier: MIT
"""Compares a loaded network with the object it was loaded from, where that object's framework is at hand.

The importers read an object's numbers; here the object runs, as its users run it, on a few inputs. The two may
differ by the rounding of the object's own arithmetic, which is estimated as follows.

A product of a row w with a vector y of d entries takes d additions, each off by at most u times a partial sum, which
is at most ‖w‖ ‖y‖; u is the unit roundoff. Errors of independent signs then add up to about u ‖w‖ ‖y‖ where the
products vary in sign, and to sqrt(d/3) u ‖w‖ ‖y‖ where they do not and are added one after the other, so
(16 + sqrt(d)/2) u ‖w‖ ‖y‖ leaves room, also for the stages that an importer merges into one. Errors e in y arrive as at
most ‖w‖ max e, activations multiply by their Lipschitz constant and add a few u. A normalisation subtracts a mean that
the bias before it may cancel, so that no number of the loaded network shows how large both were: its quotient by the
standard deviation counts like a bias. For float32 the sum stays between 1e-5
and 1e-3 of the values in usual networks, below what another activation, a lost layer or another attribute changes.
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .errors import UnsupportedModel
from .layers import Array
from .objects import FAILURES

if TYPE_CHECKING:
    from .. import Network

__all__ = ["compare", "differing", "run_object"]

_FEW: Final = 16.0
#: What torch and Keras with torch drop from a softplus beyond their threshold of 20: log(1 + exp(-20)).
_SOFTPLUS_TAIL: Final = 2.1e-9
#: Inputs of these sizes, and inputs that make the first layer's pre-activations of about these sizes.
_SIZES: Final = (0.0, 0.1, 1.0, 10.0, 100.0)
_PRE_ACTIVATIONS: Final = 3 * (0.1, 0.5, 1.0, 2.0, 4.0, 20.0)
#: No input is larger, whatever the weights are: single precision has to hold what an object computes with it.
_LARGEST: Final = 1e9


def compare(net: Network, source: Any, library: str) -> None:
    """Refuse a network that does not compute what the object does that it was loaded from.

    Neither the object nor any global state changes: nothing is switched to evaluation mode, generators of random
    numbers keep their state, no gradient is recorded.

    Parameters
    ----------
    net : Network
    source : object
        A `torch.nn.Module`, a Keras model, or a scikit-learn estimator.
    library : {"torch", "keras", "sklearn"}
        Whose it is.

    Raises
    ------
    UnsupportedModel
        Naming an input at which the two differ beyond rounding, and both values.
    """
    x = _inputs(net)
    values, roundoff, hidden = run_object(source, library, x)
    loaded, tolerance = _evaluate(net, x, roundoff, hidden)
    differing(net.outputs, x, loaded, tolerance, values, roundoff, library)


def differing(
    outputs: str, x: Array, loaded: Array, tolerance: Array, values: Array, roundoff: float, library: str
) -> None:
    """Refuse outputs of a loaded network that differ from the object's by more than a tolerance."""
    if library == "sklearn" and loaded.shape[1] == 1 and values.shape[1] == 2:
        values = values[:, 1:]  # a classifier of two classes gives the probabilities of both
    if values.shape != loaded.shape:
        raise UnsupportedModel(f"gives outputs of shape {values.shape}, and as loaded of shape {loaded.shape}")
    if outputs == "logits":
        loaded, tolerance = _normalised(loaded, tolerance, values, roundoff)
    wrong = np.argwhere(~(np.abs(loaded - values) <= tolerance))
    if len(wrong):
        n, j = (int(index) for index in wrong[0])
        raise UnsupportedModel(
            f"input {n} of the check: output {j} is {loaded[n, j]} as loaded, but {values[n, j]} of the object itself, "
            f"which rounding does not explain (at most {tolerance[n, j]:.1e}): the object does not compute what its "
            f"parts say; check=False loads it all the same. The input is {np.array2string(x[n], threshold=20)}"
        )


def run_object(source: Any, library: str, x: Array) -> tuple[Array, float, float]:
    """Return the object's outputs, its unit roundoff, and the size of constants that a loaded network does not show."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the object's user has met them, and may have made them errors
        try:
            values, roundoff, hidden = _CALLS[library](source, x.copy())  # some objects work on their inputs in place
        except FAILURES as error:
            raise UnsupportedModel(f"fails on inputs of shape {x.shape}: {error}") from error
    return values.reshape(len(x), -1), roundoff, hidden


def _inputs(net: Network) -> Array:
    """Return inputs of several sizes, exact in float32: around 0, and around where the first layer is most alive."""
    weights, biases = net.weights[0], net.biases[0]
    width = weights.shape[1]
    columns = np.sqrt(np.einsum("ij,ij->j", weights, weights))
    largest = columns.max()
    spread = np.sqrt(len(weights) / width) / np.maximum(columns, 1e-6 * largest) if largest > 0 else np.ones(width)
    centre = spread * _least_squares(weights * spread, -biases)
    rng = np.random.default_rng(0)
    around_zero = [size * rng.normal(size=width) for size in _SIZES]
    around_centre = [centre + size * spread * rng.normal(size=width) for size in _PRE_ACTIVATIONS]
    inputs = np.clip(around_zero + around_centre, -_LARGEST, _LARGEST)
    return inputs.astype(np.float32).astype(np.float64)


def _least_squares(matrix: Array, target: Array, steps: int = 5) -> Array:
    """Return a z with a small ‖matrix z - target‖, after a few steps of conjugate gradients."""
    z = np.zeros(matrix.shape[1])
    residual, gradient = target.copy(), target @ matrix
    direction, size = gradient, gradient @ gradient
    for _ in range(steps):
        image = matrix @ direction
        if not 0 < image @ image < np.inf:
            break
        z += (size / (image @ image)) * direction
        residual = residual - (size / (image @ image)) * image
        gradient = residual @ matrix
        direction, size = gradient + (gradient @ gradient / size) * direction, gradient @ gradient
    return z


def _evaluate(net: Network, x: Array, roundoff: float, hidden: float = 0.0) -> tuple[Array, Array]:
    """Return the network's outputs, and how far another evaluation may be from them by rounding.

    `hidden` is the size of constants on the way that the network's biases do not show.
    """
    signals = net.trace(x)
    errors = np.zeros((len(x), 1))
    layers = zip(net.weights, net.biases, (*net.activations, net.output_activation), signals, signals[1:], strict=False)
    for weights, biases, activation, y, result in layers:
        rows = np.sqrt(np.einsum("ij,ij->i", weights, weights))
        products = (_FEW + np.sqrt(weights.shape[1]) / 2) * roundoff
        sizes = np.sqrt(np.einsum("ij,ij->i", y, y))[:, None] * rows + np.abs(biases) + hidden
        tail = _SOFTPLUS_TAIL if activation.name == "softplus" else 0.0
        errors = activation.lipschitz * (errors.max(axis=1, keepdims=True) * rows + products * sizes)
        errors = errors + _FEW * roundoff * (1 + np.abs(result)) + tail
    return signals[-1], errors


def _normalised(logits: Array, errors: Array, values: Array, roundoff: float) -> tuple[Array, Array]:
    """Return the probabilities of the logits, or their logarithms where `values` are, none of them positive."""
    top = logits.max(axis=1, keepdims=True)
    logs = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
    ours = logs if np.all(values <= 0) else np.exp(logs)
    # A logarithm of a softmax moves by at most twice as much as the logits do, a probability by less.
    return ours, 2 * errors.max(axis=1, keepdims=True) + _FEW * roundoff * (1 + np.abs(ours))


def _call_torch(module: Any, x: Array) -> tuple[Array, float, float]:
    torch = sys.modules["torch"]
    parameter = next(module.parameters())
    inputs = torch.tensor(x, dtype=parameter.dtype, device=parameter.device)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        outputs = module(inputs)
    norms = [part for part in module.modules() if getattr(part, "running_mean", None) is not None]
    with torch.no_grad():
        means = [
            _largest(n.running_mean.cpu(), n.running_var.cpu(), n.eps, 1 if n.weight is None else n.weight.cpu())
            for n in norms
        ]
    return outputs.cpu().double().numpy(), float(torch.finfo(parameter.dtype).eps) / 2, max(means, default=0.0)


def _call_keras(model: Any, x: Array) -> tuple[Array, float, float]:
    keras = sys.modules["keras"]
    layers = list(model._flatten_layers())
    losses = [(layer, list(layer._losses)) for layer in layers]
    inputs = _parts(model, x)
    try:
        outputs = model(inputs, training=False)
    finally:
        for layer, kept in losses:  # a regularizer of activities adds one with each call
            layer._losses[:] = kept
    parts = [keras.ops.convert_to_numpy(part).reshape(len(x), -1) for part in keras.tree.flatten(outputs)]
    values = np.concatenate(parts, axis=1).astype(np.float64)
    # Some backends multiply matrices in single precision in a model of float64 too.
    numbers = keras.ops.convert_to_numpy
    norms = [layer for layer in layers if getattr(layer, "moving_mean", None) is not None]
    means = [
        _largest(numbers(n.moving_mean), numbers(n.moving_variance), n.epsilon, numbers(n.gamma) if n.scale else 1)
        for n in norms
    ]
    return values, float(np.finfo(np.float32).eps) / 2, max(means, default=0.0)


def _parts(model: Any, x: Array) -> Any:
    """Return inputs as a Keras model takes them: one array, a list of them, or by names."""
    shapes = [tensor.shape[1:] for tensor in model.inputs]
    columns = np.split(x, np.cumsum([math.prod(shape) for shape in shapes])[:-1], axis=1)
    parts = [
        column.reshape(len(x), *shape).astype(tensor.dtype)
        for column, shape, tensor in zip(columns, shapes, model.inputs, strict=True)
    ]
    return sys.modules["keras"].tree.pack_sequence_as(model._inputs_struct, parts) if len(parts) > 1 else parts[0]


def _call_sklearn(estimator: Any, x: Array) -> tuple[Array, float, float]:
    probabilities = getattr(estimator, "predict_proba", None)
    values = estimator.predict(x) if probabilities is None else probabilities(x)
    return np.asarray(values, dtype=np.float64), float(np.finfo(np.float64).eps) / 2, 0.0


def _largest(mean: Any, variance: Any, epsilon: float, scale: Any) -> float:
    """Return the largest constant that a normalisation subtracts, in units of its result."""
    deviation = np.sqrt(np.asarray(variance, dtype=np.float64) + epsilon)
    return float(np.max(np.abs(np.asarray(mean, dtype=np.float64) * np.asarray(scale, dtype=np.float64)) / deviation))


_CALLS: Final[dict[str, Callable[[Any, Array], tuple[Array, float, float]]]] = {
    "keras": _call_keras,
    "sklearn": _call_sklearn,
    "torch": _call_torch,
}
