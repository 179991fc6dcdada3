"""Supervised fine-tuning on a selection.

The loss is the mean negative log-probability of response tokens, the end token included and the
prompt left out. Rows of different lengths are packed end to end, so no step computes padding.

What this leaves out, against Llama 2 (2307.09288): a separate larger model that samples for smaller
ones, and PPO on top.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ..base import Hooks, Prompt, changed, check_prompt, key_of, read_json, require, write_json
from ..models import Policy, load_policy, resting, summed_loss, token_logprobs
from ..pools import STOP, Selection
from .optimiser import Checkpoint, TrainingLog, train
from .parallel import processes
from .precision import to_float32, to_own_precision
from .settings import FineTuning, Training
from .stages import Stages, fingerprint

Example = tuple[Sequence[int], Sequence[int]]  # (prompt ids, response ids)
Pair = tuple[Prompt, str] | Mapping[str, Any]  # a mapping: "prompt" and one of TEXTS
TEXTS = ("completion", "response", "text")  # what the reply of a mapping may be called
Weights = Sequence[float] | torch.Tensor  # one number a reply


def sft_loss(
    policy: Policy, examples: Sequence[Example], weights: Weights | None = None
) -> tuple[torch.Tensor, int]:
    """Summed negative log-probability, in nats, of the response tokens of a batch of examples.

    ``weights`` (one per example) scales each example's tokens. Returns (sum, number of response
    tokens).
    """
    if weights is not None:
        weights = torch.as_tensor(weights, dtype=torch.float32)
    return summed_loss(policy, examples, weights)


def selected_examples(policy: Policy, selection: Selection) -> list[Example]:
    """(prompt ids, response ids) of every kept candidate.

    Sampled tokens are used as they are when ``policy`` wrote them in its own vocabulary and ended
    them itself; texts are tokenized otherwise, also those that something else ended (a stop text),
    so that the model learns to end there. A reply that was cut at the token limit gets no end
    token: the model must not learn to stop in mid-sentence.
    """
    pool = selection.pool
    rows, columns = selection.prompt_index, selection.candidate_index
    ended = (pool.finish[rows, columns] == STOP).tolist()
    responses = _own_tokens(policy, selection, ended)
    lacking = [k for k, row in enumerate(responses) if row is None]
    texts = selection.texts
    whole = policy.encode_responses([texts[k] for k in lacking])  # each with its end token
    for k, row in zip(lacking, whole, strict=True):
        responses[k] = row if ended[k] else row[:-1]
    prompt_ids = policy.encode(pool.prompts)
    return [(prompt_ids[i], row) for i, row in zip(rows.tolist(), responses, strict=True)]


def _own_tokens(
    policy: Policy, selection: Selection, ended: Sequence[bool]
) -> list[list[int] | None]:
    """The tokens of each kept candidate that ``policy`` wrote and ended; None for the others."""
    pool = selection.pool
    if pool.tokens is None or pool.provenance.vocabulary != policy.vocabulary:
        return [None] * len(ended)
    kept = pool.tokens[selection.prompt_index, selection.candidate_index].tolist()
    written = [[token for token in row if token >= 0] for row in kept]  # (K, T) padded with -1
    ends = set(policy.stop_ids)
    return [
        row if not end or (row and row[-1] in ends) else None
        for row, end in zip(written, ended, strict=True)
    ]


def finetune(
    policy: Policy,
    selection: Selection | Iterable[Pair],
    settings: Training = FineTuning(),
    *,
    weights: Weights | None = None,
    also: Iterable[Pair] = (),
    checkpoint: str | Path | None = None,
    hooks: Hooks = Hooks(),
    **changes: Any,
) -> Policy:
    """A copy of ``policy`` trained on the selected candidates; ``policy`` itself is unchanged.

    ``selection`` is a :class:`~course_lib.pools.Selection` (its weights count unless ``weights``
    are given) or a list of (prompt, text) pairs; a dictionary with "prompt" and "completion" is a
    pair too. ``also``: more pairs to train on, such as the original SFT data (RFT, 2308.01825),
    with weight 1. ``changes`` are fields of ``settings``: epochs, lr, batch_size and so on. With
    ``dtype`` float16 or bfloat16 weights are kept in float32 while training. With ``lora`` the copy
    gets an adapter, and only that is trained and saved. On a GPU ``policy`` rests in the computer's
    memory meanwhile. ``checkpoint``: a file for interrupted runs; delete it once the result is
    saved. The returned policy carries ``training_log``.
    Raises when nothing was selected or a response is empty.
    """
    settings = changed(settings, changes).normal()
    examples, weights = _examples_and_weights(policy, selection, weights, also)
    student = policy.copy().adapted(settings.lora, settings.seed)
    own = to_float32(student.model, settings.dtype)

    def loss_of(indices: list[int]) -> tuple[torch.Tensor, int]:
        part = [examples[i] for i in indices]
        return sft_loss(student, part, None if weights is None else weights[indices])

    kept = None
    if checkpoint is not None:
        key = fingerprint([policy, examples, weights, key_of(settings)])
        kept = Checkpoint(Path(checkpoint), key)
    with resting(policy.model), processes().laid_out(student, loss_of):
        log = train(
            student.model,
            loss_of,
            len(examples),
            settings,
            checkpoint=kept,
            hooks=hooks,
            label="fine-tuning",
        )
    to_own_precision(student.model, own)
    student.source = f"{policy.source} fine-tuned on {len(examples)} replies"
    student.training_log = log
    return student


def _examples_and_weights(
    policy: Policy,
    selection: Selection | Iterable[Pair],
    weights: Weights | None,
    more: Iterable[Pair],
) -> tuple[list[Example], torch.Tensor | None]:
    """What :func:`finetune` trains on, and its weights: None when all are 1."""
    if isinstance(selection, Selection):
        examples = selected_examples(policy, selection)
        weights = selection.weights if weights is None else weights
    else:
        examples = _encoded(policy, checked_pairs(selection))
    also = checked_pairs(more, "also")
    examples += _encoded(policy, also)
    if weights is not None and also:
        own = torch.as_tensor(weights, dtype=torch.float32)
        weights = torch.cat([own, torch.ones(len(also))])
    require(
        len(examples) > 0,
        "nothing to fine-tune on: the selection kept no candidate. Lower the threshold, sample "
        "more candidates, or check the reward.",
    )
    count = 0 if weights is None else len(weights)
    require(
        weights is None or count == len(examples),
        f"there are {len(examples)} replies but {count} weights; give one weight a reply.",
    )
    empty = sum(not response for _, response in examples)
    require(
        empty == 0,
        f"{empty} selected responses have no tokens at all; leave them out of the selection.",
    )
    if weights is None or bool((torch.as_tensor(weights) == 1).all()):
        return examples, None
    return examples, torch.as_tensor(weights, dtype=torch.float32)


def checked_pairs(pairs: Iterable[Pair], name: str = "selection") -> list[tuple[Prompt, str]]:
    """``pairs`` as a list of (prompt, text).

    Raises :class:`~course_lib.base.CourseError` for anything else, with its position.
    """
    require(
        isinstance(pairs, Iterable) and not isinstance(pairs, str | bytes | Mapping),
        f"{name} must be a list of (prompt, text) pairs; got one {type(pairs).__name__}. For one "
        "pair, write [(prompt, text)].",
    )
    return [_checked_pair(pair, f"pair {i} of {name}") for i, pair in enumerate(pairs)]


def _checked_pair(pair: Any, name: str) -> tuple[Prompt, str]:
    wanted = 'expected (prompt, text), or a dictionary with "prompt" and "completion"'
    if isinstance(pair, Mapping):
        found = [key for key in TEXTS if key in pair]
        require(
            "prompt" in pair and len(found) == 1,
            f"{name} has the names {', '.join(map(str, pair))}; {wanted}.",
        )
        pair = (pair["prompt"], pair[found[0]])
    shown = f"{len(pair)} items" if isinstance(pair, list | tuple) else type(pair).__name__
    require(isinstance(pair, list | tuple) and len(pair) == 2, f"{name} is {shown}; {wanted}.")
    prompt, text = pair
    check_prompt(prompt, f"the prompt in {name}")
    require(
        isinstance(text, str),
        f"the text in {name} must be a string; got {type(text).__name__}.",
    )
    return prompt, text


def _encoded(policy: Policy, pairs: list[tuple[Prompt, str]]) -> list[Example]:
    """(prompt ids, response ids with the end token) of (prompt, text) pairs."""
    prompts = policy.encode([prompt for prompt, _ in pairs])
    responses = policy.encode_responses([text for _, text in pairs])
    return list(zip(prompts, responses, strict=True))


def held_out_loss(policy: Policy, examples: Sequence[Example]) -> torch.Tensor:
    """(K,) negative log-probability per response token, in nats, of each example."""
    return torch.tensor([float(-part.mean()) for part in token_logprobs(policy, examples)])


def trained(
    policy: Policy,
    selection: Selection,
    settings: Training,
    stages: Stages | None = None,
    name: str = "policy",
    hooks: Hooks = Hooks(),
) -> Policy:
    """:func:`finetune`, kept on disk and resumed from its checkpoint when ``stages`` is given."""
    settings = settings.normal()
    if stages is None:
        return finetune(policy, selection, settings, hooks=hooks)

    def make(folder: Path, partial: Path) -> None:
        file = stages.checkpoint(partial)
        student = finetune(policy, selection, settings, checkpoint=file, hooks=hooks)
        student.save(folder / "model")
        log = student.training_log
        kept = {name: vars(log)[name] for name in ("losses", "tokens", "seconds", "skipped")}
        write_json(folder / "log.json", kept)

    def load(folder: Path) -> Policy:
        student = load_policy(
            folder / "model",
            device=policy.device,
            dtype=next(policy.model.parameters()).dtype,
            system=policy.system,
            template=policy.template,
        )
        student.training_log = TrainingLog(**read_json(folder / "log.json"))
        return student

    inputs = {
        "policy": policy,
        "examples": selected_examples(policy, selection),
        "weights": selection.weights.tolist(),
        "settings": key_of(settings),
    }
    return stages.stage(name, inputs, make, load)
