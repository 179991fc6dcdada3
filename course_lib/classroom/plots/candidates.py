"""Figures of how candidates are generated: what a temperature does."""

import numpy as np
from matplotlib import rc_context

from ...base import require
from .figure import COLOURS, STYLE, band, done, new


@rc_context(STYLE)
def against_temperature(temperatures, curves, ylabel, peaks=True, title="", zoom=None, quiet=False):
    """Curves against the temperature, each with its 95 % band over prompts; the highest point of
    each is circled where ``peaks``.

    ``curves``: name → (P, len(temperatures)) values by prompt. ``zoom`` (low, high): a second panel
    shows each curve less its own value at the first temperature, paired by prompt, between these
    limits; the circles are then drawn there.
    """
    require(curves, "nothing to draw: give at least one curve.")
    fig, axes = new(height=4.0) if zoom is None else new(2, width=9.6, height=4.0)
    parts = []
    for k, (name, matrix) in enumerate(curves.items()):
        matrix = np.asarray(matrix, dtype=float)
        means = band(axes[0], temperatures, matrix, name, k)
        best, shown = int(np.argmax(means)), means
        if zoom is not None:
            shown = band(axes[1], temperatures, matrix - matrix[:, :1], name, k)
        if peaks:  # growing circles, so that none hides another
            axes[-1].plot(
                temperatures[best],
                shown[best],
                "o",
                markersize=10 + 3 * k,
                markerfacecolor="none",
                markeredgecolor=COLOURS[k % len(COLOURS)],
                markeredgewidth=2,
            )
            ahead = (
                f", {shown[best]:+.2f} beside T = {temperatures[0]:g}"
                if zoom is not None and best
                else ""
            )
            parts.append(
                f"{name} is highest, {means[best]:.2f}, at T = {temperatures[best]:g}{ahead}"
            )
        else:
            parts.append(
                f"{name} goes from {means[0]:.2f} at T = {temperatures[0]:g} to "
                f"{means[-1]:.2f} at T = {temperatures[-1]:g}"
            )
    for axis in axes:
        axis.set_xscale("log")
        axis.set_xticks(temperatures, [f"{t:g}" for t in temperatures])
        axis.minorticks_off()
        axis.set_xlabel("temperature T (log scale)")
    axes[0].set_ylabel(ylabel)
    axes[0].set_title(title)
    axes[0].legend()
    if zoom is not None:
        axes[1].set_ylim(*zoom)
        axes[1].axhline(0, color="black", linewidth=1)
        axes[1].set_ylabel(f"the same less its value at T = {temperatures[0]:g} (points)")
        axes[1].set_title("Differences, enlarged")
    circles = " Circles: the highest of each curve." if peaks else ""
    return done(
        fig,
        f"{title or ylabel[0].upper() + ylabel[1:]}: "
        + "; ".join(parts)
        + f". Bands: 95 % over prompts.{circles}",
        quiet,
    )
