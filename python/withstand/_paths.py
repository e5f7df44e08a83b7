# SPDX-License-Identifier: MIT
"""Short module paths, `withstand.latency`: scripts and pickles name them, wherever in the package a module is kept."""

from __future__ import annotations

import sys
from importlib import import_module

_PATHS = {
    "model": ("activations", "domain", "failures", "network", "quantise", "spec", "witness"),
    "questions": ("bounds", "checkpoint", "enumeration", "progress", "results", "search", "sharding"),
    "uses": ("accuracy", "campaign", "criticality", "curve", "frontier", "hardening", "latency", "precision",
             "probability", "quorum", "reliability", "replicas", "tolerance"),
    "importers": ("embedded",),
}  # fmt: skip
#: Modules with another name than their path; pickles of results name the private ones.
_RENAMED = {
    "_question": "uses.tolerance_search",
    "_report_text": "report.text",
    "convolution": "uses.loss_distribution",
    "moments": "uses.error_moments",
    "scalars": "uses.rational_bounds",
}


def keep_paths() -> None:
    """Let every short path lead to its module; a function of the same name comes first as an attribute."""
    package = sys.modules["withstand"]
    places = {name: f"{folder}.{name}" for folder, names in _PATHS.items() for name in names}
    for name, place in (places | _RENAMED).items():
        module = import_module(f"withstand.{place}")
        sys.modules[f"withstand.{name}"] = module
        if not hasattr(package, name):
            setattr(package, name, module)
