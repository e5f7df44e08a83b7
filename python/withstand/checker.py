# SPDX-License-Identifier: MIT
"""An independent checker of worst-case certificates: plain NumPy, its own bound, nothing of the search.

A certificate claims, for given inputs, that no configuration of a failure space does more harm than a number. Its tree
proves that: an inner node decides one neuron both ways, a leaf is *bounded* (a bound of everything below it is at most
the claim) or *enumerated* (so is every configuration below it). The checker walks the tree, recomputes each leaf with
the code of this file, rounded outward, and accepts only if all of it holds.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Neuron = tuple[int, int]
FORMAT = "withstand certificate 1"
#: Configurations that an enumerated leaf may hold.
CAP = 4096
EPS = float(np.finfo(np.float64).eps)


class Rejected(ValueError):
    """The certificate does not prove its claim; the message says where and why."""


@dataclass(frozen=True)
class Layers:
    """A network as the checker sees it: weights, biases, and (name, gain, slope) of every activation."""

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    activations: tuple[tuple[str, float, float | None], ...]

    @property
    def depth(self) -> int:
        """Number of hidden layers."""
        return len(self.weights) - 1

    def digest(self) -> str:
        """Return a checksum of everything that the network computes with."""
        sha = hashlib.sha256(json.dumps(self.activations).encode())
        for array in (*self.weights, *self.biases):
            sha.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
        return sha.hexdigest()


@dataclass(frozen=True)
class Space:
    """At most (or exactly) so many neurons of a list transmit `value`: a total, or one count per hidden layer."""

    value: float
    counts: tuple[int, ...]
    total: bool
    exactly: bool
    neurons: tuple[Neuron, ...]

    def left(self, failed: frozenset[Neuron]) -> tuple[int, ...]:
        """Return what is left of the counts."""
        if self.total:
            return (self.counts[0] - len(failed),)
        return tuple(n - sum(l == layer for l, _ in failed) for layer, n in enumerate(self.counts, start=1))

    def pools(self, free: list[Neuron], left: tuple[int, ...]) -> list[tuple[list[Neuron], int]]:
        """Return the free neurons with the count that they draw on."""
        if self.total:
            return [(free, left[0])]
        return [([n for n in free if n[0] == layer], r) for layer, r in enumerate(left, start=1)]

    def size(self, free: list[Neuron], left: tuple[int, ...]) -> int:
        """Return the number of completions."""
        product = 1
        for pool, r in self.pools(free, left):
            sizes = [r] if self.exactly else range(min(r, len(pool)) + 1)
            product *= sum(math.comb(len(pool), n) for n in sizes)
        return product

    def completions(self, free: list[Neuron], left: tuple[int, ...]) -> Iterator[tuple[Neuron, ...]]:
        """Yield every set of further failures."""
        parts = []
        for pool, r in self.pools(free, left):
            sizes = [r] if self.exactly else range(min(r, len(pool)) + 1)
            parts.append([c for n in sizes for c in itertools.combinations(pool, n)])
        for chosen in itertools.product(*parts):
            yield tuple(itertools.chain.from_iterable(chosen))


# -- what the network computes, with error bounds ------------------------------------------------------------------


def phi(activation: tuple[str, float, float | None], s: Array) -> Array:
    """Apply an activation."""
    name, gain, slope = activation
    t = gain * s
    functions: dict[str, Callable[[], Array]] = {
        "logistic": lambda: 0.5 * (1 + np.tanh(t / 2)),
        "tanh": lambda: np.tanh(t),
        "relu": lambda: np.maximum(t, 0),
        "leaky_relu": lambda: np.where(t >= 0, t, (slope or 0.0) * t),
        "hard_tanh": lambda: np.clip(t, -1, 1),
        "clip": lambda: np.clip(t + 0.5, 0, 1),
        "elu": lambda: np.where(t >= 0, t, (slope or 0.0) * np.expm1(np.minimum(t, 0))),
        "softplus": lambda: np.logaddexp(0, t),
        "identity": lambda: t,
    }
    return functions[name]()


def lipschitz(activation: tuple[str, float, float | None]) -> float:
    """Return the Lipschitz constant of an activation."""
    name, gain, slope = activation
    if name == "logistic":
        return gain / 4
    return gain * max(1.0, slope or 0.0) if name in ("leaky_relu", "elu") else gain


def evaluate(net: Layers, x: Array, sets: list[dict[Neuron, float]]) -> tuple[Array, Array]:
    """Return outputs, shape (len(sets), m), and bounds of their rounding errors."""
    y, error = np.tile(x, (len(sets), 1)), np.zeros((len(sets), len(x)))
    for layer, (w, b) in enumerate(zip(net.weights, net.biases), start=1):
        size = np.abs(y) @ np.abs(w).T + np.abs(b)
        activation = net.activations[layer - 1]
        error = lipschitz(activation) * (error @ np.abs(w).T + EPS * (len(w[0]) + 8) * size) * (1 + 1e-9)
        y = phi(activation, y @ w.T + b)
        error = error + 16 * EPS * np.abs(y) + 1e-300
        for row, failed in enumerate(sets):
            for (l, i), value in failed.items():
                if l == layer:
                    y[row, i], error[row, i] = value, 0.0
    return y, error


# -- the bound ----------------------------------------------------------------------------------------------------


@dataclass
class Lines:
    """Lines above and below an activation on ranges of its argument."""

    upper_slope: Array
    upper_offset: Array
    lower_slope: Array
    lower_offset: Array


def lines(activation: tuple[str, float, float | None], low: Array, high: Array) -> Lines:
    """Relax an activation: chords for ReLU, exact lines for the identity, constants for the rest."""
    name, gain, _ = activation
    zero = np.zeros_like(low)
    if name == "identity":
        return Lines(zero + gain, zero, zero + gain, zero)
    if name != "relu":
        above, below = phi(activation, high), phi(activation, low)
        return Lines(zero, above + 16 * EPS * np.abs(above) + 1e-300, zero, below - 16 * EPS * np.abs(below) - 1e-300)
    active, crossing = low >= 0, (low < 0) & (high > 0)
    width = np.where(crossing, high - low, 1.0)
    chord = np.where(crossing, gain * high / width, 0.0)
    upper = np.where(active, gain, chord)
    offset = np.where(crossing, np.maximum(-chord * low, (gain - chord) * high) * (1 + 8 * EPS), 0.0)
    return Lines(upper, offset, np.where(active | (crossing & (high > -low)), gain, 0.0), zero)


@dataclass
class Relaxed:
    """One layer as the back-substitution sees it."""

    lines: Lines
    low: Array
    high: Array
    failed: Array  # transmitted value where decided failed, else NaN
    free: Array  # bool
    size: Array  # largest |transmitted value|


def back(net: Layers, x: Array, below: list[Relaxed], rows: Array, value: float) -> tuple[Array, list[Array], Array]:
    """Substitute `rows`, coefficients on the last of `below`, down to the inputs.

    Returns constants, the gains of the free neurons of every layer of `below`, and bounds of the rounding errors.
    """
    const, slack = np.zeros(len(rows)), np.zeros(len(rows))
    gains: list[Array] = []
    a = rows
    for l in range(len(below), 0, -1):
        layer, w, b = below[l - 1], net.weights[l - 1], net.biases[l - 1]
        dead = ~np.isnan(layer.failed)
        held = np.where(dead, layer.failed, 0.0)
        const = const + a @ held
        slack = slack + np.abs(a) @ np.abs(held)
        a = np.where(dead, 0.0, a)
        up, down, t = np.maximum(a, 0), np.minimum(a, 0), layer.lines
        least = up * (t.upper_slope * layer.low + t.upper_offset) + down * (t.lower_slope * layer.high + t.lower_offset)
        gains.insert(0, np.where(layer.free, a * value - least, -np.inf))
        slack = slack + ((np.abs(a) * abs(value) + np.abs(least)) * layer.free).sum(axis=1)
        below_size = below[l - 2].size if l > 1 else np.abs(x)
        carried = np.abs(w) @ below_size + np.abs(b)
        const = const + up @ t.upper_offset + down @ t.lower_offset
        slack = slack + up @ np.abs(t.upper_offset) - down @ np.abs(t.lower_offset)
        a = up * t.upper_slope + down * t.lower_slope
        const = const + a @ b
        slack = slack + 3 * np.abs(a) @ carried
        a = a @ w
    const = const + a @ x
    slack = slack + np.abs(a) @ np.abs(x)
    widest = max(max(w.shape) for w in net.weights)
    return const, gains, slack * EPS * (widest + 16)


def top(space: Space, gains: list[Array], left: tuple[int, ...]) -> Array:
    """Sum the largest positive gains that the counts allow, row by row."""

    def largest(table: Array, r: int) -> Array:
        positive = np.maximum(table, 0)
        r = min(r, positive.shape[1])
        return np.sort(positive, axis=1)[:, positive.shape[1] - r :].sum(axis=1) if r > 0 else np.zeros(len(positive))

    if not gains:
        return np.zeros(1)
    if space.total:
        return largest(np.concatenate(gains, axis=1), left[0])
    return np.asarray(np.sum([largest(g, left[l]) for l, g in enumerate(gains)], axis=0), dtype=np.float64)


def relax(
    net: Layers, x: Array, space: Space, failed: frozenset[Neuron], alive: frozenset[Neuron]
) -> tuple[list[Relaxed], tuple[Array, Array]]:
    """Return every hidden layer relaxed, and the range of the outputs' pre-activations."""
    layers: list[Relaxed] = []
    left, candidates = space.left(failed), set(space.neurons)
    for l in range(1, len(net.weights) + 1):
        w, b = net.weights[l - 1], net.biases[l - 1]
        bounds = []
        for sign in (1.0, -1.0):
            const, gains, slack = back(net, x, layers, sign * w, space.value)
            size = np.abs(const) + slack + np.abs(b)
            gain = top(space, gains, left)
            bounds.append(const + sign * b + gain + 2 * slack + 64 * EPS * (size + gain))
        high, low = bounds[0], -bounds[1]
        if l > net.depth:
            return layers, (low, high)
        held = np.array([space.value if (l, i) in failed else np.nan for i in range(len(b))])
        free = np.array([(l, i) in candidates - failed - alive for i in range(len(b))])
        above, beneath = phi(net.activations[l - 1], high), phi(net.activations[l - 1], low)
        size = np.maximum(np.maximum(np.abs(above), np.abs(beneath)) * (1 + 16 * EPS), abs(space.value))
        layers.append(Relaxed(lines(net.activations[l - 1], low, high), low, high, held, free, size))
    raise AssertionError("a network has outputs")


