# SPDX-License-Identifier: MIT
"""Makes small files that must be refused: damaged ones, ones that say more than they hold, and unsupported ones."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from typing import Any

import numpy as np
import pytest


def nodes(text: str, shape: tuple[int, ...] = (1, 4), outputs: str = "y", **constants: Any) -> bytes:
    """An ONNX file of 'name: Op[ attribute=value ...] input ... -> output; ...' on an input x."""
    pytest.importorskip("onnxruntime")  # what the models are written with checks them with it
    from onnx import helper
    from onnx_models import model

    parts = []
    for one in text.split(";"):
        name, _, rest = one.strip().partition(": ")
        given, _, made = rest.partition(" -> ")
        op, *words = given.split()
        attributes = {key: json.loads(value) for key, _, value in (w.partition("=") for w in words if "=" in w)}
        inputs = [word for word in words if "=" not in word]
        parts.append(helper.make_node(op, inputs, made.split(), name=name, **attributes))
    proto = model(parts, {"x": shape}, constants, outputs=outputs.split(), dtype=np.float32)
    return bytes(proto.SerializeToString())


def zipped(**entries: Any) -> bytes:
    """A zip archive; `__` in names stands for `/`, and `_DOT_` for a dot."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            text = data if isinstance(data, bytes | str) else json.dumps(data)
            archive.writestr(name.replace("__", "/").replace("_DOT_", "."), text)
    return stream.getvalue()


def npz(**changes: Any) -> bytes:
    """A network of this package with other arrays in it; None takes one out."""
    arrays: dict[str, Any] = {"withstand": np.array(1), "outputs": np.array("values"), "gains": np.ones(2)}
    arrays |= {"activations": np.array(["relu", "identity"]), "slopes": np.full(2, np.nan)}
    arrays |= {"weights_1": np.ones((2, 3)), "biases_1": np.zeros(2), "weights_2": np.ones((1, 2))}
    arrays |= {"biases_2": np.zeros(1)}
    arrays |= changes
    stream = io.BytesIO()
    np.savez(stream, **{key: value for key, value in arrays.items() if value is not None})
    return stream.getvalue()


def graph_npz(**changes: Any) -> bytes:
    """A network of this package whose layers are a graph, with other arrays in it."""
    arrays: dict[str, Any] = {"withstand": np.array(2), "shape": np.array([3]), "outputs": np.array("values")}
    arrays |= {"activations": np.array(["relu", "identity"]), "names": np.array(["a", "b"]), "gains": np.ones(2)}
    arrays |= {"slopes": np.full(2, np.nan), "may_fail": np.array([1, 0]), "sources_1": np.array([0])}
    arrays |= {"maps_1": np.array(["dense"]), "map_1_0": np.ones((2, 3)), "sources_2": np.array([1])}
    arrays |= {"maps_2": np.array(["dense"]), "map_2_0": np.ones((1, 2))}
    stream = io.BytesIO()
    np.savez(stream, **(arrays | changes))
    return stream.getvalue()


def mat(**content: Any) -> bytes:
    """A .mat file of two layers, with other entries in it."""
    scipy = pytest.importorskip("scipy.io")
    arrays: dict[str, Any] = {"W": _cells(np.ones((2, 3)), np.ones((1, 2))), "b": _cells(np.zeros(2), np.zeros(1))}
    stream = io.BytesIO()
    scipy.savemat(stream, arrays | {"act_fcns": ["relu  ", "linear"]} | content)
    return stream.getvalue()


def _cells(*arrays: np.ndarray) -> np.ndarray:
    held = np.empty(len(arrays), dtype=object)
    held[:] = arrays
    return held


def keras(*layers: tuple[str, dict[str, Any]], shape: tuple[int | None, ...] = (None, 4), **entries: Any) -> bytes:
    """A .keras file of a Sequential model whose layers are named after their classes; it holds no weights."""
    config = {"name": "net", "layers": [_layer("InputLayer", {"batch_shape": shape})]}
    config["layers"] += [_layer(kind, options) for kind, options in layers]  # type: ignore[operator]
    parts = {"metadata_DOT_json": {"keras_version": "3.15.1"}, "model_DOT_weights_DOT_h5": hdf5()}
    parts["config_DOT_json"] = {"class_name": "Sequential", "module": "keras", "config": config}
    return zipped(**(parts | entries))


def _layer(kind: str, options: dict[str, Any]) -> dict[str, Any]:
    return {"class_name": kind, "module": "keras.layers", "config": {"name": kind.lower(), **options}}


def hdf5(**attributes: Any) -> bytes:
    """An HDF5 file that holds attributes alone."""
    h5py = pytest.importorskip("h5py")
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.create_group("model_weights")
        for name, value in attributes.items():
            file.attrs[name] = value if isinstance(value, str) else json.dumps(value)
    return stream.getvalue()


def pt2(op: str = "relu.default", node: str = "act", **changes: Any) -> bytes:
    """A .pt2 file of one operator of one input."""
    tensor = {"as_tensor": {"name": "x"}}
    call = {"target": f"torch.ops.aten.{op}", "name": node, "inputs": [{"name": "self", "arg": tensor}]}
    call |= {"outputs": [{"as_tensor": {"name": "y"}}], "metadata": {}}
    output = {"user_output": {"arg": {"as_tensor": {"name": "y"}}}}
    signature = {"input_specs": [{"user_input": {"arg": tensor}}], "output_specs": [output]}
    sizes = changes.pop("sizes", [1, 4])
    graph = {"nodes": [call], "tensor_values": {"x": {"sizes": [{"as_int": size} for size in sizes]}}}
    program: dict[str, Any] = {"schema_version": {"major": 8}, "graph_module": {"graph": graph, "signature": signature}}
    entries = {"net__models__model_DOT_json": program | changes, "net__archive_format": "pt2"}
    return zipped(**entries)


def tflite(kind: str, *constants: Any, shape: tuple[int, ...] = (1, 4), options: str = "", **values: Any) -> bytes:
    """A .tflite file of one operator and a tanh behind it."""
    pytest.importorskip("tflite")
    pytest.importorskip("ai_edge_litert")
    from tflite_models import Writer

    writer = Writer((4,))
    made = writer.add(kind, [writer.input, *map(writer.constant, constants)], shape, options, **values)
    return writer.finish(writer.add("TANH", [made], shape))


def compressed(data: bytes, keep: int | None = None) -> bytes:
    """The data as gzip has it, perhaps its beginning alone."""
    return gzip.compress(data, mtime=0)[:keep]
