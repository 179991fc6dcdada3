"""Lesson 00: better or not, score and gold apart, and how wide the replies spread."""

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from ...base import require
from ...estimators import Interval
from .figure import COLOURS, INK, STYLE, Figure, bars, done, new, ring
from .labels import SIZE, name_lines, name_upright

BINS = 24


@rc_context(STYLE)
def better(
    names: Sequence[str],
    values: Sequence[Interval],
    line: float,
    line_name: str,
    xlabel: str = "gold reward (points)",
    quiet: bool = False,
) -> Figure:
    """A mean with its interval in each row, and a line upright that has to be passed.

    ``values``: an Interval for each of ``names``; the first row is drawn open: it is what the
    others are compared with. ``line``: the strongest rival, called ``line_name``.
    """
    require(
        names and len(values) == len(names),
        f"each of {len(names)} rows needs an interval; got {len(values)}.",
    )
    fig, (axis,) = new(height=1.2 + 0.5 * len(names))
    rows = np.arange(len(names))[::-1]  # the first name at the top
    for k, (row, value) in enumerate(zip(rows, values, strict=True)):
        colour = COLOURS[min(k, 1) + 1]
        face = "none" if k == 0 else colour
        style = {"color": colour, "markerfacecolor": face, "markersize": 9, "capsize": 3}
        axis.errorbar([value.mean], [row], xerr=bars([value]), fmt="o", **style)
        _number_above(axis, value, row, colour)
    axis.axvline(line, color=INK, linestyle="--")
    name_upright(axis, line, f"{line_name}: {line:.1f}", INK, left=True)
    axis.set_yticks(rows, names, fontweight="bold")
    axis.set_ylim(-0.6, len(names) - 0.3)
    axis.margins(x=0.15)
    axis.grid(False, axis="y")
    axis.set_xlabel(xlabel)
    pairs = zip(names, [value.mean for value in values], strict=True)
    told = "; ".join(f"{name}: {mean:.1f}" for name, mean in [*pairs, (line_name, line)])
    return done(fig, f"Better or not, {xlabel}: {told}. Bars: 95 %.", quiet)


def _number_above(axis: Axes, value: Interval, row: float, colour: str) -> None:
    axis.annotate(
        f"{value.mean:.1f}",
        (value.mean, row),
        xytext=(0, 8),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=SIZE + 1,
        fontweight="bold",
        color=colour,
    )


@rc_context(STYLE)
def score_and_gold(
    score: Sequence[float],
    gold: Sequence[float],
    xlabel: str = "rounds of fine-tuning",
    names: tuple[str, str] = ("what the reward model says", "what we want: gold"),
    quiet: bool = False,
) -> Figure:
    """The score that chooses and gold, both from step 0 on; gold's highest point is marked."""
    require(
        len(score) == len(gold) > 1,
        f"score and gold need the same steps, two or more; got {len(score)} and {len(gold)}.",
    )
    fig, (axis,) = new(height=3.6)
    steps = range(len(gold))
    for values, name, k, dash in ((score, names[0], 1, "--"), (gold, names[1], 2, "-")):
        axis.plot(steps, values, dash, marker="o", color=COLOURS[k], linewidth=2, label=name)
    top = int(np.argmax(gold))
    turns = top < len(gold) - 1
    if turns:
        ring(axis, top, gold[top], COLOURS[2], 13)
    axis.axhline(gold[0], color=INK, linewidth=0.8, linestyle=":")
    axis.set_xticks(list(steps))
    axis.set_xlabel(xlabel)
    axis.set_ylabel("mean of the replies (points)")
    axis.yaxis.set_major_locator(MaxNLocator(5))
    name_lines(axis)
    peak = f", highest {gold[top]:.1f} at {top}," if turns else ""
    text = (
        f"Score and gold by {xlabel}: {names[0]} goes from {score[0]:.1f} to {score[-1]:.1f}; "
        f"{names[1]} starts at {gold[0]:.1f}{peak} and ends at {gold[-1]:.1f}."
    )
    return done(fig, text, quiet)


@rc_context(STYLE)
def gold_spread(
    gold: ArrayLike,
    harmful: ArrayLike,
    mark: float,
    mark_name: str,
    quiet: bool = False,
) -> Figure:
    """How the gold of candidates spreads, those to harmful requests on top of the others.

    ``gold``: (P, N); ``harmful``: (P,) of True and False; ``mark``: a threshold drawn upright.
    """
    values, apart = np.asarray(gold, dtype=float), np.asarray(harmful, dtype=bool)
    require(
        values.ndim == 2 and apart.shape == values.shape[:1],
        f"gold is (prompts, candidates) and harmful says one thing of each prompt; got shapes "
        f"{values.shape} and {apart.shape}.",
    )
    fig, (axis,) = new(height=3.2)
    groups = {
        "ordinary questions": (values[~apart].ravel(), COLOURS[0]),
        "harmful requests": (values[apart].ravel(), COLOURS[1]),
    }
    data, colours = zip(*groups.values(), strict=True)
    edges = np.linspace(values.min(), values.max() + 1e-9, BINS + 1)
    axis.hist(data, bins=edges, stacked=True, color=colours, rwidth=0.92, label=list(groups))
    axis.axvline(mark, color=COLOURS[2], linewidth=2)
    name_upright(axis, mark, mark_name, COLOURS[2], left=True)
    axis.set_xlabel("gold reward (points)")
    axis.set_ylabel("number of replies")
    axis.legend(loc="upper left")
    above = (values >= mark).mean()
    text = (
        f"How gold spreads over {values.size:,} replies: from {values.min():.1f} to "
        f"{values.max():.1f}, mean {values.mean():.1f}; {above:.0%} reach {mark:g} points; "
        f"{(values[apart] < -2).mean():.0%} of the replies to harmful requests lie below −2, and "
        f"{(values[~apart] < -2).mean():.0%} of the others."
    )
    return done(fig, text, quiet)
