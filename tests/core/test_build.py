# SPDX-License-Identifier: MIT
"""The installation: C++ consumer, kernel variants, import behaviour."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import withstand as ws

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str, **environment: str) -> str:
    result = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, check=False, timeout=600
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def last_line(code: str, *arguments: str, **environment: str) -> str:
    """Return the last line that `code` prints (an editable install may print its rebuild first)."""
    return run(sys.executable, "-c", code, *arguments, **environment).splitlines()[-1]


@pytest.mark.slow
def test_a_project_that_has_found_eigen_keeps_it(tmp_path):
    """Beside another Eigen3::Eigen, ours stays away."""
    eigen = importlib.metadata.distribution("cmeel-eigen").locate_file("cmeel.prefix")
    source = (ROOT / "cpp/tests/consumer/CMakeLists.txt").read_text(encoding="utf-8")
    first = source.replace("find_package(withstand", "find_package(Eigen3 3.4 REQUIRED CONFIG)\nfind_package(withstand")
    (tmp_path / "CMakeLists.txt").write_text(first, encoding="utf-8")
    shutil.copy(ROOT / "cpp/tests/consumer/main.cpp", tmp_path)
    build = tmp_path / "build"
    found = (f"-Dwithstand_DIR={ws.get_cmake_dir()}", f"-DCMAKE_PREFIX_PATH={eigen}")
    run("cmake", "-S", str(tmp_path), "-B", str(build), *found)
    run("cmake", "--build", str(build))
    assert "2 -> 1.75, 37 configurations" in run(str(build / "consumer"))


def test_kernel_objects_define_nothing_but_their_table():
    """An inline function leaking from a kernel object would carry its instructions into baseline code."""
    archive = Path(ws.get_cmake_dir()).parents[2] / "lib" / "libwithstand.a"
    defined: dict[str, list[str]] = {}
    member = ""
    for line in run("nm", "--defined-only", "--extern-only", "-C", str(archive)).splitlines():
        if line.endswith(":"):
            member = line[:-1]
        elif line.strip() and "__odr_asan" not in line:  # what AddressSanitizer adds beside every global
            defined.setdefault(member, []).append(line.split(maxsplit=2)[2])
    for variant in ws.show_config()["available"]:
        assert defined[f"{variant}.cpp.o"] == [f"withstand::kernels_{variant}"]


@pytest.mark.parametrize("variant", ws.show_config()["available"])
def test_every_variant_runs(variant):
    code = "import withstand as ws; print(ws.show_config()['variant'])"
    assert last_line(code, WITHSTAND_SIMD=variant) == variant


ENUMERATE = """
import withstand as ws
net, X, _ = ws.embedded("digits_small")
found = ws.enumerate_failures(net, ws.Crash(2), X[:4])
print(found.worst.hex(), found.witness.failed, found.mean)
"""


def test_every_variant_finds_the_same_worst_configuration():
    """What is canonical is the same to the last bit; a mean is one of fast values."""
    lines = [last_line(ENUMERATE, WITHSTAND_SIMD=variant) for variant in ws.show_config()["available"]]
    canonical, means = zip(*(line.rsplit(maxsplit=1) for line in lines))
    assert len(set(canonical)) == 1
    assert [float(mean) for mean in means] == pytest.approx([float(means[0])] * len(means), rel=1e-12)


def test_an_unavailable_variant_is_refused_by_name():
    code = "import withstand as ws; ws.show_config()"
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "WITHSTAND_SIMD": "quantum"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "WITHSTAND_SIMD=quantum is not available here; available are base" in result.stderr


def test_threads_follow_the_environment():
    code = "import withstand as ws; print(ws.show_config()['threads'])"
    assert last_line(code, WITHSTAND_NUM_THREADS="3") == "3"
    assert last_line(code, OMP_NUM_THREADS="5", WITHSTAND_NUM_THREADS="") == "5"


HIDDEN = ["onnx", "torch", "sklearn", "keras", "h5py", "matplotlib", "click", "rich", "distributed", "dask", "scipy"]
HIDDEN += ["jinja2", "tqdm", "loky"]
WALK = """
import importlib, pkgutil, sys
hidden = set(sys.argv[1:])
for name in hidden:
    sys.modules[name] = None
import withstand
imported, refused = [], []
for module in pkgutil.walk_packages(withstand.__path__, "withstand."):
    try:
        importlib.import_module(module.name)
        imported.append(module.name)
    except ImportError as error:  # an extra is missing: say so, and never end the process
        assert (error.name or "").partition(".")[0] in hidden or "pip install" in str(error), repr(error)
        refused.append(module.name)
print(len(imported), *sorted(refused))
"""


def test_importing_every_submodule_never_ends_the_process():
    """Tools that walk over submodules must survive, with every optional dependency hidden."""
    imported, *refused = last_line(WALK, *HIDDEN).split()
    assert int(imported) > 10
    needs_an_extra = ("withstand.importers.onnx", "withstand.cli.", "withstand.plot", "withstand.torch")
    assert all(name.startswith(needs_an_extra) for name in refused)


def test_import_loads_nothing_heavy():
    heavy = ("onnx", "torch", "matplotlib", "click", "rich", "distributed")
    code = f"import sys, withstand; print([m for m in {heavy!r} if m in sys.modules])"
    assert last_line(code) == "[]"


def test_get_include_has_the_headers():
    names = {path.name for path in (Path(ws.get_include()) / "withstand").iterdir()}
    assert {path.name for path in (ROOT / "cpp/include/withstand").glob("*.hpp")} <= names
