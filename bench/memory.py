# SPDX-License-Identifier: MIT
"""Peak memory of loading and asking published convolutional networks, as a Markdown table (Linux).

    python bench/memory.py
    python bench/memory.py --large    # loading files of 15 to 40 MB that it writes, needs onnx

Every row is a process of its own that has already loaded another file of the same kind twice, so that the modules of
the importer and what Python remembers of their classes are there. For "load", what it holds at most: the bytes that are
allocated at a time, by Python, NumPy, the core and the readers alike, as memray counts them (`pip install memray`),
every object by itself. For the others, which work in memory that pages count well: peak (VmHWM) above what the process
held before, and what it still holds with the answer. One thread, one input.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
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


def loaded(path: Path) -> dict[str, float | None]:
    """Load in this process: the most bytes allocated at a time meanwhile, and what the network says it takes, in MB."""
    import memray

    with tempfile.TemporaryDirectory() as folder:
        with memray.Tracker(Path(folder) / "allocations"):
            net = ws.load(path)
        most = memray.FileReader(Path(folder) / "allocations").metadata.peak_memory
    return {"peak": most / 1e6, "now": None, "network": net.nbytes / 1e6}


def written(folder: Path) -> list[Path]:
    """Write large files: dense and convolutional ONNX, one with a single large matrix, and an `.npz` of the first."""
    import onnx
    from onnx import helper, numpy_helper

    random = np.random.default_rng(0)

    def save(name: str, shape: list[int], nodes: list[tuple[str, str, str, dict[str, object]]],
             sizes: dict[str, tuple[int, ...]]) -> Path:  # fmt: skip
        made = [helper.make_node(op, read.split(), [out], **options) for op, read, out, options in nodes]
        weights = [numpy_helper.from_array(random.normal(size=size).astype(np.float32), key)
                   for key, size in sizes.items()]  # fmt: skip
        float32, ends = onnx.TensorProto.FLOAT, (("x", shape), ("y", None))
        x, y = (helper.make_tensor_value_info(key, float32, of) for key, of in ends)
        graph = helper.make_graph(made, name, [x], [y], weights)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / name)
        return folder / name

    turned, around = {"transB": 1}, {"pads": [1, 1, 1, 1]}
    dense = save("dense.onnx", [1, 1300],
                 [("Gemm", "x a", "h", turned), ("Relu", "h", "r", {}), ("Gemm", "r b", "s", turned),
                  ("Relu", "s", "t", {}), ("MatMul", "t c", "y", {})],
                 dict.fromkeys("abc", (1300, 1300)))  # fmt: skip
    convolutional = save("convolutional.onnx", [1, 256, 6, 6],
                         [("Conv", "x a", "h", around), ("Relu", "h", "r", {}), ("Conv", "r b", "s", around),
                          ("Relu", "s", "t", {}), ("Flatten", "t", "f", {}), ("Gemm", "f c", "y", {})],
                         {"a": (512, 256, 3, 3), "b": (512, 512, 3, 3), "c": (512 * 36, 10)})  # fmt: skip
    one = save("one_matrix.onnx", [1, 2300],
               [("Gemm", "x a", "h", turned), ("Relu", "h", "r", {}), ("Gemm", "r b", "y", {})],
               {"a": (2300, 2300), "b": (2300, 10)})  # fmt: skip
    ws.load(dense).save(folder / "dense.npz")
    return [dense, convolutional, one, folder / "dense.npz"]


def measure(path: Path, question: str) -> dict[str, float | None]:
    """Ask in this process: peak and present memory above that before, and what the network says it takes, in MB."""
    for _ in range(2):
        ws.load(FOLDER / MODELS.get(path.name, "pub6_mnist_conv_small.onnx"))
    if question == "load":
        return loaded(path)
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
    parser.add_argument("--large", action="store_true", help="load large files instead, which are written first")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(Path(options.child[0]), options.child[1])))
        return
    print(f"{machine.markdown()}\n")
    print("| file | MB | question | peak MB | times the file | held after MB | the network MB |")
    print("|---" * 7 + "|")
    with tempfile.TemporaryDirectory() as folder:
        for path in written(Path(folder)) if options.large else [FOLDER / name for name in options.models]:
            if not path.exists():
                raise SystemExit(f"the model {path} is missing: set WITHSTAND_MODELS to a folder that has it")
            for question in QUESTIONS[:1] if options.large else QUESTIONS:
                print(row(path, question), flush=True)


def row(path: Path, question: str) -> str:
    """Return what a process of its own measures, as a row of the table."""
    command = [sys.executable, __file__, "--child", str(path), question]
    plain = {**os.environ, "PYTHONMALLOC": "malloc"} if question == "load" else None  # else Python's arenas count whole
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=plain)
    peak, now, own = json.loads(done.stdout).values()
    size = path.stat().st_size / 1e6
    left = "" if now is None else f"{now:.1f}"
    cells = [path.stem if path.parent == FOLDER else path.name, f"{size:.2f}", question, f"{peak:.1f}"]
    return f"| {' | '.join([*cells, f'{peak / size:.1f}', left, f'{own:.2f}'])} |"


if __name__ == "__main__":
    main()
