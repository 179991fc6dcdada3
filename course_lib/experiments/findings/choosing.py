"""Findings of lesson 04, from the stored pool.

Over-optimisation, the bound on KL, and accuracy against gain.
"""

import numpy as np

from ... import assets, results
from ...base import require
from ...estimators import (
    Interval,
    best_of_n_curve,
    bootstrap_interval,
    kl_best_of_n_bound,
    kl_best_of_n_exact,
    overoptimisation_fit,
    paired_difference,
)
from ...models import score
from ...pools import Pool
from ...worlds import right_steps
from .registry import finding

SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256]
SIZED = ("reward-125", "reward-500", "reward-2000", "reward-8000")


def stored():
    """128 held-out prompts × 256 candidates of the base policy, scored by gold and by every
    bundled reward model.
    """
    return Pool.load(assets.path("helpdesk/pools/heldout.npz"))


def complete(prompt, text, info):
    """A verifier for the help desk, 1 or 0: does the reply contain every right step of its topic?

    It looks at nothing else.
    """
    return float(all(step.lower() in text.lower() for step in right_steps(info["topic"])))


# ---- KL ----------------------------------------------------------------------------------------


def kl_of_pass_fail(passes, ns):
    """(P, len(ns)) exact KL in nats of best-of-n by a reward of 0 or 1, each prompt's share of
    passes taken as their probability.

    ``passes``: (P, N) of 0 and 1. A prompt where all or none pass has KL 0: there is nothing to
    choose.
    """
    share = np.asarray(passes, dtype=float).mean(1)
    return np.array([[kl_best_of_n_exact([p, 1 - p], [1.0, 0.0], n) for n in ns] for p in share])


def kl_of_candidates(rewards, ns):
    """(P, len(ns)) exact KL in nats of best-of-n when each prompt's N candidates are all the
    outcomes there are, equally likely.
    """
    rewards = np.asarray(rewards, dtype=float)
    return np.array(
        [
            [kl_best_of_n_exact(np.full(len(row), 1 / len(row)), row, n) for n in ns]
            for row in rewards
        ]
    )


@finding(
    3,
    "04",
    "KL of best-of-n never exceeds log n − (n−1)/n, and with ties it is far below it.",
    "nats: exact KL of best-of-16 by a pass-or-fail verifier, less the bound of 1.835",
)
def kl_bound():
    pool, bound = score(stored(), complete), kl_best_of_n_bound(SIZES)
    passes = kl_of_pass_fail(pool.reward("complete"), SIZES)
    many = kl_of_candidates(pool.reward("reward-8000")[:32], SIZES)
    gap = bootstrap_interval(passes[:, 4] - bound[4])
    two = kl_best_of_n_exact([0.5, 0.5], [0, 1], 16)
    near = many[:, 4].mean() / bound[4]
    return (
        gap,
        (passes <= bound + 1e-9).all()
        and (many <= bound + 1e-9).all()
        and gap.high < 0
        and near > 0.9,
        (
            f"Two equally likely outcomes: {two:.3f} nats; 256 candidates without ties: "
            f"{near:.1%} of the bound"
        ),
    )


# ---- over-optimisation -------------------------------------------------------------------------


def fitted_peaks(curves, resamples=300, seed=0):
    """(resamples, len(curves)) peaks α/2β, in √nats, of d(α − βd) refitted to the curves of
    resampled prompts, the same prompts for all.

    ``curves``: a list of (P, len(SIZES)) gold rewards of the best of n.
    """
    d, rng = np.sqrt(kl_best_of_n_bound(SIZES)), np.random.default_rng(seed)
    peaks = np.empty((resamples, len(curves)))
    for r in range(resamples):
        drawn = rng.integers(len(curves[0]), size=len(curves[0]))
        means = [curve[drawn].mean(0) for curve in curves]
        peaks[r] = [overoptimisation_fit(d, mean - mean[0]).peak_d for mean in means]
    return peaks


@finding(
    5,
    "04",
    "The proxy rises with n while gold rises, peaks and falls; from 500 to 8,000 comparisons "
    "the peak moves to the right; d(α − βd) fits.",
    "gold points: best of 256 less best of 16, chosen by reward-500",
)
def overoptimisation():
    pool, d = stored(), np.sqrt(kl_best_of_n_bound(SIZES))
    gold = {name: best_of_n_curve(pool.reward(name), pool.reward("gold"), SIZES) for name in SIZED}
    own = {name: best_of_n_curve(pool.reward(name), ns=SIZES) for name in SIZED}
    rise = {name: paired_difference(curve[:, 4], curve[:, 0]) for name, curve in gold.items()}
    fall = {name: paired_difference(curve[:, 8], curve[:, 4]) for name, curve in gold.items()}
    r2 = [overoptimisation_fit(d, gold[name].mean(0) - gold[name].mean(0)[0]).r2 for name in SIZED]
    moved = np.diff(fitted_peaks([gold["reward-500"], gold["reward-8000"]]))[:, 0]
    low, high = np.quantile(moved, [0.025, 0.975])
    holds = (
        all(i.low > 0 for i in rise.values())
        and all(fall[name].high < 0 for name in SIZED[:3])
        and low > 0
        and min(r2[1:]) > 0.95
        and all((np.diff(curve.mean(0)) > 0).all() for curve in own.values())
    )
    return (
        fall["reward-500"],
        holds,
        (
            f"From 500 to 8,000 comparisons the fitted peak moves by {moved.mean():.2f} "
            f"[{low:.2f}, {high:.2f}] √nats (one model of each size; 4 passes over the data "
            f"for 500, 3 for 8,000); r² from {min(r2):.2f} (125 comparisons) to {max(r2):.3f}. "
            "For 8,000 the fall is not proven"
        ),
    )


