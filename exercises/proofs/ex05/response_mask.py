"""What proves ex05's check of response_mask: probes, wrong solutions, other right ones."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex05", "response_mask")


@proof.probe()
def response_mask_inputs(rng):
    for k in range(24):
        B = 1 if k % 6 == 0 else int(rng.integers(2, 6))
        T = int(rng.integers(3, 14))
        total = rng.integers(2, T + 1, B)
        prompt = np.array([rng.integers(1, n + 1) for n in total])
        ids = rng.integers(0, 60, (B, T))
        last = 7 if k % 5 == 2 else 2  # now and then a reply that was cut
        padding = 2 if k % 2 else 0
        for row, n in zip(ids, total):
            row[n - 1] = last
            row[n:] = padding
        yield torch.tensor(ids), torch.tensor(prompt), torch.tensor(total)


def between(ids, low, high, first=1):
    at = torch.arange(first, first + ids.shape[1] - 1)[None]
    return (at >= low[:, None]) & (at < high[:, None])


@proof.wrong(says="first reply token is left out")
def not_shifted(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths, total_lengths, first=0)


@proof.wrong(says="tokens themselves")
def tokens_themselves(ids, prompt_lengths, total_lengths):
    at = torch.arange(ids.shape[1])[None]
    return (at >= prompt_lengths[:, None]) & (at < total_lengths[:, None])


@proof.wrong(says="prompt tokens count")
def prompt_too(ids, prompt_lengths, total_lengths):
    return between(ids, torch.zeros_like(prompt_lengths), total_lengths)


@proof.wrong(says="one place too early")
def shifted_twice(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths - 1, total_lengths)


@proof.wrong(says="how the policy learns to stop")
def without_end(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths, total_lengths - 1)


@proof.wrong(says="the same id")
def padding_by_id(ids, prompt_lengths, total_lengths):
    T = ids.shape[1]
    no_padding = (ids[:, 1:] != 2) | (torch.arange(1, T) == T - 1)
    return between(ids, prompt_lengths, total_lengths) & no_padding


@proof.wrong(says="padding counts here")
def with_padding(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths, torch.full_like(total_lengths, ids.shape[1]))


@proof.wrong(says="one place too far")
def one_padding(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths, total_lengths + 1)


@proof.wrong(says="turned around")
def marks_prompt(ids, prompt_lengths, total_lengths):
    return ~between(ids, prompt_lengths, total_lengths)


@proof.wrong(says="made of numbers")
def as_numbers(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths, total_lengths).float()


@proof.wrong(says="lengths of the first")
def first_lengths(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths[:1], total_lengths[:1]).repeat(len(ids), 1)


@proof.wrong(says="as if it were padding")
def nonzero_ids(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths, total_lengths) & (ids[:, 1:] != 0)


@proof.wrong(says="nothing is marked")
def all_zeros(ids, prompt_lengths, total_lengths):
    return torch.zeros(ids.shape[0], ids.shape[1] - 1, dtype=torch.bool)


@proof.wrong(says="no reply at all")
def at_least_one(ids, prompt_lengths, total_lengths):
    return between(ids, torch.minimum(prompt_lengths, total_lengths - 1), total_lengths)


@proof.wrong(says="first padding token")
def to_the_first_end(ids, prompt_lengths, total_lengths):
    rows = []
    for row, p in zip(ids.tolist(), prompt_lengths.tolist()):
        last = row.index(2, p) if 2 in row[p:] else len(row) - 1
        rows.append([p <= t + 1 <= last for t in range(len(row) - 1)])
    return torch.tensor(rows)


@proof.wrong(says="no reply at all")
def one_token_at_least(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths, torch.maximum(total_lengths, prompt_lengths + 1))


@proof.wrong(says="0 for the others")
def ids_kept(ids, prompt_lengths, total_lengths):
    return ids[:, 1:] * between(ids, prompt_lengths, total_lengths)


@proof.wrong(says="moved two places")
def too_early(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths, total_lengths, first=2)


@proof.wrong(says="larger and less tidy")
def at_most_six(ids, prompt_lengths, total_lengths):
    return between(ids, prompt_lengths, torch.minimum(total_lengths, prompt_lengths + 6))


@proof.right
def mask_by_loop(ids, prompt_lengths, total_lengths):
    B, T = ids.shape
    mask = torch.zeros(B, T, dtype=torch.bool)
    for b in range(B):
        mask[b, prompt_lengths[b] : total_lengths[b]] = True
    return mask[:, 1:]


@proof.right
def mask_by_lists(ids, prompt_lengths, total_lengths):
    return [
        [p <= t + 1 < n for t in range(ids.shape[1] - 1)]
        for p, n in zip(prompt_lengths.tolist(), total_lengths.tolist())
    ]


@proof.right
def mask_by_rows(ids, prompt_lengths, total_lengths):
    at = torch.arange(1, ids.shape[1])
    return [(at >= p) & (at < n) for p, n in zip(prompt_lengths, total_lengths)]


@proof.right
def mask_by_numpy(ids, prompt_lengths, total_lengths):
    at = np.arange(np.asarray(ids).shape[1] - 1)
    begun = at >= np.asarray(prompt_lengths)[:, None] - 1
    ended = at >= np.asarray(total_lengths)[:, None] - 1
    return begun & ~ended
