"""Drawing a token: one uniform a token, the inverse of the cumulative distribution."""

import math
from collections.abc import Sequence

import numpy as np
import torch

LARGE = 4096  # tokens; up to here one float32 sum over the vocabulary is exact enough
BLOCK = 512  # tokens that are first looked for together in a larger one


def uniforms(
    seed: int,
    prompts: torch.Tensor | Sequence[int],
    candidates: torch.Tensor | Sequence[int],
    length: int,
) -> np.ndarray:
    """(R, length) float64 in [0, 1): row r is the stream of one candidate.

    It is candidate ``candidates[r]`` of prompt ``prompts[r]``.
    """
    out = np.empty((len(prompts), length))  # (R, length)
    for row, i, j in zip(out, prompts, candidates, strict=True):
        # one key per (seed, prompt, candidate): a stream does not depend on the others
        key = np.array([seed, (int(i) << 32) | int(j)], dtype=np.uint64)
        np.random.Generator(np.random.Philox(key=key)).random(out=row)
    return out


def filtered(weights: torch.Tensor, top_k: int = 0, top_p: float = 1.0) -> torch.Tensor:
    """``weights`` (R, V) with zeros outside the top-k and the top-p nucleus.

    The weights need not sum to one. The nucleus is the smallest set of most likely tokens whose
    probability reaches ``top_p``; it always holds one token.
    """
    if top_k and top_k < weights.shape[-1]:
        kth = weights.topk(top_k, dim=-1).values[:, -1:]  # (R, 1)
        weights = weights.masked_fill(weights < kth, 0.0)
    if top_p < 1.0:
        # stable, so that ties fall in the order of the vocabulary
        ordered, index = weights.sort(dim=-1, descending=True, stable=True)  # (R, V) each
        before = ordered.cumsum(-1) - ordered  # (R, V) weight of all likelier tokens
        dropped = before >= top_p * ordered.sum(-1, keepdim=True)  # (R, V)
        dropped[:, 0] = False
        outside = torch.zeros_like(dropped).scatter(-1, index, dropped)  # in vocabulary order
        weights = weights.masked_fill(outside, 0.0)
    return weights


def draw(
    logits: torch.Tensor,
    u: torch.Tensor,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """One token per row by inverse CDF, with its two log-probabilities.

    logits (R, V), u (R,) in [0, 1). Returns tokens (R,), their log-probability under the model
    (temperature 1, unfiltered) and under the distribution sampled from, both (R,) in nats.
    Temperature 0 takes the most likely token. Logits that are NaN or +infinite give a
    log-probability that is NaN.
    """
    if temperature == 0:
        logits = logits.float()
        best, token = logits.max(-1)  # (R,) each
        logp = best - logits.logsumexp(-1)
        return token, logp, torch.zeros_like(logp)

    plain = temperature == 1.0 and top_p >= 1.0 and not top_k
    scaled = logits if temperature == 1.0 else logits.float() / temperature  # (R, V)
    top = scaled.amax(-1, keepdim=True).float()  # (R, 1)
    weights = (scaled - top).exp_()  # (R, V), float32 whatever the logits are
    if not plain:
        weights = filtered(weights, top_k, top_p)

    find = _found if weights.shape[-1] <= LARGE else _found_by_blocks
    token, total = find(weights, u[:, None])  # (R, 1) each
    # where logits are NaN the search runs off the end; the NaN log-probability tells the caller
    token = token.clamp(max=weights.shape[-1] - 1)

    logp_sampling = weights.gather(1, token).log() - total.log().float()  # (R, 1)
    if plain:
        logp = logp_sampling
    else:
        logp = logits.gather(1, token).float() - logits.float().logsumexp(-1, keepdim=True)
    return token[:, 0], logp[:, 0], logp_sampling[:, 0]


def _found(weights: torch.Tensor, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The token where the cumulated ``weights`` (R, V) pass u · total, and the total: (R, 1) each.

    ``u`` (R, 1) in [0, 1). Never a token of weight 0.
    """
    cdf = weights.cumsum(-1)  # (R, V), not divided by its total
    total = cdf[:, -1:].contiguous()  # (R, 1)
    return _search(cdf, u.to(cdf.dtype) * total, total), total


def _found_by_blocks(weights: torch.Tensor, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The same over a large vocabulary: first the block of tokens, then the token within it.

    Over so many tokens float32 sums would round those of little probability away, and float64
    sums of all of them cost more than the model's last layer: so only the blocks' are.
    """
    R, V = weights.shape
    size = math.gcd(V, BLOCK)
    if size < BLOCK // 8:  # no block divides the vocabulary
        weights = torch.nn.functional.pad(weights, (0, -V % BLOCK))
        size = BLOCK
    blocks = weights.view(R, -1, size)
    exact = exact_floats(weights.device)
    sums = blocks.sum(-1).to(exact)  # (R, V / size)
    cdf = sums.cumsum(-1)
    total = cdf[:, -1:].contiguous()
    wanted = u.to(exact) * total  # (R, 1)
    block = _search(cdf, wanted, total).clamp(max=cdf.shape[-1] - 1)
    before = cdf.gather(1, block) - sums.gather(1, block)
    inside = blocks.gather(1, block[..., None].expand(-1, 1, size))[:, 0]  # (R, size)
    cdf = inside.to(exact).cumsum(-1)
    token = _search(cdf, (wanted - before).clamp(min=0), cdf[:, -1:].contiguous())
    return block * size + token, total


def _search(cdf: torch.Tensor, wanted: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
    """(R, 1) where each row of ``cdf`` passes ``wanted`` (R, 1), at a place of some weight."""
    place = torch.searchsorted(cdf, wanted, right=True)
    # wanted may have been rounded up to the total: then the last place that has any weight
    return torch.minimum(place, torch.searchsorted(cdf, total))


def exact_floats(device: torch.device) -> torch.dtype:
    """float64, or float32 on a device that has no other: Apple's."""
    return torch.float32 if device.type == "mps" else torch.float64
