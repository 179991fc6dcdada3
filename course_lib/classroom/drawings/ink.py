"""What drawings are made of: boxes, arrows, chips, brackets and words on a sheet.

One unit of a sheet is one pixel of the screen, x to the right and y **down**, as on a page. The
ground is transparent, and every colour reads on light and on dark. A drawing is a function under
``@rc_context(STYLE)`` that opens a :func:`sheet`, draws, and returns ``done(fig, summary, quiet)``.
"""

from collections.abc import Sequence
from functools import lru_cache

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import (
    Circle,
    FancyArrowPatch,
    FancyBboxPatch,
    PathPatch,
    Polygon,
    Rectangle,
)
from matplotlib.path import Path
from matplotlib.textpath import TextToPath

from ..plots.figure import COLOURS, INK, PIXELS, Figure, new

POLICY, REWARD, KEPT, OTHER = COLOURS[:4]  # what each colour means in all drawings
FADED = 0.75  # opacity of words that step back: still read
TINT = 0.13  # opacity of a tinted ground
SMALL = 9.5  # points, the smallest words
WIDE = 700  # units, the width of a page's column
Point = tuple[float, float]


def sheet(height: float, width: float = WIDE) -> tuple[Figure, Axes]:
    """An empty sheet: a figure and an axis over all of it, in units of a pixel, y down."""
    fig, (axis,) = new(width=width / PIXELS, height=height / PIXELS)
    fig.set_layout_engine("none")
    axis.set_position((0, 0, 1, 1))
    axis.axis("off")
    axis.set(xlim=(0, width), ylim=(height, 0))
    return fig, axis


def words(
    axis: Axes,
    x: float,
    y: float,
    text: str,
    colour: str = INK,
    size: float = SMALL,
    bold: bool = False,
    align: str = "left",
) -> None:
    """Words at (x, y), the middle of their height; ``align`` left, center or right of x."""
    weight = "bold" if bold else "normal"
    axis.text(
        x, y, text, color=colour, fontsize=size, fontweight=weight, ha=align, va="center_baseline"
    )


def faded(axis: Axes, x: float, y: float, text: str, align: str = "left") -> None:
    """Small words that step back."""
    axis.text(x, y, text, color=INK, alpha=FADED, fontsize=SMALL, ha=align, va="center_baseline")


def box(
    axis: Axes,
    x: float,
    y: float,
    width: float,
    height: float,
    colour: str = INK,
    fill: float = TINT,
    line: float = 1.2,
) -> None:
    """A rounded box with its upper left corner at (x, y).

    ``fill``: opacity of its ground, 0 for none, 1 for solid; ``line``: width of its edge, 0 for
    none.
    """
    shape = f"round,pad=0,rounding_size={min(6, height / 2, width / 2)}"
    place = (x, y), width, height
    if fill:
        ground = {"facecolor": colour, "alpha": fill, "linewidth": 0}
        axis.add_patch(FancyBboxPatch(*place, boxstyle=shape, **ground))
    if line:
        edge = {"fill": False, "edgecolor": colour, "linewidth": line}
        axis.add_patch(FancyBboxPatch(*place, boxstyle=shape, **edge))


def bar(
    axis: Axes,
    x: float,
    y: float,
    width: float,
    height: float,
    colour: str = INK,
    fill: float = 0.5,
) -> None:
    """A plain rectangle with its upper left corner at (x, y); ``fill``: opacity."""
    place = (x, y), width, height
    axis.add_patch(Rectangle(*place, facecolor=colour, alpha=fill, linewidth=0))


def arrow(
    axis: Axes,
    start: Point,
    end: Point,
    colour: str = INK,
    bend: float = 0.0,
    line: float = 1.5,
) -> None:
    """An arrow; ``bend`` is how far it swings to its right, as a part of its length."""
    axis.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>,head_length=4,head_width=2.2",
            connectionstyle=f"arc3,rad={bend}",
            mutation_scale=1.3,
            color=colour,
            linewidth=line,
            shrinkA=0,
            shrinkB=0,
            joinstyle="miter",
        )
    )


def path(
    axis: Axes, corners: Sequence[Point], colour: str = INK, line: float = 1.5, head: bool = True
) -> None:
    """A line through ``corners`` with rounded bends, by default with a head at its end."""
    verts, codes = [corners[0]], [Path.MOVETO]
    for before, here, after in zip(corners, corners[1:], corners[2:], strict=False):
        verts += [_towards(here, before, 8), here, _towards(here, after, 8)]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    verts.append(corners[-1])
    codes.append(Path.LINETO)
    style = "-|>,head_length=4,head_width=2.2" if head else "-"
    axis.add_patch(
        FancyArrowPatch(
            path=Path(verts, codes),
            arrowstyle=style,
            mutation_scale=1.3,
            color=colour,
            linewidth=line,
        )
    )


def _towards(start: Point, end: Point, far: float) -> Point:
    """The point ``far`` from ``start`` on the way to ``end``, at most half of it."""
    way = ((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2) ** 0.5
    part = min(far / way, 0.5) if way else 0
    return start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])


