#!/usr/bin/env bash
# Brevitas 0.13.4: the scale of a QuantLinear's weights is computed anew from the largest of its float weights at every call,
# in eval mode too, and is no part of the state dict. A fault written into one entry of `weight` therefore changes the codes of
# all others: a weight of 1 that becomes 100 leaves codes 0 and 1 of seven others, 64 to 6 before, and an output that does not
# use it is 0 where it was 0.65; an infinite one makes all outputs NaN. A flip in the stored integer, which is what a device
# has, moves one weight only.
# Exits 0 while that is so, and with another status once it no longer is.
set -euo pipefail

# Boilerplate, the same in every script on purpose: each runs alone, in an environment of its own.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check brevitas==0.13.4 torch==2.13.0 numpy==2.4.6
cd "$folder"
venv/bin/python -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import brevitas.nn as qnn
import torch

print(f"brevitas {version('brevitas')}, torch {torch.__version__}, python {sys.version.split()[0]}")
layer = qnn.QuantLinear(4, 2, bias=False, weight_bit_width=8).eval()
with torch.no_grad():
    layer.weight.copy_(torch.tensor([[1.0, 0.5, 0.25, 0.125], [0.3, 0.2, 0.1, 0.05]]))
    before, other = layer.quant_weight().int().tolist(), layer(torch.ones(1, 4))[0, 1].item()
    print(f"codes {before}, scale {layer.quant_weight().scale:.4f}, second output at ones {other:.4f}, state {list(layer.state_dict())}")
    layer.weight[0, 0] = 100.0
    after, moved = layer.quant_weight().int().tolist(), layer(torch.ones(1, 4))[0, 1].item()
    print(f"one weight 100: codes {after}, scale {layer.quant_weight().scale:.4f}, second output {moved:.4f}")
    layer.weight[0, 0] = torch.inf
    infinite = layer(torch.ones(1, 4))
    print(f"one weight infinite: outputs {infinite}")
same = list(layer.state_dict()) == ["weight"] and before == [[127, 64, 32, 16], [38, 25, 13, 6]]
same &= after == [[127, 1, 0, 0], [0, 0, 0, 0]] and abs(other - 0.6457) < 1e-3 and moved == 0.0
sys.exit(0 if same and bool(infinite.isnan().all()) else 1)
PYTHON