def goals(goal: str, nominal: Array) -> Array:
    """Return the objectives: rows over the outputs."""
    m = len(nominal)
    if goal == "error":
        return np.concatenate([np.eye(m), -np.eye(m)])
    c = int(np.argmax(nominal))
    return np.array([np.eye(m)[j] - np.eye(m)[c] for j in range(m) if j != c])


def bound(
    net: Layers, x: Array, space: Space, goal: str, failed: frozenset[Neuron], alive: frozenset[Neuron]
) -> tuple[float, list[Neuron]]:
    """Bound the harm of every completion; also return the free neurons of the worst objective, largest gain first."""
    layers, _ = relax(net, x, space, failed, alive)
    intact, error = evaluate(net, x, [{}])
    rows = goals(goal, intact[0])
    const, gains, slack = back(net, x, layers, rows @ net.weights[-1], space.value)
    const = const + rows @ net.biases[-1]
    slack = slack + EPS * (len(rows[0]) + 16) * (np.abs(const) + np.abs(rows) @ np.abs(net.biases[-1]))
    rounding = np.abs(rows) @ (np.abs(net.weights[-1]) @ layers[-1].size) * EPS * (len(rows[0]) + 8)
    gain = top(space, gains, space.left(failed))
    total = const + gain + 2 * slack + rounding + 64 * EPS * (np.abs(const) + gain)
    if goal == "error":
        total = (
            total - rows @ intact[0] + np.abs(rows) @ error[0] + 4 * EPS * (np.abs(total) + np.abs(rows @ intact[0]))
        )
    worst = int(np.argmax(total))
    order = sorted(
        (-float(g[worst, i]), (l, int(i))) for l, g in enumerate(gains, start=1) for i in np.flatnonzero(g[worst] > 0)
    )
    return float(total[worst]), [neuron for _, neuron in order]


