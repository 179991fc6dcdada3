"""Figures of reward models.

What their probabilities are worth, what more comparisons buy, and a training loss.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from numpy.typing import ArrayLike

from ...base import require
from ...estimators import Interval, agreement_interval, bootstrap_interval
from .figure import COLOURS, DASHES, INK, STYLE, Figure, bars, done, heading, look, new
from .labels import name_lines, name_upright

RUNNING = 15  # steps in the running mean of a training loss


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
    models: Mapping[str, np.ndarray],
    groups: int = 5,
    title: str = "",
    quiet: bool = False,
    topics: ArrayLike | None = None,
) -> Figure:
    """Predicted against observed agreement with annotators.

    On the diagonal a probability means what it says. ``models``: name → margins, as for
    :func:`calibration_groups`, as are ``topics``.
    """
    require(models, "nothing to draw: give the margins of at least one reward model.")
    fig, (axis,) = new(width=6.0, height=4.2)
    axis.plot([0.5, 1], [0.5, 1], color=INK, linewidth=1, label="calibrated")
    parts = []
    for k, (name, margins) in enumerate(models.items()):
        rows = calibration_groups(margins, groups, topics)
        predicted = [row[0] for row in rows]
        observed = [row[1] for row in rows]
        axis.errorbar(
            predicted,
            [value.mean for value in observed],
            yerr=bars(observed),
            **look(k),
            capsize=3,
            markersize=5,
            label=name,
        )
        parts.append(
            f"{name} where it is most sure says {predicted[-1]:.0%}, and {observed[-1]:.0%} agree"
        )
    axis.set_xlabel("predicted for the reply it likes better: σ(|margin|)")
    axis.set_ylabel("observed: annotators who agree")
    axis.set_title(title)
    name_lines(axis, loc="upper left")
    start = f"{title or 'Predicted against observed agreement'}, {groups} groups of equal size: "
    return done(fig, start + "; ".join(parts) + ". Bars: 95 %.", quiet)


@rc_context(STYLE)
def learning_curve(
    sizes: Sequence[int],
    accuracies: Sequence[np.ndarray],
    references: Mapping[str, float] | None = None,
    ylabel: str = "held-out accuracy",
    title: str = "",
    quiet: bool = False,
    topics: ArrayLike | None = None,
) -> Figure:
    """Accuracy against the number of comparisons (log scale), with the 95 % interval over prompts.

    ``accuracies``: one (P,) array by prompt for each of ``sizes``; ``references``: name → one
    number, drawn as a level line; ``topics`` (P,): names the topic of each prompt, for intervals
    over topics.
    """
    require(
        len(sizes) == len(accuracies) > 0,
        f"give one array of accuracies for each size; got {len(accuracies)} for {len(sizes)} "
        "sizes.",
    )
    references = references or {}
    fig, (axis,) = new(height=3.8)
    values = [bootstrap_interval(np.asarray(row, dtype=float), groups=topics) for row in accuracies]
    axis.errorbar(
        sizes,
        [value.mean for value in values],
        yerr=bars(values),
        color=COLOURS[0],
        marker="o",
        capsize=3,
        zorder=3,
        label="reward model",
    )
    for k, (name, level) in enumerate(references.items(), 1):
        axis.axhline(
            level,
            color=COLOURS[k % len(COLOURS)],
            linestyle=DASHES[k % len(DASHES)],
            linewidth=1.5,
            label=f"{name}: {level:.2f}",
        )
    axis.set_xscale("log")
    axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axis.minorticks_off()
    axis.set_xlabel("comparisons to train on (log scale)")
    axis.set_ylabel(ylabel)
    axis.set_title(title)
    if references:
        name_lines(axis, bbox_to_anchor=(1.0, 0.5), loc="center left")
    points = zip(sizes, values, strict=True)
    curve = ", ".join(f"{value} with {size:,} comparisons" for size, value in points)
    marks = "".join(f"; {name} {level:.2f}" for name, level in references.items())
    units = "prompts" if topics is None else "topics"
    text = f"{heading(title, ylabel)}: {curve}{marks}. Bars: 95 % over {units}."
    return done(fig, text, quiet)


@rc_context(STYLE)
def training_loss(
    losses: Sequence[float],
    batch_size: int,
    passes: int = 1,
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """Bradley–Terry loss of each training step (thin) and its running mean over 15 steps.

    A level line stands at log 2, the loss of a coin. ``losses``: nats by step; ``batch_size``:
    comparisons a step, for the label; ``passes``: over the data, with an upright line where a new
    one starts.
    """
    losses = np.asarray(losses, dtype=float)
    require(
        losses.ndim == 1 and len(losses) >= 2,
        f"losses must be a list of at least 2 steps; got shape {losses.shape}.",
    )
    fig, (axis,) = new(height=3.0)
    steps = np.arange(1, len(losses) + 1)
    width = min(RUNNING, len(losses))
    smooth = np.convolve(losses, np.ones(width) / width, "valid")
    axis.plot(steps, losses, color=COLOURS[0], linewidth=0.7, alpha=0.6, label="each step")
    mean_label = f"mean of {width} steps"
    axis.plot(steps[width - 1 :], smooth, color=COLOURS[0], linewidth=2, label=mean_label)
    axis.axhline(np.log(2), color=COLOURS[1], linestyle=DASHES[1], label="log 2, a coin")
    axis.set_xlabel(f"step ({batch_size} comparisons each)")
    axis.set_ylabel("Bradley–Terry loss (nats)")
    axis.set_title(title)
    starts = np.arange(1, passes) * len(losses) / passes
    for k, start in enumerate(starts):
        axis.axvline(start + 0.5, color=INK, linestyle=":", linewidth=1)
        if k == 0:
            name_upright(axis, start + 0.5, "a new pass over the data", INK)
    name_lines(axis)
    by_pass = ""
    if passes > 1:
        means = [f"{part.mean():.2f}" for part in np.array_split(losses, passes)]
        by_pass = f"; means of the {passes} passes " + ", ".join(means)
    text = (
        f"{title or 'Training loss'}: from {losses[0]:.2f} nats at the first of {len(losses)} "
        f"steps to {smooth[-1]:.2f} on average over the last {width}{by_pass}; a coin has 0.69."
    )
    return done(fig, text, quiet)
