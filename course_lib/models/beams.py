"""Beam search and diverse beam search, kept for comparison: not independent samples."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from ..base import progress
from .loading import evaluating
from .policy import Policy
from .proving import new_engine
from .settings import Sampling

Ids = Sequence[Sequence[int]]  # token ids of each prompt


def beam_search(policy: Policy, ids: Ids, settings: Sampling, stops: list[int]) -> torch.Tensor:
    """The N likeliest hypotheses per prompt that a search finds: (P, N, T) int32, padded with -1.

    The library's ``generate`` with ``length_penalty=0``, so that beams are ranked by the
    log-probability of the whole reply (end token included) and come likeliest first, as in argTopN;
    its default divides by the length, which puts longer replies in front. A search may still miss
    likelier replies.
    """
    from transformers import GenerationConfig

    model: Any = policy.model
    n, T = settings.n, settings.max_tokens
    out = torch.full((len(ids), n, T), -1, dtype=torch.int32)
    stop = torch.tensor(stops, dtype=torch.long, device=policy.device)
    # one beam is greedy decoding, and generate warns of the setting there
    ranking = {"length_penalty": 0.0} if n > 1 else {}
    plain = GenerationConfig(
        do_sample=False,
        num_beams=n,
        num_return_sequences=n,
        max_new_tokens=T,
        eos_token_id=stops or None,
        pad_token_id=policy.pad_id,
        **ranking,
    )
    with _plain_settings(model), _searching(policy, ids, "beam") as bar:
        for i, prompt in enumerate(ids):
            given = torch.tensor([prompt], device=policy.device)  # (1, L)
            rows = model.generate(
                given,
                attention_mask=torch.ones_like(given),
                generation_config=plain,
            )[:, len(prompt) :]  # (N, t)
            done = torch.isin(rows, stop)
            after_the_end = (done.cumsum(1) - done.int()) > 0
            rows = rows.masked_fill(after_the_end, -1)
            out[i, :, : rows.shape[1]] = rows.int().cpu()
            bar.update(1)
    return _trimmed(out)


def diverse_beam_search(
    policy: Policy,
    ids: Ids,
    settings: Sampling,
    stops: list[int],
    penalty: float = 1.0,
) -> torch.Tensor:
    """N hypotheses per prompt that avoid each other's tokens: (P, N, T) int32, padded with -1.

    Diverse beam search (Vijayakumar et al., 1610.02424) is no longer part of the library's
    ``generate``, so it stands here with N groups of one beam: at each step group g takes the token
    with the highest log-probability minus ``penalty`` times the number of earlier groups that took
    that token.
    """
    n, T = settings.n, settings.max_tokens
    out = torch.full((len(ids), n, T), -1, dtype=torch.int32)
    stop = torch.tensor(stops, device=policy.device)
    with _searching(policy, ids, "diverse_beam") as bar:
        for i, prompt in enumerate(ids):
            engine = new_engine(policy, [prompt])
            logits = engine.start(n, T)  # (N, V)
            alive = torch.ones(n, dtype=torch.bool, device=policy.device)  # (N,)
            for t in range(T):
                token = _diverse_step(logits.float().log_softmax(-1), penalty)  # (N,)
                out[i, :, t] = torch.where(alive, token, -1).int().cpu()
                alive &= ~torch.isin(token, stop)
                if not alive.any() or t == T - 1:
                    break
                logits = engine.step(token)
            bar.update(1)
    return _trimmed(out)


def _diverse_step(score: torch.Tensor, penalty: float) -> torch.Tensor:
    """Each group's next token (N,), from log-probabilities (N, V)."""
    taken = torch.zeros_like(score[0])  # (V,) how many earlier groups took each token
    token = torch.zeros(len(score), dtype=torch.long, device=score.device)
    for group in range(len(score)):
        token[group] = (score[group] - penalty * taken).argmax()
        taken[token[group]] += 1
    return token


@contextmanager
def _plain_settings(model: Any) -> Iterator[None]:
    """``model`` without generation settings of its own: a penalty would bend the ranking."""
    from transformers import GenerationConfig

    own = model.generation_config
    model.generation_config = GenerationConfig()
    try:
        yield
    finally:
        model.generation_config = own


@contextmanager
def _searching(policy: Policy, ids: Ids, label: str) -> Iterator[Any]:
    """The model in evaluation mode and a progress bar over the prompts."""
    with evaluating(policy.model), progress.bar(len(ids), label, "prompt") as bar:
        yield bar


def _trimmed(tokens: torch.Tensor) -> torch.Tensor:
    """Without the last columns that no row has reached."""
    longest = int((tokens >= 0).sum(-1).max())
    return tokens[..., : max(1, longest)].clone()
