"""Findings of lesson 04: over-optimisation, the bound on KL, and accuracy against gain.

From the stored pool.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ... import results
from ...base import require
from ...estimators import (
    best_of_n_curve,
    bootstrap_interval,
    kl_best_of_n_bound,
    kl_best_of_n_exact,
    overoptimisation_fit,
    paired_difference,
)
from ...models import score
from ...worlds import right_steps
from .best_of_n import SIZES, stored
from .registry import Measured, finding, interval_of

SIZED = ("reward-125", "reward-500", "reward-2000", "reward-8000")
AT_1, AT_16, AT_256 = (SIZES.index(n) for n in (1, 16, 256))


def complete(prompt: str, text: str, info: Mapping[str, Any]) -> float:
    """A verifier for the help desk, 1 or 0: does the reply contain every right step of its topic?

    It looks at nothing else.
    """
    return float(all(step.lower() in text.lower() for step in right_steps(info["topic"])))


# ---- KL ----------------------------------------------------------------------------------------


def kl_of_pass_fail(passes: ArrayLike, ns: Sequence[int]) -> np.ndarray:
    """(P, len(ns)) exact KL in nats of best-of-n by a reward of 0 or 1.

    Each prompt's share of passes is taken as their probability. ``passes``: (P, N) of 0 and 1. A
    prompt where all or none pass has KL 0: there is nothing to choose.
    """
    share = np.asarray(passes, dtype=float).mean(1)  # (P,)
    return np.array([[kl_best_of_n_exact([p, 1 - p], [1.0, 0.0], n) for n in ns] for p in share])


def kl_of_candidates(rewards: ArrayLike, ns: Sequence[int]) -> np.ndarray:
    """(P, len(ns)) exact KL in nats of best-of-n when the N candidates are all there is.

    Each prompt's N candidates are taken as all the outcomes there are, equally likely.
    """
    result = []
    for row in np.asarray(rewards, dtype=float):  # (N,)
        equal = np.full(len(row), 1 / len(row))
        result.append([kl_best_of_n_exact(equal, row, n) for n in ns])
    return np.array(result)


@finding(
    number=3,
    lesson="04",
    claim="KL of best-of-n never exceeds log n − (n−1)/n, and with ties it is far below it.",
    measures="nats: exact KL of best-of-16 by a pass-or-fail verifier, less the bound of 1.835",
)
def kl_bound() -> Measured:
    pool = score(stored(), complete)
    bound = kl_best_of_n_bound(SIZES)  # (9,)
    with_ties = kl_of_pass_fail(pool.reward("complete"), SIZES)  # (P, 9)
    without_ties = kl_of_candidates(pool.reward("reward-8000")[:32], SIZES)  # (32, 9)
    gap = bootstrap_interval(with_ties[:, AT_16] - bound[AT_16])

    two = kl_best_of_n_exact([0.5, 0.5], [0, 1], 16)
    near = without_ties[:, AT_16].mean() / bound[AT_16]
    never_above = (with_ties <= bound + 1e-9).all() and (without_ties <= bound + 1e-9).all()
    note = (
        f"Two equally likely outcomes: {two:.3f} nats; 256 candidates without ties: "
        f"{near:.1%} of the bound"
    )
    return Measured(gap, never_above and gap.high < 0 and near > 0.9, note)


# ---- over-optimisation -------------------------------------------------------------------------


def fitted_peaks(curves: Sequence[np.ndarray], resamples: int = 300, seed: int = 0) -> np.ndarray:
    """(resamples, len(curves)) peaks α/2β, in √nats, of d(α − βd) refitted to resampled prompts.

    The same prompts for all curves. ``curves``: a list of (P, len(SIZES)) gold rewards of the best
    of n.
    """
    d = np.sqrt(kl_best_of_n_bound(SIZES))
    rng = np.random.default_rng(seed)
    prompts = len(curves[0])
    peaks = np.empty((resamples, len(curves)))
    for r in range(resamples):
        drawn = rng.integers(prompts, size=prompts)
        means = [curve[drawn].mean(0) for curve in curves]
        peaks[r] = [overoptimisation_fit(d, mean - mean[0]).peak_d for mean in means]
    return peaks


def fit_of(curve: np.ndarray) -> float:
    """r² of d(α − βd) fitted to the mean of ``curve`` (P, len(SIZES))."""
    d = np.sqrt(kl_best_of_n_bound(SIZES))
    mean = curve.mean(0)
    return overoptimisation_fit(d, mean - mean[0]).r2


@finding(
    number=5,
    lesson="04",
    claim=(
        "The proxy rises with n while gold rises, peaks and falls; from 500 to 8,000 comparisons "
        "the peak moves to the right; d(α − βd) fits."
    ),
    measures="gold points: best of 256 less best of 16, chosen by reward-500",
)
def overoptimisation() -> Measured:
    pool = stored()
    own, gold, rise, fall = {}, {}, {}, {}
    for name in SIZED:
        own[name] = best_of_n_curve(pool.reward(name), ns=SIZES)  # (P, 9)
        gold[name] = best_of_n_curve(pool.reward(name), pool.reward("gold"), SIZES)  # (P, 9)
        rise[name] = paired_difference(gold[name][:, AT_16], gold[name][:, AT_1])
        fall[name] = paired_difference(gold[name][:, AT_256], gold[name][:, AT_16])

    r2 = [fit_of(gold[name]) for name in SIZED]
    moved = np.diff(fitted_peaks([gold["reward-500"], gold["reward-8000"]]))[:, 0]  # (resamples,)
    low, high = np.quantile(moved, [0.025, 0.975])

    proxies_rise = all((np.diff(curve.mean(0)) > 0).all() for curve in own.values())
    gold_rises = all(rise[name].low > 0 for name in SIZED)
    gold_falls = all(fall[name].high < 0 for name in SIZED[:3])
    peak_moves = low > 0
    fits = min(r2[1:]) > 0.95
    note = (
        f"From 500 to 8,000 comparisons the fitted peak moves by {moved.mean():.2f} "
        f"[{low:.2f}, {high:.2f}] √nats (one model of each size; 4 passes over the data "
        f"for 500, 3 for 8,000); r² from {min(r2):.2f} (125 comparisons) to {max(r2):.3f}. "
        "For 8,000 the fall is not proven"
    )
    holds = proxies_rise and gold_rises and gold_falls and peak_moves and fits
    return Measured(fall["reward-500"], holds, note)


# ---- accuracy and gain -------------------------------------------------------------------------


def pair_accuracy(scores: ArrayLike, gold: ArrayLike, best: float = 1.0) -> np.ndarray:
    """(P,) share of a prompt's pairs of candidates that ``scores`` order as ``gold`` does.

    A tie in ``scores`` counts half; pairs that gold ties are left out. ``best``: take only this
    share of the candidates, the highest by gold. ``scores``, ``gold``: (P, N). NaN where gold ties
    all of a prompt's candidates.
    """
    scores = np.asarray(scores, dtype=float)
    gold = np.asarray(gold, dtype=float)
    require(
        scores.shape == gold.shape and scores.ndim == 2,
        f"scores and gold must have one shape (P, N); got {scores.shape} and {gold.shape}.",
    )
    result = []
    for s, g in zip(scores, gold, strict=True):
        top = np.argsort(-g, kind="stable")[: max(2, round(best * len(g)))]
        s, g = s[top], g[top]
        better = g[:, None] > g[None, :]  # (K, K): row better than column by gold
        ahead = (s[:, None] > s[None, :]) + 0.5 * (s[:, None] == s[None, :])  # (K, K)
        result.append(ahead[better].mean() if better.any() else np.nan)
    return np.array(result)


def capped(scores: ArrayLike, share: float = 0.4) -> np.ndarray:
    """``scores`` (P, N) cut off from above: a judge whose scale ends too early.

    The highest ``share`` of each prompt's candidates get one score. The cut is a prompt's own,
    since scores have no common zero from prompt to prompt.
    """
    scores = np.asarray(scores, dtype=float)
    return np.minimum(scores, np.quantile(scores, 1 - share, axis=1, keepdims=True))


@finding(
    number=15,
    lesson="04",
    claim="The more accurate of two reward models can give the worse best-of-n.",
    measures=(
        "gold points at n = 16: reward models from pass-or-fail labels, the less accurate ones, "
        "less those from random pairs"
    ),
    command="python benchmarks/accuracy_and_gain.py",
)
def accuracy_and_gain() -> Measured:
    # trained reward models: lower accuracy, higher gain
    minus_random_pairs = results.load("accuracy_and_gain")["minus_random_pairs"]["pass or fail"]
    gain = interval_of(minus_random_pairs["16"])
    accuracy = interval_of(minus_random_pairs["accuracy"])

    # a judge whose scale ends too early, against a rival: higher accuracy, lower gain
    pool = stored()
    gold = pool.reward("gold")
    judge = capped(pool.reward("reward-8000"))
    rival = pool.reward("reward-length-biased")
    more = paired_difference(pair_accuracy(judge, gold), pair_accuracy(rival, gold))
    judge_64 = best_of_n_curve(judge, gold, [64])[:, 0]
    rival_64 = best_of_n_curve(rival, gold, [64])[:, 0]
    less = paired_difference(judge_64, rival_64)

    holds = accuracy.high < 0 < gain.low and less.high < 0 < more.low
    note = (
        f"Their accuracy is lower by {-accuracy.mean:.3f} "
        f"[{-accuracy.high:.3f}, {-accuracy.low:.3f}]. A capped judge "
        f"against a rival: accuracy {more:+.3f}, gold at n = 64 {less:+.2f}"
    )
    return Measured(gain, holds, note)


# ---- choosing with few labels ------------------------------------------------------------------


def _best_of_windows(rewards: np.ndarray, gold: np.ndarray, n: int) -> np.ndarray:
    """(P, N) gold of the best by ``rewards`` of n consecutive candidates, starting at each."""
    N = gold.shape[1]
    around = np.concatenate([rewards, rewards[:, : n - 1]], axis=1)  # the end meets the beginning
    windows = np.lib.stride_tricks.sliding_window_view(around, n, axis=1)  # (P, N, n)
    chosen = (windows.argmax(-1) + np.arange(N)) % N
    return np.take_along_axis(gold, chosen, 1)


def right_choices(
    a: ArrayLike,
    b: ArrayLike,
    gold: ArrayLike,
    labels: int,
    n: int = 16,
    repeats: int = 4000,
    seed: int = 0,
) -> dict[str, float]:
    """How often the better of two rewards is picked with a budget of gold labels.

    Returns way → share of ``repeats``. One label is one reply judged. ``"accuracy"``: judge random
    pairs of candidates, and pick the reward that orders more of them as gold does.
    ``"head to head"``: for so many prompts judge the reply that each chooses among the same n, and
    pick the one with the higher mean. Both judge ``labels``/2 pairs of replies, of prompts drawn
    with replacement. Better is the one with the higher gold of best-of-n over the whole pool. A
    draw counts half. ``a``, ``b``, ``gold``: (P, N).
    """
    a, b, gold = (np.asarray(x, dtype=float) for x in (a, b, gold))
    require(labels >= 2, f"a pair of replies takes 2 labels; got {labels}.")
    truth = np.sign(best_of_n_curve(a, gold, [n]).mean() - best_of_n_curve(b, gold, [n]).mean())
    require(truth != 0, "the two rewards are equally good on this pool: there is no right choice.")

    P, N = gold.shape
    rng = np.random.default_rng(seed)
    drawn = (repeats, labels // 2)  # one row of pairs a repeat
    i = rng.integers(P, size=drawn)  # prompts
    j = rng.integers(N, size=drawn)  # candidates, and another one of the same prompt
    k = (j + rng.integers(1, N, size=drawn)) % N

    def agrees(rewards: np.ndarray) -> np.ndarray:
        """+1 where a pair is ordered as by gold, −1 where the other way round, 0 at ties."""
        return np.sign(rewards[i, j] - rewards[i, k]) * np.sign(gold[i, j] - gold[i, k])

    ahead = (_best_of_windows(a, gold, n) - _best_of_windows(b, gold, n))[i, j]
    evidence = {
        "accuracy": (agrees(a) - agrees(b)).sum(1),
        # rounded, so that gains and losses that cancel are a draw
        "head to head": ahead.sum(1).round(9),
    }
    return {
        way: float((np.sign(found) * truth / 2 + 0.5).mean()) for way, found in evidence.items()
    }
