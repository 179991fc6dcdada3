"""Findings of lesson 07, from the stored frontier."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ... import assets, results
from ...base import flops_per_token
from ...estimators import Interval, bootstrap_interval, break_even, equal_quality_n, serving_flops
from ...models import load_policy, load_reward_model
from ...worlds import load_world
from .registry import DESK_SEEDS, Measured, finding, interval_of

COMMAND = "python benchmarks/frontier.py"


@finding(
    number="7.1",
    claim=(
        "At equal sampled tokens, each at its best temperature, no online method is shown to be "
        "better than one round of RFT, which takes a third of the operations."
    ),
    measures="gold points: one round of RFT minus the best of GRPO, RLOO and PPO",
    command=COMMAND,
    population=DESK_SEEDS,
)
def frontier_gap() -> Measured:
    frontier = results.load("frontier")
    gap = {name: interval_of(value) for name, value in frontier["rft_minus"].items()}
    methods = frontier["methods"]
    online = [name for name in ("GRPO", "GRPO without std", "RLOO", "PPO") if name in methods]
    best = max(online, key=lambda name: methods[name]["shown"]["gold"]["mean"])
    corrected = {name: value["corrected"] for name, value in frontier["rft_minus"].items()}
    above = [name for name, (low, _) in corrected.items() if low > 0]
    below = [name for name, (_, high) in corrected.items() if high < 0]
    equal = [name for name in gap if name not in above + below]
    work = methods[best]["cost"]["flops"] / methods["RFT"]["cost"]["flops"]
    note = (
        f"The best of them: {best}, at {work:.1f} times the operations. Corrected for "
        f"{len(gap)} comparisons RFT is above {listed(above)}; below {listed(below)}; no "
        f"difference we can detect from {listed(equal)}"
    )
    holds = all(gap[name].high > 0 for name in online) and work > 2
    return Measured(gap[best], holds, note, seeds_of(frontier, "RFT", best))


def seeds_of(frontier: Mapping[str, Any], *names: str) -> int:
    """How many seeds a comparison of these methods has."""
    return min(len(frontier["methods"][name]["seeds"]) for name in names)


def listed(names: Sequence[str]) -> str:
    """Names with commas between them, or "none"."""
    return ", ".join(names) or "none"


@finding(
    number="7.2",
    claim="Without the division by the group's standard deviation GRPO is better.",
    measures="gold points: GRPO without std minus GRPO, each at its best temperature and dials",
    command=COMMAND,
    population=DESK_SEEDS,
)
def std_matters() -> Measured:
    frontier = results.load("frontier")
    gap = interval_of(frontier["pairs"]["GRPO without std - GRPO"])
    worst = {
        name: min(point["gold"]["mean"] for point in frontier["methods"][name]["grid"].values())
        for name in ("GRPO", "GRPO without std")
    }
    note = "Lowest gold among all dials tried: " + ", ".join(
        f"{name} {value:.2f}" for name, value in worst.items()
    )
    return Measured(gap, gap.low > 0, note, seeds_of(frontier, "GRPO", "GRPO without std"))


@finding(
    number="7.3",
    claim="Training towards best-of-n by the backward KL does not beat imitating its replies here.",
    measures="gold points: vBoN minus RFT at equal sampled tokens, each at its best temperature",
    command=COMMAND,
    population=DESK_SEEDS,
)
def backward_or_forward() -> Measured:
    frontier = results.load("frontier")
    gap = interval_of(frontier["rft_minus"]["vBoN"])
    minus = Interval(-gap.mean, -gap.high, -gap.low, gap.level, gap.n)
    at_1 = interval_of(frontier["rft_minus_at_1"]["vBoN"])
    note = f"RFT minus vBoN at T = 1: {at_1:+.2f}"
    return Measured(minus, minus.low <= 0, note, seeds_of(frontier, "RFT", "vBoN"))


def rival_n(gold: float, frontier: Mapping[str, Any]) -> float:
    """The n at which best-of-n of the base, at its best temperature, reaches ``gold``."""
    best = f"{frontier['methods']['best-of-N']['shown']['temperature']:g}"
    curve = frontier["best_of_n"][best]
    sizes = sorted(curve, key=int)
    quality = [curve[size]["gold"]["mean"] for size in sizes]
    return equal_quality_n([int(size) for size in sizes], quality, gold)


def repaid_after(
    n: float, frontier: Mapping[str, Any], question: float, writes: float, reads: float
) -> float:
    """Served queries after which one round of RFT is cheaper than best-of-``n``, in FLOPs.

    ``question``: tokens of a question; ``writes``, ``reads``: FLOPs a token of the policy and of
    the reward model. Infinite when serving did not get cheaper.
    """
    rft = frontier["methods"]["RFT"]
    reply = frontier["base"]["length"]["mean"]
    before = serving_flops(writes, question, reply, n=n, reward_flops=reads)
    after = serving_flops(writes, question, rft["shown"]["length"]["mean"])
    return break_even(rft["cost"]["flops"], before, after)


@finding(
    number="7.4",
    claim=(
        "After some number of served queries fine-tuning is cheaper than the best-of-n of the base "
        "that it replaces."
    ),
    measures=(
        "queries until one round of RFT, cold, has repaid itself against the best-of-16 it passes"
    ),
    command=COMMAND,
    population=DESK_SEEDS,
)
def break_even_queries() -> Measured:
    policy = load_policy(assets.path("helpdesk/policy"))
    reward = load_reward_model(assets.path("helpdesk/reward-8000"))
    writes = flops_per_token(policy.model)
    reads = flops_per_token(reward.model)
    prompts, _ = load_world("helpdesk").prompts("train", limit=100, seed=7)
    question = sum(map(len, policy.encode(prompts))) / len(prompts)  # tokens

    frontier = results.load("frontier")
    method = frontier["methods"]["RFT"]
    gold = method["shown"]["gold"]
    equal = rival_n(gold["mean"], frontier)
    seeds = [row["length"] for row in method["shown"]["by_seed"]]

    def queries(length: float) -> float:
        before = serving_flops(
            writes, question, frontier["base"]["length"]["mean"], n=16, reward_flops=reads
        )
        after = serving_flops(writes, question, length)
        return break_even(method["cost"]["flops"], before, after)

    spread = bootstrap_interval([queries(length) for length in seeds])
    base = interval_of(method["over_base"])
    reach = f"n = {equal:.0f}" if math.isfinite(equal) else "no n that was tried"
    note = (
        f"Seeds differ in the length of replies only. Best-of-n of the base at its best "
        f"temperature reaches RFT's gold at {reach}; against one reply of the base, which costs as "
        f"much to serve, it buys {base:+.2f} gold points for the cost of training alone"
    )
    best = f"{frontier['methods']['best-of-N']['shown']['temperature']:g}"
    passed = frontier["best_of_n"][best]["16"]["gold"]["mean"]
    holds = math.isfinite(spread.high) and base.low > 0 and gold["low"] > passed
    return Measured(spread, holds, note, len(seeds))
