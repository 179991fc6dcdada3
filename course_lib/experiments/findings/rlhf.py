"""Findings of lesson 07, from the stored frontier."""

import math

from ... import assets, results
from ...base import flops_per_token
from ...estimators import Interval, break_even, equal_quality_n, serving_flops
from .registry import finding

COMMAND = "python benchmarks/frontier.py"


@finding(
    13,
    "07",
    "At equal sampled tokens one round of RFT is above some RLHF methods, below others, and "
    "not told apart from GRPO and PPO.",
    "gold points: one round of RFT less GRPO, at 214,620 sampled tokens each",
    COMMAND,
)
def frontier_gap():
    gap = {name: Interval(**g) for name, g in results.load("frontier")["rft_minus"].items()}
    above = [name for name, g in gap.items() if g.low > 0]
    below = [name for name, g in gap.items() if g.high < 0]
    equal = [name for name in gap if name not in above + below]
    return (
        gap["GRPO"],
        {"GRPO", "PPO"} <= set(equal) and bool(above) and bool(below),
        f"RFT is above {', '.join(above)}; below {', '.join(below)}; not told apart from "
        f"{', '.join(equal)}",
    )


def repaid_after(gold, frontier, question, writes, reads):
    """Served queries after which one round of RFT is cheaper than the best-of-n that reaches
    ``gold``, both counted in FLOPs.
    """
    sizes = sorted(frontier["best_of_n"], key=int)
    n = equal_quality_n(
        [int(s) for s in sizes], [frontier["best_of_n"][s]["gold"]["mean"] for s in sizes], gold
    )
    rft = frontier["methods"]["RFT, one round"]["shown"]
    return break_even(
        rft["flops"],
        serving_flops(
            writes, question, frontier["base"]["length"]["mean"], n=n, reward_flops=reads
        ),
        serving_flops(writes, question, rft["length"]["mean"]),
    )


@finding(
    16,
    "07",
    "After some number of served queries fine-tuning is cheaper than best-of-n of equal quality.",
    "queries until one round of RFT has repaid itself (interval from that of its gold reward)",
    COMMAND,
)
def break_even_queries():
    from ...models import load_policy, load_reward_model
    from ...worlds import load_world

    policy, reward = (
        load_policy(assets.path("helpdesk/policy")),
        load_reward_model(assets.path("helpdesk/reward-8000")),
    )
    prompts, _ = load_world("helpdesk").prompts("train", limit=100, seed=7)
    question = sum(map(len, policy.encode(prompts))) / len(prompts)
    frontier = results.load("frontier")
    gold = frontier["methods"]["RFT, one round"]["shown"]["gold"]
    # more gold is worth more candidates, so the upper end of gold gives the lower end of the
    # queries
    mean, low, high = (
        repaid_after(
            gold[k],
            frontier,
            question,
            flops_per_token(policy.model),
            flops_per_token(reward.model),
        )
        for k in ("mean", "high", "low")
    )
    return Interval(mean, low, high, gold["level"], gold["n"]), math.isfinite(high)
