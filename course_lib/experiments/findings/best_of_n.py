"""Findings of lesson 01: what choosing the best of n gains, and how to estimate it.

From the stored pool.
"""

from itertools import pairwise

import numpy as np

from ... import assets
from ...estimators import (
    Interval,
    best_of_n_curve,
    bootstrap_best_of_n,
    bootstrap_interval,
    paired_difference,
    prefix_best_of_n,
    top_n_mean,
    win_rate_of_best,
    win_rate_theory,
)
from ...pools import Pool
from .registry import Measured, finding

SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256]


def stored() -> Pool:
    """128 held-out prompts × 256 candidates of the base policy.

    Scored by gold and by every bundled reward model.
    """
    return Pool.load(assets.path("helpdesk/pools/heldout.npz"))


def topics_of(pool: Pool) -> list[str]:
    """What each prompt is about: prompts about one topic are not independent."""
    return [about["topic"] for about in pool.info]


def over_topics(values: np.ndarray, pool: Pool) -> Interval:
    """:class:`Interval` of the mean of ``values`` (P,), with topics as the units."""
    return bootstrap_interval(values, groups=topics_of(pool))


def difference(a: np.ndarray, b: np.ndarray, pool: Pool) -> Interval:
    """:class:`Interval` of the mean of a − b, both (P,), with topics as the units."""
    return paired_difference(a, b, groups=topics_of(pool))


@finding(
    number="1.1",
    claim="The reward of the best of n rises with n, and each further candidate adds less.",
    measures=(
        "gold points a candidate: what the 9th to the 16th add on average, minus what the 2nd adds"
    ),
)
def falling_steps() -> Measured:
    pool = stored()
    curve = best_of_n_curve(pool.reward("gold"), ns=SIZES)  # (P, 9)
    doubled = np.diff(curve, axis=1)  # (P, 8), each a doubling of n
    each = doubled / np.diff(SIZES)  # (P, 8) what a candidate adds
    change = difference(each[:, SIZES.index(8)], each[:, 0], pool)

    rises = [over_topics(step, pool).low > 0 for step in doubled.T[:7]]
    falls = [difference(after, before, pool).high < 0 for before, after in pairwise(each.T)]
    steps = ", ".join(f"{step:.2f}" for step in doubled.mean(0))
    note = f"Doubling n adds {steps}. Built in: each one more can only win where all others lose"
    return Measured(change, all(rises) and all(falls), note)


@finding(
    number="1.2",
    claim="The best of n beats one sample with probability n/(n+1), and ties break it.",
    measures="win rate of the best of 4 with a reward of 0 or 1, minus 4/5",
)
def win_rate() -> Measured:
    pool = stored()
    theory = win_rate_theory(4)
    without_ties = over_topics(win_rate_of_best(pool.reward("reward-8000"), 4).rate, pool)

    passes = (pool.reward("gold") >= 2).float()  # (P, N) of 0 and 1
    with_ties = over_topics(win_rate_of_best(passes, 4).rate - theory, pool)

    holds = abs(without_ties.mean - theory) < 0.005 and with_ties.high < 0
    return Measured(with_ties, holds, f"With few ties the rate is {without_ties.mean:.3f}")


RULES = {
    "all subsets (ours)": best_of_n_curve,
    "with replacement": bootstrap_best_of_n,
    "prefix": prefix_best_of_n,
    "mean of the top n": top_n_mean,
}


def estimates(N: int = 16, n: int = 16, deals: int = 200, seed: int = 0) -> dict[str, np.ndarray]:
    """Errors against the truth of four estimates of the best of n from N candidates.

    Returns name → (deals, P) gold points. The truth is the stored pool's own: its 256 candidates
    are taken as the whole population and N are dealt from them, with replacement, so that a deal is
    an independent sample of that population.
    """
    gold = np.asarray(stored().reward("gold"), dtype=float)
    # with replacement from the population: exact here, where the population is all there is
    truth = bootstrap_best_of_n(gold, ns=[n])[:, 0]
    rng = np.random.default_rng(seed)
    errors = {name: np.empty((deals, len(gold))) for name in RULES}
    for k in range(deals):
        drawn = rng.integers(0, 256, (len(gold), N))
        hand = np.take_along_axis(gold, drawn, axis=1)  # (P, N)
        for name, rule in RULES.items():
            errors[name][k] = rule(hand, ns=[n])[:, 0] - truth
    return errors


@finding(
    number="1.3",
    claim=(
        "Resampling with replacement is biased low and a prefix is noisy; the estimator over all "
        "subsets is neither."
    ),
    measures="bias in gold points of best-of-16 from 16 candidates, resampled with replacement",
)
def naive_estimators() -> Measured:
    at_all = estimates()  # n = N: where the bias is largest
    at_four = estimates(n=4)
    bias = over_topics(at_all["with replacement"].mean(0), stored())
    ours = over_topics(at_all["all subsets (ours)"].mean(0), stored())

    spread = {name: errors.std(0).mean() for name, errors in at_four.items()}
    noise = spread["prefix"] / spread["all subsets (ours)"]

    holds = bias.high < 0 and abs(ours.mean) < abs(bias.mean) / 5 and noise > 1.2
    note = (
        f"Ours: {ours.mean:.3f} [{ours.low:.3f}, {ours.high:.3f}]; at n = 4 a prefix has "
        f"{noise:.1f} times its spread"
    )
    return Measured(bias, holds, note)
