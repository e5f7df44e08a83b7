# SPDX-License-Identifier: MIT
"""The words for inputs, the same for every question."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

#: Given inputs, and the inputs or the box that a statement holds for: a function has one of them.
_WORDS = ("X", "domain")


def either_word(function: F) -> F:
    """Let a question take its inputs by either keyword, ``X`` or ``domain``, whichever it calls them itself.

    Raises
    ------
    TypeError
        From the question, where both are given.
    """
    (own,) = (word for word in _WORDS if word in inspect.signature(function).parameters)
    (other,) = (word for word in _WORDS if word != own)

    @wraps(function)
    def asked(*arguments: Any, **options: Any) -> Any:
        if other in options:
            if own in options:
                raise TypeError(f"{function.__name__}: X and domain are both the inputs, give one of them")
            options[own] = options.pop(other)
        return function(*arguments, **options)

    return asked  # type: ignore[return-value]  # it takes all that the function does
