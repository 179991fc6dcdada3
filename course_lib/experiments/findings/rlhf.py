"""Findings of lesson 07, from the stored frontier."""

import math
from collections.abc import Mapping
from typing import Any

from ... import assets, results
from ...base import flops_per_token
from ...estimators import Interval, break_even, equal_quality_n, serving_flops
from ...models import load_policy, load_reward_model
from ...worlds import load_world
from .registry import Measured, finding, interval_of

COMMAND = "python benchmarks/frontier.py"


@finding(
    number=13,
    lesson="07",
    claim=(
        "At equal sampled tokens one round of RFT is above some RLHF methods, below others, and "
        "not told apart from GRPO and PPO."
    ),
    measures="gold points: one round of RFT less GRPO, at 214,620 sampled tokens each",
    command=COMMAND,
)
def frontier_gap() -> Measured:
    rft_minus = results.load("frontier")["rft_minus"]
    gap = {name: interval_of(value) for name, value in rft_minus.items()}
    above = [name for name in gap if gap[name].low > 0]
    below = [name for name in gap if gap[name].high < 0]
    equal = [name for name in gap if name not in above + below]

    holds = {"GRPO", "PPO"} <= set(equal) and bool(above) and bool(below)
    note = (
        f"RFT is above {', '.join(above)}; below {', '.join(below)}; "
        f"not told apart from {', '.join(equal)}"
    )
    return Measured(gap["GRPO"], holds, note)


def repaid_after(
    gold: float, frontier: Mapping[str, Any], question: float, writes: float, reads: float
) -> float:
    """Served queries after which one round of RFT is cheaper than the best-of-n as good.

    That is the best-of-n that reaches ``gold``; both are counted in FLOPs. ``question``: tokens of
    a question; ``writes``, ``reads``: FLOPs a token of the policy and of the reward model. Infinite
    when serving did not get cheaper.
    """
    best_of_n = frontier["best_of_n"]
    sizes = sorted(best_of_n, key=int)
    quality = [best_of_n[size]["gold"]["mean"] for size in sizes]
    n = equal_quality_n([int(size) for size in sizes], quality, gold)

    rft = frontier["methods"]["RFT, one round"]["shown"]
    reply = frontier["base"]["length"]["mean"]
    before = serving_flops(writes, question, reply, n=n, reward_flops=reads)
    after = serving_flops(writes, question, rft["length"]["mean"])
    return break_even(rft["flops"], before, after)


@finding(
    number=16,
    lesson="07",
    claim=(
        "After some number of served queries fine-tuning is cheaper than best-of-n of equal "
        "quality."
    ),
    measures=(
        "queries until one round of RFT has repaid itself (interval from that of its gold reward)"
    ),
    command=COMMAND,
)
def break_even_queries() -> Measured:
    policy = load_policy(assets.path("helpdesk/policy"))
    reward = load_reward_model(assets.path("helpdesk/reward-8000"))
    writes = flops_per_token(policy.model)
    reads = flops_per_token(reward.model)
    prompts, _ = load_world("helpdesk").prompts("train", limit=100, seed=7)
    question = sum(map(len, policy.encode(prompts))) / len(prompts)  # tokens

    frontier = results.load("frontier")
    gold = frontier["methods"]["RFT, one round"]["shown"]["gold"]

    def queries(reached: float) -> float:
        return repaid_after(reached, frontier, question, writes, reads)

    # more gold is worth more candidates, so the upper end of gold gives the lower end of queries
    mean, low, high = queries(gold["mean"]), queries(gold["high"]), queries(gold["low"])
    return Measured(Interval(mean, low, high, gold["level"], gold["n"]), math.isfinite(high))
