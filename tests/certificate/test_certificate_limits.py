# SPDX-License-Identifier: MIT
"""What a file may ask of the checker: work is counted, and refused by name, before it is done."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import withstand as ws
from alterations import save
from proofs import deep_network
from withstand.certificate import FORMAT, fingerprint
from withstand.certificate.budget import LIMITS


def stated(net, terms, nodes, inputs=None, upper=1e9, **claim):
    """Return a certificate made by hand: one tree for one input."""
    claim = {"lower": -1e9, "upper": upper, "witness": {"input": 0, "failed": []}, **claim}
    network = {"widths": list(net.widths), "sha256": fingerprint(net)}
    return {"format": FORMAT, "network": network, "failures": terms, "inputs": inputs or [[1.0] * net.widths[0]],
            "goal": "error", "claim": claim, "roots": [0], "nodes": nodes}  # fmt: skip


def stuck(counts, value, **more):
    return {"effect": "stuck", "value": value, "counts": counts, "total": True, "exactly": False, "among": None, **more}


@pytest.mark.parametrize(
    ("terms", "node", "upper", "reason"),
    [
        ([stuck([3], float(v)) for v in range(12)], {"enumerated": 100}, 1e9, "steps of counting configurations"),
        ([stuck([1], float(v)) for v in range(12)], {"bounded": 0.0}, 0.5, "multiply-adds of splitting leaves"),
        ([stuck([1], float(v)) for v in range(30_000)], {"bounded": 0.0}, 1e9, "ways to fail, the limit is 1,000,000"),
        ([stuck([2**40], 0.5)], {"enumerated": 30}, 1e9, "configurations, it says 30"),
        ([stuck([10**3000], 0.5)], {"bounded": 0.0}, 1e9, "a number of 3001 digits"),
    ],
)
def test_too_much_work_is_refused_by_name(tmp_path, monkeypatch, terms, node, upper, reason):
    monkeypatch.setitem(LIMITS, "multiply-adds of splitting leaves", 200_000_000)
    rng = np.random.default_rng(0)
    net = ws.Network([rng.normal(size=(b, a)) for a, b in itertools.pairwise((4, 20, 20, 2))])
    save(stated(net, terms, [node], upper=upper), tmp_path / "wrong.json")
    check = ws.check_certificate(tmp_path / "wrong.json", net)
    assert not check.valid
    assert reason in check.reason
    assert check.refined < 200


def test_every_kind_of_work_is_counted_before_it_is_done(tmp_path, monkeypatch):
    net, X = deep_network(0)
    ws.worst_case(net, ws.Crash(2), X, certificate=tmp_path / "proof.json")
    needed = {"bytes", "ways to fail", "decisions on the paths of the tree", "steps of counting configurations",
              "configurations to evaluate", "multiply-adds"}  # fmt: skip
    for kind in needed:
        with monkeypatch.context() as patch:
            patch.setitem(LIMITS, kind, 10)
            check = ws.check_certificate(tmp_path / "proof.json", net)
            assert not check.valid
            assert check.reason.startswith("too much to check: ")
            assert f" {kind}, the limit is 10" in check.reason
            assert check.configurations == 0
            with pytest.raises(ValueError, match=r"no certificate (can be|is) written.* the limit is 10"):
                ws.worst_case(net, ws.Crash(2), X, certificate=tmp_path / "none.json")
    assert not (tmp_path / "none.json").exists()


@pytest.mark.parametrize("kind", ["configurations of components", "multiply-adds of components"])
def test_what_components_cost_too_much_says_what_to_ask_instead(kind, tmp_path, monkeypatch):
    net, X = ws.Network([np.ones((3, 1)), np.ones((1, 3))]), [[1.0], [0.5]]
    few, path = ws.WeightCrash(1, among=[(1, "weight", (0, 0))]), tmp_path / "proof.json"
    ws.worst_case(net, few, X[:1], certificate=path)
    limit = 4 if kind[0] == "c" else 100
    monkeypatch.setitem(LIMITS, kind, limit)
    with pytest.raises(ValueError, match=f" {kind}, the limit is {limit}; ask about fewer inputs or components"):
        ws.worst_case(net, ws.WeightCrash(1), X, certificate=tmp_path / "none.json")
    ws.worst_case(net, few, X[:1], certificate=path)


def test_dead_ends_of_exact_counts_are_not_walked(tmp_path):
    net = ws.Network([np.ones((40, 1)), np.ones((1, 40))])
    term = stuck([39], 0.5, exactly=True)
    witness = {"input": 0, "failed": [[1, i, 0] for i in range(39)]}
    save(stated(net, [term], [{"enumerated": 40}], witness=witness), tmp_path / "proof.json")
    check = ws.check_certificate(tmp_path / "proof.json", net)
    assert check.valid, check.reason
    assert check.configurations == 40
