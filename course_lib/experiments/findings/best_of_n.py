"""Findings of lesson 01, from the stored pool.

What choosing the best of n gains, and how to estimate it.
"""

from itertools import pairwise

import numpy as np

from ... import assets
from ...estimators import (
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
from .registry import finding

SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256]


def stored():
    """128 held-out prompts × 256 candidates of the base policy, scored by gold and by every
    bundled reward model.
    """
    return Pool.load(assets.path("helpdesk/pools/heldout.npz"))


@finding(
    1,
    "01",
    "The reward of the best of n rises with n, by ever smaller steps.",
    "gold points: step from n = 2 to 4 less step from 1 to 2",
)
def falling_steps():
    steps = np.diff(best_of_n_curve(stored().reward("gold"), ns=SIZES), axis=1)
    change = paired_difference(steps[:, 1], steps[:, 0])
    later = [paired_difference(after, before) for before, after in pairwise(steps.T)]
    return change, all(bootstrap_interval(s).low > 0 for s in steps.T[:7]) and all(
        c.high < 0 for c in later[:5]
    )


@finding(
    2,
    "01",
    "The best of n beats one sample with probability n/(n+1), and ties break it.",
    "win rate of the best of 4 with a reward of 0 or 1, less 4/5",
)
def win_rate():
    pool = stored()
    fine = bootstrap_interval(win_rate_of_best(pool.reward("reward-8000"), 4).rate)
    tied = bootstrap_interval(
        win_rate_of_best((pool.reward("gold") >= 2).float(), 4).rate - win_rate_theory(4)
    )
    return (
        tied,
        abs(fine.mean - win_rate_theory(4)) < 0.005 and tied.high < 0,
        f"Without ties the rate is {fine.mean:.3f}",
    )


RULES = {
    "all subsets (ours)": best_of_n_curve,
    "with replacement": bootstrap_best_of_n,
    "prefix": prefix_best_of_n,
    "mean of the top n": top_n_mean,
}


def estimates(N=16, n=16, deals=200, seed=0):
    """Errors against the truth of four estimates of the best of n from N candidates: name → (deals,
    P) gold points.

    The truth is the stored pool's own: its 256 candidates are taken as the whole population and N
    are dealt from them, with replacement, so that a deal is an independent sample of that
    population.
    """
    gold = np.asarray(stored().reward("gold"), dtype=float)
    # with replacement from the population: exact here, where the population is all there is
    truth = bootstrap_best_of_n(gold, ns=[n])[:, 0]
    rng = np.random.default_rng(seed)
    errors = {name: np.empty((deals, len(gold))) for name in RULES}
    for k in range(deals):
        hand = np.take_along_axis(gold, rng.integers(0, 256, (len(gold), N)), axis=1)
        for name, rule in RULES.items():
            errors[name][k] = rule(hand, ns=[n])[:, 0] - truth
    return errors


@finding(
    4,
    "01",
    "Resampling with replacement is biased low and a prefix is noisy; the estimator over all "
    "subsets is neither.",
    "bias in gold points of best-of-16 from 16 candidates, resampled with replacement",
)
def naive_estimators():
    errors, spread = estimates(), estimates(n=4)
    bias = bootstrap_interval(errors["with replacement"].mean(0))
    ours = bootstrap_interval(errors["all subsets (ours)"].mean(0))
    noise = spread["prefix"].std(0).mean() / spread["all subsets (ours)"].std(0).mean()
    return (
        bias,
        bias.high < 0 and abs(ours.mean) < abs(bias.mean) / 5 and noise > 1.2,
        (
            f"Ours: {ours.mean:.3f} [{ours.low:.3f}, {ours.high:.3f}]; at n = 4 a prefix has "
            f"{noise:.1f} times its spread"
        ),
    )
