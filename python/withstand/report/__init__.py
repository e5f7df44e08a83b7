# SPDX-License-Identifier: MIT
"""One report about a network, as text, JSON and one HTML file."""

from __future__ import annotations

from withstand.report.origin import Origin
from withstand.report.report import Report, report

__all__ = ["Origin", "Report", "report"]
