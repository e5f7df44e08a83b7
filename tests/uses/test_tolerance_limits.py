# SPDX-License-Identifier: MIT
"""Limits of one tolerance say the same: what is known anywhere is known of layers, and the other way round."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import withstand as ws
from withstand.uses import tolerance_search

X = [[1.0]]


def network() -> ws.Network:
    """Two crashes of layer 2 make an error of 1, three of layer 1 of 3/4, no other two more than 5/8."""
    return ws.Network([[[1.0]] * 4, [[1 / 8] * 4] * 2, [[1.0, 1.0]]], activation="relu")


@pytest.mark.parametrize("model", [ws.Crash, lambda k: ws.Crash(k, unit="channel")])
def test_a_witness_within_a_layer_is_one_of_this_layer(model, monkeypatch):
    searched = ws.worst_case

    def then_stopped(*arguments, **options):
        found = searched(*arguments, **options)
        if found.lower > 0.7:
            monkeypatch.setattr(tolerance_search, "worst_case", stopped)
        return found

    def stopped(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(tolerance_search, "worst_case", then_stopped)
    found = ws.tolerance(network(), 0.7, X, model=model)
    assert found.status == "interrupted" and found.breaking == 2
    assert {component[0] for component in found.witness.failed} == {2}
    assert (found.per_layer[1].breaking, found.per_layer[1].witness) == (2, found.witness)
    assert found.per_layer[1].exact
    assert found.per_layer[0].breaking is None


def test_a_witness_of_a_layer_is_one_of_all(monkeypatch):
    searched = ws.worst_case

    def blind(net, failures, *arguments, **options):
        """Find nothing where failures may be anywhere."""
        found = searched(net, failures, *arguments, **options)
        return replace(found, lower=0.0, upper=np.inf, witness=None, exact=False) if failures._terms[0].total else found

    monkeypatch.setattr(tolerance_search, "worst_case", blind)
    found = ws.tolerance(network(), 0.7, X)
    assert [limit.breaking for limit in found.per_layer] == [3, 2]
    assert (found.breaking, found.witness) == (2, found.per_layer[1].witness)
    assert found.exact == (found.guaranteed == 1)


def test_an_intact_network_that_ties_does_harm_in_every_layer():
    net = ws.Network([[[1.0]] * 2, [[0.5, 0.5], [0.5, 0.5]]])
    found = ws.tolerance(net, None, X, spec=ws.Argmax(), node_limit=1)
    assert {limit.breaking for limit in (found, *found.per_layer)} == {0}
    assert {limit.guaranteed for limit in (found, *found.per_layer)} == {-1}
