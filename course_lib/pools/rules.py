"""Which candidates to keep: selection rules, and for each its matched random control.

Every rule is the same two steps: give each candidate a score, then keep the highest-scoring few of
each prompt. A control is the same code with uniform random numbers in the reward's place, so a
difference between the two is due to the reward.

What all rules share: missing candidates (``pool.present`` is False) are never kept, and a prompt
without any keeps nothing; NaN and infinite rewards are refused; **ties go to the lowest candidate
index**; the result lists prompts in order and, within a prompt, the best first. What is random
depends on (seed, prompt index) alone: the first prompts of a larger pool keep the same replies.

What this leaves out: speculative rejection (it stops candidates while they are being sampled), and
rules that need a second model.
"""

import numpy as np
import torch

from ..base import CourseError, require
from ..estimators import mean_similarity
from .selection import Selection

# separate random streams, so that no rule shares its luck with its own control
CONTROL, SOFT, RSO, PAIRS = range(4)


def finite_reward(pool, by):
    """(P, N) float32 array, zero where a candidate is missing."""
    values = torch.where(pool.present, pool.reward(by).float(), 0.0)
    require(
        torch.isfinite(values).all(),
        "the reward has infinite values; clip them to a finite range, or drop those candidates.",
    )
    return values.numpy()


def uniform_scores(pool, seed, stream):
    """(P, N) random numbers in [0, 1); row i depends on (seed, i, stream) alone."""
    _check_seed(seed)
    return np.array(
        [np.random.default_rng([seed, i, stream]).random(pool.N) for i in range(pool.P)]
    ).reshape(pool.P, pool.N)


def ranking(pool, scores):
    """(P, N) candidate indices, highest score first; ties by lowest index.

    Missing candidates last.
    """
    return np.lexsort((-scores, ~pool.present.numpy()), axis=1)


def _keep(pool, scores, counts, rule, **settings):
    """The ``counts`` (P,) highest-scoring present candidates of each prompt, as a
    :class:`Selection`.
    """
    counts = np.minimum(counts, pool.present.sum(1).numpy())
    kept = np.arange(pool.N) < counts[:, None]
    if "by" in settings:
        settings["by"] = settings["by"] or next(iter(pool.rewards))
    return Selection(
        pool, np.nonzero(kept)[0], ranking(pool, scores)[kept], rule=rule, settings=settings
    )


