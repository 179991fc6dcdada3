"""Lesson 07: how strongly each method pushes each reply to one prompt."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ...base import require
from ...methods import advantages, gae
from ..plots.figure import COLOURS, INK, STYLE, Figure, done, new
from ..plots.frontier import method_colour
from .ink import number

# two prompts with eight replies each; the critic expects the same of both
SHAPE = (-1.6, -1.0, -0.7, -0.4, 0.2, 0.5, 1.0, 2.4)
REWARDS = (SHAPE, tuple(round(1.0 + 0.15 * reward, 3) for reward in SHAPE))
HEADS = ("replies that differ", "all good, nearly alike")
CRITIC = 0.4  # what PPO's critic expects
RULES = {
    "rewards": "sorted",
    "RFT, RAFT": "1 for the best, else 0",
    "GRPO without std": "minus the mean",
    "GRPO": "… divided by the std",
    "RLOO": "minus the others' mean",
    "PPO": "minus a critic's guess",
}


def weights_by_method(rewards: ArrayLike, critic: float = CRITIC) -> dict[str, np.ndarray]:
    """The weight of each reply under each method: name → (P, N), and the rewards themselves.

    ``rewards``: (P, N), N replies to each of P prompts. By
    :func:`~course_lib.methods.advantages`; PPO's by :func:`~course_lib.methods.gae` for replies of
    one token whose reward the critic expects to be ``critic``, before it is whitened.
    """
    scores = torch.as_tensor(np.asarray(rewards), dtype=torch.float32)
    require(
        scores.ndim == 2 and scores.shape[1] > 1 and bool(torch.isfinite(scores).all()),
        "rewards must be finite numbers (prompts, replies), two replies or more; got shape "
        f"{tuple(scores.shape)}.",
    )
    token = scores.reshape(-1, 1)  # (P·N, 1)
    mask = torch.ones_like(token, dtype=torch.bool)
    surprise, _ = gae(token, torch.full_like(token, critic), mask)
    found = {
        "rewards": scores,
        "RFT, RAFT": advantages(scores, "best"),
        "GRPO without std": advantages(scores, "group"),
        "GRPO": advantages(scores, "group_std"),
        "RLOO": advantages(scores, "leave_one_out"),
        "PPO": surprise.reshape(scores.shape),
    }
    return {name: values.numpy().astype(float) for name, values in found.items()}


@rc_context(STYLE)
def weights(
    rewards: Sequence[Sequence[float]] = REWARDS,
    critic: float = CRITIC,
    heads: Sequence[str] = HEADS,
    quiet: bool = False,
) -> Figure:
    """Small bars: the weight that each method gives to each reply, a row a method.

    ``rewards``: a list for each prompt, a column each, sorted here; ``heads``: what
    the columns are called; ``critic``: what PPO's critic expects. All bars have one scale.
    """
    require(
        len(heads) == len(rewards), f"{len(rewards)} prompts need as many heads; got {len(heads)}."
    )
    ordered = [sorted(row) for row in rewards]
    require(len({len(row) for row in ordered}) == 1, "every prompt needs as many replies.")
    found = weights_by_method(ordered, critic)
    fig, _ = new(height=0.62 * len(found) + 0.5)
    fig.clear()
    grid = fig.subplots(len(found), len(heads) + 1, width_ratios=[1.0, *[1.15] * len(heads)])
    fig.get_layout_engine().set(wspace=0.06)
    ends = min(map(np.min, found.values())), max(map(np.max, found.values()))
    for (name, values), row in zip(found.items(), grid, strict=True):
        colour = INK if name == "rewards" else COLOURS[method_colour(name)]
        _name(row[0], name, colour)
        for axis, weight in zip(row[1:], values, strict=True):
            _bars(axis, weight, colour, ends, name == "rewards")
    for axis, head in zip(grid[0][1:], heads, strict=True):
        axis.set_title(head, fontsize=11)
    text = (
        f"Weights of {len(ordered[0])} replies, from the lowest to the highest, at “"
        f"{'” and “'.join(heads)}”: "
        f"{'; '.join(_range(name, values) for name, values in found.items())}."
    )
    return done(fig, text, quiet)


def _name(axis: Axes, name: str, colour: str) -> None:
    axis.axis("off")
    place = {"transform": axis.transAxes, "va": "center", "color": colour}
    axis.text(0, 0.68, name, fontsize=11.5, fontweight="bold", **place)
    axis.text(0, 0.3, RULES[name], fontsize=9.5, **{**place, "color": INK})


def _bars(
    axis: Axes, values: np.ndarray, colour: str, ends: tuple[float, float], faint: bool
) -> None:
    axis.bar(range(len(values)), values, color=colour, width=0.78, alpha=0.6 if faint else 1)
    axis.axhline(0, color=INK, linewidth=0.8)
    axis.set_ylim(1.08 * ends[0], 1.08 * ends[1])
    axis.axis("off")


def _range(name: str, values: np.ndarray) -> str:
    """A row in words: its lowest and highest weight at each prompt."""
    ends = (f"{number(row.min())} to {number(row.max())}" for row in values)
    return f"{name} {' and '.join(ends)}".replace(".0 ", " ").removesuffix(".0")