def harms(net: Layers, x: Array, space: Space, goal: str, sets: list[tuple[Neuron, ...]]) -> Array:
    """Return upper bounds of the harms of configurations."""
    intact, own = evaluate(net, x, [{}])
    outputs, error = evaluate(net, x, [dict.fromkeys(s, space.value) for s in sets])
    if goal == "error":
        return np.asarray((np.abs(outputs - intact) + error + own).max(axis=1))
    c = int(np.argmax(intact[0]))
    margin = outputs - outputs[:, [c]] + error + error[:, [c]]
    return np.asarray(np.delete(margin, c, axis=1).max(axis=1))


# -- the certificate ----------------------------------------------------------------------------------------------


def checksum(certificate: dict[str, Any]) -> str:
    """Return the checksum of everything but the checksum."""
    body = {key: value for key, value in certificate.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def require(holds: bool, why: str) -> None:
    """Reject unless `holds`."""
    if not holds:
        raise Rejected(why)


def check(certificate: dict[str, Any], net: Layers) -> dict[str, int]:
    """Confirm a certificate against a network, or raise `Rejected`; returns the numbers of nodes and leaves."""
    try:
        return _check(certificate, net)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise Rejected(f"the certificate is malformed: {error!r}") from error


def _check(certificate: dict[str, Any], net: Layers) -> dict[str, int]:
    require(certificate["format"] == FORMAT, f"unknown format {certificate['format']!r}")
    require(certificate["checksum"] == checksum(certificate), "the checksum does not match")
    require(certificate["network"] == net.digest(), "the certificate is about another network")
    require(net.activations[-1][:2] == ("identity", 1.0), "outputs with an activation are not covered")
    goal, claim = certificate["goal"], certificate["claim"]
    require(goal in ("error", "argmax") and isinstance(claim, float) and math.isfinite(claim), "no goal or no claim")
    given = certificate["space"]
    neurons = tuple((int(l), int(i)) for l, i in given["neurons"])
    known = {(l, i) for l in range(1, net.depth + 1) for i in range(len(net.biases[l - 1]))}
    require(set(neurons) <= known and len(set(neurons)) == len(neurons), "the space names neurons that do not exist")
    space = Space(
        float(given["value"]), tuple(map(int, given["counts"])), bool(given["total"]), bool(given["exactly"]), neurons
    )
    require(len(space.counts) == (1 if space.total else net.depth) and min(space.counts) >= 0, "counts do not fit")
    statistics = {"nodes": 0, "bounded": 0, "enumerated": 0, "configurations": 0}
    require(len(certificate["inputs"]) > 0, "the certificate has no input")
    for part in certificate["inputs"]:
        x = np.array(part["input"], dtype=np.float64)
        require(
            x.shape == (net.weights[0].shape[1],) and bool(np.isfinite(x).all()), "an input does not fit the network"
        )
        _walk(net, x, space, goal, claim, part["tree"], statistics)
    return statistics


def _walk(net: Layers, x: Array, space: Space, goal: str, claim: float, tree: Any, statistics: dict[str, int]) -> None:
    stack: list[tuple[Any, frozenset[Neuron], frozenset[Neuron]]] = [(tree, frozenset(), frozenset())]
    candidates = set(space.neurons)
    while stack:
        node, failed, alive = stack.pop()
        statistics["nodes"] += 1
        where = f"failed {sorted(failed)}, alive {sorted(alive)}"
        if "neuron" in node:
            neuron = (int(node["neuron"][0]), int(node["neuron"][1]))
            require(neuron in candidates - failed - alive, f"{where}: {neuron} cannot be decided")
            require(set(node) == {"neuron", "failed", "alive"}, f"{where}: a decision needs both of its children")
            stack.append((node["alive"], failed, alive | {neuron}))
            if min(space.left(failed | {neuron})) >= 0:
                stack.append((node["failed"], failed | {neuron}, alive))
            else:
                require(node["failed"] is None, f"{where}: the count does not allow {neuron} to fail")
        elif node.get("leaf") == "bounded":
            statistics["bounded"] += 1
            value, _ = bound(net, x, space, goal, failed, alive)
            require(value <= claim, f"{where}: the bound is {value}, above the claim {claim}")
        else:
            require(node.get("leaf") == "enumerated", f"{where}: neither a decision nor a leaf")
            statistics["enumerated"] += 1
            free, left = sorted(candidates - failed - alive), space.left(failed)
            size = space.size(free, left)
            require(size == node["count"] and size <= CAP, f"{where}: {size} configurations, not {node['count']}")
            statistics["configurations"] += size
            sets = [(*failed, *more) for more in space.completions(free, left)]
            worst = float(harms(net, x, space, goal, sets).max(initial=-math.inf))
            require(worst <= claim, f"{where}: a configuration does {worst}, above the claim {claim}")
