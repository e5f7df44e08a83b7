# SPDX-License-Identifier: MIT
"""Questions that are asked up to where their work begins, to hear whether what they were given fits together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_REHEARSED: ContextVar[bool] = ContextVar("rehearsed", default=False)


class _Fits(BaseException):
    """What ends a rehearsal; nothing that a question catches."""


@contextmanager
def rehearsal() -> Iterator[None]:
    """Within this, a question raises what it would refuse, and else ends where its work would begin.

    Examples
    --------
    >>> import withstand as ws
    >>> from withstand._rehearsal import rehearsal
    >>> net = ws.Network([[[1.0], [2.0]], [[1.0, -1.0]]])
    >>> with rehearsal():
    ...     found = ws.worst_case(net, ws.Crash(1), [[3.0]])  # is not searched
    >>> with rehearsal():
    ...     ws.worst_case(net, ws.Crash(3), [[3.0]])
    Traceback (most recent call last):
    ValueError: Crash(3): 2 neurons can fail, not 3
    """
    before = _REHEARSED.set(True)
    try:
        yield
    except _Fits:
        pass
    finally:
        _REHEARSED.reset(before)


def rehearsed() -> bool:
    """Return whether what is asked is a rehearsal."""
    return _REHEARSED.get()


def arguments_fit() -> None:
    """Say, in a question, that its arguments are read and fit together; what follows is its work."""
    if _REHEARSED.get():
        raise _Fits
