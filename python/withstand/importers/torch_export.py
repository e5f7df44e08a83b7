# SPDX-License-Identifier: MIT
"""Exports a torch module whose forward is its own, as torch.export traces it, to a program of ATen operators.

torch runs the module's forward, and its hooks, once on tensors that have shapes and no numbers; that is all of the
model's code that runs. The operators are functional after `run_decompositions`: none changes a tensor in place. What
depends on parameters alone, as the mask of a pruning or a parametrisation, is computed by torch itself, in the
module's own precision.
"""

from __future__ import annotations

import operator
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .budget import Account
from .errors import UnsupportedModel
from .graph import Graph
from .layers import Layers
from .objects import is_own
from .torch_operators import HANDLERS, REFUSED
from .torch_program import MUTATIONS, Constant, Node, Program, Ref
from .torch_walk import walk

__all__ = ["arguments_of", "read_exported"]

#: Hooks that compute a parameter from others each time the module runs: traced like the rest of its forward.
_HOOKS: Final = ("torch.nn.utils.prune", "torch.nn.utils.weight_norm", "torch.nn.utils.spectral_norm")
#: Modules that compute something else in training mode.
_MODES: Final = ("BatchNorm", "Dropout", "InstanceNorm", "RReLU")


def read_exported(module: Any, inputs: Any, account: Account | None = None) -> Graph | Layers:
    """Read any module whose forward torch.export can trace, in evaluation mode.

    Parameters
    ----------
    module : torch.nn.Module
    inputs : tensor or array, tuple of them, or dict of them
        One example with a batch axis of 1: what the module is called with, by position, or by name.

    Raises
    ------
    UnsupportedModel
        For modules in training mode, with hooks other than those of pruning and normalised weights, that torch.export
        cannot trace, or that compute what no layer does; naming the module, or the node and its operator.
    """
    for name, part in module.named_modules():
        try:
            _check(part)
        except ValueError as error:
            raise UnsupportedModel(f"module '{name}' ({type(part).__name__}): {error}") from error
    torch = sys.modules["torch"]
    with warnings.catch_warnings(), torch.no_grad(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        return walk(_program(_export(module, inputs)), account)


def arguments_of(module: Any, inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what the module is called with, as tensors of its precision, on its device.

    Raises
    ------
    ValueError
        For inputs that are no arrays of numbers, or have no batch axis of 1.
    """
    torch = sys.modules["torch"]
    parameter = next((p for p in module.parameters() if p.dtype.is_floating_point), torch.zeros(()))

    def tensor(value: Any) -> Any:
        given = value if isinstance(value, torch.Tensor) else torch.as_tensor(np.asarray(value, dtype=np.float64))
        if given.dtype not in (torch.float32, torch.float64) or given.ndim == 0 or given.shape[0] != 1:
            form = f"shape {tuple(given.shape)} and type {given.dtype}"
            advice = "inputs[:1] of a batch, inputs[None] of a single example"
            wanted = f"one example of real numbers, with a batch axis of 1 ({advice})"
            raise ValueError(f"inputs has {form}, expected is {wanted}")
        return given.detach().to(dtype=parameter.dtype, device=parameter.device).contiguous()

    if isinstance(inputs, dict):
        return (), {str(name): tensor(value) for name, value in inputs.items()}
    return tuple(map(tensor, inputs if isinstance(inputs, tuple | list) else (inputs,))), {}


def _check(part: Any) -> None:
    """Refuse what computes otherwise than its user means, or than its trace would."""
    torch, name = sys.modules["torch"], type(part).__name__
    every = torch.nn.modules.module
    if every._global_forward_hooks or every._global_forward_pre_hooks:
        raise ValueError("runs under global forward hooks, which may change its values")
    for hook in (*part._forward_hooks.values(), *part._forward_pre_hooks.values()):
        if not (type(hook).__module__ in _HOOKS and is_own(hook, "torch")):
            raise ValueError("has forward hooks, which may change its values")
    if part.training and any(mode in name for mode in _MODES) and getattr(part, "p", 1) > 0 and is_own(part, "torch"):
        raise ValueError("is in training mode; call model.eval()")
    if any(parameter is not None and parameter.is_meta for parameter in part._parameters.values()):
        raise ValueError("holds a parameter on device meta, supported are those that have data")


def _export(module: Any, inputs: Any) -> Any:
    """Return the exported program, in functional operators of which each is read, as far as torch knows how to."""
    export = sys.modules["torch"].export
    positional, named = arguments_of(module, inputs)
    try:
        exported = export.export(module, positional, named, strict=False)
    except Exception as error:  # the module's own code runs here, and may raise anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        shapes = ", ".join(str(tuple(value.shape)) for value in (*positional, *named.values()))
        axis = "of which the first axis is the batch's (inputs[None] of one example)"
        asked = f"it was called with inputs of shape {shapes}, {axis}"
        raise UnsupportedModel(f"torch.export cannot trace it ({type(error).__name__}: {reason}); {asked}") from error
    for node in exported.graph.nodes:  # before decompositions take apart what has a name
        why = REFUSED.get(_name(node.target).split(".")[0]) if node.op == "call_function" else None
        if why:
            raise UnsupportedModel(f"node '{node.name}' ({_name(node.target)}): is not supported: {why}")
    try:
        return _decomposed(exported)
    except Exception:  # torch's own, as for a submodule that is called 'code'; the program can be read as it is
        return exported


def _decomposed(exported: Any) -> Any:
    exported = exported.run_decompositions({})
    unknown = {
        node.target
        for node in exported.graph.nodes
        if node.op == "call_function" and node.target is not operator.getitem and not _handler(_name(node.target))
    }
    table = sys.modules["torch"].export.default_decompositions() if unknown else {}
    chosen = {target: table[target] for target in unknown if target in table}
    return exported.run_decompositions(chosen) if chosen else exported


def _handler(op: str) -> Any:
    return HANDLERS.get(op) or HANDLERS.get(op.split(".")[0])


def _program(exported: Any) -> Program:
    signature = exported.graph_signature
    for output in signature.output_specs:
        if output.kind.name in MUTATIONS:
            raise UnsupportedModel(MUTATIONS[output.kind.name].format(output.target))
    shapes: dict[str, Any] = {node.name: node.meta["val"] for node in exported.graph.nodes if node.op == "placeholder"}
    inputs, tensors, paths = [], {}, {}
    for entry in signature.input_specs:
        if entry.kind.name == "USER_INPUT":
            inputs.append((entry.arg.name, tuple(map(int, shapes[entry.arg.name].shape))))
        elif entry.target in exported.state_dict or entry.target in exported.constants:
            paths[entry.arg.name] = str(entry.target)
            held = exported.constants if entry.target in exported.constants else exported.state_dict
            tensors[entry.arg.name] = held[entry.target]
    nodes = tuple(_nodes(exported.graph.nodes, tensors))
    constants = {name: Constant(paths.get(name, name), _reader(tensor)) for name, tensor in tensors.items()}
    outputs = [output.arg.name for output in signature.output_specs if output.kind.name == "USER_OUTPUT"]
    return Program(tuple(inputs), constants, nodes, tuple(outputs))


def _nodes(graph: Any, tensors: dict[str, Any]) -> Iterator[Node]:
    """Return the calls that depend on the inputs; results of the others are added to the constant tensors."""
    for node in graph:
        if node.op != "call_function":
            continue
        if _is_stored(node, tensors):
            if _name(node.target) == "detach_.default":  # of a copy: a tensor that forward made of numbers
                tensors[node.name] = tensors[node.args[0].name].detach()
                continue
            if getattr(getattr(node.target, "_schema", None), "is_mutable", False):  # the module itself would change
                raise UnsupportedModel(f"node '{node.name}' ({_name(node.target)}): changes a stored tensor in place")
            try:
                tensors[node.name] = node.target(*_stored(node.args, tensors), **_stored(node.kwargs, tensors))
            except Exception as error:  # torch's own
                reason = f"{type(error).__name__}: {error}"
                raise UnsupportedModel(f"node '{node.name}' ({_name(node.target)}): fails ({reason})") from error
            continue
        stack = list((node.meta.get("nn_module_stack") or {}).values())
        yield Node(node.name, _name(node.target), _bound(node), (node.name,), str(stack[-1][0]) if stack else "")


def _is_stored(node: Any, tensors: dict[str, Any]) -> bool:
    """Whether a call depends on stored tensors alone, and always gives the same."""
    if any(source.name not in tensors for source in node.all_input_nodes):
        return False
    if node.target is operator.getitem:
        return True
    tag = sys.modules["torch"].Tag.nondeterministic_seeded
    return getattr(node.target, "namespace", "") == "aten" and tag not in node.target.tags and _returns(node)


def _returns(node: Any) -> bool:
    return len(node.target._schema.returns) > 0


def _stored(value: Any, tensors: dict[str, Any]) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_stored(entry, tensors) for entry in value)
    if isinstance(value, dict):
        return {key: _stored(entry, tensors) for key, entry in value.items()}
    return tensors[value.name] if hasattr(value, "op") and hasattr(value, "graph") else value


def _bound(node: Any) -> dict[str, Any]:
    """Return the arguments by their names in the operator's schema."""
    if node.target is operator.getitem:
        values, index = node.args
        return {"values": Ref(values.name), "index": index}
    schema = getattr(node.target, "_schema", None)
    if schema is None:
        names: list[str] = ["a", "b"]
    else:
        names = [argument.name for argument in schema.arguments]
    arguments = {**dict(zip(names, node.args, strict=False)), **node.kwargs}
    return {name: _referred(value) for name, value in arguments.items()}


def _referred(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_referred(entry) for entry in value]
    return Ref(value.name) if hasattr(value, "op") and hasattr(value, "graph") else value


def _name(target: Any) -> str:
    if target is operator.getitem:
        return "getitem"
    return str(target).removeprefix("aten.")


def _reader(tensor: Any) -> Callable[[], NDArray[Any]]:
    """Return what reads a tensor's numbers; refused are those with which torch computes otherwise than in floats."""

    def read() -> NDArray[Any]:
        torch = sys.modules["torch"]
        if type(tensor) not in (torch.Tensor, torch.nn.Parameter, torch.nn.Buffer):
            raise ValueError(f"holds a {type(tensor).__name__} for a parameter, supported are plain tensors")
        if tensor.layout is not torch.strided or tensor.is_meta:
            raise ValueError(f"holds a parameter of layout {tensor.layout} on device {tensor.device}")
        if tensor.dtype.is_floating_point and tensor.dtype not in (torch.float32, torch.float64):
            raise ValueError(f"computes in {tensor.dtype}, supported are torch.float32 and torch.float64")
        numbers: NDArray[Any] = tensor.detach().cpu().numpy()
        return numbers

    return read
