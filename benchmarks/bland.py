"""A help desk whose likeliest reply is bland: is choosing worth more than turning a dial?

    python benchmarks/bland.py [--quick] [--json] [--letters SHARE] [--seed SEED]

Trains a policy on replies of which most are stock letters, a reward model on comparisons of its
samples, fine-tunes on the best of 16 and on random ones, and measures gold of one reply and of the
best of 16 at several temperatures, on held-out prompts. Twelve minutes on two cores.
"""

import json
from dataclasses import replace
from functools import partial
from typing import Any

import common
import numpy as np

from course_lib.assets import helpdesk as recipes
from course_lib.estimators import bootstrap_interval, paired_difference
from course_lib.methods import finetune, train_reward_model
from course_lib.models import GoldReward, Policy, sample, score
from course_lib.pools import annotate, best_per_prompt, random_per_prompt
from course_lib.worlds import Annotator, Helpdesk
from course_lib.worlds.helpdesk import LETTERS_SHARE, write_bland_reply

TEMPERATURES = (1.0, 0.7, 0.5, 0.3, 0.1)
FULL = {"replies": 24000, "candidates": 8, "comparisons": 8000, "prompts": 400, "heldout": 96}
QUICK = {"replies": 600, "candidates": 4, "comparisons": 300, "prompts": 24, "heldout": 12}


def make_policy(world: Helpdesk, size: dict[str, int], letters: float, seed: int) -> Policy:
    """A policy trained from nothing on the desk's replies."""
    write = partial(write_bland_reply, letters=letters)
    return recipes.pretrain(world, {**recipes.FULL, "replies": size["replies"]}, seed, write)


def make_reward(world: Helpdesk, policy: Policy, size: dict[str, int], seed: int) -> Any:
    """A reward model of comparisons by an annotator without biases, as reward-8000 has them."""
    prompts, infos = world.prompts("train", seed=seed)
    pool = sample(policy, prompts, n=size["candidates"], info=infos, seed=101)
    pairs = annotate(pool, Annotator(), size["comparisons"], seed=1)
    return train_reward_model(
        policy, pairs, epochs=3, lr=1e-3, layers=2, batch_size=64, seed=seed, name="proxy"
    )


def gold_by_temperature(
    policy: Policy, world: Helpdesk, size: dict[str, int], reward: Any = None
) -> dict[float, dict[str, np.ndarray]]:
    """Gold of one reply, and of the best of 16 by ``reward``: (P,) each, by temperature."""
    prompts, infos = world.prompts("heldout", limit=size["heldout"], seed=0)
    found = {}
    for temperature in TEMPERATURES:
        pool = sample(policy, prompts, n=16, temperature=temperature, info=infos, seed=7)
        pool = score(pool, GoldReward(world))
        gold = pool.reward("gold").numpy()  # (P, 16)
        found[temperature] = {"one": gold.mean(1)}
        if reward is not None:
            proxy = score(pool, reward).reward("proxy").numpy()
            likely = pool.sum_logprobs.numpy()
            rows = np.arange(len(gold))
            found[temperature]["best of 16"] = gold[rows, proxy.argmax(1)]
            found[temperature]["likeliest of 16"] = gold[rows, likely.argmax(1)]
    return found


def measure(size: dict[str, int], letters: float, seed: int) -> dict[str, Any]:
    world = replace(Helpdesk(), policy=None)
    policy = make_policy(world, size, letters, seed)
    reward = make_reward(world, policy, size, seed)
    prompts, infos = world.prompts("train", limit=size["prompts"], seed=seed + 1)
    pool = score(sample(policy, prompts, n=16, info=infos, seed=3), reward)
    tuned = finetune(policy, best_per_prompt(pool), seed=seed)
    control = finetune(policy, random_per_prompt(pool), seed=seed)
    base = gold_by_temperature(policy, world, size, reward)
    columns = {
        **{f"base, {name}": {t: base[t][name] for t in TEMPERATURES} for name in base[1.0]},
        **{
            name: {t: row["one"] for t, row in gold_by_temperature(model, world, size).items()}
            for name, model in (("RFT", tuned), ("random control", control))
        },
    }
    best = {name: max(row.values(), key=np.mean) for name, row in columns.items()}
    return {
        "gold": {
            name: {str(t): bootstrap_interval(values).to_dict() for t, values in row.items()}
            for name, row in columns.items()
        },
        "each at its best temperature, less one reply of the base": {
            name: paired_difference(best[name], best["base, one"]).to_dict()
            for name in columns
            if name != "base, one"
        },
    }


def main() -> None:
    parser = common.options(__doc__)
    parser.add_argument("--letters", type=float, default=LETTERS_SHARE, help="share of letters")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found = measure(QUICK if options.quick else FULL, options.letters, options.seed)
    if options.json:
        print(json.dumps(found))
        return
    print(f"{'gold':24}" + "".join(f"{f'T = {t:g}':>10}" for t in TEMPERATURES))
    for name, row in found["gold"].items():
        print(f"{name:24}" + "".join(f"{cell['mean']:10.2f}" for cell in row.values()))
    print("\neach at its best temperature, less one reply of the base at its own")
    for name, cell in found["each at its best temperature, less one reply of the base"].items():
        print(f"{name:24} {cell['mean']:+.2f} [{cell['low']:+.2f}, {cell['high']:+.2f}]")


if __name__ == "__main__":
    main()
