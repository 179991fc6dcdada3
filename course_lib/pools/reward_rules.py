"""Selection rules that look at a reward of any kind, each beside its random control.

A control is the same code with uniform random numbers in the reward's place, so a difference
between the two is due to the reward.

What this leaves out: speculative rejection (it stops candidates while they are being sampled), and
rules that need a second model.
"""

import numpy as np
import torch

from ..base import CourseError, require
from ..estimators import mean_similarity
from .pool import Pool
from .scoring import (
    CONTROL,
    RSO,
    SOFT,
    check_k,
    check_positive,
    check_seed,
    counts_overall,
    finite_reward,
    keep,
    uniform_scores,
)
from .selection import Selection

# ---- the best, and their controls


def best_per_prompt(pool: Pool, by: str | None = None, k: int = 1) -> Selection:
    """The ``k`` candidates of each prompt with the highest reward.

    Ties go to the lowest candidate index. (RAFT, 2304.06767, has k = 1.)
    """
    check_k(pool, k)
    return keep(pool, finite_reward(pool, by), k, "best_per_prompt", by=by, k=k)


def random_per_prompt(pool: Pool, k: int = 1, seed: int = 0) -> Selection:
    """``k`` candidates of each prompt at random: the control of best_per_prompt.

    Uniformly, without replacement.
    """
    check_k(pool, k)
    scores = uniform_scores(pool, seed, CONTROL)
    return keep(pool, scores, k, "random_per_prompt", k=k, seed=seed)


def top_k_overall(pool: Pool, by: str | None = None, k: int | None = None) -> Selection:
    """The ``k`` candidates (P by default) with the highest reward in the whole pool.

    Compares rewards **between** prompts, which Bradley–Terry never fixed: it takes the prompts with
    the highest scores and keeps none of many others. Ties go to the earlier prompt, then to the
    lowest candidate index.
    """
    scores = finite_reward(pool, by)
    return keep(pool, scores, counts_overall(pool, scores, k), "top_k_overall", by=by, k=k)


def random_overall(pool: Pool, k: int | None = None, seed: int = 0) -> Selection:
    """``k`` candidates of the whole pool at random: the control of top_k_overall.

    Uniformly; ``k`` is P by default.
    """
    scores = uniform_scores(pool, seed, CONTROL)
    return keep(pool, scores, counts_overall(pool, scores, k), "random_overall", k=k, seed=seed)


# ---- the control of any selection


def matched_control(selection: Selection, seed: int = 0) -> Selection:
    """The control of any rule, reward unseen.

    As many candidates **from each prompt** as ``selection`` kept, uniformly at random.
    """
    pool = selection.pool
    scores = uniform_scores(pool, seed, CONTROL)
    counts = selection.per_prompt.numpy()
    return keep(pool, scores, counts, "matched_control", of=selection.rule, seed=seed)


def overall_control(selection: Selection, seed: int = 0) -> Selection:
    """:func:`random_overall` with as many candidates as ``selection`` kept in all."""
    return random_overall(selection.pool, len(selection), seed)


# ---- between the best and the random


def soft_best(
    pool: Pool, by: str | None = None, lam: float = 1.0, k: int = 1, seed: int = 0
) -> Selection:
    """Soft best-of-N: candidate i of a prompt with probability ∝ exp(rᵢ/λ).

    ``k`` times without replacement. ``lam`` is in the reward's own units: → 0 gives
    :func:`best_per_prompt`, → ∞ a random choice. Drawn by the Gumbel-top-k trick: adding
    independent Gumbel noise to rᵢ/λ and keeping the k largest is the same as drawing one by one.
    Source: 2505.03156.
    """
    check_k(pool, k)
    check_positive("lam", lam)
    uniform = np.maximum(uniform_scores(pool, seed, SOFT), 1e-300)  # log(0) is not a number
    gumbel = -np.log(-np.log(uniform))
    scores = finite_reward(pool, by) / np.float64(lam) + gumbel
    return keep(pool, scores, k, "soft_best", by=by, lam=lam, k=k, seed=seed)


