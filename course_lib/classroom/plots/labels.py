"""Names at the ends of lines, where they fit without covering each other; else a legend."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation

WIDEST = 21  # characters in a line of a label
MOST_LINES = 3
AWAY = 9  # points between a line's end and its name
SIZE = 9.5


@dataclass
class EndLabels:
    """The names at the ends of one panel's lines, before they have found their places."""

    axis: Axes
    names: list[Annotation]


def name_lines(axis: Axes, **legend: Any) -> None:
    """Names at the ends of the panel's lines, or a legend with these settings."""
    if not label_ends(axis):
        axis.legend(**legend)


def label_ends(axis: Axes, widest: int = WIDEST) -> bool:
    """Write the name (``label=``) of each line at its right end, in its colour.

    False, and nothing written, when they do not fit: too many, too long, or not lines.
    """
    found = list(zip(*axis.get_legend_handles_labels(), strict=True))
    lines = [_line(handle) for handle, _ in found]
    texts = [textwrap.fill(label, widest, break_long_words=False) for _, label in found]
    if not _fit(axis, lines, texts, widest):
        return False
    names = [_name(axis, line, text) for line, text in zip(lines, texts, strict=True)]
    figure: Figure = axis.figure
    figure.ends.append(EndLabels(axis, names))
    return True


def name_upright(axis: Axes, x: float, text: str, colour: str, left: bool = False) -> None:
    """Write what an upright line at ``x`` is, above its top; the title moves up for it."""
    axis.set_title(axis.get_title(), pad=18)
    axis.annotate(
        text,
        (x, 1.0),
        xycoords=axis.get_xaxis_transform(),
        xytext=(3 if left else -3, 2),
        textcoords="offset points",
        ha="right" if left else "left",
        va="bottom",
        fontsize=SIZE,
        fontweight="bold",
        color=colour,
    )


def _line(handle: Any) -> Line2D | None:
    """The line of a handle: itself, or that of error bars."""
    if isinstance(handle, Line2D):
        return handle
    line = handle[0] if isinstance(handle, tuple) else None
    return line if isinstance(line, Line2D) else None


def _fit(axis: Axes, lines: Sequence[Line2D | None], texts: Sequence[str], widest: int) -> bool:
    """Whether the names can stand one above the other beside the panel."""
    rows = [text.split("\n") for text in texts]
    if not rows or any(line is None or len(line.get_xdata()) < 2 for line in lines):
        return False
    if any(len(row) > MOST_LINES or max(map(len, row)) > widest + 3 for row in rows):
        return False
    height = axis.figure.get_figheight() * 72 * 0.75  # points, without the labels of the axis
    return sum(map(len, rows)) * SIZE * 1.2 + 2 * len(rows) < height


def _name(axis: Axes, line: Line2D, text: str) -> Annotation:
    """The name of ``line``, for now straight behind its end."""
    ends = np.asarray(line.get_xdata(), dtype=float), np.asarray(line.get_ydata(), dtype=float)
    there = np.isfinite(ends[1])
    return axis.annotate(
        text,
        (ends[0][there][-1], ends[1][there][-1]),
        xycoords=line.get_transform(),
        xytext=(AWAY, 0),
        textcoords="offset points",
        va="center",
        fontsize=SIZE,
        fontweight="bold",
        linespacing=1.05,
        color=line.get_color(),
        annotation_clip=False,
        arrowprops={
            "arrowstyle": "-",
            "color": line.get_color(),
            "linewidth": 0.8,
            "shrinkA": 1,
            "shrinkB": 3,
        },
    )


def settle(figure: "Figure") -> None:
    """Move the names up and down until none covers another; they stay as near as they can.

    Done again after the limits of a panel have changed, it finds the places anew.
    """
    if not figure.ends:
        return
    figure.draw_without_rendering()
    points = 72 / figure.dpi
    for panel in figure.ends:
        names = panel.names
        ends = [name.xycoords.transform(name.xy) for name in names]  # pixels
        heights = np.array([_text_height(name, figure) for name in names])
        frame = panel.axis.get_window_extent()
        middles = spread([y for _, y in ends], heights + 2, frame.y0, frame.y1)
        right = max(x for x, _ in ends)
        for name, (x, y), middle in zip(names, ends, middles, strict=True):
            name.xyann = (AWAY + (right - x) * points, (middle - y) * points)
            near = abs(middle - y) < 0.8 * SIZE / points and right - x < 2
            name.arrow_patch.set_visible(not near)


def _text_height(name: Annotation, figure: "Figure") -> float:
    """Pixels from the top of the text to its bottom."""
    lines = name.get_text().count("\n") + 1
    return lines * SIZE * 1.15 * figure.dpi / 72


def spread(
    wished: Sequence[float], heights: Sequence[float], low: float, high: float
) -> list[float]:
    """Middles for boxes of ``heights`` near the ``wished`` ones, none over another.

    All lie between ``low`` and ``high`` when they fit. Boxes that meet form a block that stands
    where its members on average wish to be.
    """
    order = np.argsort(wished, kind="stable")
    blocks: list[list[int]] = []
    bottoms: list[float] = []
    for k in order.tolist():
        blocks.append([k])
        bottoms.append(_bottom([k], wished, heights, low, high))
        while len(blocks) > 1 and bottoms[-2] + _tall(blocks[-2], heights) > bottoms[-1]:
            last = blocks.pop()
            blocks[-1] += last
            bottoms.pop()
            bottoms[-1] = _bottom(blocks[-1], wished, heights, low, high)
    middles = [0.0] * len(wished)
    for block, bottom in zip(blocks, bottoms, strict=True):
        for k in block:
            middles[k] = bottom + heights[k] / 2
            bottom += heights[k]
    return middles


def _tall(block: Sequence[int], heights: Sequence[float]) -> float:
    return float(sum(heights[k] for k in block))


def _bottom(
    block: Sequence[int],
    wished: Sequence[float],
    heights: Sequence[float],
    low: float,
    high: float,
) -> float:
    """Where a block begins: its members as near as can be to where they wish, within the frame."""
    below, offsets = 0.0, []
    for k in block:
        offsets.append(wished[k] - below - heights[k] / 2)
        below += heights[k]
    return float(max(low, min(np.mean(offsets), high - below)))
