# SPDX-License-Identifier: MIT
"""`.txt` controllers of Sherlock and POLAR."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from layers_oracle import evaluate
from withstand.importers import UnsupportedModel, read

RNG = np.random.default_rng(0)
WEIGHTS = [RNG.normal(size=shape) for shape in ((4, 3), (5, 4), (2, 5))]
BIASES = [RNG.normal(size=len(weight)) for weight in WEIGHTS]
X = RNG.normal(size=(20, 3))


def text(activations: tuple[str, ...] = (), end: tuple[Any, ...] = ()) -> str:
    numbers = [
        n for weight, bias in zip(WEIGHTS, BIASES, strict=True) for row in zip(weight, bias) for n in (*row[0], row[1])
    ]
    return "\n".join(map(str, (3, 2, 2, 4, 5, *activations, *map(float, numbers), *end))) + "\n"


def write(folder: Path, words: str) -> Path:
    path = folder / "controller.txt"
    path.write_text(words)
    return path


def expected(functions: list[Any]) -> np.ndarray:
    y = X
    for weight, bias, function in zip(WEIGHTS, BIASES, functions, strict=True):
        y = function(y @ weight.T + bias)
    return y


def relu(s: np.ndarray) -> np.ndarray:
    return np.maximum(s, 0)


def test_sherlock_has_relu_everywhere(tmp_path: Path) -> None:
    layers = read(write(tmp_path, text()))
    assert layers.output_activation.name == "relu"
    assert np.allclose(evaluate(layers, X), expected([relu] * 3), rtol=0, atol=1e-13)


def test_polar_names_activations(tmp_path: Path) -> None:
    layers = read(write(tmp_path, text(("ReLU", "sigmoid", "Tanh"), (0, 1.0))))
    assert [phi.name for phi in layers.activations] == ["relu", "logistic"]
    wanted = expected([relu, lambda s: 1 / (1 + np.exp(-s)), np.tanh])
    assert np.allclose(evaluate(layers, X), wanted, rtol=0, atol=1e-13)


def test_linear_layers_are_no_neurons(tmp_path: Path) -> None:
    layers = read(write(tmp_path, text(("Affine", "tanh", "Affine"), (0.0, 1.0))))
    assert [phi.name for phi in layers.activations] == ["tanh"]
    assert np.allclose(evaluate(layers, X), expected([lambda s: s, np.tanh, lambda s: s]), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "ends inside its first three numbers"),
        ("3 2 4 1 2", "ends inside the widths of 4 hidden layers"),
        ("a b c", "has 'a' where a count should be"),
        ("3 2 -1", "has '-1' where a count should be"),
        ("3 2.5 1 4", "has '2.5' where a count should be"),
        ("3 2 1 999999999", "has 0 numbers behind its header, 5999999996 needed"),
        (text() + "1.0", r"has 54 numbers behind its header, 53 needed for \[3, 4, 5, 2\]"),
        (text(end=(0, 1)), "ends with an offset and a factor, and names no activations"),
        (text(("tanh", "tanh"), (0, 1)), "names 2 activations for 3 layers"),
        (text(("tanh", "tanh", "tanh"), (0, 2)), "ends with the offset 0.0 and the factor 2.0"),
        (text(("tanh", "tanh", "softmax"), (0, 1)), "names 2 activations for 3 layers"),
        (text().rstrip().rsplit("\n", 1)[0] + "\nnan", "has weights that are not finite"),
        (text()[:-5] + "x", "has text where weights should be: .*x"),
        ("\u00fc", "is not text"),
    ],
)
def test_refused(tmp_path: Path, words: str, message: str) -> None:
    with pytest.raises(UnsupportedModel, match=rf"controller\.txt: .*{message}"):
        read(write(tmp_path, words))
