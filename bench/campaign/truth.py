# SPDX-License-Identifier: MIT
"""The oracle: all runs of a batch evaluated at once in doubles, each output with a bound on its own rounding error.

The rounding error is followed from layer to layer (THEORY 11): every dot product of k terms is off by at most
gamma_{k+2} times the sum of the magnitudes, an activation multiplies what arrives by its Lipschitz constant and adds
its own few ulps. Where all values are short dyadic numbers every operation is exact, which is checked, and the
error is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .activations import DEFINITIONS, LINEAR, apply, lipschitz, slope_of
from .plain import Act, Case, Model, Net
from .space import Batch, Configuration, batch, configurations

U = 2.0**-53


def lsb(*arrays: np.ndarray) -> float:
    """Largest e such that every entry is a multiple of 2^e."""
    low = np.inf
    for a in arrays:
        a = np.asarray(a, float)
        a = a[a != 0]
        if a.size:
            m, e = np.frexp(a)
            k = (m * 2.0**53).astype(np.int64)
            low = min(low, float((np.log2((k & -k).astype(float)) + e - 53).min()))
    return low


@dataclass
class State:
    """Transmitted values (R, n, N) and a bound on their error; ``exact``: no operation rounded so far."""

    y: np.ndarray
    e: np.ndarray
    exact: bool


def _force(state: State, layer: int, runs: Batch | None, nominal: list[State] | None) -> State:
    y, e = state.y, state.e
    if runs is None:
        return state
    if layer in runs.noise:
        y = y + runs.noise[layer][:, None, :]
        e = e + U * abs(y)
    if layer in runs.shifted and nominal is not None:
        mask, amount = (a[:, None, :] for a in runs.shifted[layer])
        y = np.where(mask, nominal[layer].y + amount, y)
        e = np.where(mask, nominal[layer].e + U * abs(y), e)
    if layer in runs.forced:
        mask, value = (a[:, None, :] for a in runs.forced[layer])
        y, e = np.where(mask, value, y), np.where(mask, 0.0, e)
    return State(y, e, state.exact and layer not in runs.noise and layer not in runs.shifted)


def _affine(
    net: Net, layer: int, state: State, runs: Batch | None, updated: State | None
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Pre-activations, their error, and whether they are exact; ``updated``: got by changing terms of a nominal sum."""
    W, b = net.weights[layer - 1], net.biases[layer - 1]
    signal, error = state.y[:, :, None, :], state.e[:, :, None, :]
    if runs is not None and layer in runs.scaled:
        signal = signal + runs.scaled[layer][:, None]
        error = error + U * abs(signal)
    product, perr = signal * W, error * abs(W)
    exact = state.exact and (runs is None or (layer not in runs.scaled and layer not in runs.added))
    if runs is not None and layer in runs.added:
        product = product + runs.added[layer][:, None]
        perr = perr + U * abs(product)
    whole = abs(product)
    if runs is not None and layer in runs.cut:
        mask, value = (a[:, None] for a in runs.cut[layer])
        product, perr = np.where(mask, value, product), np.where(mask, 0.0, perr)
    size = abs(product).sum(-1) + abs(b)
    if updated is not None:
        size = size + whole.sum(-1) + abs(updated.y) @ abs(W).T
    if exact:
        q = min(lsb(state.y) + lsb(W), lsb(b, *([runs.cut[layer][1]] if runs and layer in runs.cut else [])))
        exact = bool(size.max() < 2.0 ** (50 + q)) if np.isfinite(q) else True
    k = W.shape[1] + 3
    own = 0.0 if exact else 1.01 * k * U * size + k * 2.0**-1074
    return product.sum(-1) + b, perr.sum(-1) + own, exact


def _activate(act: Act, s: np.ndarray, e: np.ndarray, exact: bool, blunt: bool) -> State:
    y, u = apply(act, s), act[1] * s
    name, gain, _ = act
    exact = exact and name in LINEAR and gain == 2.0 ** round(np.log2(gain))
    known = DEFINITIONS[name]
    exact = exact and known.rise == 1.0
    adds = known.ramp is not None and known.ramp[2] != 0
    if exact and (adds or known.default is not None):
        factor = 1.0 if adds else slope_of(act)
        q = min(lsb(u), lsb(np.array(known.ramp))) if adds else lsb(u) + lsb(np.array([factor]))
        exact = not np.isfinite(q) or bool(abs(u).max() * max(1.0, factor) + 1 < 2.0 ** (50 + q))
    if exact:
        return State(y, e * lipschitz(act), True)
    own = (
        lipschitz(act) / gain * 1.01 * U * abs(u)
        + (2 if name in LINEAR else 8) * U * (abs(y) + adds)
        + 2.0**-1073
    )
    if blunt and name not in LINEAR:
        own = own + 8 * U * known.bulge(slope_of(act))
    if known.range is not None:
        own = np.minimum(own, known.range[1] - known.range[0] + 1.0)
    return State(y, e * lipschitz(act) + own, False)


