# SPDX-License-Identifier: MIT
"""Every single crash of published convolutional networks at one input: the package beside batched PyTorch.

    python bench/convolutions.py                          # ResNet-8 for CIFAR, and two networks for MNIST
    python bench/convolutions.py --models pub9_mlperf_resnet8 --sample 512

CPU seconds on one thread, the better of a few rounds in which the forms take turns. The package evaluates every crash
of every layer. The peer gets a sample of each layer's neurons, in batches of 64, and its time for a layer is scaled to
all of them: every crash of a layer costs it the same. Errors of the sampled neurons must agree one by one: the
package's canonical evaluation with the errors of its engine and with both peers, to the precision of each.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import machine

machine.one_thread()

import numpy as np  # noqa: E402
import torch  # noqa: E402
import withstand as ws  # noqa: E402
from networks import FOLDER  # noqa: E402
from peers.batched_torch import Graph, Operation, Stage  # noqa: E402
from peers.common import Array, Indices  # noqa: E402
from torch.nn import functional  # noqa: E402

#: Precision of the peer, and how far its errors may be from ours, relative to the largest output.
PEERS = {torch.float32: 2e-5, torch.float64: 1e-12}


def same(y: torch.Tensor) -> torch.Tensor:
    """Return what is read as it is."""
    return y


def pooled(y: torch.Tensor) -> torch.Tensor:
    """Return the largest of each 2 x 2 window."""
    return functional.max_pool2d(y, 2)


#: Layers that one would not write as selections: what PyTorch has for them, by their place in the graph.
POOLS: dict[str, dict[int, tuple[int, Operation]]] = {
    "pub9_mlperf_resnet8.h5": {8: (7, lambda y: y.mean((2, 3)))},
    "pub6_mnist_conv_small.onnx": {},
    "pub11_mnist_maxpool_cnn.onnx": {
        **{1: (0, same), 3: (2, same), 4: (2, same), 5: (2, pooled)},
        **{7: (6, same), 8: (6, same), 9: (6, lambda y: pooled(y).permute(0, 2, 3, 1).flatten(1))},
    },
}


@dataclass(frozen=True)
class Problem:
    """A network at one input, and a sample of the neurons of each layer."""

    net: ws.Network
    x: Array
    pools: dict[int, tuple[int, Operation]]
    sample: dict[int, Indices]


def operation(kind: object, bias: Array | None, dtype: torch.dtype) -> Operation:
    """Write what a layer reads a source with in PyTorch."""
    own = None if bias is None else torch.tensor(bias, dtype=dtype)
    if kind is None and own is None:
        return same
    if isinstance(kind, np.ndarray):
        matrix = torch.tensor(kind, dtype=dtype)
        return lambda y: functional.linear(y.flatten(1), matrix, own)
    if isinstance(kind, ws.Conv):
        kernel = torch.tensor(kind.kernel, dtype=dtype)
        (top, bottom), (left, right) = kind.padding
        if (top, left) == (bottom, right):
            return lambda y: functional.conv2d(y, kernel, own, kind.stride, (top, left), kind.dilation, kind.groups)
        ends, rest = (left, right, top, bottom), (kind.stride, 0, kind.dilation, kind.groups)
        return lambda y: functional.conv2d(functional.pad(y, ends), kernel, own, *rest)
    raise ValueError(f"no operation of PyTorch is known for {kind!r}: say one in POOLS")


def peer(problem: Problem, dtype: torch.dtype) -> Graph:
    """Rebuild the network in PyTorch, which has channels first."""
    layout, stages = problem.net._described(), []
    for place, layer in enumerate(layout.given, start=1):
        if place in problem.pools:
            stages.append(Stage((problem.pools[place],), relu=False))
            continue
        weighted = [n for n, (_, kind) in enumerate(layer.reads) if kind is not None]
        biases = [layer.bias if n == weighted[0] else None for n in range(len(layer.reads))]
        reads = ((source, operation(kind, b, dtype)) for (source, kind), b in zip(layer.reads, biases, strict=True))
        stages.append(Stage(tuple(reads), relu=layer.activation.name == "relu"))
    shape = layout.shapes[0]
    image = problem.x.reshape(shape)
    image = np.moveaxis(image, -1, 0) if shape[-1] in (1, 3) else image
    return Graph(stages, torch.tensor(image, dtype=dtype))


def numbering(net: ws.Network, layer: int) -> Indices:
    """Return the number that PyTorch has for each neuron of a layer."""
    facts = net.layers[layer - 1]
    if facts.channel_axis in (None, 0):
        return np.arange(net.widths[layer])
    *image, channels = facts.shape
    return np.moveaxis(np.arange(net.widths[layer]).reshape(channels, *image), 0, -1).reshape(-1)


def every_crash(problem: Problem) -> tuple[float, ws.Enumeration]:
    """Return CPU seconds and the answer of the package."""
    start = time.process_time()
    found = ws.enumerate_failures(problem.net, ws.Crash(1, exactly=True), problem.x, threads=1)
    return time.process_time() - start, found


def peer_seconds(problem: Problem, graph: Graph) -> tuple[float, dict[int, Array]]:
    """Return the time for all neurons, each layer's scaled up from its sample, and the errors of the samples."""
    total, errors, places = 0.0, {}, problem.net._described().places
    for layer, neurons in problem.sample.items():
        named = numbering(problem.net, layer)[neurons]
        start = time.process_time()
        errors[layer] = graph.errors(places[layer], named)
        total += (time.process_time() - start) * problem.net.widths[layer] / len(neurons)
    return total, errors


