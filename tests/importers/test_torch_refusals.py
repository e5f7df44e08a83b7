# SPDX-License-Identifier: MIT
"""Torch modules with a forward of their own that are no network of layers, or not as they are: each refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from withstand.importers import UnsupportedModel, load, read

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional


class Forward(nn.Module):
    """A linear layer, and what the forward makes of it."""

    def __init__(self, function: Callable[[Any, Any], Any], training: bool = False) -> None:
        super().__init__()
        self.linear, self.function = nn.Linear(4, 4), function
        self.train(training)

    def forward(self, x: Any) -> Any:
        return self.function(self.linear, x)


ZEROS = torch.zeros(1, 4)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda f, x: f(x) * f(x), r"node 'mul' \(mul\.Tensor\).*: multiplies two computed tensors"),
        (lambda f, x: f(x) ** 2, r"node 'pow_1' \(pow.*computes a power of a computed tensor"),
        (lambda f, x: f(x) / x, "divides by a computed tensor"),
        (lambda f, x: F.layer_norm(f(x), (4,)), r"\(layer_norm\.default\).*normalises each example by its own"),
        (lambda f, x: F.group_norm(f(x), 2), r"\(group_norm\.default\).*normalises each example"),
        (lambda f, x: torch.softmax(f(x), 1) @ f.weight, "follows a softmax"),
        (lambda f, x: torch.softmax(f(x), 0), r"runs over axis 0 of a tensor of shape \(1, 4\)"),
        (lambda f, x: (F.softmax(f(x), 1), f(x)), "some outputs pass a softmax and some do not"),
        (lambda f, x: F.softmax(f(x), 1)[:, :2], "takes a part of what a softmax returns"),
        (lambda f, x: F.scaled_dot_product_attention(*3 * [f(x)[None]]), "multiplies computed tensors"),
        (lambda f, x: F.mish(f(x)), "mish is no supported activation, known are"),
        (lambda f, x: F.logsigmoid(f(x)), "log_sigmoid is no supported activation"),
        (lambda f, x: f(x) * F.relu6(f(x) + 2) / 6, "multiplies two computed tensors"),
        (lambda f, x: f(x) * torch.sigmoid(f(x)), "multiplies two computed tensors"),
        (lambda f, x: torch.sin(f(x)), r"node 'sin' \(sin\.default\).*is not supported"),
        (lambda f, x: torch.exp(f(x)), "reads exp of a computed tensor"),
        (lambda f, x: f(x).abs(), "reads abs of a computed tensor"),
        (lambda f, x: f(x).clamp(-2, 2), r"clips to \[-2, 2\], supported are"),
        (lambda f, x: F.softplus(f(x), beta=2), "has beta = 2, supported is beta = 1"),
        (lambda f, x: F.leaky_relu(f(x), -0.1), r"has a slope of -0\.1, supported are slopes >= 0"),
        (lambda f, x: F.prelu(f(x), torch.tensor([0.1, 0.2, 0.3, 0.4])), "supported is one slope"),
        (lambda f, x: F.celu(f(x), 2.0), "is not supported"),
        (lambda f, x: F.dropout(torch.relu(f(x))), "is in training mode; call model.eval.*training=self.training"),
        (lambda f, x: torch.relu(f(x) - f(x).mean(0)), r"reduces axis 0 of a tensor of shape \(1, 4\), the batch"),
        (lambda f, x: torch.relu(f(x)) / f(x).max(), "reduces axis 0"),
        (lambda f, x: f(x).argmax(1), "argmax"),
        (lambda f, x: torch.relu(f(x)).max(1)[1], "is not supported"),
        (lambda f, x: torch.where(f(x) > 0, x, f(x)), "chooses between tensors by a computed condition"),
        (lambda f, x: torch.relu(f(x)).half().float(), r"converts to torch\.float16"),
        (lambda f, x: torch.relu(f(x)) + torch.rand(4), r"\(rand\.default\)"),
        (lambda f, x: f(x), "has no hidden neurons"),
        (lambda f, x: torch.relu(x), "has no hidden neurons"),
        (lambda f, x: f(x) if x.sum() > 0 else -f(x), r"torch\.export cannot trace it \(.*Guard"),
        (lambda f, x: f(x).undefined, "torch.export cannot trace it"),
    ],
)  # fmt: skip
def test_a_forward_that_is_no_network_of_layers(function: Any, message: str) -> None:
    with pytest.raises(UnsupportedModel, match="^Forward: .*(" + message + ")"):
        read(Forward(function), inputs=ZEROS)


def test_weights_alone_are_no_network() -> None:
    module = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    with pytest.raises(TypeError, match=r"not from OrderedDict; weights alone are no network: build the module"):
        load(module.state_dict())


def test_a_batch_axis_that_is_missing_is_named() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(16, 3), nn.ReLU(), nn.Linear(3, 2)).eval()
    said = r"inputs of shape \(1, 4, 3\), of which the first axis is the batch's \(inputs\[None\]"
    with pytest.raises(UnsupportedModel, match=rf"torch\.export cannot trace it .*; it was called with {said}"):
        load(module, inputs=torch.zeros(1, 4, 3))
    with pytest.raises(UnsupportedModel, match=r"has shape \(4, 4\) .*inputs\[None\] of a single example"):
        load(module, inputs=torch.zeros(4, 4))


class Counting(nn.Module):
    """Remembers how often it ran."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x: Any) -> Any:
        self.calls += 1
        last = list(self.children())[-1]
        return last(torch.relu(self.linear(x) + self.calls))


