"""Figures of how candidates are generated: what a temperature does."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from ...base import require
from .figure import COLOURS, INK, STYLE, Figure, band, done, heading, new, ring
from .labels import name_lines


@rc_context(STYLE)
def against_temperature(
    temperatures: Sequence[float],
    curves: Mapping[str, np.ndarray],
    ylabel: str,
    peaks: bool = True,
    title: str = "",
    zoom: tuple[float, float] | None = None,
    quiet: bool = False,
) -> Figure:
    """Curves against the temperature, each with its 95 % band over prompts.

    ``curves``: name → (P, len(temperatures)) values by prompt. ``peaks``: the highest point of each
    is circled. ``zoom`` (low, high): a second panel shows each curve minus its own value at the
    first temperature, paired by prompt, between these limits; the circles are then drawn there.
    """
    require(curves, "nothing to draw: give at least one curve.")
    fig, axes = new(height=4.0) if zoom is None else new(2, width=9.6, height=4.0)
    coldest = temperatures[0]
    parts = []
    for k, (name, matrix) in enumerate(curves.items()):
        matrix = np.asarray(matrix, dtype=float)  # (P, T)
        means = band(axes[0], temperatures, matrix, name, k)
        shown = means
        if zoom is not None:
            shown = band(axes[1], temperatures, matrix - matrix[:, :1], name, k)
        if peaks:
            best = int(np.argmax(means))
            at = temperatures[best]
            # growing circles, so that none hides another
            ring(axes[-1], at, shown[best], COLOURS[k % len(COLOURS)], 10 + 3 * k)
            ahead = ""
            if zoom is not None and best:
                ahead = f", {shown[best]:+.2f} beside T = {coldest:g}"
            parts.append(f"{name} is highest, {means[best]:.2f}, at T = {at:g}{ahead}")
        else:
            parts.append(
                f"{name} goes from {means[0]:.2f} at T = {coldest:g} to "
                f"{means[-1]:.2f} at T = {temperatures[-1]:g}"
            )
    for axis in axes:
        _temperature_axis(axis, temperatures)
    axes[0].set_ylabel(ylabel)
    axes[0].set_title(title)
    name_lines(axes[-1])
    if zoom is not None:
        axes[1].set_ylim(*zoom)
        axes[1].axhline(0, color=INK, linewidth=1)
        axes[1].set_ylabel(f"minus its value at T = {coldest:g} (points)")
        axes[1].set_title("Differences, enlarged")
    circles = " Circles: the highest of each curve." if peaks else ""
    text = f"{heading(title, ylabel)}: " + "; ".join(parts)
    return done(fig, text + f". Bands: 95 % over prompts.{circles}", quiet)


def _temperature_axis(axis: Axes, temperatures: Sequence[float]) -> None:
    axis.set_xscale("log")
    axis.set_xticks(temperatures, [f"{t:g}" for t in temperatures])
    axis.minorticks_off()
    axis.set_xlabel("temperature T (log scale)")
