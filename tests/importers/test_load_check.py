# SPDX-License-Identifier: MIT
"""A loaded network is compared with the object it comes from: what that finds, and what it leaves alone."""

from __future__ import annotations

import pickle
import random
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import withstand as ws
from withstand.importers import UnsupportedModel, check, load, read
from withstand.importers.layers import Layers

RNG = np.random.default_rng(3)


class Estimator:
    """Predicts with a function."""

    def __init__(self, predict: Any) -> None:
        self.predict = predict


def network(*widths: int, activation: str = "tanh", scale: float = 1.0) -> ws.Network:
    weights = [scale * RNG.normal(size=(n, m)) / np.sqrt(m) for m, n in zip(widths, widths[1:], strict=False)]
    return ws.Network(weights, [RNG.normal(size=n) for n in widths[1:]], activation=activation)


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "softplus", "elu", "clip"])
def test_the_same_function_passes_and_the_smallest_change_does_not(activation: str) -> None:
    net = network(5, 7, 4, 2, activation=activation)
    check.compare(net, Estimator(net.forward), "sklearn")
    for layer in range(3):
        weights = [w.copy() for w in net.weights]
        weights[layer] *= 1 + 1e-6
        other = ws.Network(weights, net.biases, activation=activation)
        with pytest.raises(UnsupportedModel, match="rounding does not explain"):
            check.compare(other, Estimator(net.forward), "sklearn")


def test_the_refusal_names_the_input_and_both_values() -> None:
    net = network(3, 4, 2)

    def differs_in_one_place(x: np.ndarray) -> np.ndarray:
        values = net.forward(x)
        values[4, 1] = 12.5
        return values

    message = r"input 4 of the check: output 1 is -?\d+\.\d+ as loaded, but 12.5 of the object itself.*check=False"
    with pytest.raises(UnsupportedModel, match=message):
        check.compare(net, Estimator(differs_in_one_place), "sklearn")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (lambda x: np.full((len(x), 2), np.nan), "but nan of the object"),
        (lambda x: np.full((len(x), 2), np.inf), "but inf of the object"),
        (lambda x: np.zeros((len(x), 3)), r"gives outputs of shape \(23, 3\), and as loaded of shape \(23, 2\)"),
        (lambda x: [][0], r"fails on inputs of shape \(23, 3\): list index"),
    ],
)
def test_what_is_no_number_or_none_at_all(values: Any, message: str) -> None:
    with pytest.raises(UnsupportedModel, match=message):
        check.compare(network(3, 4, 2), Estimator(values), "sklearn")


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
@pytest.mark.parametrize("widths", [(1, 1, 1), (10, 10, 10, 1), (784, 100, 10), (64, *[64] * 8, 10)])
@pytest.mark.parametrize("activation", ["relu", "tanh", "elu"])
def test_single_precision_stays_within_its_rounding(widths: tuple[int, ...], activation: str, scale: float) -> None:
    net = network(*widths, activation=activation, scale=scale)
    x = check._inputs(net)
    assert np.array_equal(x, x.astype(np.float32))
    functions = {"relu": lambda s: np.maximum(s, 0), "tanh": np.tanh, "elu": lambda s: np.where(s > 0, s, np.expm1(s))}
    y = x.astype(np.float32)
    for layer, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        w32, b32 = w.astype(np.float32), b.astype(np.float32)
        y = y @ w32.T + b32
        with np.errstate(over="ignore"):
            y = y if layer == net.depth else functions[activation](y)
    single = ws.Network(
        [w.astype(np.float32) for w in net.weights], [b.astype(np.float32) for b in net.biases], activation=activation
    )
    values, tolerance = check._evaluate(single, x, 2.0**-24)
    assert y.dtype == np.float32
    assert np.all(np.abs(values - y) <= tolerance)
    assert scale > 1 or np.median(tolerance.max(axis=1) / np.abs(values).max(axis=1)) < 2e-2


def test_the_first_layer_is_alive_on_inputs_in_any_unit() -> None:
    """Features around 2000, in thousands and in thousandths: inputs around 0 would find every tanh saturated."""
    unit = np.array([1e3, 1e-3, 1.0])
    w, b = RNG.normal(size=(6, 3)), RNG.normal(size=6)
    net = ws.Network([w / unit, RNG.normal(size=(1, 6))], [b - w @ (2000 / unit), [0.0]], activation="tanh")
    alive = np.abs(net.trace(check._inputs(net))[1]) < 0.9
    assert np.all(alive.sum(axis=0) >= 2)


@pytest.mark.parametrize("scale", [0.0, 1e-300, 1e-30, 1e30])
def test_weights_of_any_size(scale: float) -> None:
    net = ws.Network([scale * RNG.normal(size=(4, 3)), RNG.normal(size=(2, 4))], activation="tanh")
    assert np.abs(check._inputs(net)).max() <= 1e9
    check.compare(net, Estimator(net.forward), "sklearn")


