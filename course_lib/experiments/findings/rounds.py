"""Findings of lesson 05, from the stored rounds of fine-tuning and the stored pool."""

import numpy as np

from ... import results
from ...estimators import Interval, best_of_n_curve
from ...pools import random_overall, top_k_overall
from .best_of_n import difference, stored
from .registry import DESK_SEEDS, Measured, finding, interval_of

COMMAND = "python benchmarks/rounds.py"
# candidates the rules may choose from; the others of the stored pool say how easy a prompt is
CHOSEN_FROM = 16


@finding(
    number="5.1",
    claim="Fine-tuning on one's own best replies beats the same training on random ones.",
    measures="gold points after one round, both at T = 1: best per prompt minus its random control",
    command=COMMAND,
    population=DESK_SEEDS,
)
def beats_its_control() -> Measured:
    one_round = results.load("rounds")["one_round"]
    gain = interval_of(one_round["rft minus control"])
    seeds = [interval_of(seed) for seed in one_round["by_seed"]]
    control = interval_of(one_round["control minus base"])

    holds = gain.low > 0 and all(seed.low > 0 for seed in seeds)
    note = f"Holds on each of {len(seeds)} seeds; the control minus the base policy: {control:+.2f}"
    return Measured(gain, holds, note, len(seeds))


@finding(
    number="5.2",
    claim="Fine-tuning on one's own best replies beats every temperature of the base policy.",
    measures="gold points after one round: RFT minus the base, each at its best temperature",
    command="python benchmarks/frontier.py",
    population=DESK_SEEDS,
)
def beats_the_dial() -> Measured:
    method = results.load("frontier")["methods"]["RFT"]
    gain = interval_of(method["over_base"])
    at_1 = interval_of(method["over_base_at_1"])
    one_round = results.load("rounds")["one_round"]["at best temperatures"]
    control = interval_of(one_round["control minus base"])
    note = (
        f"At T = 1: {at_1:+.2f}. The random control of the benchmark of rounds, minus its base, "
        f"each at its best: {control:+.2f}"
    )
    holds = gain.low > 1 and abs(control.mean) < gain.mean / 5
    return Measured(gain, holds, note, len(method["seeds"]))


@finding(
    number="5.3",
    claim=(
        "RFT distils best-of-n: at the temperature of its samples it comes nearer to best-of-n and "
        "does not pass it."
    ),
    measures="gold points at T = 1: RFT on the best of 16 minus best-of-16",
    command="python benchmarks/distilled.py",
    population=DESK_SEEDS,
)
def distils() -> Measured:
    found = results.load("distilled")
    gap = interval_of(found["minus_best_of_n"])
    trained = [row for row in found["rows"] if row["epochs"]]
    falls = [interval_of(row["fall"]) for row in trained]
    kl = ", ".join(f"{row['forward_kl']['mean']:.2f}" for row in found["rows"])
    epochs = ", ".join(f"{row['epochs']:g}" for row in found["rows"])
    never_above = all(row["gold"]["mean"] <= found["best_of_n"]["mean"] for row in trained)
    note = f"KL(π₁₆ ‖ π_θ) after {epochs} epochs: {kl} nats"
    holds = gap.high < 0 and never_above and falls[-2].high < 0
    return Measured(gap, holds, note, len(found["seeds"]))


@finding(
    number="5.4",
    claim="Served colder, one reply of the fine-tuned policy passes best-of-n.",
    measures=(
        "gold points: one reply of RFT minus the best of as many as were best, each at its best "
        "temperature"
    ),
    command="python benchmarks/frontier.py",
    population=DESK_SEEDS,
)
def colder_passes() -> Measured:
    frontier = results.load("frontier")
    gap = interval_of(frontier["rft_minus"]["best-of-N"])
    at_1 = interval_of(frontier["rft_minus_at_1"]["best-of-N"])
    best = frontier["methods"]["best-of-N"]
    distilled = results.load("distilled")
    sixteen = interval_of(distilled["minus_best_of_n_at_best"])
    note = (
        f"Best-of-{best['best']['N']} at T = {best['shown']['temperature']:g}; both at T = 1: "
        f"{at_1:+.2f}. Minus best-of-16 at T = 1, in the benchmark of distillation: {sixteen:+.2f}"
    )
    holds = gap.low > 0 and sixteen.low > 0
    return Measured(gap, holds, note, len(frontier["methods"]["RFT"]["seeds"]))


