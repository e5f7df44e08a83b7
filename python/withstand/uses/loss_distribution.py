# SPDX-License-Identifier: MIT
"""The distribution of what the last hidden layer loses, by convolution on a grid, rounded outward."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from withstand._types import FloatArray
from withstand.model.network import Network

#: Grid steps over the sum of all |terms|.
STEPS = 1 << 14
#: Products above which the convolution is not worth its time.
_WORK = 1 << 30


def last_layer(net: Network, p: FloatArray, epsilon: float, X: FloatArray) -> tuple[float, float] | None:
    """Bracket P(error > epsilon) when only neurons of the last hidden layer crash, neuron i with probability p[i].

    Each output is off by the sum of t_i = W_ki y_i over the crashed i. With every t_i rounded up to the grid the sum
    only grows, rounded down it only shrinks: two exact distributions enclose the true one. Over several inputs and
    outputs the probability lies between the largest and the sum.

    Returns
    -------
    (lower, upper), or None where the outputs are not linear or the work would be too large.
    """
    terms = net.trace(X)[-2][:, None, :] * net.weights[-1][None]
    rows = np.unique(terms.reshape(-1, terms.shape[2]), axis=0)
    if net.output_activation.name != "identity" or rows.size * STEPS > _WORK:
        return None
    # What an evaluation of an output rounds: errors that it loses are none, and it may make some.
    rounds = 1e-15 * (rows.shape[1] + 4) * float(np.abs(rows).sum(axis=1).max() + np.abs(net.biases[-1]).max())
    gain = net.output_activation.gain
    brackets = [_bracket(t * gain, p, epsilon, rounds * gain) for t in rows]
    return max(low for low, _ in brackets), min(1.0, sum(high for _, high in brackets))


def _bracket(t: FloatArray, p: FloatArray, epsilon: float, rounds: float) -> tuple[float, float]:
    """Bracket P(|sum| > epsilon) of one output at one input, by an evaluation that `rounds` by at most so much."""
    total = float(np.abs(t).sum())
    if total == 0 or total * (1 + 1e-12) + rounds <= epsilon:
        return 0.0, 0.0
    h = total / STEPS
    guard = 1e-12 * (total + epsilon) + rounds  # of t_i, of their sum and of the division by h
    up, least_up = _distribution(np.ceil(t / h).astype(np.int64), p)
    down, least_down = _distribution(np.floor(t / h).astype(np.int64), p)
    lower = _above(down, least_down, h, epsilon + guard) + _below(up, least_up, h, -epsilon - guard)
    upper = _above(up, least_up, h, epsilon - guard) + _below(down, least_down, h, -epsilon + guard)
    rounding = 1e-15 * (len(t) + 2) + 1e-12
    return max(0.0, lower * (1 - rounding)), min(1.0, upper * (1 + rounding))


def _distribution(steps: npt.NDArray[np.int64], p: FloatArray) -> tuple[FloatArray, int]:
    """Return the probabilities of the values least, least + 1, ... of the sum, and least."""
    least, most = int(steps[steps < 0].sum()), int(steps[steps > 0].sum())
    mass = np.zeros(most - least + 1)
    mass[-least] = 1.0
    for step, q in zip(steps.tolist(), p.tolist()):
        moved = np.zeros_like(mass)
        if step >= 0:
            moved[step:] = mass[: len(mass) - step]
        else:
            moved[:step] = mass[-step:]
        mass = (1 - q) * mass + q * moved
    return mass, least


def _above(mass: FloatArray, least: int, h: float, limit: float) -> float:
    return float(mass[(least + np.arange(len(mass))) * h > limit].sum())


def _below(mass: FloatArray, least: int, h: float, limit: float) -> float:
    return float(mass[(least + np.arange(len(mass))) * h < limit].sum())
