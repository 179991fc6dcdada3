"""The loop: one question goes through sample, score, select and finetune, and round again."""

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from ...base import require
from ..plots.figure import STYLE, Figure, done
from . import ink
from .stored import question

N = 16  # replies of the stored question
ROWS = 4  # replies that are shown
TOP, ROW = 76, 45  # units: where the first reply begins, from one to the next
CARD = 268  # units: width of a reply
POLICY_X, CARD_X, SCORE_X, MARK_X, TUNE_X = 8, 176, 476, 537, 584
SIDE = 124  # units: width of the boxes at both sides


@rc_context(STYLE)
def loop(
    prompt: str | None = None,
    replies: Sequence[str] | None = None,
    scores: Sequence[float] | None = None,
    quiet: bool = False,
) -> Figure:
    """The four steps with one prompt: its replies, their scores, which is kept, and back.

    ``replies``: all of them, in the order drawn; four are shown, from the lowest score to the
    highest; ``scores``: one number each. Without any of the three, a stored question of the help
    desk with sixteen replies, scored by ``reward-8000``.
    """
    given = [value is not None for value in (prompt, replies, scores)]
    require(all(given) or not any(given), "give prompt, replies and scores together, or none.")
    if not all(given):
        stored = question()
        prompt, replies, scores = stored.asked, stored.replies[:N], stored.scores[:N]
    values = np.asarray(scores, dtype=float)
    require(
        values.shape == (len(replies),) and len(replies) > 1 and np.isfinite(values).all(),
        f"{len(replies)} replies need a finite score each, and at least two; got {values.shape}.",
    )
    best = int(values.argmax())
    shown = spread_out(replies, values)
    fig, axis = ink.sheet(TOP + ROW * len(shown) + 66)
    middles = [TOP + ROW * k + 19 for k in range(len(shown))]
    kept_at = middles[shown.index(best)]
    _steps(axis)
    _policy(axis, prompt, middles)
    for middle, j in zip(middles, shown, strict=True):
        _reply(axis, middle, replies[j], values[j], j == best)
    _round_again(axis, kept_at, middles[-1] + 44)
    more = len(replies) - len(shown)
    if more:
        ink.words(axis, CARD_X + CARD / 2, middles[-1] + 31, f"… and {more} more", align="center")
    text = (
        f"The four steps: a policy writes {len(replies)} replies to “{prompt}”; a reward model "
        f"scores each, from {ink.number(values.min())} to {ink.number(values.max())}; the highest, "
        f"“{replies[best]}”, is kept and the others are rejected; the policy is finetuned on what "
        "was kept, and the better policy can go round again. Best-of-N is the first three."
    )
    return done(fig, text, quiet)


def spread_out(replies: Sequence[str], scores: np.ndarray) -> list[int]:
    """Positions of up to four replies that begin differently, from the lowest score to the highest.

    In the order drawn. Of those that begin alike only the first is looked at.
    """
    best = int(scores.argmax())
    starts = [" ".join(text.split()[:3]) for text in replies]
    first = {start: j for j, start in reversed(list(enumerate(starts)))}
    others = sorted((j for start, j in first.items() if start != starts[best]), key=scores.take)
    steps = np.linspace(0, len(others) - 1, min(ROWS - 1, len(others)) + 1)[:-1].round()
    return sorted({others[int(k)] for k in steps} | {best})


def _steps(axis: Axes) -> None:
    """Names of the four steps over their columns, and the bracket over the first three."""
    columns = (CARD_X + CARD / 2, SCORE_X, MARK_X + 3, TUNE_X + SIDE / 2 - 6)
    for x, name in zip(columns, ("sample", "score", "select", "finetune"), strict=True):
        ink.words(axis, x, TOP - 22, name, size=11, bold=True, align="center")
    ink.bracket(axis, CARD_X, MARK_X + 32, TOP - 46, "best-of-N", ink.INK)


def _policy(axis: Axes, prompt: str, middles: Sequence[float]) -> None:
    """The prompt in a bubble, the policy below it, and a line from there to each reply."""
    lines = ink.wrapped(prompt, SIDE - 18)
    height = 17 * len(lines) + 12
    ink.box(axis, POLICY_X, TOP, SIDE, height, line=0)
    for k, line in enumerate(lines):
        ink.words(axis, POLICY_X + 9, TOP + 15 + 17 * k, line)
    ink.words(axis, POLICY_X + 9, TOP - 22, "prompt", size=11, bold=True)
    middle = max(middles[-1] - 10, TOP + height + 44)
    ink.arrow(axis, (POLICY_X + SIDE / 2, TOP + height + 3), (POLICY_X + SIDE / 2, middle - 22))
    ink.box(axis, POLICY_X, middle - 20, SIDE, 40, ink.POLICY)
    ink.words(axis, POLICY_X + SIDE / 2, middle, "policy", ink.POLICY, 12, True, "center")
    for each in middles:
        ink.curve(axis, (POLICY_X + SIDE + 2, middle), (CARD_X - 3, each), ink.POLICY)


def _reply(axis: Axes, middle: float, text: str, score: float, kept: bool) -> None:
    """A reply with its score and its mark; what is rejected is crossed out."""
    colour = ink.KEPT if kept else ink.INK
    ink.box(axis, CARD_X, middle - 19, CARD, 38, colour, line=1.5 * kept)
    lines = ink.wrapped(text, CARD - 16, most=2)
    for k, line in enumerate(lines):
        y = middle + 17 * (k - (len(lines) - 1) / 2)
        ink.words(axis, CARD_X + 9, y, line, colour)
    ink.chip(axis, SCORE_X, middle, ink.number(score), ink.REWARD, strong=kept)
    if kept:
        ink.tick(axis, MARK_X, middle, 14)
    else:
        ink.cross(axis, MARK_X, middle, 9)


def _round_again(axis: Axes, kept_at: float, low: float) -> None:
    """From the kept reply to finetuning, and from there back to the policy."""
    ink.arrow(axis, (MARK_X + 14, kept_at), (TUNE_X - 2, kept_at), ink.KEPT)
    ink.box(axis, TUNE_X, kept_at - 22, SIDE - 14, 44, ink.POLICY)
    x = TUNE_X + SIDE / 2 - 7
    ink.words(axis, x, kept_at - 8, "learn to", ink.POLICY, align="center")
    ink.words(axis, x, kept_at + 8, "write this", ink.POLICY, align="center")
    back = POLICY_X + SIDE / 2
    ink.path(axis, [(x, kept_at + 24), (x, low), (back, low), (back, low - 30)], ink.POLICY)
    words = "the better policy can go round again"
    ink.words(axis, (x + back) / 2, low + 15, words, ink.POLICY, align="center")
