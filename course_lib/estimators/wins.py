"""Win rates: wins, ties as halves, and what theory expects."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..base import require
from .arrays import as_array, as_pair
from .best_of_n import best_of_n_weights


class WinRate(NamedTuple):
    """``rate``: chance to win, a tie counting half; ``ties``: share of ties.

    Floats, or (P,) arrays.
    """

    rate: float | np.ndarray
    ties: float | np.ndarray


def win_scores(a: ArrayLike, b: ArrayLike) -> np.ndarray:
    """1 where ``a`` is higher than ``b``, ½ where equal, 0 where lower; the shape of the inputs.

    Its mean is the win rate.
    """
    a, b = as_pair(a, b, ("a", "b"))
    return (a > b) + 0.5 * (a == b)


def win_rate(a: ArrayLike, b: ArrayLike) -> WinRate:
    """:class:`WinRate` of ``a`` against ``b``, paired element by element.

    For an interval, bootstrap :func:`win_scores` over prompts.
    """
    scores = win_scores(a, b)
    require(scores.size > 0, "no pairs to compare: give at least one.")
    return WinRate(float(scores.mean()), float((scores == 0.5).mean()))


def pair_margins(scores: ArrayLike, first: ArrayLike) -> np.ndarray:
    """(P, K) score of the preferred reply minus that of the other one, for K pairs a prompt.

    ``scores``: (P, 2K), candidates 0 and 1 are a pair, 2 and 3, and so on; ``first``: (P, K),
    whether an annotator preferred the first of the two. Raises
    :class:`~course_lib.base.CourseError` when the shapes do not match.
    """
    scores, said = as_array(scores, "scores", 2), np.asarray(first, dtype=bool)
    P, N = scores.shape
    require(
        said.shape == (P, N // 2) and N % 2 == 0,
        f"first must say of each of the pairs of scores {scores.shape} which was preferred: shape "
        f"({P}, {N // 2}) for an even number of candidates; got {said.shape}.",
    )
    return np.where(said, 1, -1) * (scores[:, 0::2] - scores[:, 1::2])


def pair_accuracy(scores: ArrayLike, first: ArrayLike) -> np.ndarray:
    """(P,) share of a prompt's pairs that scores order as the annotator did, a tie counting half.

    ``scores`` and ``first`` as for :func:`pair_margins`.
    """
    margins = pair_margins(scores, first)
    return win_scores(margins, np.zeros_like(margins)).mean(1)


def win_rate_of_best(selecting: ArrayLike, n: int) -> WinRate:
    """:class:`WinRate` with (P,) arrays of the best of n against **one fresh sample**.

    The unbiased chance that the best of n has a higher reward than one more sample from the same
    policy. ``selecting``: (P, N) with N ≥ n + 1. Exact average over all ways to draw n and one
    other from the N. Without ties it is n/(n+1) whatever the reward; ties pull it towards ½.
    """
    selecting = as_array(selecting, "selecting", 2)
    N = selecting.shape[1]
    require(
        1 <= n < N,
        f"n must be between 1 and {N - 1}, one less than the pool's size; got {n}: the "
        "opponent needs a sample of its own.",
    )
    # the chance that all n lie among m of the N − 1 others: C(m, n)/C(N−1, n) for m = 0..N−1
    all_among = np.cumsum([0.0, *best_of_n_weights(N - 1, n)])
    ranked = np.sort(selecting, axis=1)
    # for each candidate as the opponent: how many others are strictly below it, how many not above
    lower = np.stack([row.searchsorted(row, "left") for row in ranked])  # (P, N)
    not_higher = np.stack([row.searchsorted(row, "right") for row in ranked]) - 1  # (P, N)
    loses = all_among[lower]
    not_wins = all_among[not_higher]
    ties = (not_wins - loses).mean(1)  # (P,)
    return WinRate(1 - loses.mean(1) - ties / 2, ties)


def win_rate_theory(n: ArrayLike) -> float | np.ndarray:
    """n/(n+1): the win rate of best-of-n against one sample when no two rewards tie.

    A number or an array.
    """
    n = as_array(n, "n")
    require((n >= 1).all(), f"n must be 1 or more; got {n.min():g}.")
    return float(n / (n + 1)) if n.ndim == 0 else n / (n + 1)
