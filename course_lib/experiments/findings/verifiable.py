"""Findings of lesson 06: the usual mistake, distinct paths, breadth, and what to train on.

From the stored pool and the stored benchmarks.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from ... import assets, results
from ...base import require
from ...estimators import best_of_n_curve, paired_difference, weighted_majority
from ...pools import Pool
from ...worlds import Arithmetic, equation_holds, equations
from .registry import PROBLEM_SEEDS, PROBLEMS, Measured, finding, interval_of

ARMS = "python benchmarks/verifiable.py"
PASSK = "python benchmarks/passk.py"


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


def arithmetic_pool() -> Pool:
    """200 held-out problems × 64 replies of the bundled policy, verified."""
    return Pool.load(assets.path("arithmetic/pools/heldout.npz"))


def verdicts_of(pool: Pool) -> list[list[dict[str, Any]]]:
    """The verifier's verdict on each reply."""
    world = Arithmetic()
    return [
        [world.verify("", text, about) for text in texts]
        for texts, about in zip(pool.texts, pool.info, strict=True)
    ]


def votes_right(
    verdicts: Sequence[Sequence[dict[str, Any]]], weights: ArrayLike | None = None
) -> np.ndarray:
    """(P,) 1 where the (weighted) majority's answer is right, else 0."""
    right = []
    for i, row in enumerate(verdicts):
        answers = [verdict["answer"] for verdict in row]
        given = np.ones(len(row)) if weights is None else np.asarray(weights)[i]
        winner = weighted_majority(answers, given.tolist())
        at = answers.index(winner) if winner is not None else 0
        right.append(winner is not None and row[at]["status"] == "correct")
    return np.array(right, dtype=float)


VOTERS = 16


@finding(
    number="6.1",
    claim="A majority vote agrees on the usual mistake; only a verifier finds the minority's path.",
    measures="share of problems: solved by the best of 16 by the verifier minus by their majority",
    population=PROBLEMS,
)
def majority_agrees() -> Measured:
    pool = arithmetic_pool().first(VOTERS)
    verdicts = verdicts_of(pool)
    certain = torch.softmax(pool.reward("self-certainty") * VOTERS, 1)
    plain = votes_right(verdicts)
    weighted = votes_right(verdicts, certain)
    solved = pool.reward("verifier").amax(1).double().numpy()
    one = pool.reward("verifier").double().mean(1).numpy()
    gap = paired_difference(solved, plain)
    note = (
        f"One reply {one.mean():.2f}, majority of {VOTERS} {plain.mean():.2f}, weighted by "
        f"self-certainty {weighted.mean():.2f}, best by the verifier {solved.mean():.2f}"
    )
    return Measured(gap, gap.low > 0.25 and plain.mean() < 0.35, note)


@finding(
    number="6.2",
    claim="Checking every step does not find a misreading: its steps are true.",
    measures="share right: best of 16 by the share of true steps minus one reply",
    population=PROBLEMS,
)
def steps_do_not_tell() -> Measured:
    pool = arithmetic_pool()
    shares = np.array([[share_true(text) for text in texts] for texts in pool.texts])
    right = pool.reward("verifier")
    curve = best_of_n_curve(shares, right, [1, VOTERS])  # (P, 2)
    whole = best_of_n_curve(right, right, [VOTERS])[:, 0]
    gain = paired_difference(curve[:, 1], curve[:, 0])
    wrong = right.numpy() == 0
    note = (
        f"Of the wrong replies {(shares[wrong] == 1).mean():.0%} have true steps only; best of "
        f"{VOTERS} by the verifier minus one reply: {(whole - curve[:, 0]).mean():+.2f}"
    )
    return Measured(gain, gain.high < 0.5 * (whole - curve[:, 0]).mean(), note)


def share_true(text: str) -> float:
    """The share of a reply's steps that are exactly true; 0 without a step."""
    steps = equations(text)
    true = [bool(equation_holds(step, tolerance=0)) for step in steps]
    return float(np.mean(true)) if true else 0.0


@finding(
    number="6.3",
    claim=(
        "RFT on right replies moves what the policy usually writes; no temperature of the start "
        "does."
    ),
    measures="pass@1: RFT on distinct right paths minus the start, each at its best temperature",
    command=ARMS,
    population=PROBLEM_SEEDS,
)
def verified_beats_the_dial() -> Measured:
    found = results.load("verifiable")
    gaps = {name: interval_of(value) for name, value in found["differences"].items()}
    gain = gaps["heldout at best T, pass@1: distinct - start"]
    control = gaps["heldout at best T, pass@1: control - start"]
    breadth = gaps["heldout, pass@16: distinct - start"]
    other = gaps["templates at best T, pass@1: distinct - start"]
    note = (
        f"Its unverified control: {control:+.3f}. pass@16 at T = 1: {breadth:+.3f}. Wordings never "
        f"trained on: {other:+.3f}"
    )
    holds = gain.low > 0.15 and control.high < gain.low and breadth.low > -0.05
    return Measured(gain, holds, note, len(found["size"]["seeds"]))


