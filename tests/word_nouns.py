# SPDX-License-Identifier: MIT
"""From the oracle's networks of words and failing words to the package's nouns."""

from __future__ import annotations

from typing import Any

import numpy as np
import withstand as ws
from oracle import Activation, formats, words
from oracle.failing_words import Term
from oracle.words import Conv, Layer, Net, Select
from withstand.model.quantisation import LayerFormat, Quantisation


def is_chain(net: Net) -> bool:
    """Whether it is given as matrices, one for each layer."""
    reads = [layer.reads for layer in net.layers]
    matrices = all(len(r) == 1 and r[0][0] == l and isinstance(r[0][1], np.ndarray) for l, r in enumerate(reads))
    return matrices and len(net.inputs) == 1 and all(layer.may_fail and layer.shape == () for layer in net.layers)


def built(net: Net, scales: Any) -> ws.Network:
    """The network as the package has it; of a file, one that knows its formats."""
    if is_chain(net):
        made = ws.Network([layer.reads[0][1] for layer in net.layers], [layer.bias for layer in net.layers],
                          activation=[as_activation(layer.activation) for layer in net.layers[:-1]],
                          output_activation=as_activation(net.layers[-1].activation))  # fmt: skip
    else:
        made = ws.Network(layers=[as_layer(layer) for layer in net.layers], shape=net.inputs)
    return with_formats(made, net) if isinstance(scales, str) else made


def with_formats(made: ws.Network, net: Net) -> ws.Network:
    """As a reader of quantised files does: say which formats the words have."""
    found = [LayerFormat()]
    for layer in net.layers:
        named = []
        for n, (_, kind) in enumerate(layer.reads):
            if words.is_stored(kind) and layer.stored_as is not None:
                name = "weight" if len(layer.reads) == 1 else f"weight_{n}"
                named.append((name, _format(*layer.stored_as)))
        if layer.bias is not None and layer.bias_as is not None:
            named.append(("bias", _format(*layer.bias_as)))
        found.append(LayerFormat(tuple(named)))
    made._quantisation = Quantisation(tuple(found))
    return made


def _format(name: str, scale: float) -> ws.Format:
    return ws.Format(name) if formats.is_float(name) else ws.Format(name, scale)


def as_activation(phi: Activation) -> ws.Activation:
    return ws.Activation(phi.name, phi.gain, phi.slope if phi.name in ("leaky_relu", "elu") else None)


def as_layer(layer: Layer) -> ws.Layer:
    reads = [(source, as_map(kind)) for source, kind in layer.reads]
    return ws.Layer(reads, layer.bias, as_activation(layer.activation), layer.may_fail, layer.shape or None, layer.name)


def as_map(kind: Any) -> Any:
    if isinstance(kind, Conv):
        return ws.Conv(kind.kernel, kind.stride, kind.padding, kind.dilation, kind.groups, kind.channel_axis)
    return ws.Select(kind.index, kind.weight) if isinstance(kind, Select) else kind


def as_failures(term: Term) -> ws.Failures:
    counted: dict[str, Any] = {"counts": term.counts, "exactly": term.exactly, "among": term.among}
    if term.kind == "synapse":
        return ws.SynapseCrash(**counted)
    if term.effect == "flip":
        bits = None if term.bits is None else [b[0] if len(b) == 1 else b for b in term.bits]
        counted |= {"format": term.format, "scale": term.scale, "bits": bits, "to": term.to, "clamp": term.clamp}
        return ws.BitFlip(**counted) if term.kind == "neuron" else ws.WeightFlip(**counted, biases=term.biases)
    if term.kind == "weight":
        return ws.WeightCrash(**counted)
    counted |= {"groups": term.groups, "unit": "channel" if term.channel else "neuron"}
    return ws.Crash(**counted) if term.effect == "crash" else ws.StuckAt(value=term.value, **counted)


def wide(term: Term) -> ws.Failures:
    """The model, or one with values out of an interval that hold the constant."""
    counted = {"counts": term.counts, "exactly": term.exactly, "among": term.among}
    if term.groups is None and not term.channel and term.kind == "neuron" and term.effect in ("crash", "stuck"):
        return ws.Byzantine(capacity=abs(term.value), **counted)
    if term.kind == "synapse":
        return ws.SynapseByzantine(capacity=0.25, convention="replace", **counted)
    return as_failures(term)
