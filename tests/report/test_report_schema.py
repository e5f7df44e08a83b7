# SPDX-License-Identifier: MIT
"""The JSON of a report is what its schema says, and the schema says no to anything else."""

from __future__ import annotations

import json
from importlib import resources

import pytest
import withstand as ws

SCHEMA = json.loads((resources.files("withstand.report") / "report.schema.json").read_text(encoding="utf-8"))
KINDS = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
         "null": type(None)}  # fmt: skip


def wrong(value, schema, at="report"):
    """Yield what a value breaks of a schema, of the keywords that this schema uses."""
    unknown = set(schema) - {"$schema", "$defs", "$ref", "title", "description", "type", "required", "properties",
                             "additionalProperties", "items", "enum", "const"}  # fmt: skip
    assert not unknown, unknown
    if "$ref" in schema:
        yield from wrong(value, SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]], at)
    kinds = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", KINDS)
    is_number = isinstance(value, bool) and "boolean" not in kinds
    if is_number or not any(isinstance(value, KINDS[kind]) for kind in kinds):
        yield f"{at}: {value!r} is no {kinds}"
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        yield f"{at}: {value!r}"
    if isinstance(value, dict):
        yield from (f"{at}: no {name}" for name in schema.get("required", ()) if name not in value)
        for name, entry in value.items():
            rest = schema.get("additionalProperties", {})
            inner = schema.get("properties", {}).get(name, rest)
            yield from [f"{at}: {name}"] if inner is False else wrong(entry, inner, f"{at}.{name}")
    for n, entry in enumerate(value if isinstance(value, list) else ()):
        yield from wrong(entry, schema.get("items", {}), f"{at}[{n}]")


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    net, X, y = ws.embedded("digits_small")
    proof = tmp_path_factory.mktemp("proof") / "proof.json"
    few = {"most": 1, "samples": 5, "p": (0.01,)}
    return [json.loads(made.json()) for made in (
        ws.report(net, X[:2], **few),
        ws.report(net, X[:2], epsilon=5, **few),
        ws.report(net, X[:2], epsilon=5, time_limit=0, node_limit=None, **few),
        ws.report(net, X[:2], spec=ws.Argmax(), targets=y[:2], certificate=proof, **few),
    )]  # fmt: skip


def test_every_report_fits(reports):
    for made in reports:
        assert list(wrong(made, SCHEMA)) == []
    tables = {name for name, entry in SCHEMA["properties"].items() if entry == {"$ref": "#/$defs/table"}}
    assert tables == {name for made in reports for name in made if isinstance(made[name], list)}


@pytest.mark.parametrize("change", [
    {"status": "finished"}, {"format": "withstand report 2"}, {"other": 1}, {"curve": [{"crashes": [1]}]},
    {"statement": {}}, {"created": None},
])  # fmt: skip
def test_anything_else_does_not(reports, change):
    assert list(wrong({**reports[0], **change}, SCHEMA)) != []
