"""Preference pairs: from rewards, and from simulated annotators."""

from itertools import combinations
from typing import Any

import numpy as np

from ..base import require
from ..worlds import Annotator
from .pool import STOP, Pool
from .scoring import PAIRS, check_k, finite_reward, ranking, uniform_scores


def preference_pairs(
    pool: Pool,
    by: str | None = None,
    rule: str = "best_worst",
    margin: float = 0.0,
    seed: int = 0,
    k: int = 1,
) -> list[dict[str, Any]]:
    """At most ``k`` pairs per prompt, the better reply of each chosen.

    ``rule="best_worst"`` pairs the highest reward with the lowest (ties: lowest candidate index),
    the second highest with the second lowest, and so on; ``"random"`` pairs candidates drawn at
    random (``seed``), the better one chosen. No reply is in two pairs. A pair is left out when the
    difference is not more than ``margin`` (0: ties are dropped) or when both texts are equal.
    Returns a list of ``prompt``, ``chosen``, ``rejected``, their indices, and ``margin`` (reward
    difference).
    """
    require(
        rule in ("best_worst", "random"), f"rule must be 'best_worst' or 'random'; got {rule!r}."
    )
    require(margin >= 0, f"margin must be 0 or more; got {margin}.")
    check_k(pool, k)
    rewards = finite_reward(pool, by)  # (P, N)
    if rule == "best_worst":
        ones, others = ranking(pool, rewards), ranking(pool, -rewards)
    else:
        drawn = ranking(pool, uniform_scores(pool, seed, PAIRS))
        ones, others = drawn[:, ::2], drawn[:, 1::2]
    pairs = []
    for i, count in enumerate(pool.present.sum(1).tolist()):
        for place in range(min(k, count // 2)):  # no reply is in two pairs
            a, b = int(ones[i, place]), int(others[i, place])
            if rewards[i, a] < rewards[i, b]:
                a, b = b, a
            gap = float(rewards[i, a]) - float(rewards[i, b])
            if gap > margin and pool.texts[i][a] != pool.texts[i][b]:
                pairs.append(_pair(pool, i, a, b, gap))
    return pairs


def _pair(pool: Pool, i: int, chosen: int, rejected: int, margin: float) -> dict[str, Any]:
    return {
        "prompt": pool.prompts[i],
        "chosen": pool.texts[i][chosen],
        "rejected": pool.texts[i][rejected],
        "prompt_index": i,
        "chosen_index": chosen,
        "rejected_index": rejected,
        "margin": margin,
    }


def annotate(pool: Pool, annotator: Annotator, count: int, seed: int = 0) -> list[dict[str, Any]]:
    """``count`` simulated comparisons of two different replies to the same prompt.

    Pairs are drawn over the pool's prompts and candidates without repeating a pair; the annotator
    (see :class:`course_lib.worlds.Annotator`) picks the chosen one. The first ``k`` of a longer
    list are the list of ``k`` with the same seed. Returns a list of {"prompt", "chosen",
    "rejected", "info"}.
    """
    rng = np.random.default_rng(seed)
    possible = _different_pairs(pool)
    require(
        count <= len(possible),
        f"the pool holds {len(possible)} different pairs of replies; {count} comparisons were "
        "asked for. Sample more candidates.",
    )
    utilities: dict[tuple[int, int], float] = {}

    def utility(i: int, j: int) -> float:
        """What the annotator makes of candidate j of prompt i; each is judged once."""
        if (i, j) not in utilities:
            ended = int(pool.finish[i, j]) == STOP
            topic = pool.info[i]["topic"]
            utilities[i, j] = annotator.utility(pool.texts[i][j], topic, ended)
        return utilities[i, j]

    rows = []
    for k in rng.permutation(len(possible))[:count]:
        i, a, b = possible[k]
        luck = np.random.default_rng([seed, 1, int(k)])
        if not annotator.prefers_first(utility(i, a), utility(i, b), luck):
            a, b = b, a
        rows.append(
            {
                "prompt": pool.prompts[i],
                "chosen": pool.texts[i][a],
                "rejected": pool.texts[i][b],
                "info": pool.info[i],
            }
        )
    return rows


def _different_pairs(pool: Pool) -> list[tuple[int, int, int]]:
    """(prompt, candidate a, candidate b), a < b, for all pairs that are there and differ."""
    pairs = []
    present = pool.present.tolist()
    for i, texts in enumerate(pool.texts):
        there = [j for j in range(pool.N) if present[i][j]]
        for a, b in combinations(there, 2):
            if texts[a] != texts[b]:
                pairs.append((i, a, b))
    return pairs
