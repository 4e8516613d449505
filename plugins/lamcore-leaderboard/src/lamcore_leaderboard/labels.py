"""Where names fit beside the points of a chart."""

from __future__ import annotations

import math
from collections.abc import Sequence

_PLOT_WIDTH, _PLOT_HEIGHT, _OVERHANG = 430.0, 300.0, 40.0
"""Of the chart of two headlines on a desk, in CSS pixels."""

Box = tuple[float, float, float, float]
"""Left, right, bottom and top."""


def label_positions(
    points: Sequence[tuple[float, float]], labels: Sequence[str], x_log: bool, y_log: bool
) -> list[str | None]:
    """Where to write the label of each point so that none covers another label or point; None where it would.

    Estimated for a chart of the width that it has on a desk; Plotly knows positions around a point only.
    """
    xs = _spread([x for x, _ in points], x_log, _PLOT_WIDTH)
    ys = _spread([y for _, y in points], y_log, _PLOT_HEIGHT)
    taken: list[Box] = [(x - 7, x + 7, y - 7, y + 7) for x, y in zip(xs, ys, strict=True)]
    positions: list[str | None] = []
    for index, text in enumerate(labels):
        width, found = 7.0 * len(text), None
        for position, box in _around(xs[index], ys[index], width).items():
            others = taken[:index] + taken[index + 1 :]
            inside = box[0] > -_OVERHANG and box[1] < _PLOT_WIDTH + _OVERHANG
            if inside and not any(_overlap(box, other) for other in others):
                found = position
                taken.append(box)
                break
        positions.append(found)
    return positions


def _around(x: float, y: float, width: float) -> dict[str, Box]:
    half, height, gap = width / 2, 16.0, 8.0
    return {
        "top center": (x - half, x + half, y + gap, y + gap + height),
        "bottom center": (x - half, x + half, y - gap - height, y - gap),
        "middle right": (x + gap, x + gap + width, y - height / 2, y + height / 2),
        "middle left": (x - gap - width, x - gap, y - height / 2, y + height / 2),
    }


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def _spread(values: Sequence[float], log: bool, length: float) -> list[float]:
    """Values as pixels along an axis."""
    shown = [math.log10(value) for value in values] if log else list(values)
    low, width = min(shown, default=0.0), (max(shown, default=0.0) - min(shown, default=0.0)) or 1.0
    return [(value - low) / width * length for value in shown]