def _counts_overall(pool, scores, k):
    """(P,) how many of the ``k`` highest scores of the whole pool each prompt holds.

    Ties go to the earlier prompt, then candidate.
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


def _whole(value):
    return isinstance(value, int | np.integer)


def _check_k(pool, k):
    require(
        _whole(k) and 1 <= k <= pool.N,
        f"k must be a whole number between 1 and {pool.N}, the pool's candidates per prompt; "
        f"got {k}. Sample a larger pool or lower k.",
    )


def _check_seed(seed):
    require(_whole(seed) and seed >= 0, f"seed must be a whole number, 0 or more; got {seed!r}.")


def _check_positive(name, value):
    require(
        value > 0,
        f"{name} must be greater than 0; got {value}. Towards 0 the choice becomes the plain best.",
    )


def best_per_prompt(pool, by=None, k=1):
    """The ``k`` candidates of each prompt with the highest reward.

    Ties go to the lowest candidate index. (RAFT, 2304.06767, has k = 1.)
    """
    _check_k(pool, k)
    return _keep(pool, finite_reward(pool, by), k, "best_per_prompt", by=by, k=k)


def random_per_prompt(pool, k=1, seed=0):
    """The control of :func:`best_per_prompt`.

    ``k`` candidates of each prompt, uniformly at random without replacement.
    """
    _check_k(pool, k)
    return _keep(pool, uniform_scores(pool, seed, CONTROL), k, "random_per_prompt", k=k, seed=seed)


def top_k_overall(pool, by=None, k=None):
    """The ``k`` candidates (P by default) with the highest reward in the whole pool.

    Compares rewards **between** prompts, which Bradley–Terry never fixed: it takes the prompts with
    the highest scores and keeps none of many others. Ties go to the earlier prompt, then to the
    lowest candidate index.
    """
    scores = finite_reward(pool, by)
    return _keep(pool, scores, _counts_overall(pool, scores, k), "top_k_overall", by=by, k=k)


def random_overall(pool, k=None, seed=0):
    """The control of :func:`top_k_overall`.

    ``k`` candidates (P by default), uniformly at random from the whole pool.
    """
    scores = uniform_scores(pool, seed, CONTROL)
    return _keep(pool, scores, _counts_overall(pool, scores, k), "random_overall", k=k, seed=seed)


def matched_control(selection, seed=0):
    """The control of any rule: as many candidates **from each prompt** as ``selection`` kept,
    uniformly at random, reward unseen.
    """
    pool = selection.pool
    return _keep(
        pool,
        uniform_scores(pool, seed, CONTROL),
        selection.per_prompt.numpy(),
        "matched_control",
        of=selection.rule,
        seed=seed,
    )


def overall_control(selection, seed=0):
    """:func:`random_overall` with as many candidates as ``selection`` kept in all."""
    return random_overall(selection.pool, len(selection), seed)


def soft_best(pool, by=None, lam=1.0, k=1, seed=0):
    """Soft best-of-N: pick candidate i of a prompt with probability ∝ exp(rᵢ/λ), ``k`` times
    without replacement.

    ``lam`` is in the reward's own units: → 0 gives :func:`best_per_prompt`, → ∞ a random choice.
    Drawn by the Gumbel-top-k trick: adding independent Gumbel noise to rᵢ/λ and keeping the k
    largest is the same as drawing one by one. Source: 2505.03156.
    """
    _check_k(pool, k)
    _check_positive("lam", lam)
    gumbel = -np.log(-np.log(np.maximum(uniform_scores(pool, seed, SOFT), 1e-300)))
    return _keep(
        pool,
        finite_reward(pool, by) / np.float64(lam) + gumbel,
        k,
        "soft_best",
        by=by,
        lam=lam,
        k=k,
        seed=seed,
    )


def regularised_best(pool, by=None, beta=0.1, k=1, regulariser="logprob"):
    """The ``k`` candidates of each prompt with the highest r + β·regulariser; ties go to the lowest
    candidate index.

    ``"logprob"``: log π_ref(y|x) in nats, the sum over tokens, so longer replies pay more.
    ``"similarity"``: :func:`mean_similarity` to the prompt's other candidates, as in
    minimum-Bayes-risk decoding. ``beta`` = 0 is :func:`best_per_prompt`.
    """
    _check_k(pool, k)
    require(
        beta >= 0,
        f"beta must be 0 or more; got {beta}. A negative beta would reward unlikely replies.",
    )
    require(
        regulariser in ("logprob", "similarity"),
        f"regulariser must be 'logprob' or 'similarity'; got {regulariser!r}.",
    )
    extra = np.zeros((pool.P, pool.N))
    if regulariser == "logprob":
        require(
            pool.sum_logprobs is not None,
            "this pool has no log-probabilities; sample it with this library, or use "
            "regulariser='similarity'.",
        )
        extra = torch.where(pool.present, pool.sum_logprobs.double(), 0.0).numpy()
        require(
            np.isfinite(extra).all(),
            "sum_logprobs has NaN or infinite values; score the replies under the policy again.",
        )
    else:
        for i, present in enumerate(pool.present.numpy()):
            extra[i, present] = mean_similarity([pool.texts[i][j] for j in np.nonzero(present)[0]])
    return _keep(
        pool,
        finite_reward(pool, by) + beta * extra,
        k,
        "regularised_best",
        by=by,
        beta=beta,
        k=k,
        regulariser=regulariser,
    )


def rso(pool, by=None, beta=0.5, k=8, seed=0):
    """Statistical rejection sampling (RSO, 2309.06657): ``k`` candidates of each prompt, close to
    draws from π·exp(r/β).

    Go through the remaining candidates in order; accept candidate c if u < exp((r_c − r_max)/β), u
    uniform, r_max the highest reward still there when the round began; take the accepted out and go
    round again until k are accepted. ``beta`` → 0 gives the k best, → ∞ the first k. The paper
    takes 8 of 64 with β = 0.5. Candidates are listed in the order accepted. Prompts with k or fewer
    candidates keep all.
    """
    _check_k(pool, k)
    _check_seed(seed)
    _check_positive("beta", beta)
    rewards, rank = finite_reward(pool, by).astype(np.float64), np.zeros((pool.P, pool.N))
    for i, present in enumerate(pool.present.numpy()):
        rng = np.random.default_rng([seed, i, RSO])
        left, accepted = np.nonzero(present)[0], []
        while len(left) and len(accepted) < k:
            r = rewards[i, left]
            # the best is always accepted: u < 1
            accept = rng.random(len(left)) < np.exp((r - r.max()) / beta)
            accepted += left[accept].tolist()
            left = left[~accept]
        rank[i, accepted] = np.arange(len(accepted))
        rank[i, left] = pool.N
    return _keep(pool, -rank, k, "rso", by=by, beta=beta, k=k, seed=seed)


def threshold(pool, by=None, minimum=1.0, at_most=None):
    """Every candidate with reward ≥ ``minimum``, or the best ``at_most`` of them per prompt
    (ReST-EM, 2312.06585, has at most 10).

    Ties go to the lowest candidate index; with a 0/1 verifier all that pass tie, so ``at_most``
    keeps the first that pass.
    """
    scores = finite_reward(pool, by)
    passed = ((scores >= np.float32(minimum)) & pool.present.numpy()).sum(1)
    return _keep(
        pool,
        scores,
        _at_most(passed, at_most),
        "threshold",
        by=by,
        minimum=minimum,
        at_most=at_most,
    )


def distinct_paths(pool, by=None, minimum=1.0, key=None, at_most=None):
    """Of each prompt's candidates with reward ≥ ``minimum``, the first for each distinct
    ``key(prompt, text, info)`` (RFT, 2308.01825).

    ``key`` names a candidate's path, e.g. its equations as a tuple; the default is the text with
    its white space evened out. The first (lowest candidate index) stands for its path whatever its
    reward, and ``at_most`` keeps the paths seen first.
    """
    key = key or (lambda prompt, text, info: " ".join(text.split()))
    passed = (finite_reward(pool, by) >= np.float32(minimum)) & pool.present.numpy()
    first = np.zeros(passed.shape)
    for i, row in enumerate(passed):
        seen = set()
        for j in np.nonzero(row)[0]:
            path = key(pool.prompts[i], pool.texts[i][j], pool.info[i])
            try:
                first[i, j] = path not in seen
                seen.add(path)
            except TypeError as error:
                raise CourseError(
                    "key must return a value that can be put in a set; got a "
                    f"{type(path).__name__}. Return a tuple or a string."
                ) from error
    return _keep(
        pool,
        first,
        _at_most(first.sum(1).astype(int), at_most),
        "distinct_paths",
        by=by,
        minimum=minimum,
        at_most=at_most,
    )


def _at_most(counts, at_most):
    require(
        at_most is None or at_most >= 1,
        f"at_most must be 1 or more, or None for no limit; got {at_most}.",
    )
    return counts if at_most is None else np.minimum(counts, at_most)


select_best = best_per_prompt

RULES = {
    rule.__name__: rule
    for rule in (
        best_per_prompt,
        top_k_overall,
        soft_best,
        regularised_best,
        rso,
        threshold,
        distinct_paths,
        random_per_prompt,
        random_overall,
    )
}

# control(selection, seed)
CONTROLS = {
    name: overall_control if name == "top_k_overall" else matched_control
    for name in (*RULES, "concat")
    if not name.startswith("random")
}
