"""Findings of lesson 02: what the temperature does to the best of n, and how the rewards of n
candidates spread.
"""

import numpy as np

from ...assets import temperatures
from ...estimators import best_of_n_curve, paired_difference
from .best_of_n import SIZES, stored
from .registry import finding

COLD, WARM = 0.1, 0.4


def warm_less_cold(pools, by, n, cold=COLD, warm=WARM):
    """:class:`Interval` over prompts of the gold of the best of ``n`` by ``by`` at the temperature
    ``warm`` less that at ``cold``.
    """
    gold = {
        t: best_of_n_curve(pools[t].reward(by), pools[t].reward("gold"), [n])[:, 0]
        for t in (cold, warm)
    }
    return paired_difference(gold[warm], gold[cold])


def best_temperature(pools, by, n):
    """The temperature of ``pools`` with the highest mean gold of the best of ``n`` by ``by``."""
    return max(
        pools,
        key=lambda t: best_of_n_curve(pools[t].reward(by), pools[t].reward("gold"), [n]).mean(),
    )


@finding(
    6,
    "02",
    "The best sampling temperature rises with n.",
    f"gold points: best of 16 chosen by gold, T = {WARM} less T = {COLD}",
    "course build-assets --world temperatures",
)
def best_temperature_rises():
    pools = temperatures.pools()
    sixteen = warm_less_cold(pools, "gold", 16)
    steps = {
        n: warm_less_cold(pools, "gold", n, *pair)
        for n, pair in ((1, (0.1, 0.2)), (4, (0.1, 0.2)), (16, (0.2, 0.4)))
    }
    learned = {
        pair: warm_less_cold(pools, "reward-8000", 16, *pair) for pair in ((0.1, 0.2), (0.2, 0.4))
    }
    best = [best_temperature(pools, "gold", n) for n in (1, 4, 16)]
    return (
        sixteen,
        steps[1].high < 0 < min(steps[4].low, steps[16].low)
        and best == sorted(best)
        and best[0] < best[-1],
        (
            f"Best for n = 1, 4, 16: T = {', '.join(map(str, best))} ({min(pools)} is the "
            f"lowest tried). 0.2 less 0.1 at n = 1: {steps[1]}, at n = 4: {steps[4]}; 0.4 less "
            f"0.2 at n = 16: {steps[16]}. "
            "Chosen by "
            f"reward-8000{'' if any(step.low > 0 for step in learned.values()) else ' it does not appear'}: "
            f"at n = 16, 0.2 less 0.1: {learned[0.1, 0.2]}; 0.4 less 0.2: {learned[0.2, 0.4]}"
        ),
    )


@finding(
    7,
    "02",
    "The highest reward of n grows with n while the median stays.",
    f"gold points: change from n = 1 to {SIZES[-1]} of the highest less that of the median",
)
def best_grows_median_stays():
    gold = stored().reward("gold").double().numpy()
    highest = best_of_n_curve(gold, ns=[1, SIZES[-1]])
    median = np.stack(
        [np.median(gold.reshape(len(gold), -1, n), axis=2).mean(1) for n in (1, SIZES[-1])], axis=1
    )
    grows, stays = (paired_difference(values[:, 1], values[:, 0]) for values in (highest, median))
    gap = paired_difference(np.diff(highest)[:, 0], np.diff(median)[:, 0])
    return (
        gap,
        gap.low > 1 and abs(stays.mean) < 0.05 * grows.mean,
        (
            f"Highest: {grows}; median: {stays}. Built in: the highest of more is never lower, "
            "and at n = 1 the median averages to the mean of all replies, at n = 256 to their "
            "median"
        ),
    )
