"""Training a Bradley–Terry reward model on comparisons."""

import copy

import torch

from ..base import require
from ..models import Policy, RewardModel, new_reward_model
from .optimiser import train


def bradley_terry_loss(chosen, rejected):
    """−log σ(r_chosen − r_rejected) in nats, elementwise, for score tensors of equal shape
    (Bradley–Terry; Llama 2 eq. 1 without margin).
    """
    return torch.nn.functional.softplus(rejected - chosen)


def train_reward_model(
    base,
    pairs,
    epochs=1.0,
    lr=5e-4,
    batch_size=64,
    layers=None,
    seed=0,
    name="proxy",
    max_length=2048,
    **settings,
):
    """Train a Bradley–Terry reward model on comparisons and return it.

    ``base`` is a :class:`Policy` (its backbone is copied, ``layers`` of it) or a
    :class:`RewardModel` to go on from (a copy is trained). ``pairs`` are dictionaries with
    "prompt", "chosen", "rejected". Pairs whose two sides are equal, or become equal when cut to
    ``max_length`` tokens from the left, teach nothing and are dropped and counted in ``facts``.
    """
    require(len(pairs) > 0, "no comparisons to train on.")
    model = (
        new_reward_model(base, layers, seed, name)
        if isinstance(base, Policy)
        else RewardModel(copy.deepcopy(base.model), base.tokenizer, name, base.system)
    )
    prompts = [p["prompt"] for p in pairs]
    chosen = [row[-max_length:] for row in model.encode(prompts, [p["chosen"] for p in pairs])]
    rejected = [row[-max_length:] for row in model.encode(prompts, [p["rejected"] for p in pairs])]
    kept = [k for k in range(len(pairs)) if chosen[k] != rejected[k]]
    require(
        len(kept) > 0,
        "in every pair the chosen and the rejected reply are the same; there is nothing to learn.",
    )

    def loss_of(indices):
        rows = [chosen[kept[i]] for i in indices] + [rejected[kept[i]] for i in indices]
        scores = model.logits(rows).float()
        return bradley_terry_loss(scores[: len(indices)], scores[len(indices) :]).sum(), len(
            indices
        )

    log = train(
        model.model,
        loss_of,
        len(kept),
        epochs=epochs,
        lr=lr,
        batch_size=batch_size,
        seed=seed,
        label=f"reward model ({name})",
        **settings,
    )
    model.facts = {
        "pairs": len(kept),
        "dropped_equal_pairs": len(pairs) - len(kept),
        "seconds": log.seconds,
        "losses": log.losses,
    }
    return model
