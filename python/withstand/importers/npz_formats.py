# SPDX-License-Identifier: MIT
"""Formats and roundings of a quantised network in the package's own file format.

Keys, only where a network has formats; places count the inputs and all layers:

    format_places, _roles     integers, and text ("signal", or the name of a parameter), one for each format
    format_names              text, one for each format
    format_channels           integers: how many scales a format has, 0 for one that all channels share
    format_scales, _zeros     float64 and integers, of all formats one after the other
    noise                     float64, one for each place but the last, only of quantised files
    output_rounding           float64 (1,), likewise
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from withstand.model.formats import Format
from withstand.model.quantisation import LayerFormat, Quantisation

from .errors import UnsupportedModel

if TYPE_CHECKING:
    from withstand.importers.npz import Arrays

__all__ = ["formats_of", "saved_formats"]

_SIGNAL = "signal"


def saved_formats(found: Quantisation | None) -> dict[str, Any]:
    """Return the arrays that say what formats and roundings there are."""
    if found is None:
        return {}
    rows = [(place, role, form) for place, layer in enumerate(found.formats) for role, form in _roles(layer)]
    forms = [form for *_, form in rows]
    counts = [form.channels or 1 for form in forms]
    scales = [np.resize(np.asarray(form.scale, np.float64), count) for form, count in zip(forms, counts)]
    zeros = [np.resize(np.asarray(form.zero_point, np.int64), count) for form, count in zip(forms, counts)]
    arrays = {
        "format_places": np.array([place for place, *_ in rows], dtype=np.int64),
        "format_roles": np.array([role for _, role, _ in rows], dtype=np.str_),
        "format_names": np.array([form.name for form in forms], dtype=np.str_),
        "format_channels": np.array([form.channels or 0 for form in forms], dtype=np.int64),
        "format_scales": np.concatenate([np.zeros(0), *scales]),
        "format_zeros": np.concatenate([np.zeros(0, np.int64), *zeros]),
    }
    if found.noise is not None and found.output_rounding is not None:
        arrays |= {"noise": np.array(found.noise), "output_rounding": np.array([found.output_rounding])}
    return arrays


def formats_of(arrays: Arrays, places: int) -> Quantisation | None:
    """Return what formats and roundings a file says that a network of so many places has."""
    if "format_places" not in arrays.members:
        return None
    where, counts = arrays.sizes("format_places"), arrays.sizes("format_channels")
    roles, names = arrays.texts("format_roles"), arrays.texts("format_names")
    ends = np.cumsum([0, *(max(count, 1) for count in counts)])
    scales, zeros = arrays.get("format_scales", "f", 1), arrays.get("format_zeros", "iu", 1)
    sizes = {len(where), len(counts), len(roles), len(names)}
    if len(sizes) > 1 or min(counts, default=0) < 0 or not len(scales) == len(zeros) == ends[-1]:
        raise UnsupportedModel("has formats whose numbers do not fit together")
    if where and not 0 <= min(where) <= max(where) < places:
        raise UnsupportedModel(f"has formats of places up to {max(where)}, of {places}")
    found: list[dict[str, Format]] = [{} for _ in range(places)]
    for place, count, role, name, start, end in zip(where, counts, roles, names, ends, ends[1:]):
        try:
            scale, zero = scales[start:end].tolist(), zeros[start:end].tolist()
            found[place][role] = Format(name, scale, zero) if count else Format(name, scale[0], zero[0])
        except (TypeError, ValueError) as error:
            raise UnsupportedModel(f"has a format of place {place}: {error}") from error
    layers = tuple(LayerFormat(tuple((r, f) for r, f in each.items() if r != _SIGNAL), each.get(_SIGNAL))
                   for each in found)  # fmt: skip
    noise, rounding = _roundings(arrays, places)
    return Quantisation(layers, noise, rounding)


def _roundings(arrays: Arrays, places: int) -> tuple[tuple[float, ...] | None, float | None]:
    if "noise" not in arrays.members:
        return None, None
    noise, rounding = arrays.get("noise", "f", 1), arrays.get("output_rounding", "f", 1)
    numbers = np.concatenate([noise, rounding])
    if len(noise) != places - 1 or len(rounding) != 1 or not np.all(np.isfinite(numbers)) or numbers.min() < 0:
        raise UnsupportedModel(f"has noise {noise.shape} and output_rounding {rounding.shape} of {places} places")
    return tuple(noise.tolist()), float(rounding[0])


def _roles(layer: LayerFormat) -> list[tuple[str, Format]]:
    signal = [] if layer.signal is None else [(_SIGNAL, layer.signal)]
    return [*layer.parameters, *signal]

