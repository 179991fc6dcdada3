"""Selections as a grid, and rounds of fine-tuning."""

import numpy as np
from matplotlib import rc_context
from matplotlib.patches import Rectangle

from ...base import require
from .figure import COLOURS, DASHES, MARKERS, STYLE, done, new

LARGEST_GRID = 400  # candidates that can still be told apart in one grid
ROUND_MEASURES = {
    "gold": "gold reward (points)",
    "proxy": "score by the frozen proxy",
    "own": "score by the selecting proxy",
    "kl": "KL to the base policy (nats per reply)",
    "length": "tokens per reply",
    "distinct": "distinct-2 over four replies",
}


@rc_context(STYLE)
def selection_grid(selection, by, gold="gold", labels=None, title="", quiet=False):
    """The P×N grid of rewards ``by`` as shades, kept candidates framed, and beside it how many were
    kept of each prompt.

    ``labels``: P names of the rows (the prompts' topics, say). Rows stand in order of their mean
    reward, the easiest prompt at the top.
    """
    pool = selection.pool
    require(
        pool.P * pool.N <= LARGEST_GRID,
        f"a grid of {pool.P} × {pool.N} candidates is too large to read; give at most "
        f"{LARGEST_GRID}, such as pool.prompts_at(range(12)).first(8).",
    )
    R, kept = pool.reward(by).numpy(), selection.mask.numpy()
    order = np.argsort(
        -np.where(pool.present, R, 0.0).sum(1) / pool.present.sum(1).clamp(min=1).numpy(),
        kind="stable",
    )
    fig, axes = new(2, 8.0, 1.2 + 0.26 * pool.P)
    left, right = axes
    left.set_box_aspect(None)
    shades = left.imshow(R[order], aspect="auto", cmap="cividis")
    dark = np.nanmin(R) + 0.6 * (np.nanmax(R) - np.nanmin(R))
    for row, i in enumerate(order):
        for j in range(pool.N):
            if pool.present[i, j]:
                left.text(
                    j,
                    row,
                    f"{R[i, j]:.1f}",
                    ha="center",
                    va="center",
                    fontsize=7,
                    color="black" if R[i, j] > dark else "white",
                )
            if kept[i, j]:
                left.add_patch(
                    Rectangle(
                        (j - 0.46, row - 0.44),
                        0.92,
                        0.88,
                        fill=False,
                        edgecolor=COLOURS[1],
                        linewidth=2.2,
                    )
                )
    left.grid(False)
    left.set_xticks(range(pool.N))
    left.set_yticks(range(pool.P), [labels[i] if labels else str(i) for i in order], fontsize=8)
    left.set_xlabel("candidate (framed: kept)")
    fig.colorbar(shades, ax=left, label=f"score by {by}", shrink=0.8)
    right.barh(range(pool.P), selection.per_prompt.numpy()[order], color=COLOURS[1], height=0.7)
    right.set_ylim(pool.P - 0.5, -0.5)
    right.set_yticks([])
    right.set_xlim(0, max(1, int(selection.per_prompt.max())) + 0.5)
    right.xaxis.get_major_locator().set_params(integer=True)
    right.set_xlabel("candidates kept of each prompt")
    fig.suptitle(title, fontsize=11)
    return done(fig, grid_facts(selection, by, gold), quiet)


def grid_facts(selection, by, gold="gold"):
    """One sentence: how many were kept of how many prompts, and their mean rewards beside those of
    the whole pool.
    """
    pool, name = selection.pool, selection.rule or "this selection"
    if not len(selection):
        return f"{name} keeps none of {int(pool.present.sum())} candidates."
    means = [
        (reward, selection.rewards(reward).mean(), pool.reward(reward)[pool.present].mean())
        for reward in (by, gold)
    ]
    return (
        f"{name} keeps {len(selection)} of {int(pool.present.sum())} candidates, from "
        f"{int((selection.per_prompt > 0).sum())} of {pool.P} prompts; "
        + ", ".join(
            f"mean {reward} {kept:.2f} (all candidates {every:.2f})"
            for reward, kept, every in means
        )
        + "."
    )


@rc_context(STYLE)
def rounds(result, measures=("gold", "proxy", "distinct"), arms=None, title="", quiet=False):
    """Each arm of ``benchmarks/rounds.py`` over its rounds, one panel a measure, with 95 %
    intervals over seeds and prompts.

    ``result``: ``results.load("rounds")``; ``measures``: of ``gold``, ``proxy``, ``own``, ``kl``,
    ``length``, ``distinct``. Round 0 is the base policy.
    """
    arms = list(arms or [name for name, rows in result["arms"].items() if len(rows) > 1])
    missing = [name for name in arms if name not in result["arms"]] + [
        m for m in measures if m not in ROUND_MEASURES
    ]
    require(
        not missing,
        f"no {missing[0] if missing else ''!r} in this result; arms: "
        f"{', '.join(result['arms'])}; measures: {', '.join(ROUND_MEASURES)}.",
    )
    fig, axes = new(len(measures), 3.1 * len(measures), 4.0)
    parts = []
    for axis, measure in zip(axes, measures, strict=True):
        for k, name in enumerate(arms):
            rows = [result["base"], *result["arms"][name]]
            values = [row[measure] for row in rows]
            x = np.arange(len(rows)) + 0.05 * (k - len(arms) / 2)
            axis.errorbar(
                x,
                [v["mean"] for v in values],
                yerr=[
                    [v["mean"] - v["low"] for v in values],
                    [v["high"] - v["mean"] for v in values],
                ],
                color=COLOURS[k],
                marker=MARKERS[k],
                linestyle=DASHES[k],
                markersize=5,
                capsize=2,
                label=name,
            )
            if measure == measures[0]:
                parts.append(f"{name} " + ", ".join(f"{v['mean']:.2f}" for v in values))
        axis.set_xticks(range(1 + max(len(result["arms"][name]) for name in arms)))
        axis.set_xlabel("round (0: base policy)")
        axis.set_ylabel(ROUND_MEASURES[measure])
    fig.legend(
        *axes[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=2 if len(measures) < 3 else 3,
        fontsize=9,
    )
    fig.suptitle(title, fontsize=11)
    return done(
        fig,
        f"{title or 'Rounds of fine-tuning'}, {ROUND_MEASURES[measures[0]].split(' (')[0]} by "
        "round from 0: " + "; ".join(parts) + ". Bars: 95 % over seeds and prompts.",
        quiet,
    )
