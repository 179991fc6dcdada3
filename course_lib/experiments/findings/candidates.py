"""Findings of lesson 02: what the temperature does to the best of n, and how n rewards spread."""

from collections.abc import Iterable, Mapping

import numpy as np

from ... import assets
from ...assets import temperatures
from ...estimators import Interval, best_of_n_curve
from ...models import GoldReward, load_policy, sample, score
from ...pools import Pool
from ...worlds import careful_helpdesk
from .best_of_n import SIZES, difference, stored
from .registry import DESK, Measured, finding

TEMPERATURES = "course build-assets --world temperatures"


def gold_of_best(pool: Pool, by: str, n: int, judge: str = "gold") -> np.ndarray:
    """(P,) expected ``judge`` of the best of ``n`` by ``by``."""
    return best_of_n_curve(pool.reward(by), pool.reward(judge), [n])[:, 0]


def warm_minus_cold(
    pools: Mapping[float, Pool], by: str, n: int, cold: float, warm: float
) -> Interval:
    """:class:`Interval` of what the warmer of two temperatures gains, with topics as the units.

    Gold of the best of ``n`` by ``by`` at the temperature ``warm`` minus that at ``cold``.
    """
    one, other = (gold_of_best(pools[t], by, n) for t in (warm, cold))
    return difference(one, other, pools[warm])


def best_temperature(pools: Mapping[float, Pool], by: str, n: int, judge: str = "gold") -> float:
    """The temperature with the highest mean of ``judge`` of the best of ``n`` by ``by``."""
    means = {t: gold_of_best(pool, by, n, judge).mean() for t, pool in pools.items()}
    return max(means, key=means.__getitem__)


def listed(numbers: Iterable[float]) -> str:
    """Numbers with commas between them."""
    return ", ".join(f"{number:g}" for number in numbers)


@finding(
    number="2.1",
    claim="The best sampling temperature rises with n.",
    measures="gold points, T = 0.7 minus T = 0.3: best of 16 by gold, minus the same of one reply",
    command=TEMPERATURES,
)
def best_temperature_rises() -> Measured:
    pools = temperatures.pools()
    warm, cold = pools[0.7], pools[0.3]
    gain = {n: gold_of_best(warm, "gold", n) - gold_of_best(cold, "gold", n) for n in (1, 16)}
    more = difference(gain[16], gain[1], warm)
    best = {n: best_temperature(pools, "gold", n) for n in (1, 4, 16, 64)}
    rises = list(best.values()) == sorted(best.values()) and best[1] < best[64]
    note = f"Best for n = {listed(best)}: T = {listed(best.values())}, of {listed(pools)}"
    return Measured(more, rises and more.low > 0, note)


@finding(
    number="2.3",
    claim=(
        "Judged by the reward model that chose, warmer sampling looks better than it is judged by "
        "gold."
    ),
    measures=(
        "best of 64 by reward-500, T = 1 minus T = 0.5, in standard deviations: by reward-500 "
        "minus by gold"
    ),
    command=TEMPERATURES,
)
def chooser_as_judge() -> Measured:
    pools = temperatures.pools()
    warm, cold = pools[1.0], pools[0.5]

    def change(judge: str) -> np.ndarray:
        scale = float(warm.reward(judge).std())
        values = [gold_of_best(pool, "reward-500", 64, judge) for pool in (warm, cold)]
        return (values[0] - values[1]) / scale

    looks = difference(change("reward-500"), change("gold"), warm)
    by = "reward-500"
    own = {n: best_temperature(pools, by, n, by) for n in (1, 4, 16, 64)}
    gold = {n: best_temperature(pools, by, n) for n in (1, 4, 16, 64)}
    note = (
        f"Best T for n = {listed(own)}, chooser as judge: {listed(own.values())}; gold as judge: "
        f"{listed(gold.values())}"
    )
    return Measured(looks, looks.low > 0 and own[64] >= gold[64], note)


@finding(
    number="2.2",
    claim="Turning the temperature down is no substitute for choosing.",
    measures=(
        "gold points: best of 16 by reward-8000 minus one reply, each at its best temperature"
    ),
    command=TEMPERATURES,
)
def no_substitute() -> Measured:
    pools = temperatures.pools()
    best = {n: best_temperature(pools, "reward-8000", n) for n in (1, 16)}
    one, sixteen = (gold_of_best(pools[t], "reward-8000", n) for n, t in best.items())
    gain = difference(sixteen, one, pools[1.0])
    dial = difference(one, gold_of_best(pools[1.0], "gold", 1), pools[1.0])
    note = (
        f"At T = {best[16]:g} and {best[1]:g} (chosen on the same prompts); what the dial alone "
        f"gains over T = 1: {dial:+.2f}"
    )
    return Measured(gain, gain.low > 1 and dial.high < gain.low, note)


CAREFUL = (96, 16)  # prompts and candidates for the careful desk


@finding(
    number="2.4",
    claim="Where the likeliest reply is nearly the best, a dial is enough.",
    measures=(
        "gold points on the careful desk: one reply at T = 0.1 minus best of 16 by gold at T = 1"
    ),
    command="course build-assets --world helpdesk-careful",
    population=DESK.replace("the help desk", "the careful desk"),
)
def dial_is_enough() -> Measured:
    world = careful_helpdesk()
    policy = load_policy(assets.path("helpdesk-careful/policy"), device="cpu")
    prompts, n = CAREFUL
    asked, info = world.prompts("heldout", limit=prompts, seed=0)
    pools = {
        t: score(sample(policy, asked, n=n, temperature=t, info=info, seed=11), GoldReward(world))
        for t in (1.0, 0.1)
    }
    cold, warm = (gold_of_best(pools[t], "gold", 1) for t in (0.1, 1.0))
    enough = difference(cold, gold_of_best(pools[1.0], "gold", n), pools[1.0])
    dial = difference(cold, warm, pools[1.0])
    more = difference(gold_of_best(pools[0.1], "gold", n), cold, pools[1.0])
    note = (
        f"The dial alone gains {dial:+.2f} over T = 1; choosing the best of 16 by gold among cold "
        f"replies adds {more:+.2f}"
    )
    return Measured(enough, enough.low > -0.1 and dial.low > 1, note)


def median_of(gold: np.ndarray, n: int) -> np.ndarray:
    """(P,) median of ``n`` candidates, averaged over the groups of n that ``gold`` (P, N) holds."""
    groups = gold.reshape(len(gold), -1, n)  # (P, N / n, n)
    return np.median(groups, axis=2).mean(1)


@finding(
    number="2.5",
    claim="The highest reward of n grows with n while the median stays.",
    measures=(
        f"gold points: change from n = 1 to {SIZES[-1]} of the highest minus that of the median"
    ),
)
def best_grows_median_stays() -> Measured:
    pool = stored()
    gold = pool.reward("gold").double().numpy()  # (P, N)
    ends = [1, SIZES[-1]]
    highest = best_of_n_curve(gold, ns=ends)  # (P, 2)
    median = np.stack([median_of(gold, n) for n in ends], axis=1)  # (P, 2)

    grows = difference(highest[:, 1], highest[:, 0], pool)
    stays = difference(median[:, 1], median[:, 0], pool)
    gap = difference(np.diff(highest)[:, 0], np.diff(median)[:, 0], pool)

    holds = gap.low > 1 and abs(stays.mean) < 0.05 * grows.mean
    note = (
        f"Highest: {grows}; median: {stays}. Built in: the highest of more is never lower, "
        "and at n = 1 the median averages to the mean of all replies, at n = 256 to their "
        "median"
    )
    return Measured(gap, holds, note)
