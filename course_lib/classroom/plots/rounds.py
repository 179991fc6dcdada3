"""Selections as a grid."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle

from ...base import require
from .figure import COLOURS, STYLE, Figure, done, new

if TYPE_CHECKING:  # figures of stored results need no torch
    from ...pools import Pool, Selection

LARGEST_GRID = 400  # candidates that can still be told apart in one grid


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
