"""Training a Bradley–Terry reward model on comparisons."""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ..base import Hooks, changed, check_prompt, key_of, nothing, require
from ..models import Policy, RewardModel, new_reward_model, resting
from .optimiser import Checkpoint, train
from .parallel import processes
from .settings import RewardTraining
from .stages import fingerprint

Pair = Mapping[str, Any]  # with "prompt", "chosen" and "rejected"
SIDES = ("chosen", "rejected")


def bradley_terry_loss(chosen: torch.Tensor, rejected: torch.Tensor) -> torch.Tensor:
    """−log σ(r_chosen − r_rejected) in nats, elementwise, for score tensors of equal shape.

    Bradley–Terry; Llama 2 eq. 1 without margin.
    """
    return torch.nn.functional.softplus(rejected - chosen)


def train_reward_model(
    base: Policy | RewardModel,
    pairs: Sequence[Pair],
    settings: RewardTraining = RewardTraining(),
    *,
    name: str = "proxy",
    checkpoint: str | Path | None = None,
    hooks: Hooks = Hooks(),
    after_pass: Callable[[RewardModel], object] = nothing,
    **changes: Any,
) -> RewardModel:
    """Train a Bradley–Terry reward model on comparisons and return it.

    ``base`` is a :class:`Policy` (its backbone is copied, ``layers`` of it) or a
    :class:`RewardModel` to go on from (a copy is trained). Pairs whose two sides are equal, or
    become equal when cut to ``max_length`` tokens from the left, teach nothing and are dropped and
    counted in ``facts``. ``changes`` are fields of ``settings``. ``checkpoint``: a file for
    interrupted runs; one of another run (other pairs, settings or model) is refused.
    ``after_pass`` gets the model after each pass over the pairs, to judge it as it then is.
    """
    settings = changed(settings, changes).normal()
    pairs = checked_comparisons(pairs)
    model = _untrained(base, settings, name)
    chosen, rejected = _sides(model, pairs, settings.max_length)

    def loss_of(indices: list[int]) -> tuple[torch.Tensor, int]:
        count = len(indices)
        rows = [chosen[i] for i in indices] + [rejected[i] for i in indices]
        scores = model.logits(rows).float()  # (2B,): the chosen ones, then the rejected ones
        loss = bradley_terry_loss(scores[:count], scores[count:])
        return loss.sum(), count

    def judged(epochs: int) -> None:
        hooks.on_epoch(epochs)
        after_pass(model)

    kept = None
    if checkpoint is not None:
        key = fingerprint([base, chosen, rejected, key_of(settings)])
        kept = Checkpoint(Path(checkpoint), key)
    with resting(base.model), processes().laid_out(model, loss_of):
        log = train(
            model.model,
            loss_of,
            len(chosen),
            settings,
            checkpoint=kept,
            hooks=replace(hooks, on_epoch=judged),
            label=f"reward model ({name})",
        )
    model.facts = {
        "pairs": len(chosen),
        "dropped_equal_pairs": len(pairs) - len(chosen),
        "seconds": log.seconds,
        "losses": log.losses,
    }
    return model


def checked_comparisons(rows: Iterable[Pair]) -> list[Pair]:
    """The rows as a list: dictionaries with a "prompt" and the texts "chosen" and "rejected".

    Raises :class:`~course_lib.base.CourseError` for anything else, with its position.
    """
    require(
        isinstance(rows, Iterable) and not isinstance(rows, str | bytes | Mapping),
        f"comparisons must be a list of dictionaries; got one {type(rows).__name__}.",
    )
    rows = list(rows)
    require(len(rows) > 0, "no comparisons to train on.")
    for i, row in enumerate(rows):
        good = isinstance(row, Mapping)
        lacking = [key for key in ("prompt", *SIDES) if not good or key not in row]
        require(
            not lacking,
            f"comparison {i} has no {' and no '.join(map(repr, lacking))}; expected a dictionary "
            'with "prompt", "chosen" and "rejected".',
        )
        check_prompt(row["prompt"], f"the prompt of comparison {i}")
        for side in SIDES:
            require(
                isinstance(row[side], str),
                f"{side!r} of comparison {i} must be a string; got {type(row[side]).__name__}.",
            )
    return rows


def _untrained(base: Policy | RewardModel, settings: RewardTraining, name: str) -> RewardModel:
    """The model that training starts from: a new head on a policy, or a copy of a reward model."""
    if isinstance(base, Policy):
        return new_reward_model(base, settings.layers, settings.seed, name)
    return RewardModel(copy.deepcopy(base.model), base.tokenizer, name, base.system)


def _sides(
    model: RewardModel, pairs: Sequence[Pair], max_length: int
) -> tuple[list[list[int]], list[list[int]]]:
    """Token ids of the chosen and the rejected conversations, cut, equal pairs left out.

    Raises :class:`~course_lib.base.CourseError` when none is left.
    """
    prompts = [pair["prompt"] for pair in pairs]
    sides = []
    for side in SIDES:
        rows = model.encode(prompts, [pair[side] for pair in pairs])
        sides.append([row[-max_length:] for row in rows])
    different = [(a, b) for a, b in zip(*sides, strict=True) if a != b]
    require(
        len(different) > 0,
        "in every pair the chosen and the rejected reply are the same; there is nothing to learn.",
    )
    return [a for a, _ in different], [b for _, b in different]
