# SPDX-License-Identifier: MIT
"""Memory cost: the fewest bits per layer that keep the proved error within a budget."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, overload

import numpy as np
import numpy.typing as npt

from withstand._answer import Answer, Told
from withstand._coerce import SAMPLES, Epsilon, as_limit, choice, flag, whole
from withstand._inputs import either_word
from withstand._plural import counted
from withstand._rehearsal import arguments_fit
from withstand._types import FloatArray
from withstand.model.domain import Box, bounds_of
from withstand.model.failures import Crash
from withstand.model.network import Network, as_chain
from withstand.model.quantise import QUANTISERS, Quantised, Quantiser, stored_bits, unit_error
from withstand.questions.bounds import bound
from withstand.statement import TOLERATED, Inputs
from withstand.uses.file_precision import Difference, difference
from withstand.uses.rational_bounds import read_layers

#: Bits of a code: a double holds no finer ones.
_MOST_BITS = 52
#: Relative widening: far more than the rounding of any chain of nonnegative operations here.
_OUTWARD = 1 + 1e-9


class Site(NamedTuple):
    """Something stored: the values of a layer, or the weights and biases into it.

    `error` (m,) is what an error of the whole range does to each output, `words` the number of stored values.
    """

    kind: str
    layer: int
    error: FloatArray
    words: int


@dataclass(frozen=True, eq=False, repr=False)
class Precision(Answer):
    """The fewest bits found, what they are proved to cost, and what they were seen to cost.

    Attributes
    ----------
    activation_bits : tuple of int or None
        Bits of the values of layers 1..L; None where not quantised.
    weight_bits : tuple of int or None
        Bits of weights and biases into layers 1..L+1.
    epsilon : float
    bound : float
        No output of the quantised network is further off, at any input of the domain.
    slack : float
        How much more two evaluations in double precision may differ by, from their own rounding.
    observed : float
        Largest error seen when the quantised network was run.
    inputs : int
        How many inputs it was run on.
    bytes, bytes_single : float
        Storage of all quantised values, and of the same in single precision.
    uniform_bits : int
        Bits of the best allocation with one number for all.
    bytes_uniform : float
    quantiser : str
    quantised : Quantised
        The network that was run: `forward`, `save`.
    """

    activation_bits: tuple[int, ...] | None
    weight_bits: tuple[int, ...] | None
    epsilon: float
    bound: float
    slack: float
    observed: float
    inputs: int
    bytes: float
    bytes_single: float
    uniform_bits: int
    bytes_uniform: float
    quantiser: str
    quantised: Quantised

    @property
    def ratio(self) -> float:
        """Storage relative to the best uniform allocation, at most 1."""
        return self.bytes / self.bytes_uniform

    @property
    def saved(self) -> float:
        """Bytes saved against single precision."""
        return self.bytes_single - self.bytes

    def _said(self) -> str:
        return (
            f"Precision: error <= {self.bound:.6g} (epsilon {self.epsilon:g}), observed {self.observed:.6g}"
            f" on {counted(self.inputs, 'input')}\n"
            f"  activation bits  {self.activation_bits}\n"
            f"  weight bits      {self.weight_bits}\n"
            f"  storage          {self.bytes:,.0f} bytes, single precision {self.bytes_single:,.0f}, "
            f"uniform {counted(self.uniform_bits, 'bit')} {self.bytes_uniform:,.0f} (ratio {self.ratio:.3f})"
        )


@overload
def precision(
    net: Network, epsilon: Epsilon, domain: npt.ArrayLike | Box, *, quantiser: str = ..., activations: bool = ...,
    weights: bool = ..., most: int = ..., samples: int = ..., seed: int = ..., quantised: None = ...,
) -> Precision: ...  # fmt: skip
@overload
def precision(
    net: Network, epsilon: Epsilon, domain: npt.ArrayLike | Box, *, quantised: Network
) -> Difference: ...  # fmt: skip
@either_word
def precision(
    net: Network, epsilon: Epsilon, domain: npt.ArrayLike | Box, *, quantiser: str = "grid", activations: bool = True,
    weights: bool = True, most: int = 40, samples: int = 1000, seed: int = 0, quantised: Network | None = None,
) -> Precision | Difference:  # fmt: skip
    """Find the fewest bits per layer with a proved error within `epsilon`, and run the quantised network.

    Parameters
    ----------
    net : Network
    epsilon : int, float, str, Fraction or Decimal
        What quantising may cost at an output; a string is read as a decimal.
    domain : array_like of shape (n, d) or (d,), or Box
        For which inputs the proof holds.
    quantiser : {"grid", "fraction", "saturated", "truncated"}, default "grid"
        See `withstand.quantise.unit_error`. Values are quantised on [0, sup] or [-sup, sup] of their layer over the
        domain (or the activation's range where that is smaller), weights and biases on [-max, max] of their layer.
    activations, weights : bool, default True
        What to quantise; biases go with the weights.
    most : int, default 40
        Bits that a value may have.
    samples : int, default 1000
        Random inputs to run for a box, besides two corners; given inputs are all run.
    seed : int, default 0
    quantised : Network, optional
        Loaded from a quantised file of which `net` is the float original. Then nothing is searched for, and no other
        option is heard: found is how far the file is from `net` at the given inputs, proved and observed.

    Returns
    -------
    Precision, or Difference of a quantised file

    Raises
    ------
    TypeError, ValueError
        For a graph or a convolutional network, an unknown quantiser, nothing to quantise, an `epsilon` that `most` bits
        do not reach, or a domain that does not fit.

    Notes
    -----
    An error lambda of the values of layer l moves output k by at most lambda times the sum over neurons of
    A^(l) = K_{l+1} A^(l+1) |W^(l+1)|, A^(L) = |W^(L+1)|; errors of weights add K A q sup sum |y|. So the proved error
    is linear in the quantisers' errors and the allocation is exact for it: non-dominated (memory, error) pairs are
    kept, layer by layer. Adding bits greedily where they help most is optimal only if all layers store equally many.

    Examples
    --------
    >>> import withstand as ws
    >>> net = ws.Network([[[0.0]] * 3, [[0.5] * 3] * 4, [[0.25] * 4]], [[0.5] * 3, [-1.0] * 4, None], activation="clip")
    >>> found = ws.precision(net, 0.01, [[0.0]], weights=False, quantiser="fraction")
    >>> found.activation_bits, round(found.bound, 9)
    ((7, 7), 0.009765625)
    """
    if quantised is not None:
        return difference(net, quantised, epsilon, domain)
    as_chain(net, "the fewest bits are found for"), choice(quantiser, "quantiser", QUANTISERS)
    activations, weights = flag(activations, "activations"), flag(weights, "weights")
    if not (activations or weights):
        raise ValueError("nothing to quantise: activations or weights must be True")
    most, seed = whole(most, "most", 1, _MOST_BITS), whole(seed, "seed")
    samples = whole(samples, "samples", most=SAMPLES)
    limit, (lower, upper) = as_limit(epsilon), bounds_of(net, domain, "domain")
    arguments_fit()
    ranges = _ranges(net, domain)
    chosen = [s for s in _sites(net, ranges, lower, upper) if (activations if s.kind == "values" else weights)]
    slack = 2 * bound(net, Crash(0), domain, method="at-most").slack
    slack += 2.0**-50 * float(sum(s.error.max() for s in chosen))  # of values put back together from codes
    budget = limit - slack
    errors = [float(s.error.max()) * _OUTWARD for s in chosen]
    words = [s.words for s in chosen]
    bits = allocate(errors, words, budget, quantiser=quantiser, most=most)
    uniform = next((b for b in range(most + 1) if sum(errors) * unit_error(quantiser, b) <= budget), None)
    if bits is None or uniform is None:
        least = sum(errors) * unit_error(quantiser, most) + slack
        raise ValueError(f"epsilon {limit:g} needs more than {most} bits: the proved error at {most} is {least:.3g}")
    each = np.array([s.error * unit_error(quantiser, b) for s, b in zip(chosen, bits)])
    proved = float(each.sum(axis=0).max()) * _OUTWARD
    found = {(s.kind, s.layer): b for s, b in zip(chosen, bits)}
    made = _quantised(net, ranges, found, quantiser)
    X = _data(domain, lower, upper, samples, seed)
    stored = " and ".join(["values"] * activations + ["weights and biases"] * weights)
    rigor = "the bound holds in real arithmetic, rounded outward; what was observed is a run of the quantised network"
    told = Told(net, Inputs.of(lower, upper), f"{stored} quantised by {quantiser!r}", rigor, epsilon=epsilon,
                verdict=TOLERATED, seed=seed if isinstance(domain, Box) else None)  # fmt: skip
    return Precision(
        tuple(found["values", l] for l in range(1, net.depth + 1)) if activations else None,
        tuple(found["weights", l] for l in range(1, net.depth + 2)) if weights else None,
        limit, proved, slack, float(np.abs(made.forward(X) - net.forward(X)).max()), len(X),
        sum(w * stored_bits(quantiser, b) for w, b in zip(words, bits)) / 8, 4.0 * sum(words),
        uniform, sum(words) * stored_bits(quantiser, uniform) / 8, quantiser, made, _told=told,
    )  # fmt: skip


def allocate(
    errors: list[float], words: list[int], budget: float, *, quantiser: str = "fraction", most: int = 40
) -> tuple[int, ...] | None:
    """Return bits b with the least sum of words_s b_s such that the sum of errors_s unit_error(b_s) is within budget.

    None where `most` bits are not enough. Of equal memory the least error. Exact: after each site the pairs (memory,
    error) that another pair does not beat are kept, less those that cannot become the best.
    """
    units = [unit_error(quantiser, b) for b in range(most + 1)]
    least = [next((b for b in range(most + 1) if e * units[b] <= budget), most + 1) for e in errors]
    uniform = next((b for b in range(most + 1) if sum(errors) * units[b] <= budget), None)
    if uniform is None:  # then no allocation has less error either
        return None
    ceiling = sum(words) * uniform
    needs = [word * bits for word, bits in zip(words, least)]
    rest = [(sum(needs[n:]), sum(errors[n:]) * units[most]) for n in range(len(words) + 1)]
    front: list[tuple[int, float, tuple[int, ...]]] = [(0, 0.0, ())]
    for n, (error, word) in enumerate(zip(errors, words)):
        memory_left, error_left = rest[n + 1]
        grown = sorted(
            (memory + word * b, spent + error * units[b], (*bits, b))
            for memory, spent, bits in front
            for b in range(least[n], most + 1)
            if memory + word * b + memory_left <= ceiling and spent + error * units[b] + error_left <= budget
        )
        front = []
        for candidate in grown:
            if not front or candidate[1] < front[-1][1]:
                front.append(candidate)
    return front[0][2]


def _sites(net: Network, ranges: list[tuple[float, float]], lower: FloatArray, upper: FloatArray) -> list[Site]:
    """Return everything stored, with the coefficients of the proved error."""
    largest = np.maximum(np.abs(lower), np.abs(upper)).sum(axis=1).max()
    reaches = [float(largest), *(n * max(-lo, hi) for n, (lo, hi) in zip(net.widths[1:-1], ranges))]
    adjoint = np.full((net.widths[-1],) * 2, 0.0)
    np.fill_diagonal(adjoint, net.output_activation.lipschitz)
    sites: list[Site] = []
    for layer in range(net.depth + 1, 0, -1):
        weight, bias = net.weights[layer - 1], net.biases[layer - 1]
        spread = 2 * (np.abs(weight).max() * reaches[layer - 1] + np.abs(bias).max())
        sites.append(Site("weights", layer, adjoint.sum(axis=1) * spread, weight.size + bias.size))
        adjoint = adjoint @ np.abs(weight)
        if layer > 1:
            low, high = ranges[layer - 2]
            sites.append(Site("values", layer - 1, adjoint.sum(axis=1) * (high - low), net.widths[layer - 1]))
            adjoint = adjoint * net.lipschitz[layer - 2]
    return sites[::-1]


def _ranges(net: Network, domain: npt.ArrayLike | Box) -> list[tuple[float, float]]:
    """Return an interval around 0 that holds the fault-free values of each hidden layer."""
    largest = [float(np.nextafter(float(e), math.inf)) for e in read_layers(net, Crash, domain).effects]
    return [(min(0.0, max(a.range[0], -y)), max(0.0, min(a.range[1], y))) for a, y in zip(net.activations, largest)]


def _quantised(
    net: Network, ranges: list[tuple[float, float]], bits: dict[tuple[str, int], int], name: str
) -> Quantised:
    values = tuple(Quantiser(name, bits.get(("values", n)), *r) for n, r in enumerate(ranges, start=1))
    if ("weights", 1) not in bits:
        return Quantised(net, net, values, None, None)
    parts = [
        tuple(Quantiser(name, bits["weights", n], -_most(a), _most(a)) for n, a in enumerate(arrays, start=1))
        for arrays in (net.weights, net.biases)
    ]
    stored = Network(
        [q(w) for q, w in zip(parts[0], net.weights)],
        [q(b) for q, b in zip(parts[1], net.biases)],
        activation=net.activations,
        output_activation=net.output_activation,
    )
    return Quantised(stored, net, values, parts[0], parts[1])


def _most(array: FloatArray) -> float:
    return float(np.abs(array).max())


def _data(domain: npt.ArrayLike | Box, lower: FloatArray, upper: FloatArray, samples: int, seed: int) -> FloatArray:
    if not isinstance(domain, Box):
        return lower
    drawn = np.random.default_rng(seed).uniform(lower[0], upper[0], (samples, lower.shape[1]))
    return np.concatenate([lower, upper, drawn])
