# SPDX-License-Identifier: MIT
"""Where a network and its inputs come from, and what names them whatever they are called."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from withstand._types import FloatArray
from withstand.model.network import Network
from withstand.statement import digest


@dataclass(frozen=True)
class Origin:
    """Where what a report speaks of comes from, so that a reader can fetch it again.

    Attributes
    ----------
    network : str
        Name or path.
    inputs : str
        Which rows of what, in words.
    command : str
        The command line that made the report, if there was one.
    code : str
        Lines of Python that make `net`, `X`, and `y` where there are targets.
    question : str
        The network and the inputs as the command line takes them, so that other commands can be told.
    """

    network: str = ""
    inputs: str = ""
    command: str = ""
    code: str = ""
    question: str = ""

    def preamble(self, net: Network, X: FloatArray) -> str:
        """Return Python that makes the network and the inputs, and prints what they must be."""
        return "\n".join((
            "import hashlib",
            "import numpy as np",
            "import withstand as ws",
            self.code or "# net, X (and y, the targets) are yours; what must be printed says whether they are the same",
            printed("net.fingerprint", net.fingerprint),
            printed('hashlib.sha256(X.astype("<f8").tobytes()).hexdigest()', digest(X)),
        ))  # fmt: skip


def printed(expression: str, *values: object) -> str:
    """Return a line of Python that prints something, and behind it what was found."""
    return f"print({expression})  # {' '.join(str(value) for value in values)}"


def created() -> str:
    """Return the time in UTC, or that of SOURCE_DATE_EPOCH: pages that must not differ are made with it."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    seconds = int(given) if given.isascii() and given.isdigit() else int(time.time())
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
