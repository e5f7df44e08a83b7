# SPDX-License-Identifier: MIT
"""Sums of forms, and tensors joined along an axis."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from .form import Form, Index, Term

__all__ = ["join", "total"]


def total(forms: Iterable[Form]) -> Form:
    """Return the sum of tensors, broadcast."""
    given = list(forms)
    if len(given) == 1:
        return given[0]
    shape = np.broadcast_shapes(*(form.shape for form in given))
    first, *others = (form.broadcast(shape) for form in given)
    for other in others:
        first.account.array(first.size, copies=2)
        shift = first.shift if other.shift is None else other.shift
        if first.shift is not None and other.shift is not None:
            shift = first.shift + other.shift
        first = replace(first, terms=_merged((*first.terms, *other.terms), first), shift=shift)
    return first


def join(forms: list[Form], axis: int) -> Form:
    """Return tensors joined along an axis, each of them spread over the result and all added."""
    parts = [form.positions() for form in forms]
    counts = [part.shape[axis] for part in parts]
    whole = np.concatenate(parts, axis)
    ends = np.cumsum([0, *counts])
    spread = []
    for form, part, start, end in zip(forms, parts, ends, ends[1:]):
        form.account.array(int(whole.size))
        index = np.full(whole.shape, -1, dtype=np.int32)
        np.moveaxis(index, axis, 0)[start:end] = np.moveaxis(part, axis, 0)
        spread.append(form.take(index))
    return total(spread)


def _merged(terms: Iterable[Term], form: Form) -> tuple[Term, ...]:
    kept: list[Term] = []
    for term in terms:
        for place, other in enumerate(kept):
            one = _one(other, term, form)
            if one is not None:
                kept[place] = one
                break
        else:
            kept.append(term)
    read = [term for term in kept if term.index is None or term.index.max() >= 0]
    return tuple(read or kept[:1])


def _one(a: Term, b: Term, form: Form) -> Term | None:
    """Return two terms as one, where they read one layer and that is what a file's own arithmetic makes of them."""
    if a.source != b.source:
        return None
    if a.map is b.map:
        if _equal(a.index, b.index):
            ones = np.ones(form.shape)
            return replace(a, scale=(ones if a.scale is None else a.scale) + (ones if b.scale is None else b.scale))
        if _apart(a, b):
            return _side_by_side(a, b)
    if not (isinstance(a.map, np.ndarray) and isinstance(b.map, np.ndarray)):
        return None
    rows, columns = form.size, a.map.shape[1]
    if _apart(a, b):
        form.account.matrix(len(a.map) + len(b.map), columns)
        shifted = np.where(b.index < 0, -1, b.index + len(a.map))  # type: ignore[operator]
        both = np.concatenate([a.map, b.map])
        return _side_by_side(replace(a, map=both), replace(b, map=both, index=shifted))
    form.account.matrix(rows, columns, copies=3)
    return Term(a.source, a.rows() + b.rows())


def _equal(a: Index | None, b: Index | None) -> bool:
    return a is b or (a is not None and b is not None and np.array_equal(a, b))


def _apart(a: Term, b: Term) -> bool:
    first, second = a.reaches, b.reaches
    return first is not None and second is not None and not np.any(first & second)


def _side_by_side(a: Term, b: Term) -> Term:
    """Two terms of one map that contribute to different entries."""
    assert a.index is not None and b.index is not None
    scale = None
    if a.scale is not None or b.scale is not None:
        first, second = (1.0 if t.scale is None else t.scale for t in (a, b))
        scale = np.where(b.index >= 0, second, first)
    return replace(a, index=np.where(b.index >= 0, b.index, a.index), scale=scale)
