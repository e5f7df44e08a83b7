# SPDX-License-Identifier: MIT
"""Networks from files and from other libraries' objects.

Each format is one module that is imported when it is needed, so the package itself needs NumPy alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from .budget import Account, Budget
from .errors import UnsupportedModel
from .graph import Graph
from .layers import Layers
from .objects import FAILURES
from .regular import open_regular

if TYPE_CHECKING:
    from .. import Network

__all__ = ["Budget", "Graph", "Layers", "UnsupportedModel", "load", "read"]

_FILES: Final = {
    ".onnx": ("onnx_file", "read_onnx"),
    ".onnx.gz": ("onnx_file", "read_onnx"),
    ".nnet": ("nnet", "read_nnet"),
    ".npz": ("npz", "load_npz"),
    ".keras": ("keras_model", "read_keras_file"),
    ".h5": ("keras_model", "read_keras_file"),
    ".mat": ("matlab", "read_mat"),
    ".tflite": ("tflite_file", "read_tflite"),
    ".txt": ("controller", "read_controller"),
    ".pt2": ("torch_pt2", "read_pt2"),
}
#: Of the files that are read.
SUFFIXES: Final = tuple(_FILES)
_OBJECTS: Final = {
    "torch": ("torch_module", "read_torch"),
    "sklearn": ("sklearn_model", "read_sklearn"),
    "keras": ("keras_model", "read_keras"),
}
_PICKLED: Final = (
    "; pickled code is not read: build the module in Python, load its weights and call withstand.load(model, "
    "inputs=example), or export it to .pt2 or .onnx"
)
_WEIGHTS: Final = (
    "; weights alone are no network: build the module in Python, call module.load_state_dict and then "
    "withstand.load(module, inputs=example)"
)
#: What to do with files that are not read, by suffix.
_ADVICE: Final = {
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".torch"), _PICKLED),
    ".pb": "; export the model to .onnx (tf2onnx) or .tflite, or save it from Keras as .keras",
    ".hdf5": "; where Keras wrote it, call it .h5",
    **dict.fromkeys(
        (".pkl", ".pickle", ".joblib"), "; load the object in Python, if you trust it, and call withstand.load(object)"
    ),
}
_GIT_LFS: Final = b"version https://git-lfs"


def load(source: Any, *, inputs: Any = None, check: bool = True, budget: Budget | None = None) -> Network:
    """Load a network from a file or from a model of another library.

    Parameters
    ----------
    source : str, path or object
        A ``.onnx``, ``.onnx.gz``, ``.nnet``, ``.npz``, ``.keras``, ``.h5``, ``.pt2``, ``.mat``, ``.tflite`` or ``.txt``
        file (controllers of Sherlock and POLAR), or a ``torch.nn.Module``, a Keras 3 model, or a scikit-learn
        ``MLPClassifier`` or ``MLPRegressor``, also at the end of a ``Pipeline``.
    inputs : tensor or array, tuple of them, or dict of them, optional
        Of a ``torch.nn.Module``: one example with a batch axis of 1, as the module is called. It is then exported by
        torch.export, whatever its forward is; without, it must be a ``Sequential`` of dense layers. A tuple holds the
        positional arguments of the call, a dict the named ones.
    check : bool, default True
        Whether an object is also run, on a few inputs, and refused where the loaded network differs from it
        beyond the rounding of the object's arithmetic. Files are never run.
    budget : Budget, optional
        What reading a file may compute: a small file can declare tensors that fill any memory. The default leaves
        room for models of many gigabytes.

    Returns
    -------
    Network
        The same function of the flattened inputs, in double precision: a row is the tensor without its batch axis in C
        order; of several tensors one behind the other, each flattened so, in the order in which the file declares them
        or `inputs` has them, a dict in the order of its keys. A trailing softmax is taken off and recorded as
        ``outputs == "logits"``. Of a quantised file it is the real network that its stored numbers define; ``noise``
        and ``output_rounding`` tell how far the file is from it when it runs.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, OSError
        If there is no such file, it is a directory, a pipe or a device, or it cannot be read.
    ImportError
        If reading the format needs a package that is not installed.
    UnsupportedModel
        A `ValueError`: the file is damaged, or its model is not a layered network of supported activations, or
        it does not compute what its layers say, or reading it exceeds the budget. The message names the file, the
        node or layer, and what is supported.

    Examples
    --------
    >>> net = load("digits.onnx")  # doctest: +SKIP
    >>> net.widths  # doctest: +SKIP
    (64, 64, 64, 10)
    """
    found = read(source, budget, inputs)
    net = _network(source, found)
    if check and not isinstance(source, str | os.PathLike):
        try:
            _compare(net, found, source, inputs)
        except UnsupportedModel as error:
            raise UnsupportedModel(f"{type(source).__name__}: {error}") from error
    return net


def _compare(net: Network, found: Layers | Graph, source: Any, inputs: Any) -> None:
    if inputs is not None:
        from .torch_check import compare_exported

        return compare_exported(net, source, inputs)
    from .check import compare
    from .check_graph import compare_graph

    if isinstance(found, Graph):
        return compare_graph(net, found, source, _library(source))
    return compare(net, source, _library(source))


def _network(source: Any, read: Layers | Graph) -> Network:
    from .. import Network

    try:
        if isinstance(read, Layers):
            return Network._from_layers(read)
        return Network._from_graph(read)
    except (TypeError, ValueError) as error:  # a gain or slope that no activation has
        name = str(source) if isinstance(source, str | os.PathLike) else type(source).__name__
        raise UnsupportedModel(f"{name}: {error}") from error


def read(source: Any, budget: Budget | None = None, inputs: Any = None) -> Layers | Graph:
    """Read a network as plain arrays; parameters and errors as in `load`. Nothing is compared."""
    if inputs is not None and (isinstance(source, str | os.PathLike) or _library(source) != "torch"):
        raise TypeError("inputs is an example for a torch.nn.Module, other sources say themselves what they take")
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        reader = _reader(path)
        return _named(reader, path, str(path), Account(budget))
    reader = _OBJECTS[_library(source)]
    # An object is in memory already: only its largest matrix is limited.
    account = Account(Budget(bytes=sys.maxsize, operations=sys.maxsize))
    options = {} if inputs is None else {"inputs": inputs}
    return _named(reader, source, type(source).__name__, account, **options)


def _library(source: Any) -> str:
    """Return the library that an object's class, or the first of its bases that has one, comes from."""
    homes = [base.__module__.split(".")[0] for base in type(source).__mro__]
    library = next((name for name in homes if name in _OBJECTS), None)
    if library is None:
        kind = type(source).__qualname__
        advice = _WEIGHTS if isinstance(source, Mapping) else ""
        raise TypeError(f"a network is loaded from a path or a model of {', '.join(_OBJECTS)}, not from {kind}{advice}")
    return library


