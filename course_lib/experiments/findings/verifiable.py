"""Findings of lesson 06: distinct paths, breadth, and groups that are all wrong.

From the stored benchmarks.
"""

import numpy as np
from numpy.typing import ArrayLike

from ... import results
from ...base import require
from ...estimators import Interval
from .registry import Measured, finding, interval_of

ARMS = "python benchmarks/verifiable.py"
PASSK = "python benchmarks/passk.py"
PATHS = "python benchmarks/distinct.py"


def distinct_among(counts: ArrayLike, m: int) -> float:
    """Expected number of different paths among ``m`` right replies of one problem.

    The m are drawn without replacement from those there are. ``counts``: how many right replies
    each path of the problem has. Path i is missed with probability C(R − cᵢ, m)/C(R, m), R all
    right replies: the estimator of pass@k, once for each path. It compares breadth at an equal
    number of right replies, where the plain count of paths would rise with the number of right
    replies alone. NaN when there are fewer than ``m``.
    """
    counts = np.asarray(counts, dtype=int)
    right = int(counts.sum())
    require(m >= 1, f"m must be at least 1; got {m}.")
    if right < m:
        return float("nan")
    missed = np.ones(len(counts))
    for step in range(m):  # C(R−c, m)/C(R, m) = Π (R−c−s)/(R−s)
        missed *= np.maximum(right - counts - step, 0) / (right - step)
    return float((1 - missed).sum())


# ---- what was measured -------------------------------------------------------------------------


@finding(
    number=11,
    lesson="06",
    claim="Distinct right paths drive the gain of RFT with a verifier.",
    measures=(
        "pass@16: RFT on distinct paths less RFT on as many right replies of the same problems, k "
        "= 64, three seeds"
    ),
    command=PATHS,
)
def distinct_or_duplicates() -> Measured:
    gaps = results.load("distinct")["differences"]
    gap = {name: interval_of(value) for name, value in gaps.items()}
    same_16 = gap["pass@16: distinct - same problems"]
    same_1 = gap["pass@1: distinct - same problems"]
    all_16 = gap["pass@16: distinct - duplicates"]
    all_1 = gap["pass@1: distinct - duplicates"]
    note = (
        f"pass@1: {same_1:+.3f}. Less as many right replies drawn from all problems: pass@16 "
        f"{all_16:+.3f}, pass@1 {all_1:+.3f}"
    )
    return Measured(same_16, same_16.low > 0, note)


ENTROPY = "entropy, nats a token"
TEXTS = "distinct texts, share"


@finding(
    number=12,
    lesson="06",
    claim="Online training on a verifier (GRPO) raises pass@1 while pass@32 and diversity fall.",
    measures="pass@32: GRPO less the policy it started from",
    command=PASSK,
)
def breadth_lost() -> Measured:
    minus_start = results.load("passk")["minus_start"]

    def changes(method: str) -> dict[str, Interval]:
        return {what: interval_of(value) for what, value in minus_start[method].items()}

    grpo, raft, rft = changes("GRPO"), changes("RAFT"), changes("RFT")
    accuracy_rises = grpo["pass@1"].low > 0
    breadth_falls = grpo["pass@32"].high < 0
    diversity_falls = grpo[ENTROPY].high < 0 and grpo[TEXTS].high < 0
    note = (
        f"pass@1: {grpo['pass@1']:+.3f}; share of different texts: "
        f"{grpo[TEXTS]:+.2f}. RAFT: pass@32 {raft['pass@32']:+.3f}, "
        f"but pass@1 {raft['pass@1']:+.3f}. RFT on distinct paths with the SFT data shows "
        f"no loss: pass@1 {rft['pass@1']:+.3f}, pass@32 {rft['pass@32']:+.3f}"
    )
    return Measured(grpo["pass@32"], accuracy_rises and breadth_falls and diversity_falls, note)


@finding(
    number=14,
    lesson="06",
    claim=(
        "Much of GRPO's advantage over a plain policy gradient is leaving out prompts whose "
        "samples are all wrong."
    ),
    measures="pass@1: REINFORCE without all-wrong groups less REINFORCE, 20 steps, three seeds",
    command=ARMS,
)
def all_wrong_groups() -> Measured:
    gaps = results.load("verifiable")["online_differences"]
    left_out = interval_of(gaps["pass@1: REINFORCE without all-wrong groups - REINFORCE"])
    beyond = interval_of(gaps["pass@1: GRPO - REINFORCE without all-wrong groups"])
    over_raft = interval_of(gaps["pass@1: GRPO - RAFT"])

    if beyond.excludes_zero:
        note = f"But GRPO less REINFORCE without them: {beyond:+.3f}"
    else:
        note = (
            f"What GRPO has beyond that is not told apart from zero: {beyond:+.3f}. Over RAFT, "
            f"which leaves such groups out by itself, it has no edge: {over_raft:+.3f}"
        )
    return Measured(left_out, left_out.low > 0 and not beyond.excludes_zero, note)
