# SPDX-License-Identifier: MIT
"""How far each bound lies above the exact worst case, as a Markdown table and a picture.

    python bench/tightness.py                                     # 16 inputs of digits, 8 of each published network
    python bench/tightness.py --svg bench/img/tightness.svg       # and the picture

A cell is the median over the inputs of bound / exact, each input on its own. Where the search for an input ended before
it closed, its best witness stands for the exact value and the cell says "≤": the true ratio is smaller still. "fep"
speaks of exactly so many failures, the other methods and the exact value of at most so many.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import machine

machine.one_thread()

import numpy as np  # noqa: E402
import withstand as ws  # noqa: E402
from networks import Case, digits, published  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from withstand.plot import save  # noqa: E402

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METHODS = ("fep", "at-most", "capped", "matrix", "signed", "adjoint", "linear", "split", "tightest")


class Row(NamedTuple):
    """One network, place and count."""

    case: str
    place: str
    k: int
    proved: int  # inputs whose exact worst case is known
    asked: int
    exact: float  # median worst error of an input
    median: dict[str, float]  # method -> median over the inputs of bound / exact
    largest: dict[str, float]
    together: dict[str, float]  # method -> bound over all inputs / exact over all inputs

    @property
    def where(self) -> str:
        """The place as it reads after a count."""
        return self.place if self.place == "anywhere" else f"in {self.place}"


def crashes(net: ws.Network, place: str, k: int, *, exactly: bool = False) -> ws.Crash:
    """At most (or exactly) k crashes in layer 1, or anywhere."""
    count = (k,) + (0,) * (net.depth - 1) if place == "layer 1" else k
    return ws.Crash(count, exactly=exactly)


def bounds(case: Case, place: str, k: int, method: str) -> NDArray[np.float64]:
    """Bound of each input; NaN where the method does not apply."""
    failures = crashes(case.net, place, k, exactly=method == "fep")
    try:
        return ws.bound(case.net, failures, case.inputs, method=method, threads=1).per_input
    except ValueError:
        return np.full(len(case.inputs), np.nan)


def measure(case: Case, place: str, k: int, time_limit: float) -> Row:
    """Compare every method with the exact worst case of each input."""
    found = [
        ws.worst_case(case.net, crashes(case.net, place, k), x, time_limit=time_limit, threads=1) for x in case.inputs
    ]
    worst = np.array([f.lower for f in found])
    each = {m: bounds(case, place, k, m) for m in METHODS}
    for method in METHODS[1:]:
        assert not (each[method] < worst).any(), f"{case.name}, {k} in {place}: {method} lies below a witness"
    return Row(
        case.title, place, k, sum(f.exact for f in found), len(found), float(np.median(worst)),
        {m: float(np.median(b / worst)) for m, b in each.items()},
        {m: float(np.max(b / worst)) for m, b in each.items()},
        {m: float(np.max(b) / worst.max()) for m, b in each.items()},
    )  # fmt: skip


def name(title: str) -> str:
    """Return the title without widths and activation."""
    return title.rsplit(" ", 2)[0]


def number(ratio: float, mark: str) -> str:
    """Three digits, or what a reader can still take in."""
    if np.isnan(ratio):
        return "–"
    return mark + (f"{ratio:.2f}" if ratio < 100 else f"{ratio:,.0f}" if ratio < 1e6 else f"{ratio:.1e}")


def table(rows: list[Row]) -> None:
    """Print the median ratios."""
    print(f"{'; '.join(dict.fromkeys(row.case for row in rows))}. Median over the inputs of bound / exact:\n")
    print(f"| network | crashes | exact worst error | proved | {' | '.join(METHODS)} |")
    print("|---" * (4 + len(METHODS)) + "|")
    for row in rows:
        mark = "" if row.proved == row.asked else "≤ "
        cells = " | ".join(number(row.median[m], mark) for m in METHODS)
        print(f"| {name(row.case)} | {row.k} {row.where} | {row.exact:.4g} | {row.proved} of {row.asked} | {cells} |")


def linear_table(rows: list[Row]) -> None:
    """Print "linear" on the first network three ways: they answer different questions."""
    print("\n| crashes | median input | worst input | all inputs together |\n|---|---|---|---|")
    for row in rows:
        ways = " | ".join(f"{way['linear']:.3f}" for way in (row.median, row.largest, row.together))
        print(f"| {row.k} {row.where} | {ways} |")


def draw(rows: list[Row]) -> Figure:
    """One panel per network and place, three networks in a row: ratios over crashes, on a log scale."""
    from matplotlib.figure import Figure

    across = 3
    cases, places = list(dict.fromkeys(r.case for r in rows)), list(dict.fromkeys(r.place for r in rows))
    down = -(-len(cases) // across) * len(places)
    figure = Figure(figsize=(2.6 * across + 0.6, 2.2 * down + 0.8), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False, sharex=True)
    for unused in axes[-len(places) :, (len(cases) - 1) % across + 1 :].flat:
        unused.set_axis_off()
    for j, case in enumerate(cases):
        panels = axes[j // across * len(places) :, j % across]
        for i, place in enumerate(places):
            panel = [r for r in rows if (r.case, r.place) == (case, place)]
            _panel(panels[i], panel)
            panels[i].sharey(panels[0])
            if i == 0:
                panels[i].set_title("\n".join(case.rsplit(" ", 2)), fontsize=9)
            if j % across == 0:
                panels[i].set_ylabel(f"{panel[0].where}\nbound / exact")
            if i == len(places) - 1:
                panels[i].set_xlabel("crashes")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels) // 2, frameon=False)
    return figure


#: Colour-blind safe; the darkest line is the one to look at.
LINES = {
    "at-most": ("#999999", "v", 8), "capped": ("#e69f00", "^", 5), "matrix": ("#56b4e9", "s", 4),
    "signed": ("#009e73", "D", 4), "adjoint": ("#cc79a7", "P", 5), "linear": ("#000000", "o", 4),
}  # fmt: skip


def _panel(axes: Axes, rows: list[Row]) -> None:
    ks = [r.k for r in rows]
    for method, (colour, marker, size) in LINES.items():
        ratios = [r.median[method] for r in rows]
        axes.plot(ks, ratios, color=colour, marker=marker, ms=size, lw=1.2, label=method)
    axes.set_yscale("log")
    axes.set_xticks(ks)
    axes.axhline(1.0, color="#000000", lw=0.6, ls=":")
    axes.grid(True, which="major", color="#e6e6e6", lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--k", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--digits-inputs", type=int, default=16)
    parser.add_argument("--inputs", type=int, default=8, help="of each published network")
    parser.add_argument("--time-limit", type=float, default=10.0, help="seconds per search")
    parser.add_argument("--svg", type=Path, nargs="*", default=[], help="where to write the picture (.svg or .png)")
    options = parser.parse_args()
    cases = [digits(options.digits_inputs), *published(options.inputs)]
    rows = [
        measure(case, place, k, options.time_limit)
        for case in cases
        for place in ("layer 1", "anywhere")
        for k in options.k
    ]
    table(rows)
    linear_table([r for r in rows if r.case == cases[0].title])
    for path in options.svg:
        save(draw(rows), path)


if __name__ == "__main__":
    main()