def _reader(path: Path) -> tuple[str, str]:
    """Return the module and the function that read a file."""
    with open_regular(path) as file:
        if file.read(len(_GIT_LFS)) == _GIT_LFS:
            raise UnsupportedModel(f"{path}: is a Git LFS pointer, not the model itself; fetch it with 'git lfs pull'")
    suffix = path.suffix.lower()
    if suffix == ".gz":
        suffix = Path(path.stem).suffix.lower() + suffix
    if suffix not in _FILES:
        advice = _ADVICE.get(suffix, "")
        raise UnsupportedModel(f"{path}: unknown suffix '{suffix}', supported are {', '.join(_FILES)}{advice}")
    return _FILES[suffix]


def _named(reader: tuple[str, str], source: Any, what: str, account: Account, **options: Any) -> Layers | Graph:
    """Run a reader, and put what it reads in front of every refusal."""
    module, name = reader
    function: Callable[..., Layers | Graph] = getattr(import_module(f".{module}", __name__), name)
    try:
        with np.errstate(all="ignore"):  # what overflows is refused as infinite
            return function(source, account, **options)
    except ValueError as error:  # also what the account refuses
        raise UnsupportedModel(f"{what}: {error}") from error
    except MemoryError as error:
        raise UnsupportedModel(f"{what}: needs more memory than there is") from error
    except FAILURES as error:
        raise UnsupportedModel(f"{what}: cannot be read ({type(error).__name__}: {error})") from error
