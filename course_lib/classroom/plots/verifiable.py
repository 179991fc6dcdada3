"""Figures of verifiable rewards.

Pass@k against k, and how distinct right paths grow with the number of samples.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from ...base import require
from .figure import COLOURS, STYLE, Figure, band, done, look, new, powers_axis, stored_band
from .labels import name_lines

MARKS = (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128)  # on a log-2 axis of counts


def crossing(ks: Sequence[int], first: Sequence[float], other: Sequence[float]) -> int | None:
    """The first k from which ``first`` stays above ``other``, when ``other`` was above before.

    ``first``, ``other``: (K,) means at ``ks``. None when the two do not change places.
    """
    lead = np.asarray(first) - np.asarray(other)  # (K,)
    ahead = lead > 1e-9
    if lead[0] > -1e-9 or not ahead[-1]:
        return None
    last_behind = int(np.flatnonzero(~ahead)[-1])
    return ks[last_behind + 1]


def line(axis: Axes, x: Sequence[float], matrix: np.ndarray, name: str, k: int) -> list[float]:
    """Draw one curve without a band, and return its means. ``matrix`` is (P, len(x))."""
    means = np.asarray(matrix, dtype=float).mean(0)
    axis.plot(x, means, **look(k), markersize=4, label=name)
    return means.tolist()


@rc_context(STYLE)
def pass_at_k(
    ks: Sequence[int],
    curves: Mapping[str, np.ndarray],
    title: str = "",
    quiet: bool = False,
    ylabel: str = "pass@k (share of problems)",
    bands: Collection[str] | None = None,
) -> Figure:
    """pass@k on a log-2 axis, each curve with its 95 % band over problems.

    ``ks``: sizes; ``curves``: name → (P, len(ks)) by problem, as from
    :func:`course_lib.estimators.pass_at_k`. The first curve is the one that the text compares the
    others with. ``ylabel``: where some curve is not pass@k. ``bands``: names of the curves that get
    a band (default: all); where many would overlap, give one and show the differences apart.
    """
    require(curves, "nothing to draw: give at least one curve.")
    unknown = set(bands or ()) - set(curves)
    require(
        not unknown,
        f"bands names no curve of the figure: {', '.join(sorted(unknown))}. There are: "
        f"{', '.join(curves)}.",
    )
    fig, (axis,) = new()
    means = {}
    for k, (name, matrix) in enumerate(curves.items()):
        draw = band if bands is None or name in bands else line
        means[name] = draw(axis, ks, matrix, name, k)
    powers_axis(axis, ks, "k, samples per problem (log scale)")
    axis.set_ylabel(ylabel)
    axis.set_title(title)
    name_lines(axis, loc="upper left")
    first = next(iter(means))
    parts = []
    for name, values in means.items():
        at = None if name == first else crossing(ks, means[first], values)
        turn = "" if at is None else f", below {first} from k = {at} on"
        parts.append(
            f"{name} goes from {values[0]:.2f} at k = {ks[0]} to {values[-1]:.2f} at k = "
            f"{ks[-1]}{turn}"
        )
    which = "Bands" if bands is None else f"Band of {' and '.join(bands)}"
    text = f"{title or ylabel}: " + "; ".join(parts) + f". {which}: 95 % over problems."
    return done(fig, text, quiet)


@rc_context(STYLE)
def pass_gain(
    ks: Sequence[int],
    gains: Mapping[str, Sequence[Mapping]],
    start: str = "the start policy",
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """How much pass@k differs from that of the policy it started from, by k.

    ``gains``: name → one stored interval for each k, a dictionary with "mean", "low" and "high".
    The axis of k is log-2, and zero is marked.
    """
    require(
        gains and all(len(values) == len(ks) for values in gains.values()),
        f"give at least one method, each with {len(ks)} intervals.",
    )
    fig, (axis,) = new()
    axis.axhline(0, color=COLOURS[6], linewidth=1)
    parts = []
    # the first colour stays with the start policy
    for k, (name, values) in enumerate(gains.items(), 1):
        stored_band(axis, ks, values, name, k)
        first = values[0]["mean"]
        last = values[-1]["mean"]
        parts.append(f"{name} {first:+.3f} at k = {ks[0]} and {last:+.3f} at k = {ks[-1]}")
    powers_axis(axis, ks, "k, samples per problem (log scale)")
    axis.set_ylabel(f"pass@k minus that of\n{start}")
    axis.set_title(title)
    name_lines(axis, loc="lower left")
    text = f"{title or f'pass@k minus that of {start}'}: " + "; ".join(parts)
    return done(fig, text + ". Bands: 95 % over seeds and problems.", quiet)


@rc_context(STYLE)
def paths_against_k(
    ks: Sequence[int], curves: Mapping[str, np.ndarray], title: str = "", quiet: bool = False
) -> Figure:
    """Counts per problem against the number of samples k, on log-2 scales both ways.

    A straight line means "in proportion to k". ``curves``: name → (P, len(ks)) counts by problem.
    """
    require(curves, "nothing to draw: give at least one curve.")
    fig, (axis,) = new()
    means = {}
    for k, (name, matrix) in enumerate(curves.items()):
        means[name] = band(axis, ks, matrix, name, k)
    powers_axis(axis, ks, "k, samples per problem (log scale)")
    axis.set_yscale("log", base=2)
    highest = max(max(values) for values in means.values())
    marks = [mark for mark in MARKS if mark <= 2 * highest]
    axis.set_yticks(marks, [f"{mark:g}" for mark in marks])
    axis.minorticks_off()
    axis.set_ylabel("per problem (log scale)")
    axis.set_title(title)
    name_lines(axis, loc="upper left")
    parts = [
        f"{name} go from {values[0]:.2f} at k = {ks[0]} to {values[-1]:.2f} at k = {ks[-1]}"
        for name, values in means.items()
    ]
    text = f"{title or 'Counts per problem'}: " + "; ".join(parts)
    return done(fig, text + ". Bands: 95 % over problems.", quiet)
