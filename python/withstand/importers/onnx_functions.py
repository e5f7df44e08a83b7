# SPDX-License-Identifier: MIT
"""Local functions of an ONNX model, unfolded where they are called: counted first, since calls multiply."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import onnx
import onnx.inliner

from .budget import Account
from .errors import UnsupportedModel

__all__ = ["unfold"]

_Key: TypeAlias = tuple[str, str, str]


def unfold(model: onnx.ModelProto, account: Account) -> onnx.ModelProto:
    """Return the model without local functions.

    Raises
    ------
    UnsupportedModel
        If a function calls itself, redefines a standard operator, or if what all calls unfold to exceeds the
        budget.
    """
    functions: dict[_Key, onnx.FunctionProto] = {}
    for function in model.functions:
        key = (function.domain, function.name, getattr(function, "overload", ""))
        if function.domain in ("", "ai.onnx"):
            raise UnsupportedModel(f"defines the function '{function.name}' in the domain of the standard operators")
        if key in functions:
            raise UnsupportedModel(f"defines the function '{function.name}' of '{function.domain}' twice")
        functions[key] = function
    try:
        nodes, size = _unfolded(model.graph.node, functions, {}, ())
        if nodes > account.budget.nodes:
            raise ValueError(f"unfolds to {nodes} nodes, at most {account.budget.nodes} are handled")
        if not functions:
            return model
        account.store(size)
    except ValueError as error:
        raise UnsupportedModel(f"the graph {error}") from error
    try:
        return onnx.inliner.inline_local_functions(_with_defaults(model, functions))
    except Exception as error:  # the inliner has no exception type of its own
        raise UnsupportedModel(f"its local functions cannot be unfolded: {error}") from error


def _with_defaults(model: onnx.ModelProto, functions: dict[_Key, onnx.FunctionProto]) -> onnx.ModelProto:
    """Return the model with every attribute that a call leaves to its function's default written into the call.

    The inliner forgets these defaults (onnx 1.23): the attribute then has that of the operator inside.
    """
    if not any(function.attribute_proto for function in functions.values()):
        return model
    written = onnx.ModelProto()
    written.CopyFrom(model)
    for nodes in (written.graph.node, *(function.node for function in written.functions)):
        for node in _with_subgraphs(nodes):
            called = functions.get((node.domain, node.op_type, getattr(node, "overload", "")))
            given = {attribute.name for attribute in node.attribute}
            if called is not None:
                node.attribute.extend(default for default in called.attribute_proto if default.name not in given)
    return written


def _unfolded(
    nodes: Iterator[onnx.NodeProto],
    functions: dict[_Key, onnx.FunctionProto],
    known: dict[_Key, tuple[int, int]],
    open_calls: tuple[_Key, ...],
) -> tuple[int, int]:
    """Return how many nodes these are, and how many bytes, with every call in place of which its body stands."""
    count = size = 0
    for node in _with_subgraphs(nodes):
        count, size = count + 1, size + node.ByteSize()
        key = (node.domain, node.op_type, getattr(node, "overload", ""))
        if key not in functions:
            continue
        if key in open_calls:
            raise ValueError(f"calls the function '{node.op_type}' from itself")
        if len(open_calls) >= _DEPTH:
            raise ValueError(f"calls functions from one another more than {_DEPTH} deep, down to '{node.op_type}'")
        if key not in known:
            known[key] = _unfolded(functions[key].node, functions, known, (*open_calls, key))
        count, size = count + known[key][0], size + known[key][1]
    return count, size


_DEPTH = 50


def _with_subgraphs(nodes: Iterator[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else ())):
                yield from _with_subgraphs(graph.node)
