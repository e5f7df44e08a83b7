# SPDX-License-Identifier: MIT
"""Where the C++ library of this installation lives."""

from __future__ import annotations

from importlib import resources


def _installed(part: str) -> str:
    # importlib.resources also resolves an editable install, whose headers lie outside the package's folder
    path = resources.files("withstand").joinpath(part)
    if not path.is_dir():
        raise FileNotFoundError(f"this installation of withstand has no {part}")
    return str(path)


def get_include() -> str:
    """Return the folder of the C++ headers.

    Examples
    --------
    >>> import pathlib, withstand as ws
    >>> (pathlib.Path(ws.get_include()) / "withstand" / "network.hpp").exists()
    True
    """
    return _installed("include/withstand").removesuffix("/withstand")


def get_cmake_dir() -> str:
    """Return the folder of withstandConfig.cmake, for ``cmake -Dwithstand_DIR=...``.

    Examples
    --------
    >>> import pathlib, withstand as ws
    >>> (pathlib.Path(ws.get_cmake_dir()) / "withstandConfig.cmake").exists()
    True
    """
    return _installed("share/cmake/withstand")
