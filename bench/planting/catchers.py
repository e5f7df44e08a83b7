# SPDX-License-Identifier: MIT
"""What may notice a slip, from cheap to dear: the campaign in doubles and in rationals, C++ tests, Python tests."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
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
    "bounds": ("test_lines", "test_engines", "test_effects", "test_split"),
    "enumerate": ("test_enumerate", "test_exact_sum", "test_effects"),
    "search": ("test_engines", "test_effects"),
    "kernels": ("test_kernels",),
    "core": (
        "test_activation",
        "test_affine",
        "test_effects",
        "test_forward",
        "test_natural",
        "test_network",
        "test_overflow",
        "test_rounding",
        "test_selection",
        "test_space",
    ),
}
TESTS = {
    "bounds": (
        "questions/test_corners",
        "questions/test_right_values",
        "questions/test_bounds",
        "questions/test_bounds_scalar",
        "questions/test_bounds_pitfalls",
        "questions/test_linear",
        "questions/test_split",
        "oracle/test_oracle_golden",
        "oracle/test_oracle_bounds",
        "bench/test_soundness",
        "uses/test_tolerance",
        "uses/test_frontier",
    ),
    "enumerate": (
        "questions/test_corners",
        "questions/test_right_values",
        "questions/test_enumerate",
        "questions/test_enumerate_components",
        "questions/test_enumerate_sharding",
        "questions/test_enumerate_together",
        "uses/test_criticality",
    ),
    "search": (
        "questions/test_corners",
        "questions/test_right_values",
        "questions/test_worst_case",
        "questions/test_worst_case_intervals",
        "questions/test_branch_bound",
        "certificate/test_certificate",
        "certificate/test_certificate_truth",
        "certificate/test_certificate_limits",
        "certificate/test_false_certificates",
        "bench/test_search_campaign",
    ),
    "kernels": (
        "questions/test_enumerate",
        "questions/test_linear",
        "questions/test_split",
        "questions/test_worst_case",
    ),
    "core": (
        "questions/test_corners",
        "model/test_network",
        "model/test_failures",
        "oracle/test_oracle",
        "questions/test_bounds",
        "questions/test_linear",
        "questions/test_split",
    ),
}
LONGEST = 600.0


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
    """The first networks of the differential campaign, up to a violation that the core as it is does not show."""

    networks: int
    rational: bool
    questions: tuple[str, ...] = ()  # all, where none is named

    @property
    def name(self) -> str:
        return "campaign in rationals" if self.rational else "campaign"

    def run(self, copy: Copy) -> str:
        done = self._play(copy, "--first", "--known", str(self._known(copy)))
        if done.returncode == 0:
            return ""
        kinds = re.findall(r"^ +\d+  (.*?)  \(first after", done.stdout, re.MULTILINE)
        return f"{self.name}, {kinds[0] if kinds else _last(done)}"

    def learn(self, copy: Copy) -> str:
        """Remember what the core as it is shows; in words how much that is."""
        self._play(copy, "--save", str(self._known(copy)))
        return f"{self.name}: {len(json.loads(self._known(copy).read_text()))} violations in {self.networks} networks"

    def _known(self, copy: Copy) -> Path:
        return copy.folder / f"known-{'rational' if self.rational else 'floats'}.json"

    def _play(self, copy: Copy, *more: str) -> subprocess.CompletedProcess[str]:
        cases = "--rational" if self.rational else "--networks"
        command = [sys.executable, "bench/differential.py", cases, str(self.networks), "--workers", "1", *more]
        return _run([*command, *(["--questions", *self.questions] if self.questions else [])], copy)


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
    """One file of tests/, up to the first failure, without the tests that fail on the core as it is."""

    name: str

    @property
    def file(self) -> str:
        return f"tests/{self.name}.py"

    def run(self, copy: Copy) -> str:
        known = json.loads(self._known(copy).read_text()) if self._known(copy).exists() else []
        done = self._pytest(copy, "-x", *(f"--deselect={test}" for test in known))
        if done.returncode == 0:
            return ""
        failed = _failed(done)
        return failed[0].split("[")[0] if failed else f"{self.file}: {_last(done)}"

    def learn(self, copy: Copy) -> str:
        """Remember which tests fail on the core as it is; in words how many."""
        failed = _failed(self._pytest(copy))
        self._known(copy).write_text(json.dumps(failed))
        return f"{self.file}: {len(failed)} tests fail"

    def _known(self, copy: Copy) -> Path:
        return copy.folder / f"known-{Path(self.name).name}.json"

    def _pytest(self, copy: Copy, *more: str) -> subprocess.CompletedProcess[str]:
        return _run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *more, self.file], copy)


def campaigns(networks: int, questions: tuple[str, ...] = ()) -> list[Campaign]:
    """In doubles, and twice as many networks in rationals."""
    return [Campaign(networks, False, questions), Campaign(2 * networks, True, questions)]


def tests(engine: str) -> list[Catcher]:
    """Those of an engine, in C++ and in Python."""
    return [*(CppTest(n) for n in CPP_TESTS[engine]), *(PythonTest(n) for n in TESTS[engine])]


def _run(command: list[str], copy: Copy) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, cwd=copy.folder, env=copy.environment, capture_output=True, text=True, check=False, timeout=LONGEST
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, -1, "", f"no end within {LONGEST:.0f} s")


def _failed(done: subprocess.CompletedProcess[str]) -> list[str]:
    return re.findall(r"^(?:FAILED|ERROR) (\S+?::.*?)(?: - .*)?$", done.stdout, re.MULTILINE)


def _last(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[-1][:100] if lines else f"ends with {done.returncode}"
