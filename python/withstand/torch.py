# SPDX-License-Identifier: MIT
"""Bounds as training penalties: differentiable, in PyTorch. Import it by name: ``import withstand.torch``."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class _Layer(NamedTuple):
    """A linear map and what comes after it; `sup` is the largest |value| it transmits."""

    linear: nn.Linear
    activation: nn.Module | None
    lipschitz: float
    sup: float


def fep_penalty(module: nn.Module, failures: int | Sequence[int] = 1, X: Tensor | None = None) -> Tensor:
    """Return Forward Error Propagation for crashes, differentiable in the weights.

    Parameters
    ----------
    module : torch.nn.Sequential
        Linear layers with activations between them; dropout, flattening and identities are passed over.
    failures : int or sequence of int, default 1
        Crashed neurons in every hidden layer (at most its width), or one count per hidden layer.
    X : Tensor, shape (n, d), optional
        Inputs from which the largest values of each layer are taken; without it the activations' own ranges are,
        which unbounded ones like ReLU do not have.

    Returns
    -------
    Tensor, scalar
        e_l = f_l Delta_l + (N_l - f_l) K_l w_l e_{l-1}, then w_{L+1} e_L (Theorem A of El Mhamdi and Guerraoui, *When
        Neurons Fail*, IPDPS 2017): the value of `withstand.fep` without its outward rounding. The largest |weight| of a
        layer receives the gradient.

    Raises
    ------
    TypeError, ValueError
        For a module that is not such a chain, or counts that do not fit it; without `X` for an unbounded activation.

    Examples
    --------
    >>> import torch
    >>> from withstand.torch import fep_penalty
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Sigmoid(), torch.nn.Linear(8, 1))
    >>> penalty = fep_penalty(net)
    >>> penalty.backward()
    """
    *hidden, last = _layers(module)
    counts = _counts(hidden, failures)
    values = None if X is None else _trace(hidden, X)
    error = last.linear.weight.new_zeros(())
    for n, (layer, count) in enumerate(zip(hidden, counts)):
        if values is None and not math.isfinite(layer.sup):
            raise ValueError(f"layer {n + 1}: {layer.activation} is unbounded, give inputs X")
        effect = layer.sup if values is None else values[n].abs().amax()
        relayed = layer.lipschitz * layer.linear.weight.abs().amax() * error
        error = count * effect + (layer.linear.out_features - count) * relayed
    return last.lipschitz * last.linear.weight.abs().amax() * error


def adjoint_penalty(
    module: nn.Module, X: Tensor, failures: int | Sequence[int] = 1, *, reduction: str = "max"
) -> Tensor:
    """Return the linear bound of one backward pass for crashes at the inputs X, differentiable in the weights.

    With A^(L) = |W_k| and A^(l-1) = (A^(l) K_l) |W^(l)|, output k is off by at most the sum over layers of the f_l
    largest A_i^(l) |y_i^(l)|. It sees every weight and every value, not only the largest, and is far below
    `fep_penalty` on wide networks.

    Parameters
    ----------
    module, failures
        As for `fep_penalty`.
    X : Tensor, shape (n, d)
    reduction : {"max", "mean"}, default "max"
        Over inputs; outputs take the largest. "max" is a bound for all of `X`, "mean" gives every input a gradient.

    Returns
    -------
    Tensor, scalar

    Raises
    ------
    TypeError, ValueError
        As for `fep_penalty`.
    """
    reduce = _reduction(reduction)
    *hidden, last = _layers(module)
    counts, values = _counts(hidden, failures), _trace(hidden, X)
    adjoint = last.lipschitz * last.linear.weight.abs()
    total = X.new_zeros((len(X), last.linear.out_features))
    for layer, count, y in zip(hidden[::-1], counts[::-1], values[::-1]):
        if count:
            total = total + (adjoint[None] * y.abs()[:, None, :]).topk(count, dim=2).values.sum(dim=2)
        adjoint = layer.lipschitz * adjoint @ layer.linear.weight.abs()
    worst = total.amax(dim=1)
    return reduce(worst)


def linear_penalty(
    module: nn.Module, X: Tensor, failures: int | Sequence[int] = 1, *, reduction: str = "max"
) -> Tensor:
    """Return the linear relaxation with failure masks for crashes at the inputs X, differentiable in the weights.

    Each activation is enclosed by two lines over the range that its sum can take under failures, outputs are written
    backward as linear functions of the sums before, and in every layer the f_l largest gains of crashes are added. The
    tightest of the three penalties, L passes instead of one: nothing but the lines is lost, and failures of the last
    hidden layer are exact.

    Parameters
    ----------
    module, X, failures, reduction
        As for `adjoint_penalty`.

    Returns
    -------
    Tensor, scalar

    Raises
    ------
    TypeError, ValueError
        As for `fep_penalty`; for an activation that decreases somewhere.
    """
    reduce = _reduction(reduction)
    *hidden, last = _layers(module)
    counts, x = _counts(hidden, failures), X.flatten(1)
    first = _active(hidden[0], hidden[0].linear(x))
    passes = [_Pass(hidden[0], counts[0], first, first, None)]
    for layer, count in zip(hidden[1:], counts[1:]):
        lower, upper = _range(passes, layer.linear)
        passes.append(_Pass(layer, count, _active(layer, lower), _active(layer, upper), _lines(layer, lower, upper)))
    lower, upper = _range(passes, last.linear)
    intact = last.linear(_trace(hidden, X)[-1])
    worst = last.lipschitz * torch.maximum(upper - intact, intact - lower).amax(dim=1)
    return reduce(worst)


def _reduction(name: str) -> Callable[[Tensor], Tensor]:
    """Return how the inputs' errors become one number."""
    if name not in ("max", "mean"):
        raise ValueError(f"reduction must be 'max' or 'mean', got {name!r}")
    reduce: Callable[[Tensor], Tensor] = torch.amax if name == "max" else torch.mean
    return reduce