# ---- accuracy and gain -------------------------------------------------------------------------


def pair_accuracy(scores, gold, best=1.0):
    """(P,) share of a prompt's pairs of candidates that ``scores`` order as ``gold`` does; a tie in
    ``scores`` counts half.

    Pairs that gold ties are left out. ``best``: take only this share of the candidates, the highest
    by gold. ``scores``, ``gold``: (P, N). NaN where gold ties all of a prompt's candidates.
    """
    scores, gold = np.asarray(scores, dtype=float), np.asarray(gold, dtype=float)
    require(
        scores.shape == gold.shape and scores.ndim == 2,
        f"scores and gold must have one shape (P, N); got {scores.shape} and {gold.shape}.",
    )
    result = []
    for s, g in zip(scores, gold, strict=True):
        top = np.argsort(-g, kind="stable")[: max(2, round(best * len(g)))]
        s, g = s[top], g[top]
        better = g[:, None] > g[None, :]
        ahead = (s[:, None] > s[None, :]) + 0.5 * (s[:, None] == s[None, :])
        result.append(ahead[better].mean() if better.any() else np.nan)
    return np.array(result)


def capped(scores, share=0.4):
    """``scores`` (P, N) cut off from above, so that the highest ``share`` of each prompt's
    candidates get one score: a judge whose scale ends too early.

    The cut is a prompt's own, since scores have no common zero from prompt to prompt.
    """
    scores = np.asarray(scores, dtype=float)
    return np.minimum(scores, np.quantile(scores, 1 - share, axis=1, keepdims=True))


@finding(
    15,
    "04",
    "The more accurate of two reward models can give the worse best-of-n.",
    "gold points at n = 16: reward models from pass-or-fail labels, the less accurate ones, "
    "less those from random pairs",
    "python benchmarks/accuracy_and_gain.py",
)
def accuracy_and_gain():
    gap = {
        what: Interval(**value)
        for what, value in results.load("accuracy_and_gain")["minus_random_pairs"][
            "pass or fail"
        ].items()
    }
    pool = stored()
    gold, other, judge = (
        pool.reward("gold"),
        pool.reward("reward-length-biased"),
        capped(pool.reward("reward-8000")),
    )
    more = paired_difference(pair_accuracy(judge, gold), pair_accuracy(other, gold))
    less = paired_difference(
        best_of_n_curve(judge, gold, [64])[:, 0], best_of_n_curve(other, gold, [64])[:, 0]
    )
    return (
        gap["16"],
        gap["accuracy"].high < 0 < gap["16"].low and less.high < 0 < more.low,
        (
            f"Their accuracy is lower by {-gap['accuracy'].mean:.3f} "
            f"[{-gap['accuracy'].high:.3f}, {-gap['accuracy'].low:.3f}]. A capped judge "
            f"against a rival: accuracy {more:+.3f}, gold at n = 64 {less:+.2f}"
        ),
    )


# ---- choosing with few labels ------------------------------------------------------------------


def right_choices(a, b, gold, labels, n=16, repeats=4000, seed=0):
    """How often the better of two rewards is picked with a budget of gold labels, one label a reply
    judged: {way: share of ``repeats``}.

    ``"accuracy"``: judge random pairs of candidates, and pick the reward that orders more of them
    as gold does. ``"head to head"``: for so many prompts judge the reply that each chooses among
    the same n, and pick the one with the higher mean. Both judge ``labels``/2 pairs of replies, of
    prompts drawn with replacement. Better is the one with the higher gold of best-of-n over the
    whole pool. A draw counts half. ``a``, ``b``, ``gold``: (P, N).
    """
    a, b, gold = (np.asarray(x, dtype=float) for x in (a, b, gold))
    require(labels >= 2, f"a pair of replies takes 2 labels; got {labels}.")
    truth = np.sign(best_of_n_curve(a, gold, [n]).mean() - best_of_n_curve(b, gold, [n]).mean())
    require(truth != 0, "the two rewards are equally good on this pool: there is no right choice.")
    (P, N), pairs, rng = gold.shape, labels // 2, np.random.default_rng(seed)

    def picked(s):
        """(P, N) gold of the best of n consecutive candidates, starting at each."""
        windows = np.lib.stride_tricks.sliding_window_view(
            np.concatenate([s, s[:, : n - 1]], axis=1), n, axis=1
        )
        return np.take_along_axis(gold, (windows.argmax(-1) + np.arange(N)) % N, 1)

    def orders(s, i, j, k):
        return np.sign(s[i, j] - s[i, k]) * np.sign(gold[i, j] - gold[i, k])

    i, j = rng.integers(P, size=(repeats, pairs)), rng.integers(N, size=(repeats, pairs))
    k = (j + rng.integers(1, N, size=j.shape)) % N
    evidence = {
        "accuracy": (orders(a, i, j, k) - orders(b, i, j, k)).sum(1),
        "head to head": (picked(a) - picked(b))[i, j].sum(1).round(9),
    }
    return {
        way: float((np.sign(found) * truth / 2 + 0.5).mean()) for way, found in evidence.items()
    }
