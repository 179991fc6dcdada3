"""Log-probabilities of given responses under a policy, in nats."""

import inspect

import torch

from ..base import note
from .attention import Packing, attention, supports
from .loading import evaluating


def batches_by_tokens(lengths, budget):
    """Indices cut into consecutive groups, longest sequences first, of at most ``budget`` tokens
    (at least one sequence).
    """
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    groups, total = [], 0
    for i in order:
        if not groups or total + lengths[i] > budget:
            groups.append([])
            total = 0
        groups[-1].append(i)
        total += lengths[i]
    return groups


def response_logits(policy, examples):
    """Logits at every response token of a batch, and the tokens themselves.

    ``examples`` is a list of (prompt ids, response ids). Returns (logits (K, V), targets (K,), row
    (K,)) where K is the number of response tokens in the batch and ``row`` says which example each
    belongs to. Prompt positions are never projected to the vocabulary. Models that cannot take
    packed rows get a right-padded batch; the result is the same.
    """
    device = policy.device
    lengths = [len(p) + len(r) for p, r in examples]
    note("trained" if torch.is_grad_enabled() else "read", policy.model, sum(lengths))
    sizes = torch.tensor([len(r) for _, r in examples])
    targets = torch.tensor([t for _, r in examples for t in r], device=device)
    row = torch.arange(len(examples)).repeat_interleave(sizes).to(device)
    if supports(policy.model):
        starts = torch.tensor([0, *lengths[:-1]]).cumsum(0)
        at = torch.cat(
            [
                torch.arange(s + len(p) - 1, s + len(p) + len(r) - 1)
                for s, (p, r) in zip(starts.tolist(), examples, strict=True)
            ]
        ).to(device)
        packing = Packing.of(lengths, device)
        ids = torch.tensor([[t for p, r in examples for t in (*p, *r)]], device=device)
        # a critic's number per token needs no saving
        keeps = "logits_to_keep" in inspect.signature(policy.model.forward).parameters
        with attention(policy.model, "course_packed"):
            logits = policy.model(
                input_ids=ids,
                position_ids=packing.positions,
                use_cache=False,
                packing=packing,
                **({"logits_to_keep": at} if keeps else {}),
            ).logits[0]
        logits = logits if keeps else logits[at]
    else:
        ids = torch.nn.utils.rnn.pad_sequence(
            [torch.tensor([*p, *r]) for p, r in examples],
            batch_first=True,
            padding_value=policy.tokenizer.pad_token_id,
        ).to(device)
        mask = (torch.arange(ids.shape[1])[None] < torch.tensor(lengths)[:, None]).long().to(device)
        column = torch.cat([torch.arange(len(p) - 1, len(p) + len(r) - 1) for p, r in examples]).to(
            device
        )
        logits = policy.model(input_ids=ids, attention_mask=mask, use_cache=False).logits[
            row, column
        ]
    return logits, targets, row


def token_logprobs(policy, examples, temperature=1.0, budget=8192):
    """log π(token) in nats of every response token: a list of float32 tensors, one per example, in
    the order given.

    ``examples``: (prompt ids, response ids). With a ``temperature``, under the model at that
    temperature.
    """
    out = [None] * len(examples)
    with evaluating(policy.model):
        for group in batches_by_tokens([len(p) + len(r) for p, r in examples], budget):
            logits, targets, _ = response_logits(policy, [examples[i] for i in group])
            logp = -torch.nn.functional.cross_entropy(
                logits.float() / temperature, targets, reduction="none"
            )
            for i, part in zip(
                group, logp.cpu().split([len(examples[i][1]) for i in group]), strict=True
            ):
                out[i] = part.clone()
    return out


def sequence_logprobs(policy, examples, temperature=1.0, budget=8192):
    """log π(y|x) in nats of every response, (K,) float32."""
    return (
        torch.stack([part.sum() for part in token_logprobs(policy, examples, temperature, budget)])
        if examples
        else torch.zeros(0)
    )


def policy_kl(pool, base, temperature):
    """(P,) mean of log π(y|x) − log π_ref(y|x) in nats over a pool's replies, both at the sampling
    temperature: a Monte Carlo estimate of KL(π ‖ π_ref).
    """
    prompts = base.encode(pool.prompts)
    examples = [
        (prompts[i], [t for t in row if t >= 0])
        for i in range(pool.P)
        for row in pool.tokens[i].tolist()
    ]
    reference = sequence_logprobs(base, examples, temperature).reshape(pool.P, pool.N)
    return (pool.sampling_logprobs.sum(-1) - reference).double().mean(1).numpy()
