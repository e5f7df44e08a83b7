# SPDX-License-Identifier: MIT
"""Evaluations per CPU-second of the package and its peers, as a Markdown table.

    python bench/throughput.py                                 # digits, crashes in the first layer
    python bench/throughput.py --k 2 --anywhere
    python bench/throughput.py --model acas.onnx --samples acas.npz --inputs 1 --k 3 --anywhere

Each form runs in a process of its own on one thread, the forms taking turns for several rounds;
the best round counts (the machine may be shared) and all answers must agree to 1e-9. A form that
cannot be imported is left out. "Memory" is the peak above what the process held when the form was
ready to start (Linux).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

import machine

machine.one_thread()

import numpy as np  # noqa: E402
from peers.common import MODELS, Array, Form, Net, Worst, anywhere, load  # noqa: E402

FORMS = ("withstand", "chunked_numpy", "batched_torch", "loop_numpy")
REFERENCE = "chunked_numpy"
MISSING = 77  # exit status of a child that cannot import its form


def engine(net: Net, x: Array, counts: tuple[int, ...] | int) -> Callable[[], Worst]:
    """Put the package behind the form of the peers, its network built; an int counts crashes anywhere."""
    import withstand as ws

    ours = ws.Network(list(net.weights), list(net.biases), activation=net.activation)

    def run() -> Worst:
        found = ws.enumerate_failures(ours, ws.Crash(counts, exactly=True), x, threads=1)
        return Worst(float(found.worst), tuple(found.witness.failed), int(found.configurations))

    return run


def peer(name: str) -> Form:
    """Return the function `worst` of a peer, on one thread."""
    if name == "batched_torch":
        import_module("torch").set_num_threads(1)
    form: Form = import_module(f"peers.{name}").worst
    return form


def memory(field: str) -> int:
    """VmRSS or VmHWM of this process in kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def measure(options: argparse.Namespace, name: str, k: int) -> dict[str, float]:
    """Run one form in this process: best CPU seconds, answer, peak memory above the start."""
    net, x = load(options.model), np.load(options.samples)[options.array][: options.inputs]
    spread = (k,) + (0,) * (len(net.hidden) - 1)
    if name == "withstand":
        import_module(name)
        run = engine(net, x, k if options.anywhere else spread)
    elif options.anywhere:
        run = partial(anywhere, peer(name), net, x, k)
    else:
        run = partial(peer(name), net, x, spread)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak of the imports
    before, spent = memory("VmRSS"), 0.0
    seconds: list[float] = []
    while not seconds or (spent < options.seconds and len(seconds) < 1000):
        start = time.process_time()
        found = run()
        seconds.append(time.process_time() - start)
        spent += seconds[-1]
    return {
        "seconds": min(seconds),
        "evaluations": found.configurations * len(x),
        "error": found.error,
        "kB": max(0, memory("VmHWM") - before),
    }


def children(options: argparse.Namespace, k: int) -> dict[str, dict[str, float]]:
    """Best result of every form that can be imported, the forms taking turns."""
    best: dict[str, dict[str, float]] = {}
    for name in options.rounds * options.forms:
        command = [sys.executable, __file__, *sys.argv[1:], "--child", name, str(k)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == MISSING:
            continue
        if done.returncode:
            raise SystemExit(f"{name} failed:\n{done.stderr}")
        result = json.loads(done.stdout)
        if name not in best or result["seconds"] < best[name]["seconds"]:
            best[name] = result
    errors = [result["error"] for result in best.values()]
    if not np.allclose(errors, errors[0], rtol=1e-9, atol=0.0):
        raise SystemExit(f"the answers differ: {dict(zip(best, errors, strict=True))}")
    return best


def table(options: argparse.Namespace) -> None:
    """Print one row for every number of crashes and form."""
    where = "anywhere" if options.anywhere else "layer 1"
    print(f"{options.model.stem}, {options.inputs} inputs, one thread. {machine.markdown()}\n")
    print(
        f"| crashes, {where} | evaluations | worst error | form | CPU s | evaluations / CPU-s"
        " | ratio | memory MB |\n|---|---|---|---|---|---|---|---|"
    )
    for k in options.k:
        results = children(options, k)
        base = results[REFERENCE]["seconds"] if REFERENCE in results else float("nan")
        for name, r in sorted(results.items(), key=lambda item: item[1]["seconds"]):
            rate, ratio = r["evaluations"] / r["seconds"] / 1e6, base / r["seconds"]
            print(
                f"| {k} | {r['evaluations']:,} | {r['error']:.6g} | {name} | {r['seconds']:.4f}"
                f" | {rate:.3g} M | {ratio:.2f} | {r['kB'] / 1024:.1f} |",
                flush=True,
            )


def main() -> None:
    """Read the options; as a child, measure one form, otherwise print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODELS / "digits.onnx")
    parser.add_argument("--samples", type=Path, default=MODELS / "digits_samples.npz")
    parser.add_argument("--array", default="samples_x", help="name of the inputs in --samples")
    parser.add_argument("--inputs", type=int, default=16)
    parser.add_argument("--k", type=int, nargs="+", default=[2, 3], help="numbers of crashes")
    parser.add_argument("--anywhere", action="store_true", help="not only in the first layer")
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=FORMS[:3])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU time per form and round")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.child:
        return table(options)
    try:
        print(json.dumps(measure(options, options.child[0], int(options.child[1]))))
    except ModuleNotFoundError as missing:
        print(missing, file=sys.stderr)
        raise SystemExit(MISSING) from missing
    return None


if __name__ == "__main__":
    main()
