"""Stop weak candidates early: score how replies begin, drop the worst of each prompt, and write
only the rest to the end.

In the spirit of speculative rejection (2410.20290). What this leaves out: there the weakest are
dropped again and again, whenever the batch outgrows the memory; here once, after a fixed number of
tokens, and on a pool that was sampled to the end. Candidates are independent, so those that are
kept are the same replies as in a live run.
"""

from dataclasses import replace

import torch

from ..base import require
from ..pools import LENGTH, STOP


def beginnings(pool, policy, at):
    """A pool of the first ``at`` tokens of each candidate as text, without rewards; a candidate
    that has ended by then is whole.

    Tokens are the pool's own, or its texts encoded again where it has none.
    """
    require(
        at >= 1, f"at is the number of tokens after which to look and must be at least 1; got {at}."
    )
    flat = [text for row in pool.texts for text in row]
    if pool.tokens is not None:
        rows = [[t for t in row if t >= 0] for row in pool.tokens.flatten(0, 1).tolist()]
        rows = [
            row[:-1] if done else row
            for row, done in zip(rows, (pool.finish == STOP).flatten().tolist(), strict=True)
        ]
    else:
        rows = policy.encode_responses(flat, end=False)
    ended = [len(row) < at for row in rows]  # the end token is the one after the text
    texts = [
        text if whole else short
        for text, whole, short in zip(
            flat, ended, policy.decode([row[:at] for row in rows]), strict=True
        )
    ]
    finish = torch.where(torch.tensor(ended).reshape(pool.P, pool.N), pool.finish, LENGTH).to(
        torch.int8
    )
    return replace(
        pool,
        texts=[texts[i * pool.N : (i + 1) * pool.N] for i in range(pool.P)],
        finish=finish,
        tokens=None,
        logprobs=None,
        sampling_logprobs=None,
        sum_logprobs=None,
        rewards={},
        lengths=None,  # of the new texts, in words
    )


def survivors(scores, keep):
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


def tokens_written(lengths, kept, at):
    """(P, N) tokens each candidate costs when those not ``kept`` (P, N) stop after ``at`` tokens.

    ``lengths`` (P, N) are those of whole replies.
    """
    lengths = torch.as_tensor(lengths)
    return torch.where(kept, lengths, lengths.clamp(max=at))
