"""Training a reward model from a file of preference pairs, with a report on held-out ones."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..assets import resolve
from ..base import changed, free_for_model, prompt_key, require, transcript
from ..methods import is_main, train_reward_model
from ..models import Policy, RewardModel, load_policy, preference_report, tiny_policy
from ..pools import Keys, PairList, read_pairs
from .defaults import chosen_lr
from .tables import few_prompts

Pairs = list[dict[str, Any]]  # each with "prompt", "chosen" and "rejected"


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
    keys: Keys | None = None,
    device: str | None = None,
    out: Path | str | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """Train on most pairs of a file, report on the rest.

    Pairs with the same prompt stay on one side of the split. Without ``policy`` the backbone is a
    tiny Qwen3 with random weights and a tokenizer trained on the training pairs. ``changes`` are
    fields of :class:`RewardRun`. Returns plain data with ``accuracy`` (mean and 95 % interval),
    ``text`` for a reader, and counts; ``dropped`` says what of the file was not used, and why. With
    ``out`` the model is saved there, by the first of several processes. ``keys``: see
    :func:`~course_lib.pools.read_pairs`.
    """
    settings = changed(settings, changes)
    if out:
        free_for_model(out)
    pairs = read_pairs(path, skip_bad, keys)
    train_pairs, test_pairs = _split(pairs, path, settings)
    if policy is None:
        base = _tiny_backbone(train_pairs, settings.seed)
    else:
        base = load_policy(resolve(policy), device=device)
    lr, reason = chosen_lr(settings.lr, base.model)
    how = {"epochs": settings.epochs, "seed": settings.seed, "max_length": settings.max_length}
    model = train_reward_model(base, train_pairs, lr=lr, batch_size=32, **how)
    report = preference_report(model, test_pairs)
    if out and is_main():
        model.save(out)

    seconds = model.facts["seconds"]
    dropped = _dropped(pairs, model, settings)
    text = (
        f"reward model on {base.source}: {model.facts['pairs']} pairs to train on, "
        f"lr {lr:g} ({reason}), {seconds:.0f} s{_left_out(dropped)}\nheld out: {report}"
    )
    text = "\n".join([text, *few_prompts(len(_prompts(test_pairs)))])
    return {
        "accuracy": report.accuracy.to_dict(),
        "ties": report.ties,
        "train_pairs": model.facts["pairs"],
        "dropped": dropped,
        "held_out_pairs": len(test_pairs),
        "log_loss": report.log_loss,
        "length_correlation": report.length_correlation,
        "calibration": report.calibration,
        "seconds": seconds,
        "lr": lr,
        "seed": settings.seed,
        "text": text,
    }


def _prompts(pairs: Pairs) -> set[str]:
    """The different prompts of ``pairs``, by their keys."""
    return {prompt_key(pair["prompt"]) for pair in pairs}


def _split(pairs: PairList, path: Path | str, settings: RewardRun) -> tuple[Pairs, Pairs]:
    """(pairs to train on, held-out pairs): a share of the prompts is held out, at least one."""
    prompts = sorted(_prompts(pairs))
    require(
        len(prompts) >= 10,
        f"{path} has pairs for {len(prompts)} different prompts; at least 10 are needed to hold "
        f"some out.{_left_out(pairs.dropped)}",
    )
    order = np.random.default_rng(settings.seed).permutation(len(prompts))
    count = max(1, round(settings.held_out * len(prompts)))
    held = {prompts[i] for i in order[:count]}
    train_pairs, test_pairs = [], []
    for pair in pairs:
        side = test_pairs if prompt_key(pair["prompt"]) in held else train_pairs
        side.append(pair)
    return train_pairs, test_pairs


def _dropped(pairs: PairList, model: RewardModel, settings: RewardRun) -> dict[str, int]:
    """What of the file taught nothing: by the file itself, and by the cut."""
    dropped = dict(pairs.dropped)
    if model.facts["dropped_equal_pairs"]:
        reason = f"equal when cut to {settings.max_length} tokens"
        dropped[reason] = model.facts["dropped_equal_pairs"]
    return dropped


def _left_out(dropped: dict[str, int]) -> str:
    """What was not used, as a line of its own; nothing where all was."""
    if not dropped:
        return ""
    reasons = ", ".join(f"{count} ({reason})" for reason, count in dropped.items())
    return f"\nleft out: {reasons}"


def _tiny_backbone(pairs: Pairs, seed: int) -> Policy:
    """A tiny Qwen3 with random weights; its tokenizer is trained on ``pairs``."""
    texts = []
    for pair in pairs:
        texts += [transcript(pair["prompt"]), pair["chosen"], pair["rejected"]]
    return tiny_policy(texts, "qwen3", width=64, layers=2, seed=seed)
