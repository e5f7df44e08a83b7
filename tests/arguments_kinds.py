# SPDX-License-Identifier: MIT
"""Kinds of arguments: values that are none, what they raise, and a part of the sentence."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import withstand as ws

HUGE = 10**30

#: Of each kind of argument: values, what they raise, and a part of the sentence; {} stands for the argument's name.
NO_NET = [(v, TypeError, "net must be a withstand.Network, got") for v in (None, "x", 3, [[1.0]])]
NO_FAILURES = [(v, TypeError, "failures must be a failure model such as Crash") for v in (None, "x", 2, ws.Crash)]
NO_INPUTS = [
    ("x", TypeError, "{} must hold real numbers"),
    ({}, TypeError, "{} must hold real numbers"),
    ([[1.0, 2.0], [3.0]], ValueError, "{} must be an array"),
    ([[math.nan, 1.0]], ValueError, "{} must be finite"),
    ([1.0, math.inf], ValueError, "{} must be finite"),
    ([1j, 2], TypeError, "{} must hold real numbers"),
    ([1.0, 2.0, 3.0], ValueError, "{} has 3 columns, the network takes 2 inputs"),
    (1.0, ValueError, "{} must have shape"),
    (np.zeros((0, 2)), ValueError, "{} has no rows"),
]
NO_INPUT = [*NO_INPUTS, (None, TypeError, "{} must")]
NO_WHOLE = [
    *((v, TypeError, "{} must be an integer, got") for v in (1.5, "3", True, [1], math.nan, np.bool_(True), 1j)),
    (-1, ValueError, "{} must be at least"),
    (-HUGE, ValueError, "{} must be at least"),
]
NO_COUNT = [*NO_WHOLE, (None, TypeError, "{} must be an integer, got None")]
NO_THREADS = [*NO_WHOLE, (0, ValueError, "threads must be at least 1"), (2**40, ValueError, "threads must be at most")]
NO_SECONDS = [
    *((v, TypeError, "{} must be a real number, got") for v in ("1", True, [1.0], 1j)),
    *((v, ValueError, "{} must be at least 0, got") for v in (math.nan, -1, -0.5, -math.inf)),
]
NO_GAP = [*NO_SECONDS, (None, TypeError, "gap must be a real number")]
NO_EPSILON = [
    *((v, TypeError, "epsilon must be a number") for v in (True, [1], 1j, np.bool_(False), {})),
    *((v, ValueError, "epsilon must be a finite number") for v in (math.nan, math.inf, "x", "", "nan", "inf", "1/0")),
    *((v, ValueError, "epsilon must be a finite number") for v in ("1e9999", "1" * 2000, 10**400, Decimal("nan"))),
    *((v, ValueError, "epsilon must be at least 0") for v in (-1, "-0.5", -1e-300, Fraction(-1, 3), Decimal("-1"))),
]
NEEDED_EPSILON = [*NO_EPSILON, (None, TypeError, "epsilon must be a number")]
NO_SPEC = [
    ("argmax", TypeError, "spec must be None or Argmax(), got 'argmax'"),
    (ws.Argmax, TypeError, "spec must be None or Argmax(), got the class Argmax"),
    (1, TypeError, "spec must be None or Argmax(), got 1"),
]
NO_CLASSES = [
    ("x", TypeError, "y must hold real numbers"),
    ([0, 1, 1], ValueError, "y has shape (3,), there are 2 inputs"),
    ([0, 2], ValueError, "y must hold classes 0 to 1, entry 1 is 2"),
    ([0.5, 1], ValueError, "y must hold classes 0 to 1, entry 0 is 0.5"),
    ([-1, 1], ValueError, "y must hold classes 0 to 1, entry 0 is -1"),
]
NO_FLAG = [(v, TypeError, "{} must be a bool") for v in ("x", None, 1, 0, 1.0)]
NO_PROGRESS = [(v, TypeError, "progress must be a bool") for v in ("x", None, 1)]
NO_PATH = [(v, TypeError, "{} must be a path, got") for v in (3, True, b"x", ["x"])] + [
    (v, ValueError, "{} must be a path, got") for v in ("", "a\0b")
]
NO_SHARE = [
    *((v, TypeError, "{} must be a real number") for v in ("x", None, True, [0.5])),
    *((v, ValueError, "{} must lie strictly between 0 and 1") for v in (0, 1, math.nan, -1, math.inf)),
]
NO_NAME = [
    *((v, TypeError, "{} must be a string") for v in (None, 3, ["x"])),
    *((v, ValueError, "{} must be") for v in ("x", "")),
]
NO_METHOD = [(3, TypeError, "method must be a string"), ("x", ValueError, "unknown method 'x'")]
NO_MODEL = [
    (3, TypeError, "model must be a callable"),
    (lambda _: 3, TypeError, "model must make failure models"),
    (lambda n: ws.Crash(n) + ws.Crash(n), ValueError, "sum of 2"),
]
NO_P = [
    ([[0.1, [0.2]], 0.1], ValueError, "must be an array"),
    ("x", TypeError, "p must hold real numbers"),
    (None, TypeError, "p must hold real numbers"),
    (2, ValueError, "p must lie in [0, 1]"),
    (-0.5, ValueError, "p must lie in [0, 1]"),
    (math.nan, ValueError, "p must be finite"),
]
NO_NUMBER = [
    *((v, TypeError, "{} must be a real number") for v in ("x", None, True, [1.0], 1j)),
    *((v, ValueError, "{} must be finite") for v in (math.nan, math.inf, 10**400)),
]
NO_CAPACITY = [*NO_NUMBER, (-1, ValueError, "{} must be at least 0")]
NO_COUNTS = [
    *((v, TypeError, "counts must be integers") for v in (None, "2", 1.5, True, [1, "x"], {1}, [[1]], np.array(1.5))),
    *((v, ValueError, "counts must be") for v in (-1, (1, -2), 10**5000)),
]
NO_AMONG = [
    *((v, TypeError, "among must be a sequence of (") for v in (5, "ab")),
    *((v, TypeError, "among names") for v in ([3], [("a", 0)], [(1.5, 0)], [None])),
    *((v, ValueError, "among names (1,)") for v in ([(1,)],)),
    ([(2**70, 0, 0)], ValueError, "numbers that no network has"),
]
NO_NEURONS = [*NO_AMONG, ([(1, -1)], ValueError, "among names (1, -1), layers and neurons are numbered from 0")]
NO_SYNAPSES = [*NO_AMONG, ([(1, -1, 0)], ValueError, "among names (1, -1, 0), layers and neurons are numbered from 0")]
NO_STEP = [
    *((v, TypeError, "{} must be an integer") for v in (1.5, "x", None, True)),
    (0, ValueError, "{} must be at least 1"),
    ((1, 2), ValueError, "{} must be one integer or 1"),
]
NO_ACTIVATION = [("sine", ValueError, "unknown activation 'sine'"), (3, TypeError, ""), ([3], TypeError, "")]

EACH_SEARCH = {"threads": NO_THREADS, "node_limit": NO_WHOLE, "time_limit": NO_SECONDS}
