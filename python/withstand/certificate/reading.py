# SPDX-License-Identifier: MIT
"""Reading a certificate: the text is nothing but what the format allows, or it is rejected where it is not."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from withstand.certificate.budget import LIMITS, Rejected
from withstand.certificate.entries import entries, integers, items, number, require
from withstand.certificate.statement import component, components_term, neurons_term

#: Of crashed and stuck neurons: a tree for every input.
FORMAT = "withstand certificate 1"
#: Of words, groups, parameters and synapses: every configuration at every input.
COMPONENTS = "withstand certificate 2"

_KEYS = {"format", "network", "failures", "inputs", "goal", "claim", "checksum"}
_PROOF = {FORMAT: {"roots", "nodes"}, COMPONENTS: {"configurations"}}


def checksum(certificate: dict[str, Any]) -> str:
    """Return the checksum of a certificate, its own entry left out."""
    body = {key: value for key, value in certificate.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _whole(text: str) -> int:
    """Return an integer; none of a certificate is beyond the doubles."""
    if len(text) > 300:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def parsed(content: bytes) -> dict[str, Any]:
    """Return the entries of a certificate, each of the type that it has to have."""
    if len(content) > LIMITS["bytes"]:
        raise Rejected(f"too much to check: {len(content):,} bytes, the limit is {LIMITS['bytes']:,}")
    try:
        file = json.loads(content, object_pairs_hook=_once, parse_int=_whole, parse_constant=_no_number)
    except UnicodeDecodeError:
        raise Rejected("not a certificate: it is no text") from None
    except (ValueError, RecursionError) as error:
        raise Rejected(f"not a certificate: {error}") from None
    if not isinstance(file, dict) or file.get("format") not in (FORMAT, COMPONENTS):
        raise Rejected(f"not a certificate: the format is neither {FORMAT!r} nor {COMPONENTS!r}")
    if file.get("checksum") != checksum(file):
        raise Rejected("the checksum is wrong: the file has been changed or cut")
    entries(file, _KEYS | _PROOF[file["format"]], "the certificate")
    _check(file)
    return file


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"an entry is there twice, among {sorted(found)[:10]}")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a finite number")


def _check(file: dict[str, Any]) -> None:
    network = entries(file["network"], {"widths", "sha256"}, "network")
    integers(network["widths"], "network: widths")
    require(isinstance(network["sha256"], str), "network: sha256 is no text")
    one = neurons_term if file["format"] == FORMAT else components_term
    for n, term in enumerate(items(file["failures"], "failures")):
        one(term, f"failures, {n}")
    for n, row in enumerate(items(file["inputs"], "inputs")):
        for value in items(row, f"input {n}"):
            number(value, f"input {n}")
    require(file["goal"] in ("error", "argmax"), f"goal {file['goal']!r} is neither error nor argmax")
    claim = entries(file["claim"], {"lower", "upper", "witness"}, "claim")
    number(claim["lower"], "claim: lower")
    number(claim["upper"], "claim: upper")
    witness = entries(claim["witness"], {"input", "failed"}, "witness")
    integers([witness["input"]], "witness: input")
    if file["format"] == COMPONENTS:
        for failed in items(witness["failed"], "witness: failed"):
            _failed(failed)
        integers([file["configurations"]], "configurations")
        return
    for failed in items(witness["failed"], "witness: failed"):
        require(len(integers(failed, "witness: failed")) == 3, f"witness: {failed!r} is not layer, neuron, term")
    integers(file["roots"], "roots")
    for n, node in enumerate(items(file["nodes"], "nodes")):
        _node(node, f"node {n}")


def _failed(failed: Any) -> None:
    """Check what a witness says of a component: its name, its term and the bits that flip."""
    where = "witness: failed"
    require(len(items(failed, where)) == 3, f"witness: {str(failed)[:60]} is not component, term, bits")
    component(items(failed[0], where), where)
    integers([failed[1], *items(failed[2], where)], where)


def _node(node: Any, where: str) -> None:
    require(isinstance(node, dict), f"{where} is {type(node).__name__}, not an object")
    if node.keys() == {"bounded"}:
        number(node["bounded"], where)
    elif node.keys() == {"enumerated"}:
        integers([node["enumerated"]], where)
    else:
        entries(node, {"split", "alive", "failed"}, where)
        require(len(integers(node["split"], where)) == 2, f"{where} splits on {node['split']!r}, not layer and neuron")
        require(isinstance(node["failed"], dict), f"{where}: failed is no object")
        integers([node["alive"], *node["failed"].values()], where)
        for term in node["failed"]:
            proper = len(term) < 10 and term.isdecimal() and str(int(term)) == term
            require(proper, f"{where}: no term is called {term[:20]!r}")
