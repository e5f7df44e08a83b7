# SPDX-License-Identifier: MIT
"""Many crash sets at once, each given as a mask over the hidden neurons."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from withstand._types import Component, FloatArray
from withstand.model.evaluation import outputs
from withstand.model.network import Network
from withstand.model.spec import output_harms

#: Numbers held for one layer of one batch.
_BATCH = 1 << 20


def components(net: Network) -> tuple[tuple[int, int], ...]:
    """Return (layer, neuron) of every hidden neuron, in the order of the masks."""
    return tuple((layer, i) for layer in range(1, net.depth + 1) for i in range(net.widths[layer]))


def exceeds(
    net: Network, X: FloatArray, failed: npt.NDArray[np.bool_], epsilon: float, decisions: bool
) -> npt.NDArray[np.bool_]:
    """Return for each crash set whether its worst error exceeds `epsilon` (decisions: whether a class flips).

    Matrix products decide where they are clear; whatever lies close to the limit is decided by `net.forward`.
    """
    limit = 0.0 if decisions else epsilon
    values = harms(net, X, failed, decisions)
    above = values >= limit if decisions else values > limit
    scale = 1e-9 * (1.0 + limit + float(np.abs(net.forward(X)).max()))
    for row in np.flatnonzero(np.abs(values - limit) <= scale):
        value = harm_of(net, X, failed[row], decisions)
        above[row] = value >= limit if decisions else value > limit
    return above


def harms(net: Network, X: FloatArray, failed: npt.NDArray[np.bool_], decisions: bool = False) -> FloatArray:
    """Return the worst error over inputs and outputs (decisions: harm) of each crash set, to rounding."""
    intact = net.forward(X)
    size = max(1, _BATCH // (len(X) * max(net.widths)))
    batches = [output_harms(intact, y, decisions).max(axis=(1, 2)) for y in _outputs(net, X, failed, size)]
    return np.concatenate(batches) if batches else np.zeros(0)


def harm_of(net: Network, X: FloatArray, failed: npt.NDArray[np.bool_], decisions: bool = False) -> float:
    """Return the worst error (decisions: harm) of one crash set by the canonical evaluation."""
    forced: dict[Component, float] = {c: 0.0 for c, dead in zip(components(net), failed) if dead}
    return float(output_harms(net.forward(X), net.forward(X, failed=forced), decisions).max())


def _outputs(net: Network, X: FloatArray, failed: npt.NDArray[np.bool_], size: int) -> Iterator[FloatArray]:
    """Yield outputs of shape (batch, inputs, m)."""
    ends = np.cumsum((0, *net.widths[1:-1]))
    first = None if net.is_graph else net.trace(X)[1]  # the first layer is the same for all sets, but for its crashes
    for start in range(0, len(failed), size):
        alive = ~failed[start : start + size, None, :]

        def crash(layer: int, y: FloatArray, alive: npt.NDArray[np.bool_] = alive) -> FloatArray:
            return np.asarray(y * alive[..., ends[layer - 1] : ends[layer]])

        if first is None:
            yield outputs(net, np.broadcast_to(X, (len(alive), *X.shape)), crash)
        else:
            yield outputs(net, crash(1, first[None]), crash, source=1)
