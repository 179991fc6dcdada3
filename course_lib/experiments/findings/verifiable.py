"""Findings of lesson 06, from the stored benchmarks.

Distinct paths, breadth, and groups that are all wrong.
"""

import numpy as np

from ... import results
from ...base import require
from ...estimators import Interval
from .registry import finding


def distinct_among(counts, m):
    """Expected number of different paths among ``m`` right replies, drawn without replacement from
    those there are.

    ``counts``: how many right replies each path of one problem has. Path i is missed with
    probability C(R − cᵢ, m)/C(R, m), R all right replies: the estimator of pass@k, once for each
    path. It compares breadth at an equal number of right replies, where the plain count of paths
    would rise with the number of right replies alone. NaN when there are fewer than ``m``.
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

ARMS, PASSK, PATHS = (
    "python benchmarks/verifiable.py",
    "python benchmarks/passk.py",
    "python benchmarks/distinct.py",
)


def _interval(stored):
    return Interval(*(stored[name] for name in ("mean", "low", "high", "level", "n")))


@finding(
    11,
    "06",
    "Distinct right paths drive the gain of RFT with a verifier.",
    "pass@16: RFT on distinct paths less RFT on as many right replies of the same problems, k "
    "= 64, three seeds",
    PATHS,
)
def distinct_or_duplicates():
    gaps = {name: _interval(gap) for name, gap in results.load("distinct")["differences"].items()}
    wide, one = (gaps[f"pass@{k}: distinct - same problems"] for k in (16, 1))
    return (
        wide,
        wide.low > 0,
        (
            f"pass@1: {one:+.3f}. Less as many right replies drawn from all problems: pass@16 "
            f"{gaps['pass@16: distinct - duplicates']:+.3f}, "
            f"pass@1 {gaps['pass@1: distinct - duplicates']:+.3f}"
        ),
    )


VARIETY = ("entropy, nats a token", "distinct texts, share")


@finding(
    12,
    "06",
    "Online training on a verifier (GRPO) raises pass@1 while pass@32 and diversity fall.",
    "pass@32: GRPO less the policy it started from",
    PASSK,
)
def breadth_lost():
    less = {
        name: {what: _interval(value) for what, value in row.items()}
        for name, row in results.load("passk")["minus_start"].items()
    }
    grpo, raft, rft = less["GRPO"], less["RAFT"], less["RFT"]
    holds = (
        grpo["pass@1"].low > 0
        and grpo["pass@32"].high < 0
        and all(grpo[what].high < 0 for what in VARIETY)
    )
    return (
        grpo["pass@32"],
        holds,
        (
            f"pass@1: {grpo['pass@1']:+.3f}; share of different texts: "
            f"{grpo[VARIETY[1]]:+.2f}. RAFT: pass@32 {raft['pass@32']:+.3f}, "
            f"but pass@1 {raft['pass@1']:+.3f}. RFT on distinct paths with the SFT data shows "
            f"no loss: pass@1 {rft['pass@1']:+.3f}, pass@32 {rft['pass@32']:+.3f}"
        ),
    )


@finding(
    14,
    "06",
    "Much of GRPO's advantage over a plain policy gradient is leaving out prompts whose "
    "samples are all wrong.",
    "pass@1: REINFORCE without all-wrong groups less REINFORCE, 20 steps, three seeds",
    ARMS,
)
def all_wrong_groups():
    gaps = {
        name: _interval(gap)
        for name, gap in results.load("verifiable")["online_differences"].items()
    }
    left_out, beyond = (
        gaps[f"pass@1: {name}"]
        for name in (
            "REINFORCE without all-wrong groups - REINFORCE",
            "GRPO - REINFORCE without all-wrong groups",
        )
    )
    return (
        left_out,
        left_out.low > 0 and not beyond.excludes_zero,
        (
            f"What GRPO has beyond that is not told apart from zero: {beyond:+.3f}. Over RAFT, "
            "which leaves such groups out by itself, it has no edge: "
            f"{gaps['pass@1: GRPO - RAFT']:+.3f}"
            if not beyond.excludes_zero
            else f"But GRPO less REINFORCE without them: {beyond:+.3f}"
        ),
    )
