# SPDX-License-Identifier: MIT
"""Exporters: each writes a construct into a file, and tells what stands in it."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from .constructs import Construct

#: A file, and the function that was written: from rows of flat inputs to rows of flat outputs.
Written: TypeAlias = tuple[Path, Callable[[Any], Any]]


def _torch(construct: Construct) -> tuple[Any, Any]:
    import torch

    nn = torch.nn
    torch.manual_seed(0)
    first = nn.Conv2d(3, 3, 1) if len(construct.shape) == 3 else nn.Linear(6, 6)
    part = construct.torch(nn)  # type: ignore[misc]
    x = torch.zeros(1, *construct.shape)
    body = nn.Sequential(first, nn.Tanh(), part).eval()
    size = body(x).numel()
    return (body if construct.end else nn.Sequential(*body, nn.Flatten(), nn.Linear(size, 2))).eval(), x


def _run(module: Any, shape: tuple[int, ...]) -> Callable[[Any], Any]:
    import torch

    def function(rows: Any) -> Any:
        with torch.no_grad():
            return module(torch.tensor(rows.reshape(-1, *shape), dtype=torch.float32)).reshape(len(rows), -1).numpy()

    return function


def torch_script(construct: Construct, folder: Path) -> Written:
    """torch.onnx.export, dynamo=False."""
    import torch

    module, x = _torch(construct)
    torch.onnx.export(module, (x,), folder / "net.onnx", dynamo=False)
    return folder / "net.onnx", _run(module, construct.shape)


def torch_dynamo(construct: Construct, folder: Path) -> Written:
    """torch.onnx.export as it is by default."""
    import onnxscript  # noqa: F401 - what it needs, said before anything is exported
    import torch

    module, x = _torch(construct)
    torch.onnx.export(module, (x,), folder / "net.onnx", dynamo=True, verbose=False)
    return folder / "net.onnx", _run(module, construct.shape)


def torch_program(construct: Construct, folder: Path) -> Written:
    """torch.export.save."""
    import torch

    module, x = _torch(construct)
    torch.export.save(torch.export.export(module, (x,)), folder / "net.pt2")
    return folder / "net.pt2", _run(module, construct.shape)


def _keras(construct: Construct) -> Any:
    import keras

    layers = keras.layers
    keras.backend.clear_session()  # names are counted from 1 again
    keras.utils.set_random_seed(0)
    shape = (*construct.shape[1:], construct.shape[0]) if len(construct.shape) == 3 else construct.shape
    x = keras.Input(shape)
    y = layers.Conv2D(3, 1, activation="tanh")(x) if len(shape) == 3 else layers.Dense(6, activation="tanh")(x)
    y = construct.keras(layers)(y)  # type: ignore[misc]
    return keras.Model(x, y if construct.end else layers.Dense(2)(layers.Flatten()(y)))


def _predict(model: Any) -> Callable[[Any], Any]:
    shape = model.input_shape[1:]
    return lambda rows: model.predict(rows.reshape(-1, *shape), verbose=0).reshape(len(rows), -1)


def keras_file(construct: Construct, folder: Path) -> Written:
    """model.save("net.keras")."""
    model = _keras(construct)
    model.save(folder / "net.keras")
    return folder / "net.keras", _predict(model)


def keras_h5(construct: Construct, folder: Path) -> Written:
    """model.save("net.h5")."""
    model = _keras(construct)
    model.save(folder / "net.h5")
    return folder / "net.h5", _predict(model)


def lite(construct: Construct, folder: Path) -> Written:
    """tf.lite.TFLiteConverter.from_keras_model; Keras must run on TensorFlow."""
    import tensorflow as tf

    model = _keras(construct)
    (folder / "net.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    return folder / "net.tflite", _predict(model)


#: By name: what writes a file, and the packages whose versions matter.
EXPORTERS: dict[str, tuple[Callable[[Construct, Path], Written], str, tuple[str, ...]]] = {
    "torch.onnx.export(dynamo=False)": (torch_script, "torch", ("torch", "onnx")),
    "torch.onnx.export()": (torch_dynamo, "torch", ("torch", "onnx", "onnxscript")),
    "torch.export.save": (torch_program, "torch", ("torch",)),
    "Keras .keras": (keras_file, "keras", ("keras",)),
    "Keras .h5": (keras_h5, "keras", ("keras",)),
    "TFLiteConverter": (lite, "keras", ("tensorflow", "tflite")),
}


def sklearn_models() -> dict[str, Any]:
    """Fitted models of scikit-learn by what is new in each."""
    from sklearn import neural_network, pipeline, preprocessing

    x = np.random.default_rng(0).normal(size=(40, 4))
    regressor = neural_network.MLPRegressor(hidden_layer_sizes=(5,), max_iter=9)
    classifier = neural_network.MLPClassifier(hidden_layer_sizes=(5,), activation="tanh", max_iter=9)
    steps = {"StandardScaler": preprocessing.StandardScaler(), "MinMaxScaler": preprocessing.MinMaxScaler()}
    steps |= {"MinMaxScaler(clip=True)": preprocessing.MinMaxScaler(clip=True)}
    steps |= {"MaxAbsScaler": preprocessing.MaxAbsScaler(), "RobustScaler": preprocessing.RobustScaler()}
    models = {"MLPRegressor": (regressor, x[:, 0]), "two outputs": (regressor, x[:, :2])}
    models |= {
        "two classes": (classifier, x[:, 0] > 0),
        "three classes": (classifier, np.digitize(x[:, 0], [-0.5, 0.5])),
    }
    models |= {name: (pipeline.make_pipeline(step, regressor), x[:, 0]) for name, step in steps.items()}
    from sklearn.base import clone

    return {name: clone(model).fit(x, y) for name, (model, y) in models.items()}


def sklearn_onnx(model: Any, folder: Path) -> Written:
    """skl2onnx.to_onnx, without the ZipMap of classifiers."""
    from skl2onnx import to_onnx

    classifies = hasattr(model, "predict_proba")
    proto = to_onnx(model, np.zeros((1, 4), np.float32), options={"zipmap": False} if classifies else None)
    (folder / "net.onnx").write_bytes(proto.SerializeToString())
    run = model.predict_proba if classifies else model.predict
    return folder / "net.onnx", lambda rows: run(rows).reshape(len(rows), -1)


def contents(path: Path) -> tuple[str, str]:
    """Return the versions that a file declares, and its operators or layers in order, repeated ones once."""
    if path.suffix == ".onnx":
        import onnx

        model = onnx.load(path, load_external_data=False)
        sets = ", ".join(f"{entry.domain or 'ai.onnx'} {entry.version}" for entry in model.opset_import)
        beside = ", weights in a file beside it" if any(path.parent.glob("*.data")) else ""
        return f"IR {model.ir_version}, {sets}{beside}", _counted(node.op_type for node in model.graph.node)
    if path.suffix == ".pt2":
        with zipfile.ZipFile(path) as archive:
            (name,) = (n for n in archive.namelist() if "/models/" in n and n.endswith(".json"))
            program = json.loads(archive.read(name))
        major, minor = (program["schema_version"][key] for key in ("major", "minor"))
        calls = program["graph_module"]["graph"]["nodes"]
        return f"schema {major}.{minor}", _counted(c["target"].removeprefix("torch.ops.") for c in calls)
    if path.suffix == ".tflite":
        import tflite

        model = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
        names = {value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}
        graph, codes = model.Subgraphs(0), [model.OperatorCodes(n) for n in range(model.OperatorCodesLength())]
        used = [codes[graph.Operators(n).OpcodeIndex()] for n in range(graph.OperatorsLength())]
        return f"version {model.Version()}", _counted(f"{names[c.BuiltinCode()]} {c.Version()}" for c in used)
    return _keras_contents(path)


def _keras_contents(path: Path) -> tuple[str, str]:
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            written = json.loads(archive.read("metadata.json"))["keras_version"]
    else:
        import h5py

        with h5py.File(path) as file:
            config, written = json.loads(file.attrs["model_config"]), file.attrs["keras_version"]
    layers = [layer["class_name"] + _activation(layer["config"]) for layer in config["config"]["layers"]]
    return f"keras {written}", _counted(layers)


def _activation(config: dict[str, Any]) -> str:
    kind = config.get("activation", "linear")
    return "" if kind == "linear" else f"({kind})"


def _counted(names: Any) -> str:
    return ", ".join(name if n == 1 else f"{n} {name}" for name, n in Counter(names).items())


def versions(packages: tuple[str, ...]) -> str:
    """Return the versions of packages, as they are installed."""
    return ", ".join(f"{package} {version(package)}" for package in packages)
