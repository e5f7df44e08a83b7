# SPDX-License-Identifier: MIT
"""Builds the real network of a `.tflite` file that computes with int8: see `quantised` and docs/quantised.md."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from withstand.model.formats import Format

from .affine import SOFTMAX
from .errors import UnsupportedModel
from .form import Form
from .graph import Graph
from .layers import IDENTITY, Layers, Phi
from .quantised import NOTHING, Grid, QuantisedBuilder, Stored
from .tflite_file import Node, Tensor
from .tflite_ops import FUSED, LAYERS, MOVES
from .tflite_rules import NEAREST, copied, quantised, requantised, summed

if TYPE_CHECKING:
    from .budget import Account

__all__ = ["built"]


class Words(NamedTuple):
    """A tensor that is computed: its grid, None of floats, and why nothing but moving its entries may follow."""

    form: Form
    grid: Grid | None
    closed: str = ""


_RANGES: Final = {"LOGISTIC": "logistic", "TANH": "tanh"}
_CLAMPS: Final = {"RELU": (0.0, math.inf), "RELU6": (0.0, 6.0)}
_WEIGHTED: Final = ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D")
_EXACT: Final = ("MAX_POOL_2D", "CONCATENATION")


def built(file: Any, account: Account) -> Graph | Layers:
    """Return the network of a file's one subgraph."""
    build = QuantisedBuilder(account)
    values: dict[int, Words] = {}
    for number in file.inputs:
        tensor = file.tensor(number)
        form = build.input(file.shape(tensor), name=tensor.name)
        values[number] = Words(form, None)
    for number in file.inputs:  # all inputs are declared before any layer
        tensor = file.tensor(number)
        if tensor.kind != "FLOAT32":
            grid = _grid(tensor)
            values[number] = Words(build.quantise(values[number].form, grid, 0.5, name=tensor.name), grid)
    for node in file.nodes():
        account.steps(1)
        try:
            value = _Step(build, node, values).value()
            if value.form.shape != file.shape(node.makes):
                raise ValueError(f"makes a tensor of shape {value.form.shape}, but the file says {node.makes.shape}")
        except ValueError as error:
            raise UnsupportedModel(f"operator {node.kind} of '{node.makes.name}': {error}") from error
        values[node.makes.number] = value
    missing = [file.tensor(number).name for number in file.outputs if number not in values]
    if missing:
        raise UnsupportedModel(f"has outputs that nothing computes: {', '.join(missing)}")
    outputs = [values[number] for number in file.outputs]
    if len({value.closed for value in outputs}) != 1 or (outputs[0].closed and len(outputs) > 1):
        raise UnsupportedModel("has several outputs of which some pass a softmax")
    name = ", ".join(file.tensor(number).name for number in file.outputs)
    return build.finished([value.form for value in outputs], bool(outputs[0].closed), name)


def _grid(tensor: Tensor) -> Grid:
    if tensor.kind != "INT8":
        raise ValueError(
            f"tensor '{tensor.name}' is of type {tensor.kind}, how whose kernels round is not known; supported is INT8"
        )
    return Grid.of(tensor.format())


