# SPDX-License-Identifier: MIT
"""Flipped bits of int8 weights: every one beside batched PyTorch, the worst few proved, and a million weights.

    python bench/flips.py                       # everything, about ten minutes
    python bench/flips.py --parts single worst  # without the large network

CPU seconds on one thread. "single": all flips of all weights of digits at 16 inputs, the best of a few rounds in which
the forms take turns; the error of every flip must be that of every form, to the precision of each. "worst": the worst k
flips anywhere in digits_small, input by input; one flip against enumeration. "large": a 784-512-512-512-10 network,
trained here on digits of 28 x 28; every flip at one input, then boxes around it. Witnesses are replayed: the program
fails in the end where one does not do what the search says.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TypeVar

import machine

machine.one_thread()

import numpy as np  # noqa: E402
import torch  # noqa: E402
import withstand as ws  # noqa: E402
from peers.batched_torch import Words  # noqa: E402
from peers.common import Array, Net  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402

Result = TypeVar("Result")
BITS = 8
#: Precision of the peer, and how far its errors may be from ours, relative to the largest.
DTYPES = {torch.float32: 1e-5, torch.float64: 1e-13}
#: How the peer writes the layer of the weight, and the fastest batch of 64 .. 1024.
BATCHES = {"update": 512, "baddbmm": 128}
PARTS = ("single", "worst", "large")
#: Beyond this many CPU seconds a count of flips is not asked at more inputs.
PATIENCE = 60.0


def timed(task: Callable[[], Result]) -> tuple[float, Result]:
    """Return the CPU seconds of a task, and what it returns."""
    start = time.process_time()
    result = task()
    return time.process_time() - start, result


def single(k: int = 1, *, exactly: bool = True) -> ws.WeightFlip:
    """Return flips of int8 weights, those of the network's own scale."""
    return ws.WeightFlip(k, format="int8", exactly=exactly)


def peer_errors(peer: Words, net: ws.Network) -> Array:
    """Return the error of every flip, layer by layer, weight by weight, bit by bit."""
    errors = []
    for layer, w in enumerate(net.weights, start=1):
        form = dict(net.formats[layer - 1].parameters)["weight"]
        to, source = np.divmod(np.repeat(np.arange(w.size), BITS), w.shape[1])
        errors.append(peer.errors(layer, to, source, form.flips(w).reshape(-1)))
    return np.concatenate(errors)


def our_errors(net: ws.Network, x: Array) -> Array:
    """Return the same by one enumeration for each bit."""
    columns = []
    for bit in range(BITS):
        flips = ws.WeightFlip(1, format="int8", bits=[bit], exactly=True)
        found = ws.enumerate_failures(net, flips, x, components=True, threads=1).components
        assert found is not None
        columns.append([errors.worst for errors in found.values()])  # sorted: by layer, receiver, sender
    return np.array(columns).T.reshape(-1)


def every_flip(rounds: int, inputs: int) -> None:
    """Time every flip of digits in every form, and hold the errors against each other one by one."""
    net, x, _ = ws.embedded("digits")
    net, x = net.rounded("int8"), x[:inputs]
    plain = Net(net.weights, net.biases, "relu")
    forms = {(form, dtype): Words(plain, x, dtype, form, BATCHES[form]) for form in BATCHES for dtype in DTYPES}
    best: dict[str, float] = {}
    theirs: dict[tuple[str, torch.dtype], Array] = {}
    for _ in range(rounds):
        seconds, found = timed(lambda: ws.enumerate_failures(net, single(), x, threads=1))
        best["withstand"] = min(seconds, best.get("withstand", seconds))
        for key, peer in forms.items():
            seconds, theirs[key] = timed(lambda peer=peer: peer_errors(peer, net))  # type: ignore[misc]
            name = f"batched_torch, {key[0]}, {str(key[1]).removeprefix('torch.')}"
            best[name] = min(seconds, best.get(name, seconds))
    agreement = check(found, our_errors(net, x), theirs)
    print("| flips | inputs | worst error | form | CPU s | evaluations / CPU-s | ratio |\n" + "|---" * 7 + "|")
    base = min(seconds for form, seconds in best.items() if form != "withstand")
    for form, seconds in best.items():
        cells = [f"{found.configurations:,}", str(inputs), f"{found.worst:.6g}", form, f"{seconds:.3f}"]
        print(f"| {' | '.join(cells)} | {found.evaluations / seconds:,.0f} | {base / seconds:.2f} |")
    print(f"\nErrors of {found.configurations:,} flips, apart by at most, of the largest: {agreement}\n", flush=True)


def check(found: ws.Enumeration, ours: Array, theirs: dict[tuple[str, torch.dtype], Array]) -> str:
    """Hold the errors of all flips against each other, and the summary against them; say how near they are."""
    assert found.configurations == len(ours) and found.worst == ours.max(), found
    assert abs(found.mean - ours.mean()) <= found.rounding + 1e-12 * found.mean, (found.mean, ours.mean())
    apart = {}
    for (form, dtype), errors in theirs.items():
        most = float(np.abs(errors - ours).max() / ours.max())
        assert most <= DTYPES[dtype], (form, dtype, most)
        apart[f"{form} {str(dtype).removeprefix('torch.')}"] = f"{most:.1e}"
    return ", ".join(f"{form} {most}" for form, most in apart.items())


def replayed(net: ws.Network, found: ws.WorstCase, spec: ws.Argmax | None = None) -> bool:
    """Return whether the witness does what the search says."""
    w = found.witness
    assert w is not None and found.lower <= found.upper, found
    intact, outputs = net.forward(w.input), net.forward(w.input, failed=w)
    leads = np.delete(outputs, intact.argmax()).max() - outputs[intact.argmax()]
    return bool(found.lower == (np.abs(outputs - intact).max() if spec is None else leads))


