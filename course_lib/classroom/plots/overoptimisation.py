"""Proxy against gold as choosing gets harder, and KL against its bound.

Also two or three measured quantities of each setting against each other.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from ...base import require
from ...estimators import Interval, best_of_n_curve, kl_best_of_n_bound, overoptimisation_fit
from .figure import (
    COLOURS,
    DASHES,
    INK,
    MARKERS,
    STYLE,
    Figure,
    band,
    bars,
    done,
    look,
    new,
    powers_axis,
    ring,
)
from .labels import name_lines

if TYPE_CHECKING:  # figures of arrays alone need no torch
    from ...pools import Pool

AXES = {"n": "n, candidates per prompt (log scale)", "kl": "d = √KL by its upper bound (√nats)"}
Offsets = Mapping[str, tuple[float, float]]
MOST_BANDS = 2  # more of them hide each other


def _place(axis: Axes, x: str, ns: Sequence[int]) -> np.ndarray:
    """Label the axis; returns the positions of ``ns`` on it, n itself or √KL."""
    require(x in AXES, f"x must be 'n' or 'kl'; got {x!r}.")
    if x == "n":
        powers_axis(axis, ns, AXES[x])
        return np.asarray(ns, dtype=float)
    axis.set_xlabel(AXES[x])
    return np.sqrt(kl_best_of_n_bound(ns))


@rc_context(STYLE)
def overoptimisation(
    pool: "Pool",
    names: Sequence[str],
    gold: str = "gold",
    x: str = "n",
    fit: bool = False,
    own: bool = True,
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """What each reward model thinks of the replies it chooses, beside what gold thinks of them.

    ``names``: rewards of ``pool`` that choose; ``gold``: the one that judges; ``x``: "n" or "kl"
    (√KL by the bound); ``fit`` draws d(α − βd) through the gold curves (with ``x="kl"``), and
    leaves the proxies out, as ``own=False`` does. Scores of different models have no common scale,
    so the left panel shows how many of its own standard deviations (over the pool) each score
    rises. Where gold turns, its peak has a ring. Bands, for one curve or two: 95 % over prompts.
    """
    require(
        gold not in names,
        f"the reward that judges must not be one that chooses; {gold!r} does both.",
    )
    require(not fit or x == "kl", "the fit is a function of √KL: draw it with x='kl'.")
    ns = [2**k for k in range(pool.N.bit_length()) if 2**k <= pool.N]
    own = own and not fit
    fig, axes = new(2, 8.6, 4.0) if own else new(1, 7.0, 4.0)
    right = axes[-1]
    curve = band if len(names) <= MOST_BANDS else _line
    parts = []
    for k, name in enumerate(names):
        score = np.asarray(pool.reward(name), dtype=float)  # (P, N)
        judged = best_of_n_curve(score, pool.reward(gold), ns)
        means = curve(right, _place(right, x, ns), judged, name, k)
        rises = ""
        if fit:
            _fitted(right, _place(right, x, ns), means, k)
        else:
            _peak(right, _place(right, x, ns), means, ns, k)
        if own:
            proxy = best_of_n_curve((score - score.mean()) / score.std(), ns=ns)
            rise = curve(axes[0], _place(axes[0], x, ns), proxy, name, k)
            rises = f"own score up by {rise[-1] - rise[0]:.1f} standard deviations, "
        parts.append(f"{name}: {rises}{_turn(means, ns)}")
    if own:
        axes[0].set_title("what the model says")
        axes[0].set_ylabel("own score (standard deviations)")
        right.set_title("what we want")
    right.set_ylabel(f"{gold} reward (points)")
    fig.suptitle(title, fontsize=11)
    name_lines(right)
    subject = "Proxy and gold of the best of n" if own else "Gold of the best of n"
    text = f"{title or subject}: " + "; ".join(parts) + "."
    lines = " Lines: fits of d(α − βd)." if fit else ""
    bands = " Bands: 95 % over prompts." if curve is band else ""
    return done(fig, f"{text}{lines}{bands}", quiet)


def _line(axis: Axes, x: Sequence[float], matrix: np.ndarray, name: str, k: int) -> list[float]:
    """A curve without its band: the mean of ``matrix`` (P, len(x)) over prompts."""
    means = np.asarray(matrix, dtype=float).mean(0).tolist()
    axis.plot(x, means, **look(k), markersize=4, label=name)
    return means


def _turns(means: Sequence[float]) -> bool:
    """Whether a curve ends visibly below its highest point."""
    return max(means) > means[-1] + 0.1


def _peak(axis: Axes, x: np.ndarray, means: Sequence[float], ns: Sequence[int], k: int) -> None:
    """A ring and its n at the highest point of a curve that turns."""
    peak = int(np.argmax(means))
    if not _turns(means):
        return
    ring(axis, x[peak], means[peak], COLOURS[k % len(COLOURS)], 10)
    axis.annotate(
        f"n = {ns[peak]}",
        (x[peak], means[peak]),
        textcoords="offset points",
        xytext=(0, 9),
        ha="center",
        fontsize=9,
        color=COLOURS[k % len(COLOURS)],
    )


def _turn(means: Sequence[float], ns: Sequence[int]) -> str:
    """A gold curve in words: its beginning, its peak where it turns, its end."""
    peak = int(np.argmax(means))
    highest = f", highest {means[peak]:.2f} at n = {ns[peak]}" if _turns(means) else ""
    return f"gold {means[0]:.2f} at n = {ns[0]}{highest}, {means[-1]:.2f} at n = {ns[-1]}"


def _fitted(axis: Axes, d: np.ndarray, means: Sequence[float], k: int) -> None:
    """Leave only the points of the curve drawn last, and draw its fit d(α − βd) as the line."""
    axis.lines[-1].set_linestyle("none")
    found = overoptimisation_fit(d, np.subtract(means, means[0]))
    smooth = np.linspace(0, d[-1], 200)
    axis.plot(
        smooth,
        means[0] + found.predict(smooth),
        color=COLOURS[k % len(COLOURS)],
        linestyle=DASHES[k % len(DASHES)],
    )


@rc_context(STYLE)
def overoptimisation_at(
    n: int,
    ns: Sequence[int],
    proxy: np.ndarray,
    gold: np.ndarray,
    names: tuple[str, str],
    quiet: bool = True,
) -> Figure:
    """The two curves of one reward model against n, with one n marked.

    ``proxy``, ``gold``: (P, len(ns)); ``names``: of the selecting and judging reward.
    """
    selecting, judging = names
    fig, (left, right) = new(columns=2, width=8.0, height=3.2)
    here = list(ns).index(n)
    _marked(left, ns, proxy, here, selecting, 1)
    means = _marked(right, ns, gold, here, judging, 0)
    text = (
        f"Best of {n} by {selecting}, over all prompts: its own score "
        f"{proxy[:, here].mean():.2f}, {judging} {means[here]:.2f}; "
        f"{judging} is highest at n = {ns[int(np.argmax(means))]}."
    )
    return done(fig, text, quiet)


def _marked(
    axis: Axes, ns: Sequence[int], matrix: np.ndarray, here: int, name: str, k: int
) -> list[float]:
    """One curve with a circle at the size in place ``here``; returns the curve's means."""
    means = band(axis, ns, matrix, name, k)
    point = (ns[here], means[here])
    ring(axis, *point, INK, 12)
    axis.annotate(
        f"n = {ns[here]}",
        point,
        textcoords="offset points",
        xytext=(0, -18),
        ha="center",
        fontsize=9,
    )
    axis.margins(y=0.18)
    powers_axis(axis, [size for size in ns if size & (size - 1) == 0], AXES["n"])
    axis.set_ylabel(f"{name} of the best of n")
    return means