class _Step:
    """One operator and what it reads."""

    def __init__(self, build: QuantisedBuilder, node: Node, values: dict[int, Words]) -> None:
        self.build, self.node = build, node
        self.read = [values[tensor.number] for tensor in node.reads if tensor is not None and tensor.number in values]
        if not self.read:
            raise ValueError("reads nothing that is computed, which is not supported")
        self.forms = [value.form for value in self.read]

    def value(self) -> Words:
        node, first = self.node, self.read[0]
        if node.kind == "DEQUANTIZE":
            return Words(first.form, None, first.closed)
        if node.kind in MOVES:
            if node.makes.kind != "FLOAT32" and _grid(node.makes) != first.grid and not first.closed:
                raise ValueError("moves words to a tensor of another scale or zero point")
            return Words(MOVES[node.kind](self.build, node, self.forms), first.grid, first.closed)
        for value in self.read:
            if value.closed:
                raise ValueError(value.closed)
        if node.kind == "SOFTMAX":
            return self._softmax()
        if node.kind == "QUANTIZE":
            return self._copy()
        if any(value.grid is None for value in self.read) or node.makes.kind == "FLOAT32":
            raise ValueError("computes with floats in a model of integers, as dynamic quantisation does")
        return self._computed(_grid(node.makes))

    # -- kinds of operators --------------------------------------------------------------------------------------
    def _computed(self, grid: Grid) -> Words:
        node, kind = self.node, self.node.kind
        if kind in _RANGES:
            form = self.build.activate(self.forms[0], Phi(_RANGES[kind]), name=node.makes.name)
            return self._words(form, grid, NEAREST)
        if kind in _CLAMPS:
            ceiling = _CLAMPS[kind][1]
            return self._words(self.forms[0], grid, self._copying(grid), ceiling=_end(ceiling, grid), relu=True)
        if kind == "LEAKY_RELU":
            return self._leaky(grid)
        if kind not in LAYERS or kind in ("DIV", "MAXIMUM", "MINIMUM", "ADD_N"):
            known = ", ".join(sorted([*MOVES, *_RANGES, *_CLAMPS, *_WEIGHTED, *_EXACT, "LEAKY_RELU", "SOFTMAX", "ADD",
                                      "SUB", "MUL", "AVERAGE_POOL_2D", "MEAN", "QUANTIZE", "DEQUANTIZE"]))  # fmt: skip
            raise ValueError(f"is not supported of int8; supported are {known}")
        number = node.option("FusedActivationFunction") if hasattr(node.options, "FusedActivationFunction") else 0
        if number not in FUSED or FUSED[number].name not in ("identity", "relu", "relu6"):
            raise ValueError(f"has the fused activation {number}, supported of int8 are NONE, RELU and RELU6")
        form = LAYERS[kind](self.build, node, self.forms)
        if kind in _EXACT and any(value.grid != grid for value in self.read):
            raise ValueError("makes words of another scale or zero point than it reads")
        ceiling = _end(6.0, grid) if FUSED[number].name == "relu6" else math.inf
        steps, stored = (0.0, NOTHING) if kind in _EXACT else self._rounding(grid)
        return self._words(form, grid, steps, stored, ceiling, FUSED[number] != IDENTITY)

    def _words(self, form: Form, grid: Grid, steps: float, stored: Stored = NOTHING, ceiling: float = math.inf,
               relu: bool = False) -> Words:  # fmt: skip
        return Words(self.build.quantise(form, grid, steps, stored, self.node.makes.name, ceiling, relu), grid)

    def _softmax(self) -> Words:
        form = self.forms[0]
        if self.node.option("Beta") != 1:
            raise ValueError(f"has beta {self.node.option('Beta')}, supported is 1")
        if form.shape[-1] != form.size:
            raise ValueError(f"runs over the last axis of shape {form.shape}, supported is only the class axis")
        return Words(form, None, SOFTMAX)

    def _copy(self) -> Words:
        grid = _grid(self.node.makes)
        steps = quantised() if self.read[0].grid is None else self._copying(grid)
        return self._words(self.forms[0], grid, steps)

    def _leaky(self, grid: Grid) -> Words:
        slope = float(self.node.option("Alpha"))
        if not 0 <= slope < math.inf:
            raise ValueError(f"has a slope of {slope}, supported are slopes >= 0")
        phi = Phi("leaky_relu", slope=slope)
        form = self.build.activate(self.forms[0], phi, name=self.node.makes.name)
        given = self._given(0)
        ratio = given.step / grid.step
        steps = max(copied(ratio, _farthest(given)), copied(ratio * slope, _farthest(given)), NEAREST)
        return self._words(form, grid, steps)

    # -- amplitudes ----------------------------------------------------------------------------------------------
    def _rounding(self, grid: Grid) -> tuple[float, Stored]:
        """Return how far an operator rounds, and the formats of what it stores."""
        kind, node = self.node.kind, self.node
        given = [value.grid.step for value in self.read if value.grid is not None]
        if kind in _WEIGHTED:
            return self._weighted(grid)
        if kind in ("ADD", "SUB", "MUL"):
            held = [t for t in node.reads if t is not None and node.file.constant(t) is not None]
            steps = [*given, *(_single(tensor.format()) for tensor in held)]
            rule = requantised(math.prod(steps) / grid.step) if kind == "MUL" else summed(np.array(steps) / grid.step)
            return rule, NOTHING
        if kind == "AVERAGE_POOL_2D":
            if self.read[0].grid != grid:
                raise ValueError("makes words of another scale or zero point than it reads")
            return NEAREST, NOTHING
        return 1.0 + 2.0**-10, NOTHING  # MEAN: two roundings, whatever the multiplier

    def _weighted(self, grid: Grid) -> tuple[float, Stored]:
        """Return the rule of matrices and convolutions, with what the bias's own scale is off by."""
        weight, bias = (self.node.reads[n] if n < len(self.node.reads) else None for n in (1, 2))
        assert weight is not None
        form = weight.format()
        if form.name != "int8" or np.any(np.asarray(form.zero_point) != 0):
            raise ValueError(f"has weights of {form.name} with a zero point, supported are int8 with zero point 0")
        scale = np.atleast_1d(np.asarray(form.scale))
        product = self._given(0).step * scale
        steps = requantised(product / grid.step)
        codes = self.node.constant(2, optional=True)
        self._check_sums(codes)
        if bias is None or codes is None:
            return steps, Stored(form)
        own = bias.format()
        if own.name != "int32":
            raise ValueError(f"has a bias of {own.name}, supported is int32")
        off = np.abs(codes * (np.asarray(own.scale) - product)).max() / grid.step
        if off > 2.0**-6:
            raise ValueError(f"has a bias whose scale is not that of the products: {off:.3g} steps off")
        return steps + float(off), Stored(form, own)

    def _check_sums(self, bias: NDArray[Any] | None) -> None:
        """Refuse sums that the kernels' 32 bits may not hold."""
        weight = self.node.constant(1)
        assert weight is not None
        rows = np.abs(np.moveaxis(weight.astype(np.int64), 3 if self.node.kind.startswith("DEPTH") else 0, 0))
        reached = 255 * rows.reshape(len(rows), -1).sum(axis=1).max()
        reached += 0 if bias is None else np.abs(bias.astype(np.int64)).max()
        if reached >= 2**31:
            raise ValueError(f"has sums of products of up to {reached:,}, which 32 bits do not hold")

    def _copying(self, grid: Grid) -> float:
        given = self._given(0)
        return copied(given.step / grid.step, _farthest(given))

    def _given(self, place: int) -> Grid:
        grid = self.read[place].grid
        if grid is None:
            raise ValueError("reads floats where words are expected")
        return grid


def _single(form: Format) -> float:
    if isinstance(form.scale, tuple):
        raise ValueError("has a constant with scales per channel, which is supported of weights")
    return form.scale


def _farthest(grid: Grid) -> float:
    return max(grid.high, -grid.low) / grid.step


def _end(ceiling: float, grid: Grid) -> float:
    """Return where the word nearest to a fused activation's end lies: the kernels clamp words."""
    return ceiling if math.isinf(ceiling) else float(np.rint(ceiling / grid.step)) * grid.step
