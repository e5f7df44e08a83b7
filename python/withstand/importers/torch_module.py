# SPDX-License-Identifier: MIT
"""Reads torch modules without importing torch: dense `torch.nn.Sequential` models here, others as they export."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

from .affine import SOFTMAX, Affine
from .budget import Account
from .errors import UnsupportedModel
from .graph import Graph
from .layers import Array, Layers, Phi
from .objects import check_arguments, check_methods, is_own
from .stack import Stack
from .torch_export import read_exported

__all__ = ["read_torch"]


def read_torch(module: Any, account: Account | None = None, inputs: Any = None) -> Layers | Graph:
    """Read a `torch.nn.Sequential`, nested or not, in evaluation mode; or, with `inputs`, what torch.export traces.

    Modules are read in the order in which they are executed, one that stands in several places once for each.

    Parameters
    ----------
    module : torch.nn.Module
        Linear, BatchNorm1d, Flatten, Dropout, Identity, ReLU, LeakyReLU, PReLU with one slope, Sigmoid, Tanh,
        Hardtanh, Hardsigmoid, Hardswish, ELU, SELU, SiLU, GELU, Softsign, Softplus with beta 1, and a trailing
        Softmax or LogSoftmax. Softplus is taken without torch's threshold of at least 20, beyond which torch
        drops a term of at most 2.1e-9.
    inputs : tensor or array, tuple of them, or dict of them, optional
        One example with a batch axis of 1: the module may then be any that `torch_export.read_exported` reads.

    Raises
    ------
    UnsupportedModel
        For any other module, by its name, and for modules in training mode, with hooks, with a method replaced
        on the instance, or in half precision.
    """
    if inputs is not None:
        if not isinstance(module, sys.modules["torch"].nn.Module):
            advice = _ADVICE.get(type(module).__name__, "inputs is an example for a torch.nn.Module")
            raise UnsupportedModel(f"is not supported; {advice}")
        return read_exported(module, inputs, account)
    whole = type(module).__name__
    leaves = list(_leaves(module, whole))
    width = next((_width(leaf) for _, leaf in leaves if _width(leaf)), None)
    if width is None:
        raise UnsupportedModel("has no Linear module")
    stack = Stack(width, account)
    tensor, name = stack.inputs((1, width)), ""
    for where, leaf in leaves:
        if type(leaf).__name__ == "Linear":
            name = where.removeprefix(f"{whole}.")
        try:
            tensor = _step(stack, tensor, leaf, name)
        except ValueError as error:
            raise UnsupportedModel(f"{where} ({type(leaf).__name__}): {error}") from error
    return stack.finish([tensor], name)


def _leaves(module: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Return the modules that compute, in the order in which they are executed, with their names."""
    try:
        _check(module)
    except ValueError as error:
        raise UnsupportedModel(f"{where} ({type(module).__name__}): {error}") from error
    if type(module).__name__ == "Sequential":
        # children() would skip a module that stands here twice.
        for name, child in module._modules.items():
            yield from _leaves(child, f"{where}.{name}")
    else:
        yield where, module


def _check(module: Any) -> None:
    """Refuse what does not compute as its class says."""
    name, torch = type(module).__name__, sys.modules["torch"]
    if name not in _ARGUMENTS or not is_own(module, "torch"):
        supported = ", ".join(_ARGUMENTS)
        raise ValueError(f"is not supported; supported are {supported}; {_ADVICE.get(name, _ANY_OTHER)}")
    check_methods(module)
    every = torch.nn.modules.module
    if module._forward_hooks or module._forward_pre_hooks:
        raise ValueError("has forward hooks, which may change its values")
    if every._global_forward_hooks or every._global_forward_pre_hooks:
        raise ValueError("runs under global forward hooks, which may change its values")
    check_arguments(module, _ARGUMENTS[name])


