"""The help desk's assets: a pretrained policy, reward models from simulated comparisons, and a
scored pool of held-out prompts.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..base import versions
from ..methods import fingerprint, sft_loss, train, train_reward_model
from ..models import (
    GoldReward,
    Policy,
    SelfCertainty,
    examples_of,
    load_policy,
    load_reward_model,
    preference_report,
    sample,
    score,
)
from ..pools import Pool, annotate
from ..worlds import TOPICS, Annotator, Helpdesk, word_tokenizer, write_reply
from .parts import SEED, Parts, parameters_of, save_half, untrained


class Recipe(NamedTuple):
    """How a reward model is made: from how many comparisons, in how many epochs, of whom."""

    comparisons: int
    epochs: int
    annotator: Annotator


# The first four differ in the number of comparisons (and in epochs, see docs/log.md).
REWARDS = {
    "reward-125": Recipe(125, 4, Annotator()),
    "reward-500": Recipe(500, 4, Annotator()),
    "reward-2000": Recipe(2000, 3, Annotator()),
    "reward-8000": Recipe(8000, 3, Annotator()),
    "reward-length-biased": Recipe(8000, 3, Annotator(length_bias=1.0)),
    "reward-helpful": Recipe(4000, 3, Annotator(part="helpful")),
    "reward-harmless": Recipe(4000, 3, Annotator(part="harmless")),
}
FULL = {
    "replies": 24000,
    "epochs": 3.0,
    "width": 128,
    "layers": 3,
    "reward_layers": 2,
    "candidates": 8,
    "prompts": None,
    "pool_prompts": 128,
    "pool_n": 256,
    "test_pairs": 800,
    "scale": 1.0,
}
MINIATURE = {
    "replies": 640,
    "epochs": 1.0,
    "width": 32,
    "layers": 2,
    "reward_layers": 1,
    "candidates": 4,
    "prompts": 64,
    "pool_prompts": 8,
    "pool_n": 8,
    "test_pairs": 40,
    "scale": 0.01,
}
# seeds of the sampled pools
COMPARISONS_SEED = 101
TEST_SEED = 102
HELDOUT_SEED = 103


def build(out: Path, size: dict = FULL, log: Callable[[str], None] = print) -> dict:
    """Build every help-desk asset under ``out``/helpdesk. Returns the manifest."""
    world = Helpdesk()
    recipes = {name: [*recipe[:2], vars(recipe.annotator)] for name, recipe in REWARDS.items()}
    key = fingerprint([size, SEED, recipes, versions()])
    parts = Parts(out, "helpdesk", key, log)
    folder = parts.folder

    parts.part("policy", make_policy, world, size, folder / "policy")
    policy = load_policy(folder / "policy", device="cpu")
    policy.source = "helpdesk/policy"

    samples = folder / "samples"
    parts.part("samples", make_samples, world, policy, size, samples)
    comparisons = Pool.load(samples / "comparisons.npz")
    test = Pool.load(samples / "test.npz")
    pool = Pool.load(samples / "heldout.npz")
    for half in ("helpful", "harmless"):
        pool = score(pool, GoldReward(world, half))
    pool = score(pool, SelfCertainty(policy))

    for name in REWARDS:
        parts.part(name, make_reward, name, policy, comparisons, test, size, folder / name)
        pool = score(pool, load_reward_model(folder / name, name=name, device="cpu"))

    parts.part("pools/heldout.npz", save_pool, pool, folder / "pools" / "heldout.npz")
    return parts.done(size)


def make_policy(world: Helpdesk, size: dict, folder: Path) -> dict:
    """Pretrain the policy and save it in ``folder``. Returns facts."""
    policy = pretrain(world, size)
    save_half(policy, folder)
    return {"seed": SEED, "parameters": parameters_of(policy), "replies": size["replies"]}


def pretrain(world: Helpdesk, size: dict, seed: int = SEED) -> Policy:
    """The base policy: a small Llama trained from nothing on the replies of the desk."""
    rng = np.random.default_rng(seed)
    prompts, infos = world.prompts("train", seed=seed)
    heldout, _ = world.prompts("heldout", seed=seed)
    count = size["replies"]
    topics = [infos[k % len(infos)]["topic"] for k in range(count)]
    texts = [write_reply(topic, rng, world.letters) for topic in topics]
    ideal = [world.ideal_reply({"topic": topic}) for topic in TOPICS]
    tokenizer = word_tokenizer([*prompts, *heldout, *texts, *ideal])
    policy = untrained(tokenizer, size, world.policy or world.name, seed)
    asked = [prompts[k % len(prompts)] for k in range(count)]
    examples = examples_of(policy, asked, texts)
    train(
        policy.model,
        lambda batch: sft_loss(policy, [examples[i] for i in batch]),
        len(examples),
        epochs=size["epochs"],
        lr=3e-3,
        batch_size=64,
        seed=seed,
        label="pretraining the policy",
    )
    return policy


def make_samples(world: Helpdesk, policy: Policy, size: dict, folder: Path) -> dict:
    """Sample the pools that are compared, tested on and stored; save them in ``folder``."""
    train_prompts, train_infos = world.prompts("train", limit=size["prompts"], seed=SEED)
    held_prompts, held_infos = world.prompts("heldout", seed=SEED)
    k = size["pool_prompts"]
    jobs = {
        "comparisons": (train_prompts, train_infos, size["candidates"], COMPARISONS_SEED),
        # the last of the held-out prompts judge reward models, the first are the stored pool
        "test": (held_prompts[-k:], held_infos[-k:], 8, TEST_SEED),
        "heldout": (held_prompts[:k], held_infos[:k], size["pool_n"], HELDOUT_SEED),
    }
    tokens = 0
    for name, (prompts, infos, n, seed) in jobs.items():
        pool = score(sample(policy, prompts, n=n, info=infos, seed=seed), GoldReward(world))
        tokens += int(pool.lengths.sum())
        pool.light().save(folder / f"{name}.npz")
    return {"seeds": [COMPARISONS_SEED, TEST_SEED, HELDOUT_SEED], "tokens": tokens}


def make_reward(
    name: str, policy: Policy, comparisons: Pool, test: Pool, size: dict, folder: Path
) -> dict:
    """Train a reward model by its recipe and save it in ``folder``. Returns facts."""
    count, epochs, annotator = REWARDS[name]
    pairs = annotate(comparisons, annotator, max(16, int(count * size["scale"])), seed=1)
    model = train_reward_model(
        policy,
        pairs,
        epochs=epochs,
        lr=1e-3,
        layers=size["reward_layers"],
        batch_size=32 if count < 1000 else 64,
        seed=SEED,
        name=name,
    )
    save_half(model, folder)
    # judged as it is stored, by an annotator without biases
    stored = load_reward_model(folder, name=name, device="cpu")
    fair = Annotator(part=annotator.part)
    judged = preference_report(stored, annotate(test, fair, size["test_pairs"], seed=2))
    return {
        "seed": SEED,
        "comparisons": len(pairs),
        "epochs": epochs,
        "annotator": vars(annotator),
        "held_out_accuracy": str(judged.accuracy),
    }


def save_pool(pool: Pool, file: Path) -> dict:
    """Save the held-out pool. Returns facts."""
    pool.save(file)
    return {"seed": HELDOUT_SEED, "prompts": pool.P, "n": pool.N}
