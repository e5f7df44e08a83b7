# SPDX-License-Identifier: MIT
"""Files of torch.export.save: read without torch, nothing in them is run, and what is damaged is refused."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graph_forms import as_graph
from oracle.graph import evaluate_graph
from withstand.importers import Budget, UnsupportedModel, read

torch = pytest.importorskip("torch")
pytestmark = [  # of torch's own code, which writes the files
    pytest.mark.filterwarnings("ignore:`isinstance.treespec, LeafSpec.` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:No complete tensor found in the group:UserWarning"),
    pytest.mark.filterwarnings("ignore:The tensor attributes .* were assigned during export:UserWarning"),
]
nn, F = torch.nn, torch.nn.functional


class Model(nn.Module):
    """A convolution, a transposed matrix, and a view that names the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv1d(2, 3, 3), nn.Linear(12, 2)
        self.head.weight = nn.Parameter(torch.randn(14, 3)[2:].t()[1:])
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Any) -> Any:
        y = self.act(self.conv(x)).repeat(1, 1, 1)
        return self.head(y.view(y.size(0), -1))


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(0)
    return Model().eval()


@pytest.fixture(scope="module")
def saved(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "model.pt2"
    torch.export.save(torch.export.export(model, (torch.zeros(1, 2, 6),), strict=False), path)
    return path


def changed(saved: Path, to: Path, **entries: Any) -> Path:
    """Write a copy in which entries are others: bytes, or what a function makes of the JSON that they hold."""
    names = {
        "model": "models/model.json",
        "weights": "data/weights/model_weights_config.json",
        "sample": "data/sample_inputs/model.pt",
        "format": "archive_format",
        "weight": "data/weights/weight_0",
    }
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(to / "changed.pt2", "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            data = source.read(name)
            change = next((entries[key] for key, end in names.items() if key in entries and name.endswith(end)), None)
            if callable(change):
                tree = json.loads(data)
                data = json.dumps(change(tree) or tree).encode()
            elif change is not None:
                data = change
            target.writestr(name, data)
    return to / "changed.pt2"


def agree(net: Any, model: Any) -> None:
    x = torch.randn(4, 2, 6, generator=torch.Generator().manual_seed(3))
    ours = evaluate_graph(*as_graph(net), x.double().numpy().reshape(4, -1))
    assert np.abs(ours - model(x).detach().numpy()).max() <= 1e-6


def test_a_file_is_read_without_torch(saved: Path, model: Any) -> None:
    agree(read(saved), model)
    code = (
        "import sys; sys.modules['torch'] = None; from withstand.importers import read; print(read(sys.argv[1]).shape)"
    )
    done = subprocess.run([sys.executable, "-c", code, saved], capture_output=True, text=True, check=True)
    assert done.stdout == "(2, 6)\n"


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.write_text, (self.path, "run")


def test_nothing_pickled_is_opened(saved: Path, model: Any, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    evil = pickle.dumps(Evil(mark))
    agree(read(changed(saved, tmp_path, sample=evil)), model)

    def pickled(tree: Any) -> None:
        tree["config"]["conv.weight"]["use_pickle"] = True

    with pytest.raises(UnsupportedModel, match=r"conv1d.*'conv\.weight', which is pickled: opening it would run code"):
        read(changed(saved, tmp_path, weights=pickled, weight=evil))
    assert not mark.exists()
    pickle.loads(evil)
    assert mark.exists()


def test_no_text_of_a_file_is_evaluated(model: Any, tmp_path: Path) -> None:
    """A size that is a symbol is text, which torch.export.load gives to sympy, which gives it to eval."""
    mark = tmp_path / "mark"
    dynamic = {"x": {0: torch.export.Dim("batch", min=2, max=64)}}
    program = torch.export.export(model, (torch.zeros(2, 2, 6),), dynamic_shapes=dynamic, strict=False)
    torch.export.save(program, tmp_path / "model.pt2")
    agree(read(tmp_path / "model.pt2"), model)

    def evil(tree: Any) -> Any:
        text = json.dumps(tree)
        code = f"__import__('pathlib').Path('{mark}').write_text('run')"
        symbols = [part.split('"')[0] for part in text.split('"expr_str": "')[1:]]
        assert symbols
        return json.loads(text.replace(f'"expr_str": "{symbols[0]}"', f'"expr_str": "{code}"'))

    agree(read(changed(tmp_path / "model.pt2", tmp_path, model=evil)), model)
    assert not mark.exists()


def nodes(tree: Any) -> Any:
    return tree["graph_module"]["graph"]["nodes"]


def argument(tree: Any, op: str, name: str, value: Any) -> None:
    node = next(node for node in nodes(tree) if f".{op}." in node["target"])
    next(entry for entry in node["inputs"] if entry["name"] == name)["arg"] = value


def meta(tree: Any, **values: Any) -> None:
    tree["config"]["conv.weight"]["tensor_meta"].update(values)


CHANGES: list[tuple[str, Callable[[Any], Any], str]] = [
    ("model", lambda tree: tree["schema_version"].update(major=99), "version 99 of torch's schema, read is 8; save it"),
    ("model", lambda tree: tree.pop("graph_module"), r"cannot be read \(KeyError"),
    ("model", lambda tree: nodes(tree)[0].update(target="torch.ops.mine.op.default"), r"\(mine\.op\.default\)"),
    ("model", lambda tree: nodes(tree)[0]["inputs"].pop(1), "node 'conv1d'.*missing"),
    ("model", lambda tree: nodes(tree).pop(1), "reads 'relu_', which is not supported"),
    ("model", lambda tree: nodes(tree).extend(nodes(tree)[:1] * (1 << 17)), "nodes, at most 131072 are read"),
    ("model", lambda tree: argument(tree, "repeat", "repeats", {"as_ints": [1, 10**9, 10**9]}), "'repeat'.*makes a"),
    ("model", lambda tree: argument(tree, "repeat", "repeats", {"as_ints": [1, -1, 1]}), "node 'repeat'"),
    ("model", lambda tree: argument(tree, "view", "size", {"as_ints": [1, 5]}), "node 'view'.*from 12 entries"),
    ("model", lambda tree: argument(tree, "conv1d", "bias", {"as_graph": {}}), "argument of kind 'as_graph'"),
    ("weights", lambda tree: meta(tree, dtype=6), r"'conv\.weight' of float16"),
    ("weights", lambda tree: meta(tree, layout=1), "layout 1"),
    ("weights", lambda tree: meta(tree, storage_offset={"as_int": 3}), "does not fit the 18 numbers of its entry"),
    ("weights", lambda tree: meta(tree, strides=[{"as_int": 10**9}] * 3), "does not fit the 18 numbers"),
    ("weights", lambda tree: meta(tree, sizes=[{"as_int": -3}, {"as_int": 2}, {"as_int": 3}]), "holds -3 for a size"),
    ("weights", lambda tree: meta(tree, sizes=[{"as_int": 10**9}] * 3, strides=[{"as_int": 0}] * 3), "entries, at"),
    ("weights", lambda tree: tree["config"].pop("conv.weight"), r"'conv\.weight', which the file does not hold"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "change", "message"), CHANGES, ids=range(len(CHANGES)))
def test_damaged_programs(saved: Path, tmp_path: Path, entry: str, change: Any, message: str) -> None:
    def made(tree: Any) -> Any:
        change(tree)
        return tree

    path = changed(saved, tmp_path, **{entry: made})
    with pytest.raises(UnsupportedModel, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"model": b"{"}, r"has no JSON in its entry 'models/model\.json'"),
        ({"model": b"[" * 100_000}, "recursion"),
        ({"model": b"\xff"}, "has no JSON"),
        ({"format": b"pt1"}, r"is no archive of torch\.export\.save"),
        ({"weight": b"123"}, "buffer size|does not fit"),
    ],
)
def test_damaged_archives(saved: Path, tmp_path: Path, entries: Any, message: str) -> None:
    with pytest.raises(UnsupportedModel, match=message):
        read(changed(saved, tmp_path, **entries))


