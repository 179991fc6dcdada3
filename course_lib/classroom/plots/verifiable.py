"""Figures of verifiable rewards.

Pass@k against k, and how distinct right paths grow with the number of samples.
"""

import numpy as np
from matplotlib import rc_context

from ...base import require
from .figure import COLOURS, DASHES, MARKERS, STYLE, band, done, new, powers_axis


def crossing(ks, first, other):
    """The first k from which ``first`` stays above ``other``, when ``other`` was above before; None
    when the two do not change places.

    ``first``, ``other``: (K,) means at ``ks``.
    """
    lead = np.asarray(first) - np.asarray(other)
    ahead = lead > 1e-9
    if lead[0] > -1e-9 or not ahead[-1]:
        return None
    return ks[int(np.flatnonzero(~ahead)[-1]) + 1]


def line(axis, x, matrix, name, k):
    """One curve without a band. ``matrix`` is (P, len(x)). Returns the means."""
    means = np.asarray(matrix, dtype=float).mean(0)
    axis.plot(
        x,
        means,
        color=COLOURS[k % len(COLOURS)],
        marker=MARKERS[k % len(MARKERS)],
        linestyle=DASHES[k % len(DASHES)],
        markersize=4,
        label=name,
    )
    return means.tolist()


@rc_context(STYLE)
def pass_at_k(ks, curves, title="", quiet=False, ylabel="pass@k (share of problems)", bands=None):
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
    means = {
        name: (band if bands is None or name in bands else line)(axis, ks, matrix, name, k)
        for k, (name, matrix) in enumerate(curves.items())
    }
    powers_axis(axis, ks, "k, samples per problem (log scale)")
    axis.set_ylabel(ylabel)
    axis.set_title(title)
    axis.legend(loc="upper left")
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
    return done(
        fig, f"{title or ylabel}: " + "; ".join(parts) + f". {which}: 95 % over problems.", quiet
    )


@rc_context(STYLE)
def pass_gain(ks, gains, start="the start policy", title="", quiet=False):
    """How much pass@k differs from that of the policy it started from, by k, on a log-2 axis with
    zero marked.

    ``gains``: name → one stored interval for each k, a dictionary with "mean", "low" and "high".
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
        low, mean, high = ([value[part] for value in values] for part in ("low", "mean", "high"))
        axis.fill_between(ks, low, high, color=COLOURS[k], alpha=0.2, linewidth=0)
        axis.plot(
            ks,
            mean,
            color=COLOURS[k],
            marker=MARKERS[k],
            linestyle=DASHES[k],
            markersize=4,
            label=name,
        )
        parts.append(f"{name} {mean[0]:+.3f} at k = {ks[0]} and {mean[-1]:+.3f} at k = {ks[-1]}")
    powers_axis(axis, ks, "k, samples per problem (log scale)")
    axis.set_ylabel(f"pass@k less that of\n{start}")
    axis.set_title(title)
    axis.legend(loc="lower left")
    return done(
        fig,
        f"{title or f'pass@k less that of {start}'}: "
        + "; ".join(parts)
        + ". Bands: 95 % over seeds and problems.",
        quiet,
    )


@rc_context(STYLE)
def paths_against_k(ks, curves, title="", quiet=False):
    """Counts per problem against the number of samples k, both axes on a log-2 scale, so that a
    straight line means "in proportion to k".

    ``curves``: name → (P, len(ks)) counts by problem.
    """
    require(curves, "nothing to draw: give at least one curve.")
    fig, (axis,) = new()
    means = {
        name: band(axis, ks, matrix, name, k) for k, (name, matrix) in enumerate(curves.items())
    }
    powers_axis(axis, ks, "k, samples per problem (log scale)")
    axis.set_yscale("log", base=2)
    highest = max(max(values) for values in means.values())
    marks = [mark for mark in (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128) if mark <= 2 * highest]
    axis.set_yticks(marks, [f"{mark:g}" for mark in marks])
    axis.minorticks_off()
    axis.set_ylabel("per problem (log scale)")
    axis.set_title(title)
    axis.legend(loc="upper left")
    parts = [
        f"{name} go from {values[0]:.2f} at k = {ks[0]} to {values[-1]:.2f} at k = {ks[-1]}"
        for name, values in means.items()
    ]
    return done(
        fig,
        f"{title or 'Counts per problem'}: " + "; ".join(parts) + ". Bands: 95 % over problems.",
        quiet,
    )
