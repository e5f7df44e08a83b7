# SPDX-License-Identifier: MIT
"""What may fail, how, and how many: the failure models."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from withstand import _core
from withstand._types import Component
from withstand.network import Network

Counts = int | Sequence[int]


class Failures:
    """A failure model, or a sum of models on disjoint components. Immutable, comparable, picklable.

    Build one with `Crash`, `StuckAt`, `Byzantine`, `Noise`, `SynapseCrash`, `SynapseByzantine`; add them with ``+``.
    """

    __slots__ = ("_terms",)
    _terms: tuple[tuple[Any, ...], ...]

    def __init__(self, terms: tuple[tuple[Any, ...], ...]) -> None:
        self._terms = terms

    def __add__(self, other: Failures) -> Failures:
        if not isinstance(other, Failures):
            return NotImplemented
        return Failures(self._terms + other._terms)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Failures) and self._terms == other._terms

    def __hash__(self) -> int:
        return hash(self._terms)

    def __reduce__(self) -> tuple[type[Failures], tuple[Any]]:
        return Failures, (self._terms,)

    def __repr__(self) -> str:
        return " + ".join(core.describe() for core in self._core())

    def configurations(self, net: Network) -> int:
        """Return the number of configurations: the sets of failed components of `net` that the counts allow.

        Raises
        ------
        ValueError
            If the model does not fit the network.

        Examples
        --------
        >>> import withstand as ws
        >>> net = ws.Network([[[1.0]] * 64, [[1.0] * 64]])
        >>> ws.Crash(2).configurations(net)  # 1 + 64 + 2016, the empty set included
        2081
        """
        return int(self._space(net).configurations())

    def _core(self) -> list[Any]:
        return [_core_failure(*term) for term in self._terms]

    def _space(self, net: Network) -> Any:
        return _core.Space(net._core, self._core())


def _core_failure(
    effect: str,
    amount: tuple[float, ...],
    counts: tuple[int, ...],
    total: bool,
    exactly: bool,
    equivocal: bool,
    among: tuple[Component, ...] | None,
) -> Any:
    sites = None if among is None else [_core.Site(*component) for component in among]
    effect_value = getattr(_core.Effect, effect)
    return _core.Failure(effect_value, list(amount), list(counts), total, exactly, equivocal, sites)


def _count(value: object, who: str) -> int:
    try:
        count = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{who}: counts must be integers, got {value!r}") from None
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{who}: counts must be integers, got {value!r}")
    if count < 0:
        raise ValueError(f"{who}: counts must be at least 0, got {count}")
    return count


def _counts(counts: Counts, who: str) -> tuple[tuple[int, ...], bool]:
    """Return the counts as a tuple, and whether they are one total."""
    if isinstance(counts, (list, tuple, np.ndarray)):
        return tuple(_count(c, who) for c in counts), False
    return (_count(counts, who),), True


def _components(among: Iterable[Sequence[int]] | None, size: int, who: str) -> tuple[Component, ...] | None:
    if among is None:
        return None
    form = "(layer, neuron)" if size == 2 else "(layer, to, from)"
    components: list[Component] = []
    for component in among:
        parts = tuple(_count(part, f"{who}, among") for part in component)
        if len(parts) != size:
            raise ValueError(f"{who}: among names {parts}, expected {form}")
        components.append((parts[0], parts[1], parts[2]) if size == 3 else (parts[0], parts[1]))
    return tuple(components)


def _real(value: float, who: str, what: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{who}: {what} must be a real number, got {value!r}") from None
    if not np.isfinite(number):
        raise ValueError(f"{who}: {what} must be finite, got {number}")
    return number


def _capacity(value: float, who: str) -> float:
    number = _real(value, who, "capacity")
    if number < 0:
        raise ValueError(f"{who}: capacity must be at least 0, got {number}")
    return number


class Crash(Failures):
    """Neurons that stop: a crashed neuron transmits 0.

    Parameters
    ----------
    counts : int or sequence of int
        At most this many among all hidden neurons; or at most so many per hidden layer, one count per layer.
    exactly : bool, default False
        Exactly that many fail, instead of at most.
    among : iterable of (layer, neuron), optional
        Candidates; every hidden neuron where absent. Layer 0 names inputs.

    Raises
    ------
    TypeError, ValueError
        For counts that are not integers or negative; when used with a network, for more failures than there are
        candidates or a neuron that does not exist.

    Examples
    --------
    >>> import withstand as ws
    >>> ws.Crash(2), ws.Crash((2, 1, 0)), ws.Crash(1) + ws.StuckAt(1, value=1.0)
    (Crash(2), Crash((2, 1, 0)), Crash(1) + StuckAt(1, value=1))
    """

    __slots__ = ()

    def __init__(
        self, counts: Counts, *, exactly: bool = False, among: Iterable[Sequence[int]] | None = None
    ) -> None:
        values, total = _counts(counts, "Crash")
        super().__init__((("crash", (), values, total, bool(exactly), False, _components(among, 2, "Crash")),))


class StuckAt(Failures):
    """Neurons that transmit one constant value.

    Parameters
    ----------
    counts, exactly, among
        As for `Crash`.
    value : float
        The transmitted value.
    """

    __slots__ = ()

    def __init__(
        self,
        counts: Counts,
        value: float,
        *,
        exactly: bool = False,
        among: Iterable[Sequence[int]] | None = None,
    ) -> None:
        values, total = _counts(counts, "StuckAt")
        amount = (_real(value, "StuckAt", "value"),)
        super().__init__((("stuck", amount, values, total, bool(exactly), False, _components(among, 2, "StuckAt")),))


class Byzantine(Failures):
    """Neurons that transmit anything within their capacity.

    Parameters
    ----------
    counts, exactly, among
        As for `Crash`.
    capacity : float
        Convention "value": the neuron transmits any value in [-capacity, capacity]. Convention "deviation": it is off
        by at most `capacity` from its fault-free value.
    convention : {"value", "deviation"}, default "value"
    equivocal : bool, default False
        Whether a failed neuron may transmit another value to each of its successors.

    Raises
    ------
    TypeError, ValueError
        As for `Crash`; for a capacity that is negative or infinite (with an infinite capacity one Byzantine neuron
        defeats every bound), or an unknown convention.
    """

    __slots__ = ()

    def __init__(
        self,
        counts: Counts,
        capacity: float,
        *,
        convention: str = "value",
        exactly: bool = False,
        among: Iterable[Sequence[int]] | None = None,
        equivocal: bool = False,
    ) -> None:
        effects = {"value": "byzantine", "deviation": "deviation"}
        if convention not in effects:
            raise ValueError(f"Byzantine: convention must be 'value' or 'deviation', got {convention!r}")
        values, total = _counts(counts, "Byzantine")
        amount = (_capacity(capacity, "Byzantine"),)
        sites = _components(among, 2, "Byzantine")
        super().__init__(((effects[convention], amount, values, total, bool(exactly), bool(equivocal), sites),))


class Noise(Failures):
    """Every hidden neuron is off by at most delta from what it computes, and keeps relaying.

    Parameters
    ----------
    delta : float or sequence of float
        Amplitude, one for all hidden layers or one per hidden layer.
    """

    __slots__ = ()

    def __init__(self, delta: float | Sequence[float]) -> None:
        values: Sequence[Any] = delta if isinstance(delta, (list, tuple, np.ndarray)) else [delta]
        amounts = tuple(_capacity(v, "Noise") for v in values)
        super().__init__((("noise", amounts, (0,), True, False, False, None),))


class SynapseCrash(Failures):
    """Synapses that stop: the product weight * signal of a failed synapse becomes 0.

    Parameters
    ----------
    counts : int or sequence of int
        At most this many among all synapses into layers 1..L+1; or one count per layer 1..L+1.
    exactly : bool, default False
        Exactly that many fail, instead of at most.
    among : iterable of (layer, to, from), optional
        Candidates, named by the layer of the receiver; every synapse where absent.
    """

    __slots__ = ()

    def __init__(
        self, counts: Counts, *, exactly: bool = False, among: Iterable[Sequence[int]] | None = None
    ) -> None:
        values, total = _counts(counts, "SynapseCrash")
        sites = _components(among, 3, "SynapseCrash")
        super().__init__((("synapse_crash", (), values, total, bool(exactly), False, sites),))


class SynapseByzantine(Failures):
    """Synapses that deliver anything within their capacity.

    Parameters
    ----------
    counts, exactly, among
        As for `SynapseCrash`.
    capacity : float
        Convention "product": the product weight * signal gains any value in [-capacity, capacity]; "signal": the
        signal does, before the weight; "replace": the product becomes any value in [-capacity, capacity].
    convention : {"product", "signal", "replace"}, default "product"
    """

    __slots__ = ()

    def __init__(
        self,
        counts: Counts,
        capacity: float,
        *,
        convention: str = "product",
        exactly: bool = False,
        among: Iterable[Sequence[int]] | None = None,
    ) -> None:
        if convention not in ("product", "signal", "replace"):
            raise ValueError(
                f"SynapseByzantine: convention must be 'product', 'signal' or 'replace', got {convention!r}"
            )
        values, total = _counts(counts, "SynapseByzantine")
        amount = (_capacity(capacity, "SynapseByzantine"),)
        sites = _components(among, 3, "SynapseByzantine")
        super().__init__(((f"synapse_{convention}", amount, values, total, bool(exactly), False, sites),))
