"""Stop weak candidates early.

Score how replies begin, drop the worst of each prompt, and write only the rest to the end.

In the spirit of speculative rejection (2410.20290). What this leaves out: there the weakest are
dropped again and again, whenever the batch outgrows the memory; here once, after a fixed number of
tokens, and on a pool that was sampled to the end. Candidates are independent, so those that are
kept are the same replies as in a live run.
"""

from dataclasses import replace

import torch

from ..base import require
from ..models import Policy
from ..pools import LENGTH, STOP, Pool


def beginnings(pool: Pool, policy: Policy, at: int) -> Pool:
    """A pool of the first ``at`` tokens of each candidate as text, without rewards.

    A candidate that has ended by then is whole. Tokens are the pool's own, or its texts encoded
    again where it has none.
    """
    require(
        at >= 1, f"at is the number of tokens after which to look and must be at least 1; got {at}."
    )
    rows = _tokens(pool, policy)  # P·N lists
    ended = [len(row) < at for row in rows]  # the end token is the one after the text
    short = policy.decode([row[:at] for row in rows])
    flat = [text for row in pool.texts for text in row]
    texts = [
        text if whole else beginning
        for text, beginning, whole in zip(flat, short, ended, strict=True)
    ]
    by_prompt = [texts[i * pool.N : (i + 1) * pool.N] for i in range(pool.P)]
    whole = torch.tensor(ended).reshape(pool.P, pool.N)
    return replace(
        pool,
        texts=by_prompt,
        finish=torch.where(whole, pool.finish, LENGTH).to(torch.int8),
        tokens=None,
        logprobs=None,
        sampling_logprobs=None,
        sum_logprobs=None,
        rewards={},
        lengths=None,  # of the new texts, in words
    )


def _tokens(pool: Pool, policy: Policy) -> list[list[int]]:
    """The token ids of every candidate in order, end tokens left out."""
    if pool.tokens is None:
        return policy.encode_responses([text for row in pool.texts for text in row], end=False)
    padded = pool.tokens.flatten(0, 1).tolist()  # (P·N, T), padded with -1
    rows = [[token for token in row if token >= 0] for row in padded]
    stopped = (pool.finish == STOP).flatten().tolist()
    return [row[:-1] if done else row for row, done in zip(rows, stopped, strict=True)]


def survivors(scores: torch.Tensor, keep: int) -> torch.Tensor:
    """(P, N) bool: the ``keep`` candidates of each prompt that score highest.

    Of equal ones the first.
    """
    scores = torch.as_tensor(scores)
    require(
        1 <= keep <= scores.shape[1],
        f"keep must be between 1 and {scores.shape[1]}, the candidates of a prompt; got {keep}.",
    )
    order = scores.argsort(dim=1, descending=True, stable=True)
    return torch.zeros_like(scores, dtype=torch.bool).scatter(1, order[:, :keep], True)


def tokens_written(lengths: torch.Tensor, kept: torch.Tensor, at: int) -> torch.Tensor:
    """(P, N) tokens each candidate costs when those not ``kept`` (P, N) stop after ``at`` tokens.

    ``lengths`` (P, N) are those of whole replies.
    """
    lengths = torch.as_tensor(lengths)
    return torch.where(kept, lengths, lengths.clamp(max=at))
