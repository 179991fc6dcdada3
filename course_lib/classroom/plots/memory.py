"""Where the memory goes, against what there is."""

from matplotlib import rc_context

from .figure import COLOURS, STYLE, done, new


@rc_context(STYLE)
def memory(rows, limit, limit_name="memory there is", title="", quiet=False):
    """Stacked bars of gigabytes (10⁹ bytes), one a row, with a line at ``limit``.

    ``rows``: name → {part: GB}. Parts of the same name have the same colour in every row; what
    grows with the number of weights is blue.
    """
    shades = dict(
        zip(
            ("policy that sampled", "weights", "gradients", "Adam's moments"),
            ("#003C5F", "#0072B2", "#5AA9D6", "#B5D8EC"),
            strict=True,
        )
    )
    parts = list(dict.fromkeys(part for row in rows.values() for part in row))
    others = {
        part: COLOURS[1 + k % 5] for k, part in enumerate(p for p in parts if p not in shades)
    }
    fig, (axis,) = new(width=7.5, height=1.7 + 0.42 * len(rows))
    heights = range(len(rows))[::-1]
    for k, part in enumerate(parts):
        starts = [sum(row.get(p, 0.0) for p in parts[:k]) for row in rows.values()]
        sizes = [row.get(part, 0.0) for row in rows.values()]
        axis.barh(
            heights,
            sizes,
            left=starts,
            color=shades.get(part, others.get(part)),
            edgecolor="white",
            linewidth=1.5,
            label=part,
            height=0.6,
        )
    totals = [sum(row.values()) for row in rows.values()]
    for height, total in zip(heights, totals, strict=True):
        # a label may not lie on the line
        start = limit if total <= limit < total + 0.12 * max(limit, *totals) else total
        axis.annotate(
            f"{total:.1f} GB",
            (start, height),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axis.axvline(limit, color=COLOURS[6], linestyle="--", label=limit_name)
    axis.set_yticks(list(heights), list(rows))
    axis.set_xlim(0, 1.18 * max(limit, *totals))
    axis.set_xlabel("GB (10⁹ bytes)")
    axis.grid(False, axis="y")
    axis.set_title(title)
    fig.legend(loc="outside lower center", ncols=3, fontsize=9)
    text = "; ".join(f"{name} {total:.1f} GB" for name, total in zip(rows, totals, strict=True))
    return done(fig, f"{title or 'Memory'}: {text}, against {limit:.0f} GB, {limit_name}.", quiet)
