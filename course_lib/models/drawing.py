"""Drawing a token: one uniform a token, the inverse of the cumulative distribution."""

import numpy as np
import torch


def uniforms(seed, prompts, candidates, length):
    """(K, length) float64 in [0, 1).

    Row k is the stream of candidate ``candidates[k]`` of prompt ``prompts[k]``.
    """
    out = np.empty((len(prompts), length))
    for row, i, j in zip(out, prompts, candidates, strict=True):
        key = np.array([seed, (int(i) << 32) | int(j)], dtype=np.uint64)
        np.random.Generator(np.random.Philox(key=key)).random(out=row)
    return out


def filtered(weights, top_k=0, top_p=1.0):
    """``weights`` (R, V), not necessarily summing to one, with zeros outside the top-k and the
    top-p nucleus.

    The nucleus is the smallest set of most likely tokens whose probability reaches ``top_p`` (it
    always holds one token).
    """
    if top_k and top_k < weights.shape[-1]:
        kth = weights.topk(top_k, dim=-1).values[:, -1:]
        weights = weights.masked_fill(weights < kth, 0.0)
    if top_p < 1.0:
        ordered, index = weights.sort(dim=-1, descending=True, stable=True)
        before = ordered.cumsum(-1) - ordered
        dropped = before >= top_p * ordered.sum(-1, keepdim=True)
        dropped[:, 0] = False
        weights = weights.masked_fill(torch.zeros_like(dropped).scatter(-1, index, dropped), 0.0)
    return weights


def draw(logits, u, temperature=1.0, top_k=0, top_p=1.0):
    """One token per row by inverse CDF.

    logits (R, V), u (R,) in [0, 1). Returns tokens (R,), their log-probability under the model
    (temperature 1, unfiltered) and under the distribution sampled from, both (R,) in nats.
    Temperature 0 takes the most likely token.
    """
    logits = logits.float()
    if temperature == 0:
        best, token = logits.max(-1)
        logp = best - logits.logsumexp(-1)
        return token, logp, torch.zeros_like(logp)
    plain = temperature == 1.0 and top_p >= 1.0 and not top_k
    scaled = logits if temperature == 1.0 else logits / temperature
    top = scaled.amax(-1, keepdim=True)
    weights = (scaled - top).exp_()
    if not plain:
        weights = filtered(weights, top_k, top_p)
    cdf = weights.cumsum(-1, dtype=torch.float64 if weights.shape[-1] > 4096 else torch.float32)
    total = cdf[:, -1:].contiguous()
    token = torch.searchsorted(cdf, u[:, None].to(cdf.dtype) * total, right=True)
    # the last token that has any probability
    token = torch.minimum(token, torch.searchsorted(cdf, total))
    logp_sampling = weights.gather(1, token).log() - total.log().float()
    if plain:
        logp = logp_sampling
    else:
        logp = logits.gather(1, token) - logits.logsumexp(-1, keepdim=True)
    return token[:, 0], logp[:, 0], logp_sampling[:, 0]
