"""Curves against n or cost, histograms, rows of intervals, and the picture of the four steps."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from ...base import require
from ...estimators import Interval
from .figure import COLOURS, INK, STYLE, Figure, band, done, heading, new, powers_axis, ring
from .labels import name_lines, name_upright


@rc_context(STYLE)
def best_of_n(
    ns: Sequence[int],
    curves: Mapping[str, np.ndarray],
    ylabel: str = "gold reward of the best of n (points)",
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """Curves against n on a log-2 axis, each with its 95 % band over prompts.

    ``ns``: sizes; ``curves``: name → (P, len(ns)) values by prompt, as from
    :func:`course_lib.estimators.best_of_n_curve`.
    """
    require(curves, "nothing to draw: give at least one curve.")
    fig, (axis,) = new()
    parts = []
    for k, (name, matrix) in enumerate(curves.items()):
        means = band(axis, ns, matrix, name, k)
        peak = int(np.argmax(means))
        turns = peak < len(ns) - 1 and means[peak] > means[-1] + 0.005
        turn = f", highest {means[peak]:.2f} at n = {ns[peak]}" if turns else ""
        parts.append(
            f"{name} goes from {means[0]:.2f} at n = {ns[0]} to {means[-1]:.2f} at n = "
            f"{ns[-1]}{turn}"
        )
    powers_axis(axis, ns, "n, candidates per prompt (log scale)")
    axis.set_ylabel(ylabel)
    axis.set_title(title)
    if len(curves) > 1:
        name_lines(axis)
    text = f"{heading(title, ylabel)}: " + "; ".join(parts) + ". Bands: 95 % over prompts."
    return done(fig, text, quiet)


@rc_context(STYLE)
def reward_histogram(
    rewards: np.ndarray,
    chosen: float | None = None,
    xlabel: str = "gold reward (points)",
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """How the rewards of candidates spread.

    ``rewards``: any shape; ``chosen``: the reward of a chosen reply, marked by a line.
    """
    values = np.asarray(rewards, dtype=float).ravel()
    values = values[~np.isnan(values)]
    require(values.size, "no rewards to draw.")
    fig, (axis,) = new(height=3.0)
    _histogram(axis, values, bins=min(30, max(5, int(np.sqrt(values.size) * 2))))
    axis.set_xlabel(xlabel)
    axis.set_ylabel("number of candidates")
    axis.set_title(title)
    mean = values.mean()
    axis.axvline(mean, color=COLOURS[1], linestyle="--")
    name_upright(axis, mean, f"mean {mean:.2f}", COLOURS[1], chosen is None or chosen > mean)
    mark = ""
    if chosen is not None:
        chosen = float(chosen)
        axis.axvline(chosen, color=COLOURS[2], linewidth=2)
        name_upright(axis, chosen, f"chosen {chosen:.2f}", COLOURS[2], chosen <= mean)
        mark = f" The chosen reply has {chosen:.2f}."
    low, middle, high = np.quantile(values, [0, 0.5, 1])
    text = (
        f"{heading(title, xlabel)} of {values.size} candidates: lowest {low:.2f}, "
        f"median {middle:.2f}, mean {mean:.2f}, highest {high:.2f}.{mark}"
    )
    return done(fig, text, quiet)


def _histogram(axis: Axes, values: np.ndarray, bins: int) -> None:
    axis.hist(values, bins=bins, color=COLOURS[0], rwidth=0.92)


@rc_context(STYLE)
def cost_quality(
    costs: Sequence[float],
    curves: Mapping[str, np.ndarray],
    ns: Sequence[int] | None = None,
    xlabel: str = "tokens sampled per answer (log scale)",
    ylabel: str = "gold reward (points)",
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """What quality costs.

    ``costs``: (K,) price of each setting; ``curves``: name → (P, K) values by prompt; ``ns`` labels
    the points.
    """
    require(curves, "nothing to draw: give at least one curve.")
    fig, (axis,) = new()
    parts = []
    for k, (name, matrix) in enumerate(curves.items()):
        means = band(axis, costs, matrix, name, k)
        parts.append(
            f"{name} goes from {means[0]:.2f} at {costs[0]:.0f} to {means[-1]:.2f} at "
            f"{costs[-1]:.0f}"
        )
        if k == 0 and ns is not None:
            for n, x, y in zip(ns, costs, means, strict=True):
                axis.annotate(
                    f"n = {n}",
                    (x, y),
                    textcoords="offset points",
                    xytext=(-4, 4),
                    fontsize=9,
                    ha="right",
                )
    axis.set_xscale("log")
    axis.set_xticks(costs, [f"{cost:,.0f}" for cost in costs])
    axis.minorticks_off()
    axis.set_xlabel(xlabel)
    axis.set_ylabel(ylabel)
    axis.set_title(title)
    name_lines(axis)
    start = f"{title or 'Quality against cost'}, by {xlabel.removesuffix(' (log scale)')}: "
    return done(fig, start + "; ".join(parts) + ". Bands: 95 % over prompts.", quiet)


@rc_context(STYLE)
def intervals(
    names: Sequence[str],
    values: Sequence[Interval],
    xlabel: str,
    reference: float | Sequence[float] | None = None,
    reference_name: str = "reference",
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """Means with their intervals, one row each.

    ``values``: :class:`~course_lib.estimators.Interval` objects; ``reference``: a mark for each
    row, or one number for all, called ``reference_name``.
    """
    fig, (axis,) = new(height=0.9 + 0.35 * len(names))
    rows = np.arange(len(names))[::-1]  # the first name at the top
    for row, value in zip(rows, values, strict=True):
        axis.plot([value.low, value.high], [row, row], color=COLOURS[0], linewidth=2)
    means = [value.mean for value in values]
    axis.plot(means, rows, "o", color=COLOURS[0], label="measured, 95 % interval")
    marks = ""
    if reference is not None:
        marked = np.broadcast_to(reference, len(names))
        axis.plot(
            marked,
            rows,
            "|",
            color=COLOURS[1],
            markersize=14,
            markeredgewidth=2,
            label=reference_name,
        )
        axis.legend(bbox_to_anchor=(0.5, 1.0), loc="lower center", ncols=2)
        marks = f" Marks, {reference_name}: " + ", ".join(f"{mark:.2f}" for mark in marked) + "."
    axis.set_yticks(rows, names)
    axis.set_ylim(-0.6, len(names) - 0.4)
    axis.set_xlabel(xlabel)
    axis.set_title(title)
    parts = [f"{name}: {value}" for name, value in zip(names, values, strict=True)]
    return done(fig, f"{heading(title, xlabel)}: " + "; ".join(parts) + f".{marks}", quiet)


@rc_context(STYLE)
def best_of_n_at(
    n: int,
    ns: Sequence[int],
    curve: np.ndarray,
    rewards: np.ndarray,
    chosen: float,
    names: tuple[str, str],
    quiet: bool = True,
) -> Figure:
    """Two panels for one setting of the best-of-n slider.

    Left: the selecting reward of the first n candidates of one prompt, ``rewards`` (n,), with that
    of the ``chosen`` one. Right: the evaluating reward of the best of n averaged over prompts,
    ``curve`` (P, len(ns)), with n marked. ``names``: of the selecting and evaluating reward.
    """
    selecting, evaluating = names
    fig, (left, right) = new(columns=2, width=8.0, height=3.0)
    _histogram(left, rewards, bins=min(24, max(4, len(rewards) // 4)))
    left.axvline(chosen, color=COLOURS[1], linewidth=2)
    name_upright(left, chosen, "chosen", COLOURS[1], left=True)
    left.set_xlabel(f"{selecting} of {len(rewards)} candidates")
    left.set_ylabel("candidates")
    means = band(right, ns, curve, evaluating, 0)
    mean = means[list(ns).index(n)]
    ring(right, n, mean, COLOURS[1], 11)
    powers_axis(right, ns, "n (log scale)")
    right.set_ylabel(f"{evaluating} of the best of n")
    text = (
        f"Best of {n} by {selecting}: the chosen reply has {selecting} {chosen:.2f}; over all "
        f"prompts the mean {evaluating} of the best of {n} is {mean:.2f}."
    )
    return done(fig, text, quiet)


STEPS = (
    ("sample", "N candidates\nfor each prompt"),
    ("score", "one number\nfor each candidate"),
    ("select", "keep the best\nof each prompt"),
    ("finetune", "train the policy\non what was kept"),
)


@rc_context(STYLE)
def loop(quiet: bool = False) -> Figure:
    """The four steps as a picture: sample, score, select, finetune, and back."""
    fig, (axis,) = new(height=2.0)
    axis.axis("off")
    axis.set(xlim=(-0.55, 3.55), ylim=(-0.75, 0.5))
    for k, (name, text) in enumerate(STEPS):
        _step(axis, k, name, text)
        if k:
            arrow = {"arrowstyle": "->", "linewidth": 1.5, "color": INK}
            axis.annotate("", (k - 0.41, 0.05), (k - 0.59, 0.05), arrowprops=arrow)
    back = {
        "arrowstyle": "->",
        "linewidth": 1.5,
        "color": INK,
        "connectionstyle": "arc,angleA=-90,angleB=-90,armA=25,armB=25,rad=8",
    }
    axis.annotate("", (0, -0.26), (3, -0.26), arrowprops=back)
    again = "another round, with the better policy"
    axis.text(1.5, -0.68, again, ha="center", va="bottom", fontsize=9)
    text = (
        "The four steps: sample N candidates for each prompt, score each, select the best of "
        "each prompt, finetune the policy on them; "
        "the better policy can go round again. Best-of-N is the first three."
    )
    return done(fig, text, quiet)


def _step(axis: Axes, k: int, name: str, text: str) -> None:
    """The box of step ``k``: its name in bold, and below what it does."""
    axis.text(
        k,
        0.1,
        f"{name}\n",
        ha="center",
        va="center",
        fontsize=12,
        fontweight="bold",
        color=COLOURS[k],
    )
    axis.text(k, 0.0, text, ha="center", va="center", fontsize=9)
    frame = FancyBboxPatch(
        (k - 0.38, -0.22),
        0.76,
        0.55,
        boxstyle="round,pad=0.02",
        fill=False,
        edgecolor=COLOURS[k],
        linewidth=1.5,
    )
    axis.add_patch(frame)
