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

if TYPE_CHECKING:
    from .. import Network

__all__ = ["Layers", "UnsupportedModel", "load", "read"]

_FILES: Final = {
    ".onnx": ("onnx_file", "read_onnx"),
    ".nnet": ("nnet", "read_nnet"),
    ".npz": ("npz", "load_npz"),
}
_GIT_LFS: Final = b"version https://git-lfs"


def load(source: Any) -> Network:
    """Load a network from a file or from a model of another library.

    Parameters
    ----------
    source : str, path or object
        A ``.onnx``, ``.nnet`` or ``.npz`` file.

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
        A `ValueError`: the file is damaged, or its model is not a layered network of supported activations.
        The message names the file, the node or layer, and what is supported.

    Examples
    --------
    >>> net = load("digits.onnx")  # doctest: +SKIP
    >>> net.widths  # doctest: +SKIP
    (64, 64, 64, 10)
    """
    from .. import Network

    return Network._from_layers(read(source))


def read(source: Any) -> Layers:
    """Read a network as plain arrays; see `load`."""
    if not isinstance(source, str | os.PathLike):
        raise TypeError(f"a network is loaded from a path, not from {type(source).__qualname__}")
    path = Path(source)
    suffix = path.suffix.lower()
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a directory, not a model file")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    with path.open("rb") as file:
        if file.read(len(_GIT_LFS)) == _GIT_LFS:
            raise UnsupportedModel(f"{path}: is a Git LFS pointer, not the model itself; fetch it with 'git lfs pull'")
    if suffix not in _FILES:
        raise UnsupportedModel(f"{path}: unknown suffix '{suffix}', supported are {', '.join(_FILES)}")
    module, name = _FILES[suffix]
    reader: Callable[[Path], Layers] = getattr(import_module(f".{module}", __name__), name)
    try:
        return reader(path)
    except UnsupportedModel as error:
        raise UnsupportedModel(f"{path}: {error}") from error
