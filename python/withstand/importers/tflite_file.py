# SPDX-License-Identifier: MIT
"""Reads `.tflite` files: what they hold, operator after operator."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from withstand.model.formats import Format

from .budget import Account
from .errors import UnsupportedModel
from .graph import Form, Graph, GraphBuilder
from .layers import Array, Layers
from .regular import open_regular

__all__ = ["Node", "Tensor", "Value", "read_tflite"]

_FLOATS: Final = ("FLOAT16", "FLOAT32", "FLOAT64")
_WORDS: Final = {"INT4", "INT8", "INT16", "UINT8"}
_TYPES: Final = {
    "FLOAT16": np.float16,
    "FLOAT32": np.float32,
    "FLOAT64": np.float64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "UINT8": np.uint8,
}


class Value(NamedTuple):
    """A tensor that is computed, and why nothing but moving its entries may follow, or empty."""

    form: Form
    closed: str = ""


class Tensor(NamedTuple):
    """What a file says of a tensor: its number, name, type, shape with the batch axis, and the number of its buffer."""

    number: int
    name: str
    kind: str
    shape: tuple[int, ...]
    buffer: int
    quantization: Any

    def format(self) -> Format:
        """Return the format of its words; channels are along the axis that `channels` tells."""
        info = self.quantization
        if info is None or info.ScaleLength() == 0:
            raise ValueError(f"has a tensor '{self.name}' of type {self.kind} without a scale")
        scales = np.asarray(info.ScaleAsNumpy(), dtype=np.float64).reshape(-1)
        zeros = np.zeros(1) if info.ZeroPointLength() == 0 else np.asarray(info.ZeroPointAsNumpy()).reshape(-1)
        if zeros.size not in (1, scales.size):
            raise ValueError(f"has {scales.size} scales and {zeros.size} zero points for tensor '{self.name}'")
        if scales.size == 1:
            return Format(self.kind.lower(), float(scales[0]), int(zeros[0]))
        same = np.broadcast_to(zeros, scales.shape)
        return Format(self.kind.lower(), tuple(scales.tolist()), tuple(map(int, same.tolist())))

    def real(self, codes: NDArray[Any]) -> Array:
        """Return the numbers that words stand for."""
        form = self.format()
        along = [1] * codes.ndim
        if form.channels is not None:
            axis = int(self.quantization.QuantizedDimension())
            if not 0 <= axis < codes.ndim or codes.shape[axis] != form.channels:
                raise ValueError(f"has {form.channels} scales for a constant '{self.name}' of shape {codes.shape}")
            along[axis] = -1
        scale, zero = (np.asarray(each).reshape(along) for each in (form.scale, form.zero_point))
        return np.asarray(scale * (codes.astype(np.int64) - zero).astype(np.float64))


class Node(NamedTuple):
    """An operator: its name, options, what it reads (None where an input is left out), and what it makes."""

    kind: str
    options: Any
    reads: list[Tensor | None]
    makes: Tensor
    file: _File

    def option(self, name: str) -> Any:
        """Return one of its options, 0 where the file holds none of them."""
        return 0 if self.options is None else getattr(self.options, name)()

    def constant(self, place: int, optional: bool = False) -> NDArray[Any] | None:
        """Return an input that the file holds; None for an optional one that is left out."""
        tensor = self.reads[place] if place < len(self.reads) else None
        if tensor is None and optional:
            return None
        array = None if tensor is None else self.file.constant(tensor)
        if array is None:
            raise ValueError(f"has an input {place} that is no constant")
        return array

    def weights(self, place: int, optional: bool = False) -> Array | None:
        """Return an input of numbers that the file holds; of a quantised model those that its words stand for."""
        array = self.constant(place, optional)
        if self.file.is_quantised and array is not None and array.dtype.kind in "iu":
            tensor = self.reads[place]
            assert tensor is not None
            self.file.account.array(array.size)
            return tensor.real(array)
        if array is not None and array.dtype.kind != "f":
            raise ValueError(f"has quantised weights ({array.dtype}), which belong to an integer computation")
        return None if array is None else array.astype(np.float64)


def read_tflite(path: Path, account: Account | None = None) -> Graph | Layers:
    """Read a `.tflite` file.

    Weights that are only stored as float16 or int8 are unpacked. Of a model that computes with int8, it is the real
    network that its stored numbers define.

    Raises
    ------
    ImportError
        If the tflite package is missing.
    UnsupportedModel
        For operators and quantisations that are not supported, by their name, and damaged files.
    """
    try:
        import tflite
    except ImportError as error:
        raise ImportError(f"reading .tflite files needs the tflite package ({error}): pip install tflite") from error
    account = account or Account()
    with open_regular(path) as stream:
        size = stream.seek(0, 2)
        account.hold(size)
        account.store(size)
        stream.seek(0)
        data = stream.read()
    if data[4:8] != b"TFL3":
        raise UnsupportedModel("is not a .tflite file: it has no identifier TFL3")
    try:
        file = _File(tflite, data, account)
        if file.is_quantised:
            from .tflite_quantised import built

            return built(file, account)
        return _built(file, account)
    except (MemoryError, ValueError):
        raise
    except Exception as error:  # offsets that lead out of a damaged file
        raise UnsupportedModel(f"is damaged ({type(error).__name__}: {error})") from error


def _built(file: _File, account: Account) -> Graph | Layers:
    from .tflite_ops import evaluate

    build = GraphBuilder(account)
    values: dict[int, Value] = {}
    for number in file.inputs:
        tensor = file.tensor(number)
        values[number] = Value(build.input(file.shape(tensor), name=tensor.name))
    readers = file.readers()
    for node in file.nodes():
        account.steps(1)
        where = f"operator {node.kind} of '{node.makes.name}'"
        try:
            value = evaluate(build, node, values)
            if value is None:
                continue
            if value.form.shape != file.shape(node.makes):
                raise ValueError(f"makes a tensor of shape {value.form.shape}, but the file says {node.makes.shape}")
        except ValueError as error:
            raise UnsupportedModel(f"{where}: {error}") from error
        several = readers.get(node.makes.number, 0) > 1
        values[node.makes.number] = value._replace(form=build.shared(value.form, node.makes.name)) if several else value
    missing = [file.tensor(number).name for number in file.outputs if number not in values]
    if missing:
        raise UnsupportedModel(f"has outputs that nothing computes: {', '.join(missing)}")
    outputs = [values[number] for number in file.outputs]
    name = ", ".join(file.tensor(number).name for number in file.outputs)
    if len({value.closed for value in outputs}) != 1 or (outputs[0].closed and len(outputs) > 1):
        raise UnsupportedModel("has several outputs of which some pass a softmax")
    return build.finish([value.form for value in outputs], logits=bool(outputs[0].closed), name=name)


class _File:
    """The one subgraph of a file, and its buffers."""

    def __init__(self, schema: Any, data: bytes, account: Account) -> None:
        self.schema, self.account, self.data = schema, account, data
        self.model = schema.Model.GetRootAsModel(data, 0)
        if self.model.SubgraphsLength() != 1:
            raise ValueError(f"has {self.model.SubgraphsLength()} subgraphs, supported is one")
        self.graph = self.model.Subgraphs(0)
        self.kinds = _names(schema.BuiltinOperator)
        self.types = _names(schema.TensorType)
        self.inputs = [self.graph.Inputs(n) for n in range(self.graph.InputsLength())]
        self.outputs = [self.graph.Outputs(n) for n in range(self.graph.OutputsLength())]
        self.unpacked: dict[int, NDArray[Any]] = {}
        kinds = {self.tensor(node.Outputs(0)).kind for node in self._operators() if node.OutputsLength()}
        self.is_quantised = bool(kinds & _WORDS)

    def _operators(self) -> list[Any]:
        return [self.graph.Operators(n) for n in range(self.graph.OperatorsLength())]

    def tensor(self, number: int) -> Tensor:
        if not 0 <= number < self.graph.TensorsLength():
            raise ValueError(f"names tensor {number} of {self.graph.TensorsLength()}")
        tensor = self.graph.Tensors(number)
        if tensor.Sparsity() is not None:
            raise ValueError(f"has a sparse tensor {number}, which is not supported")
        shape = tuple(int(tensor.Shape(n)) for n in range(tensor.ShapeLength()))
        name = (tensor.Name() or b"").decode("utf-8", "replace") or str(number)
        kind = self.types.get(tensor.Type(), str(tensor.Type()))
        return Tensor(number, name, kind, shape, tensor.Buffer(), tensor.Quantization())

    def shape(self, tensor: Tensor) -> tuple[int, ...]:
        """Return the shape of a tensor that is computed, without its batch axis, which must be one of length 1."""
        if tensor.kind not in _FLOATS and not (self.is_quantised and tensor.kind in _WORDS):
            raise ValueError(f"tensor '{tensor.name}' is of type {tensor.kind}, supported are {', '.join(_FLOATS)}")
        if len(tensor.shape) < 2 or tensor.shape[0] != 1 or min(tensor.shape) < 1:
            raise ValueError(f"tensor '{tensor.name}' has shape {tensor.shape}, supported is a batch axis of length 1")
        return tensor.shape[1:]

    def constant(self, tensor: Tensor) -> NDArray[Any] | None:
        """Return what the file holds of a tensor, or None where it is computed."""
        if tensor.number in self.unpacked:
            return self.unpacked[tensor.number]
        if tensor.buffer == 0 or tensor.buffer >= self.model.BuffersLength():
            return None
        buffer = self.model.Buffers(tensor.buffer)
        if buffer.DataLength() == 0:
            if buffer.Offset() > 1:
                raise ValueError(f"keeps tensor '{tensor.name}' behind the model, which is not supported")
            return None
        dtype = _TYPES.get(tensor.kind)
        if dtype is None:
            raise ValueError(f"has a constant '{tensor.name}' of type {tensor.kind}")
        array = np.frombuffer(buffer.DataAsNumpy().tobytes(), dtype=np.dtype(dtype).newbyteorder("<"))
        if array.size != math.prod(tensor.shape):
            raise ValueError(f"has {array.size} numbers for a constant '{tensor.name}' of shape {tensor.shape}")
        self.account.array(array.size)
        return array.reshape(tensor.shape)

    def nodes(self) -> list[Node]:
        found = []
        for n in range(self.graph.OperatorsLength()):
            operator = self.graph.Operators(n)
            code = self.model.OperatorCodes(operator.OpcodeIndex())
            number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            kind = self.kinds.get(number, str(number))
            if kind == "CUSTOM":
                kind = (code.CustomCode() or b"").decode("utf-8", "replace")
            if operator.OutputsLength() != 1:
                raise ValueError(f"operator {kind} has {operator.OutputsLength()} outputs, supported is one")
            reads = [operator.Inputs(i) for i in range(operator.InputsLength())]
            tensors = [None if i < 0 else self.tensor(i) for i in reads]
            found.append(Node(kind, self._options(operator, kind), tensors, self.tensor(operator.Outputs(0)), self))
        return found

    def readers(self) -> dict[int, int]:
        """Return how often each tensor is read, as an output too."""
        counts: dict[int, int] = {}
        for n in range(self.graph.OperatorsLength()):
            operator = self.graph.Operators(n)
            for i in range(operator.InputsLength()):
                counts[operator.Inputs(i)] = counts.get(operator.Inputs(i), 0) + 1
        for number in self.outputs:
            counts[number] = counts.get(number, 0) + 1
        return counts

    def _options(self, operator: Any, kind: str) -> Any:
        """Return an operator's options, whose class the file names."""
        names = _names(self.schema.BuiltinOptions)
        name = names.get(operator.BuiltinOptionsType(), "NONE")
        table = operator.BuiltinOptions()
        if name == "NONE" or table is None:
            return None
        options = getattr(self.schema, name)()
        options.Init(table.Bytes, table.Pos)
        return options


def _names(enumeration: Any) -> dict[int, str]:
    """Return the names of an enumeration's numbers."""
    return {number: name for name, number in vars(enumeration).items() if isinstance(number, int)}
