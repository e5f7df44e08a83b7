# SPDX-License-Identifier: MIT
"""JSON Schema, as much of it as the package's schemas use; a keyword that is not known fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

KINDS = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
         "null": type(None)}  # fmt: skip
#: What says nothing about values.
WORDS = {"$schema", "$defs", "title", "description"}
KNOWN = {"$ref", "type", "required", "properties", "additionalProperties", "items", "enum", "const", "anyOf"}


def wrong(value: Any, schema: dict[str, Any], whole: dict[str, Any] | None = None, at: str = "it") -> Iterator[str]:
    """Yield what a value breaks of a schema; `whole` is the one that holds the definitions."""
    whole = schema if whole is None else whole
    assert set(schema) <= WORDS | KNOWN, set(schema) - WORDS - KNOWN
    if "$ref" in schema:
        yield from wrong(value, whole["$defs"][schema["$ref"].rsplit("/", 1)[1]], whole, at)
    if "anyOf" in schema and all(list(wrong(value, each, whole, at)) for each in schema["anyOf"]):
        yield f"{at}: {value!r} is none of {schema['anyOf']}"
    kinds = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", KINDS)
    truth = isinstance(value, bool) and "boolean" not in kinds  # which is an int in Python
    if truth or not any(isinstance(value, KINDS[kind]) for kind in kinds):
        yield f"{at}: {value!r} is no {kinds}"
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        yield f"{at}: {value!r}"
    if isinstance(value, dict):
        yield from (f"{at}: no {name}" for name in schema.get("required", ()) if name not in value)
        for name, entry in value.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties", {}))
            yield from [f"{at}: {name}"] if inner is False else wrong(entry, inner, whole, f"{at}.{name}")
    for n, entry in enumerate(value if isinstance(value, list) else ()):
        yield from wrong(entry, schema.get("items", {}), whole, f"{at}[{n}]")
