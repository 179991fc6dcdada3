r"""DPO: learn from pairs, without sampling and without a reward model (2305.18290).

The loss of a pair is −log σ(β[log π_θ(y_w|x)/π_ref(y_w|x) − log π_θ(y_l|x)/π_ref(y_l|x)]): the
reward is read off the policy itself, β log π_θ/π_ref, and put through Bradley–Terry. Pairs come
from a pool (best against worst by a reward) or from annotators.

What this leaves out: the paper's first step, fine-tuning on the chosen replies; later variants
(IPO, cDPO, length-normalised); and sampling new pairs from the policy as it changes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ..base import Account, changed, hold, key_of, number, require
from ..models import Policy, autocast, examples_of, response_losses, resting, sequence_logprobs
from ..pools import Pool, Selection, preference_pairs
from .online import student_of
from .optimiser import Checkpoint, train
from .reward_training import SIDES, bradley_terry_loss, checked_comparisons
from .settings import DPO
from .sft import selected_examples
from .stages import fingerprint

Pairs = tuple[Sequence, Sequence]  # two lists of (prompt ids, response ids)


def pairs_from(
    policy: Policy,
    pool: Pool,
    by: str | None = None,
    rule: str = "best_worst",
    margin: float = 0.0,
    seed: int = 0,
    k: int = 1,
) -> Pairs:
    """Two lists of (prompt ids, response ids), chosen and rejected, from a scored pool.

    See :func:`course_lib.pools.preference_pairs`.
    """
    pairs = preference_pairs(pool, by, rule, margin, seed, k)
    require(
        len(pairs) > 0,
        "no prompt of this pool gives a pair: every prompt's rewards are equal. Sample more "
        "candidates, or use another reward.",
    )
    prompt = torch.tensor([pair["prompt_index"] for pair in pairs])

    def examples(side: str) -> list:
        candidate = torch.tensor([pair[f"{side}_index"] for pair in pairs])
        return selected_examples(policy, Selection(pool, prompt, candidate))

    return examples("chosen"), examples("rejected")


def labelled_pairs(policy: Policy, rows: Sequence[Mapping[str, Any]]) -> Pairs:
    """The same from annotators' rows, dictionaries with "prompt", "chosen" and "rejected".

    Rows with two equal replies are left out.
    """
    rows = [row for row in checked_comparisons(rows) if row["chosen"] != row["rejected"]]
    require(
        len(rows) > 0,
        "no pair to learn from: in every row the chosen and the rejected reply are the same.",
    )
    prompts = [row["prompt"] for row in rows]
    chosen, rejected = ([row[side] for row in rows] for side in SIDES)
    return examples_of(policy, prompts, chosen), examples_of(policy, prompts, rejected)


def dpo_loss(
    chosen: torch.Tensor,
    rejected: torch.Tensor,
    ref_chosen: torch.Tensor,
    ref_rejected: torch.Tensor,
    beta: float = 0.1,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """−log σ(β·margin), elementwise, and the two implicit rewards β log π_θ/π_ref.

    All (B,) sequence log-probabilities in nats.
    """
    better = beta * (chosen - ref_chosen)
    worse = beta * (rejected - ref_rejected)
    return bradley_terry_loss(better, worse), better.detach(), worse.detach()


def sums(policy: Policy, examples: Sequence) -> torch.Tensor:
    """log π(y|x) (B,) of a batch, with gradients."""
    losses, _, row = response_losses(policy, examples)  # (K,), (K,), (K,)
    return torch.zeros(len(examples), device=losses.device).index_add(0, row, -losses)


def dpo(
    policy: Policy,
    pairs: Pairs,
    settings: DPO = DPO(),
    *,
    reference: Policy | None = None,
    checkpoint: str | Path | None = None,
    **changes: Any,
) -> Policy:
    """Train a copy of ``policy`` on pairs; ``policy`` itself is unchanged.

    It is also the reference, unless ``reference`` is given. ``pairs``: what :func:`pairs_from` or
    :func:`labelled_pairs` gives. The reference reads each pair once, before training, so only one
    model is trained and the other can leave memory. ``changes`` are fields of ``settings``. The
    returned policy has ``training_log``, with ``steps``: accuracy (implicit reward of the chosen
    reply above the other's), margin, and the chosen replies' own reward, which often *falls*: the
    loss only asks for a difference.
    """
    settings = changed(settings, changes).normal()
    check(pairs, settings)
    chosen, rejected = pairs
    beta = settings.beta
    reference = reference or policy
    student = student_of(policy).adapted(settings.lora, settings.seed)
    kept = None
    if checkpoint is not None:
        key = fingerprint([policy, reference, chosen, rejected, key_of(settings)])
        kept = Checkpoint(Path(checkpoint), key)
    with Account() as account:
        hold(policy=student.model, reference=reference.model)
        # the same precision as in training: the two are subtracted
        with autocast(student.device, settings.dtype):
            ref_chosen, ref_rejected = (
                sequence_logprobs(reference, side).to(student.device) for side in pairs
            )

        def loss_of(rows: list[int]) -> tuple[torch.Tensor, int, dict[str, Any]]:
            count = len(rows)
            both = sums(student, [chosen[i] for i in rows] + [rejected[i] for i in rows])  # (2B,)
            loss, better, worse = dpo_loss(
                both[:count], both[count:], ref_chosen[rows], ref_rejected[rows], beta
            )
            facts = {
                "accuracy": (better > worse).float().mean(),
                "margin": (better - worse).mean(),
                "chosen_reward": better.mean(),
            }
            return loss.sum(), count, facts

        with resting(policy.model, reference.model):
            log = train(student.model, loss_of, len(chosen), settings, checkpoint=kept, label="dpo")
    student.training_log = log
    log.account = account
    student.source = f"{policy.source} trained by dpo on {len(chosen)} pairs"
    return student


def is_example(value: Any) -> bool:
    """Whether ``value`` looks like (prompt ids, response ids)."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        return False
    return all(hasattr(ids, "__len__") and not isinstance(ids, str | Mapping) for ids in value)


def check(pairs: Pairs, settings: DPO) -> None:
    """Raise :class:`~course_lib.base.CourseError` for pairs or a beta that teach nothing."""
    sides = isinstance(pairs, list | tuple) and len(pairs) == 2
    require(
        sides and all(isinstance(side, list | tuple) for side in pairs),
        "pairs must be two lists of (prompt ids, response ids), chosen and rejected. Make them by "
        "labelled_pairs(policy, rows) from dictionaries, or by pairs_from(policy, pool).",
    )
    chosen, rejected = pairs
    for side, examples in zip(SIDES, pairs, strict=True):
        for i, example in enumerate(examples):
            require(
                is_example(example),
                f"pair {i} has no token ids as its {side} side; expected (prompt ids, response "
                "ids), as labelled_pairs and pairs_from give.",
            )
    require(
        len(chosen) == len(rejected) and len(chosen) > 0,
        f"pairs must be two lists of the same length, not empty; got {len(chosen)} and "
        f"{len(rejected)}.",
    )
    require(
        number(settings.beta, "beta", 0) > 0,
        f"beta must be above 0; got {settings.beta}. At 0 the loss does not depend on the policy.",
    )
