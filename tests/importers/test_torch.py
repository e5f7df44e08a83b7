# SPDX-License-Identifier: MIT
"""torch.nn.Sequential models, against torch in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from layers_oracle import evaluate
from withstand.importers import UnsupportedModel, read

torch = pytest.importorskip("torch")
nn = torch.nn


def agrees(model: Any, width: int) -> Any:
    """Read the model and compare with its own forward pass, modulo a softmax."""
    model = model.double().eval()
    layers = read(model)
    x = torch.randn(20, width, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = model(x).detach().numpy()
    computed = evaluate(layers, x.numpy())
    if layers.outputs == "logits":
        computed = np.exp(computed) / np.exp(computed).sum(axis=1, keepdims=True)
    assert np.abs(computed - expected).max() <= 1e-8 * max(1, np.abs(expected).max())
    return layers


ACTIVATIONS = [
    (nn.ReLU(), ("relu", 1.0, None)),
    (nn.LeakyReLU(0.2), ("leaky_relu", 1.0, 0.2)),
    (nn.PReLU(init=0.5), ("leaky_relu", 1.0, 0.5)),
    (nn.Sigmoid(), ("logistic", 1.0, None)),
    (nn.Tanh(), ("tanh", 1.0, None)),
    (nn.Hardtanh(), ("hard_tanh", 1.0, None)),
    (nn.Hardtanh(0, 1), ("clip", 1.0, None)),
    (nn.Hardsigmoid(), ("clip", 1 / 6, None)),
    (nn.ELU(0.5), ("elu", 1.0, 0.5)),
    (nn.Softplus(), ("softplus", 1.0, None)),
]


@pytest.mark.parametrize(("activation", "triple"), ACTIVATIONS, ids=[type(a).__name__ for a, _ in ACTIVATIONS])
def test_activations(activation: Any, triple: tuple[Any, ...]) -> None:
    layers = agrees(nn.Sequential(nn.Linear(3, 8), activation, nn.Linear(8, 2, bias=False)), 3)
    assert layers.activations == (triple,)
    assert agrees(nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2), activation), 3).output_activation == triple


def test_everything_that_is_no_layer_of_neurons() -> None:
    norm = nn.BatchNorm1d(6)
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    inner = nn.Sequential(nn.Linear(4, 6), norm, nn.Linear(6, 5), nn.ReLU(), nn.Dropout(0.5))
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(4, affine=False), inner, nn.Identity(), nn.Linear(5, 3))
    layers = agrees(nn.Sequential(model, nn.Softmax(dim=1)), 4)
    assert [w.shape for w in layers.weights] == [(5, 4), (3, 5)]
    assert layers.outputs == "logits"


class Custom(nn.Linear):
    """A Linear in name only."""

    def forward(self, x: Any) -> Any:
        return super().forward(x) ** 2


def hooked() -> Any:
    layer = nn.Linear(2, 2)
    layer.register_forward_hook(lambda module, inputs, output: output * 2)
    return layer


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        (
            [nn.Linear(2, 2), nn.GELU(), nn.Linear(2, 1)],
            r"Sequential: Sequential\.1 \(GELU\): is not supported; supported",
        ),
        ([nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.Conv1d(1, 1, 1))], r"Sequential\.1\.1 \(Conv1d\)"),
        ([Custom(2, 2), nn.ReLU(), nn.Linear(2, 1)], r"Sequential\.0 \(Custom\): is not supported"),
        ([hooked(), nn.ReLU(), nn.Linear(2, 1)], r"Sequential\.0 \(Linear\): has forward hooks"),
        ([nn.Linear(2, 2), nn.Linear(2, 1)], "Sequential: has no hidden neurons"),
        ([nn.ReLU()], "has no Linear module"),
        ([nn.Linear(2, 2), nn.ReLU(), nn.Linear(3, 1)], r"Sequential\.2 \(Linear\): "),
        ([nn.Linear(2, 2), nn.Hardtanh(-2, 2), nn.Linear(2, 1)], r"clips to \[-2, 2\]"),
        ([nn.Linear(2, 2), nn.Softplus(2.0), nn.Linear(2, 1)], "has beta = 2.0"),
        ([nn.Linear(2, 2), nn.PReLU(2), nn.ReLU(), nn.Linear(2, 1)], None),
        (
            [nn.Linear(2, 2), nn.Softmax(dim=1), nn.Linear(2, 1)],
            r"Sequential\.2 \(Linear\): follows a softmax",
        ),
        ([nn.Linear(2, 2), nn.ReLU(), nn.Softmax(dim=0)], "runs over axis 0"),
    ],
)
def test_refused(modules: list[Any], message: str | None) -> None:
    model = nn.Sequential(*modules).eval()
    if message is None:  # equal slopes, as they start, are one slope
        assert read(model).activations[0].name == "leaky_relu"
        with torch.no_grad():
            modules[1].weight[0] = 0.75
        message = "supported is one slope"
    with pytest.raises(UnsupportedModel, match=message):
        read(model)


def test_training_mode_and_weights_that_are_not_finite() -> None:
    for module in (nn.Dropout(0.5), nn.BatchNorm1d(2)):
        with pytest.raises(UnsupportedModel, match=r"call model\.eval\(\)"):
            read(nn.Sequential(nn.Linear(2, 2), module, nn.ReLU(), nn.Linear(2, 1)).train())
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1))
    with torch.no_grad():
        model[2].weight[0, 1] = np.nan
    with pytest.raises(UnsupportedModel, match=r"Sequential: .*nan"):
        read(model)
