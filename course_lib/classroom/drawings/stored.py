"""The question that the drawings share: one of the help desk's, with its stored replies."""

from dataclasses import dataclass

import numpy as np

from ... import assets
from ...base import last_turn
from ...pools import Pool

QUESTION = 13  # of the stored pool: short, near the mean of all, and the best of 16 is good


@dataclass(frozen=True)
class Question:
    """``asked`` as the user wrote it, its N replies, and their scores and gold rewards, (N,)."""

    asked: str
    replies: list[str]
    scores: np.ndarray
    gold: np.ndarray


def question() -> Question:
    """The stored question; its scores are those of ``reward-8000``."""
    pool = Pool.load(assets.path("helpdesk/pools/heldout.npz"))
    scores, gold = (pool.reward(name)[QUESTION].numpy() for name in ("reward-8000", "gold"))
    return Question(last_turn(pool.prompts[QUESTION]), pool.texts[QUESTION], scores, gold)
