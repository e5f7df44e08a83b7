# SPDX-License-Identifier: MIT
"""The package's own files: exact round trips, nothing else accepted."""

from __future__ import annotations

import contextlib
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from withstand.importers import UnsupportedModel, read
from withstand.importers.layers import Layers, Phi
from withstand.importers.npz import load_npz, save_npz

PHIS = [Phi("relu"), Phi("leaky_relu", 1.0, 0.1), Phi("logistic", 2.5), Phi("elu", 1.0, 0.0), Phi("identity")]


@st.composite
def networks(draw: Any) -> Layers:
    """Layers of any finite doubles, with and without a box."""
    widths = draw(st.lists(st.integers(1, 3), min_size=3, max_size=5))
    numbers = st.floats(allow_nan=False, allow_infinity=False)
    pairs = list(pairwise(widths))
    bound = arrays(np.float64, widths[0], elements=numbers)
    return Layers(
        tuple(draw(arrays(np.float64, (n, m), elements=numbers)) for m, n in pairs),
        tuple(draw(arrays(np.float64, n, elements=numbers)) for _, n in pairs),
        tuple(draw(st.sampled_from(PHIS)) for _ in pairs[1:]),
        draw(st.sampled_from(PHIS)),
        draw(st.sampled_from(["values", "logits"])),
        draw(st.none() | st.tuples(bound, bound)),
    )


def assert_equal(one: Layers, other: Layers) -> None:
    for mine, theirs in zip(arrays_of(one), arrays_of(other), strict=True):
        assert mine.dtype == theirs.dtype == np.float64
        assert mine.tobytes() == theirs.tobytes()
        assert mine.shape == theirs.shape
    assert (one.activations, one.output_activation) == (other.activations, other.output_activation)
    assert (one.outputs, one.input_box is None) == (other.outputs, other.input_box is None)


def arrays_of(layers: Layers) -> list[np.ndarray]:
    return [*layers.weights, *layers.biases, *(layers.input_box or ())]


@settings(max_examples=50, deadline=None)
@given(networks())
def test_round_trip_is_exact(layers: Layers) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "net.npz"
        save_npz(layers, path)
        assert_equal(read(path), layers)


def saved(folder: Path) -> Path:
    layers = Layers((np.ones((2, 1)), np.ones((1, 2))), (np.zeros(2), np.zeros(1)), (Phi("relu"),))
    path = folder / "net.npz"
    save_npz(layers, path)
    return path


def test_the_name_is_kept(tmp_path: Path) -> None:
    path = saved(tmp_path).rename(tmp_path / "plain")
    assert load_npz(path).activations == (Phi("relu"),)
    save_npz(load_npz(path), tmp_path / "other")
    assert (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"withstand": np.array(3)}, "has version 3 of the format, versions 1 and 2 are read"),
        ({"withstand": None}, r"was not written by withstand: no key 'withstand' among \['activations'"),
        ({"weights_2": None}, "lacks the key 'weights_2'"),
        ({"weights_2": np.ones((1, 3))}, r"layer 2 has weights \(1, 3\) and biases \(1,\) on 2 inputs"),
        ({"weights_1": np.array([["a"]])}, "has 'weights_1' of type <U1"),
        (
            {"weights_1": np.array([[np.nan], [1]])},
            r"the weights of layer 1 must be finite, but entry \(0, 0\) is nan",
        ),
        ({"biases_2": np.array([np.inf])}, r"the biases of layer 2 must be finite, but entry \(0,\) is inf"),
        ({"gains": np.ones(3)}, "different numbers of activations, gains and slopes"),
        ({"activations": np.array(["relu", "swish"])}, "has an unknown activation 'swish', known are "),
        ({"outputs": np.array("labels")}, "has outputs 'labels', known are 'values' and 'logits'"),
        ({"activations": np.array([None, None], dtype=object)}, "is not a readable .npz file: .*pickle"),
        ({"input_lower": np.zeros(1)}, "lacks the key 'input_upper'"),
        (
            {"input_lower": np.zeros(2), "input_upper": np.ones(2)},
            r"has an input box of shapes \(2,\) and \(2,\)",
        ),
    ],
)
def test_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = saved(tmp_path)
    with np.load(path) as archive:
        kept = dict(archive) | change
    np.savez(path, **{key: value for key, value in kept.items() if value is not None})
    with pytest.raises(UnsupportedModel, match=message):
        read(path)


def test_a_single_array(tmp_path: Path) -> None:
    with (tmp_path / "net.npz").open("wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(UnsupportedModel, match=r"is not a readable \.npz file"):
        read(tmp_path / "net.npz")


@settings(max_examples=200, deadline=None)
@given(st.integers(0), st.integers(0, 255))
def test_any_damaged_byte(at: int, byte: int) -> None:
    """One changed byte gives the network or a refusal, never another exception."""
    with tempfile.TemporaryDirectory() as folder:
        path = saved(Path(folder))
        data = bytearray(path.read_bytes())
        data[at % len(data)] = byte
        path.write_bytes(data)
        with contextlib.suppress(UnsupportedModel):
            read(path)
