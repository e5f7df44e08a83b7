# SPDX-License-Identifier: MIT
"""What people do with the questions: tolerance, reliability, criticality, quorums, replicas, precision, hardening."""

from __future__ import annotations
