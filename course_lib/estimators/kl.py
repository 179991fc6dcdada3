"""KL divergence between best-of-n and its policy: exact, bounded, estimated.

Also the policy with the highest reward at a given KL.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from ..base import require
from .arrays import as_array, as_pair


def _levels(
    probabilities: ArrayLike, rewards: ArrayLike, ties: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Normalised π (K,), each outcome's level (K,), and of the L levels mass and F, (L,) each.

    A level holds the outcomes between which the reward does not choose, lowest first; F is the CDF
    of the reward rank.
    """
    p, r = as_pair(probabilities, rewards, ("probabilities", "rewards"), 1)
    require(
        ties in ("proportional", "order"), f"ties must be 'proportional' or 'order'; got {ties!r}."
    )
    require(
        (p >= 0).all() and abs(p.sum() - 1) < 1e-6,
        f"probabilities must be 0 or more and sum to 1; got a sum of {p.sum():.6g}.",
    )
    p = p / p.sum()
    K = len(p)
    if ties == "order":  # a level for each outcome; of equal rewards the first listed is highest
        lowest_first = np.lexsort((-np.arange(K), r))
        level = np.empty(K, dtype=int)
        level[lowest_first] = np.arange(K)
    else:
        level = np.unique(r, return_inverse=True)[1]
    mass = np.bincount(level, weights=p)
    F = np.minimum(mass.cumsum(), 1.0)
    return p, level, mass, F


def best_of_n_distribution(
    probabilities: ArrayLike, rewards: ArrayLike, n: float, ties: str = "proportional"
) -> np.ndarray:
    """(K,) probabilities of each of K outcomes under best-of-n: π_n = Fⁿ − F⁻ⁿ.

    F is the CDF of the reward rank under π, F⁻ its left limit.

    ``ties``: among outcomes of equal reward, ``"proportional"`` shares by π, which is what argmax
    over candidates in random order does; ``"order"`` always prefers the outcome listed first.
    """
    require(n >= 1, f"n must be 1 or more; got {n}.")
    p, level, mass, F = _levels(probabilities, rewards, ties)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Fⁿ − (F − mass)ⁿ without cancellation
        share = np.minimum(mass / F, 1.0)
        difference = -(F**n) * np.expm1(n * np.log1p(-share))
        mass_n = np.where(mass > 0, difference, 0.0)  # (L,) under best-of-n
        return np.where(p > 0, p / mass[level] * mass_n[level], 0.0)


def kl_best_of_n_exact(
    probabilities: ArrayLike, rewards: ArrayLike, n: float, ties: str = "proportional"
) -> float:
    """KL(π_n ‖ π) in nats, exactly, for a discrete π: ``probabilities`` and ``rewards`` are (K,).

    ``ties`` as in :func:`best_of_n_distribution`. Two equally likely outcomes and n = 16 give 0.693
    where :func:`kl_best_of_n_bound` says 1.835.
    """
    p = as_array(probabilities, "probabilities", 1)
    p_n = best_of_n_distribution(p, rewards, n, ties)
    chosen = p_n > 0
    ratio = p_n[chosen] / (p[chosen] / p.sum())
    return float(np.sum(p_n[chosen] * np.log(ratio)))


def kl_tilted(probabilities: ArrayLike, rewards: ArrayLike, nats: float) -> np.ndarray:
    """(K,) the policy with the highest mean reward among those within ``nats`` of π.

    It is π(y)·exp(r(y)/β) brought to a sum of 1, with the β > 0 at which KL(π* ‖ π) is ``nats``.
    With more nats than it takes to give only the best outcomes, it gives only those.

    ``probabilities``, ``rewards``: (K,); ``nats``: 0 or more. Source: KL-constrained reinforcement
    learning, as in Yang et al., 2404.01730.
    """
    p, r = as_pair(probabilities, rewards, ("probabilities", "rewards"), 1)
    require(
        (p >= 0).all() and abs(p.sum() - 1) < 1e-6,
        f"probabilities must be 0 or more and sum to 1; got a sum of {p.sum():.6g}.",
    )
    require(nats >= 0, f"nats must be 0 or more; got {nats}.")
    p = p / p.sum()
    highest = r[p > 0].max()
    only_best = np.where(r == highest, p, 0.0)
    only_best /= only_best.sum()
    if nats == 0 or nats >= _kl(only_best, p):
        return p if nats == 0 else only_best
    below = np.minimum(r - highest, 0.0)  # outcomes with p = 0 stay there
    spread = max(-below[p > 0].min(), 1e-300)
    low, high = math.log(spread * 1e-9), math.log(spread * 1e9)  # of β
    for _ in range(100):
        middle = (low + high) / 2
        tilted = p * np.exp(below / math.exp(middle))
        tilted /= tilted.sum()
        low, high = (middle, high) if _kl(tilted, p) > nats else (low, middle)
    return tilted


