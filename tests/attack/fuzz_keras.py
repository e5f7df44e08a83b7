# SPDX-License-Identifier: MIT
"""Mutation fuzzing of Keras files, `.keras` and `.h5`: read in forked children with limits, compared with Keras.

    KERAS_BACKEND=torch python tests/attack/fuzz_keras.py --executions 10000 --seed 1

A violation is what it is for ONNX files; a network that loads must compute what Keras computes of the same file.
"""

from __future__ import annotations

import functools
import io
import json
import os
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path
from random import Random
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")

import h5py
import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from _fuzzing import DOCUMENTED, Tally, in_children, main, watched
from _mutate import mutated_bytes
from withstand.importers import Budget, Graph, UnsupportedModel, load, read
from withstand.importers.check import compare
from withstand.importers.check_graph import compare_graph

BUDGET = Budget(entries=1 << 20, bytes=1 << 27, operations=1 << 29)
_VALUES = (
    0,
    1,
    2,
    -1,
    3.5,
    1000,
    2**31,
    2**62,
    1e300,
    None,
    True,
    "",
    "relu",
    "tanh",
    "softmax",
    "float16",
    [],
    [None, 3],
    {},
)


def seeds(folder: Path) -> list[tuple[str, bytes]]:
    layers = keras.layers
    models = [
        [layers.Dense(4, activation="relu"), layers.Dense(2)],
        [layers.Dense(3, activation="tanh"), layers.BatchNormalization(), layers.Dense(2, activation="softmax")],
        [
            layers.Rescaling(0.5),
            layers.Dense(4),
            layers.LeakyReLU(),
            layers.Dropout(0.5),
            layers.Dense(1, activation="sigmoid"),
        ],
    ]
    files = []
    for model in [*(keras.Sequential([layers.Input((3,)), *stages]) for stages in models), residual()]:
        for suffix in (".keras", ".h5"):
            path = folder / f"seed{suffix}"
            model.save(path)
            files.append((suffix, path.read_bytes()))
    return files


def residual() -> Any:
    """Convolutions, pooling, and a block that reads its input twice."""
    layers = keras.layers
    x = layers.Input((6, 5, 2))
    y = layers.Conv2D(3, 3, padding="same", strides=2, activation="relu")(x)
    z = layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same")(y))
    y = layers.MaxPooling2D(2, strides=1)(layers.ReLU()(layers.Add()([y, z])))
    y = layers.Concatenate()([y, layers.SeparableConv2D(2, 1)(y)])
    return keras.Model(x, layers.Dense(2)(layers.GlobalAveragePooling2D()(layers.ZeroPadding2D(1)(y))))


def attack(path: Path) -> str:
    """Load one damaged file, and compare what loads."""
    try:
        net = load(path, budget=BUDGET)
    except DOCUMENTED as error:
        if str(path) not in str(error):
            raise RuntimeError(f"the message does not name the file: {error}") from error
        raise
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception:  # Keras reads more of a file than its functions, and raises whatever its readers raise
        return "read, and not by Keras"
    try:
        graph = read(path, BUDGET)
        if isinstance(graph, Graph):
            compare_graph(net, graph, model, "keras")
        else:
            compare(net, model, "keras")
    except UnsupportedModel as error:
        raise AssertionError(f"wrong answer: {error}") from error
    return "agrees with Keras"


def damaged(rng: Random, originals: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    """The bytes of one execution: damaged anywhere, or in its configuration alone."""
    suffix, data = rng.choice(originals)
    others = [other for _, other in originals]
    if rng.random() < 0.3:
        return suffix, mutated_bytes(rng, data, others)
    try:
        return suffix, _mutated_hdf5(rng, data) if suffix == ".h5" else _mutated_archive(rng, data)
    except Exception:  # HDF5 does not store every text or shape
        return suffix, mutated_bytes(rng, data, others)


def _mutated_archive(rng: Random, data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(packed, "w") as new:
        chosen = rng.choice(("config.json", "config.json", "config.json", "metadata.json", "model.weights.h5"))
        for name in old.namelist():
            body = old.read(name)
            if name == chosen:
                body = _mutated_json(rng, body) if name.endswith("json") else _mutated_hdf5(rng, body)
            new.writestr(name, body)
    return packed.getvalue()


def _mutated_json(rng: Random, body: bytes) -> bytes:
    if rng.random() < 0.2:
        return mutated_bytes(rng, body, [body])
    thing = json.loads(body)
    for _ in range(rng.choice((1, 1, 2))):
        places: list[tuple[Any, Any]] = []
        _places(thing, places)
        holder, key = rng.choice(places)
        if rng.random() < 0.15:
            del holder[key]
            break
        holder[key] = rng.choice(_VALUES) if rng.random() < 0.7 else rng.choice(places)[0]
        try:
            json.dumps(thing)
        except ValueError:  # it holds itself
            return body[: rng.randrange(len(body))]
    return json.dumps(thing).encode()


def _places(thing: Any, places: list[tuple[Any, Any]]) -> None:
    keys = list(thing) if isinstance(thing, dict) else range(len(thing)) if isinstance(thing, list) else ()
    for key in keys:
        places.append((thing, key))
        _places(thing[key], places)


def _mutated_hdf5(rng: Random, data: bytes) -> bytes:
    file = io.BytesIO(data)
    with h5py.File(file, "r+") as h5:
        if "model_config" in h5.attrs and rng.random() < 0.6:
            h5.attrs["model_config"] = _mutated_json(rng, h5.attrs["model_config"].encode()).decode("latin-1")
            return _closed(h5, file)
        names: list[str] = []
        h5.visit(names.append)
        name = rng.choice(names)
        kind = rng.randrange(5)
        if kind == 0:
            del h5[name]
        elif kind == 1:
            h5[name + "x"] = h5py.SoftLink(rng.choice(("/", "/none", name)))
        elif kind == 2:
            h5[name + "y"] = h5py.ExternalLink("other.h5", "/")
        elif isinstance(h5[name], h5py.Dataset):
            array = np.asarray(h5[name])
            del h5[name]
            shape = (1 << 40,) if rng.random() < 0.3 else rng.choice(((2,), (3, 4), (0,), (4, 3)))
            if rng.random() < 0.5:
                h5.create_dataset(name, shape, "f4", chunks=tuple(max(1, min(size, 16)) for size in shape))
            else:
                h5.create_dataset(name, data=array * rng.choice((-1, 2, np.float32("nan"), np.float32("inf"))))
        return _closed(h5, file)


def _closed(h5: Any, file: io.BytesIO) -> bytes:
    h5.close()
    return file.getvalue()


def run(executions: int, seed: int) -> Tally:
    """Attack so many times, in forked children."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        originals = seeds(Path(name))

        def one(number: int, tally: Tally) -> None:
            suffix, data = damaged(Random(seed << 32 | number), originals)
            path = Path(name) / f"bad{suffix}"
            path.write_bytes(data)
            watched(functools.partial(attack, path), tally, f"seed {seed}, execution {number}")

        in_children(executions, one, tally)
    return tally


if __name__ == "__main__":
    sys.exit(main("fuzz_keras", "Keras", run, 10_000))
