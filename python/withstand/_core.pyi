# SPDX-License-Identifier: MIT
# The extension is private: the typed surface is the package's Python, which converts what it takes and returns.
from typing import Any

def __getattr__(name: str) -> Any: ...
