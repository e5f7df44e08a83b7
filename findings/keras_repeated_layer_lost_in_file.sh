#!/usr/bin/env bash
# Keras: a Sequential model in which a layer stands twice runs it twice, but its .keras file has it once, and loads as
# another network.
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
import zipfile

import keras
import numpy as np
import torch

print(f"keras {keras.__version__}, torch {torch.__version__}, numpy {np.__version__}, python {sys.version.split()[0]}")
keras.utils.set_random_seed(0)
dense = keras.layers.Dense(3)
model = keras.Sequential([keras.Input((3,)), dense, keras.layers.ReLU(), dense])
model.save("model.keras")
again = keras.saving.load_model("model.keras")
x = np.array([[1.0, -2.0, 0.5]], dtype=np.float32)
before, after = (keras.ops.convert_to_numpy(m(x)) for m in (model, again))
kernel, bias = dense.get_weights()
twice = np.maximum(x @ kernel + bias, 0) @ kernel + bias
config = json.loads(zipfile.ZipFile("model.keras").read("config.json"))["config"]
stored = [layer["class_name"] for layer in config["layers"]]
print("layers of the model:", [type(layer).__name__ for layer in model.layers], "of its file:", stored)
print("the model computes", before, "which is dense(relu(dense(x))):", twice)
print("the loaded model computes", after)
lost = np.allclose(before, twice, atol=1e-6) and not np.allclose(after, twice, atol=1e-3) and stored.count("Dense") == 1
sys.exit(0 if lost else 1)
PYTHON
