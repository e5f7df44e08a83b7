# SPDX-License-Identifier: MIT
"""Only regular files are opened: a pipe would wait for its writer, a device may never end."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import numpy as np
import pytest
from withstand import Network
from withstand.importers import load
from withstand.importers.npz import load_npz
from withstand.importers.regular import open_regular

SUFFIXES = (".npz", ".nnet", ".onnx", ".keras", ".h5", ".mat", ".tflite", ".txt")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_named_pipe(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"net{suffix}"
    os.mkfifo(path)
    with pytest.raises(OSError, match=rf"net\{suffix} is a named pipe, not a model file"):
        load(path)
    link = tmp_path / f"link{suffix}"
    link.symlink_to(path)
    with pytest.raises(OSError, match="is a named pipe"):
        load(link)


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no devices")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_device(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"net{suffix}"
    path.symlink_to("/dev/zero")
    with pytest.raises(OSError, match=rf"net\{suffix} is a character device, not a model file"):
        load(path)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no sockets with paths")
def test_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("net.npz")
        with pytest.raises(OSError, match=r"net\.npz is a socket, not a model file"):
            load("net.npz")


def test_a_file_that_becomes_a_pipe_in_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is opened without waiting, and refused."""
    pipe, file = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(pipe)
    file.write_bytes(b"")
    stat = os.stat
    monkeypatch.setattr(os, "stat", lambda path: stat(file))
    with pytest.raises(OSError, match="is a named pipe"):
        open_regular(pipe)


def test_a_null_character() -> None:
    with pytest.raises(OSError, match=r"'net\\x00\.npz' is no path"):
        load("net\0.npz")


def test_a_link_to_a_file(tmp_path: Path) -> None:
    net = Network([np.eye(2), np.ones((1, 2))])
    net.save(tmp_path / "net.npz")
    (tmp_path / "link.npz").symlink_to(tmp_path / "net.npz")
    assert load(tmp_path / "link.npz") == net
    assert load_npz(tmp_path / "link.npz").activations
