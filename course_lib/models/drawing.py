"""Drawing a token: one uniform a token, the inverse of the cumulative distribution."""

from collections.abc import Sequence

import numpy as np
import torch


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
    logits = logits.float()
    if temperature == 0:
        best, token = logits.max(-1)  # (R,) each
        logp = best - logits.logsumexp(-1)
        return token, logp, torch.zeros_like(logp)

    plain = temperature == 1.0 and top_p >= 1.0 and not top_k
    scaled = logits if temperature == 1.0 else logits / temperature  # (R, V)
    top = scaled.amax(-1, keepdim=True)  # (R, 1)
    weights = (scaled - top).exp_()  # (R, V)
    if not plain:
        weights = filtered(weights, top_k, top_p)

    # over a large vocabulary float32 sums would round tokens of little probability away
    precision = torch.float64 if weights.shape[-1] > 4096 else torch.float32
    cdf = weights.cumsum(-1, dtype=precision)  # (R, V), not divided by its total
    total = cdf[:, -1:].contiguous()  # (R, 1)
    token = torch.searchsorted(cdf, u[:, None].to(cdf.dtype) * total, right=True)  # (R, 1)
    # u · total may round up to the total itself: then the last token that has any probability
    token = torch.minimum(token, torch.searchsorted(cdf, total))
    # where logits are NaN the search runs off the end; the NaN log-probability tells the caller
    token = token.clamp(max=weights.shape[-1] - 1)

    logp_sampling = weights.gather(1, token).log() - total.log().float()  # (R, 1)
    if plain:
        logp = logp_sampling
    else:
        logp = logits.gather(1, token) - logits.logsumexp(-1, keepdim=True)
    return token[:, 0], logp[:, 0], logp_sampling[:, 0]
