# SPDX-License-Identifier: MIT
"""Reading an ONNX file into a model whose nodes the walk of `onnx_graph` can take one by one."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path
from typing import Any, Final

from .budget import Account
from .errors import UnsupportedModel
from .graph import Graph
from .layers import Layers
from .regular import open_regular

__all__ = ["read_onnx"]

#: Bytes that are unpacked at once.
_PART: Final = 1 << 20


def read_onnx(path: Path, account: Account | None = None) -> Layers | Graph:
    """Read a network from an ONNX file.

    Parameters
    ----------
    path : pathlib.Path
        The file, compressed if its name ends in .gz; weights in side files next to it ("external data") are read too.
    account : Account, optional
        What reading may compute.

    Returns
    -------
    Layers or Graph
        Inputs and outputs flattened in C order without the batch axis, several of them concatenated in graph
        order. Stored numbers are converted to float64 before anything is computed with them.

    Raises
    ------
    ImportError
        If the onnx package is missing.
    UnsupportedModel
        If the file is damaged, its graph is not one of linear stages and supported activations, or reading it
        exceeds the budget.
    """
    _require_onnx()
    from .onnx_graph import read_graph

    account = account or Account()
    return read_graph(_parse(path, account), account)


def _require_onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise ImportError('reading ONNX files needs the onnx package: pip install "withstand[onnx]"') from error
    return onnx


def _parse(path: Path, account: Account) -> Any:
    onnx = _require_onnx()
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped, unused-ignore]

    from .onnx_external import load_external
    from .onnx_functions import unfold
    from .onnx_weights import apart

    data = _content(path, account)
    if not data:
        raise UnsupportedModel("is an empty file")
    try:
        model = onnx.ModelProto.FromString(data)
    except DecodeError as error:
        raise UnsupportedModel("is truncated or not an ONNX file: its protocol buffer does not parse") from error
    # Protocol buffers skip what they do not know, so foreign bytes can parse as a model that holds nothing.
    if not (model.ir_version and model.opset_import and model.graph.node):
        raise UnsupportedModel("is not an ONNX file, or a damaged one: it holds no versioned graph with nodes")
    del data  # as large as the weights
    load_external(model, path.parent, account)
    return apart(unfold(model, account))


def _content(path: Path, account: Account) -> bytes:
    """Return the bytes of a file, unpacked where it is compressed; what it unpacks to is charged as it comes."""
    with open_regular(path) as file:
        account.hold(os.fstat(file.fileno()).st_size)
        if path.suffix.lower() != ".gz":
            return file.read()
        parts = []
        try:
            with gzip.open(file) as unpacked:
                while part := unpacked.read(_PART):
                    account.store(len(part))
                    parts.append(part)
        except (EOFError, OSError, zlib.error) as error:
            raise UnsupportedModel(f"is truncated or no gzip file: {error}") from error
    return b"".join(parts)
