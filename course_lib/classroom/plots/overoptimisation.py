"""Proxy against gold as choosing gets harder, KL against its bound, and two measured quantities of
each setting against each other.
"""

import numpy as np
from matplotlib import rc_context
from matplotlib.ticker import FixedLocator, PercentFormatter

from ...base import require
from ...estimators import best_of_n_curve, kl_best_of_n_bound, overoptimisation_fit
from .figure import COLOURS, DASHES, MARKERS, STYLE, band, done, new, powers_axis

AXES = {"n": "n, candidates per prompt (log scale)", "kl": "d = √KL by its upper bound (√nats)"}


def _sizes(pool):
    return [2**k for k in range(pool.N.bit_length()) if 2**k <= pool.N]


def _place(axis, x, ns):
    """The positions of ``ns`` on the axis, n itself or √KL, and its labels."""
    require(x in AXES, f"x must be 'n' or 'kl'; got {x!r}.")
    if x == "n":
        powers_axis(axis, ns, AXES[x])
        return np.asarray(ns, dtype=float)
    axis.set_xlabel(AXES[x])
    return np.sqrt(kl_best_of_n_bound(ns))


@rc_context(STYLE)
def overoptimisation(pool, names, gold="gold", x="n", fit=False, title="", quiet=False):
    """What each reward model thinks of the replies it chooses, and beside it what gold thinks of
    them, with 95 % bands over prompts.

    ``names``: rewards of ``pool`` that choose; ``gold``: the one that judges; ``x``: "n" or "kl"
    (√KL by the bound); ``fit`` draws d(α − βd) through the gold curves (with ``x="kl"``). Scores of
    different models have no common scale, so the left panel shows how many of its own standard
    deviations (over the pool) each score rises.
    """
    require(
        gold not in names,
        f"the reward that judges must not be one that chooses; {gold!r} does both.",
    )
    require(not fit or x == "kl", "the fit is a function of √KL: draw it with x='kl'.")
    ns = _sizes(pool)
    fig, (left, right) = new(2, 8.6, 4.0)
    parts = []
    for k, name in enumerate(names):
        score = np.asarray(pool.reward(name), dtype=float)
        proxy = best_of_n_curve((score - score.mean()) / score.std(), ns=ns)
        judged = best_of_n_curve(score, pool.reward(gold), ns)
        places = _place(left, x, ns), _place(right, x, ns)
        rise = band(left, places[0], proxy, name, k)
        means = band(right, places[1], judged, name, k)
        if fit:
            for line in right.lines[-1:]:
                line.set_linestyle("none")
            found, smooth = (
                overoptimisation_fit(places[1], np.subtract(means, means[0])),
                np.linspace(0, places[1][-1], 200),
            )
            right.plot(
                smooth,
                means[0] + found.predict(smooth),
                color=COLOURS[k % len(COLOURS)],
                linestyle=DASHES[k % len(DASHES)],
            )
        peak = int(np.argmax(means))
        parts.append(
            f"{name}: own score up by {rise[-1] - rise[0]:.1f} standard deviations, gold "
            f"{means[0]:.2f} at n = {ns[0]}, highest {means[peak]:.2f} at n = {ns[peak]}, "
            f"{means[-1]:.2f} at n = {ns[-1]}"
        )
    left.set_ylabel("own score (standard deviations)")
    right.set_ylabel(f"{gold} reward (points)")
    fig.suptitle(title, fontsize=11)
    fig.legend(
        *left.get_legend_handles_labels(), loc="outside lower center", ncols=min(4, len(names))
    )
    return done(
        fig,
        f"{title or 'Proxy and gold of the best of n'}: "
        + "; ".join(parts)
        + "."
        + (" Lines on the right: fits of d(α − βd)." if fit else "")
        + " Bands: 95 % over prompts.",
        quiet,
    )


