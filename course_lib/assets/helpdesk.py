"""The help desk's assets: a pretrained policy, reward models from simulated comparisons, and a
scored pool of held-out prompts.
"""

import numpy as np
import torch

from ..base import versions
from ..methods import fingerprint, sft_loss, train, train_reward_model
from ..models import (
    GoldReward,
    Policy,
    examples_of,
    load_policy,
    load_reward_model,
    preference_report,
    sample,
    score,
)
from ..pools import Pool, annotate
from ..worlds import TOPICS, Annotator, Helpdesk, word_tokenizer, write_reply
from .parts import SEED, Parts, save_half

# name: (comparisons, epochs, annotator). The first four differ in the number of comparisons (and in
# epochs, see docs/log.md).
REWARDS = {
    "reward-125": (125, 4, Annotator()),
    "reward-500": (500, 4, Annotator()),
    "reward-2000": (2000, 3, Annotator()),
    "reward-8000": (8000, 3, Annotator()),
    "reward-length-biased": (8000, 3, Annotator(length_bias=1.0)),
    "reward-helpful": (4000, 3, Annotator(part="helpful")),
    "reward-harmless": (4000, 3, Annotator(part="harmless")),
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


def pretrain(world, size, seed=SEED):
    """The base policy: a small Llama trained from nothing on uneven help-desk replies."""
    from transformers import LlamaConfig, LlamaForCausalLM

    rng = np.random.default_rng(seed)
    prompts, infos = world.prompts("train", seed=seed)
    texts = [write_reply(infos[k % len(infos)]["topic"], rng) for k in range(size["replies"])]
    everything = [
        *prompts,
        *world.prompts("heldout", seed=seed)[0],
        *texts,
        *(world.ideal_reply({"topic": t}) for t in TOPICS),
    ]
    tokenizer = word_tokenizer(everything)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=size["width"],
        intermediate_size=3 * size["width"],
        num_hidden_layers=size["layers"],
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    torch.manual_seed(seed)
    policy = Policy(LlamaForCausalLM(config), tokenizer, source="helpdesk/policy")
    examples = examples_of(policy, [prompts[k % len(prompts)] for k in range(len(texts))], texts)
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


def build(out, size=FULL, log=print):
    """Build every help-desk asset under ``out``/helpdesk. Returns the manifest."""
    world = Helpdesk()
    parts = Parts(
        out,
        "helpdesk",
        fingerprint(
            [
                size,
                SEED,
                {
                    name: [count, epochs, vars(who)]
                    for name, (count, epochs, who) in REWARDS.items()
                },
                versions(),
            ]
        ),
        log,
    )
    folder, part = parts.folder, parts.part

    def make_policy():
        trained = pretrain(world, size)
        save_half(trained, folder / "policy")
        return {
            "seed": SEED,
            "parameters": sum(p.numel() for p in trained.model.parameters()),
            "replies": size["replies"],
        }

    part("policy", make_policy)
    policy = load_policy(folder / "policy", device="cpu")
    policy.source = "helpdesk/policy"

    def make_samples():
        train_prompts, train_infos = world.prompts("train", limit=size["prompts"], seed=SEED)
        held_prompts, held_infos = world.prompts("heldout", seed=SEED)
        k = size["pool_prompts"]
        jobs = {
            "comparisons": (train_prompts, train_infos, size["candidates"], 101),
            "test": (held_prompts[-k:], held_infos[-k:], 8, 102),
            "heldout": (held_prompts[:k], held_infos[:k], size["pool_n"], 103),
        }
        tokens = 0
        for name, (prompts, infos, n, seed) in jobs.items():
            pool = score(sample(policy, prompts, n=n, info=infos, seed=seed), GoldReward(world))
            tokens += int(pool.lengths.sum())
            pool.light().save(folder / "samples" / f"{name}.npz")
        return {"seeds": [101, 102, 103], "tokens": tokens}

    part("samples", make_samples)
    comparisons, test, pool = (
        Pool.load(folder / "samples" / f"{name}.npz") for name in ("comparisons", "test", "heldout")
    )
    for half in ("helpful", "harmless"):
        pool = score(pool, GoldReward(world, half))
    for name, (count, epochs, annotator) in REWARDS.items():

        def make_reward(name=name, count=count, epochs=epochs, annotator=annotator):
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
            save_half(model, folder / name)
            judged = preference_report(
                load_reward_model(folder / name, name=name, device="cpu"),
                annotate(test, Annotator(part=annotator.part), size["test_pairs"], seed=2),
            )
            return {
                "seed": SEED,
                "comparisons": len(pairs),
                "epochs": epochs,
                "annotator": vars(annotator),
                "held_out_accuracy": str(judged.accuracy),
            }

        part(name, make_reward)
        pool = score(pool, load_reward_model(folder / name, name=name, device="cpu"))
    part(
        "pools/heldout.npz",
        lambda: (
            pool.save(folder / "pools" / "heldout.npz")
            or {"seed": 103, "prompts": pool.P, "n": pool.N}
        ),
    )
    return parts.done(size)
