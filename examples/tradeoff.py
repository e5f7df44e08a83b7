# SPDX-License-Identifier: MIT
"""Learning cost against tolerated failures: train families of networks and measure both.

Four families around one baseline (logistic activation, two hidden layers): the steepness K of the activation, a cap on
every weight, the width, and a penalty on a bound (Fep, or the linear bound of one backward pass). Every network is
trained from the same initial weights on scikit-learn's diabetes data (regression) and handwritten digits (ten classes),
until its training loss reaches a common target; the number of steps is its learning cost. Then its bounds and its exact
worst case are computed by `withstand`.

    pip install "withstand[torch,sklearn,plot]"
    python examples/tradeoff.py              # 8 minutes on two busy cores; writes into docs/
    python examples/tradeoff.py --check      # one network of each family, writes nothing
    python examples/tradeoff.py --draw       # the figure alone, from tradeoff.csv

The discussion is in docs/tradeoff.md; its tables are rewritten too.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import withstand as ws
from torch import Tensor, nn
from withstand.torch import adjoint_penalty, fep_penalty

DOCS = Path(__file__).resolve().parents[1] / "docs"
STEPS = 2000  #: steps after which a network has not learned
FAMILIES = ("baseline", "K", "cap", "width", "fep", "linear")


@dataclass(frozen=True)
class Setting:
    """How one network is trained."""

    family: str = "baseline"
    K: float = 0.25  #: Lipschitz constant of the activation, 1 / (1 + e^(-4 K s))
    cap: float = float("inf")  #: largest |weight| of the layers behind the first
    width: int = 20
    fep: float = 0.0  #: weight of the Fep penalty
    linear: float = 0.0  #: weight of the linear-bound penalty

    @property
    def label(self) -> str:
        """What distinguishes it from the baseline."""
        return "baseline" if self.family == "baseline" else f"{self.family} {getattr(self, self.family):g}"


@dataclass(frozen=True)
class Task:
    """Training and held-out data, and when a network counts as trained."""

    name: str
    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    target: float  #: training loss to reach
    epsilon: float  #: tolerated output error; classes ask for unchanged decisions instead


@dataclass(frozen=True)
class Row:
    """What one network cost and what it withstands."""

    task: str
    setting: str
    seed: int
    steps: int
    quality: float  #: held-out RMSE, or share of wrong classes
    fep: float  #: one failure in each hidden layer
    tightest: float  #: bound for any two failures at the inputs measured
    exact: float  #: worst two failures there
    tolerated: int  #: failures anywhere that are proved harmless by exact search


class Steep(nn.Sigmoid):
    """The logistic function 1 / (1 + e^(-4 K s))."""

    def __init__(self, K: float) -> None:
        super().__init__()
        self.gain = 4 * K

    def forward(self, s: Tensor) -> Tensor:
        """Apply it."""
        return torch.sigmoid(self.gain * s)


def settings() -> Iterator[Setting]:
    """Yield the baseline and the four families."""
    base = Setting()
    yield base
    for K in (0.125, 0.5, 1.0, 2.0):
        yield replace(base, family="K", K=K)
    for cap in (2.0, 1.0, 0.5, 0.25):
        yield replace(base, family="cap", cap=cap)
    for width in (10, 40, 80):
        yield replace(base, family="width", width=width)
    for strength in (1e-4, 1e-3, 1e-2):
        yield replace(base, family="fep", fep=strength)
    for strength in (1e-3, 1e-2, 1e-1):
        yield replace(base, family="linear", linear=strength)


def tasks() -> Iterator[Task]:
    """Yield the diabetes regression and the digits, inputs and regression target scaled to [0, 1]."""
    from sklearn.datasets import load_diabetes, load_digits

    x, y = load_diabetes(return_X_y=True)
    x, y = (x - x.min(0)) / (x.max(0) - x.min(0)), (y - y.min()) / (y.max() - y.min())
    yield _task("diabetes", x, torch.tensor(y[:, None], dtype=torch.float64), 0.0285, 0.25)
    x, y = load_digits(return_X_y=True)
    yield _task("digits", x / 16, torch.tensor(y), 0.1, 0.0)


def _task(name: str, x: np.ndarray, y: Tensor, target: float, epsilon: float) -> Task:
    order = torch.tensor(np.random.default_rng(0).permutation(len(x)))
    rows, cut = torch.tensor(x, dtype=torch.float64)[order], int(0.8 * len(x))
    return Task(name, rows[:cut], y[order][:cut], rows[cut:], y[order][cut:], target, epsilon)


def train(task: Task, setting: Setting, seed: int) -> tuple[nn.Sequential, int]:
    """Train with Adam on all data at once until the loss is reached; return the network and the steps."""
    torch.manual_seed(seed)
    classes = task.train_y.dtype == torch.int64
    inputs, outputs, n = task.train_x.shape[1], 10 if classes else 1, setting.width
    hidden = [nn.Linear(inputs, n), Steep(setting.K), nn.Linear(n, n), Steep(setting.K)]
    net = nn.Sequential(*hidden, nn.Linear(n, outputs)).double()
    loss_of = nn.CrossEntropyLoss() if classes else nn.MSELoss()
    optimiser = torch.optim.Adam(net.parameters(), lr=0.02)
    for step in range(1, STEPS + 1):
        optimiser.zero_grad()
        loss = loss_of(net(task.train_x), task.train_y)
        if loss.item() <= task.target:
            return net, step
        if setting.fep:
            loss = loss + setting.fep * fep_penalty(net)
        if setting.linear:
            loss = loss + setting.linear * adjoint_penalty(net, task.train_x[:32], 1, reduction="mean")
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            for layer in net[2::2]:
                layer.weight.clamp_(-setting.cap, setting.cap)
    return net, STEPS


def measure(task: Task, setting: Setting, seed: int) -> Row:
    """Train one network and find out what it withstands at 16 held-out inputs."""
    module, steps = train(task, setting, seed)
    linear = [part for part in module if isinstance(part, nn.Linear)]
    net = ws.Network(
        [part.weight.detach().numpy() for part in linear],
        [part.bias.detach().numpy() for part in linear],
        activation=ws.Activation("logistic", gain=4 * setting.K),
    )
    classes = task.train_y.dtype == torch.int64
    out = torch.tensor(net.forward(task.test_x.numpy()))
    quality = (out.argmax(1) != task.test_y).double().mean() if classes else ((out - task.test_y) ** 2).mean().sqrt()
    X = task.test_x.numpy()
    if classes:  # inputs that the network gets right
        X = X[(out.argmax(1) == task.test_y).numpy()]
    X, spec = X[:16], ws.Argmax() if classes else None
    tolerated = 0
    while tolerated < 6:
        worst = ws.worst_case(net, ws.Crash(tolerated + 1), X, spec=spec, threads=1, node_limit=20_000)
        if worst.upper >= 0 if classes else worst.upper > task.epsilon:
            break
        tolerated += 1
    return Row(
        task.name, setting.label, seed, steps, float(quality), ws.fep(net, ws.Crash((1, 1))).value,
        ws.bound(net, ws.Crash(2), X).value, ws.worst_case(net, ws.Crash(2), X, threads=1).upper, tolerated,
    )  # fmt: skip


def write_csv(rows: list[Row]) -> None:
    """Write one line for each network."""
    with (DOCS / "tradeoff.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, asdict(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: f"{v:.5g}" if isinstance(v, float) else v for k, v in asdict(r).items()} for r in rows)


def medians(rows: list[Row]) -> dict[tuple[str, str], dict[str, float]]:
    """Return the median over seeds of every number, by task and setting."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.task, row.setting), []).append(row)
    numbers = ("steps", "quality", "fep", "tightest", "exact", "tolerated")
    return {key: {n: float(np.median([getattr(r, n) for r in g])) for n in numbers} for key, g in groups.items()}


