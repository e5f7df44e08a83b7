# SPDX-License-Identifier: MIT
"""How bad it can get: bounds, enumerations and searches, and what a long run needs."""

from __future__ import annotations