def curve(axis: Axes, start: Point, end: Point, colour: str = INK, line: float = 1.2) -> None:
    """A line that leaves ``start`` and reaches ``end`` level."""
    middle = (start[0] + end[0]) / 2
    verts = [start, (middle, start[1]), (middle, end[1]), end]
    codes = [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
    axis.add_patch(PathPatch(Path(verts, codes), fill=False, edgecolor=colour, linewidth=line))


def rule(
    axis: Axes,
    start: Point,
    end: Point,
    colour: str = INK,
    line: float = 1.2,
    dashes: bool = False,
) -> None:
    """A straight line."""
    style = (0, (3, 3)) if dashes else "-"
    axis.plot(*zip(start, end, strict=True), color=colour, linewidth=line, linestyle=style)


def chip(
    axis: Axes,
    x: float,
    y: float,
    text: str,
    colour: str = INK,
    width: float = 44,
    strong: bool = False,
) -> None:
    """A pill with a score, (x, y) the middle of it; ``strong`` has an edge and bold words."""
    box(axis, x - width / 2, y - 10, width, 20, colour, 0.22 if strong else TINT, 1.5 * strong)
    words(axis, x, y, text, colour, bold=strong, align="center")


def crossed(axis: Axes, x: float, y: float, width: float, colour: str = INK) -> None:
    """A line through words that begin at (x, y)."""
    rule(axis, (x - 2, y), (x + width + 2, y), colour, 1.0)


def cross(axis: Axes, x: float, y: float, size: float = 8, colour: str = INK) -> None:
    """A small × around (x, y)."""
    half = size / 2
    rule(axis, (x - half, y - half), (x + half, y + half), colour, 1.6)
    rule(axis, (x - half, y + half), (x + half, y - half), colour, 1.6)


def tick(axis: Axes, x: float, y: float, size: float = 10, colour: str = KEPT) -> None:
    """A small ✓ around (x, y)."""
    points = [(x - size / 2, y), (x - size / 8, y + size * 0.38), (x + size / 2, y - size * 0.4)]
    axis.plot(*zip(*points, strict=True), color=colour, linewidth=2)


def dot(axis: Axes, x: float, y: float, colour: str = INK, size: float = 4) -> None:
    """A dot of radius ``size``."""
    axis.add_patch(Circle((x, y), size, color=colour, linewidth=0, zorder=3))


def area(axis: Axes, points: Sequence[Point], colour: str = INK, fill: float = TINT) -> None:
    """A tinted area inside ``points``."""
    axis.add_patch(Polygon(points, closed=True, facecolor=colour, alpha=fill, linewidth=0))


def bracket(
    axis: Axes, x0: float, x1: float, y: float, text: str, colour: str = INK, below: bool = False
) -> None:
    """A bracket over (or ``below``) what lies between x0 and x1, with its name in the middle."""
    foot = -7 if below else 7
    corners = [(x0, y + foot), (x0, y), (x1, y), (x1, y + foot)]
    axis.plot(*zip(*corners, strict=True), color=colour, linewidth=1.2)
    words(axis, (x0 + x1) / 2, y - 1.7 * foot, text, colour, bold=True, align="center")


def brace(axis: Axes, y0: float, y1: float, x: float, text: str, colour: str = INK) -> None:
    """A bracket on the right of what lies between y0 and y1, with words on its right."""
    corners = [(x - 6, y0), (x, y0), (x, y1), (x - 6, y1)]
    axis.plot(*zip(*corners, strict=True), color=colour, linewidth=1.2)
    words(axis, x + 8, (y0 + y1) / 2, text, colour)


def number(value: float, places: int = 1) -> str:
    """A number with a true minus."""
    return f"{value:.{places}f}".replace("-", "−")


def percent(share: float) -> str:
    """A share in whole percent; what is not quite 0 or 1 is not written as if it were."""
    if 0 < share < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"


@lru_cache(maxsize=4096)
def width_of(text: str, size: float = SMALL, bold: bool = False) -> float:
    """How wide ``text`` is drawn, in units; most readers' own fonts are narrower."""
    font = FontProperties(size=size, weight="bold" if bold else "normal")
    return TextToPath().get_text_width_height_descent(text, font, False)[0] * PIXELS / 72


def fitted(text: str, width: float, size: float = SMALL) -> str:
    """As many whole words of ``text`` as fit into ``width``, with … where some are missing."""
    if width_of(text, size) <= width:
        return text
    kept = text.split()
    while kept:
        short = " ".join(kept).rstrip(",.;:") + " …"
        if len(kept) == 1 or width_of(short, size) <= width:
            return short
        kept.pop()
    return text


def wrapped(text: str, width: float, size: float = SMALL, most: int = 99) -> list[str]:
    """``text`` in at most ``most`` lines that fit into ``width``; … where words are missing."""
    lines: list[str] = []
    for word in text.split():
        if lines and width_of(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    if len(lines) > most:
        lines[most - 1 :] = [fitted(" ".join(lines[most - 1 :]), width, size)]
    return lines
