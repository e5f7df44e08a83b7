# SPDX-License-Identifier: MIT
"""Reading an ONNX file into a model whose nodes the walk of `onnx_graph` can take one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .errors import UnsupportedModel
from .layers import Layers

__all__ = ["read_onnx"]


def read_onnx(path: Path) -> Layers:
    """Read a network from an ONNX file.

    Parameters
    ----------
    path : pathlib.Path
        The file; weights in side files next to it ("external data") are read too.

    Returns
    -------
    Layers
        Inputs and outputs flattened in C order without the batch axis, several of them concatenated in graph
        order. Stored numbers are converted to float64 before anything is computed with them.

    Raises
    ------
    ImportError
        If the onnx package is missing.
    UnsupportedModel
        If the file is damaged, or its graph is not a chain of affine stages and supported activations.
    """
    _require_onnx()
    from .onnx_graph import read_graph

    return read_graph(_parse(path))


def _require_onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise ImportError('reading ONNX files needs the onnx package: pip install "withstand[onnx]"') from error
    return onnx


def _parse(path: Path) -> Any:
    onnx = _require_onnx()
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped, unused-ignore]

    if path.stat().st_size == 0:
        raise UnsupportedModel("is an empty file")
    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError as error:
        raise UnsupportedModel("is truncated or not an ONNX file: its protocol buffer does not parse") from error
    # Protocol buffers skip what they do not know, so foreign bytes can parse as a model that holds nothing.
    if not (model.ir_version and model.opset_import and model.graph.node):
        raise UnsupportedModel("is not an ONNX file, or a damaged one: it holds no versioned graph with nodes")
    try:
        onnx.external_data_helper.load_external_data_for_model(model, str(path.parent))
    except (onnx.checker.ValidationError, OSError, ValueError) as error:
        raise UnsupportedModel(f"keeps weights in a side file that cannot be read: {error}") from error
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    return model
