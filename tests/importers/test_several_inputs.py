# SPDX-License-Identifier: MIT
"""Networks of several inputs: a row holds all of them, each flattened, in the order of the source."""

from __future__ import annotations

import re

import numpy as np
import pytest
import withstand as ws

RNG = np.random.default_rng(0)
IMAGE, EXTRA = RNG.normal(size=(4, 1, 2, 3)).astype(np.float32), RNG.normal(size=(4, 5)).astype(np.float32)
NET = ws.Network([RNG.normal(size=(6, 11)), RNG.normal(size=(2, 6))])


def rows_of(*tensors: np.ndarray) -> np.ndarray:
    return np.concatenate([tensor.reshape(len(tensor), -1) for tensor in tensors], axis=1)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_file_has_them_in_the_order_in_which_it_declares_them(tmp_path, swapped):
    onnx = pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    h, keep = onnx.helper, onnx.numpy_helper.from_array
    stored = [keep(RNG.normal(size=shape).astype(np.float32), name)
              for name, shape in (("a", (6, 4)), ("b", (5, 4)), ("c", (4, 2)))]  # fmt: skip
    nodes = [h.make_node("Flatten", ["image"], ["flat"]), h.make_node("MatMul", ["flat", "a"], ["s"]),
             h.make_node("MatMul", ["extra", "b"], ["t"]), h.make_node("Add", ["s", "t"], ["u"]),
             h.make_node("Relu", ["u"], ["v"]), h.make_node("MatMul", ["v", "c"], ["y"])]  # fmt: skip
    made = {"image": IMAGE, "extra": EXTRA}
    names = ["extra", "image"] if swapped else ["image", "extra"]
    inputs = [h.make_tensor_value_info(name, 1, ["n", *made[name].shape[1:]]) for name in names]
    graph = h.make_graph(nodes, "two", inputs, [h.make_tensor_value_info("y", 1, ["n", 2])], stored)
    path = str(tmp_path / "two.onnx")
    onnx.save(h.make_model(graph, ir_version=10, opset_imports=[h.make_opsetid("", 17)]), path)
    ran = runtime.InferenceSession(path).run(None, made)[0]
    rows = rows_of(*(made[name] for name in names)).astype(float)
    assert np.abs(ws.load(path).forward(rows) - ran).max() < 1e-5


def test_a_module_has_them_as_it_is_called_or_as_the_dict_has_its_keys():
    torch = pytest.importorskip("torch")

    class Two(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.head = (torch.nn.Linear(*size) for size in ((6, 4), (5, 4), (4, 2)))

        def forward(self, image, extra):  # type: ignore[no-untyped-def]
            return self.head(torch.relu(self.first(image.flatten(1)) + self.second(extra)))

    model, image, extra = Two().eval(), torch.tensor(IMAGE), torch.tensor(EXTRA)
    with torch.no_grad():
        ran = model(image, extra).numpy()
    one = {"image": image[:1], "extra": extra[:1]}
    for inputs, rows in (
        ((image[:1], extra[:1]), rows_of(IMAGE, EXTRA)),
        (one, rows_of(IMAGE, EXTRA)),
        (dict(reversed(one.items())), rows_of(EXTRA, IMAGE)),
    ):
        assert np.abs(ws.load(model, inputs=inputs).forward(rows) - ran).max() < 1e-5


@pytest.mark.parametrize("given", [(IMAGE, EXTRA), [IMAGE, EXTRA], {"image": IMAGE, "extra": EXTRA}])
def test_tensors_in_place_of_rows_are_told_how_rows_are_made(given):
    """And what the message says makes rows."""
    with pytest.raises(ValueError, match="domain is 2 tensors, expected are rows of shape") as told:
        ws.worst_case(NET, ws.Crash(1), given)
    (made,) = re.findall(r"(np\.concatenate\(.*axis=1\)),", str(told.value))
    rows = eval(made, {"np": np, "domain": given})
    assert np.array_equal(rows, rows_of(IMAGE, EXTRA))
    assert ws.worst_case(NET, ws.Crash(1), rows).exact


def test_one_tensor_of_several_is_told_that_a_row_holds_all():
    with pytest.raises(ValueError, match=r"got \(4, 1, 2, 3\); a row holds every input of the network"):
        ws.bound(NET, ws.Crash(1), IMAGE)


def test_rows_in_a_list_are_rows():
    rows = rows_of(IMAGE, EXTRA)
    assert np.array_equal(NET.forward(list(rows)), NET.forward(rows))
    two = ws.Network([[[1.0, 1.0]], [[1.0]]])  # each of two rows has as many entries as there are rows
    assert two.forward([np.array([1.0, 2.0]), np.array([3.0, 4.0])]).shape == (2, 1)
