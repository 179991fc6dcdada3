"""What serving costs, and when fine-tuning has paid for itself."""

import math
from itertools import pairwise

from ..base import require


def serving_flops(policy_flops, prompt_tokens, reply_tokens, n=1, reward_flops=0.0):
    """FLOPs of answering one query: the prompt is read once, ``n`` replies are written and, with a
    reward model, read by it.

    ``policy_flops`` and ``reward_flops`` are :func:`flops_per_token` of the two; tokens are means
    per prompt and per reply.
    """
    require(n >= 1, f"n must be 1 or more; got {n}.")
    return policy_flops * (prompt_tokens + n * reply_tokens) + (
        n * reward_flops * (prompt_tokens + reply_tokens) if n > 1 else 0.0
    )


def break_even(once, before, after):
    """After how many served queries ``once``, the cost of fine-tuning, has been repaid by serving
    at ``after`` a query instead of ``before``.

    Any unit (tokens, FLOPs, seconds, money), the same for all three. Infinite when serving did not
    get cheaper.
    """
    require(
        once >= 0 and before >= 0 and after >= 0,
        f"costs cannot be negative; got {once}, {before} and {after}.",
    )
    return (
        0.0
        if once == 0 and before >= after
        else math.inf
        if before <= after
        else once / (before - after)
    )


def equal_quality_n(ns, quality, target):
    """The n at which best-of-n reaches ``target``, by straight lines in log n through (``ns``,
    ``quality``); infinite when it never does.

    ``ns`` ascending, ``quality`` the gold reward at each. Best-of-n is only a fair rival of a
    fine-tuned policy at the n that is as good.
    """
    require(
        len(ns) == len(quality) and len(ns) >= 1,
        f"give one quality for each n; got {len(ns)} and {len(quality)}.",
    )
    require(all(a < b for a, b in pairwise(ns)), "ns must be ascending.")
    if quality[0] >= target:
        return float(ns[0])
    for (a, low), (b, high) in pairwise(zip(ns, quality, strict=True)):
        if low < target <= high:
            return float(
                math.exp(math.log(a) + (math.log(b) - math.log(a)) * (target - low) / (high - low))
            )
    return math.inf
