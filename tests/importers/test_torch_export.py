# SPDX-License-Identifier: MIT
"""Torch modules with a forward of their own, as torch.export traces them and as .pt2 files hold them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graph_forms import as_graph
from oracle.graph import evaluate_graph
from withstand.importers import load, read

torch = pytest.importorskip("torch")
from torch_models import MODELS, build, example  # noqa: E402

pytestmark = [  # of torch's own code, which writes the files
    pytest.mark.filterwarnings("ignore:`isinstance.treespec, LeafSpec.` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:No complete tensor found in the group:UserWarning"),
    pytest.mark.filterwarnings("ignore:The tensor attributes .* were assigned during export:UserWarning"),
]
nn, F = torch.nn, torch.nn.functional
IDS = [kind.__name__ for kind, _ in MODELS]
Shapes = list[tuple[int, ...]]


def flat(tensors: Any) -> np.ndarray:
    leaves = torch.utils._pytree.tree_leaves(tensors)
    return torch.cat([leaf.reshape(len(leaf), -1) for leaf in leaves], 1).detach().double().numpy()


def outputs(net: Any, x: np.ndarray, like: np.ndarray) -> np.ndarray:
    """What a network gives, with the softmax that was taken off put back on."""
    values = evaluate_graph(*as_graph(net), x)
    if net.outputs == "values":
        return values
    logs = values - np.logaddexp.reduce(values, axis=1, keepdims=True)
    return logs if np.all(like <= 0) else np.exp(logs)


@pytest.mark.parametrize(("kind", "shapes"), MODELS, ids=IDS)
def test_a_module_loads(kind: Callable[[], Any], shapes: Shapes) -> None:
    """The comparison with the module at load is a part of it."""
    module, x = build(kind), example(shapes, 4)
    net = load(module, inputs=example(shapes))
    theirs = flat(module(*x))
    ours = net.forward(flat(x))
    if net.outputs == "logits":
        ours = ours - np.logaddexp.reduce(ours, axis=1, keepdims=True)
        ours = ours if np.all(theirs <= 0) else np.exp(ours)
    assert np.abs(ours - theirs).max() <= 1e-5


@pytest.mark.parametrize(("kind", "shapes"), MODELS, ids=IDS)
def test_a_module_is_what_torch_computes(kind: Callable[[], Any], shapes: Shapes) -> None:
    module = build(kind)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    net = read(module, inputs=example(shapes))
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    x = example(shapes, 4)
    theirs = flat(module(*x))
    assert np.abs(outputs(net, flat(x), theirs) - theirs).max() <= 1e-5
    exact = flat(module.double()(*(tensor.double() for tensor in x)))
    # spectral, orthogonal and normalised weights are computed in the module's precision
    tolerance = 1e-6 if kind.__name__ == "Parametrised" else 1e-8
    assert np.abs(outputs(net, flat(x), exact) - exact).max() <= tolerance


#: As functions of a tensor, and what they are. Written out, a gate is one activation, not a product.
ACTIVATIONS: list[tuple[Callable[[Any], Any], tuple[Any, ...]]] = [
    (F.relu, ("relu", 1.0, None)),
    (lambda y: y.clamp(min=0).clamp(max=6), ("relu6", 1.0, None)),
    (F.hardtanh, ("hard_tanh", 1.0, None)),
    (lambda y: torch.clip(y, 0, 1), ("clip", 1.0, None)),
    (torch.sigmoid, ("logistic", 1.0, None)),
    (torch.tanh, ("tanh", 1.0, None)),
    (lambda y: F.elu(y, 0.5), ("elu", 1.0, 0.5)),
    (F.selu, ("selu", 1.0, None)),
    (lambda y: F.leaky_relu(y, 0.25), ("leaky_relu", 1.0, 0.25)),
    (lambda y: F.prelu(y, torch.tensor([0.25], dtype=y.dtype)), ("leaky_relu", 1.0, 0.25)),
    (F.softplus, ("softplus", 1.0, None)),
    (F.silu, ("silu", 1.0, None)),
    (lambda y: torch.sigmoid(y) * y, ("silu", 1.0, None)),
    (F.gelu, ("gelu", 1.0, None)),
    (lambda y: F.gelu(y, approximate="tanh"), ("gelu_tanh", 1.0, None)),
    (F.softsign, ("softsign", 1.0, None)),
    (F.hardsigmoid, ("hard_sigmoid", 1.0, None)),
    (lambda y: F.relu6(y + 3) / 6, ("hard_sigmoid", 1.0, None)),
    (F.hardswish, ("hard_swish", 1.0, None)),
    (lambda y: y * F.hardsigmoid(y), ("hard_swish", 1.0, None)),
    (lambda y: y * (F.relu6(y + 3) / 6), ("hard_swish", 1.0, None)),
    (lambda y: y * F.relu6(y + 3) / 6, ("hard_swish", 1.0, None)),
]


class Activations(nn.Module):
    """A layer of every activation."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(3, 3) for _ in range(len(ACTIVATIONS) + 1))

    def forward(self, x: Any) -> Any:
        *hidden, last = self.layers
        for layer, (function, _) in zip(hidden, ACTIVATIONS, strict=True):
            x = function(2 * layer(x))
        return last(x)


