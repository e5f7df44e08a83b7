# SPDX-License-Identifier: MIT
"""Random networks, failures and questions: answered by `withstand`, and by NumPy that knows nothing of it."""

from __future__ import annotations