def write_tables(rows: list[Row]) -> None:
    """Replace what stands between the markers of the page."""
    page = DOCS / "tradeoff.md"
    text = page.read_text(encoding="utf-8")
    for task in dict.fromkeys(row.task for row in rows):
        lines = ["| setting | steps | held-out error | Fep (1, 1) | proved, any 2 | exact, any 2 | tolerated |",
                 "|---|---|---|---|---|---|---|"]  # fmt: skip
        for (name, setting), m in medians(rows).items():
            if name == task:
                steps = "not reached" if m["steps"] >= STEPS else f"{m['steps']:.0f}"
                lines.append(f"| {setting} | {steps} | {m['quality']:.3f} | {m['fep']:.3g} | {m['tightest']:.3g} | "
                             f"{m['exact']:.3g} | {m['tolerated']:g} |")  # fmt: skip
        begin, end = f"<!-- {task} -->\n", "<!-- end -->"
        head, rest = text.split(begin)
        text = head + begin + "\n".join(lines) + "\n" + end + rest.split(end, 1)[1]
    page.write_text(text, encoding="utf-8")


def annotate(axis: Any, points: list[tuple[float, float, str]]) -> None:
    """Write beside points what they are, but where it would lie on another: the tables have them all."""
    taken: list[tuple[float, float]] = []
    for x, y, text in points:
        at = axis.transData.transform((x, y))
        if all(abs(at[0] - left) > 40 or abs(at[1] - low) > 12 for left, low in taken):
            taken.append((at[0], at[1]))
            axis.annotate(text, (x, y), fontsize=7, xytext=(3, 3), textcoords="offset points")


