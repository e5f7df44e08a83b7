# SPDX-License-Identifier: MIT
# ruff: noqa: F401
"""The theory in slow, obvious NumPy and Fractions; imports nothing from the package, so that both can be compared."""

from .activations import NAMES, PIECEWISE_LINEAR, Activation
from .brute import (
    Statistics,
    Witness,
    adversary,
    box_points,
    deviations,
    enumerate_failures,
    replay,
    worst,
)
from .failures import (
    FINITE,
    NEURON,
    SYNAPSE,
    Component,
    Configuration,
    Model,
    Term,
    byzantine,
    configurations,
    count,
    count_single,
    crash,
    noise,
    patterns,
    sites,
    stuck,
    synapse_byzantine,
    synapse_crash,
    values,
)
from .networks import Network, exact, exact_forward, forward, network, run, trace
