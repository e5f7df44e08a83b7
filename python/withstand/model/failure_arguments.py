# SPDX-License-Identifier: MIT
"""What a failure model is made with: how many, which components, how far off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from withstand._coerce import choice, finite, shown, whole
from withstand._types import Component

Counts = int | Sequence[int]
#: Neurons that fail together, group by group.
Groups = Iterable[Iterable[Sequence[int]]]

#: Digits (to base 2) up to which a count is read, so that it can be said how many are too many.
_BITS = 4096
#: What the core counts with.
LARGEST = 2**63 - 1


def counts_of(counts: Any, who: str) -> tuple[tuple[int, ...], bool]:
    """Return the counts as a tuple, and whether they are one total."""
    if isinstance(counts, np.ndarray) and counts.ndim == 0:
        counts = counts.item()
    if isinstance(counts, (list, tuple, np.ndarray)):
        return tuple(_count(count, f"{who}: counts", counts) for count in counts), False
    return (_count(counts, f"{who}: counts", counts),), True


def _count(value: object, name: str, whole_argument: object) -> int:
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be integers, got {shown(value)}")
    try:
        count = whole(value, name)
    except TypeError:  # an array of integers has __index__, too
        raise TypeError(f"{name} must be integers, got {shown(whole_argument)}") from None
    if count.bit_length() > _BITS:
        raise ValueError(f"{name} must be numbers of components, got {shown(count)}")
    return count


def components_of(among: Any, size: int, who: str, what: str = "among") -> tuple[Component, ...] | None:
    """Return the candidates, as tuples of integers."""
    if among is None:
        return None
    form = "(layer, neuron)" if size == 2 else "(layer, to, from)"
    if isinstance(among, (str, bytes)) or not isinstance(among, Iterable):
        raise TypeError(f"{who}: {what} must be a sequence of {form}, got {shown(among)}")
    return tuple(_component(component, size, form, f"{who}: {what} names") for component in among)


def _component(component: Any, size: int, form: str, names: str) -> Component:
    try:
        parts = tuple(int(whole(part, "a part", least=-LARGEST, most=LARGEST)) for part in component)
    except ValueError:  # no network is as large
        raise ValueError(f"{names} {shown(component)}, numbers that no network has") from None
    except TypeError:
        raise TypeError(f"{names} {shown(component)}, expected integers {form}") from None
    if len(parts) != size:
        raise ValueError(f"{names} {shown(parts)}, expected {form}")
    if min(parts) < 0:
        raise ValueError(f"{names} {parts}, layers and neurons are numbered from 0")
    return (parts[0], parts[1], parts[2]) if size == 3 else (parts[0], parts[1])


def together_of(
    who: str, total: bool, among: tuple[Component, ...] | None, unit: str, groups: Groups | None
) -> tuple[tuple[tuple[Component, ...], ...] | None, str | None]:
    """Return the groups that fail together, and the unit where that is not a neuron."""
    kind = None if choice(unit, f"{who}: unit", ("neuron", "channel")) == "neuron" else unit
    if groups is None:
        return None, kind
    if not total or among is not None or kind is not None:
        raise ValueError(f"{who}: groups go neither with counts per layer, nor with among or unit")
    if isinstance(groups, str) or not hasattr(groups, "__iter__"):  # type: ignore[unreachable,redundant-expr]
        raise TypeError(f"{who}: groups must be a sequence of groups of (layer, neuron), got {shown(groups)}")
    return tuple(components_of(group, 2, who, "a group") or () for group in groups), None


def named_component(component: Any) -> Component:
    """Return a component that somebody says has failed."""
    form = "a neuron is (layer, neuron), a synapse (layer, to, from)"
    try:
        parts = tuple(whole(part, "a part", most=LARGEST) for part in component)
    except (TypeError, ValueError):
        raise ValueError(f"failed component {shown(component)}: {form}, integers from 0") from None
    if len(parts) not in (2, 3):
        raise ValueError(f"failed component {component}: {form}")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else (parts[0], parts[1])


def capacity_of(value: object, who: str, what: str = "capacity") -> float:
    """Return how far off a failed component may be."""
    number = finite(value, f"{who}: {what}")
    if number < 0:
        raise ValueError(f"{who}: {what} must be at least 0, got {number}")
    return number


def amplitudes_of(delta: Any) -> tuple[float, ...]:
    """Return the amplitudes of noise: one, or one per layer."""
    if isinstance(delta, np.ndarray) and delta.ndim == 0:
        delta = delta.item()
    values = delta if isinstance(delta, (list, tuple, np.ndarray)) else [delta]
    return tuple(capacity_of(value, "Noise", "delta") for value in values)