@rc_context(STYLE)
def overoptimisation_at(n, ns, proxy, gold, fit, names, quiet=True):
    """The two curves of one reward model against √KL with one n marked, and the fit d(α − βd)
    through gold.

    ``proxy``, ``gold``: (P, len(ns)); ``fit``: an
    :class:`~course_lib.estimators.overoptimisation.OveroptimisationFit` of the gain in gold;
    ``names``: of the selecting and judging reward.
    """
    fig, (left, right) = new(columns=2, width=8.0, height=3.2)
    here = list(ns).index(n)
    d = np.sqrt(kl_best_of_n_bound(ns))
    for axis, matrix, name, k in ((left, proxy, names[0], 1), (right, gold, names[1], 0)):
        means = band(axis, d, matrix, name, k)
        axis.plot(
            d[here],
            means[here],
            marker="o",
            markersize=12,
            markerfacecolor="none",
            markeredgecolor="black",
            markeredgewidth=2,
        )
        axis.annotate(
            f"n = {n}",
            (d[here], means[here]),
            textcoords="offset points",
            xytext=(0, -18),
            ha="center",
            fontsize=9,
        )
        axis.margins(y=0.18)
        axis.set_xlabel(AXES["kl"])
        axis.set_ylabel(f"{name} of the best of n")
    smooth = np.linspace(0, d[-1], 200)
    right.lines[0].set_linestyle("none")
    right.plot(smooth, means[0] + fit.predict(smooth), color=COLOURS[0], label="fit d(α − βd)")
    if 0 < fit.peak_d <= d[-1]:
        right.axvline(fit.peak_d, color="grey", linestyle=":", label="fitted peak α/2β")
    right.legend(fontsize=8)
    return done(
        fig,
        f"Best of {n} by {names[0]}, over all prompts: its own score "
        f"{proxy[:, here].mean():.2f}, {names[1]} {means[here]:.2f}; "
        f"{names[1]} is highest at n = {ns[int(np.argmax(means))]}, and the fit "
        f"d({fit.alpha:.2f} − {fit.beta:.2f} d) peaks at d = {fit.peak_d:.2f}.",
        quiet,
    )


@rc_context(STYLE)
def kl_and_bound(ns, exact, limits=None, title="", quiet=False):
    """Exact KL of best-of-n, averaged over prompts, against n, with the bound log n − (n−1)/n
    above.

    ``exact``: name → (P, len(ns)) KL in nats by prompt; ``limits``: name → nats, other limits that
    do not depend on n, drawn dotted.
    """
    fig, (axis,) = new()
    bound = kl_best_of_n_bound(ns)
    axis.plot(ns, bound, color="black", linewidth=2, label="bound log n − (n−1)/n")
    parts = [f"the bound goes to {bound[-1]:.2f} nats at n = {ns[-1]}"]
    for k, (name, values) in enumerate(exact.items()):
        means = band(axis, ns, values, name, k)
        parts.append(f"{name} to {means[-1]:.2f}")
    for name, value in (limits or {}).items():
        axis.axhline(value, color="grey", linestyle=":", linewidth=1.5, label=name)
        parts.append(f"{name} is {value:.2f}")
    powers_axis(axis, ns, AXES["n"])
    axis.set_ylabel("KL(best of n ‖ base policy) (nats)")
    axis.set_title(title)
    axis.legend()
    return done(
        fig,
        f"{title or 'KL of best-of-n'}: " + ", ".join(parts) + ". Bands: 95 % over prompts.",
        quiet,
    )


