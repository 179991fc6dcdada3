"""Figures of how candidates are generated: what a temperature does, and how n rewards spread."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from ...base import require
from .figure import COLOURS, INK, STYLE, Figure, band, done, heading, new, powers_axis, ring
from .labels import SIZE, name_lines

BRACKET = 64  # n at which the gap between highest and median is drawn


@rc_context(STYLE)
def against_temperature(
    temperatures: Sequence[float],
    curves: Mapping[str, np.ndarray],
    ylabel: str,
    peaks: bool = True,
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """Curves against the temperature, each with its 95 % band over prompts.

    ``curves``: name → (P, len(temperatures)) values by prompt. ``peaks``: the highest point of each
    has a ring and its temperature.
    """
    require(curves, "nothing to draw: give at least one curve.")
    fig, (axis,) = new(height=4.0)
    parts = []
    for k, (name, matrix) in enumerate(curves.items()):
        means = band(axis, temperatures, matrix, name, k)
        if peaks:
            best = int(np.argmax(means))
            _mark(axis, temperatures[best], means[best], k)
            parts.append(f"{name} is highest, {means[best]:.2f}, at T = {temperatures[best]:g}")
        else:
            parts.append(
                f"{name} goes from {means[0]:.2f} at T = {temperatures[0]:g} to "
                f"{means[-1]:.2f} at T = {temperatures[-1]:g}"
            )
    _temperature_axis(axis, temperatures)
    axis.margins(y=0.12)  # room for the words above a ring
    axis.set_ylabel(ylabel)
    axis.set_title(title)
    name_lines(axis)
    rings = " Rings: the highest of each curve." if peaks else ""
    text = f"{heading(title, ylabel)}: " + "; ".join(parts)
    return done(fig, text + f". Bands: 95 % over prompts.{rings}", quiet)


@rc_context(STYLE)
def highest_to_lowest(
    ns: Sequence[int],
    highest: np.ndarray,
    median: np.ndarray,
    lowest: np.ndarray,
    ylabel: str = "gold reward (points)",
    quiet: bool = False,
) -> Figure:
    """The highest, the median and the lowest of n, and the gap that choosing can use.

    Each (P, len(ns)), by prompt; ``ns`` holds 64, where the gap is marked.
    """
    require(BRACKET in ns, f"the gap is marked at n = {BRACKET}, which is not in {list(ns)}.")
    fig, (axis,) = new(height=3.8)
    named = {"highest of n": highest, "median of n": median, "lowest of n": lowest}
    means = {
        name: band(axis, ns, values, name, k) for k, (name, values) in enumerate(named.items())
    }
    at = list(ns).index(BRACKET)
    low, high = means["median of n"][at], means["highest of n"][at]
    gap = {"arrowstyle": "<->", "color": INK, "linewidth": 2, "shrinkA": 3, "shrinkB": 5}
    axis.annotate("", (BRACKET, high), (BRACKET, low), arrowprops=gap)
    _words(axis, "what selection\ncan use", (BRACKET, (low + high) / 2), (-8, 0), INK, "right")
    powers_axis(axis, ns, "n, candidates per prompt (log scale)")
    axis.set_ylabel(ylabel)
    name_lines(axis)
    parts = [
        f"the {name} goes from {values[0]:.2f} to {values[-1]:.2f}"
        for name, values in means.items()
    ]
    text = (
        f"{heading('', ylabel)} as n grows from {ns[0]} to {ns[-1]}: {'; '.join(parts)}. The arrow "
        f"at n = {BRACKET}, from median to highest, is what selection can use: {high - low:.2f}. "
        "Bands: 95 % over prompts."
    )
    return done(fig, text, quiet)


def _mark(axis: Axes, temperature: float, y: float, k: int) -> None:
    """A ring and the temperature at the highest point of the ``k``-th curve."""
    colour = COLOURS[k % len(COLOURS)]
    ring(axis, temperature, y, colour, 10)
    _words(axis, f"T = {temperature:g}", (temperature, y), (0, 9), colour, "center", "bottom")


def _words(
    axis: Axes,
    text: str,
    at: tuple[float, float],
    away: tuple[float, float],
    colour: str,
    ha: str = "left",
    va: str = "center",
) -> None:
    """Bold words, ``away`` points from a place of the data."""
    axis.annotate(
        text,
        at,
        away,
        textcoords="offset points",
        ha=ha,
        va=va,
        color=colour,
        fontsize=SIZE,
        fontweight="bold",
    )


def _temperature_axis(axis: Axes, temperatures: Sequence[float]) -> None:
    axis.set_xscale("log")
    axis.set_xticks(temperatures, [f"{t:g}" for t in temperatures])
    axis.minorticks_off()
    axis.set_xlabel("temperature T (log scale)")
