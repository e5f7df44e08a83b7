# SPDX-License-Identifier: MIT
"""Two small charts as SVG text, for pages that load nothing: lines over counts, and a heat map."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from withstand._types import FloatArray

#: Distinguishable without colour vision.
COLOURS = ("#999999", "#0072b2", "#000000", "#d55e00", "#009e73")
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 320, 64, 40, 12


def lines(counts: Sequence[int], series: Mapping[str, Sequence[float]], *, log: bool, x: str, y: str) -> str:
    """Return a line chart with a legend; on a log scale what is not positive is left out."""
    shown = {name: [(k, v) for k, v in zip(counts, values) if not log or v > 0] for name, values in series.items()}
    values = [math.log10(v) if log else v for points in shown.values() for _, v in points] or [0.0]
    low, high = min(values), max(values)
    low, high = (math.floor(low), math.ceil(high)) if log else (low, high)
    high = high if high > low else low + 1
    right = WIDTH - 190

    def at(k: float, v: float) -> tuple[float, float]:
        """Return the place of a point."""
        across = (k - counts[0]) / max(1, counts[-1] - counts[0])
        up = ((math.log10(v) if log else v) - low) / (high - low)
        return LEFT + across * (right - LEFT - 12), HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - TOP)

    marks = [10.0**e for e in range(int(low), int(high) + 1)] if log else [low + n * (high - low) / 4 for n in range(5)]
    parts = []
    for mark in marks:
        _, height = at(counts[0], mark)
        parts.append(f'<line x1="{LEFT}" x2="{right}" y1="{height:.1f}" y2="{height:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{height + 4:.1f}" text-anchor="end">{mark:.3g}</text>')
    for k in counts:
        across, _ = at(k, marks[0])
        parts.append(f'<text x="{across:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{k}</text>')
    for n, (name, points) in enumerate(shown.items()):
        colour, path = COLOURS[n % len(COLOURS)], " ".join("{:.1f},{:.1f}".format(*at(*point)) for point in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in (at(*p) for p in points)]
        parts.append(f'<text x="{right + 14}" y="{TOP + 14 + 18 * n}" fill="{colour}">{escape(name)}</text>')
    parts.append(f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 4}" text-anchor="middle">{escape(x)}</text>')
    parts.append(f'<text transform="translate(14 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{escape(y)}</text>')
    return _svg(WIDTH, HEIGHT, parts, f"{y} over {x}")


def heat(layers: Sequence[FloatArray], title: str) -> str:
    """Return a heat map, one row per layer; every cell says its value."""
    most = max(float(layer.max()) for layer in layers) or 1.0
    side = max(2.0, min(14.0, (WIDTH - LEFT) / max(map(len, layers))))
    parts = []
    for n, layer in enumerate(layers):
        parts.append(f'<text x="{LEFT - 6}" y="{n * 22 + 16}" text-anchor="end">layer {n + 1}</text>')
        for i, value in enumerate(layer.tolist()):
            parts.append(
                f'<rect x="{LEFT + i * side:.2f}" y="{n * 22 + 3}" width="{side:.2f}" height="18" fill="#d55e00" '
                f'fill-opacity="{value / most:.3f}"><title>({n + 1}, {i}) {value:.4g}</title></rect>'
            )
    return _svg(WIDTH, 22 * len(layers) + 6, parts, title)


def _svg(width: int, height: int, parts: Sequence[str], title: str) -> str:
    head = f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" font-size="12" font-family="sans-serif">'
    return f"{head}<title>{escape(title)}</title>{''.join(parts)}</svg>"
