# SPDX-License-Identifier: MIT
"""What may fail, how, and how many: the failure models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from withstand import _core
from withstand._coerce import choice, finite, flag, shown
from withstand._types import FloatArray
from withstand.model.failure_arguments import (
    LARGEST,
    Counts,
    Groups,
    amplitudes_of,
    capacity_of,
    components_of,
    counts_of,
    together_of,
)
from withstand.model.network import Network, as_network
from withstand.model.term import Term


class Failures:
    """A failure model, or a sum of models on disjoint components. Immutable, comparable, picklable.

    Build one with `Crash`, `StuckAt`, `Byzantine`, `Noise`, `SynapseCrash`, `SynapseByzantine`, `BitFlip`, `WeightFlip`
    or `WeightCrash`; add them with ``+``.
    """

    __slots__ = ("_terms",)
    _terms: tuple[Term, ...]

    def __init__(self, terms: Iterable[tuple[Any, ...]]) -> None:
        self._terms = tuple(Term(*term) for term in terms)

    def __add__(self, other: Failures) -> Failures:
        if not isinstance(other, Failures):
            return NotImplemented
        return Failures(self._terms + other._terms)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Failures) and self._terms == other._terms

    def __hash__(self) -> int:
        return hash(self._terms)

    def __reduce__(self) -> tuple[type[Failures], tuple[Any]]:
        return Failures, (tuple(map(tuple, self._terms)),)  # of plain tuples, wherever the class of terms is kept

    def __repr__(self) -> str:
        return " + ".join(map(str, self._terms))

    def configurations(self, net: Network) -> int:
        """Return the number of configurations: the sets of failed components of `net` that the counts allow.

        Raises
        ------
        ValueError
            If the model does not fit the network, or its configurations take more than about a second to count: sums of
            several models on shared components, and counts of hundreds of thousands.

        Examples
        --------
        >>> import withstand as ws
        >>> net = ws.Network([[[1.0]] * 64, [[1.0] * 64]])
        >>> ws.Crash(2).configurations(net)  # 1 + 64 + 2016, the empty set included
        2081
        """
        signals = [1.0] * (as_network(net).depth + 1)  # how large words are does not change how many there are
        count = self._resolved(net, signals).configurations()
        if count is None:
            raise ValueError(f"{self!r}: there are too many ways to share out the failures to count them")
        return int(count)

    def _space(self, net: Network, rows: FloatArray | None = None) -> _core.Space:
        """Resolve the model against a network; `rows` are the inputs that it is asked about, if any."""
        signals = None
        if rows is not None and any(term.effect == "bit_flip" for term in self._terms):
            signals = [float(np.abs(y).max()) for y in net.trace(rows)[:-1]]
        return self._resolved(net, signals)

    def _resolved(self, net: Network, signals: list[float] | None) -> _core.Space:
        for term in self._terms:
            if max(term.counts, default=0) > LARGEST:
                raise ValueError(f"{self!r}: {term.candidates(net):,} components can fail, not {max(term.counts)}")
        terms = [term.core(net, signals) for term in self._terms]
        with net._naming():
            return _core.Space(net._core, terms)


def as_failures(failures: object) -> Failures:
    """Return what is a failure model, and refuse anything else."""
    if not isinstance(failures, Failures):
        raise TypeError(f"failures must be a failure model such as Crash(2), got {shown(failures)}")
    return failures


def modelled(model: object, counts: int | tuple[int, ...]) -> Failures:
    """Return the failure model that `model` makes from counts."""
    if not callable(model):
        raise TypeError(f"model must be a callable that makes a failure model from counts, got {shown(model)}")
    made = model(counts)
    if not isinstance(made, Failures):
        raise TypeError(f"model must make failure models such as Crash(2), from {counts} it made {shown(made)}")
    return made


class Crash(Failures):
    """Neurons that stop: a crashed neuron transmits 0.

    Parameters
    ----------
    counts : int or sequence of int
        At most this many among all hidden neurons; or at most so many per hidden layer, one count per layer.
    exactly : bool, default False
        Exactly that many fail, instead of at most.
    among : iterable of (layer, neuron), optional
        Candidates; every hidden neuron where absent. Layer 0 names inputs. With unit "channel" (layer, channel).
    unit : {"neuron", "channel"}, default "neuron"
        "channel": whole feature maps fail, of convolutions and what adds them up; neurons where there are none.
    groups : iterable of iterable of (layer, neuron), optional
        Disjoint groups of neurons that fail together: cores, tiles, rows, also across layers. The count is of groups;
        neurons in no group cannot fail. Not with counts per layer, `among` or `unit`.

    Raises
    ------
    TypeError, ValueError
        For counts that are not integers or negative; when used with a network, for more failures than there are
        candidates or a neuron that does not exist, or is in two groups.

    Examples
    --------
    >>> import withstand as ws
    >>> ws.Crash(2), ws.Crash((2, 1, 0)), ws.Crash(1) + ws.StuckAt(1, value=1.0)
    (Crash(2), Crash((2, 1, 0)), Crash(1) + StuckAt(1, value=1))
    """

    __slots__ = ()

    def __init__(
        self,
        counts: Counts,
        *,
        exactly: bool = False,
        among: Iterable[Sequence[int]] | None = None,
        unit: str = "neuron",
        groups: Groups | None = None,
    ) -> None:
        values, total = counts_of(counts, "Crash")
        exact, sites = flag(exactly, "exactly"), components_of(among, 2, "Crash")
        together, kind = together_of("Crash", total, sites, unit, groups)
        super().__init__([Term("crash", (), values, total, exact, among=sites, groups=together, unit=kind)])


class StuckAt(Failures):
    """Neurons that transmit one constant value.

    Parameters
    ----------
    counts, exactly, among, unit, groups
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
        unit: str = "neuron",
        groups: Groups | None = None,
    ) -> None:
        values, total = counts_of(counts, "StuckAt")
        amount = (finite(value, "StuckAt: value"),)
        exact, sites = flag(exactly, "exactly"), components_of(among, 2, "StuckAt")
        together, kind = together_of("StuckAt", total, sites, unit, groups)
        super().__init__([Term("stuck", amount, values, total, exact, among=sites, groups=together, unit=kind)])


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
        choice(convention, "Byzantine: convention", tuple(effects))
        values, total = counts_of(counts, "Byzantine")
        amount = (capacity_of(capacity, "Byzantine"),)
        sites = components_of(among, 2, "Byzantine")
        exact, apart = flag(exactly, "exactly"), flag(equivocal, "equivocal")
        super().__init__([Term(effects[convention], amount, values, total, exact, apart, sites)])


class Noise(Failures):
    """Every hidden neuron is off by at most delta from what it computes, and keeps relaying.

    Parameters
    ----------
    delta : float or sequence of float
        Amplitude, one for all hidden layers or one per hidden layer. Or one for the inputs and one for every layer
        before the outputs, those that cannot fail included, as `Network.noise` of a quantised file tells: noise of
        these others is what it amounts to in the neurons that read them.
    """

    __slots__ = ()

    def __init__(self, delta: float | Sequence[float]) -> None:
        super().__init__([Term("noise", amplitudes_of(delta), (0,), total=True)])


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
        values, total = counts_of(counts, "SynapseCrash")
        sites = components_of(among, 3, "SynapseCrash")
        super().__init__([Term("synapse_crash", (), values, total, flag(exactly, "exactly"), among=sites)])


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
        choice(convention, "SynapseByzantine: convention", ("product", "signal", "replace"))
        values, total = counts_of(counts, "SynapseByzantine")
        amount = (capacity_of(capacity, "SynapseByzantine"),)
        sites = components_of(among, 3, "SynapseByzantine")
        super().__init__([Term(f"synapse_{convention}", amount, values, total, flag(exactly, "exactly"), among=sites)])
