"""Best-of-n from a pool of N: the unbiased curve, its flawed rivals, pass@k."""

import math
from functools import lru_cache

import numpy as np

from ..base import require
from .arrays import as_array, as_pair


def best_of_n_weights(N, n):
    """(N,) weights C(i−1, n−1)/C(N, n), i = 1..N: the chance that the i-th lowest of N is the best
    of n drawn without replacement.

    They sum to 1; n = 1 weighs all equally, n = N only the highest. Computed in log space, so large
    N does not overflow.
    """
    (n,) = _sizes(n, N)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, N + 1)))])
    i = np.arange(n, N + 1)
    log_weights = (
        log_factorial[i - 1]
        - log_factorial[n - 1]
        - log_factorial[i - n]
        - log_factorial[N]
        + log_factorial[n]
        + log_factorial[N - n]
    )
    return np.concatenate([np.zeros(n - 1), np.exp(log_weights)])


def _sizes(ns, N):
    """The sizes asked about as a list, by default 1..N."""
    ns = list(range(1, N + 1)) if ns is None else np.atleast_1d(ns).tolist()
    bad = [n for n in ns if n != int(n) or not 1 <= n <= N]
    require(
        not bad,
        f"n must be a whole number between 1 and {N}, the pool's size; got {bad and bad[0]}. "
        "Sample a larger pool or lower n.",
    )
    return [int(n) for n in ns]


def _curve(selecting, evaluating, ns, weights):
    """(P, len(ns)): evaluating reward in ascending order of the selecting one, averaged in tied
    blocks, times ``weights(N, n)``.
    """
    selecting, evaluating = as_pair(
        selecting, selecting if evaluating is None else evaluating, ("selecting", "evaluating"), 2
    )
    require(
        np.isfinite(evaluating).all(),
        "the evaluating reward has infinite values; an average over them means nothing.",
    )
    P, N = selecting.shape
    order = selecting.argsort(axis=1, kind="stable")
    low, value = np.take_along_axis(selecting, order, 1), np.take_along_axis(evaluating, order, 1)
    starts = np.ones((P, N), dtype=bool)
    starts[:, 1:] = low[:, 1:] != low[:, :-1]
    # one number for each run of equal selecting rewards within a prompt
    block = starts.ravel().cumsum() - 1
    mean = np.bincount(block, weights=value.ravel()) / np.bincount(block)
    return mean[block].reshape(P, N) @ np.stack([weights(N, n) for n in _sizes(ns, N)], axis=1)


def best_of_n_curve(selecting, evaluating=None, ns=None):
    """(P, len(ns)) unbiased estimates of the expected ``evaluating`` reward of the best of n by
    ``selecting``.

    R̂_n = Σᵢ C(i−1, n−1)/C(N, n) · r_eval(Sᵢ), with S the N candidates sorted upwards by the
    selecting reward: the average over all subsets of n. Between candidates of equal selecting
    reward the choice is taken to be random (their evaluating rewards are averaged).

    ``selecting``, ``evaluating``: (P, N), the latter the same reward by default; ``ns``: sizes up
    to N, by default 1..N. Average over axis 0 for the curve, :func:`bootstrap_interval` over
    prompts for its interval. Estimates at different n share their samples, so they err together.
    Raises on NaN and on n > N. Source: WebGPT (2112.09332), appendix I.
    """
    return _curve(selecting, evaluating, ns, best_of_n_weights)


def bootstrap_best_of_n(selecting, evaluating=None, ns=None):
    """(P, len(ns)) naive: the mean best of n drawn **with** replacement. Biased low when selecting
    and evaluating agree.

    n draws with replacement hold fewer than n different candidates. This is the exact limit of
    infinitely many resamples: weights (i/N)ⁿ − ((i−1)/N)ⁿ. Shown to compare with
    :func:`best_of_n_curve`; do not report it.
    """
    return _curve(selecting, evaluating, ns, lambda N, n: np.diff((np.arange(N + 1) / N) ** n))


def prefix_best_of_n(selecting, evaluating=None, ns=None):
    """(P, len(ns)) naive: the best among the **first** n of the pool; ties go to the lowest index.

    Unbiased, but noisy: one subset for each n.
    """
    selecting, evaluating = as_pair(
        selecting, selecting if evaluating is None else evaluating, ("selecting", "evaluating"), 2
    )
    P, N = selecting.shape
    return np.stack(
        [evaluating[np.arange(P), selecting[:, :n].argmax(1)] for n in _sizes(ns, N)], axis=1
    )


def top_n_mean(selecting, evaluating=None, ns=None):
    """(P, len(ns)) **not** best-of-n: the mean of the n candidates highest by ``selecting``.

    It falls with n where best-of-n rises.
    """
    return _curve(selecting, evaluating, ns, lambda N, n: (np.arange(N) >= N - n) / n)


def pass_at_k(correct, ks=None):
    """(P, len(ks)) unbiased estimates of the chance that at least one of k samples is right: 1 −
    C(N−c, k)/C(N, k) with c of N right.

    ``correct``: (P, N) of 0 and 1 or booleans. The same as :func:`best_of_n_curve` of a 0/1 reward.
    Source: 2107.03374.
    """
    correct = as_array(correct, "correct", 2)
    require(
        np.isin(correct, (0, 1)).all(),
        "correct must hold only 0 and 1 (or booleans); for a graded reward choose a threshold "
        "first.",
    )
    return best_of_n_curve(correct, ns=ks)


def decidable(correct):
    """(P,) bool: prompts with some right and some wrong candidates, the only ones where selecting
    by a verifier can matter.
    """
    correct = as_array(correct, "correct", 2) > 0
    return correct.any(1) & ~correct.all(1)


@lru_cache
def expected_max_normal(n):
    """Expected highest of n independent standard normal scores, by numerical integration (n = 2.

    0.564, 16: 1.766).
    """
    require(n >= 1, f"n must be 1 or more; got {n}.")
    step = 0.002
    x = np.arange(0, 14, step)
    upper_tail = np.array([math.erfc(v / math.sqrt(2)) / 2 for v in x])
    above, below = -np.expm1(n * np.log1p(-upper_tail)), upper_tail**n  # P(max > x) and P(max < −x)
    integrand = above - below  # E[max] = ∫₀^∞ P(max > x) − P(max < −x) dx, by the trapezoid rule
    return float((integrand.sum() - integrand[0] / 2) * step)
