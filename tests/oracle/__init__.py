# SPDX-License-Identifier: MIT
# ruff: noqa: F401
"""The theory in slow, obvious NumPy and Fractions; imports nothing from the package, so that both can be
compared.

Numbers of theorems and sections are those of docs/theory.md.
"""

from __future__ import annotations

from .activations import ALL_NAMES, DEFAULT_SLOPE, DRAWN_SLOPES, NAMES, PIECEWISE_LINEAR, TABLE, Activation
from .bounds import METHODS, SCALAR, VECTOR, after_output, bound, scalar_bound, scalars_of
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
from .last import (
    bernoulli_moments,
    crash_worst,
    crashes_to_flip,
    deviation_worst,
    expected_error,
    expected_square,
    subset_moments,
    value_worst,
)
from .linear import CHOICES, difference_lines, linear, upper, value_lines
from .networks import Network, exact, exact_forward, forward, network, run, trace
from .reading import Box, Fault, nominal_boxes, read
from .reliability import (
    all_errors,
    binomial_above,
    binomial_at_most,
    certified,
    clopper_pearson,
    reliability,
    truncated,
)
from .scalar import (
    Scalars,
    additive,
    at_most,
    at_most_closed,
    capped,
    distributions,
    fep,
    fep_unrolled,
    frontier,
    guaranteed_total,
    max_total,
    modulus,
    precision,
    recursion,
    scalars,
    tolerated,
    total_bounds,
)
from .uses import (
    allocate,
    coefficients,
    expected_wait,
    exponential_wait,
    quorum_worst,
    replicas_needed,
    replicate,
    replicated,
    rounding_error,
    uniform_bits,
    uniform_wait,
)
from .vector import Signed, adjoint, interval, margin_network, matrix, signed
