"""One transformer body under two heads: a probability for each word, or one number."""

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from ..plots.figure import STYLE, Figure, done
from . import ink
from .next_word import first_words, next_words
from .stored import question

REPLY = 3  # of the stored question: the reply that best-of-16 keeps
BEGUN = (" First,", ("First", ","))  # as text and as tokens
WHOLE = ("First", "…", "number", ".", "end")
LEFT, RIGHT, WIDE = 14, 386, 300  # units: where each half begins, and how wide it is
TOP, HEAD_Y, BODY_Y, TOKEN_Y = 72, 186, 254, 314  # units: from the words to the tokens
HEAD = 152  # units: width of a head
BARS = 3  # words with a bar of their own


@rc_context(STYLE)
def scalar_head(quiet: bool = False) -> Figure:
    """A language model and a reward model: the same body, and what each head makes of it.

    The words are the policy's after “First,”, the number is ``reward-8000`` of a whole reply, both
    for a stored question of the help desk.
    """
    words, logits = first_words(BEGUN[0])
    names, shares = next_words(words, logits, [1.0])
    reward = float(question().scores[REPLY])
    fig, axis = ink.sheet(336)
    left = _model(
        axis, LEFT, ("language model", f"head: {len(words)} outputs"), BEGUN[1], ink.POLICY
    )
    right = _model(axis, RIGHT, ("reward model", "head: 1 output"), WHOLE, ink.REWARD)
    ink.words(axis, LEFT, 41, "a probability for every next word", size=10)
    ink.words(axis, RIGHT, 41, "one number, read at the last token", size=10)
    ink.words(axis, (LEFT + WIDE + RIGHT) / 2, BODY_Y, "=", size=18, bold=True, align="center")
    _probabilities(axis, left, names, shares[0], len(words))
    ink.words(axis, right, TOP + 50, ink.number(reward), ink.REWARD, 26, True, "center")
    text = (
        f"Two heads on the same body: a language model gives a probability to each of {len(words)} "
        f"words, here after “First,” {ink.percent(shares[0][0])} to “{names[0]}”; a reward model "
        "reads the prompt and the whole reply, and its head makes one number of what stands at "
        f"the last token, {ink.number(reward)}."
    )
    return done(fig, text, quiet)


def _model(
    axis: Axes, x: float, names: tuple[str, str], tokens: Sequence[str], colour: str
) -> float:
    """Tokens, body and head, from the bottom up; the middle of the head.

    ``names``: of the model and of its head; the last token has the model's ``colour``.
    """
    last = _tokens(axis, x, ("… card?", *tokens), colour)
    ink.words(axis, x, 20, names[0], colour, 12, True)
    ink.box(axis, x, BODY_Y - 22, WIDE, 44, ink.INK)
    ink.words(axis, x + WIDE / 2, BODY_Y, "transformer body", size=11, bold=True, align="center")
    ink.arrow(axis, (last, BODY_Y - 23), (last, HEAD_Y + 17), colour, line=1.8)
    left = min(last - HEAD / 2, x + WIDE - HEAD)
    middle = left + HEAD / 2
    ink.box(axis, left, HEAD_Y - 16, HEAD, 32, colour, 0.22)
    ink.words(axis, middle, HEAD_Y, names[1], colour, bold=True, align="center")
    ink.arrow(axis, (middle, HEAD_Y - 17), (middle, HEAD_Y - 36), colour, line=1.8)
    return middle


def _tokens(axis: Axes, x: float, tokens: Sequence[str], colour: str) -> float:
    """A row of tokens with an arrow from each into the body; the middle of the last."""
    for token in tokens:
        last = token is tokens[-1]
        shade = colour if last else ink.INK
        width = ink.width_of(token) + 16
        middle = x + width / 2
        ink.box(axis, x, TOKEN_Y - 13, width, 26, shade, line=1.5 * last)
        ink.words(axis, middle, TOKEN_Y, token, shade, bold=last, align="center")
        line = 1.8 if last else 0.9
        ink.arrow(axis, (middle, TOKEN_Y - 14), (middle, BODY_Y + 23), shade, line=line)
        x += width + 6
    return middle


def _probabilities(
    axis: Axes, middle: float, names: Sequence[str], shares: np.ndarray, count: int
) -> None:
    """The likeliest words with a bar each, and one for all the others."""
    rows = [*zip(names[:BARS], shares[:BARS], strict=True)]
    rows.append((f"{count - BARS} others", shares[BARS:].sum()))
    for k, (name, share) in enumerate(rows):
        y = TOP + 20 * k
        ink.words(axis, middle - 20, y, name, ink.POLICY, align="right")
        ink.bar(axis, middle - 12, y - 7, 160 * share, 14, ink.POLICY, 0.75)
        ink.words(axis, middle - 6 + 160 * share, y, ink.percent(share), ink.POLICY)
