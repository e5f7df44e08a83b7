# SPDX-License-Identifier: MIT
"""Witnesses as users have them, from what the core found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from withstand import _core
from withstand._types import AnyComponent, Component, FloatArray
from withstand.model.failures import Failures
from withstand.model.network import Network
from withstand.model.witness import Witness


def witness(
    net: Network,
    failures: Failures,
    values: Mapping[Component, float],
    ways: Sequence[_core.FailedWay],
    input: FloatArray,
    index: int,
    output: int,
    error: float,
    decisions: bool,
) -> Witness:
    """Return the witness of what failed components of the core are held at, and how each of them fails."""
    held = net._values(values)
    terms, found, groups, channels = failures._terms, {}, [], {}
    for failed in ways:
        term, site = terms[failed.term], failed.site
        if term.flips is not None:
            bias = site.from_ == _core.parameters + _core.one
            bits = (failed.way,) if bias and term.flips.every else term.flips.bits[failed.way]
            found[net._component(site.layer, site.to, site.from_)] = bits[0] if len(bits) == 1 else bits
        if term.together:
            groups.append(_group(net, term._groups(net) or [], site))
        if term.unit is not None:
            channels[groups[-1]] = next(name for name, of in term._channels(net).items() if groups[-1][0] in of)
    ordered = tuple(sorted(held, key=_order))
    told = net._judged_output(output)
    return Witness(ordered, {c: held[c] for c in ordered}, input, index, told, error, found, tuple(sorted(groups)),
                   _channels=channels, _decisions=decisions)  # fmt: skip


def _group(net: Network, groups: list[list[_core.Site]], first: _core.Site) -> tuple[AnyComponent, ...]:
    """Return the members of the group that a site names."""
    for group in groups:
        members = sorted((site.layer, site.to, site.from_) for site in group)
        if members[0][:2] == (first.layer, first.to):
            return tuple(net._component(*member) for member in members)
    raise AssertionError(f"no group begins with {first.layer, first.to}")


def _order(component: AnyComponent) -> tuple[object, ...]:
    """Neurons and synapses of a layer before its parameters, and those by name."""
    layer, first, *rest = component
    return (layer, 1, first, *rest) if isinstance(first, str) else (layer, 0, first, *rest)
