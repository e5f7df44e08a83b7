# SPDX-License-Identifier: MIT
"""Train the small networks that come with the package, from public data, in plain NumPy.

Three networks, each written as ONNX and as the package's own .npz next to held-out samples
(`samples_x`, `samples_y` and the network's `outputs`):

=============  ============  ==========  ======================================================
name           widths        activation  task
=============  ============  ==========  ======================================================
digits         64-64-64-10   relu        scikit-learn's handwritten digits, pixels divided by 16
digits_small   64-32-32-10   relu        the same, small enough for general-purpose MIP solvers
diabetes       10-20-20-1    logistic    regression on scikit-learn's diabetes data, the setting
                                         of *When Neurons Fail*: inputs, activations and target
                                         in [0, 1], one linear output
=============  ============  ==========  ======================================================

Regenerate and compare with the files of the package (needs ``numpy``, ``scikit-learn``, ``onnx``)::

    python examples/train_embedded.py            # writes python/withstand/models/
    python examples/train_embedded.py --check    # writes nothing, fails if a weight differs

*Why the result does not depend on the machine.* A matrix product is summed in an order chosen by
the BLAS at hand, and training amplifies the last bit. So every factor of a matrix product here is
a multiple of 2^-20 of modest size: the products and their sums are then exact in double precision
and no order can change them. What remains is division and square root, which IEEE 754 rounds
correctly, and the exponential, whose last bit disappears in the next rounding to the grid but for
one case in billions. A weight below 16 on this grid also fits single precision, so the
ONNX files (float32) and the arrays in memory (float64) are the same numbers.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Hidden = Literal["relu", "logistic"]

MODELS = Path(__file__).resolve().parents[1] / "python" / "withstand" / "models"
GRID = 2.0**20  # numbers are multiples of 1/GRID
SAMPLES = 100  # held-out samples kept beside a network


@dataclass(frozen=True)
class Data:
    """Inputs, what the loss compares the outputs with, and labels as the user knows them."""

    x: Array  # (n, d) in [0, 1]
    target: Array  # (n, m) one-hot rows, or the scaled value
    y: NDArray[np.generic]  # (n,) class, or the scaled value


@dataclass(frozen=True)
class Recipe:
    """Everything that determines one network."""

    name: str
    hidden: Hidden
    widths: tuple[int, ...]
    epochs: int
    rate: float  # first learning rate; falls linearly to zero
    decay: float  # weights shrink by rate * decay at every step
    seed: int


RECIPES = (
    Recipe("digits", "relu", (64, 64, 64, 10), epochs=60, rate=0.003, decay=0.02, seed=1),
    Recipe("digits_small", "relu", (64, 32, 32, 10), epochs=60, rate=0.003, decay=0.02, seed=2),
    Recipe("diabetes", "logistic", (10, 20, 20, 1), epochs=400, rate=0.01, decay=0.01, seed=3),
)


def snap(values: Array) -> Array:
    """Round to the grid that makes matrix products exact."""
    return np.asarray(np.rint(values * GRID) / GRID)


def load_data(recipe: Recipe) -> tuple[Data, Data]:
    """Training and held-out part (one fifth) of the recipe's data, shuffled by its seed."""
    from sklearn.datasets import load_diabetes, load_digits

    if recipe.hidden == "relu":
        raw, y = load_digits(return_X_y=True)
        x, target = raw / 16.0, np.eye(10)[y]
    else:
        raw, value = load_diabetes(return_X_y=True, scaled=False)
        x = snap((raw - raw.min(axis=0)) / np.ptp(raw, axis=0))
        y = snap((value - value.min()) / np.ptp(value))
        target = y[:, None]
    order = np.random.RandomState(recipe.seed).permutation(len(x))  # a stream NumPy has frozen
    held_out, train = np.split(order, [len(x) // 5])
    return Data(x[train], target[train], y[train]), Data(x[held_out], target[held_out], y[held_out])


def activate(hidden: Hidden, s: Array) -> Array:
    """Return the transmitted value of a hidden neuron with pre-activation `s`."""
    return np.maximum(s, 0.0) if hidden == "relu" else 1.0 / (1.0 + np.exp(-s))


def slope(hidden: Hidden, y: Array) -> Array:
    """Return the derivative of the activation, from the transmitted value `y`."""
    return (y > 0.0).astype(float) if hidden == "relu" else y * (1.0 - y)


class Network:
    """Weights `w[l]` of shape (N_{l+1}, N_l) and biases `b[l]`, trained by Adam."""

    def __init__(self, recipe: Recipe) -> None:
        self.hidden = recipe.hidden
        draw = np.random.RandomState(recipe.seed)
        gain = 6.0 if recipe.hidden == "relu" else 16.0  # uniform with variance gain / (3 N_l)
        self.w = [
            snap(draw.uniform(-1.0, 1.0, (out, into)) * np.sqrt(gain / into)) for into, out in pairwise(recipe.widths)
        ]
        self.b = [np.zeros(out) for out in recipe.widths[1:]]
        self.first = [np.zeros_like(p) for p in self.w + self.b]  # running mean of the gradient
        self.second = [np.zeros_like(p) for p in self.w + self.b]  # and of its square
        self.powers = [1.0, 1.0]

    def trace(self, x: Array) -> list[Array]:
        """Values of all layers, on the grid."""
        values = [x]
        for w, b in zip(self.w[:-1], self.b[:-1], strict=True):
            values.append(snap(activate(self.hidden, values[-1] @ w.T + b)))
        return [*values, values[-1] @ self.w[-1].T + self.b[-1]]

    def gradient(self, x: Array, target: Array) -> list[Array]:
        """Gradient of the summed loss (cross-entropy or half the squared error)."""
        *values, out = self.trace(x)
        if out.shape[1] > 1:
            out = np.exp(out - out.max(axis=1, keepdims=True))
            out = out / sum(out[:, [j]] for j in range(out.shape[1]))  # summed in a fixed order
        delta = snap(out - target)
        grad_w, grad_b = [], []
        for layer in reversed(range(len(self.w))):
            grad_w.append(delta.T @ values[layer])
            grad_b.append(delta.sum(axis=0))
            if layer:
                delta = snap(delta @ self.w[layer] * slope(self.hidden, values[layer]))
        return grad_w[::-1] + grad_b[::-1]

    def step(self, x: Array, target: Array, rate: float, decay: float) -> None:
        """One step of Adam (Kingma and Ba, 2015) with decoupled weight decay."""
        betas = (0.9, 0.999)
        self.powers = [power * beta for power, beta in zip(self.powers, betas, strict=True)]
        parameters = self.w + self.b
        for i, g in enumerate(self.gradient(x, target)):
            g = g / len(x)
            self.first[i] = betas[0] * self.first[i] + (1.0 - betas[0]) * g
            self.second[i] = betas[1] * self.second[i] + (1.0 - betas[1]) * (g * g)
            mean = self.first[i] / (1.0 - self.powers[0])
            root = np.sqrt(self.second[i] / (1.0 - self.powers[1]))
            shrunk = parameters[i] * (1.0 - rate * decay)
            parameters[i] = snap(shrunk - rate * (mean / (root + 1e-8)))
        self.w, self.b = parameters[: len(self.w)], parameters[len(self.w) :]

    def forward(self, x: Array) -> Array:
        """Return the outputs of the network itself, hidden values not rounded to the grid."""
        for w, b in zip(self.w[:-1], self.b[:-1], strict=True):
            x = activate(self.hidden, x @ w.T + b)
        return x @ self.w[-1].T + self.b[-1]

    def checksum(self) -> str:
        """SHA-256 of all weights and biases as little-endian doubles."""
        digest = hashlib.sha256()
        for array in self.w + self.b:
            digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
        return digest.hexdigest()


def train(recipe: Recipe, data: Data) -> Network:
    """Fit the recipe's network to `data` in batches of 32."""
    net, batch = Network(recipe), 32
    draw = np.random.RandomState(recipe.seed + 1000)
    starts = range(0, len(data.x) - batch + 1, batch)
    total, done = recipe.epochs * len(starts), 0
    for _ in range(recipe.epochs):
        order = draw.permutation(len(data.x))
        for start in starts:
            rows = order[start : start + batch]
            net.step(data.x[rows], data.target[rows], recipe.rate * (1 - done / total), recipe.decay)
            done += 1
    assert max(np.abs(p).max() for p in net.w + net.b) < 16.0, "a weight does not fit float32"
    return net


def score(net: Network, data: Data) -> str:
    """Accuracy of a classifier or R2 of a regression on `data`, as text."""
    out = net.forward(data.x)
    if out.shape[1] > 1:
        return f"accuracy {np.mean(out.argmax(axis=1) == data.y):.4f}"
    residual, spread = data.target - out, data.target - data.target.mean()
    return f"R2 {1.0 - np.sum(residual**2) / np.sum(spread**2):.4f}"


def to_onnx(net: Network, name: str) -> bytes:
    """Return the network as an ONNX file: Gemm (transB=1) and Relu or Sigmoid, float32."""
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes, constants, value = [], [], "x"
    for layer, (w, b) in enumerate(zip(net.w, net.b, strict=True), start=1):
        last = layer == len(net.w)
        for kind, array in (("w", w), ("b", b)):
            assert np.array_equal(array.astype(np.float32), array), "float32 would lose digits"
            constants.append(numpy_helper.from_array(array.astype(np.float32), f"{kind}{layer}"))
        s, op = "y" if last else f"s{layer}", "Relu" if net.hidden == "relu" else "Sigmoid"
        nodes.append(helper.make_node("Gemm", [value, f"w{layer}", f"b{layer}"], [s], transB=1))
        value = f"y{layer}"
        if not last:
            nodes.append(helper.make_node(op, [s], [value]))
    ends = (("x", net.w[0].shape[1]), ("y", net.w[-1].shape[0]))
    infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", size]) for n, size in ends]
    graph = helper.make_graph(nodes, name, infos[:1], infos[1:], constants)
    opset = helper.make_opsetid("", 13)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8, producer_name="withstand")
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def to_npz(net: Network, path: Path) -> None:
    """Write the network in the package's own format, float64."""
    layers = range(1, len(net.w) + 1)
    np.savez_compressed(
        path,
        allow_pickle=False,
        withstand=np.array(1),
        activations=np.array([net.hidden] * len(net.w[1:]) + ["identity"]),
        gains=np.ones(len(net.w)),
        slopes=np.full(len(net.w), np.nan),
        outputs=np.array("values"),
        **{f"weights_{layer}": w for layer, w in zip(layers, net.w, strict=True)},
        **{f"biases_{layer}": b for layer, b in zip(layers, net.b, strict=True)},
    )


def same_weights(net: Network, path: Path) -> bool:
    """Whether the ONNX file at `path` holds exactly the weights of `net`."""
    import onnx
    from onnx import numpy_helper

    stored = {t.name: numpy_helper.to_array(t) for t in onnx.load(str(path)).graph.initializer}
    pairs = [
        (f"{kind}{i}", array) for kind, arrays in (("w", net.w), ("b", net.b)) for i, array in enumerate(arrays, 1)
    ]
    return all(np.array_equal(stored[name], array) for name, array in pairs)


def write(net: Network, recipe: Recipe, held_out: Data, folder: Path) -> None:
    """Write `<name>.onnx`, the same network as `<name>.npz`, and `<name>_samples.npz`."""
    x = held_out.x[:SAMPLES]
    y = held_out.y[:SAMPLES]
    (folder / f"{recipe.name}.onnx").write_bytes(to_onnx(net, recipe.name))
    to_npz(net, folder / f"{recipe.name}.npz")
    path = folder / f"{recipe.name}_samples.npz"
    np.savez_compressed(path, samples_x=x, samples_y=y, outputs=net.forward(x))


def main() -> None:
    """Train every network; write them, or compare them with the stored ones."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=MODELS, help="folder to write to or to check")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args()
    for recipe in RECIPES:
        training, held_out = load_data(recipe)
        net = train(recipe, training)
        print(
            f"{recipe.name:13} {'-'.join(map(str, recipe.widths)):12}"
            f" held-out {score(net, held_out)} (training {score(net, training)})"
            f"  sha256 {net.checksum()}"
        )
        if not options.check:
            write(net, recipe, held_out, options.out)
        elif not same_weights(net, options.out / f"{recipe.name}.onnx"):
            raise SystemExit(f"{recipe.name}: the stored weights differ from this run")


if __name__ == "__main__":
    main()
