"""Lesson 07: a policy gradient, reply by reply."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.axes import Axes

from ... import assets
from ...base import require
from ...methods import ADVANTAGES, advantages
from ...pools import Pool
from ..plots.figure import STYLE, Figure, done
from .ink import INK, KEPT, OTHER, REWARD, arrow, dot, faded, fitted, number, rule, sheet, words
from .stored import QUESTION

N = 8
NAMES = {
    "best": "RFT, RAFT",
    "positive": "RFT with a verifier",
    "group_std": "GRPO",
    "group": "GRPO without std",
    "leave_one_out": "RLOO",
    "reward": "REINFORCE",
}
TOP, ROW = 84, 33  # units: the first reply, from one to the next
TEXT, SCORE = 14, 262  # units: where a reply begins, where its score ends
PANELS = ((284, 478), (496, 690))  # units: ends of the two panels
ROOM, SHORT = 88, 10  # units: the longest arrow, and the shortest that has a head


def stored_replies() -> tuple[list[str], np.ndarray, np.ndarray]:
    """Eight different replies to one question of the help desk, their scores and log π, (8,) each.

    Those of the stored pool that the base policy wrote first, scored by ``reward-8000``.
    """
    pool = Pool.load(assets.path("helpdesk/pools/heldout.npz"))
    texts = pool.texts[QUESTION]
    first = [texts.index(text) for text in dict.fromkeys(texts)][:N]
    scores = np.asarray(pool.reward("reward-8000")[QUESTION], dtype=float)[first]
    logp = np.asarray(pool.sum_logprobs[QUESTION], dtype=float)[first]
    return [texts[j] for j in first], scores, logp


@rc_context(STYLE)
def policy_gradient(
    kinds: Sequence[str] = ("best", "group_std"),
    replies: Sequence[str] | None = None,
    scores: Sequence[float] | None = None,
    logp: Sequence[float] | None = None,
    quiet: bool = False,
) -> Figure:
    """One step of a policy gradient: each reply at its log-probability, an arrow by its weight.

    ``kinds``: one or two of :data:`~course_lib.methods.ADVANTAGES`, a panel each. ``replies``,
    ``scores`` and ``logp`` (nats) of one prompt, best as few as eight; without them stored ones.
    """
    require(
        0 < len(kinds) <= len(PANELS) and all(kind in ADVANTAGES for kind in kinds),
        f"kinds must be one or two of {', '.join(ADVANTAGES)}; got {list(kinds)}.",
    )
    given = [value is not None for value in (replies, scores, logp)]
    require(all(given) or not any(given), "give replies, scores and logp together, or none.")
    if not all(given):
        replies, scores, logp = stored_replies()
    require(
        1 < len(replies) == len(scores) == len(logp),
        f"two replies or more need a score and a log-probability each; got {len(replies)}, "
        f"{len(scores)} and {len(logp)}.",
    )
    order = np.argsort(scores)[::-1]
    texts = [replies[k] for k in order]
    values, places = np.asarray(scores, float)[order], np.asarray(logp, float)[order]
    pushes = {kind: advantages(torch.tensor(values)[None], kind)[0].numpy() for kind in kinds}
    fig, axis = sheet(TOP + ROW * len(texts) + 34)
    _replies(axis, texts, values)
    most = max(np.abs(weights).max() for weights in pushes.values()) or 1.0
    for (kind, weights), panel in zip(pushes.items(), PANELS, strict=False):
        _panel(axis, panel, NAMES[kind], places, weights / most)
    rows = "; ".join(f"{NAMES[kind]} {_pushes(weights)}" for kind, weights in pushes.items())
    text = (
        f"One step of a policy gradient on {len(texts)} replies to one prompt, each at its "
        f"log-probability: the arrow is its weight, to the right likelier. {rows}."
    )
    return done(fig, text, quiet)


def _pushes(weights: np.ndarray) -> str:
    """How many replies are pushed up, and how many down."""
    up, down = int((weights > 0).sum()), int((weights < 0).sum())
    return f"pushes {up} up, {down} down" if down else f"pushes {up} up, none down"


def _replies(axis: Axes, texts: Sequence[str], scores: np.ndarray) -> None:
    """The replies with their scores, the best at the top."""
    words(axis, TEXT, 24, "reply", bold=True)
    words(axis, SCORE, 24, "reward", bold=True, align="right")
    for k, (text, score) in enumerate(zip(texts, scores, strict=True)):
        y = TOP + ROW * k
        words(axis, TEXT, y, fitted(text, SCORE - TEXT - 46))
        words(axis, SCORE, y, number(score), REWARD, 10.5, True, "right")


def _panel(
    axis: Axes, ends: tuple[float, float], name: str, logp: np.ndarray, weights: np.ndarray
) -> None:
    """Dots at the log-probabilities, and from each an arrow as long as its weight."""
    low, high = float(logp.min()), float(logp.max())
    left, right = ends[0] + ROOM / 2, ends[1] - ROOM
    middle, foot = sum(ends) / 2, TOP + ROW * len(logp) - 6
    words(axis, middle, 24, name, size=12, bold=True, align="center")
    words(axis, middle, 46, _pushes(weights), align="center")
    for k, (at, weight) in enumerate(zip(logp, weights, strict=True)):
        x = left + (right - left) * ((at - low) / (high - low) if high > low else 0.5)
        y = TOP + ROW * k
        rule(axis, (ends[0], y), (ends[1], y), INK, 0.25)
        colour = KEPT if weight > 0 else OTHER if weight < 0 else INK
        draw = arrow if abs(weight) * ROOM > SHORT else rule
        draw(axis, (x, y), (x + weight * ROOM, y), colour, line=2.6)
        dot(axis, x, y, colour, 4)
    arrow(axis, (ends[0] + 4, foot), (ends[1] - 4, foot), INK, line=1.0)
    faded(axis, middle, foot + 16, "log-probability", "center")
