# SPDX-License-Identifier: MIT
"""The package's version."""

from __future__ import annotations

version = "0.1.0"