@finding(
    number="6.4",
    claim="Distinct right paths drive the gain of RFT with a verifier.",
    measures=(
        "pass@16 at T = 1: RFT on distinct paths minus RFT on as many right replies of the same "
        "problems, k = 16"
    ),
    command=ARMS,
    population=PROBLEM_SEEDS,
)
def distinct_or_duplicates() -> Measured:
    found = results.load("verifiable")
    gap = {name: interval_of(value) for name, value in found["differences"].items()}
    same_16 = gap["heldout, pass@16: distinct - same problems"]
    same_1 = gap["heldout at best T, pass@1: distinct - same problems"]
    all_16 = gap["heldout, pass@16: distinct - duplicates"]
    all_1 = gap["heldout at best T, pass@1: distinct - duplicates"]
    note = (
        f"pass@1, each at its best temperature: {same_1:+.3f}. Minus as many right replies drawn "
        f"from all problems: pass@16 {all_16:+.3f}, pass@1 {all_1:+.3f}"
    )
    return Measured(same_16, same_16.low > 0, note, len(found["size"]["seeds"]))


ENTROPY = "entropy, nats a token"
TEXTS = "distinct texts, share"


def changes_of(found: Mapping[str, Any], method: str, at: str = "minus_start") -> dict:
    """Of a method: what is measured → :class:`Interval` of its difference from the start."""
    return {what: interval_of(value) for what, value in found[at][method].items()}


@finding(
    number="6.5",
    claim="A colder start sharpens and loses breadth; training on verdicts learns and keeps it.",
    measures="pass@32 at T = 1: GRPO minus the start at T = 0.2",
    command=PASSK,
    population=PROBLEM_SEEDS,
)
def sharpening_or_learning() -> Measured:
    found = results.load("passk")
    cold = {what: interval_of(v) for what, v in found["cold_start_minus_start"]["0.2"].items()}
    wide = f"pass@{found['ks'][-1]}"
    grpo, rft, raft = (changes_of(found, name) for name in ("GRPO", "RFT", "RAFT"))
    gap = interval_of(found["minus_cold_start"]["0.2"]["GRPO"][wide])  # paired over problems
    note = (
        f"Start at 0.2: pass@1 {cold['pass@1']:+.3f}, {wide} {cold[wide]:+.3f}. GRPO: pass@1 "
        f"{grpo['pass@1']:+.3f}, {wide} {grpo[wide]:+.3f}; RAFT {raft['pass@1']:+.3f}, "
        f"{raft[wide]:+.3f}; RFT {rft['pass@1']:+.3f}, {rft[wide]:+.3f}"
    )
    # learning: above the start where both are served at their best temperatures
    best = [changes_of(found, name, "minus_start_at_best")["pass@1"] for name in ("GRPO", "RFT")]
    note += f". Each at its best temperature, pass@1: GRPO {best[0]:+.3f}, RFT {best[1]:+.3f}"
    holds = cold[wide].high < 0 and min(one.low for one in best) > 0 and gap.low > 0
    return Measured(gap, holds, note, len(found["seeds"]))


@finding(
    number="6.6",
    claim=(
        "Much of GRPO's advantage over a plain policy gradient is leaving out prompts whose "
        "samples are all wrong."
    ),
    measures="pass@1 at T = 1: REINFORCE without all-wrong groups minus REINFORCE",
    command=PASSK,
    population=PROBLEM_SEEDS,
)
def all_wrong_groups() -> Measured:
    found = results.load("passk")
    gaps = {name: interval_of(rows["pass@1"]) for name, rows in found["differences"].items()}
    left_out = gaps["REINFORCE without all-wrong groups - REINFORCE"]
    beyond = gaps["GRPO - REINFORCE without all-wrong groups"]
    both = gaps["Reinforce-Rej - REINFORCE without all-wrong groups"]
    note = (
        f"GRPO minus REINFORCE without them: {beyond:+.3f}; leaving out all-right groups too "
        f"(Reinforce-Rej): {both:+.3f}"
    )
    holds = left_out.low > 0 and beyond.mean < left_out.mean
    return Measured(left_out, holds, note, len(found["seeds"]))


@finding(
    number="6.7",
    claim="Training on problems that are sometimes solved is worth its filter.",
    measures="pass@1 at T = 1: GRPO on decidable problems minus GRPO, at equal sampled replies",
    command=PASSK,
    population=PROBLEM_SEEDS,
)
def difficulty_filter() -> Measured:
    found = results.load("passk")
    row = found["differences"]["GRPO on decidable problems - GRPO"]
    gap = interval_of(row["pass@1"])
    std = interval_of(found["differences"]["GRPO without std - GRPO"]["pass@1"])
    note = f"By seed {row['pass@1']['by_seed']}. GRPO without its division by std: {std:+.3f}"
    return Measured(gap, gap.low > 0, note, len(found["seeds"]))