@rc_context(STYLE)
def one_against_another(groups, xlabel, ylabel, title="", offsets=None, quiet=False):
    """Settings as points with their 95 % intervals both ways.

    ``groups``: group → {setting: (x, y)}, x and y :class:`~course_lib.estimators.Interval`;
    ``offsets``: setting → (dx, dy) in points, where its label stands (default above, to the right).
    """
    fig, (axis,) = new(height=4.2)
    parts = []
    for k, (group, points) in enumerate(groups.items()):
        x, y = ([point[i] for point in points.values()] for i in (0, 1))
        axis.errorbar(
            [v.mean for v in x],
            [v.mean for v in y],
            xerr=[[v.mean - v.low for v in x], [v.high - v.mean for v in x]],
            yerr=[[v.mean - v.low for v in y], [v.high - v.mean for v in y]],
            color=COLOURS[k % len(COLOURS)],
            marker=MARKERS[k % len(MARKERS)],
            linestyle="none",
            elinewidth=1,
            markersize=6,
            label=group,
        )
        for name, (a, b) in points.items():
            at = (offsets or {}).get(name, (6, 5))
            axis.annotate(
                name,
                (a.mean, b.mean),
                textcoords="offset points",
                xytext=at,
                fontsize=8,
                ha="right" if at[0] < 0 else "left",
                color=COLOURS[k % len(COLOURS)],
            )
            parts.append(
                f"{group + ' ' if len(groups) > 1 else ''}{name} {a.mean:.2f} and {b.mean:.2f}"
            )
    axis.set_xlabel(xlabel)
    axis.set_ylabel(ylabel)
    axis.set_title(title)
    axis.margins(x=0.18, y=0.1)
    if len(groups) > 1:
        axis.legend()
    return done(
        fig,
        f"{title or 'One against the other'} ({xlabel}, and {ylabel}): "
        + "; ".join(parts)
        + ". Bars: 95 %.",
        quiet,
    )


@rc_context(STYLE)
def help_and_harm(groups, xlabels, ylabel, title="", offsets=None, quiet=False):
    """Help against two kinds of harm, a panel for each, on root scales; a group's settings are
    joined in order. Good is up and to the left.

    ``groups``: group → {setting: (harm, other harm, help)},
    :class:`~course_lib.estimators.Interval`; the harms are shares; bars are those of help alone.
    ``offsets``: setting → (dx, dy) in points, where its label stands.
    """
    fig, axes = new(2, 8.6, 4.0)
    for panel, (axis, xlabel) in enumerate(zip(axes, xlabels, strict=True)):
        for k, (group, points) in enumerate(groups.items()):
            x, y, colour = (
                [point[panel].mean for point in points.values()],
                [point[2] for point in points.values()],
                COLOURS[k % len(COLOURS)],
            )
            axis.errorbar(
                x,
                [v.mean for v in y],
                yerr=[[v.mean - v.low for v in y], [v.high - v.mean for v in y]],
                color=colour,
                marker=MARKERS[k % len(MARKERS)],
                linestyle=DASHES[k % len(DASHES)],
                linewidth=1,
                elinewidth=0.8,
                markersize=6,
                label=group,
            )
            for name, at_x, at_y in zip(points, x, y, strict=True):
                dx, dy = (offsets or {}).get(name, (6, 5))
                axis.annotate(
                    name,
                    (at_x, at_y.mean),
                    textcoords="offset points",
                    xytext=(dx, dy),
                    fontsize=8,
                    ha="right" if dx < 0 else "left",
                    color=colour,
                )
        axis.set_xscale("function", functions=(lambda v: np.sqrt(np.clip(v, 0, None)), np.square))
        most = max(point[panel].mean for points in groups.values() for point in points.values())
        axis.set_xlim(0, 1.35 * most)
        axis.xaxis.set_major_locator(
            FixedLocator([round(most * share**2, 3) for share in (0, 0.25, 0.5, 0.75, 1)])
        )
        axis.xaxis.set_major_formatter(PercentFormatter(1, decimals=1))
        axis.set_xlabel(xlabel)
    axes[0].set_ylabel(ylabel)
    axes[0].annotate(
        "good: up and to the left",
        (0.97, 0.03),
        xycoords="axes fraction",
        ha="right",
        fontsize=8,
        color="grey",
    )
    fig.suptitle(title, fontsize=11)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(groups))
    parts = [
        f"{group} {name}: {a.mean:.1%}, {b.mean:.1%}, {c.mean:.2f}".replace("%", " %")
        for group, points in groups.items()
        for name, (a, b, c) in points.items()
    ]
    return done(
        fig,
        f"{title or 'Help against harm'} ({xlabels[0]}; {xlabels[1]}; {ylabel}): "
        + "; ".join(parts)
        + ". Bars: 95 % of help.",
        quiet,
    )