def worst_flips(counts: list[int], inputs: int, limit: float) -> bool:
    """Search the worst flips anywhere in digits_small, input by input; say whether every witness could be replayed."""
    net, x, _ = ws.embedded("digits_small")
    net = net.rounded("int8")
    print("| flips | configurations | proved | replayed | largest error | largest gap | CPU s, median | largest |")
    print("|---" * 8 + "|")
    good = True
    for k in counts:
        searches: list[tuple[float, ws.WorstCase]] = []
        while len(searches) < inputs and sum(seconds for seconds, _ in searches) < PATIENCE:
            flips, row = single(k, exactly=False), x[len(searches)]
            searches.append(timed(lambda: ws.worst_case(net, flips, row, time_limit=limit, threads=1)))  # noqa: B023
            if k == 1:
                every = ws.enumerate_failures(net, flips, row, threads=1).worst
                assert searches[-1][1].exact and every == searches[-1][1].lower, every
        cpu, found = [s for s, _ in searches], [w for _, w in searches]
        same = sum(replayed(net, w) for w in found)
        good = good and same == len(found)
        gap = max((w.upper - w.lower) / w.upper for w in found)
        cells = [str(k), f"{single(k, exactly=False).configurations(net):.3g}"]
        cells += [f"{sum(w.exact for w in found)} of {len(found)}", f"{same} of {len(found)}"]
        cells += [f"{max(w.lower for w in found):.6g}", f"{gap:.1e}", f"{np.median(cpu):.3f}", f"{max(cpu):.3f}"]
        print(f"| {' | '.join(cells)} |", flush=True)
    print()
    return good


def trained() -> tuple[ws.Network, Array]:
    """Train 784-512-512-512-10 on digits of 28 x 28; return it with int8 weights, and images it has not seen."""
    torch.manual_seed(0)
    data = load_digits()
    small = torch.tensor(data.images / 16.0, dtype=torch.float32)[:, None]
    images = torch.nn.functional.interpolate(small, size=(28, 28), mode="bilinear", align_corners=False).flatten(1)
    targets, known = torch.tensor(data.target), 1500
    widths = (784, 512, 512, 512, 10)
    linear = [torch.nn.Linear(n, m) for n, m in zip(widths[:-1], widths[1:], strict=True)]
    stages = [stage for layer in linear for stage in (layer, torch.nn.ReLU())][:-1]
    model = torch.nn.Sequential(*stages)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(10):
        for batch in torch.randperm(known).split(100):
            adam.zero_grad()
            torch.nn.functional.cross_entropy(model(images[batch]), targets[batch]).backward()
            adam.step()
    weights = [layer.weight.detach().double().numpy() for layer in linear]
    biases = [layer.bias.detach().double().numpy() for layer in linear]
    net, rest = ws.Network(weights, biases).rounded("int8"), images[known:].double().numpy()
    share = (net.forward(rest).argmax(1) == data.target[known:]).mean()
    print(f"784-512-512-512-10, {net.n_weights:,} weights, {share:.1%} of {len(rest)} other images right\n")
    return net, rest


def large(limit: float) -> bool:
    """Ask the large network at one input and in boxes around it; say whether every witness could be replayed."""
    net, images = trained()
    x, good = images[0], True
    print("| question | domain | answer | CPU s |\n|---|---|---|---|")
    for spec in (None, ws.Argmax()):
        question = "errors" if spec is None else "decisions"
        seconds, every = timed(lambda: ws.enumerate_failures(net, single(), x, spec=spec, threads=1))  # noqa: B023
        share = "" if every.exceeding is None else f", {every.exceeding:.2%} change the class"
        print(f"| every flip, {question} | point | worst {every.worst:.6g}{share} | {seconds:.1f} |", flush=True)
        for radius in range(3):
            domain = ws.Box(np.maximum(x - radius / 255, 0.0), np.minimum(x + radius / 255, 1.0)) if radius else x
            flips = single(exactly=False)
            seconds, worst = timed(
                lambda: ws.worst_case(net, flips, domain, spec=spec, time_limit=limit, threads=1)  # noqa: B023
            )
            assert worst.upper >= every.worst, (worst, every)
            good = replayed(net, worst, spec) and good
            interval = f"{worst.status}, [{worst.lower:.6g}, {worst.upper:.6g}]"
            where = f"radius {radius}/255" if radius else "point"
            print(f"| `worst_case`, {question} | {where} | {interval} | {seconds:.1f} |", flush=True)
            seconds, proved = timed(
                lambda: ws.bound(net, flips, domain, method="adjoint", spec=spec, threads=1)  # noqa: B023
            )
            assert proved.value >= worst.lower, (proved, worst)
            print(f"| `bound`, {question} | {where} | at most {proved.value:.6g} | {seconds:.1f} |", flush=True)
    return good


def main() -> None:
    """Print a table for each part."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--inputs", type=int, default=16, help='of "single"; "worst" takes half of them')
    parser.add_argument("--flips", type=int, nargs="+", default=[1, 2, 3, 5])
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"One thread. {machine.markdown()}\n")
    if "single" in options.parts:
        every_flip(options.rounds, options.inputs)
    good = True
    if "worst" in options.parts:
        good = worst_flips(options.flips, max(1, options.inputs // 2), limit=20.0)
    if "large" in options.parts:
        good = large(limit=60.0) and good
    if not good:
        raise SystemExit("a witness does not do what the search says")


if __name__ == "__main__":
    main()
