#!/usr/bin/env bash
# Keras on torch: a matrix product of float64 tensors is computed in float32, and so is a Dense layer of dtype float64.
# Exits 0 while that is so, and with another status once it no longer is.
set -euo pipefail

# Boilerplate, the same in every script on purpose: each runs alone, in an environment of its own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 torch==2.13.0 numpy==2.4.6 h5py==3.16.0
cd "$folder"
KERAS_BACKEND=torch KERAS_HOME="$folder" venv/bin/python -W ignore - <<'PYTHON'
import sys

import keras
import numpy as np
import torch

print(f"keras {keras.__version__}, torch {torch.__version__}, numpy {np.__version__}, python {sys.version.split()[0]}")
keras.config.set_floatx("float64")
rng = np.random.default_rng(0)
x, kernel = rng.normal(size=(2, 3)), rng.normal(size=(3, 4))
product = keras.ops.matmul(torch.tensor(x), torch.tensor(kernel))
dense = keras.layers.Dense(4, use_bias=True, dtype="float64")
dense.build((None, 3))
dense.set_weights([kernel, np.zeros(4)])
output = dense(torch.tensor(x))
errors = [float(np.abs(keras.ops.convert_to_numpy(value) - x @ kernel).max()) for value in (product, output)]
direct = float(np.abs((torch.tensor(x) @ torch.tensor(kernel)).numpy() - x @ kernel).max())
print(f"floatx float64: keras.ops.matmul of float64 gives {product.dtype}, off by {errors[0]:.1e}")
print(f"a Dense layer of {dense.kernel.dtype} says {output.dtype} and is off by {errors[1]:.1e}; torch itself by {direct:.1e}")
single = product.dtype is torch.float32 and output.dtype is torch.float64 and min(errors) > 1e-10 > direct
sys.exit(0 if single else 1)
PYTHON
