"""Training a reward model from a file of preference pairs, with a report on held-out ones."""

import numpy as np

from ..assets import resolve
from ..base import free_for_model, require
from ..methods import train_reward_model
from ..models import load_policy, preference_report, tiny_policy
from ..pools import read_pairs


def train_reward_from_file(
    path,
    policy=None,
    held_out=0.2,
    epochs=2.0,
    lr=1e-3,
    max_length=512,
    seed=0,
    skip_bad=False,
    device=None,
    out=None,
):
    """Train on most pairs of a file, report on the rest. Pairs with the same prompt stay on one
    side of the split.

    Without ``policy`` the backbone is a tiny Qwen3 with random weights and a tokenizer trained on
    the training pairs. Returns plain data with ``accuracy`` (mean and 95 % interval), ``text`` for
    a reader, and counts.
    """
    require(
        0 < held_out < 1,
        f"held_out is the share of pairs kept for the report, between 0 and 1; got {held_out}.",
    )
    if out:
        free_for_model(out)
    pairs = read_pairs(path, skip_bad)
    prompts = sorted({p["prompt"] for p in pairs})
    require(
        len(prompts) >= 10,
        f"{path} has {len(prompts)} different prompts; at least 10 are needed to hold some out.",
    )
    held = {
        prompts[i]
        for i in np.random.default_rng(seed).permutation(len(prompts))[
            : max(1, round(held_out * len(prompts)))
        ]
    }
    train_pairs, test_pairs = (
        [p for p in pairs if p["prompt"] not in held],
        [p for p in pairs if p["prompt"] in held],
    )
    if policy is None:
        base = tiny_policy(
            [p[k] for p in train_pairs for k in ("prompt", "chosen", "rejected")],
            "qwen3",
            width=64,
            layers=2,
            seed=seed,
        )
    else:
        base = load_policy(resolve(policy), device=device)
    model = train_reward_model(
        base, train_pairs, epochs=epochs, lr=lr, batch_size=32, seed=seed, max_length=max_length
    )
    report = preference_report(model, test_pairs)
    if out:
        model.save(out)
    text = (
        f"reward model on {base.source}: {len(train_pairs)} pairs to train on, "
        f"{model.facts['seconds']:.0f} s\nheld out: {report}"
    )
    return {
        "accuracy": report.accuracy.to_dict(),
        "ties": report.ties,
        "train_pairs": len(train_pairs),
        "held_out_pairs": len(test_pairs),
        "log_loss": report.log_loss,
        "length_correlation": report.length_correlation,
        "calibration": report.calibration,
        "seconds": model.facts["seconds"],
        "seed": seed,
        "text": text,
    }