@pytest.mark.parametrize(
    ("name", "message"),
    [("other", "changes its buffer 'calls' whenever it runs"), ("code", "changes a stored tensor in place")],
)
def test_a_state_from_one_call_to_the_next(name: str, message: str) -> None:
    """Torch cannot decompose a program with a submodule 'code', which is therefore read as it is."""
    module = Counting().eval()
    module.add_module(name, nn.Linear(4, 4))
    with pytest.raises(UnsupportedModel, match=message):
        read(module, inputs=ZEROS)
    assert module.calls == 0


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (lambda: nn.LSTM(4, 4), r"\(lstm\.input\): .*recurrent networks keep a state"),
        (lambda: nn.GRU(4, 4), r"\(gru\.input\).*recurrent networks keep a state"),
        (lambda: nn.MultiheadAttention(4, 2), "multiplies two computed tensors"),
        (lambda: nn.TransformerEncoderLayer(4, 2, 4).eval(), "is not supported|multiplies"),
    ],
)
def test_layers_that_are_none(module: Any, message: str) -> None:
    made = module().eval()
    inputs = torch.zeros(1, 2, 4)
    with pytest.raises(UnsupportedModel, match=message):
        read(made, inputs=(inputs, inputs, inputs) if isinstance(made, nn.MultiheadAttention) else inputs)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (torch.zeros(2, 4), r"inputs has shape \(2, 4\) .*expected is one example .*, with a batch axis of 1"),
        (torch.zeros(()), r"inputs has shape \(\)"),
        (torch.zeros(1, 4, dtype=torch.int64), r"type torch\.int64"),
        (torch.zeros(1, 3), "torch.export cannot trace it"),
        (("x",), "could not convert|inputs"),
        ({"z": torch.zeros(1, 4)}, "torch.export cannot trace it"),
    ],
)  # fmt: skip
def test_examples_that_do_not_fit(inputs: Any, message: str) -> None:
    with pytest.raises(UnsupportedModel, match=message):
        read(Forward(lambda f, x: torch.relu(f(x))), inputs=inputs)


def test_an_example_by_name_as_an_array_and_in_another_precision() -> None:
    module = Forward(lambda f, x: f(torch.relu(f(x))))
    for inputs in ({"x": ZEROS}, ZEROS.numpy(), (ZEROS.double(),), [ZEROS]):
        assert [w.shape for w in read(module, inputs=inputs).weights] == [(4, 4), (4, 4)]
    assert read(module.double(), inputs=ZEROS).weights[0].dtype == float


@pytest.mark.parametrize("part", [nn.BatchNorm1d(4), nn.Dropout(0.5), nn.AlphaDropout(0.1)])
def test_training_mode(part: Any) -> None:
    module = nn.Sequential(nn.Linear(4, 4), part, nn.ReLU(), nn.Linear(4, 2)).train()
    with pytest.raises(UnsupportedModel, match=r"module '1' \(.*\): is in training mode; call model\.eval\(\)"):
        read(module, inputs=ZEROS)
    assert module.training
    read(module.eval(), inputs=ZEROS)


def test_what_training_mode_does_not_change_is_read() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.0), nn.ReLU(), nn.Linear(4, 2)).train()
    assert len(read(module, inputs=ZEROS).weights) == 2


def test_hooks_that_are_no_part_of_torch() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)).eval()
    kept: list[Any] = []
    module[0].register_forward_hook(lambda part, args, output: kept.append(output))
    with pytest.raises(UnsupportedModel, match=r"module '0' \(Linear\): has forward hooks"):
        read(module, inputs=ZEROS)
    assert kept == []
    handle = nn.modules.module.register_module_forward_hook(lambda part, args, output: None)
    try:
        with pytest.raises(UnsupportedModel, match="runs under global forward hooks"):
            read(nn.Linear(4, 4), inputs=ZEROS)
    finally:
        handle.remove()


@pytest.mark.parametrize("kind", ["half", "bfloat16", "meta"])
def test_precisions_and_devices(kind: str) -> None:
    module = Forward(lambda f, x: torch.relu(f(x)))
    module = module.to("meta") if kind == "meta" else getattr(module, kind)()
    with pytest.raises(
        UnsupportedModel, match="device meta" if kind == "meta" else rf"computes in torch\.{kind}|float16"
    ):
        read(module, inputs=ZEROS)


def test_weights_that_are_not_finite() -> None:
    module = Forward(lambda f, x: f(torch.relu(f(x))))
    with torch.no_grad():
        module.linear.weight[1, 2] = torch.nan
    with pytest.raises(UnsupportedModel, match="finite"):
        read(module, inputs=ZEROS)


def test_inputs_are_for_modules_alone(tmp_path: Any) -> None:
    with pytest.raises(TypeError, match=r"inputs is an example for a torch\.nn\.Module"):
        load(tmp_path / "a.onnx", inputs=ZEROS)
    with pytest.raises(UnsupportedModel, match="pass the module that the tensors belong to"):
        load(torch.zeros(2), inputs=ZEROS)


def test_without_an_example_the_refusal_names_it() -> None:
    with pytest.raises(
        UnsupportedModel, match=r"any other model loads with inputs=, one example with a batch axis of 1"
    ):
        load(Forward(lambda f, x: torch.relu(f(x))))


@pytest.mark.parametrize("hook", [nn.utils.weight_norm, nn.utils.spectral_norm])
@pytest.mark.filterwarnings("ignore")
def test_hooks_of_torch_that_compute_weights(hook: Any) -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    hook(module[0])
    module.eval()
    module(ZEROS)  # which computes the weight
    before = vars(module[0])["weight"]
    net = load(module, inputs=ZEROS)
    assert vars(module[0])["weight"] is before
    assert abs(net.weights[0] - before.detach().double().numpy()).max() <= 1e-7
