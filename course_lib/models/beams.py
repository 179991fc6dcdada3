"""Beam search and diverse beam search, kept for comparison: not independent samples."""

import torch

from ..base import progress
from .attention import supports
from .decoding import RepeatedCacheEngine, SharedPrefixEngine
from .loading import evaluating


def beam_tokens(policy, ids, n, method, max_tokens, stops, penalty=1.0):
    """N hypotheses per prompt by beam search or diverse beam search: (P, N, T) int32 padded with
    -1.

    Beam search is the library's ``generate`` with ``length_penalty=0``, so that beams are ranked by
    the log-probability of the whole reply (end token included) and come likeliest first, as in
    argTopN; its default divides by the length, which puts longer replies in front. A search may
    still miss likelier replies. Diverse beam search (Vijayakumar et al., 1610.02424) is no longer
    part of it, so it stands here with N groups of one beam: at each step group g takes the token
    with the highest log-probability less ``penalty`` times the number of earlier groups that took
    that token.
    """
    out = torch.full((len(ids), n, max_tokens), -1, dtype=torch.int32)
    stop = torch.tensor(stops, device=policy.device)
    # one beam is greedy decoding, and generate warns of the setting there
    ranking = {"length_penalty": 0.0} if n > 1 else {}
    with evaluating(policy.model), progress.bar(len(ids), method, "prompt") as bar:
        for i, prompt in enumerate(ids):
            if method == "beam":
                rows = policy.model.generate(
                    torch.tensor([prompt], device=policy.device),
                    attention_mask=torch.ones(
                        1, len(prompt), dtype=torch.long, device=policy.device
                    ),
                    do_sample=False,
                    num_beams=n,
                    num_return_sequences=n,
                    max_new_tokens=max_tokens,
                    eos_token_id=stops,
                    pad_token_id=policy.tokenizer.pad_token_id,
                    **ranking,
                )[:, len(prompt) :]
                done = torch.isin(rows, stop)
                rows = rows.masked_fill((done.cumsum(1) - done.int()) > 0, -1)
                out[i, :, : rows.shape[1]] = rows.int().cpu()
            else:
                engine = (SharedPrefixEngine if supports(policy.model) else RepeatedCacheEngine)(
                    policy, [prompt]
                )
                logits = engine.start(n, max_tokens)
                alive = torch.ones(n, dtype=torch.bool, device=policy.device)
                for t in range(max_tokens):
                    score = logits.float().log_softmax(-1)
                    taken = torch.zeros_like(score[0])
                    token = torch.zeros(n, dtype=torch.long, device=policy.device)
                    for g in range(n):
                        token[g] = (score[g] - penalty * taken).argmax()
                        taken[token[g]] += 1
                    out[i, :, t] = torch.where(alive, token, -1).int().cpu()
                    alive &= ~torch.isin(token, stop)
                    if not alive.any() or t == max_tokens - 1:
                        break
                    logits = engine.step(token)
            bar.update(1)
    return out[..., : max(1, int((out >= 0).sum(-1).max()))].clone()
