# SPDX-License-Identifier: MIT
"""Bounds per neuron: matrix (8.1), cardinality intervals (8.2), adjoint (8.3), signed differences (8.4).

All are measured before the output activation. ``box`` is (lower, upper); a point is a box of length zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .failures import Model
from .networks import Network
from .reading import Box, Fault, noise_of, nominal_boxes, pick, read, synapse_reach, top


def sup(post: Box) -> np.ndarray:
    """Y = max(|a|, |b|)."""
    return np.maximum(abs(post[0]), abs(post[1]))


def matrix(
    net: Network,
    model: Model,
    box: Box | None,
    *,
    exactly: bool = False,
    slopes: Any = None,
    layer_delta: bool = False,
) -> np.ndarray:
    """8.1 for every output: eta_j = sum |W_ji| v_i + top_f |W_ji| (d_i - v_i)^+, v = min(K eta, R).

    ``exactly`` keeps negative gains where a layer's count is settled; ``slopes`` {layer: local K per neuron};
    ``layer_delta`` replaces d_i by its maximum over the layer.
    """
    faults, noise, post = read(net, model, box), noise_of(net, model), nominal_boxes(net, box)[1]
    v = 0 * abs(net.weights[0][0])
    for layer in range(1, net.depth + 2):
        W = abs(net.weights[layer - 1])
        eta = (W * v).sum(axis=1)
        for fault in faults:
            source = layer - 1
            if fault.on_neurons and source in fault.may:
                d = fault.reach(source)
                d = np.full(len(d), max(d), dtype=d.dtype) if layer_delta else d
                exact = exactly and fault.settled(source)
                for j, row in enumerate(W):
                    eta[j] += top(row * (d - v), fault.may[source], fault.count_at(source), exactly=exact)
            elif not fault.on_neurons and layer in fault.may:
                gains = synapse_reach(fault, layer, W, sup(post[layer - 1]))
                if fault.term.effect in ("synapse-crash", "replace"):
                    gains = gains - W * v
                for j in range(len(W)):
                    eta[j] += top(gains[j], fault.may[layer][j], fault.count_at(layer))
        if layer <= net.depth:
            K = net.lipschitz[layer - 1] if slopes is None else slopes[layer]
            v = np.minimum(K * eta, net.lengths[layer - 1]) + noise[layer]
    return eta


def adjoint(net: Network, model: Model, box: Box | None, *, slopes: Any = None) -> np.ndarray:
    """8.3 for every output: sum_l top_{f_l}(A_i d_i) with A^(l-1) = (A^(l) K_l) |W^(l)|; one joint top for a
    total.

    One common failing set for all receivers: not for quorums.
    """
    faults, noise, post = read(net, model, box), noise_of(net, model), nominal_boxes(net, box)[1]
    bounds = []
    for k in range(net.widths[-1]):
        P = np.array([int(j == k) for j in range(net.widths[-1])], dtype=net.weights[-1].dtype)
        total, gains = 0, [{} for _ in faults]
        for layer in range(net.depth + 1, 0, -1):
            W = abs(net.weights[layer - 1])
            A = P @ W  # weight of |delta_i| of layer - 1
            total += (A * noise[layer - 1]).sum()
            for fault, own in zip(faults, gains, strict=True):
                if fault.on_neurons and layer - 1 in fault.may:
                    own[layer - 1] = A * fault.reach(layer - 1)
                elif not fault.on_neurons and layer in fault.may:
                    own[layer] = P[:, None] * synapse_reach(fault, layer, W, sup(post[layer - 1]))
            if layer > 1:
                P = A * (net.lipschitz[layer - 2] if slopes is None else slopes[layer - 1])
        bounds.append(total + sum(pick(fault, own) for fault, own in zip(faults, gains, strict=True)))
    return np.array(bounds)


def product_range(W: np.ndarray, low: np.ndarray, high: np.ndarray) -> Box:
    """Ranges of the single terms W_ji y_i."""
    return np.minimum(W * low, W * high), np.maximum(W * low, W * high)


def _synapse_gains(fault: Fault, W: np.ndarray, clean: Box, dirty: Box) -> Box:
    """(upward, downward) gains of failing synapses: what the product becomes (clean) against what it is
    (dirty)."""
    C = fault.term.size
    if fault.term.effect in ("product", "signal"):
        shift = C + 0 * abs(W) if fault.term.effect == "product" else C * abs(W)
        return shift, shift
    widen = C if fault.term.effect == "replace" else 0
    return clean[1] + widen - dirty[1], dirty[0] - (clean[0] - widen)


def _selected(
    faults: list[Fault], layer: int, W: np.ndarray, correct: Box, failed: Any, clean: Box
) -> tuple[np.ndarray, np.ndarray]:
    """Largest total gain, upward and downward, of every receiver of this layer (one selection per
    receiver)."""
    up, down = 0 * W[:, 0], 0 * W[:, 0]
    for fault in faults:
        if fault.on_neurons and layer - 1 in fault.may:
            low, high = product_range(W, *failed(fault))
            gain, loss = high - correct[1], correct[0] - low
            may = np.broadcast_to(fault.may[layer - 1], W.shape)
            count = fault.count_at(layer - 1)
        elif not fault.on_neurons and layer in fault.may:
            gain, loss = _synapse_gains(fault, W, clean, correct)
            may, count = fault.may[layer], fault.count_at(layer)
        else:
            continue
        for j in range(len(W)):
            up[j] += top(gain[j], may[j], count)
            down[j] += top(loss[j], may[j], count)
    return up, down


@dataclass(frozen=True)
class Intervals:
    """Faulty execution: pre-activation and (correct neurons') transmitted ranges of layers 0..L+1."""

    pre: list[Box]
    post: list[Box]


def interval(net: Network, model: Model, box: Box) -> Intervals:
    """8.2: interval propagation with cardinality; the output range is ``pre[-1]``."""
    faults, noise = read(net, model, box), noise_of(net, model)
    low, high = (np.asarray(side) for side in box)
    pre, post = [(low, high)], [(low - noise[0], high + noise[0])]
    zero = [(0 * W, 0 * W) for W in net.weights]
    for layer, (W, b) in enumerate(zip(net.weights, net.biases, strict=True), start=1):
        correct = product_range(W, *post[-1])
        source = layer - 1
        up, down = _selected(
            faults, layer, W, correct, lambda f, s=source: (f.low[s], f.high[s]), zero[layer - 1]
        )
        pre.append((correct[0].sum(axis=1) + b - down, correct[1].sum(axis=1) + b + up))
        lo, hi = (net.act(layer)(side) for side in pre[-1])
        amount = noise[layer] if layer <= net.depth else 0
        post.append((lo - amount, hi + amount))
    return Intervals(pre, post)


@dataclass(frozen=True)
class Signed:
    """8.4. Per layer 0..L+1: eta the pre-activation difference, delta the difference of correct neurons, pre
    the faulty pre-activation range; ``nominal_pre`` and ``nominal_post`` the intact ranges."""

    eta: list[Box]
    delta: list[Box]
    pre: list[Box]
    nominal_pre: list[Box]
    nominal_post: list[Box]

    @property
    def output(self) -> Box:
        """Range of F_failed - F before the output activation."""
        return self.eta[-1]


def signed(net: Network, model: Model, box: Box) -> Signed:
    """8.4: intervals of faulty minus intact, with cardinality selection and local slopes."""
    faults, noise, values = read(net, model, box), noise_of(net, model), interval(net, model, box)
    nominal_pre, nominal_post = nominal_boxes(net, box)
    zero = 0 * net.weights[0][0]
    eta, delta, pre = [(zero, zero)], [(zero - noise[0], zero + noise[0])], [nominal_pre[0]]
    for layer, W in enumerate(net.weights, start=1):
        correct = product_range(W, *delta[-1])
        source = layer - 1
        # a failing synapse loses its nominal product: -W y instead of W delta
        lost = product_range(-W, *nominal_post[source])
        up, down = _selected(faults, layer, W, correct, lambda f, s=source: (f.down[s], f.up[s]), lost)
        (a, z), (af, zf) = nominal_pre[layer], values.pre[layer]
        low = np.maximum(correct[0].sum(axis=1) - down, af - z)
        high = np.minimum(correct[1].sum(axis=1) + up, zf - a)
        lf, uf = np.maximum(a + low, af), np.minimum(z + high, zf)
        eta.append((low, high))
        pre.append((lf, uf))
        if layer <= net.depth:
            moved = [move(net.act(layer), *row) for row in zip(a, z, lf, uf, low, high, strict=True)]
            lows, highs = (np.array(side, dtype=W.dtype) for side in zip(*moved, strict=True))
            delta.append((lows - noise[layer], highs + noise[layer]))
    return Signed(eta, delta, pre, nominal_pre, nominal_post)


def move(act: Any, a: Any, z: Any, lf: Any, uf: Any, low: Any, high: Any) -> tuple[Any, Any]:
    """[delta-, delta+] of a correct neuron: nominal s in [a, z], faulty s in [lf, uf], difference in [low,
    high]."""
    k_low, k_high = act.slopes(min(a, lf), max(z, uf))
    up = min(k_high * high if high >= 0 else k_low * high, act(uf)[()] - act(a)[()])
    down = max(k_high * low if low <= 0 else k_low * low, act(lf)[()] - act(z)[()])
    up = min(up, act.modulus(high)) if high >= 0 else up
    down = max(down, -act.modulus(-low)) if low <= 0 else down
    return down, up


def margin_network(net: Network, c: int) -> tuple[Network, list[int]]:
    """2.7: the outputs F_j - F_c, j != c, as linear outputs of the same hidden layers."""
    others = [j for j in range(net.widths[-1]) if j != c]
    W, b = net.weights[-1], net.biases[-1]
    return net.with_outputs(W[others] - W[c], b[others] - b[c]), others
