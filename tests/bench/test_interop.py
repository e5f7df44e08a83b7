# SPDX-License-Identifier: MIT
"""The table of exporters says what is missing, what differs and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import withstand as ws

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

from exporters.constructs import CONSTRUCTS  # noqa: E402
from exporters.writers import EXPORTERS  # noqa: E402
from interop import Row, section, told  # noqa: E402

PAGE = (ROOT / "docs/interop.md").read_text(encoding="utf-8")


def test_a_package_that_is_missing():
    def rows():
        yield Row("a", "v1", "Op", "chain", True, True)
        raise ImportError("No module named 'it'")

    assert section("Writer", ("numpy",), rows()) == ["## Writer", "", "Not run: No module named 'it'.", ""]


def test_guesses_that_were_wrong_are_bold():
    rows = [Row("a", "v1", "Op|Op", "chain", True, True), Row("b", "v2", "Op", "refused: no", False, True)]
    *_, first, second, _ = section("Writer", ("numpy",), iter(rows))
    assert first == "| a | Op\\|Op | chain | loads |"
    assert second == "| b | Op | refused: no | **loads** |"


def test_what_loads_is_compared(tmp_path):
    net = ws.Network([np.eye(2), np.ones((1, 2))])
    net.save(tmp_path / "net.npz")
    assert told(tmp_path / "net.npz", net.forward) == ("chain: `` dense 2 relu", True)
    assert told(tmp_path / "net.npz", lambda x: net.forward(x) + 1) == ("**differs** by 1", False)
    assert told(tmp_path / "net.npz", lambda x: x) == ("**differs** by nan", False)
    (tmp_path / "bad.npz").write_bytes(b"")
    words, loads = told(tmp_path / "bad.npz", net.forward)
    assert words.startswith("refused: is not a readable .npz file") and not loads


def test_the_page_is_of_these_exporters_and_constructs():
    titles = [line[3:].partition(": ")[0] for line in PAGE.splitlines() if line.startswith("## ")]
    assert titles == [*EXPORTERS, "skl2onnx.to_onnx"]
    for name in CONSTRUCTS:
        assert f"\n| {name} | " in PAGE
    assert "**differs** by" not in PAGE
