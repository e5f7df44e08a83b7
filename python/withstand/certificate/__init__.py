# SPDX-License-Identifier: MIT
"""Certificates: a search writes down its tree, and an independent checker confirms what it proves."""

from __future__ import annotations

from withstand.certificate.check import Check, check_certificate
from withstand.certificate.reading import FORMAT, checksum
from withstand.model.fingerprint import fingerprint

__all__ = ["FORMAT", "Check", "check_certificate", "checksum", "fingerprint"]
