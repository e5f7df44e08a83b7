# SPDX-License-Identifier: MIT
"""Means and variances of the error under random crashes: bounds for every depth, exact for the last layer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from withstand._coerce import real, shown, whole
from withstand._types import FloatArray
from withstand.model.network import Network, as_chain
from withstand.uses.probability import Probabilities, per_neuron

#: Relative widening: far more than the rounding of any chain of nonnegative operations here.
_OUTWARD = 1 + 1e-9
#: What sums of products may lose below the range of doubles, and below which that can matter.
_LOST, _SMALL = 2.0**-1000, 2.0**-900


def _product(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the matrix product of nonnegative arrays; where it may have underflowed, no less than the true one."""
    found: FloatArray = a @ b
    small = found < _SMALL
    if small.any():
        found = np.where(small & ((a > 0).astype(float) @ (b > 0).astype(float) > 0), found + _LOST, found)
    return found


def _square(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return a outer b, likewise."""
    return _product(a[:, None], b[None, :])


def expected_error(net: Network, p: Probabilities, X: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Bound mean and mean square of the error when neurons crash independently.

    With a the mean |deviation| of the pre-activations of a layer and S their mixed second moments, p the probabilities
    and y the fault-free values,

        a' = |W| (p |y| + (1 - p) K a),   S' = |W| Q |W|^T,

    because a neuron's own crash is independent of what reaches it.

    Parameters
    ----------
    net : Network
    p : float, one per hidden layer, or one per hidden neuron
        Failure probabilities.
    X : array_like, shape (n, d) or (d,)

    Returns
    -------
    mean, square : ndarray, shape (n, m)
        E|error| <= mean and E[error^2] <= square, for each input and output.

    Examples
    --------
    >>> import withstand as ws
    >>> from withstand.moments import expected_error
    >>> net = ws.Network([[[1.0], [1.0]], [[0.5, -0.25]]])
    >>> mean, square = expected_error(net, 0.5, [[1.0]])
    >>> round(float(mean[0, 0]), 6)
    0.375
    """
    rows, _ = as_chain(net, "mean and mean square are bounded for")._inputs(X)
    fail = np.split(per_neuron(net, p), np.cumsum(net.widths[1:-1])[:-1])
    traces = net.trace(rows)[1:-1]
    K_out = net.output_activation.lipschitz
    mean, square = np.empty((len(rows), net.widths[-1])), np.empty((len(rows), net.widths[-1]))
    for n in range(len(rows)):
        a, S = np.zeros(net.widths[1]), np.zeros((net.widths[1],) * 2)
        for weight, y, q, K in zip(net.weights[1:], traces, fail, net.lipschitz):
            W, moved = np.abs(weight), (1 - q) * K * a
            crashed = q * np.abs(y[n])
            Q = _square(crashed, crashed) + _square(crashed, moved) + _square(moved, crashed)
            Q += (1 - q)[:, None] * (1 - q) * K**2 * S
            # One neuron cannot be crashed and correct at once.
            own = np.diag(_square(np.abs(y[n]), np.abs(y[n])))
            np.fill_diagonal(Q, q * own + (1 - q) * K**2 * np.diag(S))
            a, S = _product(W, crashed + moved), _product(_product(W, Q), W.T)
        mean[n], square[n] = K_out * a, K_out**2 * np.diag(S)
    return mean * _OUTWARD, square * _OUTWARD


def last_layer_moments(
    net: Network, X: npt.ArrayLike, *, p: float | None = None, count: int | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return mean and variance of the outputs' loss when neurons of the last hidden layer crash, exactly to rounding.

    The loss of output k is the sum of W_ki y_i over the crashed neurons i, before the output activation.

    Parameters
    ----------
    net : Network
    X : array_like, shape (n, d) or (d,)
    p : float, optional
        Every neuron of the layer crashes independently with this probability.
    count : int, optional
        Instead, a uniformly random set of this many crashes.

    Returns
    -------
    mean, variance : ndarray, shape (n, m)

    Raises
    ------
    ValueError
        Unless exactly one of `p` and `count` is given, in its range.
    """
    if (p is None) == (count is None):
        raise ValueError("give either p or count")
    rows, _ = as_chain(net, "mean and variance are found for")._inputs(X)
    terms = net.trace(rows)[-2][:, None, :] * net.weights[-1][None]
    width = terms.shape[2]
    if p is not None:
        p = real(p, "p")
        if not 0 <= p <= 1:
            raise ValueError(f"p must lie in [0, 1], got {p}")
        return p * terms.sum(axis=2), p * (1 - p) * (terms**2).sum(axis=2)
    count = whole(count, "count")
    if not 0 <= count <= width:
        raise ValueError(f"count must lie in [0, {width}], got {shown(count)}")
    spread = count * (width - count) / (width - 1) if width > 1 else 0.0
    return count * terms.mean(axis=2), spread * terms.var(axis=2)
