# SPDX-License-Identifier: MIT
"""What computes, what may fail, where, what counts as harm, and a failure that can be replayed."""

from __future__ import annotations
