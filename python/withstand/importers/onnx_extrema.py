# SPDX-License-Identifier: MIT
"""ONNX operators that clip the inputs, or take the larger of computed tensors: layers that may not fail."""

from __future__ import annotations

from functools import reduce

import numpy as np

from .form import Form
from .graph import GraphBuilder
from .onnx_activations import CLIPS, clip_limits
from .onnx_node import Node, Value, constant

__all__ = ["EXTREMA", "extremum"]

EXTREMA = frozenset({"Clip", "Max", "Min"})


def extremum(node: Node, values: list[Value], builder: GraphBuilder) -> Form | None:
    """Return what a Clip, Max or Min makes, or None where it is an activation or nothing at all.

    A maximum with 0 of what weights have made is a relu; with another constant it is refused.
    """
    forms = [value for value in values if isinstance(value, Form)]
    others = [constant(value) for value in values if not isinstance(value, Form)] if node.op != "Clip" else []
    if node.op == "Clip":
        limits = clip_limits(node, values)
        if limits in CLIPS or limits == (-np.inf, np.inf) or not builder.is_input(forms[0]):
            return None
        return builder.clip_input(forms[0], *limits, name=node.name)
    if len(forms) > 1:
        choose = builder.maximum if node.op == "Max" else builder.minimum
        form = reduce(lambda a, b: choose(a, b, node.name), forms)
    else:
        form = forms[0]
    if not others:
        return form
    limit = reduce(np.maximum if node.op == "Max" else np.minimum, others)
    if builder.is_input(form):
        wide = form.broadcast(np.broadcast_shapes(form.shape, limit.shape))
        low, high = (limit, np.inf) if node.op == "Max" else (-np.inf, limit)
        return builder.clip_input(wide, low, high, node.name)
    if node.op == "Max" and len(forms) == 1 and not np.any(limit):
        return None
    raise ValueError(
        f"takes the {'largest' if node.op == 'Max' else 'smallest'} of a constant and a computed tensor, supported "
        "are max(x, 0), and any constant where x is the inputs"
    )
