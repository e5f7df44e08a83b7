# SPDX-License-Identifier: MIT
"""Networks from files and from other libraries' objects.

Each format is one module that is imported when it is needed, so the package itself needs NumPy alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .errors import UnsupportedModel
from .layers import Layers
from .objects import FAILURES

if TYPE_CHECKING:
    from .. import Network

__all__ = ["Layers", "UnsupportedModel", "load", "read"]

_FILES: Final = {
    ".onnx": ("onnx_file", "read_onnx"),
    ".nnet": ("nnet", "read_nnet"),
    ".npz": ("npz", "load_npz"),
    ".keras": ("keras_model", "read_keras_file"),
    ".h5": ("keras_model", "read_keras_file"),
}
_OBJECTS: Final = {
    "torch": ("torch_module", "read_torch"),
    "sklearn": ("sklearn_model", "read_sklearn"),
    "keras": ("keras_model", "read_keras"),
}
_GIT_LFS: Final = b"version https://git-lfs"


def load(source: Any, *, check: bool = True) -> Network:
    """Load a network from a file or from a model of another library.

    Parameters
    ----------
    source : str, path or object
        A ``.onnx``, ``.nnet``, ``.npz``, ``.keras`` or ``.h5`` file, or a ``torch.nn.Sequential``, a Keras 3
        model, or a scikit-learn ``MLPClassifier`` or ``MLPRegressor``, also behind scalers in a ``Pipeline``.
    check : bool, default True
        Whether an object is also run, on a few inputs, and refused where the loaded network differs from it
        beyond the rounding of the object's arithmetic. Files are never run.

    Returns
    -------
    Network
        The same function of the flattened inputs, in double precision. A trailing softmax is taken off and
        recorded as ``outputs == "logits"``.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file.
    ImportError
        If reading the format needs a package that is not installed.
    UnsupportedModel
        A `ValueError`: the file is damaged, or its model is not a layered network of supported activations, or
        it does not compute what its layers say. The message names the file, the node or layer, and what is
        supported.

    Examples
    --------
    >>> net = load("digits.onnx")  # doctest: +SKIP
    >>> net.widths  # doctest: +SKIP
    (64, 64, 64, 10)
    """
    from .. import Network

    net = Network._from_layers(read(source))
    if check and not isinstance(source, str | os.PathLike):
        from .check import compare

        try:
            compare(net, source, _library(source))
        except UnsupportedModel as error:
            raise UnsupportedModel(f"{type(source).__name__}: {error}") from error
    return net


def read(source: Any) -> Layers:
    """Read a network as plain arrays; `source` and errors as in `load`. Nothing is compared."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return _reader(path)(path, str(path))
    reader = _named(*_OBJECTS[_library(source)])
    name = type(source).__name__
    try:
        return reader(source, name)
    except UnsupportedModel:
        raise
    except FAILURES as error:
        raise UnsupportedModel(f"{name}: cannot be read ({type(error).__name__}: {error})") from error


def _library(source: Any) -> str:
    """Return the library that an object's class, or the first of its bases that has one, comes from."""
    homes = [base.__module__.split(".")[0] for base in type(source).__mro__]
    library = next((name for name in homes if name in _OBJECTS), None)
    if library is None:
        kind = type(source).__qualname__
        raise TypeError(f"a network is loaded from a path or a model of {', '.join(_OBJECTS)}, not from {kind}")
    return library


def _reader(path: Path) -> Callable[[Any, str], Layers]:
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a directory, not a model file")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    with path.open("rb") as file:
        if file.read(len(_GIT_LFS)) == _GIT_LFS:
            raise UnsupportedModel(f"{path}: is a Git LFS pointer, not the model itself; fetch it with 'git lfs pull'")
    suffix = path.suffix.lower()
    if suffix not in _FILES:
        raise UnsupportedModel(f"{path}: unknown suffix '{suffix}', supported are {', '.join(_FILES)}")
    return _named(*_FILES[suffix])


def _named(module: str, name: str) -> Callable[[Any, str], Layers]:
    """Return the reader of that name, which puts what it reads in front of every refusal."""
    reader: Callable[[Any], Layers] = getattr(import_module(f".{module}", __name__), name)

    def read_named(source: Any, what: str) -> Layers:
        try:
            return reader(source)
        except UnsupportedModel as error:
            raise UnsupportedModel(f"{what}: {error}") from error

    return read_named