def read_csv() -> list[Row]:
    """Return what `write_csv` wrote."""
    with (DOCS / "tradeoff.csv").open(newline="", encoding="utf-8") as file:
        kinds = {field.name: {"str": str, "int": int, "float": float}[str(field.type)] for field in fields(Row)}
        return [Row(**{key: kinds[key](value) for key, value in line.items()}) for line in csv.DictReader(file)]


def draw(rows: list[Row]) -> None:
    """Plot learning cost against the exact worst error of two failures, and against Fep."""
    import matplotlib.pyplot as plt

    found = medians(rows)
    names = list(dict.fromkeys(row.task for row in rows))
    figure, axes = plt.subplots(2, len(names), figsize=(9, 7), layout="constrained", squeeze=False)
    for column, task in enumerate(names):
        for axis, number, label in zip(axes[:, column], ("exact", "fep"), ("exact, worst 2 anywhere", "Fep (1, 1)")):
            here = [(setting, m) for (name, setting), m in found.items() if name == task]
            for family in FAMILIES:
                points = [(m["steps"], m[number], s) for s, m in here if s.split()[0] == family]
                axis.scatter(*zip(*[p[:2] for p in points]), label=family, s=30)
            axis.set(xscale="log", yscale="log", xlabel="steps to the training loss", ylabel=label, title=task)
            axis.xaxis.set_minor_formatter("")
            axis.margins(0.1)
            annotate(axis, [(m["steps"], m[number], setting.split()[-1]) for setting, m in here if " " in setting])
    axes[0, 0].legend(fontsize=8)
    (DOCS / "img").mkdir(exist_ok=True)
    figure.savefig(DOCS / "img" / "tradeoff.png", dpi=110)


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="one network of each family, write nothing")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--draw", action="store_true", help="train nothing, draw what tradeoff.csv has")
    arguments = parser.parse_args()
    if arguments.draw:
        draw(read_csv())
        return
    torch.set_num_threads(1)
    rows: list[Row] = []
    for task in tasks():
        chosen = list({s.family: s for s in settings()}.values()) if arguments.check else list(settings())
        for setting in chosen:
            for seed in range(1 if arguments.check else arguments.seeds):
                started = time.perf_counter()
                rows.append(measure(task, setting, seed))
                print(*(f"{v:.4g}" if isinstance(v, float) else v for v in asdict(rows[-1]).values()),
                      f"({time.perf_counter() - started:.1f} s)", flush=True)  # fmt: skip
    if not arguments.check:
        write_csv(rows)
        write_tables(rows)
        draw(rows)


if __name__ == "__main__":
    main()
