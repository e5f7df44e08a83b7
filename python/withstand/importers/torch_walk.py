# SPDX-License-Identifier: MIT
"""Runs a program of ATen operators on forms: linear functions of layers, instead of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from withstand.model.held import held

from .budget import Account
from .errors import UnsupportedModel
from .graph import Graph, GraphBuilder
from .layers import Layers
from .objects import FAILURES
from .torch_operators import HANDLERS, REFUSED, VIEWS
from .torch_program import Node, Program, Ref
from .torch_values import Closed, Signal, Tracer

__all__ = ["walk"]

_SKIPPED: Final = (
    "_assert_async", "_assert_scalar", "_assert_tensor_metadata", "sym_constrain_range",
    "sym_constrain_range_for_size",
)  # fmt: skip

#: Operators on computed tensors that are read only where they are parts of an activation.
_PARTS: Final = ("abs", "exp", "gt", "le")
#: Operators that the factor of a gate x * f(x) is made of.
_GATES: Final = ("add", "clamp", "clamp_max", "clamp_min", "div", "hardsigmoid", "hardtanh", "relu6", "sigmoid")


def walk(program: Program, account: Account | None = None) -> Graph | Layers:
    """Return the network that a program computes for one example.

    Raises
    ------
    UnsupportedModel
        Naming the node, its operator, and what is supported.
    """
    builder = GraphBuilder(account)
    state = _State(Tracer(builder), readers(program))
    for name, shape in program.inputs:
        state.values[name] = state.tracer.batched(builder.input(shape[1:], name))
    for name, constant in program.constants.items():
        state.constants[name] = constant
    if len(program.nodes) > builder.account.budget.nodes:
        raise UnsupportedModel(f"has {len(program.nodes)} nodes, at most {builder.account.budget.nodes} are read")
    for node in program.nodes:
        try:
            builder.account.steps(1)
            state.run(node)
        except FAILURES as error:
            place = f" in '{node.place}'" if node.place else ""
            reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
            raise UnsupportedModel(f"node '{node.name}' ({node.op}){place}: {reason}") from error
    return _finish(state, program)


class _State:
    """The values of a program's names so far.

    Operators whose names end in an underscore change their first argument: its name gets the result. Other names of
    the same memory would see the change too; reading one of them afterwards is refused.
    """

    def __init__(self, tracer: Tracer, uses: Mapping[str, int]) -> None:
        self.tracer = tracer
        self.uses = uses
        self.values: dict[str, Any] = {}
        self.constants: dict[str, Any] = {}
        self.memory: dict[str, str] = {}
        self.stale: dict[str, str] = {}

    def run(self, node: Node) -> None:
        """Run one node."""
        packet = node.op.split(".")[0]
        if packet in _SKIPPED:
            return
        changes = packet.endswith("_") and not packet.startswith("_")
        pure = packet.rstrip("_") if changes else packet
        handler = HANDLERS.get(node.op) or HANDLERS.get(pure)
        if handler is None:
            raise ValueError(f"is not supported: {REFUSED.get(pure, 'it is not among the operators that are read')}")
        arguments = {key: self.resolve(value) for key, value in node.arguments.items()}
        self.tracer.begin(node)
        result = handler(self.tracer, **arguments)
        self._store(node, result)
        self._share(node, pure, changes)

    def resolve(self, value: Any) -> Any:
        """Return an argument with the values of the names in it."""
        if isinstance(value, Ref):
            return self.read(value.name)
        if isinstance(value, list | tuple):
            return [self.resolve(entry) for entry in value]
        return value

    def read(self, name: str) -> Any:
        """Return the value of a name."""
        if name in self.stale:
            raise ValueError(
                f"reads '{name}', which '{self.stale[name]}' has changed in place through another name; save "
                "ep.run_decompositions({}) instead, which has no such changes"
            )
        if name not in self.values and name in self.constants:
            constant = self.constants[name]
            array = constant.read()
            if array.dtype.kind == "f":
                if array.dtype.itemsize < 4:
                    raise ValueError(f"reads '{constant.path}' in {array.dtype}, supported are float32 and float64")
                array = held(array)
            self.values[name] = array
        if self.values.get(name) is None:
            raise ValueError(f"reads '{name}', which is not supported")
        return self.values[name]

    def _store(self, node: Node, result: Any) -> None:
        results: Any = (result,)
        if isinstance(result, tuple):
            results = result if len(node.outputs) > 1 else (list(result),)
        for name, value in zip(node.outputs, results, strict=False):
            if isinstance(value, Signal) and self.uses.get(name, 0) > 1:
                value = self.tracer.shared(value)
            self.values[name] = value

    def _share(self, node: Node, pure: str, changes: bool) -> None:
        first = next(iter(node.arguments.values()), None)
        if not isinstance(first, Ref):
            return
        root = self.memory.get(first.name, first.name)
        if pure in VIEWS:
            self.memory.update(dict.fromkeys(node.outputs, root))
        if not changes or pure in VIEWS:
            return
        if first.name in self.constants:
            raise ValueError(f"changes the stored tensor '{self.constants[first.name].path}' whenever it runs")
        sharing = {name for name, owner in self.memory.items() if owner == root} | {root}
        for name in sharing - {first.name, *node.outputs}:
            self.stale[name] = node.name
        self.values[first.name] = self.values[node.outputs[0]]
        self.memory[node.outputs[0]] = root


def readers(program: Program) -> Counter[str]:
    """Return how many nodes read each name as it is; what may become one activation together counts as one reader."""
    users: dict[str, list[Node]] = {}
    for node in program.nodes:
        for name in _names(node.arguments.values()):
            users.setdefault(name, []).append(node)
    counts = Counter(program.outputs)
    for name, nodes in users.items():
        counts[name] += sum(not _is_part(name, node, users) for node in nodes)
    return counts


def _names(values: Any) -> Iterator[str]:
    for value in values:
        if isinstance(value, Ref):
            yield value.name
        elif isinstance(value, list | tuple):
            yield from _names(value)


def _is_part(name: str, node: Node, users: Mapping[str, list[Node]]) -> bool:
    """Whether another reader of the name reads what this one makes of it, and the two are one activation."""
    packet = node.op.split(".")[0]
    if packet in _PARTS:
        return True
    last = "where" if packet == "mul" else "mul"
    while packet in _GATES or packet == "mul":  # each read by the next alone, the last with what the first one reads
        after = [user for output in node.outputs for user in users.get(output, ())]
        if len(after) != 1:
            return False
        node, packet = after[0], after[0].op.split(".")[0]
        if packet == last:
            return name in _names(node.arguments.values())
    return False


def _finish(state: _State, program: Program) -> Graph | Layers:
    try:
        values = [state.read(name) for name in program.outputs]
        closed = [isinstance(value, Closed) for value in values]
        if any(closed) and not all(closed):
            raise ValueError("some outputs pass a softmax and some do not")
        if len(values) > 1 and any(closed):
            raise ValueError("has several outputs that pass a softmax each, one is supported")
        values = [value.logits if isinstance(value, Closed) else value for value in values]
        forms = [state.tracer.inner(value) for value in values]
    except ValueError as error:
        raise UnsupportedModel(f"the outputs: {error}") from error
    if not forms:
        raise UnsupportedModel("has no outputs")
    names = [state.tracer.distinct(value.label or name) for name, value in zip(program.outputs, values, strict=True)]
    return state.tracer.builder.finish(forms, logits=all(closed), name=", ".join(names))
