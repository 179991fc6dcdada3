"""Attention of many short groups of queries over their own keys, with its log-sum-exp.

Where a softmax is taken over two sets of keys (a prompt's, and a candidate's own), it can be taken
over each alone and joined afterwards, if each part also returns the logarithm of the sum of its
exponentials. The fused kernels of PyTorch do. They read keys where they lie, so nothing is copied
and no grouped head is repeated: the G query heads of a key-value head are G queries of one head.

Two kernels of CUDA, and :func:`plain_part`, which is what they compute. They are called through
the operators below ``torch.nn.functional``, which do not return the log-sum-exp. Their arguments
and shapes are those of torch 2.11 to 2.13; whether a kernel gives what it should on this machine is
tried before it is used (``proving.py``).

Letters in shapes: B groups; group b has some of the S queries, in order, and K key slots of which
the first ``seen[b]`` count; Hkv key-value heads of D numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass
class Groups:
    """Which queries and keys belong together.

    ``ends`` (B + 1,) int32: group b's queries are ``ends[b]`` to ``ends[b + 1]``, at most
    ``widest`` of them. ``slots`` is K; ``key_ends`` (B + 1,) int32 its multiples.
    """

    ends: torch.Tensor
    widest: int
    slots: int
    key_ends: torch.Tensor

    @classmethod
    def of(cls, counts: torch.Tensor, widest: int, slots: int) -> "Groups":
        """Groups of ``counts`` (B,) queries, the largest of them ``widest``, on K = ``slots``."""
        zero = counts.new_zeros(1)
        ends = torch.cat([zero, counts.cumsum(0)]).int()
        key_ends = torch.arange(len(counts) + 1, device=counts.device, dtype=torch.int32) * slots
        return cls(ends, widest, slots, key_ends)


# (query (S, Hkv, D), key (B·K, Hkv, D), value (B·K, Hkv, D), groups, seen (B,) int32, scale)
# → (out (S, Hkv, D), log-sum-exp (S, Hkv) float32; where nothing is seen: anything)
Part = Callable[
    [torch.Tensor, torch.Tensor, torch.Tensor, Groups, torch.Tensor, float],
    tuple[torch.Tensor, torch.Tensor],
]


def plain_part(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    groups: Groups,
    seen: torch.Tensor,
    scale: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the kernels compute, in plain operations and without any saving."""
    S, Hkv, D = query.shape
    B, K = len(seen), groups.slots
    places = torch.arange(S, device=query.device)
    owner = torch.searchsorted(groups.ends[1:].long(), places, right=True)  # (S,)
    keys = key.view(B, K, Hkv, D)[owner].float()  # (S, K, Hkv, D)
    values = value.view(B, K, Hkv, -1)[owner].float()
    scores = torch.einsum("shd,skhd->shk", query.float(), keys) * scale
    counts = torch.arange(K, device=query.device) < seen[owner][:, None]  # (S, K)
    scores = scores.masked_fill(~counts[:, None], float("-inf"))
    total = scores.logsumexp(-1)  # (S, Hkv)
    weights = (scores - total[..., None]).exp().nan_to_num(0.0)
    return torch.einsum("shk,skhd->shd", weights, values).to(query.dtype), total


def flash_part(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    groups: Groups,
    seen: torch.Tensor,
    scale: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Flash attention: half precision, on cards from compute capability 8.0 on."""
    out, total, *_ = torch.ops.aten._flash_attention_forward(
        query,
        key,
        value,
        groups.ends,
        groups.key_ends,
        groups.widest,
        groups.slots,
        0.0,  # dropout
        False,  # causal
        False,  # return_debug_mask
        scale=scale,
        seqused_k=seen,
    )
    return out, total.transpose(0, 1)  # it gives (Hkv, S)


def efficient_part(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    groups: Groups,
    seen: torch.Tensor,
    scale: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Memory-efficient attention: older cards too, such as a T4, and float32."""
    out, total, *_ = torch.ops.aten._efficient_attention_forward(
        query[None],
        key[None],
        value[None],
        None,  # bias
        groups.ends,
        groups.key_ends,
        groups.widest,
        groups.slots,
        0.0,  # dropout
        0,  # no mask but the ends
        True,  # with the log-sum-exp
        scale=scale,
        seqlen_k=seen,
    )
    # it gives (B, Hkv, at least the widest): each query's place in its group
    S = len(query)
    places = torch.arange(S, device=query.device, dtype=torch.int32)
    owner = torch.searchsorted(groups.ends[1:], places, right=True)  # (S,)
    inside = places - groups.ends[owner]
    return out[0], total[owner, :, inside.long()]


def fused_part(model: torch.nn.Module) -> Part | None:
    """The kernel for a model's device and precision, or None where there is none."""
    weight = next(model.parameters())
    if weight.device.type != "cuda":
        return None
    newer = torch.cuda.get_device_capability(weight.device) >= (8, 0)
    half = weight.dtype in (torch.float16, torch.bfloat16)
    return flash_part if newer and half else efficient_part


def joined(
    one: torch.Tensor,
    one_total: torch.Tensor,
    other: torch.Tensor,
    other_total: torch.Tensor,
    sinks: torch.Tensor | None = None,
) -> torch.Tensor:
    """Attention over two sets of keys, from that over each: (S, Hkv, D).

    ``one``, ``other`` (S, Hkv, D) and their log-sum-exps (S, Hkv), −infinity where a set is empty;
    never both. ``sinks`` (S, Hkv): a logit that takes its share of the softmax and gives nothing.
    """
    top = torch.maximum(one_total, other_total)
    if sinks is not None:
        top = torch.maximum(top, sinks)
    first = (one_total - top).exp()
    second = (other_total - top).exp()
    total = first + second
    if sinks is not None:
        total = total + (sinks - top).exp()
    out = one * (first / total)[..., None] + other * (second / total)[..., None]
    return out.to(one.dtype)
