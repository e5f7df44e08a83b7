# SPDX-License-Identifier: MIT
"""What docs/offline.py says of a site: nothing of a good one, a line of every fault."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
GOOD = {
    "index.html": '<link rel="canonical" href="https://a.b/"><a href="b.html#there">b</a> <a href="https://a.b">away</a>'
    '<img src="data:image/png;base64,AA"><link rel="stylesheet" href="s.css?v=1"><a href="#">top</a>',
    "b.html": '<p id="there">here</p><script src="s.js"></script>',
    "s.css": "p { background: url(data:image/png;base64,AA) }",
    "s.js": "",
}
BAD = {
    '<script src="https://cdn.invalid/x.js"></script>': "loads https://cdn.invalid/x.js",
    '<script src="//cdn.invalid/x.js"></script>': "loads //cdn.invalid/x.js",
    '<link rel="stylesheet" href="http://cdn.invalid/x.css">': "loads http://cdn.invalid/x.css",
    '<img src="https://cdn.invalid/x.png">': "loads https://cdn.invalid/x.png",
    "<style>@import 'https://cdn.invalid/x.css'</style>": "loads https://cdn.invalid/x.css",
    '<a href="nowhere.html">x</a>': "nowhere.html leads nowhere",
    '<img src="nowhere.png">': "nowhere.png leads nowhere",
    '<a href="b.html#nowhere">x</a>': "b.html#nowhere has no such anchor",
    '<a href="#nowhere">x</a>': "#nowhere has no such anchor",
}


@pytest.fixture(scope="module")
def faults():
    spec = importlib.util.spec_from_file_location("offline", DOCS / "offline.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.faults


@pytest.fixture
def site(tmp_path):
    for name, text in GOOD.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_good_site_has_no_faults(faults, site):
    assert faults(site) == []


@pytest.mark.parametrize("text", BAD)
def test_a_fault_is_named(faults, site, text):
    (site / "bad.html").write_text(text, encoding="utf-8")
    (fault,) = faults(site)
    assert fault == f"{site / 'bad.html'}: {BAD[text]}"


def test_a_style_sheet_that_loads_is_named(faults, site):
    (site / "s.css").write_text("@font-face { src: url('https://cdn.invalid/f.woff') }", encoding="utf-8")
    assert faults(site) == [f"{site / 's.css'}: loads https://cdn.invalid/f.woff"]


def test_an_empty_site_is_a_fault(faults, tmp_path):
    assert faults(tmp_path) == [f"{tmp_path}: no page"]
