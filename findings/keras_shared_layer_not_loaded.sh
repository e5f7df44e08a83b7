#!/usr/bin/env bash
# Keras 3: a Functional model in which a layer is used by itself and inside a Sequential model, too, is saved as .keras,
# and does not load again: the file has the layer twice, and its weights once. The same model as .h5 loads.
# Exits 0 while that is so, and with another status once it no longer is.
set -euo pipefail

# Boilerplate, the same in every script on purpose: each runs alone, in an environment of its own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 torch==2.13.0 numpy==2.4.6 h5py==3.16.0
cd "$folder"
KERAS_BACKEND=torch KERAS_HOME="$folder" venv/bin/python -W ignore - <<'PYTHON'
import io
import sys
import zipfile

import h5py
import keras
import numpy as np
import torch

print(f"keras {keras.__version__}, torch {torch.__version__}, numpy {np.__version__}, python {sys.version.split()[0]}")
dense = keras.layers.Dense(5, name="shared")
inner = keras.Sequential([keras.Input((5,)), dense, keras.layers.ReLU()], name="inner")
x = keras.Input((5,))
model = keras.Model(x, dense(inner(x)))


def load(path):
    model.save(path)
    try:
        return keras.saving.load_model(path, compile=False)
    except ValueError as error:
        return f"ValueError: {str(error).strip().splitlines()[0][:110]}"


archive, legacy = load("model.keras"), load("model.h5")
with zipfile.ZipFile("model.keras") as file:
    config = file.read("config.json").decode()
    with h5py.File(io.BytesIO(file.read("model.weights.h5")), "r") as weights:
        kernels = []
        weights.visititems(lambda name, item: kernels.append(name) if getattr(item, "shape", ()) == (5, 5) else None)
given = np.arange(5, dtype=np.float32)[None]
same = not isinstance(legacy, str) and np.array_equal(
    *(keras.ops.convert_to_numpy(each(given)) for each in (model, legacy))
)
print("weights of the model:", len(model.weights), "- its .keras file holds the kernels", kernels)
print("layers of class Dense in its configuration:", config.count('"class_name": "Dense"'))
print(".keras:", archive if isinstance(archive, str) else "loads")
print(".h5:", legacy if isinstance(legacy, str) else f"loads, and computes the same: {same}")
sys.exit(0 if isinstance(archive, str) and len(kernels) == 1 and same else 1)
PYTHON
