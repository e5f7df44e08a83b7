# SPDX-License-Identifier: MIT
"""Quantisers, and a network that computes with quantised weights and activations."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from withstand._types import FloatArray
from withstand.model.evaluation import outputs
from withstand.model.network import Network

#: Names of the quantisers, as `precision` takes them.
QUANTISERS = ("grid", "fraction", "saturated", "truncated")


def unit_error(quantiser: str, bits: int) -> float:
    """Return the largest error of a quantiser of [0, 1].

    "grid" rounds to k / (2^b - 1), "fraction" to multiples of 2^-b with 1 itself representable, "saturated" likewise
    without 1, "truncated" rounds down to multiples of 2^-b below 1.

    Examples
    --------
    >>> from withstand.quantise import unit_error
    >>> [unit_error(q, 1) for q in ("grid", "fraction", "saturated", "truncated")]
    [0.5, 0.25, 0.5, 0.5]
    """
    if quantiser not in QUANTISERS:
        raise ValueError(f"quantiser must be one of {', '.join(QUANTISERS)}, got {quantiser!r}")
    if quantiser == "grid":
        return 0.5 / max((1 << bits) - 1, 1)
    return math.ldexp(1.0, -stored_bits(quantiser, bits))


def stored_bits(quantiser: str, bits: int) -> int:
    """Return the bits that a stored value takes: "fraction" needs one more, for the value 1."""
    return bits + (quantiser == "fraction")


@dataclass(frozen=True)
class Quantiser:
    """Maps values to codes 0, 1, ... and back; values outside [lower, upper] become its ends.

    Attributes
    ----------
    name : {"grid", "fraction", "saturated", "truncated"}
    bits : int or None
        None: only the range is enforced.
    lower, upper : float
    """

    name: str
    bits: int | None
    lower: float
    upper: float

    @property
    def step(self) -> float:
        """Distance between neighbouring values."""
        assert self.bits is not None
        steps = max(2**self.bits - 1, 1) if self.name == "grid" else 2**self.bits
        return (self.upper - self.lower) / float(steps)

    def codes(self, values: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the code of every value."""
        assert self.bits is not None
        if self.step == 0 or (self.name == "grid" and self.bits == 0):  # no range, or one below that of doubles
            return np.zeros(np.shape(values), dtype=np.int64)
        place = (np.clip(values, self.lower, self.upper) - self.lower) / self.step
        most = 2**self.bits - (self.name != "fraction")
        whole = np.floor(place) if self.name == "truncated" else np.rint(place)
        return np.asarray(np.minimum(whole, most), dtype=np.int64)

    def __call__(self, values: npt.ArrayLike) -> FloatArray:
        """Return every value as it comes back from storage."""
        if self.bits is None:
            return np.clip(np.asarray(values, dtype=np.float64), self.lower, self.upper)
        if self.name == "grid" and self.bits == 0:  # one value: the middle
            return np.full(np.shape(values), (self.lower + self.upper) / 2)
        return np.asarray(self.lower + self.codes(values) * self.step)


@dataclass(frozen=True, eq=False)
class Quantised:
    """A network whose weights, biases and transmitted values went through quantisers.

    Attributes
    ----------
    network : Network
        With the weights and biases as they come back from storage.
    original : Network
    activations : tuple of Quantiser
        One per hidden layer.
    weights, biases : tuple of Quantiser or None
        One per layer 1..L+1; None where they are kept as they are.
    """

    network: Network
    original: Network
    activations: tuple[Quantiser, ...]
    weights: tuple[Quantiser, ...] | None
    biases: tuple[Quantiser, ...] | None

    def forward(self, X: npt.ArrayLike) -> FloatArray:
        """Evaluate: every hidden neuron transmits its quantised value. Shapes as for `Network.forward`."""
        y, single = self.network._inputs(X)
        out = outputs(self.network, y, lambda layer, y: self.activations[layer - 1](y))
        return out[0] if single else out

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write codes, ranges and bits as an .npz file (no pickle inside).

        Layer l holds ``weights_l``, ``biases_l`` (codes, or numbers where not quantised) and their ranges
        ``weights_range_l``, ``biases_range_l`` (lower, upper); ``activation_range`` (L, 2), ``weight_bits``,
        ``activation_bits`` (-1: not quantised) and ``quantiser`` complete them.
        """
        arrays: dict[str, npt.NDArray[np.generic]] = {
            "quantiser": np.array(self.activations[0].name),
            "activation_bits": np.array([-1 if q.bits is None else q.bits for q in self.activations]),
            "activation_range": np.array([(q.lower, q.upper) for q in self.activations]),
            "weight_bits": np.array([-1] * len(self.network.weights)),
        }
        for name, quantisers in (("weights", self.weights), ("biases", self.biases)):
            values = getattr(self.original, name)
            for n, value in enumerate(values):
                quantiser = quantisers[n] if quantisers is not None else None
                arrays[f"{name}_{n + 1}"] = value if quantiser is None else _compact(quantiser.codes(value))
                if quantiser is not None:
                    arrays[f"{name}_range_{n + 1}"] = np.array((quantiser.lower, quantiser.upper))
        if self.weights is not None:
            arrays["weight_bits"] = np.array([q.bits for q in self.weights])
        np.savez(path, **arrays)  # type: ignore[arg-type]


def _compact(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.generic]:
    """Return the codes in the narrowest unsigned type."""
    return codes.astype(np.min_scalar_type(int(codes.max(initial=0))))
