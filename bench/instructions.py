# SPDX-License-Identifier: MIT
"""Instructions that fixed small problems take, counted by valgrind: a gate that no other load on the machine moves.

    python bench/instructions.py                # build, count, compare with bench/instructions.json; exit code 1: more
    python bench/instructions.py --update       # store the counts of this commit

Counts belong to a compiler and an instruction set: with another one they are printed, not judged. The answers, which
come from the canonical evaluation, must be the stored ones to the last bit. Needs valgrind, CMake, and Eigen where
extern/README.md says.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
STORED = Path(__file__).with_suffix(".json")


def output(*command: str | Path) -> str:
    """Run a command; return what it prints, stop with it where it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stdout}")
    return done.stdout


def built(folder: Path, jobs: int) -> Path:
    """Build the benchmark, optimised as in a wheel, and return its path."""
    output("cmake", "-S", ROOT, "-B", folder, "-DCMAKE_BUILD_TYPE=Release", "-DWITHSTAND_BENCH=ON",
           f"-DPython_EXECUTABLE={sys.executable}")  # fmt: skip
    output("cmake", "--build", folder, "--target", "withstand_bench", "-j", str(jobs))
    return folder / "cpp" / "bench" / "withstand_bench"


def compiler(folder: Path) -> str:
    """Name and version of the compiler of a build."""
    text = next(folder.glob("CMakeFiles/*/CMakeCXXCompiler.cmake")).read_text()
    found = dict(re.findall(r'set\((CMAKE_CXX_COMPILER_(?:ID|VERSION)) "(.*)"\)', text))
    return " ".join(found.values())


def counted(program: Path, problem: str) -> dict[str, Any]:
    """Count one problem."""
    text = output("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, problem)
    count, answer = re.search(r"Collected : (\d+)", text), re.search(r"^(\w+) (-?0x\S+)$", text, re.M)
    if count is None or answer is None:
        raise SystemExit(f"{problem}: no count in\n{text}")
    return {"instructions": int(count[1]), "answer": answer[2], "kernels": answer[1]}


def judged(now: dict[str, Any], then: dict[str, Any], percent: float) -> list[str]:
    """Print a row for each problem; return what is wrong."""
    same = all(now[key] == then.get(key) for key in ("compiler", "kernels"))
    wrong = []
    print("| problem | instructions | stored | change |\n|---|---|---|---|")
    for name, found in now["problems"].items():
        known = then.get("problems", {}).get(name)
        change = "" if known is None else f"{100 * (found['instructions'] / known['instructions'] - 1):+.2f} %"
        print(f"| {name} | {found['instructions']:,} | {'' if known is None else format(known['instructions'], ',')}"
              f" | {change} |")  # fmt: skip
        if known is None or not same:
            continue
        if found["answer"] != known["answer"]:
            wrong.append(f"{name}: the answer is {found['answer']}, {known['answer']} is stored")
        if found["instructions"] > known["instructions"] * (1 + percent / 100):
            wrong.append(f"{name}: {change} instructions, at most +{percent} % allowed")
    if not same:
        print(f"\nnot judged: stored with {then.get('compiler')}, {then.get('kernels')}")
    return wrong


def main() -> None:
    """Build, count, and judge or store."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "bench")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--percent", type=float, default=2.0, help="more instructions than this fail")
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    program = built(options.build, options.jobs)
    problems = {name: counted(program, name) for name in output(program).split()}
    kernels = {found.pop("kernels") for found in problems.values()}
    now = {"compiler": compiler(options.build), "kernels": " ".join(kernels), "problems": problems}
    print(f"{now['compiler']}, {now['kernels']}\n")
    wrong = judged(now, json.loads(STORED.read_text()) if STORED.exists() else {}, options.percent)
    if options.update:
        STORED.write_text(json.dumps(now, indent=2) + "\n")
    elif wrong:
        raise SystemExit("\n".join(wrong))


if __name__ == "__main__":
    main()
