"""The two steps that all selection rules share: score each candidate, keep the highest of each
prompt.

What holds for every rule stands here: missing candidates (``pool.present`` is False) are never
kept, and a prompt without any keeps nothing; NaN and infinite rewards are refused; **ties go to the
lowest candidate index**; the result lists prompts in order and, within a prompt, the best first.
What is random depends on (seed, prompt index) alone: the first prompts of a larger pool keep the
same replies.
"""

from typing import Any

import numpy as np
import torch

from ..base import require
from .pool import Pool
from .selection import Selection

# separate random streams, so that no rule shares its luck with its own control
CONTROL, SOFT, RSO, PAIRS = range(4)


# ---- scores


def finite_reward(pool: Pool, by: str | None) -> np.ndarray:
    """(P, N) float32 array, zero where a candidate is missing."""
    values = torch.where(pool.present, pool.reward(by).float(), 0.0)
    require(
        torch.isfinite(values).all(),
        "the reward has infinite values; clip them to a finite range, or drop those candidates.",
    )
    return values.numpy()


def uniform_scores(pool: Pool, seed: int, stream: int) -> np.ndarray:
    """(P, N) random numbers in [0, 1); row i depends on (seed, i, stream) alone."""
    check_seed(seed)
    rows = [np.random.default_rng([seed, i, stream]).random(pool.N) for i in range(pool.P)]
    return np.array(rows).reshape(pool.P, pool.N)


# ---- keeping the highest


def ranking(pool: Pool, scores: np.ndarray) -> np.ndarray:
    """(P, N) candidate indices, highest score first; ties by lowest index, missing ones last."""
    return np.lexsort((-scores, ~pool.present.numpy()), axis=1)


def keep(
    pool: Pool, scores: np.ndarray, counts: int | np.ndarray, rule: str, **settings: Any
) -> Selection:
    """The ``counts`` (P,) highest-scoring present candidates of each prompt.

    ``rule`` and ``settings`` are kept with the selection; a reward that was not named is recorded
    under its name.
    """
    possible = np.minimum(counts, pool.present.sum(1).numpy())  # (P,)
    kept = np.arange(pool.N) < possible[:, None]  # (P, N), by rank
    if "by" in settings:
        settings["by"] = settings["by"] or next(iter(pool.rewards))
    prompt_index = torch.from_numpy(np.nonzero(kept)[0])
    candidate_index = torch.from_numpy(ranking(pool, scores)[kept])
    return Selection(pool, prompt_index, candidate_index, rule=rule, settings=settings)


def is_verdict(pool: Pool, by: str | None = None) -> bool:
    """Whether a reward says right or wrong and nothing else: all 1 or 0."""
    values = torch.unique(pool.reward(by)[pool.present]).tolist()
    return set(values) <= {0.0, 1.0}


def counts_overall(pool: Pool, scores: np.ndarray, k: int | None) -> np.ndarray:
    """(P,) how many of the ``k`` highest scores of the whole pool each prompt holds.

    ``k`` is P by default, or the number of candidates where that is smaller. Ties go to the
    earlier prompt, then to the lower candidate index.
    """
    present = pool.present.numpy().ravel()
    k = min(pool.P, present.sum()) if k is None else k
    require(
        _whole(k) and 1 <= k <= present.sum(),
        f"k must be a whole number between 1 and {present.sum()}, the candidates in the pool; "
        f"got {k}.",
    )
    best = np.lexsort((-scores.ravel(), ~present))[:k]
    return np.bincount(best // pool.N, minlength=pool.P)


# ---- what a rule may be given


def check_k(pool: Pool, k: int) -> None:
    """Raise unless ``k`` is a whole number from 1 to the pool's N."""
    require(
        _whole(k) and 1 <= k <= pool.N,
        f"k must be a whole number between 1 and {pool.N}, the pool's candidates per prompt; "
        f"got {k}. Sample a larger pool or lower k.",
    )


def check_seed(seed: int) -> None:
    """Raise unless ``seed`` is a whole number, 0 or more."""
    require(_whole(seed) and seed >= 0, f"seed must be a whole number, 0 or more; got {seed!r}.")


def check_positive(name: str, value: float) -> None:
    """Raise unless the temperature-like setting ``name`` is greater than 0."""
    require(
        value > 0,
        f"{name} must be greater than 0; got {value}. Towards 0 the choice becomes the plain best.",
    )


def _whole(value: Any) -> bool:
    return isinstance(value, int | np.integer)
