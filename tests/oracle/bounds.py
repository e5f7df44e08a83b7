# SPDX-License-Identifier: MIT
"""One entry for all bounds: (network, model, domain, method) -> one number per output, after the output
activation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from .failures import Model
from .linear import linear
from .networks import Network
from .reading import Box, Fault, noise_of, nominal_boxes, read, synapse_reach
from .scalar import Scalars, distributions, recursion
from .vector import adjoint, matrix, signed, sup

SCALAR = {"fep": None, "at-most": None, "capped": "range", "modulus": "modulus"}
VECTOR = ("matrix", "signed", "adjoint", "linear")
METHODS = (*SCALAR, *VECTOR, "tightest")


def bound(
    net: Network, model: Model, box: Box | None, method: str = "tightest", *, exactly: bool = False
) -> np.ndarray:
    """Bound on |F_failed - F| of every output; ``exactly`` matters to the scalar bounds and "matrix"."""
    if method == "tightest":
        return np.min([bound(net, model, box, m) for m in ("capped", *VECTOR)], axis=0)
    if method in SCALAR:
        exact = exactly or method == "fep"
        e = np.array([scalar_bound(net, model, box, k, SCALAR[method], exact) for k in range(net.widths[-1])])
    elif method == "matrix":
        e = matrix(net, model, box, exactly=exactly)
    elif method == "adjoint":
        e = adjoint(net, model, box)
    else:
        down, up = signed(net, model, box).output if method == "signed" else linear(net, model, box)
        e = np.maximum(-down, up)
    return after_output(net, e)


def after_output(net: Network, e: Any) -> np.ndarray:
    """min(K_out e, R_out)."""
    return np.minimum(net.output_activation.lipschitz * e, net.output_activation.length)


def scalar_bound(net: Network, model: Model, box: Box | None, k: int, cap: str | None, exactly: bool) -> Any:
    """The scalar recursion for output k, maximised over the distributions of total counts."""
    return max(recursion(s, cap=cap, exactly=exactly) for s in scalars_of(net, model, box, k, exactly))


def scalars_of(
    net: Network, model: Model, box: Box | None, k: int, exactly: bool = False
) -> Iterator[Scalars]:
    """Scalars for output k of every distribution of the total counts over the layers (exactly: those that
    fit)."""
    faults, noise, post = read(net, model, box), noise_of(net, model), nominal_boxes(net, box)[1]
    w = (*net.max_weights[:-1], abs(net.weights[-1][k]).max())
    base = Scalars(net.hidden, w, net.lipschitz, (), net.lengths, tuple(v.max() for v in noise[1:]))
    base = replace(base, omega=tuple(act.modulus for act in net.activations))
    for counts in product(*(_layer_counts(fault) for fault in faults)):
        pairs = list(zip(faults, counts, strict=True))
        hidden = tuple(
            [(c[n], reach_max(f, n)) for f, c in pairs if f.on_neurons and n in c]
            for n in range(1, net.depth + 1)
        )
        if exactly and any(
            sum(count for count, _ in column) > n for column, n in zip(hidden, net.hidden, strict=True)
        ):
            continue
        first = sum((c[0] * reach_max(f, 0) for f, c in pairs if f.on_neurons and c.get(0)), 0)
        synapses = [[] for _ in net.weights]
        for fault, c in pairs:
            for layer in c if not fault.on_neurons else ():
                W = net.weights[layer - 1][[k]] if layer > net.depth else net.weights[layer - 1]
                M = synapse_reach(fault, layer, W, sup(post[layer - 1]))
                may = fault.may[layer][[k]] if layer > net.depth else fault.may[layer]
                if may.any() and c[layer]:
                    synapses[layer - 1].append((min(c[layer], int(may.sum())), M[may].max()))
        yield replace(base, faults=hidden, first=first + noise[0].sum(), synapses=tuple(synapses))


def reach_max(fault: Fault, layer: int) -> Any:
    """Delta_l over the neurons that may fail."""
    return fault.reach(layer)[fault.may[layer]].max()


def _layer_counts(fault: Fault) -> list[dict[int, int]]:
    """{layer: count}: the one of the term, or all that share out its total."""
    layers = sorted(fault.may)
    if not fault.pooled:
        return [{layer: fault.count_at(layer) for layer in layers}]
    room = [int(fault.may[layer].sum()) for layer in layers]
    total = min(fault.term.count, sum(room))
    return [dict(zip(layers, split, strict=True)) for split in distributions(room, total)]
