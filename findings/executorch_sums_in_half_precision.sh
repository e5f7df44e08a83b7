#!/usr/bin/env bash
# ExecuTorch 1.5.1, x86-64: a linear layer in float16 or bfloat16 keeps its running sum in that format, in the kernels
# of its runtime and, for float16, in those of XNNPACK. 2048 and 4095 ones add up to 2048 in float16; 256 and 4095 ones to
# 256 in bfloat16. torch 2.13.0 adds the same module's products in float32 (6144 and 4352, each rounded once).
# XNNPACK chooses its float16 kernel by processor, so its line is printed and decides nothing.
# Exits 0 while that is so, and with another status once it no longer is.
set -euo pipefail

# Boilerplate, the same in every script on purpose: each runs alone, in an environment of its own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check executorch==1.5.1 torch==2.13.0 torchao==0.18.0
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import logging
import sys
from importlib.metadata import version

import torch

logging.disable(logging.WARNING)
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import to_edge_transform_and_lower
from executorch.runtime import Runtime

print(f"executorch {version('executorch')}, torch {torch.__version__}, python {sys.version.split()[0]}")


def executed(module, x, partitioners):
    lowered = to_edge_transform_and_lower(torch.export.export(module, (x,)), partitioner=partitioners).to_executorch()
    program = Runtime.get().load_program(lowered.buffer)
    return program.load_method("forward").execute([x])[0]


stuck = True
for kind, first in ((torch.float16, 2048.0), (torch.bfloat16, 256.0)):
    layer = torch.nn.Linear(4096, 2, dtype=kind).eval()
    with torch.no_grad():
        layer.weight.fill_(1.0)
        layer.bias.fill_(0.0)
    for rows in (1, 3):
        x = torch.ones(rows, 4096, dtype=kind)
        x[:, 0] = first
        expected = torch.tensor(first + 4095).to(kind)
        eager, portable, xnnpack = layer(x), executed(layer, x, []), executed(layer, x, [XnnpackPartitioner()])
        print(f"{kind}, {rows} rows, {first:g} and 4095 ones: nearest {expected:g}, torch {eager.unique().tolist()}, "
              f"ExecuTorch {portable.unique().tolist()}, with XNNPACK {xnnpack.unique().tolist()}")
        stuck &= bool((eager == expected).all()) and bool((portable == first).all())
sys.exit(0 if stuck else 1)
PYTHON
