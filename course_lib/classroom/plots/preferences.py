"""Figures of reward models: what their probabilities are worth, what more comparisons buy, and a
training loss.
"""

import numpy as np
from matplotlib import rc_context

from ...base import require
from ...estimators import agreement_interval, bootstrap_interval
from .figure import COLOURS, DASHES, MARKERS, STYLE, done, new


def calibration_groups(margins, groups=5):
    """Predicted and observed agreement of a reward model with annotators, in ``groups`` of equal
    size from unsure to sure.

    ``margins``: score of the chosen reply less that of the rejected one, (K,) or (P, pairs) with a
    row for each prompt; NaN entries are left out. The model predicts that the reply with the higher
    score is preferred with probability σ(|margin|); observed is how often it was, a tie counting
    half. Returns a list of (predicted, observed :class:`~course_lib.estimators.Interval`, pairs).
    The intervals resample prompts where rows say which they are.
    """
    margins = np.asarray(margins, dtype=float)
    prompt = (
        np.arange(margins.size)
        if margins.ndim == 1
        else np.repeat(np.arange(len(margins)), margins[0].size)
    )
    margins, prompt = margins.ravel(), prompt[~np.isnan(margins.ravel())]
    margins = margins[~np.isnan(margins)]
    require(
        1 <= groups <= len(margins),
        f"groups must be between 1 and the number of pairs, {len(margins)}; got {groups}.",
    )
    predicted, right = 1 / (1 + np.exp(-np.abs(margins))), (margins > 0) + 0.5 * (margins == 0)
    order = np.argsort(predicted, kind="stable")
    return [
        (float(predicted[g].mean()), agreement_interval(right[g], prompt[g]), len(g))
        for g in np.array_split(order, groups)
    ]


@rc_context(STYLE)
def calibration(models, groups=5, title="", quiet=False):
    """Predicted against observed agreement with annotators; on the diagonal a probability means
    what it says.

    ``models``: name → margins, as for :func:`calibration_groups`.
    """
    require(models, "nothing to draw: give the margins of at least one reward model.")
    fig, (axis,) = new(width=6.0, height=4.2)
    axis.plot([0.5, 1], [0.5, 1], color="#666666", linewidth=1, label="calibrated")
    parts = []
    for k, (name, margins) in enumerate(models.items()):
        rows = calibration_groups(margins, groups)
        x, y = [row[0] for row in rows], [row[1] for row in rows]
        gaps = [[v.mean - v.low for v in y], [v.high - v.mean for v in y]]
        axis.errorbar(
            x,
            [v.mean for v in y],
            yerr=gaps,
            color=COLOURS[k],
            marker=MARKERS[k],
            linestyle=DASHES[k],
            capsize=3,
            markersize=5,
            label=name,
        )
        parts.append(f"{name} where it is most sure says {x[-1]:.0%}, and {y[-1]:.0%} agree")
    axis.set_xlabel("predicted for the reply it likes better: σ(|margin|)")
    axis.set_ylabel("observed: annotators who agree")
    axis.set_title(title)
    axis.legend(loc="upper left")
    return done(
        fig,
        f"{title or 'Predicted against observed agreement'}, {groups} groups of equal size: "
        + "; ".join(parts)
        + ". Bars: 95 %.",
        quiet,
    )


@rc_context(STYLE)
def learning_curve(
    sizes, accuracies, references=None, ylabel="held-out accuracy", title="", quiet=False
):
    """Accuracy against the number of comparisons (log scale), with the 95 % interval over prompts.

    ``accuracies``: one (P,) array by prompt for each of ``sizes``; ``references``: name → one
    number, drawn as a level line.
    """
    require(
        len(sizes) == len(accuracies) > 0,
        f"give one array of accuracies for each size; got {len(accuracies)} for {len(sizes)} "
        "sizes.",
    )
    fig, (axis,) = new(height=3.8)
    values = [bootstrap_interval(np.asarray(a, dtype=float)) for a in accuracies]
    gaps = [[v.mean - v.low for v in values], [v.high - v.mean for v in values]]
    axis.errorbar(
        sizes,
        [v.mean for v in values],
        yerr=gaps,
        color=COLOURS[0],
        marker="o",
        capsize=3,
        zorder=3,
        label="reward model",
    )
    for k, (name, level) in enumerate((references or {}).items(), 1):
        axis.axhline(
            level,
            color=COLOURS[k % len(COLOURS)],
            linestyle=DASHES[k % len(DASHES)],
            linewidth=1.5,
            label=f"{name}: {level:.2f}",
        )
    axis.set_xscale("log")
    axis.set_xticks(sizes, [f"{s:,}" for s in sizes])
    axis.minorticks_off()
    axis.set_xlabel("comparisons to train on (log scale)")
    axis.set_ylabel(ylabel)
    axis.set_title(title)
    if references:
        axis.legend(bbox_to_anchor=(1.0, 0.5), loc="center left")
    marks = "".join(f"; {name} {level:.2f}" for name, level in (references or {}).items())
    text = ", ".join(f"{v} with {s:,} comparisons" for s, v in zip(sizes, values, strict=True))
    return done(
        fig,
        f"{title or ylabel[0].upper() + ylabel[1:]}: {text}{marks}. Bars: 95 % over prompts.",
        quiet,
    )


@rc_context(STYLE)
def training_loss(losses, batch_size, passes=1, title="", quiet=False):
    """Bradley–Terry loss of each training step (thin), its running mean over 15 steps, and log 2,
    the loss of a coin.

    ``losses``: nats by step; ``batch_size``: comparisons a step, for the label; ``passes``: over
    the data, with an upright line where a new one starts.
    """
    losses = np.asarray(losses, dtype=float)
    require(
        losses.ndim == 1 and len(losses) >= 2,
        f"losses must be a list of at least 2 steps; got shape {losses.shape}.",
    )
    fig, (axis,) = new(height=3.0)
    width = min(15, len(losses))
    smooth = np.convolve(losses, np.ones(width) / width, "valid")
    axis.plot(
        np.arange(1, len(losses) + 1),
        losses,
        color=COLOURS[0],
        linewidth=0.7,
        alpha=0.6,
        label="each step",
    )
    axis.plot(
        np.arange(width, len(losses) + 1),
        smooth,
        color=COLOURS[0],
        linewidth=2,
        label=f"mean of {width} steps",
    )
    axis.axhline(np.log(2), color=COLOURS[1], linestyle=DASHES[1], label="log 2, a coin")
    starts = np.arange(1, passes) * len(losses) / passes
    for k, start in enumerate(starts):
        axis.axvline(
            start + 0.5,
            color="#666666",
            linestyle=":",
            linewidth=1,
            label="a new pass over the data" if k == 0 else None,
        )
    by_pass = [part.mean() for part in np.array_split(losses, passes)]
    axis.set_xlabel(f"step ({batch_size} comparisons each)")
    axis.set_ylabel("Bradley–Terry loss (nats)")
    axis.set_title(title)
    axis.legend()
    return done(
        fig,
        f"{title or 'Training loss'}: from {losses[0]:.2f} nats at the first of {len(losses)} "
        f"steps to {smooth[-1]:.2f} on average over the last {width}"
        + (
            f"; means of the {passes} passes " + ", ".join(f"{m:.2f}" for m in by_pass)
            if passes > 1
            else ""
        )
        + "; a coin has 0.69.",
        quiet,
    )
