# SPDX-License-Identifier: MIT
"""What holds for objects of any library, on classes of our own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from withstand.importers.objects import check_arguments, check_methods, is_own


class Layer:
    """A layer as a library might have it."""

    def __init__(
        self, size: int, *, gain: float = 1.0, limits: Any = (0, 1), copy: bool = True, hidden: int = 3
    ) -> None:
        self.size, self.gain, self.limits, self.copy = size, gain, limits, copy

    def call(self, x: float) -> float:
        return x * self.gain

    def __call__(self, x: float) -> float:
        return self.call(x)


class Derived(Layer):
    """A class that another library derives."""


def test_own_classes_are_those_that_their_module_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    library = __name__.split(".")[0]
    assert is_own(Layer(2), library)
    assert not is_own(Layer(2), "torch")
    assert not is_own(type("Layer", (Layer,), {"__module__": __name__})(2), library)  # the name alone is not enough
    monkeypatch.setattr(Derived, "__module__", "torch.nn")
    assert not is_own(Derived(2), "torch")


@pytest.mark.parametrize("name", ["call", "__call__"])
def test_replaced_methods(name: str) -> None:
    layer = Layer(2)
    check_methods(layer)
    layer.note = "attributes of other names do not matter"
    check_methods(layer)
    setattr(layer, name, lambda x: 0.0)
    with pytest.raises(ValueError, match=f"has its method '{name}' replaced on the instance"):
        check_methods(layer)
    check_methods(layer, allowed=(name,))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, None),
        ({"gain": 2.0}, "has gain = 2.0, supported is gain = 1.0"),
        ({"gain": np.ones(2)}, r"has gain = array\(\[1., 1.\]\), supported is gain = 1.0"),
        ({"limits": (0, 1)}, None),
        ({"limits": (0, 2)}, r"has limits = \(0, 2\), supported is limits = \(0, 1\)"),
        ({"copy": False}, None),
        ({"hidden": 5}, None),  # an argument that is not kept changes nothing
    ],
)
def test_arguments(arguments: dict[str, Any], message: str | None) -> None:
    layer = Layer(2, **arguments)
    if message is None:
        check_arguments(layer, "copy")
    else:
        with pytest.raises(ValueError, match=message):
            check_arguments(layer, "copy")
