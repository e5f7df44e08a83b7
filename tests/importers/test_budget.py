# SPDX-License-Identifier: MIT
"""What a file may make the importers compute: the account, and files of arrays and of text."""

from __future__ import annotations

import dataclasses
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from withstand.importers import Budget, UnsupportedModel, load
from withstand.importers.budget import Account, extent

#: Small, so that what exceeds it is harmless too.
SMALL = Budget(entries=1000, bytes=100_000, per_byte=0, operations=300_000, nodes=50)


class TestAccount:
    def test_what_is_charged_adds_up(self) -> None:
        account = Account(Budget(entries=10, bytes=100, per_byte=2, operations=1000))
        account.array(5)
        assert (account.bytes, account.operations) == (40, 40)
        account.array(5)
        with pytest.raises(ValueError, match="needs 40 bytes, which with 80 so far exceeds the budget of 100"):
            account.array(5)
        account.hold(10)
        account.array(5)
        with pytest.raises(ValueError, match="makes a tensor of 11 entries, at most 10 are handled"):
            account.array(11)
        with pytest.raises(ValueError, match="is a 4 x 3 matrix, at most 10 entries"):
            account.matrix(4, 3)
        with pytest.raises(ValueError, match="needs 1000 operations, which with 120 so far exceeds the budget of 1000"):
            account.steps(1)

    def test_an_empty_axis_does_not_hide_the_others(self) -> None:
        assert extent((0, 1000, 3)) == 3000
        assert extent(()) == 1

    def test_the_default_has_room_for_a_model_of_500_megabytes(self) -> None:
        """Each weight, stored in four bytes, is read, scaled, placed and copied."""
        account = Account()
        account.hold(500 << 20)
        for _ in range(32):
            for _ in range(6):
                account.matrix(2048, 2000)


class TestNpz:
    def test_a_compressed_member_is_charged_as_it_declares(self, tmp_path: Path) -> None:
        path = self.saved(tmp_path, np.savez_compressed, weights_1=np.zeros((200, 200)), biases_1=np.zeros(200))
        assert path.stat().st_size < 10_000
        with pytest.raises(
            UnsupportedModel, match=r"net\.npz: 'weights_1' needs 320128 bytes, .* the budget of 100000"
        ):
            load(path, budget=SMALL)

    def test_a_member_that_declares_less_than_it_holds(self, tmp_path: Path) -> None:
        path = self.saved(tmp_path, np.savez_compressed)
        data = bytearray(path.read_bytes())
        for at in self.entries(data):
            data[at + 24 : at + 28] = (10).to_bytes(4, "little")
        path.write_bytes(data)
        with pytest.raises(UnsupportedModel, match=r"net\.npz: is not a readable \.npz file"):
            load(path)

    def test_a_header_that_declares_more_than_the_member_holds(self, tmp_path: Path) -> None:
        path = self.saved(tmp_path, np.savez)
        data = path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        body = members["weights_1.npy"]
        assert b"(2, 1), }    " in body
        members["weights_1.npy"] = body.replace(b"(2, 1), }    ", b"(2, 10000), }")
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        with pytest.raises(UnsupportedModel, match=r"'weights_1' of type float64 and shape \(2, 10000\) in 16 bytes"):
            load(path)
        assert data

    def test_members_that_are_not_needed_are_not_read(self, tmp_path: Path) -> None:
        path = self.saved(tmp_path, np.savez_compressed, extra=np.zeros(100_000))
        assert load(path, budget=SMALL).depth == 1

    def test_a_name_twice(self, tmp_path: Path) -> None:
        path = self.saved(tmp_path, np.savez)
        with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("weights_1.npy", b"")
        with pytest.raises(UnsupportedModel, match="holds 'weights_1' twice"):
            load(path)

    @pytest.mark.parametrize(
        "header",
        [
            "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "(" * 200 + ", }",
            "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2, 1), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (2L, 1L), }",
            "{'descr': '<f8', 'fortran_order': 0, 'shape': (2, 1), }",
            "{'descr': '<f99999', 'fortran_order': False, 'shape': (2, 1), }",
            "{'descr': '|O', 'fortran_order': False, 'shape': (2, 1), }",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (-2, 1), }",
            "'",
            "",
        ],
    )
    def test_a_header_that_numpy_does_not_write(self, tmp_path: Path, header: str) -> None:
        path = self.saved(tmp_path, np.savez)
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        text = header.encode() + b"\n"
        members["weights_1.npy"] = b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + bytes(16)
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        with pytest.raises(UnsupportedModel, match=r"net\.npz: is not a readable \.npz file: 'weights_1'"):
            load(path)

    @staticmethod
    def saved(folder: Path, write: Any, **more: Any) -> Path:
        arrays = {
            "withstand": np.array(1),
            "activations": np.array(["relu", "identity"]),
            "gains": np.ones(2),
            "slopes": np.full(2, np.nan),
            "outputs": np.array("values"),
            "weights_1": np.ones((2, 1)),
            "biases_1": np.zeros(2),
            "weights_2": np.ones((1, 2)),
            "biases_2": np.zeros(1),
        }
        write(folder / "net.npz", **(arrays | more))
        return folder / "net.npz"

    @staticmethod
    def entries(data: bytes) -> list[int]:
        """Where the entries of the central directory start."""
        starts, at = [], data.find(b"PK\1\2")
        while at >= 0:
            starts.append(at)
            at = data.find(b"PK\1\2", at + 4)
        return starts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,1000000000000,1,1,\n", "ends inside the layer widths"),
        ("999999999999,1,1,1,\n1,1", "ends inside the layer widths: 1000000000000 numbers needed, 2 left"),
        (
            "2,1,1,5,\n1,99999999999,1,\n0,\n-1,\n1,\n0,0,\n1,1,\n1",
            "ends inside the weights of layer 1: 99999999999 numbers",
        ),
        ("2,1,1,5,\n1,1e300,1,\n0,\n-1,\n1,\n0,0,\n1,1,\n1", "ends inside the weights of layer 1"),
    ],
)
def test_nnet_sizes_that_the_file_does_not_hold(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "net.nnet"
    path.write_text(text)
    with pytest.raises(UnsupportedModel, match=rf"net\.nnet: {message}"):
        load(path)


def test_a_nnet_layer_beyond_the_budget(tmp_path: Path) -> None:
    from test_nnet import NETWORK

    path = tmp_path / "net.nnet"
    path.write_text(NETWORK)
    with pytest.raises(UnsupportedModel, match=r"net\.nnet: layer 1 is a 3 x 2 matrix, at most 5 entries"):
        load(path, budget=dataclasses.replace(SMALL, entries=5))


@pytest.mark.skipif(sys.platform == "win32", reason="the stack of the interpreter")
def test_numbers_that_only_python_reads(tmp_path: Path) -> None:
    from test_nnet import NETWORK

    for word in ("1_0", "\u0663"):
        path = tmp_path / "net.nnet"
        path.write_text(NETWORK.replace("0.75,", f"{word},"), encoding="utf-8")
        with pytest.raises(UnsupportedModel, match=f"has text where the biases of layer 2 should be: '{word}'"):
            load(path)
