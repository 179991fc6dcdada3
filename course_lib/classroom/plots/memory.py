"""Where the memory goes, against what there is."""

from collections.abc import Mapping, Sequence

from matplotlib import rc_context
from matplotlib.axes import Axes

from .figure import COLOURS, INK, STYLE, Figure, done, new

# what grows with the number of weights is blue, and lighter from part to part
SHADES = {
    "policy that sampled": "#003C5F",
    "weights": "#0072B2",
    "gradients": "#5AA9D6",
    "Adam's moments": "#9CCBE5",
    "half-precision copy": "#CFE6F3",
    "keys and values": COLOURS[1],
    "activations": COLOURS[1],
    "logits": COLOURS[2],
    "other models": COLOURS[3],
}
SHORT = {
    "policy that sampled": "policy",
    "Adam's moments": "moments",
    "half-precision copy": "half copy",
    "keys and values": "keys, values",
}
WIDTH, LETTER = 5.6, 0.062  # inches of the figure, and of a letter in a label
ROW, LANE = 0.62, 0.17  # inches of a row without its labels, and of a line of labels
LEAST = 0.012  # of the axis: a thinner part has no label
Part = tuple[str, float, float]  # name, where it begins, how wide it is


@rc_context(STYLE)
def memory(
    rows: Mapping[str, Mapping[str, float]],
    limit: float,
    limit_name: str = "memory there is",
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """Stacked bars of gigabytes (10⁹ bytes), one a row, with a line at ``limit``.

    ``rows``: name → {part: GB}. Each part's name stands below it. Parts of the same name have the
    same colour in every row; what grows with the number of weights is blue.
    """
    colours = _colours(list(dict.fromkeys(part for row in rows.values() for part in row)))
    totals = {name: sum(row.values()) for name, row in rows.items()}
    most = 1.04 * max(limit, *totals.values())
    lanes = {name: in_lanes(parts_of(row), most, WIDTH - 0.3) for name, row in rows.items()}
    tall = [ROW + LANE * max(map(len, (lanes[name], [0]))) for name in rows]
    # heights are in inches, from the top down
    fig, (axis,) = new(width=WIDTH, height=sum(tall) + 1.0)
    top = 0.0
    for (name, row), height in zip(rows.items(), tall, strict=True):
        over = "" if totals[name] <= limit else ", too much"
        axis.text(0, top + 0.12, f"{name}: {totals[name]:.1f} GB{over}", va="center", fontsize=9.5)
        for part, begin, size in parts_of(row):
            axis.broken_barh(
                [(begin, size)], (top + 0.24, 0.24), facecolor=colours[part], edgecolor=INK, lw=0.8
            )
        _names(axis, lanes[name], top + 0.48, most)
        top += height
    axis.axvline(limit, color=INK, linestyle="--", linewidth=1.4)
    side, gap = ("right", -1) if limit > most / 2 else ("left", 1)
    axis.text(limit + 0.01 * gap * most, -0.1, limit_name, ha=side, va="center")
    axis.set(xlim=(0, most), ylim=(top, -0.22), xlabel="GB (10⁹ bytes)", yticks=[])
    axis.spines["left"].set_visible(False)
    axis.set_title(title)
    text = "; ".join(f"{name} {total:.1f} GB" for name, total in totals.items())
    return done(fig, f"{title or 'Memory'}: {text}, against {limit:g} GB, {limit_name}.", quiet)


def parts_of(row: Mapping[str, float]) -> list[Part]:
    """The parts of a row that are there, side by side."""
    parts, end = [], 0.0
    for name, size in row.items():
        if size > 0:
            parts.append((name, end, size))
        end += size
    return parts


def in_lanes(
    parts: Sequence[Part], most: float, width: float
) -> list[list[tuple[str, float, float]]]:
    """Labels below a bar in as few lines as they need: lines of (text, where it begins, its part).

    A label begins where its part does, or earlier where the axis would end. ``width`` inches of
    axis show ``most`` GB. Each goes to the first line that is free, from right to left, so that no
    label hangs on a line through another.
    """
    inch = most / width
    lanes: list[list[tuple[str, float, float]]] = []
    for name, begin, size in reversed(parts):
        if size < LEAST * most:
            continue
        text = f"{SHORT.get(name, name)} {size:.1f}"
        wide = LETTER * len(text) * inch
        at = min(begin, most - wide)
        # what hangs lower has its line in the way, too
        firsts = [min(lane[-1][1:]) for lane in lanes]
        free = [k for k in range(len(lanes)) if at + wide <= min(firsts[k:])]
        if not free:
            lanes.append([])
        lanes[free[0] if free else -1].append((text, at, begin))
    return lanes


def _names(
    axis: Axes, lanes: Sequence[Sequence[tuple[str, float, float]]], top: float, most: float
) -> None:
    """Write the labels below a bar, each hanging on a thin line from its part."""
    for k, lane in enumerate(lanes):
        middle = top + LANE * (k + 0.6)
        for text, at, begin in lane:
            x, gap = begin + 0.002 * most, 0.006 * most
            axis.plot([x, x], [top, middle + 0.06], color=INK, linewidth=0.7)
            left = at == begin
            where, side = (x + gap, "left") if left else (max(x - gap, at), "right")
            axis.text(where, middle, text, ha=side, va="center", fontsize=8.5)


def _colours(parts: Sequence[str]) -> dict[str, str]:
    """A colour for each part: its own, or the next of those that have no meaning yet."""
    others = [part for part in parts if part not in SHADES]
    return {**SHADES, **{part: COLOURS[4 + k % 2] for k, part in enumerate(others)}}
