"""Train a reward model on a file of preference pairs and report on held-out ones: ``course train-reward``."""

import json

import numpy as np

from .errors import require
from .files import free_for_model
from .policy import load_policy
from .reward import preference_report, train_reward_model
from .rollouts import hh_pairs, read_rollouts
from .selection import preference_pairs
from .tiers import resolve
from .tiny import tiny_policy


def read_pairs(path, skip_bad=False):
    """Preference pairs from prompt/chosen/rejected lines, or from hh-rlhf's whole dialogues (told apart by the first line's keys)."""
    import gzip
    opener = gzip.open if str(path).endswith(".gz") else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            keys = set(json.loads(file.readline() or "{}"))
    except (OSError, ValueError):
        keys = {"prompt"}  # the reader below says what is wrong, with the line number
    if keys == {"chosen", "rejected"}:
        return hh_pairs(path, skip_bad=skip_bad)
    return preference_pairs(read_rollouts(path, skip_bad=skip_bad), by="preference")


def train_reward_from_file(path, policy=None, held_out=0.2, epochs=2.0, lr=1e-3, max_length=512, seed=0, skip_bad=False, device=None, out=None):
    """Train on most pairs of a file, report on the rest. Pairs with the same prompt stay on one side of the split.

    Without ``policy`` the backbone is a tiny Qwen3 with random weights and a tokenizer trained on the training pairs.
    Returns plain data with ``accuracy`` (mean and 95 % interval), ``text`` for a reader, and counts.
    """
    require(0 < held_out < 1, f"held_out is the share of pairs kept for the report, between 0 and 1; got {held_out}.")
    if out:
        free_for_model(out)
    pairs = read_pairs(path, skip_bad)
    prompts = sorted({p["prompt"] for p in pairs})
    require(len(prompts) >= 10, f"{path} has {len(prompts)} different prompts; at least 10 are needed to hold some out.")
    held = {prompts[i] for i in np.random.default_rng(seed).permutation(len(prompts))[: max(1, round(held_out * len(prompts)))]}
    train_pairs, test_pairs = [p for p in pairs if p["prompt"] not in held], [p for p in pairs if p["prompt"] in held]
    if policy is None:
        base = tiny_policy([p[k] for p in train_pairs for k in ("prompt", "chosen", "rejected")], "qwen3", width=64, layers=2, seed=seed)
    else:
        base = load_policy(resolve(policy), device=device)
    model = train_reward_model(base, train_pairs, epochs=epochs, lr=lr, batch_size=32, seed=seed, max_length=max_length)
    report = preference_report(model, test_pairs)
    if out:
        model.save(out)
    text = f"reward model on {base.source}: {len(train_pairs)} pairs to train on, {model.facts['seconds']:.0f} s\nheld out: {report}"
    return {"accuracy": report.accuracy.to_dict(), "ties": report.ties, "train_pairs": len(train_pairs), "held_out_pairs": len(test_pairs), "log_loss": report.log_loss,
            "length_correlation": report.length_correlation, "calibration": report.calibration, "seconds": model.facts["seconds"], "seed": seed, "text": text}
