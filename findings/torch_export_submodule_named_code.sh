#!/usr/bin/env bash
# torch.export exports a module with a submodule that is called code, graph or meta, as the code of an autoencoder may
# be, but the program can neither be decomposed nor run: the names are properties of the GraphModule that it becomes.
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
from torch import nn

print(f"torch {torch.__version__}, python {sys.version.split()[0]}")
x = torch.ones(1, 3)


def works(name):
    model = nn.Sequential()
    model.add_module(name, nn.Linear(3, 2))
    model.add_module("act", nn.ReLU())
    program = torch.export.export(model.eval(), (x,))
    found = []
    for what in (program.run_decompositions, lambda: program.module()(x)):
        try:
            what()
            found.append(True)
        except RuntimeError as error:
            print(f"{name}: {error}")
            found.append(False)
    return found


results = {name: works(name) for name in ("encoder", "code", "graph", "meta")}
print("can be decomposed, can be run:", results)
bad = [False, False]
sys.exit(0 if results == {"encoder": [True, True], "code": bad, "graph": bad, "meta": bad} else 1)
PYTHON
