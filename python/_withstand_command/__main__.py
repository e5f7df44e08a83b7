# SPDX-License-Identifier: MIT
"""`python -m _withstand_command` is the command."""

from __future__ import annotations

from _withstand_command import main

main()
