# SPDX-License-Identifier: MIT
"""What answers show of a witness."""

from __future__ import annotations

from typing import Any

import withstand as ws

#: Numbers of an input that a table shows.
SHOWN = 10


def place_fields(witness: ws.Witness | None, domain: Any, as_json: bool) -> dict[str, Any]:
    """Return where in a box a witness is, for a table: JSON has it anyway, and given inputs have numbers."""
    if as_json or witness is None or not isinstance(domain, ws.Box):
        return {}
    few = len(witness.input) <= SHOWN
    return {"input": tuple(witness.input.tolist()) if few else f"{len(witness.input)} numbers, which --json lists"}


def witness_fields(witness: Any, as_json: bool) -> dict[str, Any]:
    """Return what to show of a witness."""
    if witness is None:
        return {"witness": None}
    if as_json:
        told: dict[str, Any] = witness.to_dict()
        return told
    named = witness.channels or witness._noisy  # too many to be listed one by one
    failed = ", ".join(witness._names()) if named else witness.failed
    fields: dict[str, Any] = {"failed": failed, "input_index": witness.input_index, "output": witness.output}
    if witness.ways:
        fields["bits"] = tuple(witness.ways[c] for c in witness.failed if c in witness.ways)
    return fields
