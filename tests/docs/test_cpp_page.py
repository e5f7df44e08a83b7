# SPDX-License-Identifier: MIT
"""The C++ programs of the README and of the page about C++: each page's files and commands, as they stand there."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest
import withstand as ws

ROOT = Path(__file__).resolve().parents[2]
PROMISED = re.compile(r"prints? `(\d+ <= worst [^`]+)`", re.DOTALL)


def blocks(text: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def package():
    try:
        return ws.get_cmake_dir()
    except FileNotFoundError:
        pytest.skip("needs the package as it is installed, with its library")


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/cpp.md"])
def test_the_project_of_a_page(page, package, tmp_path):
    text = (ROOT / page).read_text(encoding="utf-8")
    (project,), (program, *_) = blocks(text, "cmake"), blocks(text, "cpp")
    (commands,) = (block for block in blocks(text, "sh") if "get_cmake_dir" in block)
    (tmp_path / "CMakeLists.txt").write_text(project, encoding="utf-8")
    (tmp_path / "main.cpp").write_text(program, encoding="utf-8")
    here = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    here |= {"CMAKE_PREFIX_PATH": "", "CMAKE_MODULE_PATH": "", "Eigen3_ROOT": "", "CPATH": ""}  # no other Eigen
    script = ["bash", "-e", "-c", commands]
    done = subprocess.run(script, cwd=tmp_path, env=here, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    (promised,) = PROMISED.findall(text)
    assert done.stdout.splitlines()[-1] == promised
    assert str(package) in (tmp_path / "build/CMakeCache.txt").read_text(encoding="utf-8")
    read = "".join(path.read_text() for path in tmp_path.glob("build/CMakeFiles/fragile.dir/*.d")).replace("\\ ", " ")
    assert str(Path(ws.get_include()) / "eigen3" / "Eigen" / "Core") in read


def linked(folder: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Compile main.cpp of a folder and link it with the library of the package."""
    headers = [f"-I{ws.get_include()}", f"-I{Path(ws.get_include()) / 'eigen3'}"]
    (library,) = Path(ws.get_include()).parent.rglob("libwithstand.a")
    command = ["c++", "-std=c++17", *flags, *headers, "main.cpp", str(library), "-pthread", "-o", "main"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=600)


@pytest.mark.slow
def test_the_program_of_flips(package, tmp_path):
    text = (ROOT / "docs/cpp.md").read_text(encoding="utf-8")
    _, program = blocks(text, "cpp")
    (tmp_path / "main.cpp").write_text(program, encoding="utf-8")
    done = linked(tmp_path, "-Wall", "-Werror")
    assert done.returncode == 0, done.stderr
    ran = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=False, timeout=600)
    (promised,) = re.findall(r"prints `(\d+ flips, [^`]+)`", text)
    assert (ran.returncode, ran.stdout.strip()) == (0, promised)


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="needs a machine with AVX")
def test_a_program_with_other_allocations_is_refused(package, tmp_path):
    """Else it would give back memory that was allocated in another way."""
    program, _ = blocks((ROOT / "docs/cpp.md").read_text(encoding="utf-8"), "cpp")
    (tmp_path / "main.cpp").write_text(program, encoding="utf-8")
    for flags, links in ([], True), (["-mavx"], False):
        done = linked(tmp_path, *flags)
        assert (done.returncode == 0) == links, done.stderr
        assert links or "CompiledLikeTheLibrary<32, 0>::holds" in done.stderr


def test_the_page_requires_what_the_projects_require():
    text = (ROOT / "docs/cpp.md").read_text(encoding="utf-8")
    stated = r"\*\*CMake ([\d.]+)\*\* or later for a program of yours; ([\d.]+) for compiling"
    ((own, built),) = re.findall(stated, text)
    projects = ("README.md", "docs/cpp.md", "cpp/tests/consumer/CMakeLists.txt", "examples/pipeline_cpp/CMakeLists.txt")
    for name, version in (("CMakeLists.txt", built), *((project, own) for project in projects)):
        assert f"cmake_minimum_required(VERSION {version})" in (ROOT / name).read_text(encoding="utf-8"), name
