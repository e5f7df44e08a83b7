# SPDX-License-Identifier: MIT
"""Weights that an ONNX file keeps in side files: which may be read, and how much."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import onnx
from onnx.external_data_helper import load_external_data_for_tensor

from .budget import Account
from .errors import UnsupportedModel
from .regular import check_regular

__all__ = ["load_external"]


def load_external(model: onnx.ModelProto, folder: Path, account: Account) -> None:
    """Read the weights that lie in side files in `folder` or below, after charging them.

    Raises
    ------
    UnsupportedModel
        If a side file is missing, lies elsewhere, is no regular file, or is shorter than what is to be read of it;
        and if all that is to be read exceeds the budget.
    """
    seen: set[str] = set()
    for tensor in _tensors(model):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        try:
            _charge(tensor, folder, account, seen)
            load_external_data_for_tensor(tensor, str(folder))
        except (onnx.checker.ValidationError, OSError, RuntimeError, TypeError, ValueError) as error:
            where = f"'{tensor.name}'"
            raise UnsupportedModel(f"keeps {where} in a side file that cannot be read: {error}") from error
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]


def _charge(tensor: onnx.TensorProto, folder: Path, account: Account, seen: set[str]) -> None:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    if not location:
        raise ValueError("no side file is named")
    path = folder / location
    if Path(location).is_absolute() or not path.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"'{location}' lies outside the folder of the model")
    check_regular(path)
    size = os.stat(path).st_size
    offset, length = int(entries.get("offset", 0)), int(entries.get("length", size))
    if "length" not in entries:
        length = size - offset
    if offset < 0 or length < 0 or offset + length > size:
        raise ValueError(f"'{location}' has {size} bytes, {length} from {offset} on are needed")
    if location not in seen:
        seen.add(location)
        account.hold(size)
    account.store(length)


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    yield from _of_graph(model.graph)
    for function in model.functions:
        for node in function.node:
            yield from _of_node(node)


def _of_graph(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        yield from _of_node(node)


def _of_node(node: onnx.NodeProto) -> Iterator[onnx.TensorProto]:
    for attribute in node.attribute:
        if attribute.HasField("t"):
            yield attribute.t
        yield from attribute.tensors
        for graph in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else ())):
            yield from _of_graph(graph)
