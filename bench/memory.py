# SPDX-License-Identifier: MIT
"""Peak memory of loading and asking published convolutional networks, as a Markdown table (Linux).

    python bench/memory.py

Every row is a process of its own that has already loaded another file of the same kind, so that the modules of the
importer are there. For "load", what it holds at most: the bytes that are allocated at a time, by Python, NumPy, the
core and the readers alike, as memray counts them (`pip install memray`); more than four times the file, and the command
fails. For the others, which work in memory that pages count well: peak (VmHWM) above what the process held before,
and what it still holds with the answer. One thread, one input.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import machine

machine.one_thread()

import numpy as np  # noqa: E402
import withstand as ws  # noqa: E402
from networks import FOLDER  # noqa: E402
from throughput import memory  # noqa: E402

#: Files, and what is loaded before each.
MODELS = {
    "pub1_acasxu_1_1.onnx": "pub6_mnist_conv_small.onnx",
    "pub3_mnist_256x2.onnx": "pub6_mnist_conv_small.onnx",
    "pub4_attitude_sigmoid.onnx": "pub6_mnist_conv_small.onnx",
    "pub5_mnist_sigmoid_keras.onnx": "pub6_mnist_conv_small.onnx",
    "pub6_mnist_conv_small.onnx": "pub11_mnist_maxpool_cnn.onnx",
    "pub7_mlperf_ad01.h5": "pub9_mlperf_resnet8.h5",
    "pub9_mlperf_resnet8.h5": "pub7_mlperf_ad01.h5",
    "pub11_mnist_maxpool_cnn.onnx": "pub6_mnist_conv_small.onnx",
}
QUESTIONS = ("load", "bound", "enumerate")


#: Times its file that a load may hold.
MOST = 4.0


def held_at_most(path: Path) -> float:
    """Load in this process: the most bytes allocated at a time meanwhile, in MB."""
    import memray

    with tempfile.TemporaryDirectory() as folder:
        with memray.Tracker(Path(folder) / "allocations"):
            ws.load(path)
        return float(memray.FileReader(Path(folder) / "allocations").metadata.peak_memory / 1e6)


def measure(path: Path, question: str) -> dict[str, float]:
    """Ask in this process: peak and present memory above that before, and what the network says it takes, in MB."""
    ws.load(FOLDER / MODELS[path.name])
    if question == "load":
        peak, net = held_at_most(path), ws.load(path)
        return {"peak": peak, "now": net.nbytes / 1e6, "network": net.nbytes / 1e6}
    with np.load(FOLDER / f"{path.stem}.ref.npz") as data:
        x = data["x"][0].astype(np.float64).reshape(-1)
    ctypes.CDLL(None).malloc_trim(0)  # else the heap that the other file needed would be used again unseen
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = memory("VmRSS")
    net = ws.load(path)
    if question == "bound":
        ws.bound(net, ws.Crash(1), x, method="signed", threads=1)
    elif question == "enumerate":
        ws.enumerate_failures(net, ws.Crash(1), x, threads=1)
    peak, now = ((memory(field) - before) * 1024 / 1e6 for field in ("VmHWM", "VmRSS"))
    return {"peak": peak, "now": now, "network": net.nbytes / 1e6}


def main() -> None:
    """As a child, measure one question; otherwise print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(FOLDER / options.child[0], options.child[1])))
        return
    print(f"{machine.markdown()}\n")
    print("| file | MB | question | peak MB | times the file | held after MB | the network MB |")
    print("|---" * 7 + "|")
    for name in options.models:
        if not (FOLDER / name).exists():
            raise SystemExit(f"the model {FOLDER / name} is missing: set WITHSTAND_MODELS to a folder that has it")
        size = (FOLDER / name).stat().st_size / 1e6
        for question in QUESTIONS:
            command = [sys.executable, __file__, "--child", name, question]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            peak, now, own = json.loads(done.stdout).values()
            cells = [name.split(".")[0], f"{size:.2f}", question, f"{peak:.1f}", f"{peak / size:.1f}", f"{now:.1f}"]
            print(f"| {' | '.join([*cells, f'{own:.2f}'])} |", flush=True)
            if question == "load" and peak > MOST * size:
                raise SystemExit(f"loading {name} holds {peak / size:.1f} times the file, more than {MOST:g}")


if __name__ == "__main__":
    main()