def evaluate(
    net: Net, X: np.ndarray, runs: Batch | None = None, nominal: list[State] | None = None, blunt: bool = False
) -> list[State]:
    """Transmitted values of all layers.

    ``blunt`` allows every operation to round, even where the oracle's do not, and smooth activations an error of some
    ulps of 1 instead of some ulps of themselves: what a fast scan may do.
    """
    R = 1 if runs is None else runs.size
    y = np.broadcast_to(X, (R, *X.shape))
    states = [_force(State(y, np.zeros(y.shape), not blunt), 0, runs, nominal)]
    for layer in range(1, net.depth + 2):
        s, e, exact = _affine(net, layer, states[-1], runs, nominal[layer - 1] if blunt and nominal else None)
        states.append(_force(_activate(net.act(layer), s, e, exact, blunt), layer, runs, nominal))
    return states


class Truth:
    """Errors (or harms) of every run of a case, with the slack of the oracle's own evaluation."""

    def __init__(self, case: Case, model: Model | None = None, limit: int = 700) -> None:
        self.case, self.model = case, case.model if model is None else model
        self.configs: list[Configuration] = configurations(case.net, self.model, limit)
        self.runs = batch(case.net, self.model, self.configs, case.rng("levels"))
        with np.errstate(all="ignore"):
            self.nominal = evaluate(case.net, case.X)
            last = evaluate(case.net, case.X, self.runs, self.nominal)[-1]
        self.outputs, self.output_error, self.exact = last.y, last.e, last.exact and self.nominal[-1].exact
        self.finite = bool(
            np.isfinite(last.y).all()
            and np.isfinite(self.nominal[-1].y).all()
            and np.isfinite(last.e).all()
            and np.isfinite(self.nominal[-1].e).all()
        )

    @cached_property
    def classes(self) -> np.ndarray | None:
        """The intact class of every input, or None where rounding may decide it."""
        y, e = self.nominal[-1].y[0], self.nominal[-1].e[0]
        if y.shape[1] < 2:
            return None
        c = y.argmax(1)
        rows = np.arange(len(y))
        gap = y[rows, c][:, None] - y - e - e[rows, c][:, None]
        gap[rows, c] = 1.0
        return c if self.exact or bool((gap > 0).all()) else None

    @cached_property
    def _deviations(self) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(all="ignore"):
            if not self.case.decisions:
                d = abs(self.outputs - self.nominal[-1].y)
                e = self.output_error + self.nominal[-1].e + U * d
            else:
                assert self.classes is not None
                rows = np.arange(len(self.case.X))
                lead = self.outputs[:, rows, self.classes][:, :, None]
                d = self.outputs - lead
                e = self.output_error + self.output_error[:, rows, self.classes][:, :, None] + U * abs(d)
                d[:, rows, self.classes] = -np.inf
                e[:, rows, self.classes] = 0.0
        return d, (0.0 * e if self.exact else e)

    @property
    def errors(self) -> np.ndarray:
        """(R, n, m)."""
        return self._deviations[0]

    @property
    def slack(self) -> np.ndarray:
        """(R, n, m): how far `errors` may be from real arithmetic."""
        return self._deviations[1]

    @cached_property
    def sure(self) -> np.ndarray:
        """(R, n, m): certainly no more than the error in real arithmetic."""
        return self.errors - self.slack

    @cached_property
    def per_config(self) -> tuple[np.ndarray, np.ndarray]:
        """Error and slack of each configuration, worst over inputs and outputs (finite models: one run each)."""
        flat, slack = self.errors.reshape(len(self.errors), -1), self.slack.reshape(len(self.errors), -1)
        return flat.max(1), slack.max(1)

    @property
    def least(self) -> float:
        """The real worst case is at least this."""
        return float(self.sure.max())

    @property
    def most_slack(self) -> float:
        return float(self.slack.max())

    @cached_property
    def largest(self) -> float:
        """Largest magnitude that any layer of the intact network transmits."""
        return max(float(abs(state.y).max()) for state in self.nominal)

    @cached_property
    def rounding(self) -> float:
        """A priori rounding error of any evaluation of these runs, whatever its order: no oracle's luck."""
        with np.errstate(all="ignore"):
            nominal = evaluate(self.case.net, self.case.X, blunt=True)
            last = evaluate(self.case.net, self.case.X, self.runs, nominal, blunt=True)[-1]
            error = float(2 * (last.e + nominal[-1].e + U * abs(last.y)).max())
        return float("inf") if np.isnan(error) else error  # an estimate left the doubles: any error is allowed
