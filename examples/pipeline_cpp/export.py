# SPDX-License-Identifier: MIT
"""Write a network and its inputs as the text that `release_gate` reads, every number to its last bit.

python examples/pipeline_cpp/export.py digits_small network.txt inputs.txt
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import withstand as ws


def matrix_text(values: np.ndarray) -> str:
    """Return rows, columns and the numbers, hexadecimal: nothing is rounded."""
    rows = "\n".join(" ".join(float(value).hex() for value in row) for row in values)
    return f"{values.shape[0]} {values.shape[1]}\n{rows}\n"


def network_text(net: ws.Network) -> str:
    """Return the layers of a chain: activation, weights, biases. Graphs and gains raise."""
    lines = [f"{len(net.weights)}\n"]
    activations = (*net.activations, net.output_activation)
    for weights, bias, activation in zip(net.weights, net.biases, activations, strict=True):
        if activation != ws.Activation(activation.name):
            raise ValueError(f"only activations without parameters are written, got {activation!r}")
        lines += [f"{activation.name}\n", matrix_text(weights), " ".join(float(value).hex() for value in bias), "\n"]
    return "".join(lines)


def main() -> None:
    """Write an embedded network and its inputs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", help="an embedded network: digits, digits_small, diabetes")
    parser.add_argument("network", type=Path)
    parser.add_argument("inputs", type=Path)
    parser.add_argument("--rows", type=int, default=16, help="how many of its inputs")
    options = parser.parse_args()
    net, inputs, _ = ws.embedded(options.model)
    options.network.write_text(network_text(net), encoding="utf-8")
    options.inputs.write_text(matrix_text(inputs[: options.rows]), encoding="utf-8")


if __name__ == "__main__":
    main()
