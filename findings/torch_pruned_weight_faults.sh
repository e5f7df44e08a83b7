#!/usr/bin/env bash
# torch 2.13.0: in a module under torch.nn.utils.prune the attribute `weight` is no stored weight. It is the product of
# weight_orig and weight_mask, formed anew before each call: a fault written into `weight` is gone at the next call, and one
# in the entry of weight_orig that was pruned is not silent if it is infinite, as one flipped bit of a bfloat16 or float32 can
# make it: 0 times infinity is NaN, so a connection that does not exist loses the neuron.
# Exits 0 while that is so, and with another status once it no longer is.
set -euo pipefail

# Boilerplate, the same in every script on purpose: each runs alone, in an environment of its own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys

import torch
from torch.nn.utils import prune

print(f"torch {torch.__version__}, python {sys.version.split()[0]}")
x, found = torch.ones(1, 2), {}
with torch.no_grad():
    for kind in (torch.float32, torch.bfloat16):
        layer = torch.nn.Linear(2, 1, bias=False, dtype=kind)
        layer.weight.copy_(torch.tensor([[1.0, 3.0]]))
        prune.custom_from_mask(layer, "weight", torch.tensor([[0.0, 1.0]]))
        intact = layer(x.to(kind)).item()
        layer.weight[0, 1] = 100.0
        written = layer(x.to(kind)).item()
        word = layer.weight_orig.view(torch.int32 if kind == torch.float32 else torch.int16)
        word[0, 0] ^= 1 << (30 if kind == torch.float32 else 14)
        flipped = layer.weight_orig[0, 0].item()
        found[kind] = (intact, written, flipped, layer(x.to(kind)).item())
        print(f"{kind}, state {list(layer.state_dict())}: output {intact}, with 100 written into weight {written}; "
              f"with one bit of the pruned 1.0 flipped to {flipped}: {found[kind][-1]}")
gone = all(outcome[:3] == (3.0, 3.0, torch.inf) and outcome[3] != outcome[3] for outcome in found.values())
sys.exit(0 if gone else 1)
PYTHON
