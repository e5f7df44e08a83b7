# SPDX-License-Identifier: MIT
"""What may notice a slip, from cheap to dear: the campaign in doubles and in rationals, C++ tests, Python tests."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from typing import Protocol

from .copy import Copy

QUESTIONS = {
    "bounds": ("bound", "worst_case"),
    "enumerate": ("enumerate", "criticality", "reliability"),
    "search": ("worst_case",),
    "kernels": ("enumerate", "bound", "worst_case"),
    "core": ("bound", "enumerate", "worst_case", "forward"),
}
CPP_TESTS = {
    "bounds": ("test_engines",),
    "enumerate": ("test_enumerate", "test_exact_sum"),
    "search": ("test_engines",),
    "kernels": ("test_kernels",),
    "core": ("test_activation", "test_forward", "test_natural", "test_overflow", "test_rounding", "test_space"),
}
TESTS = {
    "bounds": ("bounds", "bounds_scalar", "linear", "oracle_bounds", "soundness", "tolerance"),
    "enumerate": ("enumerate", "enumerate_components", "enumerate_sharding", "enumerate_together", "criticality"),
    "search": ("worst_case", "worst_case_intervals", "branch_bound", "certificate", "search_campaign"),
    "kernels": ("enumerate", "linear", "worst_case"),
    "core": ("network", "failures", "oracle", "bounds", "linear"),
}
LONGEST = 600.0
KNOWN = ("exact, but the interval is wide", "exact, but upper is far above the real truth")  # worst_case, open


@dataclass(frozen=True)
class Caught:
    """What noticed, and how soon."""

    by: str
    seconds: float


class Catcher(Protocol):
    """Passes on the core as it is."""

    def run(self, copy: Copy) -> str:
        """What went wrong; empty where nothing did."""
        ...


@dataclass(frozen=True)
class Campaign:
    """A seeded slice of the differential campaign, up to the first violation; all questions where none is named."""

    seconds: float
    rational: bool
    questions: tuple[str, ...]

    def run(self, copy: Copy) -> str:
        cases = "--rational" if self.rational else "--networks"
        command = [sys.executable, "bench/differential.py", cases, "1000000", "--workers", "1", "--first"]
        command += ["--minutes", str(self.seconds / 60), "--timeout", "15", "--known", *KNOWN]
        command += ["--questions", *self.questions] if self.questions else []
        done = _run(command, copy)
        if done.returncode == 0:
            return ""
        kinds = re.findall(r"^ +\d+  (.*?)  \(first after", done.stdout, re.MULTILINE)
        name = "campaign in rationals" if self.rational else "campaign"
        return f"{name}, {kinds[0] if kinds else _last(done)}"


@dataclass(frozen=True)
class CppTest:
    """One program of cpp/tests."""

    name: str

    def run(self, copy: Copy) -> str:
        copy.call(["ninja", "-C", copy.build_folder, f"-j{copy.jobs}", f"cpp/tests/{self.name}"])
        done = _run([str(copy.build_folder / "cpp" / "tests" / self.name)], copy)
        return "" if done.returncode == 0 else f"cpp/tests/{self.name}.cpp"


@dataclass(frozen=True)
class PythonTest:
    """One file of tests/, up to the first failure."""

    name: str

    def run(self, copy: Copy) -> str:
        file = f"tests/test_{self.name}.py"
        done = _run([sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", file], copy)
        if done.returncode == 0:
            return ""
        failed = re.search(r"^FAILED (\S+?)(?:\[.*)?(?: - .*)?$", done.stdout, re.MULTILINE)
        return failed.group(1) if failed else f"{file}: {_last(done)}"


def catchers(engine: str, seconds: float, tests: bool) -> list[Catcher]:
    """Those of an engine, cheap ones first."""
    hounds: list[Catcher] = [Campaign(seconds, rational, QUESTIONS.get(engine, ())) for rational in (False, True)]
    if tests:
        hounds += [CppTest(name) for name in CPP_TESTS.get(engine, ())]
        hounds += [PythonTest(name) for name in TESTS.get(engine, ())]
    return hounds


def _run(command: list[str], copy: Copy) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, cwd=copy.folder, env=copy.environment, capture_output=True, text=True, check=False, timeout=LONGEST
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, -1, "", f"no end within {LONGEST:.0f} s")


def _last(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[-1][:100] if lines else f"ends with {done.returncode}"