def regularised_best(
    pool: Pool,
    by: str | None = None,
    beta: float = 0.1,
    k: int = 1,
    regulariser: str = "logprob",
) -> Selection:
    """The ``k`` candidates of each prompt with the highest r + β·regulariser.

    ``"logprob"``: log π_ref(y|x) in nats, the sum over tokens, so longer replies pay more.
    ``"similarity"``: :func:`mean_similarity` to the prompt's other candidates, as in
    minimum-Bayes-risk decoding. ``beta`` = 0 is :func:`best_per_prompt`. Ties go to the lowest
    candidate index.
    """
    check_k(pool, k)
    require(
        beta >= 0,
        f"beta must be 0 or more; got {beta}. A negative beta would reward unlikely replies.",
    )
    require(
        regulariser in ("logprob", "similarity"),
        f"regulariser must be 'logprob' or 'similarity'; got {regulariser!r}.",
    )
    extra = _logprobs(pool) if regulariser == "logprob" else _similarities(pool)
    scores = finite_reward(pool, by) + beta * extra
    settings = {"by": by, "beta": beta, "k": k, "regulariser": regulariser}
    return keep(pool, scores, k, "regularised_best", **settings)


def _logprobs(pool: Pool) -> np.ndarray:
    """(P, N) float64 log π(y|x) in nats, zero where a candidate is missing."""
    if pool.sum_logprobs is None:
        raise CourseError(
            "this pool has no log-probabilities; sample it with this library, or use "
            "regulariser='similarity'."
        )
    logprobs = torch.where(pool.present, pool.sum_logprobs.double(), 0.0).numpy()
    require(
        np.isfinite(logprobs).all(),
        "sum_logprobs has NaN or infinite values; score the replies under the policy again.",
    )
    return logprobs


def _similarities(pool: Pool) -> np.ndarray:
    """(P, N) float64 in [0, 1], zero where a candidate is missing."""
    similarities = np.zeros((pool.P, pool.N))
    for i, present in enumerate(pool.present.numpy()):
        texts = [pool.texts[i][j] for j in np.nonzero(present)[0]]
        similarities[i, present] = mean_similarity(texts)
    return similarities


def rso(
    pool: Pool, by: str | None = None, beta: float = 0.5, k: int = 8, seed: int = 0
) -> Selection:
    """Statistical rejection sampling (RSO, 2309.06657): nearly ``k`` draws from π·exp(r/β).

    Go through the remaining candidates of a prompt in order; accept candidate c if
    u < exp((r_c − r_max)/β), u uniform, r_max the highest reward still there when the round began;
    take the accepted out and go round again until k are accepted. ``beta`` → 0 gives the k best,
    → ∞ the first k. The paper takes 8 of 64 with β = 0.5. Candidates are listed in the order
    accepted. Prompts with k or fewer candidates keep all.
    """
    check_k(pool, k)
    check_seed(seed)
    check_positive("beta", beta)
    rewards = finite_reward(pool, by).astype(np.float64)
    rank = np.zeros((pool.P, pool.N))
    for i, present in enumerate(pool.present.numpy()):
        rng = np.random.default_rng([seed, i, RSO])
        left = np.nonzero(present)[0]
        accepted: list[int] = []
        while len(left) and len(accepted) < k:
            r = rewards[i, left]
            # the best is always accepted: u < 1
            accept = rng.random(len(left)) < np.exp((r - r.max()) / beta)
            accepted += left[accept].tolist()
            left = left[~accept]
        rank[i, accepted] = np.arange(len(accepted))
        rank[i, left] = pool.N
    return keep(pool, -rank, k, "rso", by=by, beta=beta, k=k, seed=seed)


select_best = best_per_prompt
