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
    fig, axis = ink.sheet(296)
    scale = Scale(min(np.quantile(values, 0.01), values[:n].min()), values.max())
    _hill(axis, values, scale)
    _draws(axis, values[:n], scale)
    _maxima(axis, sizes, highest, scale)
    climbs = ", ".join(f"{m:.1f} for n = {k}" for k, m in zip(sizes, highest, strict=True))
    text = (
        f"The tail and n draws: the rewards of {N} replies to one prompt; the mean of the highest "
        f"of n moves right, {climbs}. Below: the first {n} draws, the highest of them at "
        f"{ink.number(values[:n].max())}."
    )
    return done(fig, text, quiet)


def _hill(axis: Axes, values: np.ndarray, scale: Scale) -> None:
    """The smoothed rewards over their scale: Gaussians as wide as a twentieth of it."""
    grid = np.linspace(scale.low, scale.high, 111)
    wide = (scale.high - scale.low) / 20
    heights = np.exp(-0.5 * ((grid[:, None] - values) / wide) ** 2).sum(1)  # (111,)
    tops = GROUND - HIGH * heights / heights.max()
    xs = [scale(reward) for reward in grid]
    ink.area(axis, [(LEFT, GROUND), *zip(xs, tops, strict=True), (RIGHT, GROUND)], ink.POLICY, 0.2)
    axis.plot(xs, tops, color=ink.POLICY, linewidth=1.8)
    ink.rule(axis, (LEFT - 14, GROUND), (RIGHT + 14, GROUND))
    for tick in scale.ticks():
        places = 0 if tick.is_integer() else 1
        ink.words(axis, scale(tick), GROUND + 13, ink.number(tick, places), align="center")
    ink.words(axis, RIGHT + 14, GROUND + 13, "reward →", align="right")
    x = scale(values.mean()) - 12
    ink.words(axis, x, GROUND - 20, f"{len(values)} replies", ink.POLICY, align="right")


def _draws(axis: Axes, drawn: np.ndarray, scale: Scale) -> None:
    """Each reward as a dot; those that would cover each other stand one below the other."""
    best = int(drawn.argmax())
    there: list[tuple[float, float]] = []
    for j in np.argsort(-drawn, kind="stable").tolist():
        x, y = scale(drawn[j]), float(DRAWS)
        while any(abs(x - a) < 11 and abs(y - b) < 11 for a, b in there):
            y += 11
        there.append((x, y))
        ink.dot(axis, x, y, ink.KEPT if j == best else ink.INK, 6 if j == best else 4.2)
    x = scale(drawn[best])
    low = max(y for a, y in there if abs(x - a) < 60)
    words = f"the best of these {len(drawn)}"
    x = min(x, ink.WIDE - ink.width_of(words, bold=True) / 2 - 4)
    ink.words(axis, x, low + 20, words, ink.KEPT, bold=True, align="center")


def _maxima(axis: Axes, sizes: Sequence[int], highest: np.ndarray, scale: Scale) -> None:
    """The mean of the maximum for each size: steps to the right, above the hill."""
    xs = [scale(mean) for mean in highest]
    for before, after in zip(xs, xs[1:], strict=False):
        if after - before > 24:
            ink.arrow(axis, (before + 8, ROAD), (after - 7, ROAD), ink.KEPT)
    for x, size, mean in zip(xs, sizes, highest, strict=True):
        ink.rule(axis, (x, ROAD + 8), (x, GROUND), ink.KEPT, 1.0, dashes=True)
        ink.dot(axis, x, ROAD, ink.KEPT, 5)
        ink.words(axis, x, ROAD - 34, f"n = {size}", ink.KEPT, 10, True, "center")
        ink.words(axis, x, ROAD - 17, ink.number(mean), ink.KEPT, align="center")
    words = "the highest of n, on average"
    ink.words(axis, xs[0] - 26, ROAD - 17, words, ink.KEPT, align="right")
