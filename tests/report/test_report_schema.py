# SPDX-License-Identifier: MIT
"""The JSON of a report is what its schema says, and the schema says no to anything else."""

from __future__ import annotations

import json

import pytest
import withstand as ws
from tiny_schema import wrong
from withstand.schema import schema

SCHEMA = schema("report")


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
    tables = {name for name, entry in SCHEMA["properties"].items() if entry.get("$ref") == "#/$defs/table"}
    assert tables == {name for made in reports for name in made if isinstance(made[name], list)}


@pytest.mark.parametrize("change", [
    {"status": "finished"}, {"format": "withstand report 2"}, {"other": 1}, {"curve": [{"crashes": [1]}]},
    {"statement": {}}, {"created": None},
])  # fmt: skip
def test_anything_else_does_not(reports, change):
    assert list(wrong({**reports[0], **change}, SCHEMA)) != []
