"""Lesson 07: where PPO's clip takes the push away."""

import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.axes import Axes

from ...base import require
from ...methods import PPO, clipped
from ..plots.figure import INK, STYLE, Figure, done, new
from .ink import KEPT, REWARD, TINT

FAR = 0.62  # how far the ratio goes to each side of 1
ARROWS, LENGTH, FOOT = 6, 0.13, 0.08  # of a row: how many, how long, how high
POINTS = 249  # ratios at which the value and its slope are computed


def surrogate(ratio: np.ndarray, advantage: float, clip: float) -> tuple[np.ndarray, np.ndarray]:
    """What PPO makes large at each ``ratio`` (K,), and its slope there, both (K,).

    By :func:`~course_lib.methods.clipped` and automatic differentiation.
    """
    at = torch.tensor(ratio, dtype=torch.float64, requires_grad=True)
    loss, _ = clipped(at, torch.full_like(at, advantage), clip)
    value = -loss
    (slope,) = torch.autograd.grad(value.sum(), at)
    return value.detach().numpy(), slope.numpy()


@rc_context(STYLE)
def clip(epsilon: float = PPO().clip, quiet: bool = False) -> Figure:
    """PPO's clipped objective for a good and for a bad reply: shaded where nothing pushes.

    ``epsilon``: how far the ratio may move from 1, by default that of the course's PPO.
    """
    require(0 < epsilon < FAR, f"epsilon must lie between 0 and {FAR}; got {epsilon}.")
    fig, axes = new(2, height=3.3)
    ratio = np.linspace(1 - FAR, 1 + FAR, POINTS)
    for axis, advantage in zip(axes, (1.0, -1.0), strict=True):
        value, slope = surrogate(ratio, advantage, epsilon)
        _panel(axis, ratio, value, slope == 0, advantage)
        _pushes(axis, ratio, slope, advantage)
        low, high = f"{1 - epsilon:g}", f"{1 + epsilon:g}"
        axis.set_xticks([1 - epsilon, 1, 1 + epsilon], [low, "1", high])
    axes[0].set_ylabel("what PPO makes large")
    part = f"{100 * epsilon:g} %"
    text = (
        f"PPO's clip, ε = {epsilon:g}: a good reply (advantage above 0) is no longer pushed up "
        f"once it is {part} likelier than when it was sampled; a bad one is no longer pushed "
        f"down once it is {part} less likely, but is as long as it has become likelier."
    )
    axes[0].annotate(
        "as sampled", (1, 1), (-9, 5), textcoords="offset points", color=KEPT, ha="right"
    )
    return done(fig, text, quiet)


def _panel(
    axis: Axes, ratio: np.ndarray, value: np.ndarray, flat: np.ndarray, advantage: float
) -> None:
    """The curve: coloured where it slopes, grey where it is flat, and the ground there shaded."""
    good = advantage > 0
    colour = KEPT if good else REWARD
    span = ratio[flat]
    axis.axvspan(span[0], span[-1], color=INK, alpha=TINT, linewidth=0)
    axis.plot(ratio, advantage * ratio, color=colour, linewidth=1, linestyle=":")
    axis.plot(ratio[~flat], value[~flat], color=colour, linewidth=3)
    axis.plot(span, value[flat], color=INK, linewidth=3)
    axis.plot(1, advantage, "o", color=colour, markersize=8)
    title = "a good reply, A = +1" if good else "a bad reply, A = −1"
    axis.set_title(title, color=colour, fontsize=12)
    axis.set_xlabel("ratio: how likely now / when sampled")
    axis.set_yticks([0, advantage], ["0", f"{advantage:+.0f}".replace("-", "−")])
    axis.set_ylim(value.min() - 0.5, (advantage * ratio).max() + 0.05)
    axis.set_xlim(ratio[0], ratio[-1])
    axis.grid(False)


def _pushes(axis: Axes, ratio: np.ndarray, slope: np.ndarray, advantage: float) -> None:
    """A row of arrows at the foot: which way the ratio is pushed, and where nothing pushes."""
    place = {"xycoords": axis.get_xaxis_transform(), "textcoords": axis.get_xaxis_transform()}
    colour, words = (KEPT, "pushed up") if advantage > 0 else (REWARD, "pushed down")
    for start in np.linspace(ratio[0], ratio[-1], ARROWS + 2)[1:-1]:
        side = LENGTH / 2 * np.sign(slope[np.abs(ratio - start).argmin()])
        if side:
            arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 2, "shrinkA": 0}
            axis.annotate("", (start + side, FOOT), (start - side, FOOT), arrowprops=arrow, **place)
    for name, tone, where in ((words, colour, slope != 0), ("no push", INK, slope == 0)):
        axis.text(
            ratio[where].mean(),
            FOOT + (0.1 if tone == colour else 0),
            name,
            transform=axis.get_xaxis_transform(),
            color=tone,
            fontsize=11,
            fontweight="bold",
            ha="center",
            va="center",
        )