def _step(stack: Stack, tensor: Affine, leaf: Any, name: str) -> Affine:
    kind = type(leaf).__name__
    if kind in _SKIPPED:
        return _SKIPPED[kind](tensor, leaf)
    if tensor.closed:
        raise ValueError(tensor.closed)
    if kind in _AFFINE:
        return _AFFINE[kind](tensor, leaf)
    phi, shift = _ACTIVATIONS[kind](leaf)
    return stack.push(tensor.plus(np.asarray(shift)), phi, name)


def _width(leaf: Any) -> int | None:
    size = getattr(leaf, "in_features", None) or getattr(leaf, "num_features", None)
    return int(size) if size else None


def _numbers(parameter: Any) -> Array:
    """Return a parameter's numbers; refuse those with which a module computes in another way than in floats."""
    torch, kind = sys.modules["torch"], type(parameter)
    if kind not in (torch.Tensor, torch.nn.Parameter):
        raise ValueError(f"holds a {kind.__name__} for a parameter, supported are plain tensors")
    if parameter.layout is not torch.strided or parameter.is_meta:
        form = f"layout {parameter.layout} on device {parameter.device}"
        raise ValueError(f"holds a parameter of {form}, supported are dense ones that have data")
    if parameter.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"computes in {parameter.dtype}, supported are torch.float32 and torch.float64")
    numbers: Array = parameter.detach().cpu().double().numpy()
    return numbers.copy()


def _linear(tensor: Affine, leaf: Any) -> Affine:
    result = tensor.matmul(_numbers(leaf.weight).T)
    return result if leaf.bias is None else result.plus(_numbers(leaf.bias))


def _batch_norm(tensor: Affine, leaf: Any) -> Affine:
    if leaf.training or leaf.running_mean is None or leaf.running_var is None:
        raise ValueError("normalises by the batch; call model.eval() and keep running statistics")
    if leaf.num_features != tensor.size:
        raise ValueError(f"has {leaf.num_features} features on a tensor of {tensor.size}")
    factor = 1 / np.sqrt(_numbers(leaf.running_var) + leaf.eps)
    if leaf.weight is not None:
        factor = factor * _numbers(leaf.weight)
    result = tensor.plus(-_numbers(leaf.running_mean)).times(factor)
    return result if leaf.bias is None else result.plus(_numbers(leaf.bias))


def _keep(tensor: Affine, leaf: Any) -> Affine:
    return tensor


def _flatten(tensor: Affine, leaf: Any) -> Affine:
    if (leaf.start_dim, leaf.end_dim) != (1, -1):
        raise ValueError(f"flattens axes {leaf.start_dim} to {leaf.end_dim}, supported are 1 to -1")
    return tensor


def _dropout(tensor: Affine, leaf: Any) -> Affine:
    if leaf.training and leaf.p > 0:
        raise ValueError("is in training mode; call model.eval()")
    return tensor


def _softmax(tensor: Affine, leaf: Any) -> Affine:
    if leaf.dim not in (None, 1, -1):
        raise ValueError(f"runs over axis {leaf.dim}, supported is only the class axis")
    if tensor.closed:
        raise ValueError(tensor.closed)
    return tensor.close(SOFTMAX)


def _hardtanh(leaf: Any) -> tuple[Phi, float]:
    limits = (leaf.min_val, leaf.max_val)
    if limits == (-1, 1):
        return Phi("hard_tanh"), 0.0
    if limits == (0, 1):
        return Phi("clip"), -0.5
    if limits == (0, 6):
        return Phi("relu6"), 0.0
    raise ValueError(f"clips to {list(limits)}, supported are [-1, 1], [0, 1] and [0, 6]")


def _prelu(leaf: Any) -> tuple[Phi, float]:
    slopes = np.unique(_numbers(leaf.weight))
    if len(slopes) != 1 or not slopes[0] >= 0:
        raise ValueError(f"has slopes {slopes}, supported is one slope >= 0 for all neurons")
    return Phi("leaky_relu", slope=float(slopes[0])), 0.0


