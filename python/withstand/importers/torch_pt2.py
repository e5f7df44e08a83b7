# SPDX-License-Identifier: MIT
"""Reads .pt2 files of torch.export.save without torch: the program is JSON, the tensors are plain bytes.

torch.export.load itself unpickles whatever entry of the archive says that it is pickled, and evaluates strings of the
program as expressions: a file can run any code there. Nothing of the kind happens here. Pickled entries are
refused where the program needs them, and the pickled sample inputs that every file carries are never opened.
"""

from __future__ import annotations

import json
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .budget import Account
from .errors import UnsupportedModel
from .graph import Graph
from .layers import Layers
from .regular import open_regular
from .torch_program import MUTATIONS, Constant, Node, Program, Ref, Shape
from .torch_walk import walk

__all__ = ["read_pt2"]

#: Types of tensors by torch's numbers.
_TYPES: Final = {1: "u1", 2: "i1", 3: "i2", 4: "i4", 5: "i8", 7: "f4", 8: "f8", 12: "?"}
_TYPE_NAMES: Final = {4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64", 12: "bool", 13: "bfloat16"}
_STRIDED: Final = 7
#: Major version of the program's schema that is read.
_SCHEMA: Final = 8
_DAMAGED: Final = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError)
_AGAIN: Final = "save it again with torch.export.save of torch 2.8 or later"


def read_pt2(path: str | os.PathLike[str], account: Account | None = None) -> Graph | Layers:
    """Read the network of a .pt2 file.

    Parameters
    ----------
    path : path
        A file of `torch.export.save`, of a program that was exported in evaluation mode with one example, or with a
        batch of any size.

    Raises
    ------
    OSError
        If there is no such file, or it is no regular file.
    UnsupportedModel
        If it is damaged, holds a pickled tensor that the program reads, or computes what no layer does.
    """
    account = account or Account()
    with open_regular(Path(path)) as file:
        account.hold(os.fstat(file.fileno()).st_size)
        try:
            with zipfile.ZipFile(file) as archive:
                return walk(_Archive(archive, account).program(), account)
        except _DAMAGED as error:
            raise UnsupportedModel(f"is not a readable .pt2 file: {error}") from error


class _Archive:
    """The entries of an archive, below the folder that all of them lie in."""

    def __init__(self, archive: zipfile.ZipFile, account: Account) -> None:
        self.archive, self.account = archive, account
        self.members: dict[str, zipfile.ZipInfo] = {}
        for member in archive.infolist():
            name = member.filename.partition("/")[2]
            if name in self.members:
                raise UnsupportedModel(f"holds '{name}' twice")
            self.members[name] = member
        if any(member.filename == "serialized_exported_program.json" for member in archive.infolist()):
            raise UnsupportedModel(f"has the layout of torch before 2.8; {_AGAIN}")
        if "archive_format" not in self.members or self.bytes("archive_format") != b"pt2":
            raise UnsupportedModel(f"is no archive of torch.export.save; {_AGAIN}")
        if "byteorder" in self.members and self.bytes("byteorder") != b"little":
            raise UnsupportedModel("was written on a big-endian machine, which is not supported")

    def bytes(self, name: str) -> bytes:
        """Return an entry."""
        if name not in self.members:
            raise UnsupportedModel(f"lacks the entry '{name}'")
        member = self.members[name]
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UnsupportedModel(f"has its entry '{name}' in compression {member.compress_type}")
        self.account.store(member.file_size)
        with self.archive.open(member) as entry:
            data = entry.read(member.file_size + 1)
        if len(data) != member.file_size:
            raise UnsupportedModel(f"has {len(data)} bytes in its entry '{name}', which says {member.file_size}")
        return data

    def json(self, name: str) -> Any:
        """Return an entry as the JSON that it holds."""
        try:
            return json.loads(self.bytes(name))
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise UnsupportedModel(f"has no JSON in its entry '{name}': {error}") from error

    def program(self) -> Program:
        """Return the program."""
        names = [name for name in self.members if name.startswith("models/") and name.endswith(".json")]
        if len(names) != 1:
            raise UnsupportedModel(f"holds {len(names)} programs, supported is one")
        model = self.json(names[0])
        major = model["schema_version"]["major"]
        if major != _SCHEMA:
            raise UnsupportedModel(f"has version {major} of torch's schema, read is {_SCHEMA}; {_AGAIN}")
        module = names[0].removeprefix("models/").removesuffix(".json")
        stored = {
            kind: self.json(f"data/{kind}/{module}_{kind}_config.json")["config"]
            for kind in ("weights", "constants")
            if f"data/{kind}/{module}_{kind}_config.json" in self.members
        }
        return _program(model, lambda kind, path: self.tensor(kind, path, stored.get(kind, {}).get(path)))

    def tensor(self, kind: str, path: str, entry: Any) -> NDArray[Any]:
        """Return a tensor; one that is pickled is not opened."""
        if entry is None:
            raise ValueError(f"reads the tensor '{path}', which the file does not hold")
        if entry["use_pickle"] or entry["tensor_meta"] is None:
            raise ValueError(f"reads '{path}', which is pickled: opening it would run code of the file")
        meta = entry["tensor_meta"]
        if meta["dtype"] not in _TYPES or meta["layout"] != _STRIDED:
            name = _TYPE_NAMES.get(meta["dtype"], f"type {meta['dtype']}")
            raise ValueError(f"reads '{path}' of {name} and layout {meta['layout']}, supported are float32 and float64")
        sizes, strides = (tuple(_whole(n) for n in meta[key]) for key in ("sizes", "strides"))
        offset, entries = _whole(meta["storage_offset"]), math.prod(sizes)
        self.account.array(entries)
        data = np.frombuffer(self.bytes(f"data/{kind}/{entry['path_name']}"), dtype="<" + _TYPES[meta["dtype"]])
        last = offset + sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))
        if len(strides) != len(sizes) or (entries and last >= len(data)):
            raise ValueError(f"reads '{path}', whose shape {sizes} does not fit the {len(data)} numbers of its entry")
        width = data.itemsize
        view = np.lib.stride_tricks.as_strided(data[offset:], sizes, [width * n for n in strides], writeable=False)
        return np.ascontiguousarray(view)


