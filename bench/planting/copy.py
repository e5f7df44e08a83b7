# SPDX-License-Identifier: MIT
"""A copy of the working tree with one slip at most, built again where it differs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slips.slip import Slip

PARTS = ("cpp", "cmake", "extern", "python", "tests", "bench", "examples", "docs")
FILES = ("CMakeLists.txt", "CMakePresets.json", "pyproject.toml", "README.md", "LICENSE")


class Copy:
    """Sources, build and Python package in a folder of their own."""

    def __init__(self, root: Path, folder: Path, jobs: int) -> None:
        self.root, self.folder, self.jobs = root, folder, jobs
        self.build_folder = folder / "build" / "dev"
        self.environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(folder / "python"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HYPOTHESIS_PROFILE": "ci",
        }

    def build(self, slip: Slip | None = None) -> None:
        """The sources as they are, but for the slip; only what differs from the last time is compiled."""
        self._take_over(slip)
        if not (self.build_folder / "build.ninja").exists():
            self.call(["cmake", "-S", self.folder, "-B", self.build_folder, "-G", "Ninja", *self._options()])
        self.call(["ninja", "-C", self.build_folder, f"-j{self.jobs}", "_core"])
        (built,) = self.build_folder.glob("_core*.so")
        shutil.copy2(built, self.folder / "python" / "withstand" / built.name)
        self._require_own()

    def _require_own(self) -> None:
        """An editable installation would come before the copy, and nothing would ever be noticed."""
        words = [sys.executable, "-c", "import withstand; print(withstand.__file__)"]
        done = subprocess.run(words, env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False)
        if not done.stdout.startswith(str(self.folder)):
            raise SystemExit(f"Python imports {done.stdout.strip() or 'nothing'}, not the copy: uninstall withstand")

    def call(self, command: list[str | Path]) -> None:
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")

    def _options(self) -> list[str]:
        import pybind11

        return [
            "-DCMAKE_BUILD_TYPE=Release",
            "-DWITHSTAND_PYTHON=ON",
            "-DWITHSTAND_TESTS=ON",
            "-DWITHSTAND_AVX512=OFF",
            "-DWITHSTAND_UNITY=OFF",  # a slip is in one file
            f"-DPython_EXECUTABLE={sys.executable}",
            f"-Dpybind11_DIR={pybind11.get_cmake_dir()}",
        ]

    def _take_over(self, slip: Slip | None) -> None:
        """Write what differs, and nothing else: the compiler goes by the times of files."""
        for file in self._sources():
            content = (self.root / file).read_bytes()
            if slip is not None and file == Path("cpp") / slip.file:
                content = slip.planted(content.decode()).encode()
            target = self.folder / file
            if target.exists() and target.read_bytes() == content:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

    def _sources(self) -> list[Path]:
        found = [p for part in PARTS for p in (self.root / part).rglob("*") if p.is_file()]
        skipped = (".so", ".pyc")
        files = [p.relative_to(self.root) for p in found if p.suffix not in skipped]
        return [*files, *(Path(name) for name in FILES)]
