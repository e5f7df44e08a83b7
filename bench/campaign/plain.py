# SPDX-License-Identifier: MIT
"""Networks, failures and domains as plain data: for the oracle, for `withstand`, and as source in a report."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import withstand as ws

Act = tuple[str, float, Any]  # name, gain, slope (None: takes none)
Component = tuple[int, ...]
FINITE = ("crash", "stuck", "synapse-crash")
SYNAPSE = ("synapse-crash", "product", "signal", "replace")


@dataclass(frozen=True, eq=False)
class Net:
    """weights[l-1] is (N_l, N_{l-1}); acts[l-1] belongs to hidden layer l, ``out`` to the outputs."""

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    acts: tuple[Act, ...]
    out: Act = ("identity", 1.0, None)

    @property
    def depth(self) -> int:
        return len(self.acts)

    @property
    def widths(self) -> tuple[int, ...]:
        return (self.weights[0].shape[1], *(len(W) for W in self.weights))

    def act(self, layer: int) -> Act:
        return self.acts[layer - 1] if layer <= self.depth else self.out

    def build(self) -> ws.Network:
        return ws.Network(
            self.weights,
            self.biases,
            activation=[ws.Activation(*a) for a in self.acts],
            output_activation=ws.Activation(*self.out),
        )

    def source(self) -> str:
        weights = ", ".join(str(W.tolist()) for W in self.weights)
        biases = "None" if not any(b.any() for b in self.biases) else str([b.tolist() for b in self.biases])
        acts = ", ".join(_act_source(a) for a in self.acts)
        out = "" if self.out == ("identity", 1.0, None) else f", output_activation={_act_source(self.out)}"
        return f"ws.Network([{weights}], {biases}, activation=[{acts}]{out})"


def _act_source(act: Act) -> str:
    name, gain, slope = act
    if gain == 1.0 and slope is None:
        return repr(name)
    return f"ws.Activation({name!r}, {gain!r}" + ("" if slope is None else f", {slope!r}") + ")"


@dataclass(frozen=True)
class Term:
    """``count`` components suffer ``effect``: a total or one number per layer; ``size`` a value or a capacity."""

    effect: str
    count: Any = 0
    size: Any = 0.0
    exactly: bool = False
    among: tuple[Component, ...] | None = None

    @property
    def on_synapses(self) -> bool:
        return self.effect in SYNAPSE

    def at_most(self) -> Term:
        return replace(self, exactly=False)

    def with_count(self, count: Any) -> Term:
        return replace(self, count=count)

    def build(self) -> Any:
        return eval(self.source(), {"ws": ws})

    def source(self) -> str:
        if self.effect == "noise":
            return f"ws.Noise({self.size!r})"
        more = ", exactly=True" if self.exactly else ""
        more += "" if self.among is None else f", among={list(self.among)}"
        if self.effect in ("crash", "synapse-crash"):
            return f"ws.{'Crash' if self.effect == 'crash' else 'SynapseCrash'}({self.count}{more})"
        if self.effect == "stuck":
            return f"ws.StuckAt({self.count}, value={self.size!r}{more})"
        kind = "SynapseByzantine" if self.on_synapses else "Byzantine"
        return f"ws.{kind}({self.count}, capacity={self.size!r}, convention={self.effect!r}{more})"


Model = tuple[Term, ...]


def model_source(model: Model) -> str:
    return " + ".join(term.source() for term in model)


def build_model(model: Model) -> Any:
    total = model[0].build()
    for term in model[1:]:
        total = total + term.build()
    return total


@dataclass(frozen=True, eq=False)
class Case:
    """One network, one failure model, one domain. ``X`` are given inputs, or inputs inside ``box``."""

    name: str
    net: Net
    model: Model
    X: np.ndarray
    box: tuple[np.ndarray, np.ndarray] | None = None
    family: str = ""
    decisions: bool = False  # whether to ask for decisions (Argmax) instead of errors
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def finite(self) -> bool:
        return all(term.effect in FINITE for term in self.model)

    @cached_property
    def built(self) -> ws.Network:
        return self.net.build()

    @cached_property
    def failures(self) -> Any:
        return build_model(self.model)

    @cached_property
    def domain(self) -> Any:
        return self.X if self.box is None else ws.Box(*self.box)

    @property
    def spec(self) -> Any:
        return ws.Argmax() if self.decisions else None

    def source(self) -> str:
        box = self.box
        domain = str(self.X.tolist()) if box is None else f"ws.Box({box[0].tolist()}, {box[1].tolist()})"
        spec = "\nspec = ws.Argmax()" if self.decisions else ""
        return f"net = {self.net.source()}\nfailures = {model_source(self.model)}\ndomain = {domain}{spec}"

    def rng(self, purpose: str) -> np.random.Generator:
        """Random choices of one question, the same whatever else is asked."""
        words = [int(b) for b in purpose.encode()]
        return np.random.default_rng([*self.extra.get("seed", (0,)), *words])
