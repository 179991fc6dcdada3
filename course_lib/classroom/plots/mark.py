"""A reader's guess in a figure: a diamond or a dashed line, and its name where there is room."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.transforms import Bbox, Transform

# its own colour: 3.9 and more on white and on #111
COLOUR = "#D8336A"
ROOM = 0.08  # of the panel, between a guess and its edge
SIZE = 10


def mark_guess(axis: Axes, value: float, x: float | None, way: str, label: str) -> None:
    """Draw ``value`` into a panel: a diamond at ``x``, or a line across ("y") or upright ("x").

    The limits are widened so that it lies inside. Nothing is drawn where the scale has no place for
    it, such as 0 on a log axis.
    """
    axis.get_xlim(), axis.get_ylim()  # matplotlib settles them when asked
    axis.autoscale(False)
    across = value if way == "y" or x is not None else None
    upright = x if x is not None else (value if way == "x" else None)
    there = [each for each in ((axis.xaxis, upright), (axis.yaxis, across)) if each[1] is not None]
    if not all(_widened(*each) for each in there):
        return
    if x is not None:
        axis.plot(x, value, "D", color=COLOUR, markersize=11, zorder=5, label="_guess")
    elif way == "y":
        axis.axhline(value, color=COLOUR, linestyle="--", linewidth=2, zorder=4, label="_guess")
    else:
        axis.axvline(value, color=COLOUR, linestyle="--", linewidth=2, zorder=4, label="_guess")
    _name(axis, label, upright, across)


def _widened(axis: Axis, value: float) -> bool:
    """Move a limit so that ``value`` lies well inside; False where the scale cannot show it."""
    scale = axis.get_transform()
    low, high = axis.get_view_interval()
    if axis.get_scale() == "log" and value <= 0:
        return False
    with np.errstate(all="ignore"):
        start, end, at = scale.transform(np.array([low, high, value], dtype=float))
        if not np.isclose(scale.inverted().transform(np.array([at]))[0], value):
            return False
        room = ROOM * (end - start)  # negative on an axis that runs down
        outside = (at - start) / (end - start)
        new = (at - room if outside < 0 else start, at + room if outside > 1 else end)
        limits = scale.inverted().transform(np.array(new))
    if not np.isfinite(limits).all():
        return False
    if not 0 <= outside <= 1:
        set_limits = axis.axes.set_xlim if axis.axis_name == "x" else axis.axes.set_ylim
        set_limits(*limits)
    return True


def _name(axis: Axes, label: str, x: float | None, y: float | None) -> None:
    """Write the name beside its mark, where it covers least of what is drawn."""
    axis.figure.draw_without_rendering()
    taken = list(_drawn(axis))
    best, least = None, np.inf
    for place in _places(axis, x, y):
        text = axis.annotate(label, **place, color=COLOUR, fontsize=SIZE, fontweight="bold")
        box = text.get_window_extent()
        cost = sum(_covered(box, each) for each in taken) + 100 * _beyond(box, axis.bbox)
        if cost < least - 1e-9:
            best, least = place, cost
        text.remove()
    axis.annotate(label, **best, color=COLOUR, fontsize=SIZE, fontweight="bold", zorder=6)


def _places(axis: Axes, x: float | None, y: float | None) -> Iterator[dict[str, Any]]:
    """Where the name may stand, the best first, as settings of ``annotate``."""
    sides = {"left": 1, "right": -1}  # how the text is set → to which side of the mark
    levels = {"bottom": 1, "top": -1}
    if x is not None and y is not None:
        for ha, side in sides.items():
            yield _place((x, y), axis.transData, (11 * side, 0), ha, "center")
        for va, side in levels.items():
            yield _place((x, y), axis.transData, (0, 10 * side), "center", va)
        corners = itertools.product((7, 24), levels.items(), sides.items())
        for away, (va, level), (ha, side) in corners:
            yield _place((x, y), axis.transData, (7 * side, away * level), ha, va)
    elif y is not None:
        for va, side in levels.items():
            for at, ha in ((0.98, "right"), (0.02, "left"), (0.5, "center")):
                yield _place((at, y), axis.get_yaxis_transform(), (0, 3 * side), ha, va)
    else:
        for at, va in ((0.97, "top"), (0.03, "bottom"), (0.5, "center")):
            for ha, side in sides.items():
                yield _place((x, at), axis.get_xaxis_transform(), (5 * side, 0), ha, va)


def _place(
    at: tuple[float, float], where: Transform, offset: tuple[float, float], ha: str, va: str
) -> dict[str, Any]:
    fixed = {"textcoords": "offset points", "annotation_clip": False}
    return {"xy": at, "xycoords": where, "xytext": offset, "ha": ha, "va": va, **fixed}


def _drawn(axis: Axes) -> Iterator[np.ndarray | Bbox]:
    """What stands in the panel, in pixels: points of lines and dots, boxes of words and bars."""
    for line in axis.lines:
        points = line.get_transform().transform(np.column_stack(line.get_data(orig=False)))
        share = np.linspace(0, 1, 40)[:, None, None]
        yield (points[:-1] + share * np.diff(points, axis=0)).reshape(-1, 2)  # along the line
        yield points
    for dots in axis.collections:
        if len(dots.get_offsets()) > 1:
            yield dots.get_offset_transform().transform(dots.get_offsets())
    for box in (*axis.texts, *axis.patches, *filter(None, [axis.get_legend()])):
        yield box.get_window_extent()


def _covered(box: Bbox, drawn: np.ndarray | Bbox) -> float:
    """How much of something drawn lies under ``box``: points, or a share of the box in points."""
    if isinstance(drawn, Bbox):
        common = Bbox.intersection(box, drawn)
        return (
            0.0 if common is None else 40 * common.width * common.height / (box.width * box.height)
        )
    inside = (drawn >= box.min) & (drawn <= box.max)
    return float(inside.all(axis=1).sum())


def _beyond(box: Bbox, frame: Bbox) -> float:
    """Pixels by which ``box`` stands out of ``frame``."""
    over = np.concatenate([frame.min - box.min, box.max - frame.max])
    return float(np.maximum(over, 0).sum())
