"""Findings of lesson 05, from the stored rounds of fine-tuning and the stored pool."""

import numpy as np

from .. import results
from ..estimators import Interval, paired_difference
from ..selection import random_overall, top_k_overall
from . import finding
from .best_of_n import stored

COMMAND = "python benchmarks/rounds.py"
CHOSEN_FROM = 16  # candidates the rules may choose from; the others of the stored pool say how easy a prompt is


def _interval(found):
    return Interval(**found)


@finding(8, "05", "Fine-tuning on one's own best replies beats the same training on random ones.", "gold points after one round: best per prompt less its random control", COMMAND)
def beats_its_control():
    one = results.load("rounds")["one_round"]
    seeds = [_interval(found) for found in one["by_seed"]]
    control = _interval(one["control less base"])
    return _interval(one["rft less control"]), all(seed.low > 0 for seed in seeds), f"Holds on each of {len(seeds)} seeds; the control less the base policy: {control:+.2f}"


@finding(9, "05", "Rounds on a frozen reward model end in hacking it; pooling all rounds or refreshing the reward model helps.",
         "gold points, frozen reward model and last round's data only: last round less first round", COMMAND)
def frozen_is_hacked():
    rounds = results.load("rounds")
    change = {name: _interval(rounds["last_less_round"]["last round only"][0][name]) for name in ("gold", "proxy")}
    remedies = {name: _interval(rounds["last_round"][f"{arm} less last round only"]["gold"])
                for name, arm in (("pooling", "all rounds pooled"), ("pooling and refreshing", "pooled, reward model refreshed"))}
    note = f"The proxy rises by {change['proxy']}; at the last round " + ", ".join(f"{name} is better by {value}" for name, value in remedies.items())
    return change["gold"], change["gold"].high < 0 < change["proxy"].low and all(value.low > 0 for value in remedies.values()), note


def kept_easiness(by, judge, controls=20):
    """Per prompt, ``judge``'s mean score of its other candidates times how many replies were kept: (top k overall by ``by``, its random control), each (P,).

    As many replies are kept as there are prompts, so the mean over prompts is the mean easiness of the prompts kept from. Easiness is measured on
    candidates that the rules could not choose. The control is averaged over ``controls`` seeds.
    """
    pool = stored()
    easy = pool.reward(judge)[:, CHOSEN_FROM:].mean(1).numpy()
    choices = pool.first(CHOSEN_FROM)
    control = np.mean([random_overall(choices, seed=seed).per_prompt.numpy() for seed in range(controls)], axis=0)
    return top_k_overall(choices, by=by).per_prompt.numpy() * easy, control * easy


@finding(10, "05", "Top-k overall prefers easy prompts: those the selecting reward scores highly anyway.",
         "mean reward-2000 of the prompts kept from, on candidates that were not chosen from: top k overall less its random control")
def prefers_easy():
    value, gold = (paired_difference(*kept_easiness("reward-2000", judge)) for judge in ("reward-2000", "gold"))
    strong = paired_difference(*kept_easiness("reward-8000", "reward-8000"))
    kept = top_k_overall(stored().first(CHOSEN_FROM), by="reward-2000")
    empty = int((kept.per_prompt == 0).sum())
    return value, value.low > 0, (f"{empty} of {kept.pool.P} prompts keep nothing; with reward-8000 {strong:+.2f}. By gold the preferred prompts are not easy: {gold:+.2f}")
