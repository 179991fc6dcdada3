"""Where the memory goes, against what there is."""

from collections.abc import Mapping, Sequence

from matplotlib import rc_context

from .figure import COLOURS, INK, STYLE, Figure, done, new

# what grows with the number of weights is blue
SHADES = {
    "policy that sampled": "#003C5F",
    "weights": "#0072B2",
    "gradients": "#5AA9D6",
    "Adam's moments": "#B5D8EC",
}


@rc_context(STYLE)
def memory(
    rows: Mapping[str, Mapping[str, float]],
    limit: float,
    limit_name: str = "memory there is",
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """Stacked bars of gigabytes (10⁹ bytes), one a row, with a line at ``limit``.

    ``rows``: name → {part: GB}. Parts of the same name have the same colour in every row; what
    grows with the number of weights is blue.
    """
    parts = list(dict.fromkeys(part for row in rows.values() for part in row))
    colours = _colours(parts)
    fig, (axis,) = new(width=7.5, height=1.7 + 0.42 * len(rows))
    heights = range(len(rows))[::-1]  # the first row at the top
    for k, part in enumerate(parts):
        axis.barh(
            heights,
            [row.get(part, 0.0) for row in rows.values()],
            left=[sum(row.get(p, 0.0) for p in parts[:k]) for row in rows.values()],
            color=colours[part],
            edgecolor=INK,
            linewidth=0.8,
            label=part,
            height=0.6,
        )
    totals = [sum(row.values()) for row in rows.values()]
    most = max(limit, *totals)
    for height, total in zip(heights, totals, strict=True):
        # a label may not lie on the line
        hides = total <= limit < total + 0.12 * most
        axis.annotate(
            f"{total:.1f} GB",
            (limit if hides else total, height),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axis.axvline(limit, color=COLOURS[6], linestyle="--", label=limit_name)
    axis.set_yticks(list(heights), list(rows))
    axis.set_xlim(0, 1.18 * most)
    axis.set_xlabel("GB (10⁹ bytes)")
    axis.grid(False, axis="y")
    axis.set_title(title)
    fig.legend(loc="outside lower center", ncols=3, fontsize=9)
    text = "; ".join(f"{name} {total:.1f} GB" for name, total in zip(rows, totals, strict=True))
    return done(fig, f"{title or 'Memory'}: {text}, against {limit:.0f} GB, {limit_name}.", quiet)


def _colours(parts: Sequence[str]) -> dict[str, str]:
    """A colour for each part: its shade of blue, or the next of the others."""
    others = [part for part in parts if part not in SHADES]
    return {**SHADES, **{part: COLOURS[1 + k % 5] for k, part in enumerate(others)}}
