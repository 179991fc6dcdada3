"""Figures of how candidates are generated: what a temperature does, and how the rewards of candidates lie."""

import numpy as np
from matplotlib import rc_context

from ..errors import require
from .figure import COLOURS, MARKERS, STYLE, band, done, new


@rc_context(STYLE)
def against_temperature(temperatures, curves, ylabel, peaks=True, title="", quiet=False):
    """Curves against the temperature, each with its 95 % band over prompts; the highest point of each is circled where ``peaks``.

    ``curves``: name → (P, len(temperatures)) values by prompt.
    """
    require(curves, "nothing to draw: give at least one curve.")
    fig, (axis,) = new(height=4.0)
    parts = []
    for k, (name, matrix) in enumerate(curves.items()):
        means = band(axis, temperatures, matrix, name, k)
        best = int(np.argmax(means))
        if peaks:
            axis.plot(temperatures[best], means[best], "o", markersize=12, markerfacecolor="none", markeredgecolor=COLOURS[k % len(COLOURS)], markeredgewidth=2)
            parts.append(f"{name} is highest, {means[best]:.2f}, at T = {temperatures[best]:g}")
        else:
            parts.append(f"{name} goes from {means[0]:.2f} at T = {temperatures[0]:g} to {means[-1]:.2f} at T = {temperatures[-1]:g}")
    axis.set_xscale("log")
    axis.set_xticks(temperatures, [f"{t:g}" for t in temperatures])
    axis.minorticks_off()
    axis.set_xlabel("temperature T (log scale)")
    axis.set_ylabel(ylabel)
    axis.set_title(title)
    axis.legend()
    circles = " Circles: the highest of each curve." if peaks else ""
    return done(fig, f"{title or ylabel[0].upper() + ylabel[1:]}: " + "; ".join(parts) + f". Bands: 95 % over prompts.{circles}", quiet)


@rc_context(STYLE)
def strips(rewards, xlabel="gold reward (points)", title="", quiet=False):
    """Every candidate of one prompt as a dot, one row for each way to generate them; equal rewards are stacked so that none hides another.

    ``rewards``: name → (N,) rewards of that list.
    """
    require(rewards, "nothing to draw: give at least one list of rewards.")
    fig, (axis,) = new(height=0.9 + 0.75 * len(rewards))
    rows = np.arange(len(rewards))[::-1]
    parts = []
    for k, (row, (name, values)) in enumerate(zip(rows, rewards.items())):
        values = np.sort(np.asarray(values, dtype=float).ravel())
        place = np.array([(values[:i] == v).sum() - ((values == v).sum() - 1) / 2 for i, v in enumerate(values)])  # in its stack, 0 in the middle
        step = min(0.09, 0.35 / max(0.5, place.max()))
        axis.plot(values, row + step * place, MARKERS[k % len(MARKERS)], color=COLOURS[k % len(COLOURS)], markersize=5, alpha=0.8, linestyle="none")
        parts.append(f"{name} from {values[0]:.2f} to {values[-1]:.2f}, mean {values.mean():.2f}, {len(np.unique(values))} different values among {len(values)}")
    axis.set_yticks(rows, list(rewards))
    axis.set_ylim(-0.5, len(rewards) - 0.5)
    axis.set_xlabel(xlabel)
    axis.set_title(title)
    return done(fig, f"{title or xlabel[0].upper() + xlabel[1:]}: " + "; ".join(parts) + ".", quiet)
