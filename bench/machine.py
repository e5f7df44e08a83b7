# SPDX-License-Identifier: MIT
"""The machine a number was measured on; `python bench/machine.py` prints it."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

INSTRUCTIONS = ("avx2", "fma", "avx512f")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
PACKAGES = ("withstand", "numpy", "torch", "highspy")


def one_thread() -> None:
    """Keep BLAS and OpenMP to one thread; call it before numpy is imported."""
    os.environ.update(dict.fromkeys(THREADS, "1"))


def describe() -> dict[str, str]:
    """Processor, instruction sets, versions, thread settings and commit, as text."""
    return {
        "cpu": _cpuinfo("model name") or platform.processor() or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "instructions": " ".join(f for f in INSTRUCTIONS if f in _cpuinfo("flags").split()),
        "kernels": _kernels(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: text for name in PACKAGES if (text := _version(name))},
        "threads": " ".join(f"{name}={os.environ[name]}" for name in THREADS if name in os.environ),
        "commit": _commit(),
    }


def markdown() -> str:
    """`describe` as one line for a report."""
    return "; ".join(f"{key}: {value}" for key, value in describe().items() if value)


def _cpuinfo(field: str) -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((x.split(":", 1)[1].strip() for x in lines if x.startswith(field)), "")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _kernels() -> str:
    try:
        import withstand
    except ModuleNotFoundError:
        return ""
    return str(withstand.show_config()["variant"])


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


if __name__ == "__main__":
    print(markdown())
