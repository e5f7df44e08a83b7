# SPDX-License-Identifier: MIT
"""Certificates of worst cases: a proof as a file, and its check."""

from __future__ import annotations

import json
import os
from typing import Any

from withstand import checker
from withstand._types import FloatArray
from withstand.failures import Failures
from withstand.network import Network
from withstand.spec import Spec, asks_decisions


def layers_of(net: Network) -> checker.Layers:
    """Return a network as the checker sees it."""
    activations = [(a.name, a.gain, a.slope) for a in (*net.activations, net.output_activation)]
    return checker.Layers(net.weights, net.biases, tuple(activations))


def check_certificate(path: str | os.PathLike[str], net: Network) -> dict[str, int]:
    """Confirm a certificate with the independent checker.

    Parameters
    ----------
    path : path
        A file that `worst_case(..., certificate=path)` wrote.
    net : Network
        The network that it is about.

    Returns
    -------
    dict
        Numbers of "nodes", "bounded" and "enumerated" leaves, and "configurations" evaluated.

    Raises
    ------
    withstand.Rejected
        If the file does not prove its claim for this network; the message says where.
    """
    with open(path, encoding="utf-8") as file:
        try:
            certificate = json.load(file)
        except (ValueError, RecursionError) as error:
            raise checker.Rejected(f"{os.fspath(path)}: not a certificate: {error}") from error
    return checker.check(certificate, layers_of(net))


def write_certificate(
    path: str | os.PathLike[str],
    net: Network,
    failures: Failures,
    inputs: FloatArray,
    upper: float,
    spec: Spec = None,
    node_limit: int = 200_000,
    small: int = 32,
) -> None:
    """Write a tree that proves: at these inputs no configuration does more harm than about `upper`.

    The claim is `upper` and a billionth of it, so that the checker's own rounding has room. Subspaces of at most
    `small` configurations are enumerated without asking for a bound.

    Raises
    ------
    ValueError
        For failures that certificates do not cover (one model of crashed or stuck hidden neurons is), an output
        activation, or a tree of more than `node_limit` nodes; and if `upper` is not an upper bound.
    """
    layers, space = layers_of(net), _space(failures, net)
    if layers.activations[-1][:2] != ("identity", 1.0):
        raise ValueError(f"certificates cover outputs without activation, not {net.output_activation}")
    goal = "argmax" if asks_decisions(spec) else "error"
    claim = upper + 1e-9 * max(1.0, abs(upper))
    prover = _Prover(layers, space, goal, claim, node_limit, small)
    certificate: dict[str, Any] = {
        "format": checker.FORMAT,
        "network": layers.digest(),
        "space": {
            "value": space.value,
            "counts": list(space.counts),
            "total": space.total,
            "exactly": space.exactly,
            "neurons": [list(neuron) for neuron in space.neurons],
        },
        "goal": goal,
        "claim": claim,
        "inputs": [{"input": [float(v) for v in x], "tree": prover.tree(x)} for x in inputs],
    }
    certificate["checksum"] = checker.checksum(certificate)
    with open(path, "w", encoding="utf-8") as file:
        file.write(_dumps(certificate))


def _dumps(certificate: dict[str, Any]) -> str:
    return json.dumps(certificate, separators=(",", ":"), allow_nan=False)


def _space(failures: Failures, net: Network) -> checker.Space:
    failures._space(net)  # refuses what does not fit the network
    if len(failures._terms) != 1 or failures._terms[0][0] not in ("crash", "stuck"):
        raise ValueError(f"certificates cover one model of crashed or stuck neurons, not {failures}")
    effect, amount, counts, total, exactly, _, among = failures._terms[0]
    neurons = among or tuple((l, i) for l in range(1, net.depth + 1) for i in range(net.widths[l]))
    if any(layer == 0 for layer, *_ in neurons):
        raise ValueError("certificates cover hidden neurons, among names an input")
    value = float(amount[0]) if effect == "stuck" else 0.0
    return checker.Space(value, counts, total, exactly, tuple(sorted((l, i) for l, i in neurons)))


class _Prover:
    """Grows a tree whose leaves the checker's own bound closes."""

    def __init__(
        self, net: checker.Layers, space: checker.Space, goal: str, claim: float, limit: int, small: int
    ) -> None:
        self._net, self._space, self._goal, self._claim = net, space, goal, claim
        self._left, self._small = limit, small

    def tree(self, x: FloatArray) -> dict[str, Any]:
        root: dict[str, Any] = {}
        none: frozenset[checker.Neuron] = frozenset()
        stack = [(root, none, none)]
        while stack:
            node, failed, alive = stack.pop()
            self._left -= 1
            if self._left < 0:
                raise ValueError("the tree has too many nodes; raise node_limit or ask for a looser upper")
            neuron = self._close(x, node, failed, alive)
            if neuron is None:
                continue
            allowed = min(self._space.left(failed | {neuron})) >= 0
            node.update(neuron=list(neuron), failed={} if allowed else None, alive={})
            stack.append((node["alive"], failed, alive | {neuron}))
            if allowed:
                stack.append((node["failed"], failed | {neuron}, alive))
        return root

    def _close(
        self, x: FloatArray, node: dict[str, Any], failed: frozenset[checker.Neuron], alive: frozenset[checker.Neuron]
    ) -> checker.Neuron | None:
        """Make the node a leaf, or return the neuron to decide."""
        space = self._space
        free, left = sorted(set(space.neurons) - failed - alive), space.left(failed)
        size = space.size(free, left)
        order: list[checker.Neuron] = []
        if size > self._small:
            value, order = checker.bound(self._net, x, space, self._goal, failed, alive)
            if value <= self._claim:
                node.update(leaf="bounded", bound=value)
                return None
        if size <= self._small or (size <= checker.CAP and not order):
            sets = [(*failed, *more) for more in space.completions(free, left)]
            worst = checker.harms(self._net, x, space, self._goal, sets).max(initial=float("-inf"))
            if worst > self._claim:
                raise ValueError(f"a configuration does {worst}, the certificate was to claim at most {self._claim}")
            node.update(leaf="enumerated", count=size)
            return None
        return order[0] if order else free[0]
