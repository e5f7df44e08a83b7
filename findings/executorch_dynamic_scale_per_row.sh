#!/usr/bin/env bash
# ExecuTorch 1.5.1: of a linear layer quantised dynamically with its XNNPACK quantiser, the converted module and the lowered
# program are two functions. The module that convert_pt2e returns, which is what one tests in torch, takes one scale for all
# rows of a batch, so a row's answer changes with its neighbours; XNNPACK takes one for each row, so it does not.
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
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import XNNPACKQuantizer, get_symmetric_quantization_config
from executorch.exir import to_edge_transform_and_lower
from executorch.runtime import Runtime
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

print(f"executorch {version('executorch')}, torchao {version('torchao')}, torch {torch.__version__}, python {sys.version.split()[0]}")
torch.manual_seed(0)
layer = torch.nn.Linear(16, 4).eval()
alone = torch.randn(1, 16).repeat(2, 1)
beside = alone.clone()
beside[1] *= 50
quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True, is_dynamic=True))
prepared = prepare_pt2e(torch.export.export(layer, (alone,)).module(), quantizer)
prepared(beside)
converted = convert_pt2e(prepared)
lowered = to_edge_transform_and_lower(torch.export.export(converted, (alone,)), partitioner=[XnnpackPartitioner()]).to_executorch()
program = Runtime.get().load_program(lowered.buffer)
method = program.load_method("forward")
moved, error = {}, {}
with torch.no_grad():
    for name, run in (("converted module", converted), ("ExecuTorch program", lambda x: method.execute([x])[0].clone())):
        quiet, loud = run(alone)[0], run(beside)[0]
        moved[name], error[name] = (loud - quiet).abs().max().item(), (loud - layer(beside)[0]).abs().max().item()
        print(f"{name}: row 0 beside itself {quiet.tolist()}, beside a row 50 times as large {loud.tolist()}")
print("row 0 moves by", moved, "and is then away from float by", error)
sys.exit(0 if moved["converted module"] > 0.01 and moved["ExecuTorch program"] == 0.0 else 1)
PYTHON
