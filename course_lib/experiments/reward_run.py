"""Training a reward model from a file of preference pairs, with a report on held-out ones."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..assets import resolve
from ..base import changed, free_for_model, require
from ..methods import train_reward_model
from ..models import Policy, load_policy, preference_report, tiny_policy
from ..pools import read_pairs
from .defaults import chosen_lr
from .tables import few_prompts

Pairs = list[dict[str, str]]  # each with "prompt", "chosen" and "rejected"


@dataclass(frozen=True)
class RewardRun:
    """Settings of :func:`train_reward_from_file`.

    Attributes
    ----------
    held_out : share of the prompts whose pairs are kept for the report, between 0 and 1.
    epochs : passes over the training pairs.
    lr : the learning rate; None is what fits the backbone.
    max_length : tokens of a dialogue; longer ones are cut from the left.
    seed : of the split, of the tiny backbone and of training.
    """

    held_out: float = 0.2
    epochs: float = 2.0
    lr: float | None = None
    max_length: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        require(
            0 < self.held_out < 1,
            "held_out is the share of pairs kept for the report, between 0 and 1; got "
            f"{self.held_out}.",
        )


def train_reward_from_file(
    path: Path | str,
    policy: Path | str | None = None,
    settings: RewardRun = RewardRun(),
    *,
    skip_bad: bool = False,
    device: str | None = None,
    out: Path | str | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """Train on most pairs of a file, report on the rest.

    Pairs with the same prompt stay on one side of the split. Without ``policy`` the backbone is a
    tiny Qwen3 with random weights and a tokenizer trained on the training pairs. ``changes`` are
    fields of :class:`RewardRun`. Returns plain data with ``accuracy`` (mean and 95 % interval),
    ``text`` for a reader, and counts. With ``out`` the model is saved there.
    """
    settings = changed(settings, changes)
    if out:
        free_for_model(out)
    train_pairs, test_pairs = _split(read_pairs(path, skip_bad), path, settings)
    if policy is None:
        base = _tiny_backbone(train_pairs, settings.seed)
    else:
        base = load_policy(resolve(policy), device=device)
    lr, reason = chosen_lr(settings.lr, base.model)
    model = train_reward_model(
        base,
        train_pairs,
        epochs=settings.epochs,
        lr=lr,
        batch_size=32,
        seed=settings.seed,
        max_length=settings.max_length,
    )
    report = preference_report(model, test_pairs)
    if out:
        model.save(out)

    seconds = model.facts["seconds"]
    held_prompts = len({pair["prompt"] for pair in test_pairs})
    text = (
        f"reward model on {base.source}: {len(train_pairs)} pairs to train on, "
        f"lr {lr:g} ({reason}), {seconds:.0f} s\nheld out: {report}"
    )
    text = "\n".join([text, *few_prompts(held_prompts)])
    return {
        "accuracy": report.accuracy.to_dict(),
        "ties": report.ties,
        "train_pairs": len(train_pairs),
        "held_out_pairs": len(test_pairs),
        "log_loss": report.log_loss,
        "length_correlation": report.length_correlation,
        "calibration": report.calibration,
        "seconds": seconds,
        "lr": lr,
        "seed": settings.seed,
        "text": text,
    }


def _split(pairs: Pairs, path: Path | str, settings: RewardRun) -> tuple[Pairs, Pairs]:
    """(pairs to train on, held-out pairs): a share of the prompts is held out, at least one."""
    prompts = sorted({pair["prompt"] for pair in pairs})
    require(
        len(prompts) >= 10,
        f"{path} has {len(prompts)} different prompts; at least 10 are needed to hold some out.",
    )
    order = np.random.default_rng(settings.seed).permutation(len(prompts))
    count = max(1, round(settings.held_out * len(prompts)))
    held = {prompts[i] for i in order[:count]}
    train_pairs = [pair for pair in pairs if pair["prompt"] not in held]
    test_pairs = [pair for pair in pairs if pair["prompt"] in held]
    return train_pairs, test_pairs


def _tiny_backbone(pairs: Pairs, seed: int) -> Policy:
    """A tiny Qwen3 with random weights; its tokenizer is trained on ``pairs``."""
    texts = []
    for pair in pairs:
        texts += [pair["prompt"], pair["chosen"], pair["rejected"]]
    return tiny_policy(texts, "qwen3", width=64, layers=2, seed=seed)
