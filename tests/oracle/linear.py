# SPDX-License-Identifier: MIT
"""Linear relaxation with failure masks (8.5): lines go back to the inputs, failures are the sum of the
largest gains.

Two versions: of the faulty values themselves, and of the difference faulty minus intact. One common failing
set for all receivers, so not for quorums. Every choice of admissible lines is sound; the best of several is
reported.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .failures import Model
from .networks import Network
from .reading import Box, Fault, noise_of, pick, read
from .vector import Signed, move, product_range, signed

CHOICES = ("chord", "constant", "parallel", "mixed")
CONVEX = ("relu", "leaky_relu", "softplus", "elu", "identity")  # with slope <= 1 where there is one; others: parallels


def linear(net: Network, model: Model, box: Box, *, versions: Any = ("difference", "value")) -> Box:
    """Range of F_failed - F before the output activation, the best of all versions and line choices."""
    known, m = signed(net, model, box), net.widths[-1]
    down, up = [], []
    for k in range(m):
        unit = np.array([int(j == k) for j in range(m)], dtype=net.weights[-1].dtype)
        uppers = [upper(net, model, box, unit, v, c, known) for v in versions for c in CHOICES]
        lowers = [upper(net, model, box, -unit, v, c, known) for v in versions for c in CHOICES]
        up.append(min(uppers))
        down.append(-min(lowers))
    return np.array(down), np.array(up)


def upper(net: Network, model: Model, box: Box, row: Any, version: str, choice: str, known: Signed) -> Any:
    """Upper bound of row . (F_failed - F), lines chosen by ``choice`` in every layer.

    Back from the outputs: c z <= alpha s + beta for correct neurons (selection lemma), gains collected per
    failure.
    """
    faults, noise = read(net, model, box), noise_of(net, model)
    gains: list[dict[int, Any]] = [{} for _ in faults]
    values, constant, alpha = version == "value", 0, row
    for layer in range(net.depth + 1, 0, -1):
        W, source = net.weights[layer - 1], layer - 1
        _synapse_gains(faults, gains, layer, W, alpha, known, values)
        if values:
            constant += (alpha * net.biases[layer - 1]).sum()
        c = alpha @ W
        lines = [_line(net, source, i, c[i], known, values, choice) for i in range(len(c))]
        alpha = np.array([a for a, _, _ in lines], dtype=W.dtype)
        least = np.array([low for _, _, low in lines], dtype=W.dtype)
        constant += sum(b for _, b, _ in lines) + (abs(c) * noise[source]).sum()
        for fault, own in zip(faults, gains, strict=True):
            if fault.on_neurons and source in fault.may:
                low, high = (fault.low, fault.high) if values else (fault.down, fault.up)
                best = np.maximum(c * low[source], c * high[source])
                own[source] = best - least - abs(c) * noise[source]
    bound = constant + sum(pick(fault, own) for fault, own in zip(faults, gains, strict=True))
    return bound - least_value(row, known) if values else bound


def least_value(row: Any, known: Signed) -> Any:
    """A lower bound of row . F intact: exact at a point, intervals over a box."""
    low, high = known.nominal_pre[-1]
    return np.minimum(row * low, row * high).sum()


def _line(
    net: Network, layer: int, i: int, c: Any, known: Signed, values: bool, choice: str
) -> tuple[Any, Any, Any]:
    """(alpha, beta, minimum): c z <= alpha s + beta on [s-, s+] for a correct neuron i; s a value or a
    difference."""
    if layer == 0:  # inputs: z is in the box (values), or 0 (differences)
        low, high = known.nominal_pre[0]
        ends = (c * low[i], c * high[i]) if values else (0 * c, 0 * c)
        return 0 * c, max(ends), max(ends)
    ends = (known.pre if values else known.eta)[layer]
    low, high = ends[0][i], ends[1][i]
    candidates = (value_lines if values else difference_lines)(net, layer, i, c, known)
    if choice in candidates:
        alpha, beta = candidates[choice]
    elif choice == "parallel":
        alpha, beta = candidates["chord"]
    else:  # mixed: the line with the smaller value in the middle
        alpha, beta = min(candidates.values(), key=lambda line: line[0] * (low + high) + 2 * line[1])
    return alpha, beta, min(alpha * low, alpha * high) + beta


def _through(low: Any, at_low: Any, high: Any, at_high: Any) -> tuple[Any, Any]:
    """The line through two points, or the constant one where they coincide."""
    slope = (at_high - at_low) / (high - low) if high > low else 0 * at_low
    # lift: the intercept that keeps both ends below the line, whatever the rounding of the slope
    return slope, max(at_low - slope * low, at_high - slope * high)


def difference_lines(net: Network, layer: int, i: int, c: Any, known: Signed) -> dict[str, tuple[Any, Any]]:
    """Lines above c delta, delta = kappa eta with kappa in [k-, k+], and delta in [delta-, delta+]."""
    act, (low, high) = net.act(layer), (side[i] for side in known.eta[layer])
    (a, z), (lf, uf) = ((side[i] for side in sides[layer]) for sides in (known.nominal_pre, known.pre))
    k_low, k_high = act.slopes(min(a, lf), max(z, uf))
    down, up = _correct(net, layer, i, known)
    up_at = {end: (k_high if (end >= 0) == (c >= 0) else k_low) * end for end in (low, high)}
    alpha, beta = _through(low, c * up_at[low], high, c * up_at[high])
    lines = {"chord": (alpha, beta), "constant": (0 * c, c * up if c >= 0 else c * down)}
    if a == z:  # at a point delta - k- eta is nondecreasing in eta
        end, value = (high, up) if c >= 0 else (low, down)
        lines["parallel"] = (c * k_low, c * (value - k_low * end))
    return lines


def _correct(net: Network, layer: int, i: int, known: Signed) -> tuple[Any, Any]:
    """delta of a correct neuron without its noise, which is added separately."""
    (a, z), (lf, uf) = ((side[i] for side in sides[layer]) for sides in (known.nominal_pre, known.pre))
    low, high = (side[i] for side in known.eta[layer])
    return move(net.act(layer), a, z, lf, uf, low, high)


def value_lines(net: Network, layer: int, i: int, c: Any, known: Signed) -> dict[str, tuple[Any, Any]]:
    """Lines above c phi(s) on the faulty range: chord of a convex phi, parallels of least slope,
    constants."""
    act, (low, high) = net.act(layer), (side[i] for side in known.pre[layer])
    k_low, k_high = act.slopes(low, high)
    at_low, at_high = act(low)[()], act(high)[()]
    end, at_end = (high, at_high) if c >= 0 else (low, at_low)
    parallel = (c * k_low, c * (at_end - k_low * end))
    lines = {"constant": (0 * c, c * at_end), "parallel": parallel, "chord": parallel}
    convex = act.name in CONVEX and (act.name not in ("elu", "leaky_relu") or act.slope <= 1)
    if convex and c >= 0:
        lines["chord"] = _through(low, c * at_low, high, c * at_high)
    elif act.name in ("relu", "leaky_relu", "identity") and act.slope <= 1:
        # below a convex kink through the origin: either of its two slopes
        slope = k_high if high >= -low else k_low
        lines["chord"] = (c * slope, 0 * c)
    return lines


def _synapse_gains(
    faults: list[Fault], gains: Any, layer: int, W: Any, alpha: Any, known: Signed, values: bool
) -> None:
    """What a failing synapse into this layer may add to alpha . s, against the least its intact product
    contributes."""
    source, column = layer - 1, alpha[:, None]
    low, high = _signal_range(faults, source, known, values)
    present = product_range(column * W, low, high)
    for fault, own in zip(faults, gains, strict=True):
        if fault.on_neurons or layer not in fault.may:
            continue
        effect, C = fault.term.effect, fault.term.size
        if effect == "product":
            own[layer] = abs(column) * C + 0 * abs(W)
        elif effect == "signal":
            own[layer] = abs(column * W) * C
        else:
            clean = 0 * W if values else product_range(-column * W, *known.nominal_post[source])[1]
            own[layer] = clean + (abs(column) * C if effect == "replace" else 0) - present[0]


def _signal_range(faults: list[Fault], layer: int, known: Signed, values: bool) -> Box:
    """What a neuron of this layer transmits (values) or how far it is off (differences), correct or
    failed."""
    low, high = known.delta[layer]
    if values:
        low, high = known.nominal_post[layer][0] + low, known.nominal_post[layer][1] + high
    for fault in faults:
        if fault.on_neurons and layer in fault.may:
            f_low, f_high = (fault.low, fault.high) if values else (fault.down, fault.up)
            low = np.where(fault.may[layer], np.minimum(low, f_low[layer]), low)
            high = np.where(fault.may[layer], np.maximum(high, f_high[layer]), high)
    return low, high
