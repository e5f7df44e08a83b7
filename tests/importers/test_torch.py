# SPDX-License-Identifier: MIT
"""torch.nn.Sequential models, against torch in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from layers_oracle import evaluate
from withstand.importers import UnsupportedModel, load, read

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
    (nn.Hardsigmoid(), ("hard_sigmoid", 1.0, None)),
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
            [nn.Linear(2, 2), nn.Mish(), nn.Linear(2, 1)],
            r"Sequential: Sequential\.1 \(Mish\): is not supported; supported",
        ),
        ([nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.Conv1d(1, 1, 1))], r"Sequential\.1\.1 \(Conv1d\)"),
        ([Custom(2, 2), nn.ReLU(), nn.Linear(2, 1)], r"Sequential\.0 \(Custom\): is not supported"),
        ([hooked(), nn.ReLU(), nn.Linear(2, 1)], r"Sequential\.0 \(Linear\): has forward hooks"),
        ([nn.Linear(2, 2), nn.Linear(2, 1)], "Sequential: has no hidden neurons"),
        ([nn.ReLU()], "has no Linear module"),
        ([nn.Linear(2, 2), nn.ReLU(), nn.Linear(3, 1)], r"Sequential\.2 \(Linear\): "),
        ([nn.Linear(2, 2), nn.Hardtanh(-2, 2), nn.Linear(2, 1)], r"clips to \[-2, 2\]"),
        ([nn.Linear(2, 2), nn.Softplus(2.0), nn.Linear(2, 1)], "has beta = 2.0"),
        (
            [nn.Linear(2, 2), nn.Softplus(threshold=1), nn.Linear(2, 1)],
            "has threshold = 1, supported are thresholds >=",
        ),
        ([nn.Linear(2, 2), nn.ELU(-0.5), nn.Linear(2, 1)], "has a slope of -0.5"),
        ([nn.Linear(2, 2), nn.LeakyReLU(-0.5), nn.Linear(2, 1)], "has a slope of -0.5"),
        ([nn.Linear(2, 2), nn.CELU(), nn.Linear(2, 1)], r"Sequential\.1 \(CELU\): is not supported"),
        ([nn.Flatten(0), nn.Linear(2, 2), nn.ReLU()], "flattens axes 0 to -1"),
        (
            [nn.Flatten(), nn.Hardtanh(0, 1), nn.Linear(2, 2), nn.ReLU()],
            r"Sequential\.1 \(Hardtanh\): clips the inputs",
        ),
        ([nn.LazyLinear(2), nn.ReLU(), nn.Linear(2, 1)], r"\(LazyLinear\): is not supported"),
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


def test_a_module_that_stands_twice_is_read_twice() -> None:
    act, linear = nn.Tanh(), nn.Linear(4, 4)
    block = nn.Sequential(linear, act)
    layers = agrees(nn.Sequential(block, block, nn.Linear(4, 4), act, linear), 4)
    assert [phi.name for phi in layers.activations] == ["tanh"] * 3
    assert agrees(nn.Sequential(nn.Linear(4, 4), nn.ReLU()) * 3, 4).output_activation.name == "relu"


ACTIVATION = st.one_of(
    st.sampled_from([nn.ReLU, nn.Sigmoid, nn.Tanh, nn.Hardsigmoid, nn.Hardtanh, nn.Softplus]).map(lambda kind: kind()),
    st.floats(0, 2).map(nn.LeakyReLU),
    st.floats(0, 2).map(nn.ELU),
    st.floats(0, 2).map(lambda slope: nn.PReLU(init=slope)),
    st.floats(20, 40).map(lambda threshold: nn.Softplus(threshold=threshold)),
    st.just(nn.Hardtanh(0, 1)),
)


@st.composite
def stacks(draw: Any) -> Any:
    """Any stack of supported modules on vectors of 3, nested and repeated at will, with a hidden layer."""

    def module(depth: int) -> Any:
        kind = draw(st.sampled_from(["linear", "activation", "norm", "nothing", "again", "nest"][: 6 if depth else 5]))
        if kind == "again" and made:
            return draw(st.sampled_from(made))
        if kind == "nest":
            return nn.Sequential(*[module(depth - 1) for _ in range(draw(st.integers(0, 3)))])
        if kind == "norm":
            norm = nn.BatchNorm1d(3, eps=draw(st.sampled_from([1e-5, 0.1])), affine=draw(st.booleans()))
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
            new = norm
        elif kind == "activation":
            new = draw(ACTIVATION)
        elif kind == "linear":
            new = nn.Linear(3, 3, bias=draw(st.booleans()))
        else:
            new = draw(st.sampled_from([nn.Identity(), nn.Dropout(0.3), nn.Flatten()]))
        made.append(new)
        return new

    torch.manual_seed(draw(st.integers(0, 2**32 - 1)))
    made: list[Any] = [nn.Linear(3, 3)]
    first = [made[0], *[module(2) for _ in range(draw(st.integers(0, 6)))]]
    last = draw(st.sampled_from([[], [nn.Softmax(1)], [nn.LogSoftmax(-1)], [nn.Sigmoid()]]))
    return nn.Sequential(*first, nn.Tanh(), nn.Linear(3, 2), *last)


@given(stacks(), st.booleans())
def test_any_stack(model: Any, double: bool) -> None:
    """The comparison inside `load` is in the object's own precision; here it is in double, and written anew."""
    model = (model.double() if double else model).eval()
    net = load(model)
    layers = read(model)
    x = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    ours = net.forward(x.numpy())
    scale = max(1.0, np.abs(ours).max())
    assert np.abs(evaluate(layers, x.numpy()) - ours).max() <= 1e-9 * scale
    expected = model.double()(x).detach().numpy()
    if net.outputs == "logits":
        logs = ours - np.logaddexp.reduce(ours, axis=1, keepdims=True)
        ours = logs if isinstance(model[-1], nn.LogSoftmax) else np.exp(logs)
    assert np.abs(ours - expected).max() <= 1e-7 * scale  # torch's softplus, 2.1e-9, through a few layers


