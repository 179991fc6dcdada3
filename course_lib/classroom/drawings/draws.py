"""The tail: one prompt's rewards, n draws below them, and how far right the highest one comes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ...base import require
from ...estimators import best_of_n_curve
from ..plots.figure import STYLE, Figure, done
from ..plots.labels import spread
from . import ink
from .stored import question

SIZES = (1, 4, 16, 64)
LEFT, RIGHT = 40, 660  # units: where the scale begins and ends
ROAD, GROUND, HIGH, DRAWS = (
    56,
    200,
    104,
    242,
)  # units: the maxima, foot and height of the hill, dots


@dataclass(frozen=True)
class Scale:
    """Rewards from ``low`` at the left of the sheet to ``high`` at its right."""

    low: float
    high: float

    def __call__(self, reward: float) -> float:
        """The units from the left at which ``reward`` stands."""
        return LEFT + (float(reward) - self.low) / (self.high - self.low) * (RIGHT - LEFT)

    def ticks(self) -> list[float]:
        """Round numbers that lie on it, none where its end says what it is."""
        found = MaxNLocator(7, integer=self.high - self.low > 4).tick_values(self.low, self.high)
        return [float(t) for t in found if LEFT <= self(t) <= RIGHT - 72]


@rc_context(STYLE)
def tail(
    rewards: Sequence[float] | np.ndarray | None = None,
    n: int = 16,
    sizes: Sequence[int] = SIZES,
    quiet: bool = False,
) -> Figure:
    """One prompt's rewards as a hill, the first n of them as dots, and the mean of the maximum.

    ``rewards``: (N,) of one prompt's candidates, in the order drawn; by default the gold rewards of
    a stored question of the help desk; ``sizes``: for which the mean of the maximum is marked, as
    :func:`course_lib.estimators.best_of_n_curve` estimates it.
    """
    if rewards is None:
        rewards = question().gold
    values = np.asarray(rewards, dtype=float)
    require(
        values.ndim == 1 and len(values) > 1 and np.isfinite(values).all(),
        f"rewards must be finite, one for each candidate of one prompt; got {values.shape}.",
    )
    require(np.ptp(values) > 0, "all rewards are equal: the maximum of n is the same for every n.")
    N = len(values)
    require(1 <= n <= N, f"n must be between 1 and {N}, the number of rewards; got {n}.")
    sizes = [size for size in sizes if size <= N]
    highest = best_of_n_curve(values[None], ns=sizes)[0]  # (len(sizes),)
    scale = Scale(min(np.quantile(values, 0.01), values[:n].min()), values.max())
    dots = _stacked([scale(reward) for reward in values[:n]])
    fig, axis = ink.sheet(max(y for _, y in dots) + 46)
    _hill(axis, values, [scale(mean) for mean in highest], scale)
    _draws(axis, dots, int(values[:n].argmax()))
    _maxima(axis, sizes, highest, scale)
    climbs = ", ".join(f"{m:.1f} for n = {k}" for k, m in zip(sizes, highest, strict=True))
    text = (
        f"The tail and n draws: the rewards of {N} replies to one prompt; the mean of the highest "
        f"of n moves right, {climbs}. Below: the first {n} draws, the highest of them at "
        f"{ink.number(values[:n].max())}."
    )
    return done(fig, text, quiet)


def _hill(axis: Axes, values: np.ndarray, marks: Sequence[float], scale: Scale) -> None:
    """The smoothed rewards over their scale: Gaussians as wide as a twentieth of it.

    Its name stands where it is high and no upright line, at ``marks``, goes through.
    """
    grid = np.linspace(scale.low, scale.high, 111)
    wide = (scale.high - scale.low) / 20
    heights = np.exp(-0.5 * ((grid[:, None] - values) / wide) ** 2).sum(1)  # (111,)
    heights *= HIGH / heights.max()
    xs = np.array([scale(reward) for reward in grid])
    top = [(x, GROUND - height) for x, height in zip(xs, heights, strict=True)]
    ink.area(axis, [(LEFT, GROUND), *top, (RIGHT, GROUND)], ink.POLICY, 0.2)
    axis.plot(*zip(*top, strict=True), color=ink.POLICY, linewidth=1.8)
    ink.rule(axis, (LEFT - 14, GROUND), (RIGHT + 14, GROUND))
    for tick in scale.ticks():
        ink.words(axis, scale(tick), GROUND + 13, f"{tick:g}".replace("-", "−"), align="center")
    ink.words(axis, RIGHT + 14, GROUND + 13, "reward →", align="right")
    name = f"{len(values)} replies"
    half = ink.width_of(name) / 2 + 8
    free = [x for x in xs if all(abs(x - mark) > half for mark in marks)] or list(xs)
    room = [heights[abs(xs - x) < half].min() for x in free]
    ink.words(axis, free[int(np.argmax(room))], GROUND - 20, name, ink.POLICY, align="center")


def _stacked(xs: Sequence[float]) -> list[tuple[float, float]]:
    """Where dots at ``xs`` stand: those that would cover each other one below the other."""
    there: dict[int, tuple[float, float]] = {}
    for j in np.argsort(-np.array(xs), kind="stable").tolist():
        x, y = xs[j], float(DRAWS)
        while any(abs(x - a) < 11 and abs(y - b) < 11 for a, b in there.values()):
            y += 11
        there[j] = (x, y)
    return [there[j] for j in range(len(xs))]


def _draws(axis: Axes, dots: Sequence[tuple[float, float]], best: int) -> None:
    """The dots, and which of them is the highest."""
    others = [dot for j, dot in enumerate(dots) if j != best]
    if others:
        axis.plot(*zip(*others, strict=True), "o", color=ink.INK, markersize=6, markeredgewidth=0)
    x = dots[best][0]
    ink.dot(axis, x, dots[best][1], ink.KEPT, 6)
    words = f"the best of these {len(dots)}"
    x = min(x, ink.WIDE - ink.width_of(words, bold=True) / 2 - 4)
    low = max(y for a, y in dots if abs(x - a) < ink.width_of(words, bold=True) / 2 + 6)
    ink.words(axis, x, low + 20, words, ink.KEPT, bold=True, align="center")


def _maxima(axis: Axes, sizes: Sequence[int], highest: np.ndarray, scale: Scale) -> None:
    """The mean of the maximum for each size: steps to the right, above the hill."""
    xs = [scale(mean) for mean in highest]
    for before, after in zip(xs, xs[1:], strict=False):
        if after - before > 24:
            ink.arrow(axis, (before + 8, ROAD), (after - 7, ROAD), ink.KEPT)
    names = spread(xs, [62] * len(xs), 4, ink.WIDE - 4)
    for x, name, size, mean in zip(xs, names, sizes, highest, strict=True):
        ink.rule(axis, (x, ROAD + 8), (x, GROUND), ink.KEPT, 1.0, dashes=True)
        ink.dot(axis, x, ROAD, ink.KEPT, 5)
        ink.words(axis, name, ROAD - 34, f"n = {size}", ink.KEPT, 10, True, "center")
        ink.words(axis, name, ROAD - 17, ink.number(mean), ink.KEPT, align="center")
    words = "the highest of n, on average"
    ink.words(axis, names[0] - 26, ROAD - 17, words, ink.KEPT, align="right")
