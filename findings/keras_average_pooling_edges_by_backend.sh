#!/usr/bin/env bash
# Keras 3.15.1: one file with AveragePooling(padding="same") computes something else on torch than on jax, where a window
# reaches over one edge further than over the other: torch repeats the edge, jax leaves out what lies outside.
# Exits 0 while that is so, and with another status once it no longer is.
set -euo pipefail

# Boilerplate, the same in every script on purpose: each runs alone, in an environment of its own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 torch==2.13.0 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6 h5py==3.16.0
cd "$folder"
cat >run.py <<'PYTHON'
import sys

import keras
import numpy as np

keras.config.disable_traceback_filtering()
if sys.argv[1] == "save":
    stages = [keras.layers.AveragePooling1D(3, strides=2, padding="same"), keras.layers.Flatten()]
    keras.Sequential([keras.Input((4, 1)), *stages]).save("model.keras")
model = keras.saving.load_model("model.keras")
values = keras.ops.convert_to_numpy(model(np.array([[[1.0], [2.0], [6.0], [9.0]]], dtype=np.float32)))
print(" ".join(map(str, values.reshape(-1))))
PYTHON
export KERAS_HOME="$folder" JAX_PLATFORMS=cpu
on_torch=$(KERAS_BACKEND=torch venv/bin/python -W ignore run.py save)
on_jax=$(KERAS_BACKEND=jax venv/bin/python -W ignore run.py load)
venv/bin/python - "$on_torch" "$on_jax" <<'PYTHON'
import sys
from importlib.metadata import version

print(", ".join(f"{name} {version(name)}" for name in ("keras", "torch", "jax", "numpy")), "python", sys.version.split()[0])
on_torch, on_jax = ([float(word) for word in text.split()] for text in sys.argv[1:])
print("means of three of 1, 2, 6, 9, every second:")
print("on torch", on_torch, "(6 + 9 + 9) / 3 at the edge; on jax", on_jax, "(6 + 9) / 2")
sys.exit(0 if on_torch == [3.0, 8.0] and on_jax == [3.0, 7.5] else 1)
PYTHON