def check(problem: Problem, found: ws.Enumeration, errors: dict[torch.dtype, dict[int, Array]]) -> str:
    """Hold sampled errors against the canonical evaluation, and the worst against its replay; say how near they are."""
    net, x = problem.net, problem.x
    among = [(layer, int(n)) for layer, neurons in problem.sample.items() for n in neurons]
    ours = ws.enumerate_failures(net, ws.Crash(1, exactly=True, among=among), x, components=True, threads=1)
    known = ours.components
    assert known is not None and found.witness is not None and len(known) == len(among)
    scale = float(np.abs(net.forward(x)).max())
    for component in among:
        assert abs(known[component].mean - known[component].worst) <= ours.rounding, component
    apart: dict[str, str] = {}
    for dtype, by_layer in errors.items():
        theirs = np.concatenate([by_layer[layer] for layer in problem.sample])
        exact = np.array([known[component].worst for component in among])
        most = float(np.abs(theirs - exact).max()) / scale
        assert most <= PEERS[dtype], (dtype, most)
        apart[str(dtype).removeprefix("torch.")] = f"{most:.1e}"
    replayed = np.abs(net.forward(x, failed=found.witness.values) - net.forward(x)).max()
    assert replayed == found.worst and found.worst >= ours.worst, (replayed, found)
    return f"{len(among):,} errors apart by at most, of the largest output: {apart}"


def measure(problem: Problem, rounds: int) -> tuple[dict[str, float], ws.Enumeration, str]:
    """Return the best CPU seconds of every form, all answers checked."""
    graphs = {dtype: peer(problem, dtype) for dtype in PEERS}
    best: dict[str, float] = {}
    errors: dict[torch.dtype, dict[int, Array]] = {}
    for _ in range(rounds):
        seconds, found = every_crash(problem)
        best["withstand"] = min(seconds, best.get("withstand", seconds))
        for dtype, graph in graphs.items():
            seconds, errors[dtype] = peer_seconds(problem, graph)
            name = f"batched_torch, {str(dtype).removeprefix('torch.')}"
            best[name] = min(seconds, best.get(name, seconds))
    assert found.configurations == problem.net.n_neurons
    return best, found, check(problem, found, errors)


def problem_of(name: str, sample: int) -> Problem:
    """Read a network and its first input, and draw neurons of each layer."""
    path = FOLDER / name
    if not path.exists():
        raise SystemExit(f"the model {path} is missing: set WITHSTAND_MODELS to a folder that has it")
    net, draw = ws.load(path), np.random.default_rng(0)
    with np.load(FOLDER / f"{path.stem}.ref.npz") as data:
        x = data["x"][0].astype(np.float64).reshape(-1)
    widths = enumerate(net.widths[1:-1], start=1)
    drawn = {layer: np.sort(draw.choice(n, min(n, sample), replace=False)) for layer, n in widths}
    return Problem(net, x, POOLS[name], drawn)


def main() -> None:
    """Print one row for every network and form."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=[n.split(".")[0] for n in POOLS], default=None)
    parser.add_argument("--sample", type=int, default=256, help="neurons of each layer that the peer gets")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"One input, one thread, peers on {options.sample} neurons of each layer. {machine.markdown()}\n")
    print("| network | crashes | that change anything | worst error | form | CPU s | evaluations / CPU-s | ratio |")
    print("|---" * 8 + "|")
    agreements = []
    for name in POOLS:
        if options.models and name.split(".")[0] not in options.models:
            continue
        problem = problem_of(name, options.sample)
        best, found, agreement = measure(problem, options.rounds)
        agreements.append(f"{name}: {agreement}")
        sends = sum(int(np.count_nonzero(y)) for y in problem.net.trace(problem.x)[1:-1])
        count, base = found.configurations, best["batched_torch, float32"]
        for form, seconds in best.items():
            cells = [name.split(".")[0], f"{count:,}", f"{sends:,}", f"{found.worst:.6g}", form, f"{seconds:.3f}"]
            print(f"| {' | '.join(cells)} | {count / seconds:,.0f} | {base / seconds:.2f} |", flush=True)
    print("\n" + "\n".join(agreements))


if __name__ == "__main__":
    main()
