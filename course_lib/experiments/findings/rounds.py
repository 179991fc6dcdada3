"""Findings of lesson 05, from the stored rounds of fine-tuning and the stored pool."""

import numpy as np

from ... import results
from ...estimators import Interval, best_of_n_curve, paired_difference
from ...pools import random_overall, top_k_overall
from .best_of_n import stored
from .registry import finding

COMMAND = "python benchmarks/rounds.py"
# candidates the rules may choose from; the others of the stored pool say how easy a prompt is
CHOSEN_FROM = 16


def _interval(found):
    return Interval(**found)


@finding(
    8,
    "05",
    "Fine-tuning on one's own best replies beats the same training on random ones.",
    "gold points after one round: best per prompt less its random control",
    COMMAND,
)
def beats_its_control():
    one = results.load("rounds")["one_round"]
    seeds = [_interval(found) for found in one["by_seed"]]
    control = _interval(one["control less base"])
    return (
        _interval(one["rft less control"]),
        all(seed.low > 0 for seed in seeds),
        f"Holds on each of {len(seeds)} seeds; the control less the base policy: {control:+.2f}",
    )


@finding(
    9,
    "05",
    "Rounds on a frozen reward model end in hacking it; pooling all rounds or refreshing the "
    "reward model helps.",
    "gold points, frozen reward model and last round's data only: last round less first round",
    COMMAND,
)
def frozen_is_hacked():
    rounds = results.load("rounds")
    change = {
        name: _interval(rounds["last_less_round"]["last round only"][0][name])
        for name in ("gold", "proxy")
    }
    remedies = {
        name: _interval(rounds["last_round"][f"{arm} less last round only"]["gold"])
        for name, arm in (
            ("pooling", "all rounds pooled"),
            ("pooling and refreshing", "pooled, reward model refreshed"),
        )
    }
    note = f"The proxy rises by {change['proxy']}; at the last round " + ", ".join(
        f"{name} is better by {value}" for name, value in remedies.items()
    )
    return (
        change["gold"],
        change["gold"].high < 0 < change["proxy"].low
        and all(value.low > 0 for value in remedies.values()),
        note,
    )


def kept_easiness(by, judge, n=1, controls=20, resamples=2000, seed=0):
    """How easy the prompts are that top k overall by ``by`` keeps from, less the same for its
    random control: an :class:`Interval` over prompts.

    A prompt is as easy as ``judge``'s mean score of its other candidates, those the rules could not
    choose; with ``n`` above 1, as the best of n of them by ``by``. Each side is Σ(kept · easiness)
    / Σ kept, computed anew in each resample: with plain means of the products, a constant added to
    all rewards would change the interval. The control's kept counts are averaged over ``controls``
    seeds.
    """
    pool = stored()
    selecting, judging = (pool.reward(name)[:, CHOSEN_FROM:] for name in (by, judge))
    easy = best_of_n_curve(selecting, judging, [n])[:, 0]
    top, control = kept_counts(by, controls)

    def difference(rows):
        return ratio(top[rows], easy[rows]) - ratio(control[rows], easy[rows])

    draws = difference(np.random.default_rng(seed).integers(pool.P, size=(resamples, pool.P)))
    return Interval(
        float(difference(np.arange(pool.P))),
        *map(float, np.quantile(draws, [0.025, 0.975])),
        0.95,
        pool.P,
    )


def ratio(kept, easy):
    """Σ(kept · easy) / Σ kept over the last axis."""
    return (kept * easy).sum(-1) / kept.sum(-1)


def kept_counts(by, controls=20):
    """How many replies of each prompt top k overall keeps, and its random control on average over
    ``controls`` seeds: two (P,) arrays.
    """
    choices = stored().first(CHOSEN_FROM)
    control = np.mean(
        [random_overall(choices, seed=seed).per_prompt.numpy() for seed in range(controls)], axis=0
    )
    return top_k_overall(choices, by=by).per_prompt.numpy(), control


@finding(
    10,
    "05",
    "Top-k overall leaves most prompts out and takes those where the reward model gives its "
    "highest scores; by gold these are not easy.",
    "share of prompts with nothing kept: top k overall by reward-2000 less its random control",
)
def leaves_prompts_out():
    choices = stored().first(CHOSEN_FROM)
    empty = (kept_counts("reward-2000")[0] == 0).astype(float)
    control = np.mean(
        [random_overall(choices, seed=seed).per_prompt.numpy() == 0 for seed in range(20)], axis=0
    )
    value = paired_difference(empty, control)
    level, highest, gold = (
        kept_easiness("reward-2000", "reward-2000"),
        kept_easiness("reward-2000", "reward-2000", 16),
        kept_easiness("reward-2000", "gold"),
    )
    return (
        value,
        value.low > 0 and empty.mean() > 0.5 and highest.low > max(0, level.high) and gold.low <= 0,
        (
            f"{int(empty.sum())} of {len(empty)} prompts keep nothing. Other candidates of the "
            f"prompts kept from, less the control: best of 16 {highest:+.2f}, mean "
            f"{level:+.2f}, mean gold {gold:+.2f}"
        ),
    )
