# SPDX-License-Identifier: MIT
"""The fixed reference: a low-rank update of 1024 configurations at a time in NumPy, float64.

Everything up to the first failing layer is computed once. A crash of neuron i there takes the
column W[:, i] y_i away from the pre-activations of the next layer; the later layers are products
of (configurations, neurons) with one weight matrix.

What tuning brought, on digits 64-64-64-10 with 16 inputs: fancy indexing into fresh arrays 1.2
million evaluations per second, `np.take` into memory allocated once 2, one input at a time so that
the 1024 rows stay in the second-level cache 3.8, a column per configuration after the first
product, so that the largest output is found along the long axis, 4.
"""

from __future__ import annotations

import numpy as np

from .common import NOTHING, Array, Indices, Net, Worst, by_layer, chunks, first_failing, named

CHUNK = 1024


def worst(net: Net, x: Array, counts: tuple[int, ...]) -> Worst:
    """Try every configuration with exactly `counts` crashes on the inputs `x` (n, d)."""
    first, values, best = first_failing(counts), net.trace(x), NOTHING
    w = net.weights[first]
    s = values[first] @ w.T + net.biases[first]  # (n, N) pre-activations after the failing layer
    taken = values[first][:, :, None] * w.T  # (n, N_l, N): what each crash takes away
    one_failed = s[:, None, :] - taken
    rows_of = [np.empty((CHUNK, len(w))) for _ in range(2)]
    columns_of = [np.empty((len(b), CHUNK)) for b in net.biases[first + 1 :]]
    for rows in chunks(net, counts, CHUNK):
        failed = by_layer(counts, rows)
        failed[first] = np.ascontiguousarray(failed[first].T)
        errors, size = np.zeros(len(rows)), len(rows)
        work = [a[:size] for a in rows_of] + [a[:, :size].T for a in columns_of]
        for a, nominal in enumerate(values[-1]):
            out = faulty_outputs(net, one_failed[a], taken[a], failed, work)
            out -= nominal
            np.maximum(errors, np.abs(out, out=out).max(axis=1), out=errors)
        i = int(errors.argmax())
        best |= Worst(float(errors[i]), named(counts, rows[i]), len(rows))
    return best


def faulty_outputs(net: Net, one_failed: Array, taken: Array, failed: dict[int, Indices], work: list[Array]) -> Array:
    """Return the outputs (configurations, m) of one chunk for one input.

    `failed` maps a layer to the neurons that crash there: (k, configurations) for the first
    failing layer, (configurations, k) for the later ones.
    """
    first, (spare, y, *later) = min(failed), work
    head, *tail = failed[first]
    np.take(one_failed, head, axis=0, out=y, mode="clip")  # "raise" would go through a copy
    for pick in tail:
        y -= np.take(taken, pick, axis=0, out=spare, mode="clip")
    for layer, out in enumerate(later, start=first + 1):
        net.activate(y)
        if layer in failed:
            np.put_along_axis(y, failed[layer], 0.0, axis=1)
        np.matmul(net.weights[layer], y.T, out=out.T)
        out += net.biases[layer]
        y = out
    return y