@finding(
    number="5.5",
    claim=(
        "Rounds on a frozen reward model end in hacking it; pooling all rounds or refreshing the "
        "reward model helps."
    ),
    measures=(
        "gold points, frozen reward model and last round's data only: last round minus first round"
    ),
    command=COMMAND,
    population=DESK_SEEDS,
)
def frozen_is_hacked() -> Measured:
    rounds = results.load("rounds")
    since_first = rounds["last_minus_round"]["last round only"][0]
    gold = interval_of(since_first["gold"])
    proxy = interval_of(since_first["proxy"])

    last = rounds["last_round"]
    pooled = interval_of(last["all rounds pooled minus last round only"]["gold"])
    refreshed = interval_of(last["pooled, reward model refreshed minus last round only"]["gold"])
    cold = interval_of(since_first["at_best"])

    holds = gold.high < 0 < proxy.low and pooled.low > 0 and refreshed.low > 0
    note = (
        f"The proxy rises by {proxy}; at the last round pooling is better by {pooled}, "
        f"pooling and refreshing is better by {refreshed}. Each at its best temperature, last "
        f"minus first: {cold:+.2f}"
    )
    return Measured(gold, holds, note, len(rounds["seeds"]))


# ---- what top k overall keeps ------------------------------------------------------------------


def kept_easiness(
    by: str, judge: str, n: int = 1, controls: int = 20, resamples: int = 2000, seed: int = 0
) -> Interval:
    """How easy the prompts are that top k overall by ``by`` keeps from, against its control.

    An :class:`Interval` over prompts: the easiness of the prompts kept from, minus the same for the
    random control. A prompt is as easy as ``judge``'s mean score of its other candidates, those the
    rules could not choose; with ``n`` above 1, as the best of n of them by ``by``. Each side is
    Σ(kept · easiness) / Σ kept, computed anew in each resample: with plain means of the products, a
    constant added to all rewards would change the interval. The control's kept counts are averaged
    over ``controls`` seeds.
    """
    pool = stored()
    selecting = pool.reward(by)[:, CHOSEN_FROM:]
    judging = pool.reward(judge)[:, CHOSEN_FROM:]
    easy = best_of_n_curve(selecting, judging, [n])[:, 0]  # (P,)
    top, control = kept_counts(by, controls)  # (P,) each

    def difference(rows: np.ndarray) -> np.ndarray:
        return ratio(top[rows], easy[rows]) - ratio(control[rows], easy[rows])

    rng = np.random.default_rng(seed)
    draws = difference(rng.integers(pool.P, size=(resamples, pool.P)))  # (resamples,)
    low, high = np.quantile(draws, [0.025, 0.975])
    estimate = difference(np.arange(pool.P))
    return Interval(float(estimate), float(low), float(high), 0.95, pool.P)


def ratio(kept: np.ndarray, easy: np.ndarray) -> np.ndarray:
    """Σ(kept · easy) / Σ kept over the last axis."""
    return (kept * easy).sum(-1) / kept.sum(-1)


def kept_counts(by: str, controls: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """How many replies of each prompt top k overall keeps, and its random control: two (P,) arrays.

    The control's is the average over ``controls`` seeds.
    """
    choices = stored().first(CHOSEN_FROM)
    counts = [random_overall(choices, seed=seed).per_prompt.numpy() for seed in range(controls)]
    return top_k_overall(choices, by=by).per_prompt.numpy(), np.mean(counts, axis=0)


@finding(
    number="5.6",
    claim=(
        "Top-k overall leaves most prompts out and takes those where the reward model gives its "
        "highest scores; by gold these are not easy."
    ),
    measures=(
        "share of prompts with nothing kept: top k overall by reward-2000 minus its random control"
    ),
)
def leaves_prompts_out() -> Measured:
    choices = stored().first(CHOSEN_FROM)
    empty = (kept_counts("reward-2000")[0] == 0).astype(float)  # (P,)
    empty_by_chance = np.mean(
        [random_overall(choices, seed=seed).per_prompt.numpy() == 0 for seed in range(20)], axis=0
    )
    value = difference(empty, empty_by_chance, choices)

    mean = kept_easiness("reward-2000", "reward-2000")
    highest = kept_easiness("reward-2000", "reward-2000", n=16)
    gold = kept_easiness("reward-2000", "gold")

    most_left_out = value.low > 0 and empty.mean() > 0.5
    high_but_not_easy = highest.low > 0 and highest.mean > mean.mean and gold.low <= 0
    note = (
        f"{int(empty.sum())} of {len(empty)} prompts keep nothing. Other candidates of the "
        f"prompts kept from, minus the control: best of 16 {highest:+.2f}, mean "
        f"{mean:+.2f}, mean gold {gold:+.2f}"
    )
    return Measured(value, most_left_out and high_but_not_easy, note)
