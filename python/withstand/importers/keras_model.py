# SPDX-License-Identifier: MIT
"""Reads Keras models, Sequential and Functional, also inside one another: live ones, and files without Keras."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from .budget import Account
from .errors import UnsupportedModel
from .graph import Graph, GraphBuilder
from .keras_file import opened
from .keras_layers import FLOATS, Tensor, step
from .keras_parts import Call, Model, Ref, ordered, refs
from .layers import Layers

__all__ = ["read_keras", "read_keras_file"]


def read_keras_file(path: Path, account: Account | None = None) -> Graph | Layers:
    """Read a `.keras` or `.h5` file of Keras 2 or 3. Neither Keras nor one of its backends is needed, or run.

    Raises
    ------
    ImportError
        If h5py is missing.
    UnsupportedModel
        If it is no such file, and as in `read_keras`.
    """
    account = account or Account()
    with opened(path, account) as model:
        return _read(model, account)


def read_keras(model: Any, account: Account | None = None) -> Graph | Layers:
    """Read a built Keras 3 model.

    Parameters
    ----------
    model : keras.Model
        Sequential or Functional, of dense, convolutional and pooling layers, normalisations, sums, concatenations,
        layers that move data, supported activations, a trailing softmax, and such models.

    Raises
    ------
    UnsupportedModel
        For any other layer, by its name, and for layers that are quantised, that compute in half precision, or whose
        methods are replaced.
    """
    from .keras_objects import model_of_object

    return _read(model_of_object(model), account or Account())


def _read(model: Model, account: Account) -> Graph | Layers:
    build = GraphBuilder(account)
    tensors = []
    for given in model.inputs:
        sizes = [size for size in (given.shape or ())[1:] if isinstance(size, int) and size > 0]
        if given.shape is None or not 0 < len(sizes) == len(given.shape) - 1:
            raise UnsupportedModel(f"has input shape {given.shape}, supported are inputs of known size")
        tensors.append(Tensor(build.input(sizes, name=given.name)))
    outputs = _run(build, model, tensors)
    if len({tensor.closed for tensor in outputs}) != 1:
        raise UnsupportedModel("some outputs pass a softmax and some do not")
    if outputs[0].closed and len(outputs) > 1:
        raise UnsupportedModel(f"has {len(outputs)} outputs that pass a softmax, supported is one")
    name = ", ".join(_name(model, ref) for ref in model.outputs)
    return build.finish([tensor.form for tensor in outputs], logits=bool(outputs[0].closed), name=name)


def _name(model: Model, ref: Ref) -> str:
    """Return what the layer is called that makes a tensor, in the innermost model."""
    if ref.call not in model.calls:
        return model.inputs[ref.tensor].name
    part = model.calls[ref.call].part
    return _name(part, part.outputs[ref.tensor]) if isinstance(part, Model) else part.name


def _run(build: GraphBuilder, model: Model, inputs: list[Tensor]) -> list[Tensor]:
    """Return what a model makes of tensors."""
    _check_inputs(model, inputs)
    order = ordered(model)
    read = [ref for key in order for ref in refs([model.calls[key].arguments, model.calls[key].keywords])]
    readers = Counter([*read, *model.outputs])
    values: dict[Ref, Tensor] = {}
    for n, tensor in enumerate(inputs):
        values[Ref("inputs", n)] = _shared(build, tensor, readers[Ref("inputs", n)], model.inputs[n].name)
    for key in order:
        call = model.calls[key]
        build.account.steps(1)
        try:
            results = _called(build, call, values)
        except UnsupportedModel:
            raise
        except ValueError as error:
            raise UnsupportedModel(f"{call.part.where}: {error}") from error
        for n, tensor in enumerate(results):
            values[Ref(key, n)] = _shared(build, tensor, readers[Ref(key, n)], call.part.name)
    return [_value(values, ref) for ref in model.outputs]


def _called(build: GraphBuilder, call: Call, values: dict[Ref, Tensor]) -> list[Tensor]:
    """Return what one call makes."""
    given = {name: value for name, value in call.keywords.items() if not _is_plain(name, value)}
    arguments = [_resolved(values, each) for each in call.arguments]
    if isinstance(call.part, Model):
        if given or len(arguments) != 1:
            raise ValueError(f"is called with {given or arguments[1:]}, supported is its input alone")
        return _run(build, call.part, arguments[0] if isinstance(arguments[0], list) else arguments)
    if given and call.part.operation:
        arguments += [_resolved(values, each) for each in given.values()]
    elif given:
        raise ValueError(f"is called with {given}, supported is its input alone")
    return [step(build, call.part, arguments)]


def _is_plain(name: str, value: Any) -> bool:
    """Whether an argument says what a model does anyway: that it runs in inference, and without masks."""
    if name == "mask" and isinstance(value, list | tuple | dict):
        return all(_is_plain(name, each) for each in (value.values() if isinstance(value, dict) else value))
    return (name in ("mask", "training") and value is None) or (name == "training" and value is False)


def _resolved(values: dict[Ref, Tensor], thing: Any) -> Any:
    if isinstance(thing, Ref):
        return _value(values, thing)
    if isinstance(thing, list | tuple):
        return [_resolved(values, each) for each in thing]
    if isinstance(thing, dict):  # Keras has what is given by names in alphabetical order
        return [_resolved(values, thing[name]) for name in sorted(thing)]
    return thing


def _value(values: dict[Ref, Tensor], ref: Ref) -> Tensor:
    if ref not in values:
        raise ValueError(f"reads output {ref.tensor} of {ref.call}, which there is not")
    return values[ref]


def _shared(build: GraphBuilder, tensor: Tensor, readers: int, name: str) -> Tensor:
    """Return a tensor that several layers read as what one layer transmits: its parameters stay one copy."""
    return tensor._replace(form=build.shared(tensor.form, name)) if readers > 1 else tensor


def _check_inputs(model: Model, inputs: list[Tensor]) -> None:
    """Refuse a model that does not just run its layers on what it is given."""
    if len(inputs) != len(model.inputs):
        raise UnsupportedModel(f"{model.where}: reads {len(model.inputs)} tensors, and is given {len(inputs)}")
    for given, tensor in zip(model.inputs, inputs, strict=True):
        if given.dtype not in FLOATS:
            raise UnsupportedModel(
                f"{model.where}: casts its inputs to {given.dtype}, supported are {', '.join(FLOATS)}"
            )
        if given.shape is not None and not _fits(given.shape[1:], tensor.form.shape):
            raise UnsupportedModel(
                f"{model.where}: has input shape {given.shape} for a tensor of shape {tensor.form.shape}"
            )


def _fits(expected: tuple[Any, ...], shape: tuple[int, ...]) -> bool:
    return len(expected) == len(shape) and all(size in (None, n) for size, n in zip(expected, shape, strict=True))
