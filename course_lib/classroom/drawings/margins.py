"""The margin: what the scores of a pair say, and how the loss pulls the two apart."""

import math
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from ..plots.figure import STYLE, Figure, done
from . import ink
from .stored import question

PAIRS = {"sure": (3, 10), "unsure": (3, 8)}  # chosen and rejected of the stored replies
ENDS = (-4.0, 4.0)  # of the margin's scale
LEFT, RIGHT, ROOF, FLOOR = 54, 350, 62, 262  # units: the plot
CARD, WIDE, HIGH = 412, 260, 42  # units: left end, width and height of a reply
PULL = 56  # units: length of the arrow of a pull of 1


@dataclass(frozen=True)
class Comparison:
    """A chosen and a rejected reply to one prompt, and their scores' difference."""

    name: str
    chosen: str
    rejected: str
    margin: float

    @property
    def chance(self) -> float:
        """σ(margin): how likely the model finds it that the chosen one wins."""
        return 1 / (1 + math.exp(-self.margin))

    @property
    def loss(self) -> float:
        """−log σ(margin), in nats."""
        return -math.log(self.chance)

    @property
    def pull(self) -> float:
        """1 − σ(margin): the size of the gradient of the loss by either score."""
        return 1 - self.chance


def stored_comparisons() -> list[Comparison]:
    """Two pairs of the help desk's replies, scored by ``reward-8000``: far apart, and close."""
    stored = question()
    texts, scores = stored.replies, stored.scores.tolist()
    return [
        Comparison(name, texts[a], texts[b], scores[a] - scores[b])
        for name, (a, b) in PAIRS.items()
    ]


@rc_context(STYLE)
def margin(quiet: bool = False) -> Figure:
    """σ(margin) with a sure pair and an unsure one, and the pull on the two replies of each.

    What is missing to the top, 1 − σ(margin), is the gradient of −log σ(margin): an unsure pair
    pulls hard, a sure pair hardly at all.
    """
    pairs = stored_comparisons()
    fig, axis = ink.sheet(318)
    _curve(axis)
    for pair, colour, top in zip(pairs, (ink.KEPT, ink.REWARD), (40, 178), strict=True):
        _point(axis, pair, colour)
        _card(axis, pair, colour, top)
    sure, coin = pairs
    text = (
        f"The margin: the score of the chosen reply minus that of the rejected one. At "
        f"{sure.margin:.1f} the model is sure ({ink.percent(sure.chance)}, loss {sure.loss:.2f}), "
        f"at {abs(coin.margin):.1f} it is unsure ({ink.percent(coin.chance)}, loss "
        f"{coin.loss:.2f}). What is missing to 100 % is how hard the loss pulls the chosen up and "
        "the rejected down."
    )
    return done(fig, text, quiet)


def _at(margin: float, chance: float) -> tuple[float, float]:
    """Where a point of the curve stands on the sheet."""
    x = LEFT + (margin - ENDS[0]) / (ENDS[1] - ENDS[0]) * (RIGHT - LEFT)
    return x, FLOOR - chance * (FLOOR - ROOF)


def _curve(axis: Axes) -> None:
    """σ over its scales."""
    ink.words(axis, LEFT - 46, 22, "σ(margin): chance that the chosen one wins", size=10, bold=True)
    for chance in (0.0, 0.5, 1.0):
        ink.words(axis, LEFT - 8, _at(0, chance)[1], ink.percent(chance), align="right")
    ink.rule(axis, (LEFT, ROOF), (RIGHT, ROOF), dashes=True)
    ink.rule(axis, (LEFT, FLOOR), (RIGHT, FLOOR))
    for tick in (-4, -2, 0, 2, 4):
        ink.words(axis, _at(tick, 0)[0], FLOOR + 14, ink.number(tick, 0), align="center")
    words = "margin: score of chosen − score of rejected"
    ink.words(axis, (LEFT + RIGHT) / 2, FLOOR + 36, words, align="center")
    margins = np.linspace(*ENDS, 61)
    points = [_at(m, 1 / (1 + math.exp(-m))) for m in margins]
    axis.plot(*zip(*points, strict=True), color=ink.POLICY, linewidth=2.2)


def _point(axis: Axes, pair: Comparison, colour: str) -> None:
    """A pair on the curve, and what is missing from there to the top."""
    x, y = _at(pair.margin, pair.chance)
    ink.bar(axis, x - 2.5, ROOF, 5, y - ROOF, colour, 0.9)
    ink.dot(axis, x, y, colour, 6)
    words = f"{pair.name}, {ink.percent(pair.chance)}"
    if pair.chance > 0.8:
        ink.words(axis, x, y + 26, words, colour, 10, True, "center")
    else:
        ink.words(axis, x + 14, y + 4, words, colour, 10, True)
        ink.words(
            axis,
            x - 10,
            (y + ROOF) / 2,
            f"pull, {ink.percent(pair.pull)}",
            colour,
            10,
            True,
            "right",
        )


def _card(axis: Axes, pair: Comparison, colour: str, top: float) -> None:
    """The two replies, and an arrow at each that is as long as the pull is strong."""
    ink.words(axis, CARD, top - 18, f"{pair.name}: loss {pair.loss:.2f}", colour, 11, True)
    for k, (text, way) in enumerate(((pair.chosen, -1), (pair.rejected, 1))):
        middle = top + HIGH / 2 + (HIGH + 5) * k
        ink.box(axis, CARD, middle - HIGH / 2, WIDE, HIGH, line=0)
        lines = ink.wrapped(text, WIDE - 14, most=2)
        for n, line in enumerate(lines):
            ink.words(axis, CARD + 9, middle + 17 * (n - (len(lines) - 1) / 2), line)
        if k:
            ink.cross(axis, CARD - 16, middle, 9)
        else:
            ink.tick(axis, CARD - 16, middle, 12, ink.INK)
        x, foot = CARD + WIDE + 18, middle - way * 14
        ink.arrow(axis, (x, foot), (x, foot + way * max(8, PULL * pair.pull)), colour, line=2.2)
