# SPDX-License-Identifier: MIT
"""How this installation computes."""

from __future__ import annotations

from withstand import _core
from withstand._version import version


class Config(dict[str, object]):
    """The installation's settings as a mapping, shown as a table."""

    def __repr__(self) -> str:
        return "\n".join(f"{key:<12}{value}" for key, value in self.items())


def show_config() -> Config:
    """Return version, kernel variant and default number of threads.

    The variant is the widest instruction set that the library carries and the machine runs; the environment variable
    WITHSTAND_SIMD names another one. Threads default to WITHSTAND_NUM_THREADS, then OMP_NUM_THREADS, then the
    processors this process may run on.

    Examples
    --------
    >>> import withstand as ws
    >>> ws.show_config()["variant"] in ws.show_config()["available"]
    True
    """
    return Config(
        version=version,
        variant=str(_core.variant()),
        available=tuple(_core.available_variants()),
        threads=int(_core.default_threads()),
    )