class _Pass(NamedTuple):
    """A hidden layer under failures: ranges of its values (n, N_l), and lines in its sums; none: values are known."""

    layer: _Layer
    failing: int
    low: Tensor
    high: Tensor
    lines: tuple[Tensor, Tensor, Tensor, Tensor] | None


def _range(passes: list[_Pass], linear: nn.Linear) -> tuple[Tensor, Tensor]:
    """Return what the sums of a layer can be, (n, rows)."""
    return -_upper(passes, -linear.weight, -_bias(linear)), _upper(passes, linear.weight, _bias(linear))


def _upper(passes: list[_Pass], rows: Tensor, constant: Tensor) -> Tensor:
    """Bound rows . values + constant from above, going back from the last of the passes to the first."""
    total = constant.expand(len(passes[0].low), -1)
    a = rows.expand(len(total), -1, -1)
    for layer, failing, low, high, lines in passes[::-1]:
        rising, falling = a.clamp(min=0), a.clamp(max=0)
        if failing:  # a crash takes a_i y_i away
            gains = -(rising * low[:, None] + falling * high[:, None])
            total = total + gains.clamp(min=0).topk(failing, dim=2).values.sum(dim=2)
        if lines is None:
            return total + (a * low[:, None]).sum(dim=2)
        above, above_at_0, below, below_at_0 = (line[:, None] for line in lines)
        total = total + (rising * above_at_0 + falling * below_at_0).sum(dim=2)
        a = rising * above + falling * below
        total, a = total + a @ _bias(layer.linear), a @ layer.linear.weight
    raise AssertionError("the first layer has no lines")


