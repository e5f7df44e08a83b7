# SPDX-License-Identifier: MIT
"""Arguments of failing words, parameters and groups: values that are none, and the sentence that says so."""

from __future__ import annotations

import math

import withstand as ws

NO_GROUPS = [
    *((v, TypeError, "groups must be a sequence of groups of (layer, neuron)") for v in (5, "ab")),
    ([3], TypeError, "a group must be a sequence of (layer, neuron), got 3"),
    ([["x"]], TypeError, "a group names 'x'"),
    ([[(1, 0, 0)]], ValueError, "a group names (1, 0, 0), expected (layer, neuron)"),
    ([[(1, -1)]], ValueError, "a group names (1, -1), layers and neurons are numbered from 0"),
]
NO_WEIGHTS = [
    *((v, TypeError, "among must be a sequence of (layer, parameter, index)") for v in (5, "ab")),
    *(
        (v, ValueError, "a weight is (layer, parameter, index)")
        for v in ([3], [(1, "weight")], [(1, 2, (0, 0))], [(-1, "bias", 0)])
    ),
    *((v, ValueError, "a weight is (layer, parameter, index)") for v in ([(1, "bias", (0.5,))], [(2**70, "bias", 0)])),
    ([(1, "bias", 0), (1, "bias", (0,))], ValueError, "among names (1, 'bias', (0,)) twice"),
]
NO_FLIPS = {
    "format": [
        *((v, TypeError, "format must be a string") for v in (None, 3, ["x"])),
        *((v, ValueError, "format must be one of int4, int8") for v in ("x", "")),
        (ws.Format("int8", 0.5, 3), ValueError, "format must have one scale and zero point 0, or give scale"),
    ],
    "scale": [
        *((v, TypeError, "scale must be a real number") for v in ("x", True, {})),
        *((v, TypeError, "scale must hold real numbers") for v in ([0.5, "x"], [None])),
        *((v, ValueError, "scale must be positive") for v in (0, -1, [[0.5], [-1]])),
        *((v, ValueError, "scale must be finite") for v in (math.nan, math.inf)),
    ],
    "bits": [
        *((v, TypeError, "bits must be a sequence of bits") for v in (3, "x")),
        *((v, TypeError, "a bit must be an integer") for v in ([1.5], [True], [None])),
        *((v, ValueError, "bits must name different ways to fail") for v in ([], [0, 0], [(0, 1), (1, 0)])),
        *((v, ValueError, "bits that flip together must differ") for v in ([(0, 0)], [()])),
        *((v, ValueError, "bits are numbered 0 to 7") for v in ([8], [-1])),
    ],
    "to": [(2, ValueError, "to must be 0 or 1"), *((v, TypeError, "to must be an integer") for v in (True, "x", 0.5))],
    "clamp": [
        *((v, TypeError, "clamp must be a pair (low, high)") for v in (3, "x", (1,))),
        *((v, ValueError, "clamp must be") for v in ((2, 1), (math.nan, 1), (0, math.inf))),
    ],
}
NO_FLOATS = {
    **NO_FLIPS,
    "scale": [(v, ValueError, "scale must not be given for float32, floats have none") for v in (1.0, [1.0], "x")],
    "bits": [*NO_FLIPS["bits"][:-2], *((v, ValueError, "bits are numbered 0 to 31") for v in ([32], [-1]))],
}
#: Of words whose format the network tells: None is a format, and how many bits there are is not known.
NO_OWN = {
    **NO_FLIPS,
    "format": [(v, *rest) for v, *rest in NO_FLIPS["format"] if v is not None],
    "bits": [*NO_FLIPS["bits"][:-2], *((v, ValueError, "bits are numbered 0 to 63") for v in ([64], [-1]))],
}
