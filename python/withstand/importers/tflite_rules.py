# SPDX-License-Identifier: MIT
"""How far kernels of LiteRT and TFLite Micro are from the exact result, in steps of the output, before clamping.

Each rule was measured against all outputs of files of one operator, with XNNPACK, without a delegate, and with the
reference kernels; where these differ, the amplitude is the largest. docs/quantised.md lists them.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from .layers import Array

__all__ = ["NEAREST", "copied", "quantised", "requantised", "summed"]

#: Beyond so many steps from the middle every result is clamped, so that larger ones need no rule.
_FAR: Final = 512.0
#: Nearest, with what the kernels' fixed-point constants lose.
NEAREST: Final = 0.5 + 2.0**-10


def requantised(ratio: Array | float) -> float:
    """Return the amplitude of matrices, convolutions and factors: accumulators times ratio = s_x s_w / s_y.

    XNNPACK rounds float32(acc) float32(ratio) once. Kernels without a delegate multiply by a 31-bit integer and shift,
    and round twice, unless ratio >= 1/2.
    """
    shift = np.maximum(0, -np.frexp(ratio)[1])
    second = np.where(shift >= 1, np.ldexp(0.5, -shift), 0.0)
    return float(0.5 + second.max() + _FAR * (2 * 2.0**-24 + 2.0**-31))


def copied(ratio: float, farthest: float) -> float:
    """Return the amplitude of a copy in other words: XNNPACK rounds the multiplier to 1/256.

    Parameters
    ----------
    ratio : float
        Scale of the input over that of the output.
    farthest : float
        Largest distance of an input's word from its zero point.
    """
    if ratio == 1:
        return 0.0
    return max(requantised(ratio), 0.5 + farthest * abs(ratio - round(256 * ratio) / 256)) + 2.0**-10


def quantised() -> float:
    """Return the amplitude of a float that becomes a word: x / s is rounded in float32."""
    return float(0.5 + _FAR * 2.0**-22)


def summed(ratios: Array) -> float:
    """Return the amplitude of a sum; XNNPACK's multipliers have 21 bits."""
    return float(0.5 + _FAR * 2.0**-20 * max(1.0, float(np.max(ratios))))
