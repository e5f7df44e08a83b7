# SPDX-License-Identifier: MIT
"""A checksum of everything that a network computes with."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from withstand.model.maps import Conv, Map, Select

if TYPE_CHECKING:
    from withstand.model.facts import Facts


def fingerprint(net: Facts) -> str:
    """Return the SHA-256 of a network's layers and of all their numbers."""
    if net._arrays is not None:
        phis = [(a.name, a.gain, a.slope) for a in (*net.activations, net.output_activation)]
        digest = hashlib.sha256(json.dumps([net.widths, phis]).encode())
        for array in (*net.weights, *net.biases):
            digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
        return digest.hexdigest()
    layout = net._described()
    digest = hashlib.sha256(json.dumps([layout.shapes, [layer.may_fail for layer in layout.given]]).encode())
    for layer in layout.given:
        phi = layer.activation
        reads = [[source, _told(kind)] for source, kind in layer.reads]
        digest.update(json.dumps([phi.name, phi.gain, phi.slope, reads]).encode())
        for array in (*(part for _, kind in layer.reads for part in _numbers(kind)), layer.bias):
            digest.update(b"" if array is None else np.ascontiguousarray(array, dtype="<f8").tobytes())
    return digest.hexdigest()


def _told(kind: Map) -> Any:
    if isinstance(kind, Conv):
        return [kind.kernel.shape, kind.stride, kind.padding, kind.dilation, kind.groups, kind.channel_axis]
    if isinstance(kind, Select):
        return ["select", kind.index.shape]
    return None if kind is None else kind.shape


def _numbers(kind: Map) -> tuple[Any, ...]:
    if isinstance(kind, Conv):
        return (kind.kernel,)
    if isinstance(kind, Select):
        return (kind.index,) if kind.weight is None else (kind.index, kind.weight)
    return () if kind is None else (kind,)
