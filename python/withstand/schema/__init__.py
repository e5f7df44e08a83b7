# SPDX-License-Identifier: MIT
"""What the JSON of every command holds, as JSON Schema; `withstand schema` prints it."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

#: A part that other schemas speak of; no command writes it alone.
_PARTS = "parts"


def names() -> tuple[str, ...]:
    """Return what has a schema: the statement, and every command that takes --json."""
    files = resources.files(__name__).iterdir()
    return tuple(sorted(file.name[:-5] for file in files if file.name.endswith(".json") and file.name != "parts.json"))


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of what a command prints with --json, or of "statement", complete in itself.

    Raises
    ------
    ValueError
        If nothing of that name has one.

    Examples
    --------
    >>> from withstand.schema import schema
    >>> schema("statement")["properties"]["verdict"]["enum"]
    ['tolerated', 'violated', 'unknown', None]
    """
    if name not in names():
        raise ValueError(f"{name!r} has no schema; known are {', '.join(names())}")
    own, parts = _read(name), _read(_PARTS)
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    if name == "statement":
        return {**draft, **own}
    answer = parts.pop("answer")
    parts.pop("description")
    shared = {"statement": _read("statement"), **parts}
    if "$schema" not in own:  # an answer: its own keys beside those of all answers
        own = {**draft, "title": f"withstand {name} --json", "description": own["description"], "type": "object",
               "required": [*answer["required"], *own["required"]],
               "properties": {**answer["properties"], **own["properties"]}, "additionalProperties": False}  # fmt: skip
    return {**own, "$defs": {**shared, **own.get("$defs", {})}}


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((resources.files(__name__) / f"{name}.json").read_text(encoding="utf-8"))
    return content
