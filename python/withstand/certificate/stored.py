# SPDX-License-Identifier: MIT
"""What a network stores and which neurons are channels, listed for the checker alone.

A parameter is called (layer, name of its array, index); an entry of a kernel is one parameter that is used at many
places, and so is a bias that channels share. Places are those of the checker's matrices; biases are a column behind.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from withstand.certificate.lowering import columns, matrix, taps
from withstand.certificate.space import Name, Neuron
from withstand.model.graph import Layer
from withstand.model.layout import Layout
from withstand.model.maps import Conv, Map, Select

Index = tuple[int, ...]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Parameter:
    """A stored number, and the entries (row, column) of the matrix of a stage that are it."""

    name: Name
    stage: int
    value: float
    bias: bool
    rows: Ints
    columns: Ints


def parameters(layout: Layout, biases: bool, among: Collection[Name] | None = None) -> Iterator[Parameter]:
    """Yield what a network stores, or what of it is named, as far as some receiver hears it."""
    named = None if among is None else _by_array(among)
    for stage, (layer, starts) in enumerate(zip(layout.given, columns(layout)), 1):
        layer_number, prefix = owner(layout, stage), _prefix(layout, stage)
        for n, (source, kind) in enumerate(layer.reads):
            if not isinstance(kind, (Conv, np.ndarray)):
                continue
            array = kind.kernel if isinstance(kind, Conv) else kind
            name = layer_number, prefix + ("weight" if len(layer.reads) == 1 else f"weight_{n}")
            wanted = None if named is None else named.get(name, set())
            for index, places in _uses(kind, layout.shapes[source], wanted).items():
                rows, senders = np.array(places, dtype=np.int64).T
                yield Parameter((*name, index), stage, float(array[index]), False, rows, senders + starts[source])
        if biases:
            name = layer_number, prefix + "bias"
            yield from _biases(layout, stage, name, None if named is None else named.get(name, set()))


def count(layout: Layout, biases: bool) -> int:
    """Return how many numbers are stored, heard or not."""
    sizes = [kind.kernel.size if isinstance(kind, Conv) else kind.size for layer in layout.given
             for _, kind in layer.reads if isinstance(kind, (Conv, np.ndarray))]  # fmt: skip
    kept = [layer.bias.size for layer in layout.given if layer.bias is not None and stores_bias(layer)]
    return sum(sizes) + (sum(kept) if biases else 0)


def owner(layout: Layout, stage: int) -> int:
    """Return the layer whose parameters those of a stage are: the next one that may fail, or the outputs."""
    return min(number for place, number in layout.numbers.items() if place >= stage)


def stores_bias(layer: Layer) -> bool:
    """Whether biases are parameters: of layers that may fail, or that store weights as well."""
    return layer.may_fail or any(isinstance(kind, (Conv, np.ndarray)) for _, kind in layer.reads)


def channels(shape: Index, last: bool | None) -> list[int]:
    """Return the channel of every neuron: its feature map, where channels are the last axis or the first; or itself."""
    if last is None:
        return list(range(math.prod(shape)))
    return [place[-1 if last else 0] for place in np.ndindex(*shape)]


def orientations(layout: Layout) -> list[bool | None]:
    """Return for every stage whether its channels are its last axis, or its first one; None where it has none.

    Convolutions of one orientation make feature maps, and what reads single entries in their places keeps those of what
    it reads: sums of shortcuts, clips.
    """
    known: list[bool | None] = [None]
    for stage, layer in enumerate(layout.given, 1):
        said = _convolved(layer)
        if not said and all(_keeps(kind, layout.shapes[s], layout.shapes[stage]) for s, kind in layer.reads):
            said = {last for source, _ in layer.reads if (last := known[source]) is not None}
        known.append(said.pop() if len(said) == 1 else None)
    return known


def _convolved(layer: Layer) -> set[bool]:
    """Return whether the channels of the convolutions that a stage reads are their last axes."""
    return {kind.channel_axis == -1 for _, kind in layer.reads if isinstance(kind, Conv)}


def _keeps(kind: Map, source: Index, own: Index) -> bool:
    if source != own:
        return False
    return kind is None or (
        isinstance(kind, Select) and all(sender == to for to, sender in enumerate(kind.index.reshape(-1).tolist()))
    )


def synapses(layout: Layout) -> Iterator[tuple[Name, int, int, int]]:
    """Yield (layer, to, from) of products of a stored weight and a signal; and where they are: stage, row, column."""
    for number, stage in enumerate(layout.places[1:], 1):
        starts, before = columns(layout)[stage - 1], 0
        for source, kind in layout.given[stage - 1].reads:
            if isinstance(kind, (Conv, np.ndarray)):
                for to, sender in itertools.chain(*_uses(kind, layout.shapes[source]).values()):
                    yield (number, to, before + sender), stage, to, starts[source] + sender
            before += math.prod(layout.shapes[source])


def heard_twice(layout: Layout, stage: int) -> npt.NDArray[np.bool_] | None:
    """Return the entries of a matrix that several reads add up in; None where none can be."""
    reads, starts = layout.given[stage - 1].reads, columns(layout)[stage - 1]
    if len({source for source, _ in reads}) == len(reads):
        return None
    width = sum(math.prod(layout.shapes[source]) for source in starts)
    found = np.zeros((math.prod(layout.shapes[stage]), width + 1))
    for source, kind in reads:
        size, at = math.prod(layout.shapes[source]), starts[source]
        found[:, at : at + size] += matrix(_ones(kind), layout.shapes[source])
    return np.asarray(found > 1)


def _ones(kind: Map) -> Map:
    """Return a map that reads what another one does, with weights of 1."""
    if isinstance(kind, Conv):
        ones = np.ones_like(kind.kernel)
        return Conv(ones, kind.stride, kind.padding, kind.dilation, kind.groups, kind.channel_axis)
    return Select(kind.index) if isinstance(kind, Select) else None if kind is None else np.ones_like(kind)


def neurons(layout: Layout, number: int) -> list[Neuron]:
    """Return the neurons of a layer."""
    return [(number, i) for i in range(width(layout, number))]


def width(layout: Layout, number: int) -> int:
    """Return how many neurons a layer has."""
    return math.prod(layout.shapes[layout.places[number]])


def _prefix(layout: Layout, stage: int) -> str:
    return "" if stage in layout.numbers else f"{layout.given[stage - 1].name or f'stage{stage}'}."


def _by_array(among: Collection[Name]) -> dict[tuple[int, str], set[Index]]:
    """Return the indices that are named of every array, in order."""
    found: dict[tuple[int, str], set[Index]] = {}
    for layer, array, index in among:
        found.setdefault((layer, array), set()).add(index)
    return found


def _uses(
    kind: Conv | npt.NDArray[np.float64], source: Index, wanted: set[Index] | None = None
) -> dict[Index, list[tuple[int, int]]]:
    """Return where each stored number, or each that is wanted, is used: (to, from), the first receiver first."""
    if not isinstance(kind, Conv):
        entries = np.ndindex(*kind.shape) if wanted is None else (i for i in sorted(wanted) if _inside(i, kind.shape))
        return {(to, sender): [(to, sender)] for to, sender in entries}
    found: dict[Index, list[tuple[int, int]]] = {}
    for entry, to, sender in taps(kind, source) if wanted is None or wanted else ():
        if wanted is None or entry in wanted:
            found.setdefault(entry, []).append((to, sender))
    return found


def _inside(index: Index, shape: Index) -> bool:
    return len(index) == len(shape) and all(0 <= i < size for i, size in zip(index, shape))


def _biases(layout: Layout, stage: int, name: tuple[int, str], wanted: set[Index] | None) -> Iterator[Parameter]:
    layer, size = layout.given[stage - 1], math.prod(layout.shapes[stage])
    if layer.bias is None or not stores_bias(layer):
        return
    said = _convolved(layer) if layer.bias.size < size else set()
    own = np.array(channels(layout.shapes[stage], said.pop() if len(said) == 1 else None))
    behind = sum(math.prod(layout.shapes[source]) for source in columns(layout)[stage - 1])
    for flat, index in enumerate(np.ndindex(*layer.bias.shape)):
        if wanted is not None and index not in wanted:
            continue
        rows = np.flatnonzero(own == flat)
        yield Parameter((*name, index), stage, float(layer.bias[index]), True, rows, np.full(len(rows), behind))
