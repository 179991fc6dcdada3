"""Log-probabilities of given responses under a policy, in nats."""

import inspect
from collections.abc import Sequence

import numpy as np
import torch

from ..base import note, require
from ..pools import Pool
from .adapters import check_adapter
from .attention import attention, shifts
from .loading import check_positions, evaluating
from .packing import Packing
from .policy import Policy
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
    row = torch.arange(len(examples)).repeat_interleave(sizes).to(device)  # (K,)
    responses = [token for _, response in examples for token in response]
    targets = torch.tensor(responses, dtype=torch.long, device=device)  # (K,)
    if packs(policy.model):
        logits = _packed_logits(policy, examples)
    elif shifts(policy.model):  # each alone: padding would count as length
        counts = sizes.tolist()
        firsts = [torch.zeros(count, dtype=torch.long, device=device) for count in counts]
        logits = torch.cat(
            [
                _padded_logits(policy, [one], first)
                for one, first in zip(examples, firsts, strict=True)
            ]
        )
    else:
        logits = _padded_logits(policy, examples, row)
    return logits, targets, row


def _packed_logits(policy: Policy, examples: Sequence[Example]) -> torch.Tensor:
    """(K, V) logits at the response tokens, from all examples laid end to end in one row."""
    device = policy.device
    packed: list[int] = []
    predicting = []  # places whose logits are those of the next token, a response token
    for prompt, response in examples:
        first = len(packed) + len(prompt) - 1
        predicting.append(torch.arange(first, first + len(response)))
        packed += [*prompt, *response]
    at = torch.cat(predicting).to(device)  # (K,)
    ids = torch.tensor([packed], device=device)  # (1, S)
    packing = Packing.of([len(p) + len(r) for p, r in examples], device)

    # a critic's number per token needs no saving
    saves = "logits_to_keep" in inspect.signature(policy.model.forward).parameters
    only = {"logits_to_keep": at} if saves else {}
    with attention(policy.model, "course_packed"):
        logits = policy.model(
            input_ids=ids,
            position_ids=packing.positions,
            use_cache=False,
            packing=packing,
            **only,
        ).logits[0]
    return logits if saves else logits[at]


def _padded_logits(policy: Policy, examples: Sequence[Example], row: torch.Tensor) -> torch.Tensor:
    """(K, V) logits at the response tokens, from a batch padded on the right."""
    sequences = [torch.tensor([*prompt, *response]) for prompt, response in examples]
    ids = torch.nn.utils.rnn.pad_sequence(
        sequences, batch_first=True, padding_value=policy.pad_id
    )  # (B, L)
    lengths = torch.tensor([len(sequence) for sequence in sequences])  # (B,)
    mask = (torch.arange(ids.shape[1])[None] < lengths[:, None]).long()  # (B, L)
    predicting = [torch.arange(len(p) - 1, len(p) + len(r) - 1) for p, r in examples]
    column = torch.cat(predicting).to(policy.device)  # (K,)
    logits = policy.model(
        input_ids=ids.to(policy.device),
        attention_mask=mask.to(policy.device),
        use_cache=False,
    ).logits  # (B, L, V)
    return logits[row, column]


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
            logits, targets, _ = response_logits(policy, [examples[i] for i in group])
            logp = -torch.nn.functional.cross_entropy(
                logits.float() / temperature, targets, reduction="none"
            )  # (K,)
            parts = logp.cpu().split([len(examples[i][1]) for i in group])
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
