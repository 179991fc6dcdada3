"""Log-probabilities of given responses under a policy, in nats."""

import inspect
from collections.abc import Sequence

import numpy as np
import torch

from ..base import note, require
from ..pools import Pool
from .adapters import check_adapter
from .attention import attention, shifts
from .loading import check_positions, drops, evaluating, to_device
from .packing import Packing
from .policy import Policy
from .projection import backbone_of, losses, losses_in_pieces, tokens_a_piece, weighted_loss
from .proving import packs

Example = tuple[Sequence[int], Sequence[int]]  # prompt ids, response ids


def batches_by_tokens(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Indices cut into groups of at most ``budget`` tokens, longest sequences first.

    A group holds at least one sequence.
    """
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    groups: list[list[int]] = []
    total = 0
    for i in order:
        if not groups or total + lengths[i] > budget:
            groups.append([])
            total = 0
        groups[-1].append(i)
        total += lengths[i]
    return groups


def response_logits(
    policy: Policy, examples: Sequence[Example]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits at every response token of a batch, and the tokens themselves.

    ``examples`` is a list of (prompt ids, response ids). Returns (logits (K, V), targets (K,), row
    (K,)) where K is the number of response tokens in the batch and ``row`` says which example each
    belongs to. Prompt positions are never projected to the vocabulary. Models that cannot take
    packed rows get a right-padded batch; the result is the same.
    """
    targets, row = _checked_targets(policy, examples)
    return _read(policy, examples, row, hidden=False), targets, row


def response_losses(
    policy: Policy, examples: Sequence[Example], temperature: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """−log π(token) in nats of every response token of a batch, with gradients when they are on.

    (losses (K,), targets (K,), row (K,)), as :func:`response_logits` counts them, under the model
    at ``temperature``. The logits of a large batch are never held together.
    """
    targets, row = _checked_targets(policy, examples)
    tokens = tokens_a_piece(policy.model, len(targets))
    read = _read(policy, examples, row, hidden=tokens is not None)
    if tokens is None:
        return losses(read, targets, temperature), targets, row
    return losses_in_pieces(policy.model, read, targets, tokens, temperature), targets, row


def summed_loss(
    policy: Policy, examples: Sequence[Example], weights: torch.Tensor | None = None
) -> tuple[torch.Tensor, int]:
    """The sum of :func:`response_losses` with ``weights`` (one an example), and K.

    For a large batch it is faster than to add them up, and needs as little memory.
    """
    targets, row = _checked_targets(policy, examples)
    tokens = tokens_a_piece(policy.model, len(targets))
    read = _read(policy, examples, row, hidden=tokens is not None)
    by_token = None if weights is None else weights.to(row.device)[row]  # (K,)
    if tokens is not None:
        if by_token is None:
            by_token = torch.ones(len(targets), device=row.device)
        return weighted_loss(policy.model, read, targets, by_token, tokens), len(targets)
    loss = losses(read, targets)
    if by_token is not None:
        loss = loss * by_token
    return loss.sum(), len(targets)


def _checked_targets(
    policy: Policy, examples: Sequence[Example]
) -> tuple[torch.Tensor, torch.Tensor]:
    """The response tokens (K,) and their examples (K,) of a batch that can be read, and is noted.

    Raises :class:`~course_lib.base.CourseError` for one that cannot.
    """
    device = policy.device
    check_adapter(policy.model)
    empty = sum(not prompt for prompt, _ in examples)
    require(
        empty == 0,
        f"{empty} prompts have no tokens, so nothing says what their replies begin from. Give them "
        "some text, or use a chat template.",
    )
    longest = max(len(prompt) + len(response) for prompt, response in examples)
    check_positions(policy.model, longest, "a prompt with its reply")
    read = sum(len(prompt) + len(response) for prompt, response in examples)
    note("trained" if torch.is_grad_enabled() else "read", policy.model, read)

    sizes = torch.tensor([len(response) for _, response in examples])  # (B,)
    row = torch.arange(len(examples)).repeat_interleave(sizes)  # (K,)
    responses = [token for _, response in examples for token in response]
    targets = torch.tensor(responses, dtype=torch.long)  # (K,)
    return to_device(targets, device), to_device(row, device)


def _read(
    policy: Policy, examples: Sequence[Example], row: torch.Tensor, hidden: bool
) -> torch.Tensor:
    """Logits (K, V), or ``hidden`` states, at the places before response tokens.

    ``row`` (K,) says which example each token belongs to.
    """
    if packs(policy.model):
        return _read_packed(policy, examples, hidden)
    if not shifts(policy.model):
        return _read_padded(policy, examples, row, hidden)
    # each alone: padding would count as length
    firsts = [torch.zeros_like(row[: len(response)]) for _, response in examples]
    return torch.cat(
        [
            _read_padded(policy, [one], first, hidden)
            for one, first in zip(examples, firsts, strict=True)
        ]
    )


def _read_packed(policy: Policy, examples: Sequence[Example], hidden: bool) -> torch.Tensor:
    """:func:`_read` with all examples laid end to end in one row."""
    device = policy.device
    rows = [[*prompt, *response] for prompt, response in examples]
    packing, ids = Packing.of_rows(rows, device, share=not drops(policy.model))
    predicting = []  # places whose logits are those of the next token, a response token
    start = 0
    for prompt, response in examples:
        first = start + len(prompt) - 1
        predicting.append(torch.arange(first, first + len(response)))
        start += len(prompt) + len(response)
    at = packing.of_sequences(to_device(torch.cat(predicting), device))  # (K,)
    inputs = {
        "input_ids": ids,  # (1, S)
        "position_ids": packing.positions,
        "use_cache": False,
        "packing": packing,
    }
    with attention(policy.model, "course_packed"):
        if hidden:
            return backbone_of(policy.model)(**inputs)[0][0].index_select(0, at)
        # a critic's number per token needs no saving
        if "logits_to_keep" in inspect.signature(policy.model.forward).parameters:
            return policy.model(**inputs, logits_to_keep=at).logits[0]
        return policy.model(**inputs).logits[0, at]


def _read_padded(
    policy: Policy, examples: Sequence[Example], row: torch.Tensor, hidden: bool
) -> torch.Tensor:
    """:func:`_read` from a batch padded on the right."""
    sequences = [torch.tensor([*prompt, *response]) for prompt, response in examples]
    ids = torch.nn.utils.rnn.pad_sequence(
        sequences, batch_first=True, padding_value=policy.pad_id
    )  # (B, L)
    lengths = torch.tensor([len(sequence) for sequence in sequences])  # (B,)
    mask = (torch.arange(ids.shape[1])[None] < lengths[:, None]).long()  # (B, L)
    predicting = [torch.arange(len(p) - 1, len(p) + len(r) - 1) for p, r in examples]
    column = to_device(torch.cat(predicting), policy.device)  # (K,)
    inputs = {
        "input_ids": to_device(ids, policy.device),
        "attention_mask": to_device(mask, policy.device),
        "use_cache": False,
    }
    if hidden:
        return backbone_of(policy.model)(**inputs)[0][row, column]
    return policy.model(**inputs).logits[row, column]  # of (B, L, V)


def token_logprobs(
    policy: Policy,
    examples: Sequence[Example],
    temperature: float = 1.0,
    budget: int = 8192,
) -> list[torch.Tensor]:
    """log π(token) in nats of every response token: float32 tensors, one per example.

    ``examples``: (prompt ids, response ids); the result is in their order. With a ``temperature``,
    under the model at that temperature. A forward pass reads at most ``budget`` tokens.
    """
    out: dict[int, torch.Tensor] = {}
    lengths = [len(prompt) + len(response) for prompt, response in examples]
    with evaluating(policy.model):
        for group in batches_by_tokens(lengths, budget):
            found, _, _ = response_losses(policy, [examples[i] for i in group], temperature)
            parts = (-found).cpu().split([len(examples[i][1]) for i in group])
            for i, part in zip(group, parts, strict=True):
                out[i] = part.clone()  # a part alone would keep its whole batch in memory
    return [out[i] for i in range(len(examples))]


def sequence_logprobs(
    policy: Policy,
    examples: Sequence[Example],
    temperature: float = 1.0,
    budget: int = 8192,
) -> torch.Tensor:
    """log π(y|x) in nats of every response, (K,) float32."""
    if not examples:
        return torch.zeros(0)
    parts = token_logprobs(policy, examples, temperature, budget)
    return torch.stack([part.sum() for part in parts])


def policy_kl(pool: Pool, base: Policy, temperature: float) -> np.ndarray:
    """(P,) mean of log π(y|x) − log π_ref(y|x) in nats over a pool's replies.

    Both are taken at the sampling temperature. A Monte Carlo estimate of KL(π ‖ π_ref).
    """
    assert pool.tokens is not None and pool.sampling_logprobs is not None
    examples = []
    for prompt, rows in zip(base.encode(pool.prompts), pool.tokens.tolist(), strict=True):
        for row in rows:
            examples.append((prompt, [token for token in row if token >= 0]))
    reference = sequence_logprobs(base, examples, temperature).reshape(pool.P, pool.N)
    written = pool.sampling_logprobs.sum(-1)  # (P, N)
    return (written - reference).double().mean(1).numpy()
