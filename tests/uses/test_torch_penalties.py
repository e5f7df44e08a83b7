# SPDX-License-Identifier: MIT
"""Penalties: the value of the bound, and a gradient that finite differences confirm."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import withstand as ws

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from withstand.torch import adjoint_penalty, fep_penalty, linear_penalty  # noqa: E402

ACTIVATIONS = [nn.Sigmoid, nn.Tanh, nn.ReLU, nn.LeakyReLU]


def chain(activation, seed=0):
    torch.manual_seed(seed)
    layers = [nn.Linear(3, 6), activation(), nn.Linear(6, 5), activation(), nn.Linear(5, 2)]
    X = torch.rand(4, 3, dtype=torch.float64)
    return nn.Sequential(*layers).double(), X


def network(module):
    linear = [part for part in module if isinstance(part, nn.Linear)]
    names = {nn.Sigmoid: "logistic", nn.Tanh: "tanh", nn.ReLU: "relu", nn.LeakyReLU: "leaky_relu", nn.ELU: "elu",
             nn.Hardtanh: "hard_tanh"}  # fmt: skip
    name = names[type(module[1])]
    weights = [part.weight.detach().numpy() for part in linear]
    return ws.Network(weights, [part.bias.detach().numpy() for part in linear], activation=name)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("counts", [(1, 0), (1, 1), (2, 3)])
def test_value_is_that_of_the_bound(activation, counts):
    module, X = chain(activation)
    net = network(module)
    adjoint = ws.bound(net, ws.Crash(counts), X.numpy(), method="adjoint").value
    assert adjoint_penalty(module, X, counts).item() == pytest.approx(adjoint, rel=1e-9)
    per_input = [ws.bound(net, ws.Crash(counts), x[None].numpy(), method="adjoint").value for x in X]
    assert adjoint_penalty(module, X, counts, reduction="mean").item() == pytest.approx(np.mean(per_input), rel=1e-9)
    if activation in (nn.Sigmoid, nn.Tanh):
        exactly = ws.fep(net, ws.Crash(counts, exactly=True)).value
        assert fep_penalty(module, counts).item() == pytest.approx(exactly, rel=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("reduction", ["max", "mean"])
def test_gradients_equal_finite_differences(activation, reduction):
    module, X = chain(activation, 3)
    parameters = [p for p in module.parameters() if p.ndim == 2]
    for penalty in (
        lambda: fep_penalty(module, 2, X),
        lambda: adjoint_penalty(module, X, 2, reduction=reduction),
        lambda: linear_penalty(module, X, 2, reduction=reduction),
    ):
        gradients = torch.autograd.grad(penalty(), parameters, allow_unused=True)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            for index in [(0, 0), (1, 2), (parameter.shape[0] - 1, 1)]:
                h = 1e-6
                with torch.no_grad():
                    parameter[index] += h
                    above = penalty().item()
                    parameter[index] -= 2 * h
                    below = penalty().item()
                    parameter[index] += h
                slope = 0.0 if gradient is None else gradient[index].item()
                assert slope == pytest.approx((above - below) / (2 * h), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("activation", [*ACTIVATIONS, nn.ELU, nn.Hardtanh])
@pytest.mark.parametrize("counts", [(1, 0), (0, 2), (1, 1), (2, 3)])
def test_linear_penalty_encloses_the_exact_worst_case(activation, counts):
    ratios = []
    for seed in range(6):
        module, X = chain(activation, seed)
        net = network(module)
        exact = [ws.worst_case(net, ws.Crash(counts), x.numpy()) for x in X]
        bounds = [linear_penalty(module, x[None], counts).item() for x in X]
        for worst, bound in zip(exact, bounds, strict=True):
            assert worst.exact
            assert worst.lower <= bound * (1 + 1e-9)
            if counts[0] == 0:  # the last hidden layer alone: exact
                assert bound == pytest.approx(worst.lower, rel=1e-9)
        assert linear_penalty(module, X, counts).item() == pytest.approx(max(bounds), rel=1e-12)
        assert linear_penalty(module, X, counts, reduction="mean").item() == pytest.approx(np.mean(bounds), rel=1e-12)
        ratios.append(np.mean(bounds) / adjoint_penalty(module, X, counts, reduction="mean").item())
    assert np.median(ratios) < 1 or activation is nn.Hardtanh  # two flat lines lose where it is clipped


def test_linear_penalty_of_three_hidden_layers():
    torch.manual_seed(1)
    for activation in (nn.ReLU, nn.Tanh):
        parts = [nn.Linear(3, 5), activation(), nn.Linear(5, 5), activation(), nn.Linear(5, 4), activation()]
        module = nn.Sequential(*parts, nn.Linear(4, 2)).double()
        X = torch.rand(5, 3, dtype=torch.float64)
        worst = ws.worst_case(network(module), ws.Crash((1, 1, 1)), X.numpy())
        assert worst.lower <= linear_penalty(module, X, 1).item() <= adjoint_penalty(module, X, 1).item()


def test_linear_penalty_needs_rising_activations():
    module = nn.Sequential(nn.Linear(2, 2), nn.LeakyReLU(-0.1), nn.Linear(2, 1))
    with pytest.raises(ValueError, match="an activation that rises"):
        linear_penalty(module, torch.zeros(1, 2))


def test_training_with_the_penalty_lowers_the_bound():
    module, _ = chain(nn.Sigmoid, 5)
    before = ws.fep(network(module), ws.Crash((1, 1))).value
    optimiser = torch.optim.SGD(module.parameters(), lr=0.02)
    for _ in range(30):
        optimiser.zero_grad()
        fep_penalty(module).backward()
        optimiser.step()
    assert ws.fep(network(module), ws.Crash((1, 1))).value < before / 2


def test_importing_the_package_does_not_import_torch():
    code = "import sys, withstand; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("module", "counts", "error", "message"),
    [
        (nn.Linear(2, 2), 1, TypeError, "must be a torch.nn.Sequential"),
        (nn.Sequential(nn.Linear(2, 2)), 1, ValueError, "no hidden layer"),
        (nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1)), 1, ValueError, "without an activation"),
        (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), 1, ValueError, "is not expected here"),
        (nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)), 1, ValueError, "is unbounded, give inputs"),
        (nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1)), (3,), ValueError, "2 neurons, 3 cannot fail"),
        (nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1)), (1, 1), ValueError, "2 counts for 1 hidden"),
    ],
)
def test_refusals(module, counts, error, message):
    with pytest.raises(error, match=message):
        fep_penalty(module, counts)
