# SPDX-License-Identifier: MIT
"""Functional models as Keras 2 wrote them, with models in them whose calls are counted from 1; no Keras is needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layers_oracle import evaluate
from withstand.importers import UnsupportedModel, read
from withstand.importers.keras_calls import Node, first_calls
from withstand.importers.keras_parts import Ref

h5py = pytest.importorskip("h5py")

RNG = np.random.default_rng(3)
X = RNG.normal(size=(5, 6, 6, 2))
COMMON = {"trainable": True, "dtype": "float32"}
CONV = {**COMMON, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "data_format": "channels_last",
        "dilation_rate": [1, 1], "activation": "linear", "use_bias": True}  # fmt: skip
NORM = {**COMMON, "axis": [3], "momentum": 0.99, "epsilon": 0.001, "center": True, "scale": True}
WEIGHTS: dict[str, dict[str, np.ndarray]] = {
    "first": {"kernel": RNG.normal(size=(3, 3, 2, 4)), "bias": RNG.normal(size=4)},
    "deep": {"depthwise_kernel": RNG.normal(size=(3, 3, 4, 1)), "bias": RNG.normal(size=4)},
    "norm": {
        **{name: RNG.normal(size=4) for name in ("gamma", "beta", "moving_mean")},
        "moving_variance": RNG.uniform(0.5, 2, size=4),
    },
    "inner": {"kernel": RNG.normal(size=(3, 3, 4, 4)) / 3, "bias": RNG.normal(size=4)},
    "last": {"kernel": RNG.normal(size=(4, 3)), "bias": RNG.normal(size=3)},
}


def layer(kind: str, name: str, config: dict[str, Any], *calls: Any) -> dict[str, Any]:
    """A layer of a Functional model; each call lists (layer, call, tensor)."""
    nodes = [[[*tensor, {}] for tensor in call] for call in calls]
    return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": nodes}


def given(name: str, shape: list[Any]) -> dict[str, Any]:
    return layer("InputLayer", name, {"batch_input_shape": [None, *shape], "dtype": "float32"})


def functional(name: str, layers: list[Any], inputs: list[Any], outputs: list[Any]) -> dict[str, Any]:
    return {"name": name, "layers": layers, "input_layers": inputs, "output_layers": outputs}


def bare(described: dict[str, Any]) -> dict[str, Any]:
    return {key: described[key] for key in ("class_name", "config")}


def model(first: int = 1) -> dict[str, Any]:
    """A residual network: conv, twice a Functional block that holds a Sequential, mean, dense.

    `first` is the number of the first call of the Sequential.
    """
    deep = [given("deep_input", [6, 6, 4]), layer("DepthwiseConv2D", "deep", {**CONV, "depth_multiplier": 1}),
            layer("BatchNormalization", "norm", NORM)]  # fmt: skip
    sequential = {"name": "separated", "layers": [bare(each) for each in deep]}
    block = functional(
        "block",
        [
            given("block_input", [6, 6, 4]),
            layer("Sequential", "separated", sequential, [("block_input", 0, 0)]),
            layer("Conv2D", "inner", {**CONV, "filters": 4, "groups": 1}, [("separated", first, 0)]),
            layer("Add", "add", COMMON, [("inner", 0, 0), ("block_input", 0, 0)]),
            layer(
                "ReLU", "relu", {**COMMON, "max_value": None, "negative_slope": 0.0, "threshold": 0.0}, [("add", 0, 0)]
            ),
        ],
        [["block_input", 0, 0]],
        [["relu", 0, 0]],
    )
    return functional(
        "model",
        [
            given("image", [6, 6, 2]),
            layer("Conv2D", "first", {**CONV, "filters": 4, "activation": "relu"}, [("image", 0, 0)]),
            layer("Functional", "block", block, [("first", 0, 0)], [("block", 1, 0)]),
            layer("GlobalAveragePooling2D", "mean", {**COMMON, "data_format": "channels_last"}, [("block", 2, 0)]),
            layer("Dense", "last", {**COMMON, "units": 3, "activation": "softmax", "use_bias": True}, [("mean", 0, 0)]),
        ],
        [["image", 0, 0]],
        [["last", 0, 0]],
    )


def write(path: Path, described: dict[str, Any]) -> Path:
    """The layout of Keras 2: a model's group has the arrays of all its layers, those that are not trained last."""
    groups: dict[str, list[tuple[str, np.ndarray]]] = {name: [] for name in ("image", "mean")}
    for name in ("first", "last"):
        groups[name] = [(f"{name}/{key}:0", array) for key, array in WEIGHTS[name].items()]
    inside = [(f"{n}/{key}:0", array) for n in ("deep", "norm", "inner") for key, array in WEIGHTS[n].items()]
    groups["block"] = [each for each in inside if "moving" not in each[0]] + [e for e in inside if "moving" in e[0]]
    with h5py.File(path, "w") as file:
        file.attrs["backend"], file.attrs["keras_version"] = "tensorflow", "2.4.0"
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": described})
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = [each["name"].encode() for each in described["layers"]]
        for name, arrays in groups.items():
            group = root.create_group(name)
            group.attrs["weight_names"] = [path.encode() for path, _ in arrays]
            for key, array in arrays:
                group.create_dataset(key, data=array.astype(np.float32))
    return path


def weight(name: str, key: str) -> np.ndarray:
    return WEIGHTS[name][key].astype(np.float32).astype(np.float64)