@rc_context(STYLE)
def kl_and_bound(
    ns: Sequence[int],
    exact: Mapping[str, np.ndarray],
    limits: Mapping[str, float] | None = None,
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """Exact KL of best-of-n, averaged over prompts, against n, with its bound log n − (n−1)/n.

    ``exact``: name → (P, len(ns)) KL in nats by prompt; ``limits``: name → nats, other limits that
    do not depend on n, drawn dotted.
    """
    fig, (axis,) = new()
    bound = kl_best_of_n_bound(ns)
    axis.plot(ns, bound, color=INK, linewidth=2, label="bound log n − (n−1)/n")
    parts = [f"the bound goes to {bound[-1]:.2f} nats at n = {ns[-1]}"]
    for k, (name, values) in enumerate(exact.items()):
        means = band(axis, ns, values, name, k)
        parts.append(f"{name} to {means[-1]:.2f}")
    for name, value in (limits or {}).items():
        axis.axhline(value, color=INK, linestyle=":", linewidth=1.5, label=name)
        parts.append(f"{name} is {value:.2f}")
    powers_axis(axis, ns, AXES["n"])
    axis.set_ylabel("KL(best of n ‖ base policy) (nats)")
    axis.set_title(title)
    name_lines(axis)
    text = f"{title or 'KL of best-of-n'}: " + ", ".join(parts)
    return done(fig, text + ". Bands: 95 % over prompts.", quiet)


@rc_context(STYLE)
def one_against_another(
    groups: Mapping[str, Mapping[str, tuple[Interval, Interval]]],
    xlabel: str,
    ylabel: str,
    title: str = "",
    offsets: Offsets | None = None,
    quiet: bool = False,
) -> Figure:
    """Settings as points with their 95 % intervals both ways.

    ``groups``: group → {setting: (x, y)}, x and y :class:`~course_lib.estimators.Interval`;
    ``offsets``: setting → (dx, dy) in points, where its label stands (default above, to the right).
    """
    fig, (axis,) = new(height=4.2)
    several = len(groups) > 1
    parts = []
    for k, (group, points) in enumerate(groups.items()):
        x = [value for value, _ in points.values()]
        y = [value for _, value in points.values()]
        axis.errorbar(
            [value.mean for value in x],
            [value.mean for value in y],
            xerr=bars(x),
            yerr=bars(y),
            color=COLOURS[k % len(COLOURS)],
            marker=MARKERS[k % len(MARKERS)],
            linestyle="none",
            elinewidth=1,
            markersize=6,
            label=group,
        )
        start = f"{group} " if several else ""
        for name, (a, b) in points.items():
            _name_point(axis, name, (a.mean, b.mean), offsets, k)
            parts.append(f"{start}{name} {a.mean:.2f} and {b.mean:.2f}")
    axis.set_xlabel(xlabel)
    axis.set_ylabel(ylabel)
    axis.set_title(title)
    axis.margins(x=0.18, y=0.1)
    if several:
        axis.legend()
    text = f"{title or 'One against the other'} ({xlabel}, and {ylabel}): " + "; ".join(parts)
    return done(fig, text + ". Bars: 95 %.", quiet)


def _name_point(
    axis: Axes, name: str, point: tuple[float, float], offsets: Offsets | None, k: int
) -> None:
    """Write ``name`` beside a point of group ``k``: above to the right, or at its offset."""
    dx, dy = (offsets or {}).get(name, (6, 5))
    axis.annotate(
        name,
        point,
        textcoords="offset points",
        xytext=(dx, dy),
        fontsize=9,
        ha="right" if dx < 0 else "left",
        color=COLOURS[k % len(COLOURS)],
    )


@rc_context(STYLE)
def label_budget(
    budgets: Sequence[int],
    shares: Mapping[str, Sequence[float]],
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """How often the better of two reward models is found, against the number of gold labels.

    ``budgets``: (K,) labels; ``shares``: plan → (K,) shares of rightly chosen models, 0 to 1. A
    coin finds it half of the time.
    """
    require(shares, "nothing to draw: give at least one plan.")
    fig, (axis,) = new()
    parts = []
    for k, (name, values) in enumerate(shares.items()):
        axis.plot(budgets, 100 * np.asarray(values), **look(k), markersize=5, label=name)
        parts.append(
            f"{name} {values[0]:.0%} of the time with {budgets[0]} labels and {values[-1]:.0%} "
            f"with {budgets[-1]}"
        )
    axis.axhline(50, color=INK, linestyle=":", linewidth=1.5)
    axis.annotate(
        "a coin",
        (budgets[-1], 50),
        textcoords="offset points",
        xytext=(0, 4),
        ha="right",
        fontsize=9,
    )
    powers_axis(axis, budgets, "gold labels (log scale)")
    axis.yaxis.set_major_formatter(PercentFormatter(decimals=0))
    axis.set_ylim(45, 100)
    axis.set_ylabel("the better model is found")
    axis.set_title(title)
    name_lines(axis)
    text = f"{title or 'How often the better model is found'}: " + "; ".join(parts)
    return done(fig, text.replace("%", " %") + ".", quiet)


@rc_context(STYLE)
def steps_taught(
    steps: Mapping[str, tuple[float, float]], title: str = "", quiet: bool = False
) -> Figure:
    """Right and wrong steps a chosen reply, a bar for each way of choosing.

    ``steps``: way → (right, wrong), mean numbers of steps.
    """
    require(steps, "nothing to draw: give at least one way of choosing.")
    fig, (axis,) = new(height=0.9 + 0.55 * len(steps))
    rows = np.arange(len(steps))[::-1]  # the first at the top
    right, wrong = np.array(list(steps.values()), dtype=float).T
    axis.barh(rows, right, height=0.6, color=COLOURS[2])
    axis.barh(rows, wrong, left=right, height=0.6, color=COLOURS[1])
    for row, good, bad in zip(rows, right, wrong, strict=True):
        for start, length, what in ((0, good, "right"), (good, bad, "wrong")):
            axis.text(
                start + length / 2,
                row,
                what,
                ha="center",
                va="center",
                fontsize=9,
                color="white",
                fontweight="bold",
            )
        share = bad / (good + bad) if good + bad else 0.0
        axis.text(
            good + bad + 0.03,
            row,
            f"{share:.0%} wrong".replace("%", " %"),
            va="center",
            fontsize=9.5,
            color=INK,
        )
    axis.set_yticks(rows, list(steps))
    axis.set_xlim(0, 1.25 * float((right + wrong).max()))
    axis.grid(False, axis="y")
    axis.set_xlabel("steps in a chosen reply")
    axis.set_title(title)
    parts = [f"{name}: {a:.2f} right and {b:.2f} wrong" for name, (a, b) in steps.items()]
    return done(fig, f"{title or 'Steps that chosen replies teach'}: {'; '.join(parts)}.", quiet)
