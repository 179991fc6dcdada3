"""What fine-tuning changed: two marks a row, one reply against best-of-n, gold by round."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from ...base import require
from ...estimators import Interval
from .figure import (
    COLOURS,
    INK,
    STYLE,
    Figure,
    bars,
    done,
    heading,
    new,
    powers_axis,
    ring,
    stored_bars,
)
from .labels import SIZE, name_lines

# what is drawn of the arms of benchmarks/rounds.py: arm → (name in the picture, colour)
ARMS = {
    "pooled, reward model refreshed": ("gold, reward model refreshed", COLOURS[5]),
    "all rounds pooled": ("gold, all rounds pooled", COLOURS[2]),
    "last round only": ("gold, frozen, last round only", COLOURS[0]),
}
FROZEN = "last round only"


@rc_context(STYLE)
def dumbbells(
    names: Sequence[str],
    marks: Mapping[str, Sequence[Interval]],
    xlabel: str,
    spec: str = ".2f",
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """Two means with their intervals in each row, such as before and after, or warm and cold.

    ``marks``: two names, each with an Interval for every row; the first is drawn open, the second
    filled. ``spec``: how a mean is written.
    """
    require(len(marks) == 2, f"each row has two marks; got {len(marks)}: {list(marks)}.")
    for name, values in marks.items():
        require(
            len(values) == len(names),
            f"{name!r} needs an interval for each of {len(names)} rows; got {len(values)}.",
        )
    fig, (axis,) = new(height=1.3 + 0.55 * len(names))
    rows = np.arange(len(names))[::-1]  # the first name at the top
    looks = [(COLOURS[1], "none", 0.16), (COLOURS[0], COLOURS[0], -0.16)]
    for (name, values), (colour, face, up) in zip(marks.items(), looks, strict=True):
        means = [value.mean for value in values]
        style: dict[str, Any] = {"color": colour, "markerfacecolor": face, "markersize": 7}
        axis.errorbar(means, rows + up, xerr=bars(values), fmt="o", capsize=2.5, **style)
        for row, value in zip(rows, values, strict=True):
            shown = format(value.mean, spec).replace("-", "−")
            _beside(axis, value.high, row + up, shown, colour)
        _above(axis, means[0], rows[0] + up + 0.22 * (up > 0), name, colour, up > 0)
    axis.set_yticks(rows, names, fontweight="bold")
    axis.set_ylim(-0.75, len(names) - 0.3)
    axis.margins(x=0.12)
    axis.grid(False, axis="y")
    if spec.endswith("%"):
        axis.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    axis.set_xlabel(xlabel)
    axis.set_title(title)
    first, second = marks
    told = [
        f"{name} {one.mean:{spec}} ({first}), {other.mean:{spec}} ({second})"
        for name, one, other in zip(names, *marks.values(), strict=True)
    ]
    text = "; ".join(told).replace(" -", " −")
    return done(fig, f"{heading(title, xlabel)}: {text}. Bars: 95 %.", quiet)


def _beside(axis: Axes, x: float, y: float, text: str, colour: str) -> None:
    """A number to the right of its bar."""
    axis.annotate(
        text,
        (x, y),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontsize=SIZE,
        color=colour,
    )


def _above(axis: Axes, x: float, y: float, text: str, colour: str, above: bool) -> None:
    """What a kind of mark is called, once, at its mark in the first row."""
    axis.annotate(
        text,
        (x, y),
        xytext=(0, 4 if above else -8),
        textcoords="offset points",
        ha="center",
        va="bottom" if above else "top",
        fontsize=SIZE,
        fontweight="bold",
        color=colour,
    )


@rc_context(STYLE)
def one_against_best_of_n(
    ns: Sequence[int],
    best: Sequence[Interval],
    ones: Mapping[str, Interval],
    ylabel: str = "gold reward (points)",
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """The best of n of one policy as a curve, and single replies of others as lines across.

    ``best``: an Interval for each of ``ns``, whose highest is marked; ``ones``: name → Interval.
    """
    require(
        len(best) == len(ns),
        f"the curve needs an interval for each of {list(ns)}; got {len(best)}.",
    )
    fig, (axis,) = new(width=7.6, height=4.0)
    means = [value.mean for value in best]
    _band(axis, ns, best, COLOURS[0])
    axis.plot(ns, means, "o-", color=COLOURS[0], markersize=4, label="best of n of the base")
    for k, (name, value) in enumerate(ones.items(), 1):
        ends = [ns[0], ns[-1]]
        _band(axis, ends, [value, value], COLOURS[k])
        axis.plot(ends, [value.mean] * 2, "--", color=COLOURS[k], label=name)
    top = int(np.argmax(means))
    ring(axis, ns[top], means[top], COLOURS[0], 11)
    axis.annotate(
        f"highest at n = {ns[top]}",
        (ns[top], means[top]),
        xytext=(0, 10),
        textcoords="offset points",
        ha="center",
        fontsize=SIZE,
        color=COLOURS[0],
    )
    powers_axis(axis, ns, "n, candidates of the base per question (log scale)")
    axis.set_ylabel(ylabel)
    axis.set_title(title)
    name_lines(axis)
    told = "; ".join(f"{name} has {value.mean:.2f}" for name, value in ones.items())
    text = (
        f"{heading(title, ylabel)}: best of n of the base goes from {means[0]:.2f} at n = {ns[0]} "
        f"to {means[top]:.2f} at n = {ns[top]}; {told}. Bands: 95 %."
    )
    return done(fig, text, quiet)


def _band(axis: Axes, x: Sequence[float], values: Sequence[Interval], colour: str) -> None:
    low, high = [value.low for value in values], [value.high for value in values]
    axis.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)


@rc_context(STYLE)
def round_by_round(result: Mapping, title: str = "", quiet: bool = False) -> Figure:
    """Gold by round, and what the frozen reward model says of the policy that follows it.

    ``result``: what ``benchmarks/rounds.py`` stored. Solid lines are gold, one an arm; the dashed
    one is the frozen reward model's own score of "last round only".
    """
    fig, (axis,) = new(width=7.6, height=4.2)
    scores = [row["proxy"] for row in (result["base"], *result["arms"][FROZEN])]
    score = "score by the frozen reward model"
    _over(axis, scores, score, {"color": COLOURS[1], "linestyle": "--", "marker": "s"})
    parts = [f"{score} of last round only " + _listed(scores)]
    for place, (arm, (name, colour)) in enumerate(ARMS.items()):
        values = [row["gold"] for row in (result["base"], *result["arms"][arm])]
        _over(axis, values, name, {"color": colour, "marker": "o"}, aside=0.05 * (1 - place))
        parts.append(f"{name} " + _listed(values))
    axis.axhline(result["base"]["gold"]["mean"], color=INK, linewidth=0.8, linestyle=":")
    axis.set_xticks(range(len(scores)))
    axis.set_xlabel("round (0: base policy)")
    axis.set_ylabel("points, one reply at T = 1")
    axis.set_title(title)
    name_lines(axis)
    start = title or "Rounds of fine-tuning"
    return done(
        fig, f"{start}, from round 0: " + "; ".join(parts) + ". Bars: 95 %, at the end.", quiet
    )


def _over(
    axis: Axes,
    values: Sequence[Mapping],
    name: str,
    style: Mapping[str, Any],
    aside: float = 0.0,
) -> None:
    """One line over the rounds, with an error bar ``aside`` of the last, clear of the others."""
    means = [value["mean"] for value in values]
    axis.plot(range(len(values)), means, **style, markersize=5, label=name)
    last = len(values) - 1
    quiet = {"color": style["color"], "capsize": 2.5, "elinewidth": 1}
    axis.errorbar([last + aside], means[-1:], yerr=stored_bars(values[-1:]), fmt="none", **quiet)


def _listed(values: Sequence[Mapping]) -> str:
    return ", ".join(f"{value['mean']:.2f}" for value in values)