def test_what_is_no_archive_and_other_archives(saved: Path, tmp_path: Path) -> None:
    for data in (b"", b"PK\x03\x04", saved.read_bytes()[:-30], b"x" * 100):
        (tmp_path / "bad.pt2").write_bytes(data)
        with pytest.raises(
            UnsupportedModel, match=r"is not a readable \.pt2 file|is no archive of torch\.export\.save"
        ):
            read(tmp_path / "bad.pt2")
    with zipfile.ZipFile(tmp_path / "old.pt2", "w") as file:
        file.writestr("serialized_exported_program.json", "{}")
    with pytest.raises(UnsupportedModel, match=r"has the layout of torch before 2\.8; save it again"):
        read(tmp_path / "old.pt2")
    torch.save({"w": torch.zeros(2)}, tmp_path / "dict.pt2")
    with pytest.raises(UnsupportedModel, match=r"is no archive of torch\.export\.save"):
        read(tmp_path / "dict.pt2")


def test_an_entry_that_unpacks_to_more_than_the_budget(saved: Path, tmp_path: Path) -> None:
    path = changed(saved, tmp_path, weight=b"\0" * (1 << 26))
    with pytest.raises(UnsupportedModel, match="exceeds the budget"):
        read(path, Budget(bytes=1 << 20, per_byte=1))


def test_batches(model: Any, tmp_path: Path) -> None:
    torch.export.save(torch.export.export(model, (torch.zeros(8, 2, 6),), strict=False), tmp_path / "model.pt2")
    with pytest.raises(
        UnsupportedModel, match=r"input 'x' has shape \[8, 2, 6\], supported is one example, or any batch"
    ):
        read(tmp_path / "model.pt2")


def test_a_change_in_place_that_another_name_sees(tmp_path: Path) -> None:
    class InPlace(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 3)

        def forward(self, x: Any) -> Any:
            y = self.linear(x)
            y[:, 0].relu_()
            return self.linear(y)

    program = torch.export.export(InPlace().eval(), (torch.zeros(1, 3),), strict=False)
    torch.export.save(program, tmp_path / "model.pt2")
    with pytest.raises(
        UnsupportedModel, match=r"reads 'linear', which 'relu_' has changed in place .*run_decompositions"
    ):
        read(tmp_path / "model.pt2")
    torch.export.save(program.run_decompositions({}), tmp_path / "model.pt2")
    assert len(read(tmp_path / "model.pt2").layers) >= 2
