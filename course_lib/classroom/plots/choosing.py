"""Figures of lesson 01: win rates beside their formula, and a choice of n within a budget."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context

from ...base import require
from ...estimators import win_rate_theory
from .figure import COLOURS, INK, MARKERS, STYLE, Figure, band, done, heading, new, powers_axis


@rc_context(STYLE)
def win_rates(
    ns: Sequence[int],
    measured: Mapping[str, np.ndarray],
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """Win rates of the best of n against one sample, on the line n/(n+1) or off it.

    ``measured``: name → (P, len(ns)) rates by prompt, as from
    :func:`course_lib.estimators.win_rate_of_best`; the mean over prompts is drawn, in percent.
    """
    require(measured, "nothing to draw: give at least one reward's win rates.")
    fig, (axis,) = new()
    smooth = np.geomspace(ns[0], ns[-1], 200)
    axis.plot(smooth, 100 * smooth / (smooth + 1), color=INK, linewidth=1.5, label="n/(n+1)")
    parts = []
    for k, (name, rates) in enumerate(measured.items()):
        rates = np.asarray(rates, dtype=float)
        require(
            rates.ndim == 2 and rates.shape[1] == len(ns),
            f"the rates of {name!r} must have shape (prompts, {len(ns)}); got {rates.shape}.",
        )
        means = 100 * rates.mean(0)
        colour, size = COLOURS[k % len(COLOURS)], 7 + 4 * k  # a larger ring around a smaller dot
        style = {"color": colour, "marker": MARKERS[k % len(MARKERS)], "linestyle": "none"}
        face = colour if k == 0 else "none"
        axis.plot(ns, means, **style, markersize=size, markerfacecolor=face, label=name)
        far = means - 100 * win_rate_theory(np.asarray(ns))
        most = int(np.abs(far).argmax())
        parts.append(f"{name} at most {abs(far[most]):.1f} points from it, at n = {ns[most]}")
    powers_axis(axis, ns, "n, candidates per prompt (log scale)")
    axis.set_ylabel("games won (%)")
    axis.set_ylim(45, 101)
    axis.set_title(title)
    axis.legend(loc="lower right")
    start = heading(title, "Games the best of n wins against one sample")
    return done(fig, f"{start}, beside n/(n+1): " + "; ".join(parts) + ".", quiet)


@rc_context(STYLE)
def within_budget(
    ns: Sequence[int],
    shares: np.ndarray,
    most: int,
    ylabel: str,
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """A share that falls with n, its value at each n, and what the budget leaves out.

    ``shares``: (P, len(ns)) between 0 and 1, by prompt; ``most``: the largest n that can be paid.
    Drawn in percent, with a 95 % band over prompts.
    """
    require(ns[0] <= most < ns[-1], f"the budget must end within {list(ns)}; got {most}.")
    fig, (axis,) = new()
    means = band(axis, ns, 100 * np.asarray(shares, dtype=float), ylabel, 0)
    for n, mean in zip(ns, means, strict=True):
        axis.annotate(f"{mean:.0f} %", (n, mean), (6, 7), textcoords="offset points")
    powers_axis(axis, ns, "n, replies written for each question (log scale)")
    beyond = most * (min(n for n in ns if n > most) / most) ** 0.5
    axis.axvspan(beyond, ns[-1] * 1.3, color=INK, alpha=0.08, linewidth=0)
    top = 1.18 * max(means)
    axis.set(ylim=(0, top), xlim=(ns[0] / 1.15, ns[-1] * 1.3), ylabel=ylabel, title=title)
    axis.annotate(
        "over the budget",
        (beyond, top),
        (6, -6),
        textcoords="offset points",
        va="top",
        fontweight="bold",
    )
    listed = ", ".join(f"{mean:.0f} % at n = {n}" for n, mean in zip(ns, means, strict=True))
    text = f"{heading(title, ylabel)}: {listed}. The budget ends at n = {most}. Band: 95 %."
    return done(fig, text, quiet)
