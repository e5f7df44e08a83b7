# SPDX-License-Identifier: MIT
"""Prove how many failures a neural network withstands: witnessed <= truth <= proved."""

from __future__ import annotations

from withstand._version import version as __version__
from withstand.activations import Activation
from withstand.bounds import Bound, bound, fep
from withstand.build_info import get_cmake_dir, get_include
from withstand.certificate import Check, check_certificate
from withstand.config import show_config
from withstand.criticality import Criticality, criticality
from withstand.domain import Box
from withstand.embedded import embedded
from withstand.enumeration import enumerate_failures
from withstand.failures import Byzantine, Crash, Failures, Noise, StuckAt, SynapseByzantine, SynapseCrash
from withstand.hardening import Hardening, harden
from withstand.importers import UnsupportedModel, load
from withstand.latency import Latency
from withstand.network import Network
from withstand.precision import Precision, precision
from withstand.quorum import Quorum, quorum
from withstand.reliability import Reliability, reliability
from withstand.replicas import replicas_needed, replicate
from withstand.report import Report, report
from withstand.results import ComponentErrors, Enumeration, Histogram
from withstand.search import WorstCase, worst_case
from withstand.spec import Argmax
from withstand.tolerance import Tolerance, tolerance
from withstand.witness import Witness

__all__ = [
    "Activation",
    "Argmax",
    "Bound",
    "Box",
    "Byzantine",
    "Check",
    "ComponentErrors",
    "Crash",
    "Criticality",
    "Enumeration",
    "Failures",
    "Hardening",
    "Histogram",
    "Latency",
    "Network",
    "Noise",
    "Precision",
    "Quorum",
    "Reliability",
    "Report",
    "StuckAt",
    "SynapseByzantine",
    "SynapseCrash",
    "Tolerance",
    "UnsupportedModel",
    "Witness",
    "WorstCase",
    "__version__",
    "bound",
    "check_certificate",
    "criticality",
    "embedded",
    "enumerate_failures",
    "fep",
    "get_cmake_dir",
    "get_include",
    "harden",
    "load",
    "precision",
    "quorum",
    "reliability",
    "replicas_needed",
    "replicate",
    "report",
    "show_config",
    "tolerance",
    "worst_case",
]
