"""Supervised fine-tuning on a selection, and rounds of rejection-sampling fine-tuning.

The loss is the mean negative log-probability of response tokens, the end token included and the
prompt left out. Rows of different lengths are packed end to end, so no step computes padding.

What this leaves out, against Llama 2 (2307.09288): a separate larger model that samples for smaller
ones, and PPO on top.
"""

from pathlib import Path

import torch

from ..base import read_json, require, write_json
from ..models import load_policy, response_logits, token_logprobs
from ..pools import STOP, Selection
from .optimiser import TrainingLog, train
from .stages import fingerprint


def sft_loss(policy, examples, weights=None):
    """Summed negative log-probability, in nats, of the response tokens of a batch of (prompt ids,
    response ids).

    ``weights`` (one per example) scales each example's tokens. Returns (sum, number of response
    tokens).
    """
    logits, targets, row = response_logits(policy, examples)
    loss = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none")
    if weights is not None:
        loss = loss * torch.as_tensor(weights, dtype=torch.float32, device=loss.device)[row]
    return loss.sum(), len(targets)


def selected_examples(policy, selection):
    """(prompt ids, response ids) of every kept candidate.

    Sampled tokens are used as they are when ``policy`` wrote them in its own vocabulary; texts are
    tokenized otherwise. A reply that was cut at the token limit gets no end token: the model must
    not learn to stop in mid-sentence.
    """
    pool = selection.pool
    own = pool.tokens is not None and pool.provenance.vocabulary == policy.vocabulary
    i, j = selection.prompt_index, selection.candidate_index
    prompt_ids = policy.encode(pool.prompts)
    if own:
        responses = [[t for t in row if t >= 0] for row in pool.tokens[i, j].tolist()]
    else:
        responses = policy.encode_responses(selection.texts)
        responses = [
            row if done else row[:-1]
            for row, done in zip(responses, (pool.finish[i, j] == STOP).tolist(), strict=True)
        ]
    examples = [(prompt_ids[p], r) for p, r in zip(i.tolist(), responses, strict=True)]
    return examples


def finetune(
    policy,
    selection,
    epochs=2.0,
    lr=1e-3,
    batch_size=32,
    weights=None,
    dtype=None,
    checkpoint=None,
    seed=0,
    also=(),
    **settings,
):
    """A copy of ``policy`` trained on the selected candidates; ``policy`` itself is unchanged.

    ``selection`` is a :class:`~course_lib.pools.Selection` (its weights count unless ``weights``
    are given) or a list of (prompt, text) pairs. ``also``: more (prompt, text) pairs to train on,
    such as the original SFT data (RFT, 2308.01825), with weight 1. ``dtype`` float16 or bfloat16:
    mixed precision on a GPU, with weights kept in float32 while training. ``checkpoint``: a file
    for interrupted runs; delete it once the result is saved. Further settings are those of
    :func:`course_lib.methods.train`. The returned policy carries ``training_log``. Raises when
    nothing was selected or a response is empty.
    """
    if isinstance(selection, Selection):
        examples = selected_examples(policy, selection)
        weights = selection.weights if weights is None else weights
    else:
        pairs = list(selection)
        examples = list(
            zip(
                policy.encode([p for p, _ in pairs]),
                policy.encode_responses([t for _, t in pairs]),
                strict=True,
            )
        )
    extra = list(also)
    examples += list(
        zip(
            policy.encode([p for p, _ in extra]),
            policy.encode_responses([t for _, t in extra]),
            strict=True,
        )
    )
    if weights is not None and extra:
        weights = torch.cat([torch.as_tensor(weights, dtype=torch.float32), torch.ones(len(extra))])
    require(
        len(examples) > 0,
        "nothing to fine-tune on: the selection kept no candidate. Lower the threshold, sample "
        "more candidates, or check the reward.",
    )
    require(
        weights is None or len(weights) == len(examples),
        f"there are {len(examples)} replies but {0 if weights is None else len(weights)} "
        "weights; give one weight a reply.",
    )
    examples_with_text = [k for k, (_, r) in enumerate(examples) if r]
    require(
        len(examples_with_text) == len(examples),
        f"{len(examples) - len(examples_with_text)} selected responses have no tokens at all; "
        "leave them out of the selection.",
    )
    student = policy.copy()
    half = next(student.model.parameters()).dtype
    student.model.float()
    weights = (
        None
        if weights is None or bool((torch.as_tensor(weights) == 1).all())
        else torch.as_tensor(weights, dtype=torch.float32)
    )

    def loss_of(indices):
        return sft_loss(
            student, [examples[i] for i in indices], None if weights is None else weights[indices]
        )

    key = (
        None
        if checkpoint is None
        else fingerprint([policy, examples, weights, epochs, lr, batch_size, seed, str(dtype)])
    )
    log = train(
        student.model,
        loss_of,
        len(examples),
        epochs=epochs,
        lr=lr,
        batch_size=batch_size,
        dtype=dtype,
        seed=seed,
        checkpoint=None if checkpoint is None else Path(checkpoint),
        key=key,
        label="fine-tuning",
        **settings,
    )
    student.model.to(half)
    student.source = f"{policy.source} fine-tuned on {len(examples)} replies"
    student.training_log = log
    return student


def held_out_loss(policy, examples):
    """(K,) negative log-probability per response token, in nats, of each (prompt ids, response
    ids).
    """
    return torch.tensor([float(-part.mean()) for part in token_logprobs(policy, examples)])


def trained(policy, selection, settings, stages=None, name="policy"):
    """:func:`finetune`, kept on disk and resumed from its checkpoint when ``stages`` is given."""
    if stages is None:
        return finetune(policy, selection, **settings)
    examples = selected_examples(policy, selection)
    keyed = {k: str(v) if k == "dtype" else v for k, v in settings.items()}

    def make(folder, partial):
        student = finetune(policy, selection, checkpoint=partial / "checkpoint.pt", **settings)
        student.save(folder / "model")
        log = student.training_log
        write_json(
            folder / "log.json",
            {"losses": log.losses, "tokens": log.tokens, "seconds": log.seconds},
        )

    def load(folder):
        student = load_policy(
            folder / "model",
            device=policy.device,
            dtype=next(policy.model.parameters()).dtype,
            system=policy.system,
            template=policy.template,
        )
        student.training_log = TrainingLog(**read_json(folder / "log.json"))
        return student

    return stages.stage(
        name,
        {
            "policy": policy,
            "examples": examples,
            "weights": selection.weights.tolist(),
            "settings": keyed,
        },
        make,
        load,
    )
