# SPDX-License-Identifier: MIT
"""Charts as SVG text, for pages that load nothing: lines over counts, a histogram, a heat map.

Lines and text take the colour of the page around them, so that they are legible on light and on dark ones; series are
told apart by their marker, too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
import numpy.typing as npt

from withstand._types import FloatArray

WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM, TOP = 480, 300, 80, 14, 44, 10
#: Colour of each series, which a page may set, and its marker.
SERIES = (("#0072b2", "square"), ("currentColor", "circle"), ("#c04f00", "cross"), ("#6b6b6b", "down"))
#: From the least to the largest number of a heat map; the cells have outlines.
RAMP = ((250, 244, 232), (217, 138, 61), (92, 26, 0))
#: Cells in a line of a heat map, and most of a layer: of more neurons a cell shows the worst of several.
ACROSS, CELLS = 64, 1024
CELL = 18


def lines(counts: Sequence[int], series: Mapping[str, Sequence[float]], *, log: bool, x: str, y: str) -> str:
    """Return a line chart with a legend; what the scale has no place for is left out."""
    shown = {
        name: [(k, v) for k, v in zip(counts, values) if math.isfinite(v) and (not log or v > 0)]
        for name, values in series.items()
    }
    axis = _Axis([v for points in shown.values() for _, v in points], log)
    span = WIDTH - LEFT - RIGHT - 24
    across = {k: LEFT + 12 + (n / max(1, len(counts) - 1)) * span for n, k in enumerate(counts)}
    parts = axis.parts()
    step = math.ceil(len(counts) / 12)
    parts += [_text(across[k], HEIGHT - BOTTOM + 18, f"{k}", "middle") for k in counts[::step]]
    for n, (name, points) in enumerate(shown.items()):
        colour, marker = SERIES[n % len(SERIES)]
        style = f'style="stroke:var(--series-{n},{colour});fill:none"'
        places = [(across[k], axis.at(v)) for k, v in points]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
        parts.append(f'<g {style} stroke-width="2"><polyline points="{path}"/>')
        parts += [f'<path class="point" d="{_mark(marker, a, b)}"/>' for a, b in places]
        legend = HEIGHT + 16 + 20 * n
        parts.append(f'<path d="M{LEFT} {legend - 4}h28{_mark(marker, LEFT + 14, legend - 4)}"/></g>')
        parts.append(_text(LEFT + 38, legend, name))
    parts += _labels(x, y)
    return _svg(HEIGHT + 20 * len(shown) + 8, parts, f"{y} over {x}")


def bars(edges: FloatArray, counts: npt.NDArray[np.int64], *, x: str, y: str, mark: tuple[str, float] | None) -> str:
    """Return a histogram: bar i from edges[i] to edges[i + 1]; and a line where something is, with its name."""
    known = [float(edges[0]), float(edges[-1]), *(() if mark is None else (mark[1],))]
    steps = ticks(min(known), max(known))
    low, wide = steps[0], steps[-1] - steps[0]
    axis = _Axis([0.0, float(counts.max(initial=1))], False)

    def across(value: float) -> float:
        return LEFT + (value - low) / wide * (WIDTH - LEFT - RIGHT)

    parts = axis.parts()
    for start, end, count in zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist()):
        a, b, top = across(start), across(end), axis.at(count)
        parts.append(
            f'<rect class="bar" x="{a:.2f}" y="{top:.2f}" width="{max(b - a, 0.5):.2f}" '
            f'height="{HEIGHT - BOTTOM - top:.2f}" style="fill:var(--series-0,#0072b2)">'
            f"<title>{start:.4g} to {end:.4g}: {count:,}</title></rect>"
        )
    parts += [_text(across(value), HEIGHT - BOTTOM + 18, _number(value), "middle") for value in steps]
    if mark is not None:
        at = across(mark[1])
        parts.append(f'<path d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="currentColor" stroke-dasharray="5 4"/>')
        parts.append(_text(at + (5 if at < WIDTH / 2 else -5), TOP + 12, mark[0], "start" if at < WIDTH / 2 else "end"))
    parts += _labels(x, y)
    return _svg(HEIGHT, parts, f"{y} over {x}")


def heat(layers: Sequence[FloatArray], title: str, label: str = "worst error of its crash") -> str:
    """Return a heat map, lines of cells for each layer, with its scale; every cell says its value."""
    most = max(float(layer.max()) for layer in layers)
    least = min(0.0, *(float(layer.min()) for layer in layers))  # errors start at 0, harm below
    side = (WIDTH - LEFT - RIGHT) / min(ACROSS, max(map(len, layers)))
    side = max(6.0, min(24.0, side))
    parts, top = [], 4
    for n, layer in enumerate(layers, start=1):
        group = math.ceil(len(layer) / CELLS)
        parts.append(_text(LEFT - 8, top + 14, f"layer {n}", "end"))
        cells = [(start, layer[start : start + group]) for start in range(0, len(layer), group)]
        for i, (start, values) in enumerate(cells):
            value, line = float(values.max()), i // ACROSS
            name = f"{start}" if len(values) == 1 else f"{start} to {start + len(values) - 1}"
            parts.append(
                f'<rect class="cell" x="{LEFT + i % ACROSS * side:.2f}" y="{top + line * CELL}" width="{side:.2f}" '
                f'height="{CELL}" fill="{_colour((value - least) / (most - least) if most > least else 0.0)}">'
                f"<title>layer {n}, neuron {name}: {value:.4g}</title></rect>"
            )
        top += CELL * math.ceil(len(cells) / ACROSS)
        last = min(len(cells), ACROSS) - 1
        for i in sorted({0, last}) if last * side > 30 else [0]:
            parts.append(_text(LEFT + (i + 0.5) * side, top + 14, f"{i * group}", "middle"))
        top += 24
    parts += _scale(top + 8, least, most, label)
    return _svg(top + 72, parts, title)


class _Axis:
    """The vertical axis: from the least to the largest value, between round numbers or powers of ten."""

    def __init__(self, values: Sequence[float], log: bool) -> None:
        self.log = log
        if log:
            heights = [math.log10(v) for v in values] or [0.0]
            low, high = math.floor(min(heights)), math.ceil(max(heights))
            high = max(high, low + 1)
            self.marks = [10.0**e for e in range(low, high + 1, math.ceil((high - low) / 8))]
            self.low, self.high = float(low), float(high)
        else:
            self.marks = ticks(min(values, default=0.0), max(values, default=0.0))
            self.low, self.high = self.marks[0], self.marks[-1]

    def at(self, value: float) -> float:
        """Return the height at which a value is drawn."""
        up = ((math.log10(value) if self.log else value) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - TOP)

    def parts(self) -> list[str]:
        """Return lines across the chart and what they stand for."""
        parts = []
        for value in self.marks:
            y = self.at(value)
            parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="currentColor" stroke-opacity=".2"/>')
            parts.append(_text(LEFT - 6, y + 4, _number(value), "end"))
        return parts


def ticks(low: float, high: float) -> list[float]:
    """Return about five round numbers, the first at most `low` and the last at least `high`."""
    wide = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(wide / 4))
    step = next(power * n for n in (1, 2, 2.5, 5, 10) if power * n >= wide / 4)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [n * step for n in range(first, max(last, first + 1) + 1)]


def _number(value: float) -> str:
    return f"{value:,.6g}" if value == 0 or 1e-3 <= abs(value) < 1e6 else f"{value:.3g}"


def _scale(top: float, least: float, most: float, label: str) -> list[str]:
    wide = (WIDTH - LEFT - RIGHT) / 24
    parts = [
        f'<rect x="{LEFT + n * wide:.2f}" y="{top}" width="{wide:.2f}" height="12" fill="{_colour(n / 23)}"/>'
        for n in range(24)
    ]
    parts.append(
        f'<rect x="{LEFT}" y="{top}" width="{24 * wide:.2f}" height="12" fill="none" stroke="currentColor" '
        'stroke-opacity=".6"/>'
    )
    for n, anchor in enumerate(("start", "middle", "end")):
        parts.append(_text(LEFT + n * 12 * wide, top + 28, f"{least + n * (most - least) / 2:.4g}", anchor))
    parts.append(_text(LEFT + 12 * wide, top + 48, f"{label}; below a layer: the neuron", "middle"))
    return parts


def _colour(share: float) -> str:
    low, middle, high = RAMP
    a, b, part = (low, middle, 2 * share) if share < 0.5 else (middle, high, 2 * share - 1)
    return "#" + "".join(f"{round(p + part * (q - p)):02x}" for p, q in zip(a, b))


def _mark(kind: str, a: float, b: float) -> str:
    """Return the path of a marker around a place."""
    return {
        "down": f"M{a - 4:.1f} {b - 3:.1f}h8l-4 7z",
        "square": f"M{a - 4:.1f} {b - 4:.1f}h8v8h-8z",
        "circle": f"M{a - 4:.1f} {b:.1f}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
        "cross": f"M{a - 4:.1f} {b - 4:.1f}l8 8m0 -8l-8 8",
    }[kind]


def _labels(x: str, y: str) -> list[str]:
    middle = (HEIGHT - BOTTOM + TOP) / 2
    return [
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, x, "middle"),
        f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">{escape(y)}</text>',
    ]


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(height: float, parts: Sequence[str], title: str) -> str:
    head = (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(title)}" font-size="13" '
        'font-family="sans-serif" fill="currentColor">'
    )
    return f"{head}{''.join(parts)}</svg>"
