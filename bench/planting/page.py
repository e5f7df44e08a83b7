# SPDX-License-Identifier: MIT
"""The table of docs/mutants.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slips.slip import Slip

    from .catchers import Caught

HEAD = """# Planted slips

A test that nobody has seen fail proves little. So slips of the pen are planted in the C++ core, one at a time, in a
copy of the working tree that is compiled again; then the differential campaign, first in doubles and then in rationals,
the C++ tests and the Python tests of the part in question run until one of them notices. The slips are made by hand:
counts off by one, the wrong layer, a dropped absolute value, one end of an interval, one direction of rounding, exactly
for at most, and the faults that were found in this package and mended (`fault-…`), planted again.

    python bench/mutants.py --write docs/mutants.md

makes this page. `tests/bench/test_mutants.py` sees to it that every slip still applies. Seconds are those until
something noticed, on one core of a busy machine; compiling is not counted. What the campaign finds in the core as it is
never counts: it is noted first, case by case.
"""


def page(slips: Sequence[Slip], results: Mapping[str, Caught | None]) -> str:
    """Every slip, what noticed it and how soon; then those that nothing can notice."""
    tried = [(s, found) for s in slips if not s.equivalent and (found := results[s.name]) is not None]
    caught = [found for _, found in tried if found.by]
    campaign = sum(found.by.startswith("campaign") for found in caught)
    lines = [
        HEAD,
        f"**{len(caught)} of {len(tried)} slips are caught**, {campaign} of them by the campaign, "
        f"{len(caught) - campaign} by the tests.",
        "",
        "| slip | file | what was got wrong | caught by | seconds |",
        "| --- | --- | --- | --- | ---: |",
    ]
    for s, found in tried:
        by = found.by.replace("|", "\\|") or "**nothing**"
        lines.append(f"| {s.name} | `{s.file.removeprefix('src/')}` | {s.why} | {by} | {found.seconds:.0f} |")
    alive = [s for s, found in tried if not found.by]
    if alive:
        lines += ["", "## Survivors", ""]
        lines += [f"- {s.name}: {s.survives or 'not looked into'}." for s in alive]
    same = [s for s in slips if s.equivalent]
    if same:
        lines += [
            "",
            "## Changes that no answer can tell",
            "",
            "| change | file | what it is | why it cannot be told |",
        ]
        lines += ["| --- | --- | --- | --- |"]
        lines += [f"| {s.name} | `{s.file.removeprefix('src/')}` | {s.why} | {s.equivalent} |" for s in same]
    return "\n".join(lines) + "\n"