def with_method(name: str, *, of: int | None) -> Any:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)).eval()
    thing = model if of is None else model[of]
    original = getattr(thing, name)
    setattr(thing, name, lambda *args: original(*args) + 1)
    return model


@pytest.mark.parametrize("name", ["forward", "__call__", "_call_impl"])
@pytest.mark.parametrize("of", [None, 0, 1])
def test_a_method_replaced_on_an_instance(name: str, of: int | None) -> None:
    where = r"Sequential \(" if of is None else rf"Sequential\.{of} \("
    with pytest.raises(UnsupportedModel, match=where + rf".*\): has its method '{name}' replaced on the instance"):
        read(with_method(name, of=of))


def linear(change: Any) -> Any:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)).eval()
    replacement = change(model[0])
    model[0] = model[0] if replacement is None else replacement
    return model


def prune(module: Any) -> None:
    from torch.nn.utils import prune

    prune.l1_unstructured(module, "weight", 1)


def weight_norm(module: Any) -> Any:
    return torch.nn.utils.parametrizations.weight_norm(module)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (weight_norm, r"ParametrizedLinear\): is not supported.*remove_parametrizations"),
        (torch.nn.utils.parametrizations.spectral_norm, r"ParametrizedLinear\): is not supported"),
        (prune, "has forward hooks"),
        (lambda module: module.half(), "computes in torch.float16, supported are torch.float32 and torch.float64"),
        (lambda module: module.bfloat16(), "computes in torch.bfloat16"),
        (lambda module: module.to("meta"), "on device meta"),
        (lambda module: module.double(), "fails on inputs of shape"),
        (
            lambda module: torch.compile(module),
            r"OptimizedModule\): is not supported.*pass the module that was compiled",
        ),
        (lambda module: nn.LSTM(2, 2), r"\(LSTM\): is not supported"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_changed_modules(change: Any, message: str) -> None:
    with pytest.raises(UnsupportedModel, match=message):
        load(linear(change))


def test_hooks_on_every_module() -> None:
    handle = torch.nn.modules.module.register_module_forward_hook(lambda module, inputs, output: output * 2)
    try:
        with pytest.raises(UnsupportedModel, match="runs under global forward hooks"):
            read(linear(lambda module: None))
    finally:
        handle.remove()


def exported() -> Any:
    return torch.export.export(linear(lambda module: None), (torch.zeros(1, 2),))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (exported, "ExportedProgram.*pass the module that was exported, or the .pt2 file that torch.export.save makes"),
        (lambda: exported().module(), r"\(GraphModule\): is not supported"),
        (lambda: torch.zeros(2), "Tensor.*pass the module that the tensors belong to"),
        (lambda: nn.Parameter(torch.zeros(2)), "Parameter.*is not supported"),
        (lambda: torch.float32, "dtype.*is not supported"),
        (lambda: nn.LSTM(2, 2), r"LSTM \(LSTM\): is not supported"),
        (lambda: nn.Sequential(), "has no Linear module"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_other_objects(make: Any, message: str) -> None:
    with pytest.raises(UnsupportedModel, match=message):
        load(make())


def test_a_module_inside_itself() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    model.add_module("again", model)
    with pytest.raises(UnsupportedModel, match="cannot be read \\(RecursionError"):
        load(model)
