#!/usr/bin/env bash
# Keras 3: a Functional model with a sum of tensors (x + y), or with keras.ops.relu, is saved as .h5 without a complaint
# of it, and does not load again: the file has the operation's class name alone, which is that of a layer, or of none.
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
layers = keras.layers
x = keras.Input((5,))
left, right = layers.Dense(3, activation="relu")(x), layers.Dense(3)(x)
models = {
    "x + y": keras.Model(x, left + right),
    "x + 1": keras.Model(x, left + 1.0),
    "keras.ops.relu(x)": keras.Model(x, keras.ops.relu(right)),
    "layers.Add()([x, y])": keras.Model(x, layers.Add()([left, right])),
}


def loads(path, model):
    model.save(path)
    try:
        again = keras.saving.load_model(path, compile=False)
    except (TypeError, ValueError) as error:
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:90]}"
    given = np.ones((1, 5), dtype=np.float32)
    same = np.array_equal(*(keras.ops.convert_to_numpy(each(given)) for each in (model, again)))
    return "loads, and computes the same" if same else "loads, and computes something else"


found = {}
for what, model in models.items():
    found[what] = [loads(path, model) for path in ("model.keras", "model.h5")]
    with h5py.File("model.h5", "r") as file:
        last = json.loads(file.attrs["model_config"])["config"]["layers"][-1]
    print(f"{what}: .keras {found[what][0]}; .h5 {found[what][1]}; there it is a {last['class_name']}")
good = "loads, and computes the same"
lost = all(archive == good for archive, _ in found.values()) and found.pop("layers.Add()([x, y])")[1] == good
sys.exit(0 if lost and all(not old.startswith("loads") for _, old in found.values()) else 1)
PYTHON
