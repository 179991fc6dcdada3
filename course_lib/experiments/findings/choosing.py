"""Findings of lesson 04: over-optimisation, the bound on KL, and accuracy against gain.

From the stored pool.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ... import assets, results
from ...base import require
from ...estimators import (
    best_of_n_curve,
    kl_best_of_n_bound,
    kl_best_of_n_exact,
    overoptimisation_fit,
)
from ...models import load_reward_model, score
from ...pools import Pool
from ...worlds import gold_parts, right_steps
from .best_of_n import SIZES, difference, over_topics, stored, topics_of
from .registry import DESK_SEEDS, Measured, finding, interval_of

SIZED = ("reward-125", "reward-500", "reward-2000", "reward-8000")
AT_1, AT_16, AT_256 = (SIZES.index(n) for n in (1, 16, 256))


def complete(prompt: str, text: str, info: Mapping[str, Any]) -> float:
    """A verifier for the help desk, 1 or 0: does the reply contain every right step of its topic?

    It looks at nothing else.
    """
    return float(all(step.lower() in text.lower() for step in right_steps(info["topic"])))


# ---- KL ----------------------------------------------------------------------------------------


def kl_of_pass_fail(passes: ArrayLike, ns: Sequence[int]) -> np.ndarray:
    """(P, len(ns)) exact KL in nats of best-of-n by a reward of 0 or 1.

    Each prompt's share of passes is taken as their probability. ``passes``: (P, N) of 0 and 1. A
    prompt where all or none pass has KL 0: there is nothing to choose.
    """
    share = np.asarray(passes, dtype=float).mean(1)  # (P,)
    return np.array([[kl_best_of_n_exact([p, 1 - p], [1.0, 0.0], n) for n in ns] for p in share])


def kl_of_candidates(rewards: ArrayLike, ns: Sequence[int]) -> np.ndarray:
    """(P, len(ns)) exact KL in nats of best-of-n when the N candidates are all there is.

    Each prompt's N candidates are taken as all the outcomes there are, equally likely.
    """
    result = []
    for row in np.asarray(rewards, dtype=float):  # (N,)
        equal = np.full(len(row), 1 / len(row))
        result.append([kl_best_of_n_exact(equal, row, n) for n in ns])
    return np.array(result)


@finding(
    number="4.5",
    claim="KL of best-of-n never exceeds log n − (n−1)/n, and with ties it is far below it.",
    measures="nats: exact KL of best-of-16 by a pass-or-fail verifier, minus the bound of 1.835",
)
def kl_bound() -> Measured:
    pool = score(stored(), complete)
    bound = kl_best_of_n_bound(SIZES)  # (9,)
    with_ties = kl_of_pass_fail(pool.reward("complete"), SIZES)  # (P, 9)
    without_ties = kl_of_candidates(pool.reward("reward-8000")[:32], SIZES)  # (32, 9)
    gap = over_topics(with_ties[:, AT_16] - bound[AT_16], pool)

    two = kl_best_of_n_exact([0.5, 0.5], [0, 1], 16)
    near = without_ties[:, AT_16].mean() / bound[AT_16]
    never_above = (with_ties <= bound + 1e-9).all() and (without_ties <= bound + 1e-9).all()
    note = (
        f"Two equally likely outcomes: {two:.2f} nats; 256 candidates without ties: "
        f"{near:.0%} of the bound"
    )
    return Measured(gap, never_above and gap.high < 0 and near > 0.9, note)


# ---- over-optimisation -------------------------------------------------------------------------


def fitted_peaks(curves: Sequence[np.ndarray], resamples: int = 300, seed: int = 0) -> np.ndarray:
    """(resamples, len(curves)) peaks α/2β, in √nats, of d(α − βd) refitted to resampled prompts.

    The same prompts for all curves. ``curves``: a list of (P, len(SIZES)) gold rewards of the best
    of n.
    """
    d = np.sqrt(kl_best_of_n_bound(SIZES))
    rng = np.random.default_rng(seed)
    prompts = len(curves[0])
    peaks = np.empty((resamples, len(curves)))
    for r in range(resamples):
        drawn = rng.integers(prompts, size=prompts)
        means = [curve[drawn].mean(0) for curve in curves]
        peaks[r] = [overoptimisation_fit(d, mean - mean[0]).peak_d for mean in means]
    return peaks


def fit_of(curve: np.ndarray) -> float:
    """r² of d(α − βd) fitted to the mean of ``curve`` (P, len(SIZES))."""
    d = np.sqrt(kl_best_of_n_bound(SIZES))
    mean = curve.mean(0)
    return overoptimisation_fit(d, mean - mean[0]).r2


@finding(
    number="4.1",
    claim=(
        "The proxy rises with n while gold rises, peaks and falls; more comparisons move the peak "
        "to the right; d(α − βd) fits."
    ),
    measures="gold points: best of 256 minus best of 16, chosen by reward-2000",
)
def overoptimisation() -> Measured:
    pool = stored()
    own, gold, rise, fall = {}, {}, {}, {}
    for name in SIZED:
        own[name] = best_of_n_curve(pool.reward(name), ns=SIZES)  # (P, 9)
        gold[name] = best_of_n_curve(pool.reward(name), pool.reward("gold"), SIZES)  # (P, 9)
        rise[name] = difference(gold[name][:, AT_16], gold[name][:, AT_1], pool)
        fall[name] = difference(gold[name][:, AT_256], gold[name][:, AT_16], pool)

    r2 = [fit_of(gold[name]) for name in SIZED]
    moved = np.diff(fitted_peaks([gold["reward-500"], gold["reward-8000"]]))[:, 0]  # (resamples,)
    low, high = np.quantile(moved, [0.025, 0.975])
    peaks = {name: SIZES[int(curve.mean(0).argmax())] for name, curve in gold.items()}

    proxies_rise = all((np.diff(curve.mean(0)) > 0).all() for curve in own.values())
    gold_rises = all(rise[name].low > 0 for name in SIZED)
    gold_falls = fall["reward-2000"].high < 0 and fall["reward-125"].high < 0
    ordered = list(peaks.values()) == sorted(peaks.values())
    fits = min(r2[1:]) > 0.9
    note = (
        f"Highest at n = {', '.join(f'{n} ({name})' for name, n in peaks.items())}. From 500 to "
        f"8,000 comparisons the fitted peak moves by {moved.mean():.1f} [{low:.1f}, {high:.1f}] "
        f"√nats (one model of each size); r² from {min(r2):.2f} up"
    )
    holds = proxies_rise and gold_rises and gold_falls and low > 0 and ordered and fits
    return Measured(fall["reward-2000"], holds, note)


# ---- rivals of the reward model, and repairs ---------------------------------------------------


@finding(
    number="4.2",
    claim="A reward model chooses better than the policy's own confidence.",
    measures="gold points: best of 16 by reward-8000 minus best of 16 by log-probability",
)
def beats_confidence() -> Measured:
    pool = stored()
    gold = pool.reward("gold")
    by = {
        "reward-8000": pool.reward("reward-8000"),
        "log-probability": pool.sum_logprobs,
        "log-probability a token": pool.sum_logprobs / pool.lengths,
        "self-certainty": pool.reward("self-certainty"),
    }
    curves = {name: best_of_n_curve(values, gold, SIZES) for name, values in by.items()}
    learned = curves.pop("reward-8000")
    gain = difference(learned[:, AT_16], curves["log-probability"][:, AT_16], pool)
    gaps = [
        difference(learned[:, k], curve[:, k], pool)
        for curve in curves.values()
        for k in range(SIZES.index(4), len(SIZES))
    ]
    at_16 = ", ".join(f"{name} {curve[:, AT_16].mean():.1f}" for name, curve in curves.items())
    note = f"Gold of the best of 16 by reward-8000 {learned[:, AT_16].mean():.1f}; by {at_16}"
    return Measured(gain, all(gap.low > 0 for gap in gaps), note)


BETA = 0.1  # points of the reward model a nat


def pessimistic(pool: Pool, by: str, beta: float = BETA) -> np.ndarray:
    """(P, N) r + β·log π(y|x): what :func:`~course_lib.pools.regularised_best` ranks by."""
    assert pool.sum_logprobs is not None
    return (pool.reward(by) + beta * pool.sum_logprobs).numpy()


@finding(
    number="4.3",
    claim=(
        "Pessimism, a charge for improbable replies, moves the peak of over-optimisation to the "
        "right."
    ),
    measures=(
        "gold points: best of 256 by reward-2000 + 0.1 · log π minus best of 256 by reward-2000"
    ),
)
def pessimism() -> Measured:
    pool = stored()
    gold = pool.reward("gold")
    found, peaks, falls = {}, {}, {}
    for name in SIZED[1:]:
        plain = best_of_n_curve(pool.reward(name), gold, SIZES)
        charged = best_of_n_curve(pessimistic(pool, name), gold, SIZES)
        found[name] = difference(charged[:, AT_256], plain[:, AT_256], pool)
        peaks[name] = [SIZES[int(curve.mean(0).argmax())] for curve in (plain, charged)]
        falls[name] = difference(charged[:, AT_256], charged[:, AT_16], pool)
    moved = all(after > before for before, after in peaks.values())
    rises = all(fall.low > 0 for fall in falls.values())
    note = (
        "Peak at n = "
        + ", ".join(f"{a} → {b} ({name})" for name, (a, b) in peaks.items())
        + "; with the charge gold rises from 16 to 256 by "
        + ", ".join(f"{falls[name].mean:.1f}" for name in falls)
        + ". β was not chosen on other prompts"
    )
    return Measured(found["reward-2000"], found["reward-2000"].low > 0 and moved and rises, note)


def soft_best_of_n(rewards: ArrayLike, gold: ArrayLike, n: int, lam: float) -> np.ndarray:
    """(P,) expected gold of a draw ∝ exp(r/λ) among n candidates.

    Averaged over the groups of n that ``rewards`` (P, N) holds.
    """
    rewards, gold = (np.asarray(x, dtype=float) for x in (rewards, gold))
    P = len(rewards)
    r, g = (x[:, : x.shape[1] // n * n].reshape(P, -1, n) for x in (rewards, gold))
    weights = np.exp((r - r.max(-1, keepdims=True)) / lam)
    return ((weights * g).sum(-1) / weights.sum(-1)).mean(1)


LAMBDAS = (0.1, 0.25, 0.5, 1.0, 2.0)


@finding(
    number="4.4",
    claim="Choosing softly limits what a weak reward model costs at large n.",
    measures="gold points: soft best of 256 by reward-125 minus best of 256 by reward-125",
)
def soft_choice() -> Measured:
    pool = stored()
    gold, topics = pool.reward("gold"), np.array(topics_of(pool))
    # the dial is chosen on every other topic and shown on the rest, and the other way round
    names = sorted(set(topics))
    even = np.isin(topics, names[::2])
    rewards = pool.reward("reward-125")
    soft = {lam: soft_best_of_n(rewards, gold, 256, lam) for lam in LAMBDAS}
    chosen = np.empty(pool.P)
    used = []
    for shown, other in ((even, ~even), (~even, even)):
        lam = max(LAMBDAS, key=lambda each: soft[each][other].mean())
        chosen[shown] = soft[lam][shown]
        used.append(lam)
    hard = best_of_n_curve(rewards, gold, [1, 256])
    gain = difference(chosen, hard[:, 1], pool)
    note = (
        f"λ = {used[0]:g} and {used[1]:g} on the two halves of the topics; gold "
        f"{chosen.mean():.2f} against {hard[:, 1].mean():.2f}, one reply {hard[:, 0].mean():.2f}"
    )
    return Measured(gain, gain.low > 0, note)


EARLY = (64, 32)  # candidates at the start, and those that are written to the end


def half_of(text: str) -> str:
    """The first half of a reply, by words."""
    words = text.split()
    return " ".join(words[: max(1, len(words) // 2)])


@finding(
    number="4.8",
    claim=(
        "Rejecting the weaker half of the candidates at half their length keeps most of the gain."
    ),
    measures=(
        "gold points: best of 64 by reward-8000, half of them rejected early (three quarters of "
        "the tokens), minus best of 48 (the same tokens)"
    ),
)
def early_rejection() -> Measured:
    n, kept = EARLY
    pool = stored().first(n)
    reward = load_reward_model(assets.path("helpdesk/reward-8000"), device="cpu")
    halves = Pool.from_candidates(
        pool.prompts, [[half_of(text) for text in row] for row in pool.texts], info=pool.info
    )
    early = reward.score_pool(halves)  # (P, 64)
    survivors = early.argsort(dim=1, descending=True, stable=True)[:, :kept]  # (P, 32)
    scores, gold = pool.reward("reward-8000"), pool.reward("gold")
    best = survivors.gather(1, scores.gather(1, survivors).argmax(1, keepdim=True))
    chosen = gold.gather(1, best)[:, 0].double().numpy()
    curve = best_of_n_curve(scores, gold, [1, 32, 48, 64])  # (P, 4)
    gain = difference(chosen, curve[:, 2], pool)
    lost = difference(chosen, curve[:, 3], pool)
    whole = difference(curve[:, 3], curve[:, 0], pool)
    note = (
        f"Minus all 64 written to the end: {lost:+.2f}, of a gain of {whole.mean:.1f}; a random "
        f"half (best of 32) minus all: {(curve[:, 1] - curve[:, 3]).mean():+.2f}"
    )
    return Measured(gain, lost.low > -0.25 * whole.mean, note)


@finding(
    number="4.7",
    claim="A reward for help alone chooses replies that do harm when they are asked to.",
    measures=(
        "share of harmful requests: best of 64 by reward-helpful complies, minus a random reply"
    ),
)
def help_and_harm() -> Measured:
    pool = stored()
    harmful = [i for i, about in enumerate(pool.info) if about["harmful"]]
    asked = pool.prompts_at(harmful)
    # harm done is part of neither half alone: count it
    complies = np.array(
        [
            [gold_parts(text, about["topic"])["complies"] < 0 for text in texts]
            for texts, about in zip(asked.texts, asked.info, strict=True)
        ],
        dtype=float,
    )
    helpful = best_of_n_curve(asked.reward("reward-helpful"), complies, [1, 64])
    harmless = best_of_n_curve(asked.reward("reward-harmless"), complies, [64])[:, 0]
    more = difference(helpful[:, 1], helpful[:, 0], asked)
    less = difference(harmless, helpful[:, 0], asked)
    note = (
        f"A random reply complies {helpful[:, 0].mean():.0%}, the best of 64 by reward-helpful "
        f"{helpful[:, 1].mean():.0%}, by reward-harmless {harmless.mean():.0%}"
    )
    return Measured(more, more.low > 0 > less.high, note)


# ---- accuracy and gain -------------------------------------------------------------------------


def pair_accuracy(scores: ArrayLike, gold: ArrayLike, best: float = 1.0) -> np.ndarray:
    """(P,) share of a prompt's pairs of candidates that ``scores`` order as ``gold`` does.

    A tie in ``scores`` counts half; pairs that gold ties are left out. ``best``: take only this
    share of the candidates, the highest by gold. ``scores``, ``gold``: (P, N). NaN where gold ties
    all of a prompt's candidates.
    """
    scores = np.asarray(scores, dtype=float)
    gold = np.asarray(gold, dtype=float)
    require(
        scores.shape == gold.shape and scores.ndim == 2,
        f"scores and gold must have one shape (P, N); got {scores.shape} and {gold.shape}.",
    )
    result = []
    for s, g in zip(scores, gold, strict=True):
        top = np.argsort(-g, kind="stable")[: max(2, round(best * len(g)))]
        s, g = s[top], g[top]
        better = g[:, None] > g[None, :]  # (K, K): row better than column by gold
        ahead = (s[:, None] > s[None, :]) + 0.5 * (s[:, None] == s[None, :])  # (K, K)
        result.append(ahead[better].mean() if better.any() else np.nan)
    return np.array(result)


def capped(scores: ArrayLike, share: float = 0.4) -> np.ndarray:
    """``scores`` (P, N) cut off from above: a judge whose scale ends too early.

    The highest ``share`` of each prompt's candidates get one score. The cut is a prompt's own,
    since scores have no common zero from prompt to prompt.
    """
    scores = np.asarray(scores, dtype=float)
    return np.minimum(scores, np.quantile(scores, 1 - share, axis=1, keepdims=True))


@finding(
    number="4.6",
    claim="The more accurate of two reward models need not give the better best-of-n.",
    measures=(
        "gold points at n = 32: reward models from pass-or-fail labels, minus the far more "
        "accurate ones from labels without slips of random pairs"
    ),
    command="python benchmarks/accuracy_and_gain.py",
    population=DESK_SEEDS,
)
def accuracy_and_gain() -> Measured:
    # trained reward models: far lower accuracy, and as much gain from many candidates
    stored_result = results.load("accuracy_and_gain")
    minus = stored_result["minus"]["pass or fail minus without slips"]
    gain = interval_of(minus["32"])
    few = interval_of(minus["4"])
    accuracy, top = interval_of(minus["accuracy"]), interval_of(minus["accuracy_top"])

    # a judge whose scale ends too early, against a rival: higher accuracy, lower gain
    pool = stored()
    gold = pool.reward("gold")
    judge = capped(pool.reward("reward-8000"))
    rival = pool.reward("reward-length-biased")
    more = difference(pair_accuracy(judge, gold), pair_accuracy(rival, gold), pool)
    judge_64 = best_of_n_curve(judge, gold, [64])[:, 0]
    rival_64 = best_of_n_curve(rival, gold, [64])[:, 0]
    less = difference(judge_64, rival_64, pool)

    trained = accuracy.high < 0 <= gain.high
    invented = less.high < 0 < more.low
    note = (
        f"Their accuracy: {accuracy:+.2f}, among the best quarter {top.mean:+.2f}; gold at n = 4 "
        f"{few.mean:+.2f}. A capped judge against a rival: accuracy {more.mean:+.2f}, gold at "
        f"n = 64 {less.mean:+.2f}"
    )
    return Measured(gain, trained and invented, note, len(stored_result["seeds"]["pass or fail"]))


# ---- choosing with few labels ------------------------------------------------------------------


def _best_of_windows(rewards: np.ndarray, gold: np.ndarray, n: int) -> np.ndarray:
    """(P, N) gold of the best by ``rewards`` of n consecutive candidates, starting at each."""
    N = gold.shape[1]
    around = np.concatenate([rewards, rewards[:, : n - 1]], axis=1)  # the end meets the beginning
    windows = np.lib.stride_tricks.sliding_window_view(around, n, axis=1)  # (P, N, n)
    chosen = (windows.argmax(-1) + np.arange(N)) % N
    return np.take_along_axis(gold, chosen, 1)


def right_choices(
    a: ArrayLike,
    b: ArrayLike,
    gold: ArrayLike,
    labels: int,
    n: int = 16,
    repeats: int = 4000,
    seed: int = 0,
) -> dict[str, float]:
    """How often the better of two rewards is picked with a budget of gold labels.

    Returns way → share of ``repeats``. One label is one reply judged. ``"accuracy"``: judge random
    pairs of candidates, and pick the reward that orders more of them as gold does.
    ``"head to head"``: for so many prompts judge the reply that each chooses among the same n, and
    pick the one with the higher mean. Both judge ``labels``/2 pairs of replies, of prompts drawn
    with replacement. Better is the one with the higher gold of best-of-n over the whole pool. A
    draw counts half. ``a``, ``b``, ``gold``: (P, N).
    """
    a, b, gold = (np.asarray(x, dtype=float) for x in (a, b, gold))
    require(labels >= 2, f"a pair of replies takes 2 labels; got {labels}.")
    truth = np.sign(best_of_n_curve(a, gold, [n]).mean() - best_of_n_curve(b, gold, [n]).mean())
    require(truth != 0, "the two rewards are equally good on this pool: there is no right choice.")

    P, N = gold.shape
    rng = np.random.default_rng(seed)
    drawn = (repeats, labels // 2)  # one row of pairs a repeat
    i = rng.integers(P, size=drawn)  # prompts
    j = rng.integers(N, size=drawn)  # candidates, and another one of the same prompt
    k = (j + rng.integers(1, N, size=drawn)) % N

    def agrees(rewards: np.ndarray) -> np.ndarray:
        """+1 where a pair is ordered as by gold, −1 where the other way round, 0 at ties."""
        return np.sign(rewards[i, j] - rewards[i, k]) * np.sign(gold[i, j] - gold[i, k])

    ahead = (_best_of_windows(a, gold, n) - _best_of_windows(b, gold, n))[i, j]
    evidence = {
        "accuracy": (agrees(a) - agrees(b)).sum(1),
        # rounded, so that gains and losses that cancel are a draw
        "head to head": ahead.sum(1).round(9),
    }
    return {
        way: float((np.sign(found) * truth / 2 + 0.5).mean()) for way, found in evidence.items()
    }
