"""Best-of-n from a pool of N: the unbiased curve, its flawed rivals, pass@k."""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from ..base import require
from .arrays import as_array, as_pair


def best_of_n_weights(N: int, n: int) -> np.ndarray:
    """(N,) weights C(i−1, n−1)/C(N, n) for i = 1..N.

    The chance that the i-th lowest of N is the best of n drawn without replacement. They sum to 1;
    n = 1 weighs all equally, n = N only the highest. Computed in log space, so large N does not
    overflow.
    """
    (n,) = _sizes(n, N)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, N + 1)))])  # of 0..N
    i = np.arange(n, N + 1)  # below n the weight is 0
    log_weights = (
        log_factorial[i - 1]
        - log_factorial[n - 1]
        - log_factorial[i - n]
        - log_factorial[N]
        + log_factorial[n]
        + log_factorial[N - n]
    )
    return np.concatenate([np.zeros(n - 1), np.exp(log_weights)])


def _sizes(ns: ArrayLike | None, N: int) -> list[int]:
    """The sizes asked about as a list, by default 1..N."""
    asked = range(1, N + 1) if ns is None else np.atleast_1d(ns).tolist()
    for n in asked:
        require(
            n == int(n) and 1 <= n <= N,
            f"n must be a whole number between 1 and {N}, the pool's size; got {n}. "
            "Sample a larger pool or lower n.",
        )
    return [int(n) for n in asked]


def _rewards(selecting: ArrayLike, evaluating: ArrayLike | None) -> tuple[np.ndarray, np.ndarray]:
    """(P, N) each: both rewards as arrays; the evaluating one is the selecting one unless given."""
    if evaluating is None:
        evaluating = selecting
    return as_pair(selecting, evaluating, ("selecting", "evaluating"), 2)


def _curve(
    selecting: ArrayLike,
    evaluating: ArrayLike | None,
    ns: ArrayLike | None,
    weights: Callable[[int, int], np.ndarray],
) -> np.ndarray:
    """(P, len(ns)): evaluating rewards in ascending order of the selecting one × ``weights(N, n)``.

    Evaluating rewards of candidates that tie in the selecting one are averaged first.
    """
    chooses, judges = _rewards(selecting, evaluating)
    require(
        np.isfinite(judges).all(),
        "the evaluating reward has infinite values; an average over them means nothing.",
    )
    N = chooses.shape[1]
    order = chooses.argsort(axis=1, kind="stable")  # (P, N), lowest first
    low_to_high = np.take_along_axis(chooses, order, 1)
    values = _averaged_in_ties(low_to_high, np.take_along_axis(judges, order, 1))  # (P, N)
    columns = [weights(N, n) for n in _sizes(ns, N)]
    return values @ np.stack(columns, axis=1)  # (P, N) @ (N, len(ns))