@pytest.mark.parametrize("form", ["module", "file", "decomposed"])
def test_activations_by_name_and_written_out(form: str, tmp_path: Path) -> None:
    module = build(Activations).double()
    inputs = torch.zeros(1, 3, dtype=torch.float64)
    program = torch.export.export(module, (inputs,), strict=False)
    torch.export.save(program.run_decompositions() if form == "decomposed" else program, tmp_path / "model.pt2")
    net = read(module, inputs=inputs) if form == "module" else read(tmp_path / "model.pt2")
    assert net.activations == tuple(triple for _, triple in ACTIVATIONS)
    x = torch.randn(20, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert np.abs(outputs(net, x.numpy(), x.numpy()) - module(x).detach().numpy()).max() <= 1e-7


@pytest.mark.parametrize("decomposed", [False, True])
@pytest.mark.parametrize(("kind", "shapes"), MODELS, ids=IDS)
def test_a_file_is_the_module(kind: Callable[[], Any], shapes: Shapes, decomposed: bool, tmp_path: Path) -> None:
    """As it was exported, or in the few operators that torch decomposes all others into."""
    module, x = build(kind), example(shapes, 4)
    if kind.__name__ == "Parametrised":
        pytest.skip("an orthogonal matrix is a product of reflections, which only torch computes")
    program = torch.export.export(module, example(shapes), strict=False)
    if decomposed and kind.__name__ == "Autoencoder":
        pytest.skip("torch 2.13 cannot decompose a program of a module with a submodule 'code'")
    if decomposed or kind.__name__ == "InPlace":
        program = program.run_decompositions(None if decomposed else {})
    torch.export.save(program, tmp_path / "model.pt2")
    theirs = flat(module(*x))
    net = read(tmp_path / "model.pt2")
    assert np.abs(outputs(net, flat(x), theirs) - theirs).max() <= 1e-5


class Named(nn.Module):
    """A sum, a module that runs twice, also as the output, and an activation of activations."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.b = nn.Linear(3, 4), nn.Linear(4, 4)

    def forward(self, x: Any) -> Any:
        h = torch.relu(self.stem(x))
        h = torch.relu(h + self.b(h))
        return self.b(torch.tanh(torch.relu(self.b(torch.cat([h[:, :2], h[:, 2:]], 1)))))


def test_layers_are_called_by_what_makes_them(tmp_path: Path) -> None:
    module, inputs = Named().eval(), torch.zeros(1, 3)
    names = [layer.name for layer in load(module, inputs=inputs).layers]
    assert names == ["stem", "add", "b", "tanh", "b_1"]
    torch.export.save(torch.export.export(module, (inputs,)), tmp_path / "named.pt2")
    assert [layer.name for layer in load(tmp_path / "named.pt2").layers] == names
