# SPDX-License-Identifier: MIT
"""Every result draws a picture of its own numbers: what stands on the axes, and where."""

from __future__ import annotations

import numpy as np
import pytest
import withstand as ws

pytest.importorskip("matplotlib")
from withstand._pictures import coarse
from withstand.plot import measure_curve, numbers_in, save

NET, X, Y = ws.embedded("digits_small")
ROWS, CLASSES = X[:2], Y[:2]


def labels(axes):
    return axes.get_xlabel(), axes.get_ylabel()


def test_an_enumeration_is_a_histogram():
    found = ws.enumerate_failures(NET, ws.Crash(2), ROWS)
    axes = found.plot()
    assert labels(axes) == ("error", "configurations")
    (steps,) = axes.patches
    drawn = steps.get_data()
    edges, counts = coarse(found.histogram)
    assert np.array_equal(drawn.edges, edges)
    assert np.array_equal(drawn.values, counts)
    assert counts.sum() == found.done


def test_a_tolerance_is_bars_of_what_is_harmless_and_harmful():
    found = ws.tolerance(NET, 5, ROWS)
    axes = found.plot()
    assert axes.get_xlabel() == "failures"
    places = [label.get_text() for label in axes.get_yticklabels()]
    assert places == ["anywhere", "layer 1", "layer 2"]
    assert [bar.get_width() for bar in axes.patches] == [found.guaranteed, *(l.guaranteed for l in found.per_layer)]
    breaking = [found.breaking, *(l.breaking for l in found.per_layer)]
    assert axes.collections[0].get_offsets()[:, 0].tolist() == breaking


def test_a_curve_is_the_curve():
    found = measure_curve(NET, ROWS, (1, 2), samples=5)
    axes = found.plot()
    assert axes.get_ylabel() == "largest output error"
    drawn = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    assert np.array_equal(drawn["proved without search"], found.proved)


def test_reliability_over_the_probability():
    found = ws.reliability(NET, 0.001, 5.0, ROWS, samples=10)
    axes = found.plot()
    assert axes.get_ylabel() == "probability of harm"
    upper, lower = (line for line in axes.get_lines() if "proved" in line.get_label())
    low, high = found.curve(lower.get_xdata())
    assert np.array_equal(lower.get_ydata(), low)
    assert np.array_equal(upper.get_ydata(), high)


def test_hardening_is_bars_even_where_nothing_is_to_be_protected():
    for epsilon in (5.0, 1e6):
        found = ws.harden(NET, 1, epsilon, ROWS)
        axes = found.plot()
        assert axes.get_xlabel() == "neurons to protect"
        assert [bar.get_width() for bar in axes.patches] == [found.at_least, len(found.protect)]


def test_criticality_is_a_heat_map():
    found = ws.criticality(NET, ROWS)
    axes = found.plot()
    assert labels(axes) == ("neuron", "layer")
    assert np.array_equal(axes.images[0].get_array().filled(-1), np.array(found.worst))
    assert axes.figure.axes[1].get_ylabel() == "worst error among 1 crashed"


def test_accuracy_and_campaign():
    found = ws.certified_accuracy(NET, ROWS, CLASSES, ws.Crash(1))
    assert found.plot().get_ylabel() == "% of 2 inputs with the right class"
    drawn = ws.campaign(NET, ROWS, CLASSES, ws.Crash(1), trials=9).plot()
    assert sum(bar.get_height() for bar in drawn.patches if hasattr(bar, "get_height")) >= 9


@pytest.mark.parametrize("ask", [
    lambda: ws.enumerate_failures(NET, ws.Crash(1), ROWS), lambda: ws.tolerance(NET, 5, ROWS),
    lambda: ws.criticality(NET, ROWS)
])  # fmt: skip
def test_equal_bytes(ask, tmp_path):
    for name in ("a.svg", "b.svg"):
        save(ask().plot().figure, tmp_path / name, {"a < b & c": 1})
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert numbers_in(tmp_path / "a.svg") == {"a < b & c": 1}
