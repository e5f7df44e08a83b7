# SPDX-License-Identifier: MIT
"""The application with all its commands: each module adds its own to it."""

from __future__ import annotations

from withstand.cli import accuracies, applications, describing, hardening, limits, reporting, studying
from withstand.cli.app import app

__all__ = ["accuracies", "app", "applications", "describing", "hardening", "limits", "reporting", "studying"]
