"""What serving costs, and when fine-tuning has paid for itself."""

import math
from collections.abc import Sequence
from itertools import pairwise

from ..base import require


def serving_flops(
    policy_flops: float,
    prompt_tokens: float,
    reply_tokens: float,
    n: float = 1,
    reward_flops: float = 0.0,
) -> float:
    """FLOPs of answering one query with the best of ``n`` replies.

    The prompt is read once, ``n`` replies are written and, where there is a choice (n > 1), read by
    the reward model, each with its prompt. ``policy_flops`` and ``reward_flops`` are
    :func:`~course_lib.base.flops_per_token` of the two models; tokens are means per prompt and per
    reply.
    """
    require(n >= 1, f"n must be 1 or more; got {n}.")
    writing = policy_flops * (prompt_tokens + n * reply_tokens)
    judging = n * reward_flops * (prompt_tokens + reply_tokens) if n > 1 else 0.0
    return writing + judging


def break_even(once: float, before: float, after: float) -> float:
    """After how many served queries ``once``, the cost of fine-tuning, has been repaid.

    Repaid by serving at ``after`` a query instead of ``before``. Any unit (tokens, FLOPs, seconds,
    money), the same for all three. Infinite when serving did not get cheaper.
    """
    require(
        once >= 0 and before >= 0 and after >= 0,
        f"costs cannot be negative; got {once}, {before} and {after}.",
    )
    if once == 0 and before >= after:
        return 0.0
    if before <= after:
        return math.inf
    return once / (before - after)


def equal_quality_n(ns: Sequence[float], quality: Sequence[float], target: float) -> float:
    """The n at which best-of-n reaches ``target``; infinite when it never does.

    By straight lines in log n through (``ns``, ``quality``): ``ns`` ascending, ``quality`` the gold
    reward at each. Best-of-n is only a fair rival of a fine-tuned policy at the n that is as good.
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
            width = math.log(b) - math.log(a)
            return math.exp(math.log(a) + width * (target - low) / (high - low))
    return math.inf