def _softplus(leaf: Any) -> tuple[Phi, float]:
    if leaf.beta != 1:
        raise ValueError(f"has beta = {leaf.beta}, supported is beta = 1")
    if not leaf.threshold >= 20:
        raise ValueError(f"has threshold = {leaf.threshold}, supported are thresholds >= 20")
    return Phi("softplus"), 0.0


def _gelu(leaf: Any) -> tuple[Phi, float]:
    names = {"none": "gelu", "tanh": "gelu_tanh"}
    if leaf.approximate not in names:
        raise ValueError(f"has approximate = {leaf.approximate!r}, supported are 'none' and 'tanh'")
    return Phi(names[leaf.approximate]), 0.0


def _slope(name: str, slope: float) -> tuple[Phi, float]:
    if not slope >= 0:
        raise ValueError(f"has a slope of {slope}, supported are slopes >= 0")
    return Phi(name, slope=float(slope)), 0.0


_AFFINE: Final[dict[str, Callable[[Affine, Any], Affine]]] = {"BatchNorm1d": _batch_norm, "Linear": _linear}

_SKIPPED: Final[dict[str, Callable[[Affine, Any], Affine]]] = {
    "Dropout": _dropout,
    "Flatten": _flatten,
    "Identity": _keep,
    "LogSoftmax": _softmax,
    "Softmax": _softmax,
}

#: The activation, and what is added to its argument first.
_ACTIVATIONS: Final[dict[str, Callable[[Any], tuple[Phi, float]]]] = {
    "ELU": lambda leaf: _slope("elu", leaf.alpha),
    "GELU": _gelu,
    "Hardsigmoid": lambda leaf: (Phi("hard_sigmoid"), 0.0),
    "Hardswish": lambda leaf: (Phi("hard_swish"), 0.0),
    "Hardtanh": _hardtanh,
    "LeakyReLU": lambda leaf: _slope("leaky_relu", leaf.negative_slope),
    "PReLU": _prelu,
    "ReLU": lambda leaf: (Phi("relu"), 0.0),
    "ReLU6": lambda leaf: (Phi("relu6"), 0.0),
    "SELU": lambda leaf: (Phi("selu"), 0.0),
    "SiLU": lambda leaf: (Phi("silu"), 0.0),
    "Sigmoid": lambda leaf: (Phi("logistic"), 0.0),
    "Softplus": _softplus,
    "Softsign": lambda leaf: (Phi("softsign"), 0.0),
    "Tanh": lambda leaf: (Phi("tanh"), 0.0),
}

#: The arguments of each constructor that are read here, or that do not change a function in evaluation mode.
_ARGUMENTS: Final = {
    "BatchNorm1d": "num_features eps momentum affine bias track_running_stats device dtype",
    "Dropout": "p inplace",
    "ELU": "alpha inplace",
    "Flatten": "start_dim end_dim",
    "GELU": "approximate",
    "Hardsigmoid": "inplace",
    "Hardswish": "inplace",
    "Hardtanh": "min_val max_val inplace",
    "Identity": "",
    "LeakyReLU": "negative_slope inplace",
    "Linear": "in_features out_features bias device dtype",
    "LogSoftmax": "dim",
    "PReLU": "num_parameters init device dtype",
    "ReLU": "inplace",
    "ReLU6": "inplace",
    "SELU": "inplace",
    "Sequential": "",
    "SiLU": "inplace",
    "Sigmoid": "",
    "Softmax": "dim",
    "Softplus": "beta threshold",
    "Softsign": "",
    "Tanh": "",
}

_ANY_OTHER: Final = "any other model loads with inputs=, one example with a batch axis of 1"
_ADVICE: Final = {
    "ExportedProgram": "pass the module that was exported, or the .pt2 file that torch.export.save makes of it",
    "OptimizedModule": "pass the module that was compiled",
    "ParametrizedLinear": "torch.nn.utils.parametrize.remove_parametrizations leaves a Linear of the same weights",
    "RecursiveScriptModule": "pass the module that was scripted",
    "Tensor": "pass the module that the tensors belong to",
    "TopLevelTracedModule": "pass the module that was traced",
}
