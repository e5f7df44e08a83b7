# SPDX-License-Identifier: MIT
"""Prove how many failures a neural network withstands: witnessed <= truth <= proved.

Every package imports only those that stand left of it, `certificate` and `importers` only `model`::

    model <- certificate, importers <- questions <- uses <- report, cli

The checker of certificates shares no code with the engines. One step goes to the right: `Network.save` writes an .npz
file, which is the importers'. Private helpers stand at the top; `plot` and `torch`, beside `uses`, need an extra each.
"""

from __future__ import annotations

from withstand._paths import keep_paths
from withstand._version import version as __version__
from withstand.build_info import get_cmake_dir, get_include
from withstand.certificate import Check, check_certificate
from withstand.config import show_config
from withstand.importers import UnsupportedModel, load
from withstand.importers.embedded import embedded
from withstand.model.activations import Activation
from withstand.model.domain import Box
from withstand.model.failures import Byzantine, Crash, Failures, Noise, StuckAt, SynapseByzantine, SynapseCrash
from withstand.model.flips import BitFlip, WeightCrash, WeightFlip
from withstand.model.formats import Format
from withstand.model.graph import Layer
from withstand.model.maps import Conv, Select
from withstand.model.network import Network
from withstand.model.spec import Argmax
from withstand.model.witness import Witness
from withstand.questions.bounds import Bound, bound, fep
from withstand.questions.enumeration import enumerate_failures
from withstand.questions.interval import WorstCase
from withstand.questions.results import ComponentErrors, Enumeration, Histogram
from withstand.questions.search import worst_case
from withstand.report import Report, report
from withstand.statement import Inputs, Statement
from withstand.uses.accuracy import Accuracy, Kept, certified_accuracy
from withstand.uses.campaign import Campaign, campaign
from withstand.uses.criticality import Criticality, criticality
from withstand.uses.file_precision import Difference
from withstand.uses.hardening import Hardening, harden
from withstand.uses.latency import Latency
from withstand.uses.precision import Precision, precision
from withstand.uses.quorum import Quorum, quorum
from withstand.uses.reliability import Reliability, reliability
from withstand.uses.replicas import replicas_needed, replicate
from withstand.uses.tolerance import Tolerance, tolerance

__all__ = [
    "Accuracy",
    "Activation",
    "Argmax",
    "BitFlip",
    "Bound",
    "Box",
    "Byzantine",
    "Campaign",
    "Check",
    "ComponentErrors",
    "Conv",
    "Crash",
    "Criticality",
    "Difference",
    "Enumeration",
    "Failures",
    "Format",
    "Hardening",
    "Histogram",
    "Inputs",
    "Kept",
    "Latency",
    "Layer",
    "Network",
    "Noise",
    "Precision",
    "Quorum",
    "Reliability",
    "Report",
    "Select",
    "Statement",
    "StuckAt",
    "SynapseByzantine",
    "SynapseCrash",
    "Tolerance",
    "UnsupportedModel",
    "WeightCrash",
    "WeightFlip",
    "Witness",
    "WorstCase",
    "__version__",
    "bound",
    "campaign",
    "certified_accuracy",
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


def __dir__() -> list[str]:
    """Return the public names; modules are found by their own."""
    return sorted(__all__)


keep_paths()
