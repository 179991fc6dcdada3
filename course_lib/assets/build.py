"""``course build-assets``: pretrain the help-desk policy, train the reward models, sample and score the stored pools.

Everything follows from the seeds below. On the machine and versions named in the manifest the files come out the same
byte for byte; elsewhere the last bits of the weights may differ.
"""

import hashlib
import time
from pathlib import Path

import numpy as np
import torch

from ..errors import require
from ..files import atomic_directory, read_json, write_json
from ..policy import Policy, examples_of, load_policy
from ..reward import GoldReward, annotate, load_reward_model, preference_report, score, train_reward_model
from ..run import versions
from ..sampling import sample
from ..training import train
from ..worlds.helpdesk import TOPICS, Annotator, Helpdesk, write_reply
from ..worlds.tokenizer import word_tokenizer
from . import FOLDER, files_of

# name: (comparisons, epochs, annotator). The first four differ in data alone.
REWARDS = {
    "reward-125": (125, 4, Annotator()),
    "reward-500": (500, 4, Annotator()),
    "reward-2000": (2000, 3, Annotator()),
    "reward-8000": (8000, 3, Annotator()),
    "reward-length-biased": (8000, 3, Annotator(length_bias=1.0)),
    "reward-helpful": (4000, 3, Annotator(part="helpful")),
    "reward-harmless": (4000, 3, Annotator(part="harmless")),
}
FULL = {"replies": 24000, "epochs": 3.0, "width": 128, "layers": 3, "reward_layers": 2, "candidates": 8, "prompts": None, "pool_prompts": 128, "pool_n": 256, "scale": 1.0}
MINIATURE = {"replies": 640, "epochs": 1.0, "width": 32, "layers": 2, "reward_layers": 1, "candidates": 4, "prompts": 64, "pool_prompts": 8, "pool_n": 8, "scale": 0.01}
SEED = 0


def pretrain(world, size, seed=SEED):
    """The base policy: a small Llama trained from nothing on uneven help-desk replies."""
    from transformers import LlamaConfig, LlamaForCausalLM

    rng = np.random.default_rng(seed)
    prompts, infos = world.prompts("train", seed=seed)
    texts = [write_reply(infos[k % len(infos)]["topic"], rng) for k in range(size["replies"])]
    everything = [*prompts, *world.prompts("heldout", seed=seed)[0], *texts, *(world.ideal_reply({"topic": t}) for t in TOPICS)]
    tokenizer = word_tokenizer(everything)
    config = LlamaConfig(vocab_size=len(tokenizer), hidden_size=size["width"], intermediate_size=3 * size["width"], num_hidden_layers=size["layers"],
                         num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512, tie_word_embeddings=True,
                         pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id, bos_token_id=None)
    torch.manual_seed(seed)
    policy = Policy(LlamaForCausalLM(config), tokenizer, source="helpdesk/policy")
    from ..finetuning import sft_loss
    examples = examples_of(policy, [prompts[k % len(prompts)] for k in range(len(texts))], texts)
    train(policy.model, lambda batch: sft_loss(policy, [examples[i] for i in batch]), len(examples), epochs=size["epochs"], lr=3e-3, batch_size=64, seed=seed, label="pretraining the policy")
    return policy


def save_half(thing, path):
    """Save weights as float16 to halve the size; ``config.json`` says float32, which is what they are loaded as."""
    thing.model.half()
    thing.save(path)
    thing.model.float()
    config = read_json(path / "config.json")
    config["dtype"] = "float32"
    write_json(path / "config.json", config)


def build(out, size=None, log=print):
    """Build every help-desk asset under ``out``/helpdesk and write ``out``/manifest.json. Returns the manifest."""
    size = size or FULL
    started, world, gold, out = time.perf_counter(), Helpdesk(), GoldReward(Helpdesk()), Path(out)
    facts = {}

    def note(name, **values):
        facts[name] = {**values, "at_seconds": round(time.perf_counter() - started)}
        log(f"{facts[name]['at_seconds']:5} s  {name}  " + "  ".join(f"{k} {v}" for k, v in values.items()))

    with atomic_directory(out / "helpdesk") as folder:
        save_half(pretrain(world, size), folder / "policy")
        policy = load_policy(folder / "policy", device="cpu")
        policy.source = "helpdesk/policy"
        note("policy", seed=SEED, parameters=sum(p.numel() for p in policy.model.parameters()), replies=size["replies"])

        prompts, infos = world.prompts("train", limit=size["prompts"], seed=SEED)
        comparisons = sample(policy, prompts, n=size["candidates"], info=infos, seed=101)
        held_prompts, held_infos = world.prompts("heldout", seed=SEED)
        test = sample(policy, held_prompts[-size["pool_prompts"]:], n=4, info=held_infos[-size["pool_prompts"]:], seed=102)
        held_prompts, held_infos = held_prompts[: size["pool_prompts"]], held_infos[: size["pool_prompts"]]
        pool = sample(policy, held_prompts, n=size["pool_n"], info=held_infos, seed=103)
        note("samples", tokens=int(comparisons.lengths.sum() + test.lengths.sum() + pool.lengths.sum()))
        pool = score(pool, gold)
        pool = score(pool, GoldReward(world, "helpful"))
        pool = score(pool, GoldReward(world, "harmless"))
        for name, (count, epochs, annotator) in REWARDS.items():
            pairs = annotate(comparisons, annotator, max(16, int(count * size["scale"])), seed=1)
            model = train_reward_model(policy, pairs, epochs=epochs, lr=1e-3, layers=size["reward_layers"], batch_size=32 if count < 1000 else 64, seed=SEED, name=name)
            save_half(model, folder / name)
            model = load_reward_model(folder / name, name=name, device="cpu")
            report = preference_report(model, annotate(test, Annotator(part=annotator.part), 800 if size["scale"] == 1 else 40, seed=2))
            note(name, seed=SEED, comparisons=len(pairs), epochs=epochs, annotator=vars(annotator), held_out_accuracy=str(report.accuracy))
            pool = score(pool, model)
        pool.light().save(folder / "pools" / "heldout.npz")
        note("pools/heldout.npz", seed=103, prompts=pool.P, n=pool.N)
    manifest = {"command": "course build-assets", "seconds": round(time.perf_counter() - started), "versions": versions(), "size": size, "assets": facts,
                "files": {str(p.relative_to(out)): {"bytes": p.stat().st_size, "sha256": hashlib.sha256(p.read_bytes()).hexdigest()} for p in files_of(out)}}
    manifest["bytes"] = sum(f["bytes"] for f in manifest["files"].values())
    write_json(out / "manifest.json", manifest)
    log(f"{manifest['seconds']:5} s  {len(manifest['files'])} files, {manifest['bytes'] / 1e6:.1f} MB")
    return manifest


def main(args):
    """The command: build, build a miniature elsewhere, or check the files against the manifest."""
    from . import check
    if args.check:
        problems = check(args.out or FOLDER)
        print("\n".join(problems) or "every bundled file is as in the manifest")
        return 1 if problems else 0
    require(not args.miniature or args.out, "--miniature needs --out DIR, so that it never replaces the bundled models.")
    build(Path(args.out) if args.out else FOLDER, MINIATURE if args.miniature else FULL, log=lambda line: print(line, flush=True))
    return 0


