"""Findings of lesson 06, from the stored benchmarks: distinct paths, breadth, and groups that are all wrong."""

import numpy as np

from .. import results
from ..errors import require
from ..estimators import Interval
from . import finding


def distinct_among(counts, m):
    """Expected number of different paths among ``m`` right replies, drawn without replacement from those there are.

    ``counts``: how many right replies each path of one problem has. Path i is missed with probability C(R − cᵢ, m)/C(R, m), R all right
    replies: the estimator of pass@k, once for each path. It compares breadth at an equal number of right replies, where the plain count
    of paths would rise with the number of right replies alone. NaN when there are fewer than ``m``.
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


# ---- what was measured -------------------------------------------------------------------------------------------------------

ARMS, PASSK = "python benchmarks/verifiable.py", "python benchmarks/passk.py"


def _interval(stored):
    return Interval(*(stored[name] for name in ("mean", "low", "high", "level", "n")))


@finding(11, "06", "At k = 64 distinct right paths raise pass@16 more than as many duplicates do; pass@1 does not show it.",
         "pass@16: RFT on distinct paths less RFT on as many duplicates, k = 64", ARMS)
def distinct_or_duplicates():
    stored = results.load("verifiable")
    wide, one = (_interval(stored["differences"][f"pass@{k}: k = 64, distinct - duplicates"]) for k in (16, 1))
    seeds = _interval(stored["over_seeds"]["pass@16: k = 16, distinct - duplicates"])
    return wide, wide.low > 0 and not one.excludes_zero, (
        f"pass@1: {one:+.3f}. One training seed; at k = 16 over three seeds pass@16: {seeds:+.3f}. So the claim that distinct paths drive the gain in pass@1 is not borne out here")


VARIETY = ("entropy, nats a token", "distinct texts, share", "distinct paths among 4 right replies")


@finding(12, "06", "Online training on a verifier (GRPO) raises pass@1 while pass@32 and diversity fall.", "pass@32: GRPO less the policy it started from", PASSK)
def breadth_lost():
    less = {name: {what: _interval(value) for what, value in row.items()} for name, row in results.load("passk")["minus_start"].items()}
    grpo, raft, rft = less["GRPO"], less["RAFT"], less["RFT"]
    holds = grpo["pass@1"].low > 0 and grpo["pass@32"].high < 0 and all(grpo[what].high < 0 for what in VARIETY)
    return grpo["pass@32"], holds, (
        f"pass@1: {grpo['pass@1']:+.3f}; distinct paths among 4 right replies: {grpo[VARIETY[2]]:+.2f}. RAFT: pass@32 {raft['pass@32']:+.3f}, "
        f"but pass@1 {raft['pass@1']:+.3f}. RFT on distinct paths with the SFT data does not lose: pass@1 {rft['pass@1']:+.3f}, pass@32 {rft['pass@32']:+.3f}")


@finding(14, "06", "Leaving out prompts whose samples are all wrong explains much of GRPO's edge over RAFT.", "pass@1: GRPO less RAFT, 20 steps, three seeds", ARMS)
def all_wrong_groups():
    gaps = {name: _interval(gap) for name, gap in results.load("verifiable")["online_differences"].items()}
    edge, dropped = gaps["pass@1: GRPO - RAFT"], gaps["pass@1: GRPO without all-wrong groups - GRPO"]
    plain = gaps["pass@1: REINFORCE without all-wrong groups - REINFORCE"]
    return edge, edge.low > 0 and dropped.low > 0, (
        f"No edge to explain here; leaving them out changes GRPO by {dropped:+.3f} and REINFORCE, which has no baseline, by {plain:+.3f}")
