# SPDX-License-Identifier: MIT
"""Reading a certificate: the text is nothing but what the format allows, or it is rejected where it is not."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

from withstand.certificate.budget import LIMITS, Rejected

FORMAT = "withstand certificate 1"

_KEYS = {"format", "network", "failures", "inputs", "goal", "claim", "roots", "nodes", "checksum"}
_TERM = {"effect", "value", "counts", "total", "exactly", "among"}


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
    except (ValueError, RecursionError) as error:
        raise Rejected(f"not a certificate: {error}") from None
    if not isinstance(file, dict) or file.get("format") != FORMAT:
        raise Rejected(f"not a certificate: the format is not {FORMAT!r}")
    if file.get("checksum") != checksum(file):
        raise Rejected("the checksum is wrong: the file has been changed or cut")
    _entries(file, _KEYS, "the certificate")
    _check(file)
    return file


def require(holds: bool, why: str) -> None:
    """Reject the certificate where something does not hold."""
    if not holds:
        raise Rejected(why)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise ValueError(f"an entry is there twice, among {sorted(entries)[:10]}")
    return entries


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a finite number")


def _check(file: dict[str, Any]) -> None:
    network = _entries(file["network"], {"widths", "sha256"}, "network")
    _integers(network["widths"], "network: widths")
    require(isinstance(network["sha256"], str), "network: sha256 is no text")
    for n, term in enumerate(_list(file["failures"], "failures")):
        _term(_entries(term, _TERM, f"failures, {n}"), f"failures, {n}")
    for n, row in enumerate(_list(file["inputs"], "inputs")):
        for value in _list(row, f"input {n}"):
            _number(value, f"input {n}")
    require(file["goal"] in ("error", "argmax"), f"goal {file['goal']!r} is neither error nor argmax")
    claim = _entries(file["claim"], {"lower", "upper", "witness"}, "claim")
    _number(claim["lower"], "claim: lower")
    _number(claim["upper"], "claim: upper")
    witness = _entries(claim["witness"], {"input", "failed"}, "witness")
    _integers([witness["input"]], "witness: input")
    for failed in _list(witness["failed"], "witness: failed"):
        require(len(_integers(failed, "witness: failed")) == 3, f"witness: {failed!r} is not layer, neuron, term")
    _integers(file["roots"], "roots")
    for n, node in enumerate(_list(file["nodes"], "nodes")):
        _node(node, f"node {n}")


def _term(term: dict[str, Any], where: str) -> None:
    kind = term["effect"]
    require(kind in ("crash", "stuck"), f"{where}: of kind {kind!r}, only crash and stuck are covered")
    _number(term["value"], f"{where}: value")
    require(kind == "stuck" or term["value"] == 0, f"{where}: a crashed neuron transmits 0")
    _integers(term["counts"], f"{where}: counts")
    for key in ("total", "exactly"):
        require(isinstance(term[key], bool), f"{where}: {key} is {term[key]!r}, not true or false")
    one = not term["total"] or len(term["counts"]) == 1
    require(one, f"{where}: counts {str(term['counts'])[:40]} in total, not one number")
    for place in [] if term["among"] is None else _list(term["among"], f"{where}: among"):
        require(len(_integers(place, f"{where}: among")) == 2, f"{where}: among names {place!r}, not layer and neuron")


def _node(node: Any, where: str) -> None:
    require(isinstance(node, dict), f"{where} is {type(node).__name__}, not an object")
    if node.keys() == {"bounded"}:
        _number(node["bounded"], where)
    elif node.keys() == {"enumerated"}:
        _integers([node["enumerated"]], where)
    else:
        _entries(node, {"split", "alive", "failed"}, where)
        require(len(_integers(node["split"], where)) == 2, f"{where} splits on {node['split']!r}, not layer and neuron")
        require(isinstance(node["failed"], dict), f"{where}: failed is no object")
        _integers([node["alive"], *node["failed"].values()], where)
        for term in node["failed"]:
            proper = len(term) < 10 and term.isdecimal() and str(int(term)) == term
            require(proper, f"{where}: no term is called {term[:20]!r}")


def _entries(value: Any, keys: set[str], where: str) -> dict[str, Any]:
    require(isinstance(value, dict), f"{where} is {type(value).__name__}, not an object")
    require(value.keys() == keys, f"{where} has the entries {sorted(value)[:12]}, not {sorted(keys)}")
    return dict(value)


def _list(value: Any, where: str) -> list[Any]:
    require(isinstance(value, list), f"{where} is {type(value).__name__}, not a list")
    return list(value)


def _integers(value: Any, where: str) -> list[int]:
    for number in _list(value, where):
        right = type(number) is int and 0 <= number < 2**53
        require(right, f"{where}: {str(number)[:40]} is not an integer from 0 to 2^53")
    return list(value)


def _number(value: Any, where: str) -> float:
    right = type(value) in (int, float) and abs(value) < 2**1023 and math.isfinite(value)
    require(right, f"{where}: {str(value)[:40]} is not a finite number")
    return float(value)