def _lines(layer: _Layer, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return slope and value at 0 of a line above, then of one below the activation on [lower, upper]."""
    low, high = _active(layer, lower), _active(layer, upper)
    if isinstance(layer.activation, (nn.ReLU, nn.LeakyReLU)):  # convex: the chord above, one of its pieces below
        wide = upper > lower
        chord = torch.where(wide, (high - low) / torch.where(wide, upper - lower, 1.0), 0.0)
        bent = getattr(layer.activation, "negative_slope", 0.0)
        below = torch.where(upper + lower > 0, torch.ones_like(low), bent)
        below = torch.where(lower >= 0, torch.ones_like(low), torch.where(upper <= 0, bent, below))
        return chord, high - chord * upper, below, torch.zeros_like(low)
    slope = torch.zeros_like(low)
    if isinstance(layer.activation, nn.Sigmoid):
        slope = torch.minimum(low * (1 - low), high * (1 - high))
    elif isinstance(layer.activation, nn.Tanh):
        slope = torch.minimum(1 - low**2, 1 - high**2)
    elif isinstance(layer.activation, nn.Hardtanh):
        slope = ((lower >= layer.activation.min_val) & (upper <= layer.activation.max_val)).to(low.dtype)
    return slope, high - slope * upper, slope, low - slope * lower  # the least slope is at an end


def _active(layer: _Layer, s: Tensor) -> Tensor:
    activation: Any = layer.activation
    bent = getattr(activation, "negative_slope", getattr(activation, "alpha", 0.0))
    if bent < 0 or (isinstance(activation, nn.LeakyReLU) and bent > 1):
        raise ValueError(f"{activation}: the linear relaxation needs an activation that rises, not bent upward")
    value: Tensor = activation(s)
    return value


def _bias(linear: nn.Linear) -> Tensor:
    return linear.weight.new_zeros(linear.out_features) if linear.bias is None else linear.bias


def _constants(activation: nn.Module) -> tuple[float, float] | None:
    """Return Lipschitz constant and sup |phi|, or None for what is no activation known here."""
    settings: Any = activation
    if isinstance(activation, nn.Sigmoid):
        return 0.25, 1.0
    if isinstance(activation, nn.Tanh):
        return 1.0, 1.0
    if isinstance(activation, nn.Hardtanh):  # also ReLU6
        return 1.0, max(abs(settings.min_val), abs(settings.max_val))
    if isinstance(activation, nn.LeakyReLU):
        return max(1.0, abs(settings.negative_slope)), math.inf
    if isinstance(activation, nn.ELU):
        return max(1.0, abs(settings.alpha)), math.inf
    if isinstance(activation, nn.ReLU) or (isinstance(activation, nn.Softplus) and settings.beta > 0):
        return 1.0, math.inf
    return None


def _layers(module: nn.Module) -> list[_Layer]:
    if not isinstance(module, nn.Sequential):
        raise TypeError(f"module must be a torch.nn.Sequential, got {type(module).__name__}")
    layers: list[_Layer] = []
    for part in _flat(module):
        if isinstance(part, nn.Linear):
            if layers and layers[-1].activation is None:
                raise ValueError("two linear layers without an activation between them are one layer: merge them")
            layers.append(_Layer(part, None, 1.0, math.inf))
            continue
        constants = _constants(part)
        if constants is None or not layers or layers[-1].activation is not None:
            raise ValueError(f"{part} is not expected here: linear layers and activations must alternate")
        layers[-1] = _Layer(layers[-1].linear, part, *constants)
    if len(layers) < 2:
        raise ValueError("there is no hidden layer")
    return layers


def _flat(module: nn.Sequential) -> list[nn.Module]:
    parts: list[nn.Module] = []
    for part in module:
        if isinstance(part, nn.Sequential):
            parts += _flat(part)
        elif not isinstance(part, (nn.Dropout, nn.Flatten, nn.Identity)):
            parts.append(part)
    return parts


def _counts(hidden: list[_Layer], failures: int | Sequence[int]) -> tuple[int, ...]:
    widths = [layer.linear.out_features for layer in hidden]
    given = [min(failures, n) for n in widths] if isinstance(failures, int) else failures
    counts = tuple(int(f) for f in given)
    if len(counts) != len(widths):
        raise ValueError(f"{len(counts)} counts for {len(widths)} hidden layers")
    for layer, (f, n) in enumerate(zip(counts, widths), start=1):
        if not 0 <= f <= n:
            raise ValueError(f"layer {layer} has {n} neurons, {f} cannot fail")
    return counts


def _trace(hidden: list[_Layer], X: Tensor) -> list[Tensor]:
    """Return what every hidden layer transmits, shapes (n, N_l)."""
    values, y = [], X.flatten(1)
    for layer in hidden:
        assert layer.activation is not None
        y = layer.activation(layer.linear(y))
        values.append(y)
    return values