def _averaged_in_ties(low_to_high: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(P, N) ``values``, averaged within each run of equal numbers in a row of ``low_to_high``."""
    starts = np.ones(low_to_high.shape, dtype=bool)
    starts[:, 1:] = low_to_high[:, 1:] != low_to_high[:, :-1]
    # a row's first entry always starts a run, so no run goes over the end of a prompt
    run = starts.ravel().cumsum() - 1
    mean = np.bincount(run, weights=values.ravel()) / np.bincount(run)
    return mean[run].reshape(values.shape)


def best_of_n_curve(
    selecting: ArrayLike, evaluating: ArrayLike | None = None, ns: ArrayLike | None = None
) -> np.ndarray:
    """(P, len(ns)) unbiased estimates of the expected ``evaluating`` reward of the best of n.

    R̂_n = Σᵢ C(i−1, n−1)/C(N, n) · r_eval(Sᵢ), with S the N candidates sorted upwards by the
    selecting reward: the average over all subsets of n, of which the best by ``selecting`` is
    taken. Between candidates of equal selecting reward the choice is taken to be random (their
    evaluating rewards are averaged).

    ``selecting``, ``evaluating``: (P, N), the latter the same reward by default; ``ns``: sizes up
    to N, by default 1..N. Average over axis 0 for the curve, :func:`bootstrap_interval` over
    prompts for its interval. Estimates at different n share their samples, so they err together.
    Raises on NaN and on n > N. Source: WebGPT (2112.09332), appendix I.
    """
    return _curve(selecting, evaluating, ns, best_of_n_weights)


def bootstrap_best_of_n(
    selecting: ArrayLike, evaluating: ArrayLike | None = None, ns: ArrayLike | None = None
) -> np.ndarray:
    """(P, len(ns)) naive: the mean best of n drawn **with** replacement.

    Biased low when selecting and evaluating agree: n draws with replacement hold fewer than n
    different candidates. This is the exact limit of infinitely many resamples: weights
    (i/N)ⁿ − ((i−1)/N)ⁿ. Shown to compare with :func:`best_of_n_curve`; do not report it.
    """
    return _curve(selecting, evaluating, ns, lambda N, n: np.diff((np.arange(N + 1) / N) ** n))


def prefix_best_of_n(
    selecting: ArrayLike, evaluating: ArrayLike | None = None, ns: ArrayLike | None = None
) -> np.ndarray:
    """(P, len(ns)) naive: the best among the **first** n of the pool; ties go to the lowest index.

    Unbiased, but noisy: one subset for each n.
    """
    chooses, judges = _rewards(selecting, evaluating)
    P, N = chooses.shape
    columns = []
    for n in _sizes(ns, N):
        best = chooses[:, :n].argmax(1)  # (P,)
        columns.append(judges[np.arange(P), best])
    return np.stack(columns, axis=1)


def top_n_mean(
    selecting: ArrayLike, evaluating: ArrayLike | None = None, ns: ArrayLike | None = None
) -> np.ndarray:
    """(P, len(ns)) **not** best-of-n: the mean of the n candidates highest by ``selecting``.

    It falls with n where best-of-n rises.
    """
    return _curve(selecting, evaluating, ns, lambda N, n: (np.arange(N) >= N - n) / n)


def pass_at_k(correct: ArrayLike, ks: ArrayLike | None = None) -> np.ndarray:
    """(P, len(ks)) unbiased estimates of the chance that at least one of k samples is right.

    1 − C(N−c, k)/C(N, k) with c of N right. ``correct``: (P, N) of 0 and 1 or booleans. The same as
    :func:`best_of_n_curve` of a 0/1 reward. Source: 2107.03374.
    """
    correct = as_array(correct, "correct", 2)
    require(
        np.isin(correct, (0, 1)).all(),
        "correct must hold only 0 and 1 (or booleans); for a graded reward choose a threshold "
        "first.",
    )
    return best_of_n_curve(correct, ns=ks)


def decidable(correct: ArrayLike) -> np.ndarray:
    """(P,) bool: prompts with some right and some wrong candidates.

    The only ones where selecting by a verifier can matter. ``correct``: (P, N).
    """
    right = as_array(correct, "correct", 2) > 0
    count = right.sum(axis=1)  # (P,)
    return (count > 0) & (count < right.shape[1])


@lru_cache
def expected_max_normal(n: int) -> float:
    """Expected highest of n independent standard normal scores: n = 2: 0.564, n = 16: 1.766.

    By numerical integration.
    """
    require(n >= 1, f"n must be 1 or more; got {n}.")
    step = 0.002
    x = np.arange(0, 14, step)
    upper_tail = np.array([math.erfc(v / math.sqrt(2)) / 2 for v in x])
    above = -np.expm1(n * np.log1p(-upper_tail))  # P(max > x)
    below = upper_tail**n  # P(max < −x)
    integrand = above - below  # E[max] = ∫₀^∞ P(max > x) − P(max < −x) dx, by the trapezoid rule
    return float((integrand.sum() - integrand[0] / 2) * step)