def _kl(q: np.ndarray, p: np.ndarray) -> float:
    """KL(q ‖ p) in nats of two distributions (K,); q is 0 where p is."""
    there = q > 0
    return float(np.sum(q[there] * np.log(q[there] / p[there])))


def kl_best_of_n_bound(n: ArrayLike) -> float | np.ndarray:
    """log n − (n−1)/n in nats: an **upper bound** on KL(π_n ‖ π), not its value.

    Far above it when rewards tie or replies repeat. ``n``: a number or an array; the result is the
    same. Source: Beirami et al., 2401.01879.
    """
    n = as_array(n, "n")
    require((n >= 1).all(), f"n must be 1 or more; got {n.min():g}.")
    bound = np.log(n) - (n - 1) / n
    return float(bound) if bound.ndim == 0 else bound


def kl_best_of_n_estimate(logprob_of_best: ArrayLike, n: float) -> float | np.ndarray:
    """Estimates of KL(π_n ‖ π) in nats, one for each best-of-n reply.

    Average them over many replies to a prompt.

    With ε = π(y_best|x): (1−ε)ⁿ(log n + (n−1)log(1−ε) − (n−1)/n) + (1−(1−ε)ⁿ)·log((1−(1−ε)ⁿ)/ε).
    Source: Beirami et al., 2401.01879, §4.

    ``logprob_of_best``: log ε in nats, any shape; the result has that shape. It lies between 0 and
    :func:`kl_best_of_n_bound`, which it approaches as ε → 0: it helps only where the best reply is
    itself likely. Against the exact KL of random discrete distributions its mean was never below
    and at most 0.11 nats above. It assumes that different replies never tie in reward: with ties (a
    verifier), give the log-probability of the whole tied level instead of the one reply's, or it
    comes out far too high.
    """
    logprob = as_array(logprob_of_best, "logprob_of_best")
    require(n >= 1, f"n must be 1 or more; got {n}.")
    highest = logprob.max() if logprob.size else 0
    require(
        (logprob < 1e-3).all(),  # a little above 0 is rounding
        f"logprob_of_best is a log-probability in nats and cannot be above 0; got {highest:.3g}.",
    )
    # below that ε underflows, and the estimate equals the bound
    logprob = np.clip(logprob, -600.0, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        # log of the chance that none of n draws is this reply
        log_none = n * np.log1p(-np.exp(logprob))
        none = np.exp(log_none)
        some = -np.expm1(log_none)
        rest = np.where(none > 0, none * (math.log(n) + (n - 1) / n * (log_none - 1)), 0.0)
    estimate = rest + some * (np.log(some) - logprob)
    return float(estimate) if estimate.ndim == 0 else estimate


def kl_monte_carlo(logp: ArrayLike, logq: ArrayLike) -> float:
    """KL(π ‖ π_ref) in nats: the mean of log π(y) − log π_ref(y) over samples y **from π**.

    Unbiased; can be negative by chance. ``logp``, ``logq``: summed log-probabilities per sample
    under π and π_ref, of one shape. Not KL(π_ref ‖ π): that needs samples from π_ref.
    """
    logp, logq = as_pair(logp, logq, ("logp", "logq"))
    return float(np.mean(logp - logq))


def kl_k3(logp: ArrayLike, logq: ArrayLike) -> float:
    """KL(π ‖ π_ref) in nats by k3: the mean of exp(d) − d − 1 over samples from π.

    d = log π_ref − log π. Never negative. Less noisy than :func:`kl_monte_carlo` when the two are
    close, much noisier (rare huge exp(d)) when far apart. Float64 and expm1 keep small d from
    cancelling.
    """
    logp, logq = as_pair(logp, logq, ("logp", "logq"))
    d = logq - logp
    return float(np.mean(np.expm1(d) - d))
