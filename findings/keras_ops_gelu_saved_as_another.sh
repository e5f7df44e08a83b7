#!/usr/bin/env bash
# Keras 3: a layer with the activation keras.ops.gelu computes its tanh form; saved and loaded, the layer has the exact
# one, since files have the name alone, which keras.activations.gelu shares with another default.
# Exits 0 while that is so, and with another status once it no longer is.
set -euo pipefail

# Boilerplate, the same in every script on purpose: each runs alone, in an environment of its own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 torch==2.13.0 numpy==2.4.6 h5py==3.16.0
cd "$folder"
KERAS_BACKEND=torch KERAS_HOME="$folder" venv/bin/python -W ignore - <<'PYTHON'
import math
import sys

import keras
import numpy as np
import torch

print(f"keras {keras.__version__}, torch {torch.__version__}, numpy {np.__version__}, python {sys.version.split()[0]}")
model = keras.Sequential([keras.Input((1,)), keras.layers.Activation(keras.ops.gelu)])
x = np.float32([[-2.0]])
values = [float(model(x)[0, 0])]
for path in ("model.keras", "model.h5"):
    model.save(path)
    values.append(float(keras.saving.load_model(path, compile=False)(x)[0, 0]))
exact = -2 * 0.5 * (1 + math.erf(-2 / math.sqrt(2)))
approximate = -2 * 0.5 * (1 + math.tanh(math.sqrt(2 / math.pi) * (-2 + 0.044715 * -8)))
print(f"gelu(-2): the model {values[0]:.7f}, loaded from .keras {values[1]:.7f}, from .h5 {values[2]:.7f}")
print(f"exact {exact:.7f}, by tanh {approximate:.7f}")
near = [math.isclose(value, true, abs_tol=1e-6) for value, true in zip(values, (approximate, exact, exact), strict=True)]
sys.exit(0 if all(near) else 1)
PYTHON