def _program(model: Any, tensor: Callable[[str, str], NDArray[Any]]) -> Program:
    module, graph = model["graph_module"], model["graph_module"]["graph"]
    inputs, constants = [], {}
    for entry in module["signature"]["input_specs"]:
        ((kind, given),) = entry.items()
        argument = given["arg"]
        name = argument.get("name") or argument.get("as_tensor", {}).get("name")
        if kind == "user_input":
            if name is None:
                raise UnsupportedModel(f"has an input that is no tensor: {', '.join(argument)}")
            inputs.append((name, _shape(name, graph["tensor_values"][name])))
        elif kind in _STORED:
            place, key = _STORED[kind]
            where = "constants" if kind == "buffer" and not given.get("persistent", True) else place
            constants[name] = Constant(given[key], _reader(tensor, where, given[key]))
    outputs = []
    for entry in module["signature"]["output_specs"]:
        ((kind, given),) = entry.items()
        if kind.upper() in MUTATIONS:
            target = given.get("buffer_name") or given.get("parameter_name")
            raise UnsupportedModel(MUTATIONS[kind.upper()].format(target))
        if kind == "user_output" and "as_tensor" in given["arg"]:
            outputs.append(given["arg"]["as_tensor"]["name"])
    return Program(tuple(inputs), constants, tuple(_nodes(graph["nodes"])), tuple(outputs))


#: Where each kind of stored input has its tensor, and what it calls its name there.
_STORED: Final = {
    "parameter": ("weights", "parameter_name"),
    "buffer": ("weights", "buffer_name"),
    "tensor_constant": ("constants", "tensor_constant_name"),
}


def _nodes(nodes: Any) -> Iterator[Node]:
    for node in nodes:
        op = node["target"].removeprefix("torch.ops.").removeprefix("aten.")
        arguments = {entry["name"]: _argument(entry["arg"]) for entry in node["inputs"]}
        if op.startswith("_operator."):
            arguments = dict(zip(("a", "b"), arguments.values(), strict=True))
        outputs = tuple(name for entry in node["outputs"] for name in _outputs(entry))
        stack = node["metadata"].get("nn_module_stack", "").rpartition(";")[2].split(",")
        name = node.get("name") or (outputs[0] if outputs else op)
        yield Node(name, op, arguments, outputs, stack[1] if len(stack) == 3 else "")


def _argument(entry: Any) -> Any:
    """Return one argument, which says its own kind."""
    ((kind, value),) = ((k, v) for k, v in entry.items() if v is not None or k == "as_none")
    if kind in _KINDS:
        return _KINDS[kind](value)
    if kind.endswith("s") and kind[:-1] in _KINDS:
        return [_KINDS[kind[:-1]](one) for one in value]
    raise UnsupportedModel(f"has an argument of kind '{kind}', which is not supported")


def _optional(value: Any) -> Any:
    return Ref(value["as_tensor"]["name"]) if "as_tensor" in value else None


def _symbolic(value: Any) -> Any:
    return Ref(value["as_name"]) if "as_name" in value else value["as_int"]


_KINDS: Final[dict[str, Callable[[Any], Any]]] = {
    "as_bool": bool,
    "as_device": lambda value: None,
    "as_float": float,
    "as_int": int,
    "as_layout": lambda value: None,
    "as_memory_format": lambda value: None,
    "as_none": lambda value: None,
    "as_optional_tensor": _optional,
    "as_scalar_type": lambda value: _TYPE_NAMES.get(value, f"type {value}"),
    "as_string": str,
    "as_sym_int": _symbolic,
    "as_tensor": lambda value: Ref(value["name"]),
}


def _outputs(entry: Any) -> list[str]:
    ((kind, value),) = entry.items()
    if kind == "as_tensors":
        return [one["name"] for one in value]
    if kind in ("as_tensor", "as_optional_tensor"):
        return [value["name"] if "name" in value else value.get("as_tensor", {}).get("name", "")]
    return [value["as_name"]] if kind in ("as_sym_int", "as_sym_bool") else [""]


def _shape(name: str, meta: Any) -> Shape:
    """Return the shape of an input; a batch of any size is read as one example."""
    sizes = [entry.get("as_int") for entry in meta["sizes"]]
    if sizes and sizes[0] is None:
        sizes[0] = 1
    if not sizes or sizes[0] != 1 or None in sizes:
        shown = ["any" if size is None else size for size in sizes]
        raise UnsupportedModel(f"input '{name}' has shape {shown}, supported is one example, or any batch, in axis 0")
    return tuple(_whole(size) for size in sizes)


def _reader(tensor: Callable[[str, str], NDArray[Any]], kind: str, path: str) -> Callable[[], NDArray[Any]]:
    return lambda: tensor(kind, path)


def _whole(value: Any) -> int:
    number = value["as_int"] if isinstance(value, dict) else value
    if not isinstance(number, int) or number < 0:
        raise ValueError(f"holds {number!r} for a size")
    return number
