"""Lesson 07: reward against KL of each method, how long a sample stays fresh, and repayment."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from ...base import require
from ...estimators import break_even
from .figure import COLOURS, INK, STYLE, Figure, done, new, ring, root
from .frontier import method_colour
from .labels import SIZE, name_lines

KL_TICKS = (1, 4, 9, 16, 25, 64, 100)
COLUMNS = 3
SCORE = "score by the reward model"


@rc_context(STYLE)
def reward_against_kl(result: Mapping, names: Sequence[str], quiet: bool = False) -> Figure:
    """A small panel a method: gold (solid) and the reward model's score (dashed) against KL.

    ``result``: what ``benchmarks/frontier.py`` stored; ``names``: keys of its methods. Each dot is
    one run with other dials, served at the temperature that is best for it. The highest gold of
    each panel has a ring. All panels have the same axes.
    """
    require(names, "name at least one method.")
    rows = -(-(len(names) + 1) // COLUMNS)  # with a place for the key
    fig, _ = new(width=7.8, height=0.5 + 2.3 * rows)
    fig.clear()
    grid = fig.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).flatten()
    peaks = {}
    for axis, name in zip(grid, names, strict=False):
        peaks[name] = _method(axis, result["methods"][name]["grid"].values(), name)
    _shared_axes(grid[: len(names)])
    for axis in grid[len(names) :]:
        axis.axis("off")
    _key(grid[len(names)])
    fig.supxlabel("KL to the base policy (nats, square-root scale)", fontsize=10)
    told = "; ".join(f"{name} at {kl:.0f} nats ({gold:.1f})" for name, (kl, gold) in peaks.items())
    text = f"Reward against KL, a dot a run: gold is highest for {told}."
    return done(fig, text, quiet)


def _method(axis: Axes, points: Sequence[Mapping], name: str) -> tuple[float, float]:
    """Both curves of a panel; returns where gold is highest: (KL, gold)."""
    ordered = sorted(points, key=lambda point: point["kl"]["mean"])
    kl, gold, score = (
        [point[measure]["mean"] for point in ordered] for measure in ("kl", "gold", "proxy")
    )
    colour = COLOURS[method_colour(name)]
    axis.plot(kl, gold, "o-", color=colour, markersize=4, linewidth=2)
    axis.plot(kl, score, "s--", color=INK, markersize=3, linewidth=1.3)
    top = int(np.argmax(gold))
    ring(axis, kl[top], gold[top], colour, 10)
    axis.set_title(name, color=colour, fontsize=11.5)
    return kl[top], gold[top]


def _shared_axes(axes: Sequence[Axes]) -> None:
    """One scale for all: the square root of KL, so that small ones are seen."""
    for axis in axes:
        axis.grid(True, clip_on=False)
        axis.set_xscale("function", functions=(root, np.square))
    right = max(axis.dataLim.x1 for axis in axes)
    axes[0].set_xlim(0, 1.1 * right)
    ticks = [tick for tick in KL_TICKS if tick <= right]
    for axis in axes:
        axis.set_xticks(ticks, [str(tick) for tick in ticks])
        axis.tick_params(labelbottom=True)
    for axis in axes[::COLUMNS]:
        axis.set_ylabel("points")


def _key(axis: Axes) -> None:
    """What the two lines are, and the ring, in the empty place."""
    place = {"transform": axis.transAxes, "va": "center"}
    rows = ((0.8, "o-", "gold: what we want"), (0.6, "s--", SCORE), (0.4, "o", "highest gold"))
    for y, style, text in rows:
        look = {"markersize": 10, "markerfacecolor": "none"} if style == "o" else {"markersize": 4}
        x = [0.12] if style == "o" else [0.04, 0.2]
        axis.plot(x, [y] * len(x), style, color=INK, transform=axis.transAxes, **look)
        axis.text(0.27, y, text, color=INK, fontsize=9.5, **place)


@rc_context(STYLE)
def freshness(
    passes: Sequence[int], old: Sequence[float], fresh: Sequence[float], quiet: bool = False
) -> Figure:
    """How far the gradient of the kept replies still points where fresh ones do.

    ``passes``: over the kept replies; ``old``: cosine of their gradient with that of fresh
    replies; ``fresh``: cosine of two fresh sets, the control.
    """
    require(
        len(passes) == len(old) == len(fresh) > 1,
        f"give both cosines for each of {len(passes)} passes; got {len(old)} and {len(fresh)}.",
    )
    fig, (axis,) = new(width=7.0, height=3.2)
    axis.plot(passes, fresh, "s--", color=INK, label="two fresh sets")
    axis.plot(passes, old, "o-", color=COLOURS[0], linewidth=2.5, label="kept and fresh")
    axis.axhline(0, color=INK, linewidth=1)
    axis.set_xticks(passes, [str(k) for k in passes])
    axis.set_xlabel("passes over the kept replies")
    axis.set_ylabel("agreement of gradients (cosine)")
    name_lines(axis)
    text = (
        f"The kept replies go stale: after {passes[-1]} passes the cosine of their gradient with "
        f"that of fresh replies is {old[-1]:+.1f} (at first {old[0]:+.1f}); two fresh sets have "
        f"{fresh[-1]:+.1f} (at first {fresh[0]:+.1f})."
    )
    return done(fig, text, quiet)


@rc_context(STYLE)
def repaid(
    training: float,
    tuned: float,
    rivals: Mapping[str, float],
    name: str = "fine-tuned",
    most: int | None = None,
    quiet: bool = False,
) -> Figure:
    """What each way has cost after so many answers, and where fine-tuning becomes the cheaper one.

    ``training``: its cost, paid once; ``tuned``: an answer of the fine-tuned policy (called
    ``name``); ``rivals``: name → cost of an answer without training. All in one unit. ``most``: the
    answers at the right end (default: twice the first crossing).
    """
    require(rivals, "name at least one rival.")
    after = {rival: break_even(training, each, tuned) for rival, each in rivals.items()}
    first = min(after, key=lambda rival: after[rival])
    require(np.isfinite(after[first]), "fine-tuning is never repaid against any of these rivals.")
    right = most or 2 * after[first]
    fig, (axis,) = new(width=7.4, height=3.6)
    x = np.array([0.0, right])
    axis.plot(x, (training + tuned * x) / training, color=COLOURS[0], linewidth=3, label=name)
    for k, (rival, each) in enumerate(rivals.items()):
        axis.plot(x, each * x / training, color=COLOURS[(1, 6, 2, 3)[k % 4]], label=rival)
    at = after[first]
    ring(axis, at, (training + tuned * at) / training, INK, 12)
    axis.annotate(
        f"repaid after {at:,.0f} answers",
        (at, (training + tuned * at) / training),
        xytext=(-14, 8),
        textcoords="offset points",
        ha="right",
        fontsize=SIZE + 1,
        fontweight="bold",
        color=INK,
    )
    axis.set_xlim(0, right)
    axis.set_ylim(0)
    axis.set_xlabel("answered questions")
    axis.set_ylabel("operations (training = 1)")
    name_lines(axis)
    text = (
        f"Operations in units of the training, which {name} pays at once: with its answers it is "
        f"cheaper than {first} after {at:,.0f} of them."
    )
    return done(fig, text, quiet)
