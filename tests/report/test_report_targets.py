# SPDX-License-Identifier: MIT
"""What a report makes of targets: what outputs should be, or classes."""

from __future__ import annotations

import re

import pytest
import withstand as ws


def test_classes_are_no_targets_of_several_outputs_and_make_no_budget():
    net, X, y = ws.embedded("digits_small")
    few = {"epsilon": 13, "most": 1, "samples": 2, "p": (), "time_limit": 20}
    for classes in (y[:4], y[:4].astype(float)[:, None]):
        said = str(ws.report(net, X[:4], targets=classes, **few))
        right = int((net.forward(X[:4]).argmax(axis=1) == y[:4]).sum())
        assert f"the largest output is that of the given class for {right} of them" in said
        assert "epsilon'" not in said and "whole budget" not in said
    outputs = net.forward(X[:4])
    said = str(ws.report(net, X[:4], targets=outputs + 0.5, **few))
    assert "at most epsilon' = 0.5, so that the whole budget is 13.5" in said
    with pytest.raises(ValueError, match=re.escape("targets have shape (4,), expected (4,), a class each, or (4, 10)")):
        ws.report(net, X[:4], targets=y[:4] + 0.5, **few)
    with pytest.raises(ValueError, match=re.escape("targets have shape (4, 9), expected (4,)")):
        ws.report(net, X[:4], targets=outputs[:, :9], **few)
