"""Selections as a grid, and rounds of fine-tuning."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from ...base import require
from .figure import COLOURS, STYLE, Figure, done, look, new, stored_bars
from .labels import label_ends

if TYPE_CHECKING:  # figures of stored results need no torch
    from ...pools import Pool, Selection

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
def selection_grid(
    selection: "Selection",
    by: str,
    gold: str = "gold",
    labels: Sequence[str] | None = None,
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """The P×N grid of rewards ``by`` as shades, kept candidates framed.

    Beside it stands how many were kept of each prompt. ``labels``: P names of the rows (the
    prompts' topics, say). Rows stand in order of their mean reward, the easiest prompt at the top.
    """
    pool = selection.pool
    require(
        pool.P * pool.N <= LARGEST_GRID,
        f"a grid of {pool.P} × {pool.N} candidates is too large to read; give at most "
        f"{LARGEST_GRID}, such as pool.prompts_at(range(12)).first(8).",
    )
    order = _easiest_first(pool, by)
    names = labels or [str(i) for i in range(pool.P)]
    fig, (left, right) = new(2, 8.0, 1.2 + 0.26 * pool.P)
    left.set_box_aspect(None)
    shades = _cells(left, selection, by, order)
    left.grid(False)
    left.set_xticks(range(pool.N))
    left.set_yticks(range(pool.P), [names[i] for i in order], fontsize=9)
    left.set_xlabel("candidate (framed: kept)")
    fig.colorbar(shades, ax=left, label=f"score by {by}", shrink=0.8)
    per_prompt = selection.per_prompt.numpy()  # (P,)
    right.barh(range(pool.P), per_prompt[order], color=COLOURS[1], height=0.7)
    right.set_ylim(pool.P - 0.5, -0.5)
    right.set_yticks([])
    right.set_xlim(0, max(1, int(per_prompt.max())) + 0.5)
    right.xaxis.get_major_locator().set_params(integer=True)
    right.set_xlabel("candidates kept of each prompt")
    fig.suptitle(title, fontsize=11)
    return done(fig, grid_facts(selection, by, gold), quiet)


def _easiest_first(pool: "Pool", by: str) -> np.ndarray:
    """Prompts in the order of their mean reward over the candidates that are there, (P,)."""
    rewards = pool.reward(by).numpy()  # (P, N)
    sums = np.where(pool.present, rewards, 0.0).sum(1)
    counts = pool.present.sum(1).clamp(min=1).numpy()
    return np.argsort(-sums / counts, kind="stable")


def _cells(axis: Axes, selection: "Selection", by: str, order: np.ndarray) -> AxesImage:
    """Shade and number every cell, frame the kept ones; returns the shades for a colour bar."""
    pool = selection.pool
    rewards = pool.reward(by).numpy()  # (P, N)
    kept = selection.mask.numpy()
    shades = axis.imshow(rewards[order], aspect="auto", cmap="cividis")
    low, high = np.nanmin(rewards), np.nanmax(rewards)
    dark = low + 0.6 * (high - low)  # white numbers up to here
    for row, i in enumerate(order):
        for j in range(pool.N):
            if pool.present[i, j]:
                axis.text(
                    j,
                    row,
                    f"{rewards[i, j]:.1f}",
                    ha="center",
                    va="center",
                    fontsize=8,
                    color="black" if rewards[i, j] > dark else "white",
                )
            if kept[i, j]:
                corner = (j - 0.46, row - 0.44)
                frame = {"fill": False, "edgecolor": COLOURS[1], "linewidth": 2.2}
                axis.add_patch(Rectangle(corner, 0.92, 0.88, **frame))
    return shades


def grid_facts(selection: "Selection", by: str, gold: str = "gold") -> str:
    """One sentence: how many were kept of how many prompts, and their mean rewards.

    Those of the whole pool stand beside them.
    """
    pool = selection.pool
    name = selection.rule or "this selection"
    count = int(pool.present.sum())
    if not len(selection):
        return f"{name} keeps none of {count} candidates."
    means = []
    for reward in (by, gold):
        kept = selection.rewards(reward).mean()
        every = pool.reward(reward)[pool.present].mean()
        means.append(f"mean {reward} {kept:.2f} (all candidates {every:.2f})")
    prompts = int((selection.per_prompt > 0).sum())
    return (
        f"{name} keeps {len(selection)} of {count} candidates, from "
        f"{prompts} of {pool.P} prompts; " + ", ".join(means) + "."
    )


@rc_context(STYLE)
def rounds(
    result: Mapping,
    measures: Sequence[str] = ("gold", "proxy", "distinct"),
    arms: Sequence[str] | None = None,
    title: str = "",
    quiet: bool = False,
) -> Figure:
    """Each arm of ``benchmarks/rounds.py`` over its rounds, one panel a measure.

    ``result``: ``results.load("rounds")``; ``measures``: of ``gold``, ``proxy``, ``own``, ``kl``,
    ``length``, ``distinct``. Round 0 is the base policy. Bars: 95 % intervals over seeds and
    prompts.
    """
    arms = list(arms or [name for name, rows in result["arms"].items() if len(rows) > 1])
    missing = [name for name in arms if name not in result["arms"]]
    missing += [measure for measure in measures if measure not in ROUND_MEASURES]
    require(
        not missing,
        f"no {missing[0] if missing else ''!r} in this result; arms: "
        f"{', '.join(result['arms'])}; measures: {', '.join(ROUND_MEASURES)}.",
    )
    by_arm = {name: [result["base"], *result["arms"][name]] for name in arms}
    fig, axes = new(len(measures), 3.1 * len(measures), 4.0)
    for axis, measure in zip(axes, measures, strict=True):
        _over_rounds(axis, measure, by_arm)
    if not label_ends(axes[-1]):
        handles = axes[0].get_legend_handles_labels()
        fig.legend(*handles, loc="outside lower center", ncols=2 if len(measures) < 3 else 3)
    fig.suptitle(title, fontsize=11)
    first = measures[0]
    parts = []
    for name, rows in by_arm.items():
        parts.append(f"{name} " + ", ".join(f"{row[first]['mean']:.2f}" for row in rows))
    start = f"{title or 'Rounds of fine-tuning'}, {ROUND_MEASURES[first].split(' (')[0]} by "
    text = start + "round from 0: " + "; ".join(parts)
    return done(fig, text + ". Bars: 95 % over seeds and prompts.", quiet)


def _over_rounds(axis: Axes, measure: str, by_arm: Mapping[str, Sequence[Mapping]]) -> None:
    """One panel of :func:`rounds`; arms stand a little apart, so that no bar hides another."""
    for k, (name, rows) in enumerate(by_arm.items()):
        values = [row[measure] for row in rows]
        axis.errorbar(
            np.arange(len(rows)) + 0.05 * (k - len(by_arm) / 2),
            [value["mean"] for value in values],
            yerr=stored_bars(values),
            **look(k),
            markersize=5,
            capsize=2,
            label=name,
        )
    axis.set_xticks(range(max(len(rows) for rows in by_arm.values())))
    axis.set_xlabel("round (0: base policy)")
    axis.set_ylabel(ROUND_MEASURES[measure])
