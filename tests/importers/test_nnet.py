# SPDX-License-Identifier: MIT
"""`.nnet` files: normalisation folded in, box kept, damage named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from layers_oracle import evaluate
from withstand.importers import UnsupportedModel, read

NETWORK = """// a comment
// another one
2,2,1,3,
2,3,1,
0,
-1.0,-2.0
1.0,4.0
0.5,1.0,10.0
2.0,4.0,3.0
1,2,
-3,4,
0.5,-0.25,
0.1,
-0.2,
0.3,
1.5,-2.5,1,
0.75,
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "net.nnet"
    path.write_text(text)
    return path


def test_function_and_box(tmp_path: Path) -> None:
    layers = read(write(tmp_path, NETWORK))
    rng = np.random.default_rng(0)
    x = rng.uniform([-1, -2], [1, 4], size=(20, 2))
    scaled = (x - [0.5, 1.0]) / [2.0, 4.0]
    hidden = np.maximum(scaled @ np.array([[1, -3, 0.5], [2, 4, -0.25]]) + [0.1, -0.2, 0.3], 0)
    expected = (hidden @ [1.5, -2.5, 1] + 0.75) * 3.0 + 10.0
    assert np.allclose(evaluate(layers, x)[:, 0], expected, rtol=0, atol=1e-13)
    assert layers.input_box is not None
    assert np.array_equal(layers.input_box, [[-1, -2], [1, 4]])
    assert layers.activations == (("relu", 1.0, None),)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    lines = NETWORK.splitlines()
    for count in range(len(lines)):
        with pytest.raises(UnsupportedModel, match=r"net\.nnet: ends inside .*numbers needed"):
            read(write(tmp_path, "\n".join(lines[:count])))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.75,", "0.75,9,9", "goes on for 2 words after the last layer"),
        ("-3,4,", "-3,nan,", "has nan in the weights of layer 1, numbers must be finite"),
        ("-3,4,", "-3,x,", "has text where the weights of layer 1 should be: .*'x'"),
        ("2,3,1,\n", "2,0,1,\n", r"has \[2.0, 0.0, 1.0\] for the layer widths, which must be positive whole"),
        ("2,3,1,\n", "3,3,1,\n", "announces 2 inputs and 1 outputs, but layers of widths"),
        ("2,2,1,3,", "2.5,2,1,3,", "for the sizes"),
        ("2.0,4.0,3.0", "2.0,0.0,3.0", "has ranges .*0.* inputs are divided by them"),
        ("2,2,1,3,\n2,3,1,", "1,2,1,3,\n2,1,", "goes on|has no hidden neurons"),
    ],
)
def test_damage(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in NETWORK
    with pytest.raises(UnsupportedModel, match=message):
        read(write(tmp_path, NETWORK.replace(old, new, 1)))


@pytest.mark.parametrize(("old", "new"), [("1.0,4.0", "1.0,-4.0"), ("-1.0,-2.0\n1.0,4.0", "0,0\n0,0")])
def test_a_box_that_is_none(tmp_path: Path, old: str, new: str) -> None:
    with pytest.warns(UserWarning, match="the input box, from .* is none, and is left out"):
        layers = read(write(tmp_path, NETWORK.replace(old, new, 1)))
    assert layers.input_box is None
    x = np.random.default_rng(0).normal(size=(20, 2))
    assert np.array_equal(evaluate(layers, x), evaluate(read(write(tmp_path, NETWORK)), x))


def test_the_number_of_layers_alone(tmp_path: Path) -> None:
    layers = read(write(tmp_path, NETWORK.replace("2,2,1,3,", "2", 1)))
    x = np.random.default_rng(0).normal(size=(20, 2))
    assert np.array_equal(evaluate(layers, x), evaluate(read(write(tmp_path, NETWORK)), x))
    with pytest.raises(UnsupportedModel, match="ends inside the layer widths: 3 numbers needed, 2 left"):
        read(write(tmp_path, "2\n2,3\n"))


@pytest.mark.parametrize("sizes", ["2,2,1,3,", "2"])
def test_no_normalisation(tmp_path: Path, sizes: str) -> None:
    normalisation = "-1.0,-2.0\n1.0,4.0\n0.5,1.0,10.0\n2.0,4.0,3.0\n"
    assert normalisation in NETWORK
    plain = NETWORK.replace(normalisation, "0\n0\n0\n0\n").replace("2,2,1,3,", sizes, 1)
    layers = read(write(tmp_path, plain))
    x = np.random.default_rng(0).normal(size=(20, 2))
    hidden = np.maximum(x @ np.array([[1, -3, 0.5], [2, 4, -0.25]]) + [0.1, -0.2, 0.3], 0)
    assert np.allclose(evaluate(layers, x)[:, 0], hidden @ [1.5, -2.5, 1] + 0.75, rtol=0, atol=1e-13)
    assert layers.input_box is None