def damage(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    """Let the reader of a library read one bias wrong."""
    from importlib import import_module

    module, name = {"sklearn": ("sklearn_model", "read_sklearn"), "torch": ("torch_module", "read_torch")}[library]
    home = import_module(f"withstand.importers.{module}")
    original = getattr(home, name)

    def damaged(source: Any, account: Any) -> Layers:
        layers = original(source, account)
        first, *others = layers.biases
        return replace(layers, biases=(first + 1e-3, *others))

    monkeypatch.setattr(home, name, damaged)


def numpy_state() -> bytes:
    return pickle.dumps(np.random.get_state())  # noqa: NPY002 - the global generator is what must not move


class TestSklearn:
    """On real estimators."""

    @pytest.fixture
    def fitted(self) -> Any:
        pytest.importorskip("sklearn")
        from sklearn.neural_network import MLPClassifier, MLPRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        def fit(classes: int = 0) -> Any:
            x = RNG.normal(size=(40, 3)) * [1, 100, 0.01] + [0, 2000, 1]
            y = np.arange(40) % classes if classes else x[:, 0]
            last = (MLPClassifier if classes else MLPRegressor)(hidden_layer_sizes=(5,), max_iter=3, random_state=0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return make_pipeline(StandardScaler(copy=False), last).fit(x.copy(), y)

        return fit

    @pytest.mark.parametrize("classes", [0, 2, 3])
    def test_a_wrong_reading_is_refused(self, fitted: Any, monkeypatch: pytest.MonkeyPatch, classes: int) -> None:
        model = fitted(classes)
        good = load(model)
        damage(monkeypatch, "sklearn")
        with pytest.raises(UnsupportedModel, match=r"^Pipeline: input \d+ of the check: output 0 is"):
            load(model)
        bad = load(model, check=False)
        assert bad != good
        assert np.allclose(bad.biases[0] - good.biases[0], 1e-3)
        assert np.array_equal(read(model).biases[0], bad.biases[0])

    def test_nothing_changes(self, fitted: Any) -> None:
        model = fitted(3)
        random.seed(0)
        before = (pickle.dumps(model), random.getstate(), numpy_state(), list(warnings.filters))
        load(model)
        after = (pickle.dumps(model), random.getstate(), numpy_state(), list(warnings.filters))
        assert before == after

    def test_feature_names_do_not_matter(self, fitted: Any) -> None:
        model = fitted()
        model[0].feature_names_in_ = np.array(["a", "b", "c"], dtype=object)
        load(model)  # scikit-learn warns, and warnings are errors here


def test_files_are_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network(3, 4, 2).save(tmp_path / "net.npz")
    monkeypatch.setattr(check, "compare", None)
    assert load(tmp_path / "net.npz") == load(str(tmp_path / "net.npz"), check=True)


class TestTorch:
    """On real modules."""

    @pytest.fixture
    def torch(self) -> Any:
        return pytest.importorskip("torch")

    def module(self, torch: Any) -> Any:
        nn = torch.nn
        norm = nn.BatchNorm1d(5).eval()
        return nn.Sequential(nn.Linear(3, 5), norm, nn.Dropout(0.0), nn.Softplus(), nn.Linear(5, 2))

    def test_a_wrong_reading_is_refused(self, torch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        module = self.module(torch)
        load(module)
        damage(monkeypatch, "torch")
        with pytest.raises(UnsupportedModel, match=r"^Sequential: input \d+ of the check: output 0 is"):
            load(module)
        load(module, check=False)

    def test_a_class_that_computes_something_else(self, torch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(torch.nn.Softplus, "forward", lambda self, x: x.clamp(min=0))
        with pytest.raises(UnsupportedModel, match="rounding does not explain"):
            load(self.module(torch))

    def test_a_context_that_computes_in_half_precision(self, torch: Any) -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16), pytest.raises(UnsupportedModel, match="rounding does not"):
            load(self.module(torch))

    @pytest.mark.parametrize("double", [False, True])
    def test_nothing_changes(self, torch: Any, double: bool) -> None:
        module = self.module(torch)
        module.train()
        module[1].eval()
        module = module.double() if double else module
        module(torch.ones(2, 3, dtype=module[0].weight.dtype)).sum().backward()
        gradients = [parameter.grad.clone() for parameter in module.parameters()]
        state = {name: value.clone() for name, value in module.state_dict().items()}
        training = [part.training for part in module.modules()]
        keys = [sorted(vars(part)) for part in module.modules()]
        generator = torch.get_rng_state()
        load(module)
        assert torch.equal(generator, torch.get_rng_state())
        assert torch.is_grad_enabled()
        assert [part.training for part in module.modules()] == training
        assert [sorted(vars(part)) for part in module.modules()] == keys
        assert all(torch.equal(value, state[name]) for name, value in module.state_dict().items())
        assert all(torch.equal(p.grad, gradient) for p, gradient in zip(module.parameters(), gradients, strict=True))
        assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())

    @pytest.mark.parametrize("last", ["Softmax", "LogSoftmax"])
    def test_normalised_outputs(self, torch: Any, last: str) -> None:
        module = torch.nn.Sequential(*self.module(torch), getattr(torch.nn, last)(dim=1))
        assert load(module).outputs == "logits"
        with pytest.raises(UnsupportedModel, match="rounding does not explain"):
            check.compare(load(self.module(torch), check=False), module, "torch")

    @pytest.mark.parametrize("mean", [1.0, 30.0, 1000.0])
    @pytest.mark.parametrize("variance", [1e-4, 1.0])
    def test_a_mean_that_cancels_a_bias(self, torch: Any, mean: float, variance: float) -> None:
        """The object rounds numbers of the size of the mean, of which the loaded network's biases show nothing."""
        module = self.module(torch)
        with torch.no_grad():
            module[0].bias.fill_(mean)
            module[1].running_mean.fill_(mean)
            module[1].running_var.fill_(variance)
        net = load(module)
        assert np.abs(net.biases[0]).max() < 1e-2
        module[1].running_mean *= 1.01
        with pytest.raises(UnsupportedModel, match="rounding does not explain"):
            check.compare(net, module, "torch")
