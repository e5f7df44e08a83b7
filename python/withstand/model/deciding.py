# SPDX-License-Identifier: MIT
"""Decisions of every kind as the core knows one of: the class is the largest of several outputs.

The smallest output is the largest of a network with negated outputs; a single output decides against a second one that
nothing reaches. Every question takes its network through `decided`, and finds components under the names they had.
"""

from __future__ import annotations

import numpy as np

from withstand._types import Component, FloatArray
from withstand.model.graph import Layer, bias_of
from withstand.model.maps import Conv, Map, Select
from withstand.model.network import Network
from withstand.model.spec import Argmax, Spec, asks_decisions

#: phi(-s) = constant - phi(s): outputs that are negated before the activation are so behind it, in all differences.
_ODD = ("identity", "logistic", "tanh", "hard_tanh", "clip", "softsign")


def decided(net: Network, spec: Spec) -> tuple[Network, Spec]:
    """Return a network whose class by plain `Argmax()` is what `spec` asks for, and the spec to go on with.

    Raises
    ------
    TypeError
        If `spec` is neither None nor `Argmax()`.
    ValueError
        If the outputs' activation is not odd about its centre, where they are to be negated or compared with it.
    """
    if not asks_decisions(spec) or net._judged is not None:
        return net, spec
    assert spec is not None
    alone = net.widths[-1] == 1
    if not spec.lowest and not alone:
        return net, spec
    phi = net.output_activation.name
    if phi not in _ODD:
        asked = "Argmax(lowest=True)" if spec.lowest else "Argmax() of one output"
        raise ValueError(f"{asked} takes outputs behind {', '.join(_ODD)}; those of this network are behind {phi}")
    judged = _rewritten(net, -1.0 if spec.lowest else 1.0, alone)
    judged._judged = (spec.lowest, alone)
    return judged, Argmax()


def class_of(net: Network, outputs: FloatArray, lowest: bool) -> FloatArray:
    """Return the class that each row of outputs stands for, by the rule of `Argmax(lowest)`."""
    if outputs.shape[-1] > 1:
        return np.asarray((-outputs if lowest else outputs).argmax(axis=-1))
    middle = float(net.output_activation(np.zeros(1))[0])
    above = outputs[..., 0] <= middle if lowest else outputs[..., 0] >= middle
    return np.asarray(above.astype(np.int64))


def real_synapses(net: Network) -> tuple[Component, ...] | None:
    """Return the synapses of a network that was given a second output; None of any other: all are real."""
    if net._judged is None or not net._judged[1]:
        return None
    if net.is_graph:
        raise ValueError("decisions of one output of a graph: name the synapses that may fail with among")
    sizes = net.widths[:-1]
    hidden = [(l, to, i) for l in range(1, len(sizes)) for to in range(sizes[l]) for i in range(sizes[l - 1])]
    return (*hidden, *((len(sizes), 0, i) for i in range(sizes[-1])))


def _rewritten(net: Network, sign: float, alone: bool) -> Network:
    """The network with outputs times `sign`, and a second output that only hears 0 where there is one alone."""
    if net.is_graph:
        layout = net._described()
        *hidden, last = layout.given
        reads = [(source, _read(kind, layout.shapes[source], sign, alone)) for source, kind in last.reads]
        bias = sign * bias_of(last, layout.shapes[-1])
        shape = (2,) if alone else layout.shapes[-1]
        bias = np.append(bias, 0.0) if alone else bias
        outputs = Layer(reads, bias, last.activation, last.may_fail, shape=shape, name=last.name)
        made = Network(layers=[*hidden, outputs], shape=layout.shapes[0])
    else:
        weight, bias = sign * net.weights[-1], sign * net.biases[-1]
        if alone:
            weight, bias = np.vstack([weight, np.zeros_like(weight)]), np.append(bias, 0.0)
        made = Network(
            [*net.weights[:-1], weight],
            [*net.biases[:-1], bias],
            activation=list(net.activations),
            output_activation=net.output_activation,
        )
    made._outputs, made._box, made._names, made._quantisation = net._outputs, net._box, net._names, net._quantisation
    return made


def _read(kind: Map, source: tuple[int, ...], sign: float, alone: bool) -> Map:
    if isinstance(kind, Conv):
        kernel = sign * kind.kernel
        kernel = np.concatenate([kernel, np.zeros_like(kernel)]) if alone else kernel
        return Conv(kernel, kind.stride, kind.padding, kind.dilation, kind.groups, kind.channel_axis)
    if isinstance(kind, np.ndarray):
        return np.vstack([sign * kind, np.zeros_like(kind)]) if alone else sign * kind
    index = np.arange(int(np.prod(source))) if kind is None else kind.index
    weight = np.ones(index.shape) if kind is None or kind.weight is None else kind.weight
    if alone:
        index, weight = np.append(index.reshape(-1), -1), np.append(weight.reshape(-1), 1.0)
    return Select(index, sign * weight)
