# SPDX-License-Identifier: MIT
"""A network that was loaded by an example is compared with the module, which is left as it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from built_graphs import as_graph
from oracle.graph import evaluate_graph
from withstand.importers import UnsupportedModel, read, torch_check

torch = pytest.importorskip("torch")
from torch_images import Block, Depthwise  # noqa: E402
from torch_models import Heads, Parametrised, Pruned, TwoInputs, build, example  # noqa: E402

nn = torch.nn


class Network:
    """A network as the comparison uses it, its outputs changed by a factor."""

    def __init__(self, net: Any, factor: float = 1.0) -> None:
        self.net, self.factor, self.outputs = net, factor, net.outputs

    def forward(self, x: np.ndarray) -> np.ndarray:
        return self.factor * evaluate_graph(*as_graph(self.net), x)


CASES = [
    (Depthwise, [(3, 5, 5)]),
    (Heads, [(4,)]),
    (Parametrised, [(4,)]),
    (Pruned, [(1, 5, 5)]),
    (TwoInputs, [(3,), (2,)]),
]


@pytest.mark.parametrize(("kind", "shapes"), CASES, ids=[kind.__name__ for kind, _ in CASES])
def test_the_same_function_passes_and_the_smallest_change_does_not(kind: Any, shapes: Any) -> None:
    module, inputs = build(kind), example(shapes)
    net = read(module, inputs=inputs)
    state = {name: (tensor, tensor.clone()) for name, tensor in module.state_dict(keep_vars=True).items()}
    plain = [(part, dict(vars(part))) for part in module.modules()]
    random = torch.random.get_rng_state()
    torch_check.compare_exported(Network(net), module, inputs)
    for name, tensor in module.state_dict(keep_vars=True).items():
        assert tensor is state[name][0] and torch.equal(tensor, state[name][1])
    assert all(vars(part) == before for part, before in plain if "weight" not in before)
    assert all(vars(part)["weight"] is before["weight"] for part, before in plain if "weight" in before)
    assert torch.equal(random, torch.random.get_rng_state()) and not module.training
    with pytest.raises(UnsupportedModel, match=r"input \d of the check: output \d is .* as loaded, but .*check=False"):
        torch_check.compare_exported(Network(net, 1.0 + 1e-5 if net.outputs == "values" else 1.001), module, inputs)


def test_examples_that_depend_on_each_other() -> None:
    class Mixing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 3)

        def forward(self, x: Any) -> Any:
            y = torch.relu(self.linear(x))
            return self.linear(y + (y[0] - y))

    module, inputs = Mixing().eval(), torch.ones(1, 3)
    with pytest.raises(UnsupportedModel, match="other outputs in a batch than alone: examples depend on each other"):
        torch_check.compare_exported(Network(read(module, inputs=inputs)), module, inputs)


def test_a_module_for_single_examples_alone() -> None:
    class Single(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(6, 4), nn.Linear(4, 2)

        def forward(self, x: Any) -> Any:
            return self.b(torch.relu(self.a(x.view(1, 6))))

    module, inputs = Single().eval(), torch.ones(1, 2, 3)
    torch_check.compare_exported(Network(read(module, inputs=inputs)), module, inputs)


def test_a_module_that_keeps_to_its_precision() -> None:
    """It holds a tensor that is neither parameter nor buffer, so it does not run on doubles."""

    class Kept(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.kernel = nn.Linear(4, 3), torch.randn(2, 3)

        def forward(self, x: Any) -> Any:
            return nn.functional.linear(torch.relu(self.a(x)), self.kernel)

    module, inputs = Kept().eval(), torch.ones(1, 4)
    net = read(module, inputs=inputs)
    torch_check.compare_exported(Network(net), module, inputs)
    with pytest.raises(UnsupportedModel, match="as loaded, but"):
        torch_check.compare_exported(Network(net, 1.01), module, inputs)


def test_a_forward_that_differs_between_trace_and_run() -> None:
    class Differing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 3)

        def forward(self, x: Any) -> Any:
            y = self.linear(torch.relu(self.linear(x)))
            return y if torch.compiler.is_exporting() else 2 * y

    module, inputs = Differing().eval(), torch.ones(1, 3)
    with pytest.raises(UnsupportedModel, match="does not compute what its trace says"):
        torch_check.compare_exported(Network(read(module, inputs=inputs)), module, inputs)


def test_outputs_of_another_shape() -> None:
    module, inputs = build(lambda: Block(2, 2)), example([(2, 3, 3)])
    net = Network(read(build(Heads), inputs=example([(4,)])))
    net.forward = lambda x: np.zeros((len(x), 3))  # type: ignore[method-assign]
    with pytest.raises(UnsupportedModel, match=r"gives outputs of shape \(9, 18\), and as loaded of shape \(9, 3\)"):
        torch_check.compare_exported(net, module, inputs)
