# SPDX-License-Identifier: MIT
"""What must hold of any library's object before its numbers mean what its class says.

An object may be a subclass, may have a method replaced on the instance, or may have been built with an argument that
changes its function. Each is refused by name unless the reader knows what it does.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

__all__ = ["FAILURES", "check_arguments", "check_methods", "is_own"]

#: What reading an object of an unexpected form may raise: it is refused, and the reason kept.
FAILURES = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


def is_own(thing: Any, library: str) -> bool:
    """Whether the class of `thing` is one that the library itself defines: a subclass may compute anything."""
    kind = type(thing)
    home = sys.modules.get(kind.__module__)
    return kind.__module__.split(".")[0] == library and getattr(home, kind.__name__, None) is kind


def check_methods(thing: Any, allowed: Iterable[str] = ()) -> None:
    """Refuse an object on which a method of its class has been replaced, as wrappers and fault injectors do.

    Parameters
    ----------
    thing : object
    allowed : iterable of str
        Methods that the library itself puts on instances.

    Raises
    ------
    ValueError
        Naming the replaced method.
    """
    kind = type(thing)
    replaced = [name for name in vars(thing) if name not in allowed and callable(getattr(kind, name, None))]
    if replaced:
        raise ValueError(f"has its method '{replaced[0]}' replaced on the instance, which may compute anything")


def check_arguments(thing: Any, known: str) -> None:
    """Refuse an object whose constructor took an argument that is not known and not the default.

    Parameters
    ----------
    thing : object
        It keeps the arguments of its constructor as attributes of the same names.
    known : str
        The names, separated by blanks, of the arguments that its reader reads, or that do not change its function.

    Raises
    ------
    ValueError
        Naming the argument, its value and the supported one.
    """
    for name, argument in inspect.signature(type(thing).__init__).parameters.items():
        default = argument.default
        if name in ("self", *known.split()) or default is argument.empty:
            continue
        value = getattr(thing, name, default)
        if value is not default and not np.array_equal(value, default):
            raise ValueError(f"has {name} = {value!r}, supported is {name} = {default!r}")
