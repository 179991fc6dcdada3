"""Curves against n or cost, and rows of intervals."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from ...base import require
from ...estimators import Interval
from .figure import COLOURS, STYLE, Figure, band, done, heading, new, powers_axis, ring
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

    ``costs``: (K,) price of each setting; ``curves``: name → (P, K) values by prompt; ``ns`` stand
    below the prices. A curve that ends visibly lower has a ring at its peak.
    """
    require(curves, "nothing to draw: give at least one curve.")
    fig, (axis,) = new()
    parts = []
    for k, (name, matrix) in enumerate(curves.items()):
        means = band(axis, costs, matrix, name, k)
        peak = int(np.argmax(means))
        turn = ""
        if means[peak] > means[-1] + 0.1:
            at = f"n = {ns[peak]}" if ns is not None else f"{costs[peak]:,.0f}"
            _mark_peak(axis, costs[peak], means[peak], f"highest at {at}", k)
            turn = f", highest {means[peak]:.2f} at {at}"
        parts.append(
            f"{name} goes from {means[0]:.2f} at {costs[0]:.0f} to {means[-1]:.2f} at "
            f"{costs[-1]:.0f}{turn}"
        )
    axis.set_xscale("log")
    ticks = [f"{cost:,.0f}" for cost in costs]
    if ns is not None:
        ticks = [f"{tick}\n{n}" for tick, n in zip(ticks, ns, strict=True)]
        xlabel = f"{xlabel}; below them n"
    axis.set_xticks(costs, ticks)
    axis.minorticks_off()
    axis.set_xlabel(xlabel)
    axis.set_ylabel(ylabel)
    axis.set_title(title)
    name_lines(axis)
    start = f"{title or 'Quality against cost'}, by {xlabel.split(' (log scale)')[0]}: "
    return done(fig, start + "; ".join(parts) + ". Bands: 95 % over prompts.", quiet)


def _mark_peak(axis: Axes, x: float, y: float, text: str, k: int) -> None:
    """A ring and a few words at the highest point of the ``k``-th curve."""
    colour = COLOURS[k % len(COLOURS)]
    ring(axis, x, y, colour, 10)
    place = {"textcoords": "offset points", "xytext": (0, 9), "ha": "center", "fontsize": 9}
    axis.annotate(text, (x, y), color=colour, **place)


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
        told = marked[:1] if np.ndim(reference) == 0 else marked  # one number is said once
        marks = f" Marks, {reference_name}: " + ", ".join(f"{mark:.2f}" for mark in told) + "."
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
