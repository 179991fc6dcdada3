"""Figures of reward models: a training, what more comparisons buy, two clouds, calibration."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike

from ...base import require
from ...estimators import Interval, agreement_interval, bootstrap_interval
from .figure import COLOURS, DASHES, INK, STYLE, Figure, bars, done, look, new
from .labels import SIZE, label_ends, name_lines

LEAST_SPREAD = 1e-9  # of gold in a prompt, for a stroke through its replies
STROKES = 16  # prompts of a kind that are drawn, evenly spaced


def calibration_groups(
    margins: np.ndarray, groups: int = 5, topics: ArrayLike | None = None
) -> list[tuple[float, Interval, int]]:
    """Predicted and observed agreement of a reward model with annotators, from unsure to sure.

    ``margins``: score of the chosen reply minus that of the rejected one, (K,) or (P, pairs) with a
    row for each prompt; NaN entries are left out. ``groups`` of equal size. The model predicts that
    the reply with the higher score is preferred with probability σ(|margin|); observed is how often
    it was, a tie counting half. Returns a list of (predicted, observed
    :class:`~course_lib.estimators.Interval`, pairs). The intervals resample prompts where rows say
    which they are, or ``topics``, a name for each row.
    """
    margins = np.asarray(margins, dtype=float)
    names = np.arange(len(margins)) if topics is None else np.asarray(topics)
    require(
        len(names) == len(margins),
        f"topics must name a topic for each of the {len(margins)} rows; got {len(names)}.",
    )
    prompt = np.repeat(names, margins.size // max(len(margins), 1))
    margins = margins.ravel()
    known = ~np.isnan(margins)
    margins = margins[known]  # (pairs,)
    prompt = prompt[known]
    require(
        1 <= groups <= len(margins),
        f"groups must be between 1 and the number of pairs, {len(margins)}; got {groups}.",
    )
    predicted = 1 / (1 + np.exp(-np.abs(margins)))
    right = (margins > 0) + 0.5 * (margins == 0)
    order = np.argsort(predicted, kind="stable")
    rows = []
    for g in np.array_split(order, groups):
        observed = agreement_interval(right[g], prompt[g])
        rows.append((float(predicted[g].mean()), observed, len(g)))
    return rows


@rc_context(STYLE)
def calibration(
    panels: Mapping[str, Mapping[str, np.ndarray]],
    topics: Mapping[str, ArrayLike] | None = None,
    groups: int = 5,
    quiet: bool = False,
) -> Figure:
    """Predicted against observed agreement with annotators, a panel beside the other.

    On the diagonal a probability means what it says; below it, shaded, the model is too sure.
    ``panels``: title → name → margins, as for :func:`calibration_groups`; ``topics``: title → the
    topic of each row, for intervals over topics.
    """
    require(
        panels and all(panels.values()),
        "nothing to draw: give the margins of at least one reward model.",
    )
    fig, axes = new(len(panels), width=1.6 + 3.4 * len(panels), height=3.9)
    parts = []
    for axis, (title, models) in zip(axes, panels.items(), strict=True):
        axis.plot([0.5, 1], [0.5, 1], color=INK, linewidth=1)
        axis.fill_between([0.5, 1], [0.3, 0.3], [0.5, 1], color=COLOURS[1], alpha=0.1, linewidth=0)
        axis.text(0.98, 0.36, "too sure", color=COLOURS[1], fontsize=SIZE, ha="right")
        for k, (name, margins) in enumerate(models.items()):
            rows = calibration_groups(margins, groups, None if topics is None else topics[title])
            _calibrated(axis, rows, name, k)
            parts.append(
                f"{name} where it is most sure says {rows[-1][0]:.0%}, and {rows[-1][1].mean:.0%} "
                "agree"
            )
        axis.set_xlabel("predicted: σ(|margin|)")
        axis.set_title(title)
        axis.set_xlim(0.5, 1)
        axis.set_ylim(0.3, 1)
        for side in (axis.xaxis, axis.yaxis):
            side.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
        axis.legend(loc="upper left")
    axes[0].set_ylabel("annotators who agree")
    start = f"Predicted against observed agreement, {groups} groups of equal size: "
    return done(fig, start + "; ".join(parts) + ". Bars: 95 %.", quiet)


def _calibrated(axis: Axes, rows: Sequence[tuple[float, Interval, int]], name: str, k: int) -> None:
    """The groups of one model, from unsure to sure."""
    observed = [row[1] for row in rows]
    axis.errorbar(
        [row[0] for row in rows],
        [value.mean for value in observed],
        yerr=bars(observed),
        **look(k),
        capsize=3,
        markersize=5,
        label=name,
    )


@rc_context(STYLE)
def learning_curve(
    sizes: Sequence[int],
    panels: Mapping[str, Sequence[np.ndarray]],
    references: Mapping[str, Mapping[str, float]] | None = None,
    topics: ArrayLike | None = None,
    specs: Sequence[str] = (".0%", ".1f"),
    quiet: bool = False,
) -> Figure:
    """What a reward model is worth against the number of comparisons (log scale), by measure.

    ``panels``: label → one (P,) array by prompt for each of ``sizes``; ``references``: label → name
    → one number, drawn as a level line with its name at its end; ``topics`` (P,): the topic of each
    prompt, for intervals over topics; ``specs``: how numbers are written, panel by panel.
    """
    wrong = [label for label, rows in panels.items() if len(rows) != len(sizes)]
    require(
        panels and len(sizes) > 0 and not wrong,
        f"give one array of values for each size in every panel; not so in {wrong}.",
    )
    fig, axes = new(len(panels), width=1.8 + 3.7 * len(panels), height=3.6)
    told = []
    for axis, (label, rows), spec in zip(axes, panels.items(), specs, strict=False):
        values = [bootstrap_interval(np.asarray(row, dtype=float), groups=topics) for row in rows]
        levels = (references or {}).get(label, {})
        _curve(axis, sizes, values, levels)
        axis.set_ylabel(label)
        if spec.endswith("%"):
            axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
        points = zip(sizes, values, strict=True)
        curve = ", ".join(f"{value.mean:{spec}} with {size:,}" for size, value in points)
        marks = "".join(f"; {name} {level:{spec}}" for name, level in levels.items())
        told.append(f"{label} {curve}{marks}")
    units = "prompts" if topics is None else "topics"
    text = f"By the number of comparisons: {'. '.join(told)}. Bars: 95 % over {units}."
    return done(fig, text, quiet)


def _curve(
    axis: Axes, sizes: Sequence[int], values: Sequence[Interval], levels: Mapping[str, float]
) -> None:
    """One measure by the number of comparisons, and level lines with their names."""
    means = [value.mean for value in values]
    style: dict[str, Any] = {"color": COLOURS[0], "marker": "o", "capsize": 3, "zorder": 3}
    axis.errorbar(sizes, means, yerr=bars(values), label="reward model", **style)
    ends = [sizes[0], sizes[-1]]
    for k, (name, level) in enumerate(levels.items(), 1):
        colour, dash = COLOURS[k % len(COLOURS)], DASHES[k % len(DASHES)]
        axis.plot(ends, [level, level], color=colour, linestyle=dash, linewidth=1.5, label=name)
    axis.set_xscale("log")
    axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axis.minorticks_off()
    axis.set_xlabel("comparisons (log scale)")
    name_lines(axis, loc="upper left")


@rc_context(STYLE)
def training_passes(
    losses: Sequence[float],
    held_out: Sequence[Interval],
    accuracies: Sequence[Interval],
    references: Mapping[str, float] | None = None,
    quiet: bool = False,
) -> Figure:
    """A training of a reward model, pass by pass: its loss, and its held-out accuracy.

    ``losses``: nats by step; ``held_out``: the loss on other prompts after each pass;
    ``accuracies``: shares of their pairs that are ordered as the annotator did, after each pass;
    ``references``: name → one share, drawn as a level line. The second panel is in per cent.
    """
    by_step = np.asarray(losses, dtype=float)
    passes = len(accuracies)
    require(
        by_step.ndim == 1 and len(by_step) >= passes >= 1 and len(held_out) == passes,
        f"give losses by step, and a held-out loss and an accuracy for each pass; got "
        f"{by_step.shape}, {len(held_out)} and {passes}.",
    )
    fig, (left, right) = new(2, width=9.2, height=3.5)
    means = [part.mean() for part in np.array_split(by_step, passes)]
    _losses(left, by_step, means, held_out)
    for k, (name, share) in enumerate((references or {}).items(), 1):
        colour, dash = COLOURS[k % len(COLOURS)], DASHES[k % len(DASHES)]
        right.plot([1, passes], [100 * share] * 2, color=colour, linestyle=dash, label=name)
    shares = [100 * value.mean for value in accuracies]
    lengths = 100 * np.array(bars(accuracies))
    style: dict[str, Any] = {"color": COLOURS[0], "marker": "o", "capsize": 3, "zorder": 3}
    right.errorbar(range(1, passes + 1), shares, yerr=lengths, label="our model", **style)
    right.set_ylabel("held-out pairs it gets right (%)")
    label_ends(right)
    for axis in (left, right):
        axis.set_xlabel("passes over the comparisons")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    steps = ", ".join(f"{mean:.2f}" for mean in means)
    text = (
        f"Training, pass by pass: the mean loss falls ({steps} nats; a coin has 0.69), on held-out "
        f"pairs it ends at {held_out[-1].mean:.2f}, and {shares[-1]:.0f} % of these are right"
    )
    marks = "".join(f"; {name} {share:.0%}" for name, share in (references or {}).items())
    return done(fig, f"{text}{marks}. Bars: 95 %.", quiet)


def _losses(
    axis: Axes, losses: np.ndarray, means: Sequence[float], held_out: Sequence[Interval]
) -> None:
    """The loss of each step, thin, its mean in each pass, and the held-out loss after it."""
    passes = len(means)
    at = np.arange(1, len(losses) + 1) / len(losses) * passes
    axis.plot(at, losses, color=COLOURS[0], linewidth=0.6, alpha=0.5)
    for k, mean in enumerate(means):
        label = "seen pairs" if k == passes - 1 else None
        axis.plot([k, k + 1], [mean, mean], color=COLOURS[0], linewidth=3, label=label)
    ends = np.arange(1, passes + 1)
    values = [value.mean for value in held_out]
    axis.plot(ends, values, color=COLOURS[2], marker="s", label="held-out pairs")
    axis.plot([0, passes], [np.log(2)] * 2, color=COLOURS[1], linestyle="--", label="a coin")
    axis.set_ylabel("Bradley–Terry loss (nats)")
    label_ends(axis)


@rc_context(STYLE)
def two_clouds(
    gold: np.ndarray,
    scores: np.ndarray,
    kinds: Mapping[str, np.ndarray],
    ylabel: str = "score",
    quiet: bool = False,
) -> Figure:
    """Scores rise with gold within each prompt, and fall from one kind of prompts to another.

    ``gold`` and ``scores``: (P, N); ``kinds``: name → (P,) whether a prompt is of that kind, two of
    them. A stroke is one prompt: the straight line through its replies, one standard deviation of
    gold to each side of their mean; of each kind at most 16 are drawn. The large marks are the
    means of the kinds, over all their prompts.
    """
    gold, scores = np.asarray(gold, dtype=float), np.asarray(scores, dtype=float)
    require(
        gold.shape == scores.shape and gold.ndim == 2 and len(kinds) == 2,
        f"give gold and scores of one shape (P, N) and two kinds; got {gold.shape}, "
        f"{scores.shape} and {list(kinds)}.",
    )
    fig, (axis,) = new(width=6.4, height=3.9)
    centres = []
    for k, chosen in enumerate(kinds.values()):
        rows = np.flatnonzero(chosen)
        for i in rows[:: max(1, -(-len(rows) // STROKES))]:
            _stroke(axis, gold[i], scores[i], COLOURS[k])
        centres.append((gold[rows].mean(), scores[rows].mean()))
        face: dict[str, Any] = {
            "color": COLOURS[k],
            "markeredgecolor": "white",
            "markersize": 13,
            "zorder": 5,
        }
        axis.plot(*centres[-1], "o", **face)
    axis.plot(*zip(*centres, strict=True), color=INK, linestyle="--", linewidth=1.5, zorder=4)
    _name_clouds(axis, list(kinds), centres)
    axis.set_xlabel("gold reward (points)")
    axis.set_ylabel(ylabel)
    told = "; ".join(
        f"{name} prompts: gold {x:.1f}, score {y:.1f}"
        for name, (x, y) in zip(kinds, centres, strict=True)
    )
    return done(
        fig, f"Scores against gold, a stroke for a prompt; means of each kind: {told}.", quiet
    )


def _name_clouds(axis: Axes, names: Sequence[str], centres: Sequence[tuple[float, float]]) -> None:
    """The name of each kind in the corner that lies on its side: left or right, top or bottom."""
    lefts = np.argsort(np.argsort([x for x, _ in centres]))
    lows = np.argsort(np.argsort([y for _, y in centres]))
    for k, name in enumerate(names):
        axis.text(
            (0.03, 0.97)[lefts[k]],
            (0.05, 0.95)[lows[k]],
            f"{name} prompts",
            transform=axis.transAxes,
            color=COLOURS[k],
            fontsize=SIZE + 1,
            fontweight="bold",
            ha=("left", "right")[lefts[k]],
            va=("bottom", "top")[lows[k]],
        )


def _stroke(axis: Axes, gold: np.ndarray, scores: np.ndarray, colour: str) -> None:
    """The regression line of one prompt's replies around their mean."""
    x, y, spread = gold.mean(), scores.mean(), gold.std()
    if spread < LEAST_SPREAD:
        return
    rise = np.mean((gold - x) * (scores - y)) / spread
    axis.plot(
        [x - spread, x + spread], [y - rise, y + rise], color=colour, alpha=0.45, linewidth=1.2
    )
