# SPDX-License-Identifier: MIT
"""Files of every format that are no networks, or none of ours: refused with the file, the node and the reason."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from refused_files import compressed, graph_npz, hdf5, keras, mat, nodes, npz, pt2, tflite, zipped
from withstand.importers import UnsupportedModel, load

DENSE = ("Dense", {"units": 2, "activation": "relu"})
NNET = "2,3,1,4,\n3,4,1,\n0,\n-1,-1,-1,\n1,1,1,\n0,0,0,0,\n1,1,1,1,\n"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
SQUARE = np.eye(4)

#: By what is wrong: the suffix, what makes the file, the node or layer that the message names, and its reason.
FILES: dict[str, tuple[str, Callable[[], bytes], str, str]] = {
    # ONNX
    "empty": (".onnx", lambda: b"", "", "is an empty file"),
    "no protobuf": (".onnx", lambda: b"\xff" * 99, "", "is truncated or not an ONNX"),
    "a pointer": (".onnx", lambda: LFS, "", "is a Git LFS pointer"),
    "attention": (
        ".onnx",
        lambda: nodes("h: Tanh x -> h; scores: MatMul h h -> y", (1, 4, 4)),
        "'scores' (MatMul)",
        "multiplies two computed tensors",
    ),
    "a norm of layers": (
        ".onnx",
        lambda: nodes("norm: LayerNormalization x s -> h; act: Relu h -> y", s=np.ones(4)),
        "'norm' (LayerNormalization)",
        "is not supported",
    ),
    "recurrent": (
        ".onnx",
        lambda: nodes("cell: LSTM hidden_size=2 x w r -> y", (3, 1, 4), w=np.ones((1, 8, 4)), r=np.ones((1, 8, 2))),
        "'cell' (LSTM)",
        "is not supported",
    ),
    "quantised": (
        ".onnx",
        lambda: nodes("act: Relu x -> h; quantise: QuantizeLinear h s -> q; words: Relu q -> y", s=0.1),
        "'words' (Relu)",
        "holds words, of which DequantizeLinear makes numbers",
    ),
    "a slope per channel": (
        ".onnx",
        lambda: nodes("slopes: PRelu x s -> h; end: Neg h -> y", s=np.array([0.1, 0.2, 0.3, 0.4])),
        "'slopes' (PRelu)",
        "has 4 different slopes",
    ),
    "a clip of neurons": (
        ".onnx",
        lambda: nodes("m: MatMul x w -> a; clip: Clip a low high -> y", w=SQUARE, low=-2.0, high=3.0),
        "'clip' (Clip)",
        "clips to [-2.0, 3.0]",
    ),
    "random": (
        ".onnx",
        lambda: nodes("noise: RandomNormalLike x -> r; act: Relu r -> y"),
        "'noise' (RandomNormalLike)",
        "is random",
    ),
    "indices": (
        ".onnx",
        lambda: nodes("pool: MaxPool kernel_shape=[2] x -> p i; c: Cast to=1 i -> f; a: Add p f -> y", (1, 2, 4)),
        "'pool' (MaxPool)",
        "makes the indices of the maxima",
    ),
    "a loop of nodes": (
        ".onnx",
        lambda: nodes("one: Add x b -> a; two: Relu a -> b; end: Neg b -> y"),
        "'one' (Add)",
        "depends on what it makes itself",
    ),
    "no maker": (".onnx", lambda: nodes("act: Relu x -> h; sum: Add h z -> y"), "", "tensor 'z' is read, but no"),
    "a size that fits nothing": (
        ".onnx",
        lambda: nodes("act: Relu x -> h; dense: MatMul h w -> y", w=np.ones((3, 2))),
        "'dense' (MatMul)",
        "mismatch",
    ),
    "a huge tensor": (
        ".onnx",
        lambda: nodes("act: Relu x -> h; grow: Expand h s -> y", s=np.array([1 << 20, 1 << 10, 4])),
        "'grow' (Expand)",
        "at most",
    ),
    "no neurons": (".onnx", lambda: nodes("minus: Neg x -> y"), "", "has no hidden neurons"),
    "nan": (
        ".onnx",
        lambda: nodes("act: Relu x -> h; dense: MatMul h w -> y", w=np.full((4, 2), np.nan)),
        "'dense' (MatMul)",
        "has a constant that holds nan",
    ),
    "half a gzip": (".onnx.gz", lambda: compressed(nodes("act: Relu x -> h; n: Neg h -> y"), 60), "", "is truncated"),
    "a gzip of nothing": (".onnx.gz", lambda: compressed(bytes(1 << 24)), "", "not an ONNX|exceeds the budget"),
    # text
    "half a nnet": (".nnet", lambda: NNET.encode() + b"1,2,3,\n", "layer 1", "ends inside the weights"),
    "widths without end": (".nnet", lambda: b"3,2,2,9,\n2,900000000,900000000,2,\n0,\n", "", "ends inside"),
    "words": (".nnet", lambda: NNET.encode() + b"one,two,\n" * 20, "layer 1", "has text where"),
    "a range of 0": (".nnet", lambda: NNET.replace("1,1,1,1,", "1,0,1,1,").encode(), "", "has ranges"),
    "half a controller": (".txt", lambda: b"3\n1\n1\n2\n1\n", "", "numbers behind its header"),
    "a tail of unknown use": (".txt", lambda: b"1\n1\n1\n1\n" + b"1\n" * 4 + b"0\n1\n", "", "an offset and a factor"),
    "no counts": (".txt", lambda: b"weights of a network\n", "", "where a count should be"),
    # archives of arrays
    "another version": (".npz", lambda: npz(withstand=np.array(9)), "", "has version 9 of the format"),
    "objects": (".npz", lambda: npz(weights_1=np.array([[None]])), "'weights_1'", "which is a pickle"),
    "infinite": (".npz", lambda: npz(biases_2=np.array([np.inf])), "layer 2", "must be finite"),
    "an unknown map": (
        ".npz",
        lambda: graph_npz(maps_1=np.array(["fourier"])),
        "layer 1, read 0",
        "of an unknown kind",
    ),
    "a later layer": (".npz", lambda: graph_npz(sources_1=np.array([2])), "layer 1", "reads earlier ones"),
    "not an archive": (".npz", lambda: b"PK\x03\x04" + bytes(40), "", "is not a readable .npz file"),
    "softmax inside": (".mat", lambda: mat(act_fcns=["relu   ", "softmax"]), "layer 2", "has the activation 'softmax'"),
    "no activations": (".mat", lambda: mat(act_fcns=["relu  "]), "", "2 weights, 2 biases and 1 activations"),
    "no MATLAB": (".mat", lambda: b"MATLAB 5.0 MAT-file" + bytes(200), "", "is not a .mat file of format 5"),
    # Keras
    "self-attention": (
        ".keras",
        lambda: keras(("MultiHeadAttention", {"num_heads": 2}), shape=(None, 4, 4)),
        "layer 'multiheadattention' (MultiHeadAttention)",
        "is not supported",
    ),
    "a state": (
        ".keras",
        lambda: keras(("GRU", {"units": 2}), shape=(None, 4, 4)),
        "layer 'gru' (GRU)",
        "is not supported",
    ),
    "a lambda": (
        ".keras",
        lambda: keras(("Lambda", {"function": "code"}), DENSE),
        "layer 'lambda' (Lambda)",
        "is not supported",
    ),
    "half precision": (
        ".keras",
        lambda: keras(("Dense", {"units": 2, "dtype": "mixed_float16"})),
        "layer 'dense' (Dense)",
        "has the dtype policy 'mixed_float16'",
    ),
    "an unknown activation": (
        ".keras",
        lambda: keras(("Activation", {"activation": "celu"}), DENSE),
        "layer 'activation' (Activation)",
        "has the activation 'celu'",
    ),
    "a layer of others": (
        ".keras",
        lambda: keras(config_DOT_json={"class_name": "Mine", "module": "mine", "config": {}}),
        "",
        "holds a Mine, supported are keras.Sequential",
    ),
    "an image of any size": (
        ".keras",
        lambda: keras(("ReLU", {}), shape=(None, None, None, 3)),
        "",
        "supported are inputs of known size",
    ),
    "weights in several files": (
        ".keras",
        lambda: zipped(config_DOT_json={}),
        "",
        "is not a file that Keras|weights in",
    ),
    "weights alone": (".h5", lambda: hdf5(layer_names=["a"]), "", "perhaps weights alone"),
    "no HDF5": (".h5", lambda: b"HDF" * 30, "", "is not a file that Keras reads"),
    # torch
    "products": (
        ".pt2",
        lambda: pt2("scaled_dot_product_attention.default", "attend"),
        "node 'attend' (scaled_dot_product_attention.default)",
        "multiplies computed tensors",
    ),
    "a norm of examples": (".pt2", lambda: pt2("layer_norm.default", "ln"), "node 'ln'", "by its own statistics"),
    "an operator of others": (".pt2", lambda: pt2("fft_fft.default", "f"), "node 'f'", "not among the operators"),
    "a batch of 8": (".pt2", lambda: pt2(sizes=[8, 4]), "input 'x'", "supported is one example"),
    "another schema": (".pt2", lambda: pt2(schema_version={"major": 3}), "", "has version 3 of torch's schema"),
    "pickled code": (".pt2", lambda: zipped(net__data_DOT_pkl=b"\x80\x02."), "", "is no archive of torch.export.save"),
    # LiteRT
    "no identifier": (".tflite", lambda: b"\x1c\0\0\0NONE" + bytes(50), "", "has no identifier TFL3"),
    "an unknown operator": (
        ".tflite",
        lambda: tflite("RESIZE_BILINEAR"),
        "operator RESIZE_BILINEAR of 'resize_bilinear1'",
        "is not supported",
    ),
    "int8 weights": (
        ".tflite",
        lambda: tflite("FULLY_CONNECTED", np.ones((3, 4), np.int8), shape=(1, 3), options="FullyConnectedOptions"),
        "operator FULLY_CONNECTED",
        "has quantised weights",
    ),
    # no format
    "a pickle": (".pkl", lambda: b"\x80\x04N.", "unknown suffix '.pkl'", "call withstand.load(object)"),
    "a checkpoint": (".pth", lambda: zipped(a="b"), "unknown suffix '.pth'", "withstand.load(model, inputs=example)"),
    "weights": (".safetensors", lambda: b"", "unknown suffix '.safetensors'", "or export it to .pt2 or .onnx"),
    "a graph of TensorFlow": (".pb", lambda: b"", "unknown suffix '.pb'", "export the model to .onnx (tf2onnx)"),
    "HDF5 by another name": (".hdf5", lambda: b"", "unknown suffix '.hdf5'", "call it .h5"),
}


@pytest.mark.parametrize("what", FILES)
def test_refused(tmp_path: Path, what: str) -> None:
    """With 64 MB at most: no file is believed before what it declares is counted."""
    suffix, make, node, reason = FILES[what]
    path = tmp_path / f"net{suffix}"
    path.write_bytes(make())
    if suffix == ".tflite":
        pytest.importorskip("tflite")
    if suffix in (".keras", ".h5"):
        pytest.importorskip("h5py")
    tracemalloc.start()
    try:
        with pytest.raises(UnsupportedModel) as caught:
            load(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 26
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert node in message
    assert any(each in message for each in reason.split("|")), message


def test_there_are_many() -> None:
    suffixes = {suffix for suffix, *_ in FILES.values()}
    assert len(FILES) >= 40
    assert suffixes >= {".onnx", ".onnx.gz", ".nnet", ".npz", ".keras", ".h5", ".pt2", ".mat", ".tflite", ".txt"}
