r"""DPO: learn from pairs, without sampling and without a reward model (2305.18290).

The loss of a pair is −log σ(β[log π_θ(y_w|x)/π_ref(y_w|x) − log π_θ(y_l|x)/π_ref(y_l|x)]): the
reward is read off the policy itself, β log π_θ/π_ref, and put through Bradley–Terry. Pairs come
from a pool (best against worst by a reward) or from annotators.

What this leaves out: the paper's first step, fine-tuning on the chosen replies; later variants
(IPO, cDPO, length-normalised); and sampling new pairs from the policy as it changes.
"""

from pathlib import Path

import torch

from ..base import Account, hold, require
from ..models import autocast, examples_of, response_logits, sequence_logprobs
from ..pools import Selection, preference_pairs
from .online import student_of
from .optimiser import train
from .reward_training import bradley_terry_loss
from .sft import selected_examples
from .stages import fingerprint


def pairs_from(policy, pool, by=None, rule="best_worst", margin=0.0, seed=0):
    """Two lists of (prompt ids, response ids), chosen and rejected, from a scored pool.

    See :func:`course_lib.pools.preference_pairs`.
    """
    pairs = preference_pairs(pool, by, rule, margin, seed)
    require(
        len(pairs) > 0,
        "no prompt of this pool gives a pair: every prompt's rewards are equal. Sample more "
        "candidates, or use another reward.",
    )
    prompt = torch.tensor([p["prompt_index"] for p in pairs])
    return tuple(
        selected_examples(
            policy, Selection(pool, prompt, torch.tensor([p[f"{side}_index"] for p in pairs]))
        )
        for side in ("chosen", "rejected")
    )


def labelled_pairs(policy, rows):
    """The same from annotators' rows, dictionaries with "prompt", "chosen" and "rejected".

    Rows with two equal replies are left out.
    """
    rows = [row for row in rows if row["chosen"] != row["rejected"]]
    require(
        len(rows) > 0,
        "no pair to learn from: in every row the chosen and the rejected reply are the same.",
    )
    return tuple(
        examples_of(policy, [row["prompt"] for row in rows], [row[side] for row in rows])
        for side in ("chosen", "rejected")
    )


def dpo_loss(chosen, rejected, ref_chosen, ref_rejected, beta=0.1):
    """−log σ(β·margin), elementwise, and the two implicit rewards β log π_θ/π_ref.

    All (B,) sequence log-probabilities in nats.
    """
    better, worse = beta * (chosen - ref_chosen), beta * (rejected - ref_rejected)
    return bradley_terry_loss(better, worse), better.detach(), worse.detach()


def sums(policy, examples):
    """log π(y|x) (B,) of a batch, with gradients."""
    logits, targets, row = response_logits(policy, examples)
    flat = -torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none")
    return torch.zeros(len(examples), device=flat.device).index_add(0, row, flat)


def dpo(
    policy,
    pairs,
    beta=0.1,
    lr=3e-4,
    epochs=1.0,
    batch_size=32,
    accumulate=1,
    seed=0,
    reference=None,
    dtype=None,
    checkpoint=None,
    **settings,
):
    """Train a copy of ``policy`` on pairs; ``policy`` itself is unchanged and, unless ``reference``
    is given, is the reference.

    ``pairs``: what :func:`pairs_from` or :func:`labelled_pairs` gives. The reference reads each
    pair once, before training, so only one model is trained and the other can leave memory. Further
    settings are those of :func:`course_lib.methods.train`. The returned policy has
    ``training_log``, with ``steps``: accuracy (implicit reward of the chosen reply above the
    other's), margin, and the chosen replies' own reward, which often *falls*: the loss only asks
    for a difference.
    """
    chosen, rejected = pairs
    require(
        len(chosen) == len(rejected) and len(chosen) > 0,
        f"pairs must be two lists of the same length, not empty; got {len(chosen)} and "
        f"{len(rejected)}.",
    )
    require(
        beta > 0, f"beta must be above 0; got {beta}. At 0 the loss does not depend on the policy."
    )
    reference = reference or policy
    student = student_of(policy)
    with Account() as account:
        hold(policy=student.model, reference=reference.model)
        # the same precision as in training: the two are subtracted
        with autocast(student.device, dtype):
            before = [
                sequence_logprobs(reference, side).to(student.device) for side in (chosen, rejected)
            ]

        def loss_of(rows):
            both = sums(student, [chosen[i] for i in rows] + [rejected[i] for i in rows])
            loss, better, worse = dpo_loss(
                both[: len(rows)], both[len(rows) :], before[0][rows], before[1][rows], beta
            )
            facts = {
                "accuracy": (better > worse).float().mean().item(),
                "margin": (better - worse).mean().item(),
                "chosen_reward": better.mean().item(),
            }
            return loss.sum(), len(rows), facts

        key = (
            None
            if checkpoint is None
            else fingerprint(
                [
                    policy,
                    reference,
                    chosen,
                    rejected,
                    beta,
                    lr,
                    epochs,
                    batch_size,
                    accumulate,
                    seed,
                    str(dtype),
                    settings,
                ]
            )
        )
        log = train(
            student.model,
            loss_of,
            len(chosen),
            epochs=epochs,
            lr=lr,
            batch_size=batch_size,
            accumulate=accumulate,
            seed=seed,
            dtype=dtype,
            checkpoint=None if checkpoint is None else Path(checkpoint),
            key=key,
            label="dpo",
            **settings,
        )
    student.training_log = log
    log.account = account
    student.source = f"{policy.source} trained by dpo on {len(chosen)} pairs"
    return student
