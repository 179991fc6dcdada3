"""Findings of lesson 02: what the temperature does to the best of n, and how n rewards spread."""

from collections.abc import Mapping

import numpy as np

from ...assets import temperatures
from ...estimators import Interval, best_of_n_curve, paired_difference
from ...pools import Pool
from .best_of_n import SIZES, stored
from .registry import Measured, finding

COLD, WARM = 0.1, 0.4


def gold_of_best(pool: Pool, by: str, n: int) -> np.ndarray:
    """(P,) expected gold of the best of ``n`` by ``by``."""
    return best_of_n_curve(pool.reward(by), pool.reward("gold"), [n])[:, 0]


def warm_less_cold(
    pools: Mapping[float, Pool], by: str, n: int, cold: float = COLD, warm: float = WARM
) -> Interval:
    """:class:`Interval` over prompts of what the warmer of two temperatures gains.

    Gold of the best of ``n`` by ``by`` at the temperature ``warm`` minus that at ``cold``.
    """
    return paired_difference(gold_of_best(pools[warm], by, n), gold_of_best(pools[cold], by, n))


def best_temperature(pools: Mapping[float, Pool], by: str, n: int) -> float:
    """The temperature of ``pools`` with the highest mean gold of the best of ``n`` by ``by``."""
    means = {t: gold_of_best(pool, by, n).mean() for t, pool in pools.items()}
    return max(means, key=means.__getitem__)


@finding(
    number=6,
    lesson="02",
    claim="The best sampling temperature rises with n.",
    measures=f"gold points: best of 16 chosen by gold, T = {WARM} less T = {COLD}",
    command="course build-assets --world temperatures",
)
def best_temperature_rises() -> Measured:
    pools = temperatures.pools()
    sixteen = warm_less_cold(pools, "gold", 16)

    # small steps of the temperature: a loss at n = 1, a gain at n = 4, a gain further up at n = 16
    at_1 = warm_less_cold(pools, "gold", 1, 0.1, 0.2)
    at_4 = warm_less_cold(pools, "gold", 4, 0.1, 0.2)
    at_16 = warm_less_cold(pools, "gold", 16, 0.2, 0.4)
    best = [best_temperature(pools, "gold", n) for n in (1, 4, 16)]
    rises = best == sorted(best) and best[0] < best[-1]
    holds = at_1.high < 0 < min(at_4.low, at_16.low) and rises

    # the same steps when a reward model chooses
    learned_low = warm_less_cold(pools, "reward-8000", 16, 0.1, 0.2)
    learned_high = warm_less_cold(pools, "reward-8000", 16, 0.2, 0.4)
    appears = learned_low.low > 0 or learned_high.low > 0
    note = (
        f"Best for n = 1, 4, 16: T = {', '.join(map(str, best))} "
        f"({min(pools)} is the lowest tried). "
        f"0.2 less 0.1 at n = 1: {at_1}, at n = 4: {at_4}; 0.4 less 0.2 at n = 16: {at_16}. "
        f"Chosen by reward-8000{'' if appears else ' it does not appear'}: "
        f"at n = 16, 0.2 less 0.1: {learned_low}; 0.4 less 0.2: {learned_high}"
    )
    return Measured(sixteen, holds, note)


def median_of(gold: np.ndarray, n: int) -> np.ndarray:
    """(P,) median of ``n`` candidates, averaged over the groups of n that ``gold`` (P, N) holds."""
    groups = gold.reshape(len(gold), -1, n)  # (P, N / n, n)
    return np.median(groups, axis=2).mean(1)


@finding(
    number=7,
    lesson="02",
    claim="The highest reward of n grows with n while the median stays.",
    measures=(
        f"gold points: change from n = 1 to {SIZES[-1]} of the highest less that of the median"
    ),
)
def best_grows_median_stays() -> Measured:
    gold = stored().reward("gold").double().numpy()  # (P, N)
    ends = [1, SIZES[-1]]
    highest = best_of_n_curve(gold, ns=ends)  # (P, 2)
    median = np.stack([median_of(gold, n) for n in ends], axis=1)  # (P, 2)

    grows = paired_difference(highest[:, 1], highest[:, 0])
    stays = paired_difference(median[:, 1], median[:, 0])
    gap = paired_difference(np.diff(highest)[:, 0], np.diff(median)[:, 0])

    holds = gap.low > 1 and abs(stays.mean) < 0.05 * grows.mean
    note = (
        f"Highest: {grows}; median: {stays}. Built in: the highest of more is never lower, "
        "and at n = 1 the median averages to the mean of all replies, at n = 256 to their "
        "median"
    )
    return Measured(gap, holds, note)
