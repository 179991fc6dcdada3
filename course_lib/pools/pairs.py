"""Preference pairs: from rewards, and from simulated annotators."""

import numpy as np

from ..base import require
from .rules import PAIRS, finite_reward, ranking, uniform_scores


def preference_pairs(pool, by=None, rule="best_worst", margin=0.0, seed=0):
    """At most one pair per prompt: a list of ``prompt``, ``chosen``, ``rejected``, their indices,
    and ``margin`` (reward difference).

    ``rule="best_worst"`` pairs the highest reward with the lowest (ties: lowest candidate index);
    ``"random"`` pairs two candidates drawn at random (``seed``), the better one chosen. A prompt
    gives no pair when the difference is not more than ``margin`` (0: ties are dropped) or when both
    texts are equal.
    """
    require(
        rule in ("best_worst", "random"), f"rule must be 'best_worst' or 'random'; got {rule!r}."
    )
    require(margin >= 0, f"margin must be 0 or more; got {margin}.")
    rewards, pairs = finite_reward(pool, by), []
    best = ranking(pool, rewards if rule == "best_worst" else uniform_scores(pool, seed, PAIRS))
    worst = ranking(pool, -rewards)
    for i, count in enumerate(pool.present.sum(1).tolist()):
        if count < 2:
            continue
        a, b = int(best[i, 0]), int(worst[i, 0] if rule == "best_worst" else best[i, 1])
        a, b = (a, b) if rewards[i, a] >= rewards[i, b] else (b, a)
        gap = float(rewards[i, a]) - float(rewards[i, b])
        if gap > margin and pool.texts[i][a] != pool.texts[i][b]:
            pairs.append(
                {
                    "prompt": pool.prompts[i],
                    "chosen": pool.texts[i][a],
                    "rejected": pool.texts[i][b],
                    "prompt_index": i,
                    "chosen_index": a,
                    "rejected_index": b,
                    "margin": gap,
                }
            )
    return pairs


def annotate(pool, annotator, count, seed=0):
    """``count`` simulated comparisons of two different replies to the same prompt.

    Pairs are drawn over the pool's prompts and candidates without repeating a pair; the annotator
    (see :class:`course_lib.worlds.Annotator`) picks the chosen one. The first ``k`` of a longer
    list are the list of ``k`` with the same seed. Returns a list of {"prompt", "chosen",
    "rejected", "info"}.
    """
    rng = np.random.default_rng(seed)
    possible = [
        (i, a, b)
        for i in range(pool.P)
        for a in range(pool.N)
        for b in range(a + 1, pool.N)
        if pool.texts[i][a] != pool.texts[i][b]
    ]
    require(
        count <= len(possible),
        f"the pool holds {len(possible)} different pairs of replies; {count} comparisons were "
        "asked for. Sample more candidates.",
    )
    taken = rng.permutation(len(possible))
    utility = {}

    def u(i, j):
        if (i, j) not in utility:
            utility[i, j] = annotator.utility(
                pool.texts[i][j], pool.info[i]["topic"], int(pool.finish[i, j]) == 0
            )
        return utility[i, j]

    rows = []
    for k in taken[:count]:
        i, a, b = possible[k]
        if not annotator.prefers_first(u(i, a), u(i, b), np.random.default_rng([seed, 1, int(k)])):
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