def around(x: np.ndarray) -> np.ndarray:
    """The 3 x 3 surroundings of every place: (n, 6, 6, 3, 3, channels)."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return np.stack([np.stack([padded[:, u : u + 6, v : v + 6] for v in range(3)], 3) for u in range(3)], 3)


def expected(x: np.ndarray) -> np.ndarray:
    y = np.maximum(np.einsum("nijuvc,uvco->nijo", around(x), weight("first", "kernel")) + weight("first", "bias"), 0)
    for _ in range(2):
        z = np.einsum("nijuvc,uvc->nijc", around(y), weight("deep", "depthwise_kernel")[..., 0]) + weight(
            "deep", "bias"
        )
        z = (z - weight("norm", "moving_mean")) / np.sqrt(weight("norm", "moving_variance") + 0.001)
        z = z * weight("norm", "gamma") + weight("norm", "beta")
        z = np.einsum("nijuvc,uvco->nijo", around(z), weight("inner", "kernel")) + weight("inner", "bias")
        y = np.maximum(z + y, 0)
    return y.mean(axis=(1, 2)) @ weight("last", "kernel") + weight("last", "bias")


@pytest.mark.parametrize("first", [0, 1])
def test_a_model_with_models_in_it(tmp_path: Path, first: int) -> None:
    net = read(write(tmp_path / "old.h5", model(first)))
    assert net.outputs == "logits"
    assert np.abs(evaluate(net, X.reshape(5, -1)) - expected(X)).max() <= 1e-10 * np.abs(expected(X)).max()


def twice(legacy: bool, kind: str, inside: list[int], outside: list[int]) -> Any:
    """Calls of a model that is a layer, as a file has them."""
    nodes = [Node((), {}, legacy)] * 2
    return first_calls("m", kind, nodes, [Ref(("m", n)) for n in inside], [Ref(("m", n)) for n in outside])


def test_numbers_of_calls() -> None:
    assert twice(True, "Functional", [1], [2]) == (1, 1)  # Keras 2
    assert twice(True, "Sequential", [1, 2, 1], []) == (1, 1)
    assert twice(True, "Sequential", [0, 1], []) == (0, 0)  # one that is built late
    assert twice(False, "Functional", [0], [2]) == (0, 1)  # Keras 3
    assert twice(False, "Functional", [1], [1]) == (0, 1)
    assert twice(False, "Functional", [0, 1], [1]) == (0, 1)
    assert twice(False, "Functional", [1, 2], [2]) == (1, 1)
    assert twice(False, "Sequential", [0, 1], [1]) == (0, 0)
    with pytest.raises(
        ValueError, match=r"layer 'm' \(Sequential\): is called 2 times, but its calls \[0, 3\] are read"
    ):
        twice(False, "Sequential", [0], [3])


def renamed(change: Any) -> dict[str, Any]:
    described = model()
    change(described)
    return described


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m["layers"][1]["inbound_nodes"][0][0].__setitem__(0, "mean"), "reads what itself makes"),
        (
            lambda m: m["layers"][1]["inbound_nodes"][0][0].__setitem__(0, "nothing"),
            "reads .'nothing', 0., which it does",
        ),
        (lambda m: m["layers"][1]["inbound_nodes"][0][0].__setitem__(2, 1), "reads .'image', 0., which it does"),
        (lambda m: m["layers"].append(m["layers"][1]), "has two layers of one name"),
        (
            lambda m: m["layers"][1]["config"].update(dilation_rate=0),
            r"\(Conv2D\): has dilation_rate 0",
        ),
        (
            lambda m: m["layers"][1]["config"].update(kernel_size=[3, 2]),
            r"has kernel_size \[3, 2\], but arrays for \[3, 3\]",
        ),
        (lambda m: m["layers"][1]["config"].update(filters=5), r"\(Conv2D\): has filters 5, but arrays for 4"),
        (lambda m: m["layers"][4]["config"].update(units="relu"), r"\(Dense\): has units 'relu', but arrays for 3"),
        (lambda m: m["layers"][1]["config"].update(padding="full"), r"\(Conv2D\): has padding 'full'"),
        (lambda m: m["layers"][1]["config"].update(data_format="other"), r"\(Conv2D\): has data_format 'other'"),
        (
            lambda m: m["layers"][1]["config"].update(spectral=3),
            r"\(Conv2D\): has spectral = 3, which is not supported",
        ),
        (
            lambda m: m["layers"][4]["config"].update(use_bias=False),
            r"\(Dense\): has 2 arrays of weights, supported are 1",
        ),
        (lambda m: m["layers"][4].update(class_name="LSTM"), r"layer 'last' \(LSTM\): is not supported"),
        (lambda m: m["layers"][4].update(module="my.layers"), r"\(Dense\): is not a layer of Keras itself"),
        (lambda m: m["layers"][4].update(registered_name="my>Dense"), r"\(Dense\): is not a layer of Keras itself"),
        (
            lambda m: m["layers"][0]["config"].update(batch_input_shape=[None, None, 6, 2]),
            "supported are inputs of known",
        ),
        (lambda m: m["layers"][0]["config"].update(dtype="uint8"), "casts its inputs to uint8"),
    ],
)
def test_what_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    with pytest.raises(UnsupportedModel, match=rf"old\.h5: .*{message}"):
        read(write(tmp_path / "old.h5", renamed(change)))
