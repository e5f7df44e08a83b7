# SPDX-License-Identifier: MIT
"""Pictures draw the numbers that the package computes, in the proven order, and name what to install."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import withstand as ws
from withstand.plot import measure_curve, save, tolerance_curve

COUNTS = (1, 2, 3)


@pytest.fixture(scope="module")
def digits():
    net, X, _ = ws.embedded("digits_small")
    return net, X[:3]


def test_the_curves_never_cross(digits):
    curve = measure_curve(*digits, COUNTS, samples=50, seed=3)
    exact = np.array([search.upper for search in curve.searches])
    assert all(search.exact for search in curve.searches)
    assert curve.random.shape == (3, 50)
    assert (curve.random.max(axis=1) <= exact).all()
    rounding = np.array([search.rounding for search in curve.searches])
    assert (curve.lower <= curve.proved).all()
    assert (exact <= curve.proved + rounding).all()
    assert (curve.proved <= curve.paper).all()
    assert (curve.random > 0).any()


def test_random_sets_have_exactly_so_many_neurons():
    """Every neuron counts 1 with linear outputs: k crashes take away exactly k."""
    net = ws.Network([np.ones((6, 1)), np.ones((1, 6))])
    curve = measure_curve(net, [[1.0]], (1, 4, 6), samples=20)
    assert (curve.random == np.array([[1.0], [4.0], [6.0]])).all()


def test_the_picture_shows_the_numbers(digits):
    figure = tolerance_curve(*digits, COUNTS, samples=20, epsilon=5.0)
    (axes,) = figure.axes
    curve = measure_curve(*digits, COUNTS, samples=20)
    drawn = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    assert (drawn["proved without search"] == curve.proved).all()
    assert (drawn["exact worst case"] == [search.lower for search in curve.searches]).all()
    assert (drawn["worst of 20 random sets"] == curve.random.max(axis=1)).all()
    assert set(drawn["budget 5"]) == {5.0}
    assert axes.get_yscale() == "log"


def test_an_open_search_is_drawn_as_an_interval(digits):
    closed = tolerance_curve(*digits, (3,), samples=5)
    assert not closed.axes[0].collections
    still = tolerance_curve(*digits, (3,), samples=5, time_limit=0.0)
    (interval,) = still.axes[0].collections
    (segment,) = interval.get_segments()
    assert segment[0][1] < segment[1][1]


def test_an_svg_has_the_same_bytes_every_time(digits, tmp_path):
    for name in ("a.svg", "b.svg"):
        save(tolerance_curve(*digits, (1, 2), samples=5), tmp_path / "new" / name)
    a, b = ((tmp_path / "new" / name).read_bytes() for name in ("a.svg", "b.svg"))
    assert a == b
    assert b"<svg" in a


@pytest.mark.parametrize(("arguments", "text"), [({"counts": ()}, "counts"), ({"counts": (0,)}, "counts"),
                                                 ({"samples": 0}, "samples")])  # fmt: skip
def test_wrong_arguments_are_named(digits, arguments, text):
    with pytest.raises(ValueError, match=text):
        tolerance_curve(*digits, **arguments)


def test_without_matplotlib_the_extra_is_named():
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import withstand as ws; from withstand.plot import tolerance_curve\n"
        "net, X, _ = ws.embedded('digits_small')\n"
        "try: tolerance_curve(net, X[:1])\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == 'drawing needs matplotlib: pip install "withstand[plot]"'
