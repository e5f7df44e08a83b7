#!/usr/bin/env bash
# Keras 3 reads a Sequential .h5 file in the layout of Keras 2.2
# (no InputLayer, its first layer names the batch_input_shape) with an axis too many.
# Exits 0 while that is so, and with another status once it no longer is.
set -euo pipefail

# Boilerplate, the same in every script on purpose: each runs alone, in an environment of its own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 torch==2.13.0 numpy==2.4.6 h5py==3.16.0
cd "$folder"
KERAS_BACKEND=torch KERAS_HOME="$folder" venv/bin/python -W ignore - <<'PYTHON'
import json
import sys

import h5py
import keras
import numpy as np
import torch

print(f"keras {keras.__version__}, torch {torch.__version__}, numpy {np.__version__}, python {sys.version.split()[0]}")
kernel, bias = np.arange(12, dtype=np.float32).reshape(3, 4), np.zeros(4, dtype=np.float32)
dense = {"name": "dense_1", "trainable": True, "dtype": "float32", "units": 4, "activation": "linear", "use_bias": True}
with_input = {"name": "input", "batch_input_shape": [None, 3], "dtype": "float32", "sparse": False}


def write(path, *layers):
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = "2.2.4", "tensorflow"
        described = [{"class_name": kind, "config": config} for kind, config in layers]
        model = {"class_name": "Sequential", "config": {"name": "sequential_1", "layers": described}}
        file.attrs["model_config"] = json.dumps(model)
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = [config["name"].encode() for _, config in layers]
        for _, config in layers:
            root.create_group(config["name"]).attrs["weight_names"] = []
        root["dense_1"].attrs["weight_names"] = [b"dense_1/kernel:0", b"dense_1/bias:0"]
        root["dense_1"].create_dataset("dense_1/kernel:0", data=kernel)
        root["dense_1"].create_dataset("dense_1/bias:0", data=bias)
    return keras.saving.load_model(path, compile=False).input_shape


first = write("first.h5", ("Dense", {**dense, "batch_input_shape": [None, 3]}))
explicit = write("explicit.h5", ("InputLayer", with_input), ("Dense", dense))
print("batch_input_shape [null, 3] of the first layer is read as the input shape", first)
print("batch_input_shape [null, 3] of an InputLayer is read as the input shape", explicit)
sys.exit(0 if (first, explicit) == ((None, None, 3), (None, 3)) else 1)
PYTHON
