"""What proves ex09's check of shards: probes, wrong solutions, other right ones."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex09", "shards")
shards = proof.solved("shards")


@proof.probe()
def shards_inputs(rng):
    for k in range(24):
        W = int(rng.integers(1, 17))
        P = int(rng.integers(1, 20)) if k % 4 == 0 else int(rng.integers(W, 3000))
        yield P, W


def in_pairs(counts):
    """(first, count) of shards one after the other."""
    return [(sum(counts[:k]), count) for k, count in enumerate(counts)]


@proof.wrong(says="remainder is dropped")
def drops_the_rest(P, W):
    W = min(P, W)
    return [(k * (P // W), P // W) for k in range(W)]


@proof.wrong(says="The second number is how many")
def start_and_stop(P, W):
    return [(first, first + count) for first, count in shards(P, W)]


@proof.wrong(says="starts at 0")
def all_from_zero(P, W):
    return [(0, count) for _, count in shards(P, W)]


@proof.wrong(says="numbered from 0")
def one_based(P, W):
    return [(first + 1, count) for first, count in shards(P, W)]


@proof.wrong(says="number of shards, not their size")
def size_for_number(P, W):
    return [(first, min(W, P - first)) for first in range(0, P, W)]


@proof.wrong(says="should come first")
def larger_last(P, W):
    W = min(P, W)
    ends = [P * k // W for k in range(W + 1)]
    return [(start, stop - start) for start, stop in zip(ends, ends[1:])]


@proof.wrong(says="goes to one worker")
def rest_to_first(P, W):
    W = min(P, W)
    counts = [P // W] * W
    counts[0] += P % W
    return in_pairs(counts)


@proof.wrong(says="rounding up")
def rounds_up(P, W):
    size = -(-P // W)
    return [(first, min(size, P - first)) for first in range(0, P, size)]


@proof.wrong(says="shards are empty")
def with_empty(P, W):
    counts = [P // W + (k < P % W) for k in range(W)]
    return in_pairs(counts)


@proof.wrong(says="these are the counts")
def counts_only(P, W):
    if W == 1:
        return [(0, P)]
    return [count for _, count in shards(P, W)]


@proof.wrong(says="prompts themselves")
def the_prompts(P, W):
    return [list(range(first, first + count)) for first, count in shards(P, W)]


@proof.wrong(says="not the number of the last")
def first_and_last(P, W):
    return [(first, first + count - 1) for first, count in shards(P, W)]


@proof.wrong(says="comes first in the pair")
def count_first(P, W):
    return [(count, first) for first, count in shards(P, W)]


@proof.wrong(says="one too many")
def one_larger_too_many(P, W):
    W = min(P, W)
    counts = [P // W + (k <= P % W) for k in range(W)]
    return in_pairs(counts)


@proof.wrong(says="in no shard")
def names_exchanged(P, W):
    return shards(W, P)


@proof.wrong(says="this is a range")
def as_ranges(P, W):
    return [range(first, first + count) for first, count in shards(P, W)]


@proof.wrong(says="in both shards")
def firsts_by_multiples(P, W):
    W = min(P, W)
    return [(k * (P // W), P // W + (k < P % W)) for k in range(W)]


@proof.wrong(says="only two prompts")
def one_for_each_worker(P, W):
    return shards(P, W) if P > W else [(k, 1) for k in range(W)]


@proof.wrong(says="larger and less tidy")
def one_over_at_most(P, W):
    W = min(P, W)
    over = min(P % W, 2)
    counts = [P // W + (k < over) for k in range(W)]
    return in_pairs(counts)


@proof.right
def running_first(P, W):
    out, first, left = [], 0, min(P, W)
    while left:
        count = -(-(P - first) // left)
        out.append((first, count))
        first, left = first + count, left - 1
    return out


@proof.right
def by_array_split(P, W):
    pieces = np.array_split(np.arange(P), min(P, W))
    return [[int(piece[0]), len(piece)] for piece in pieces]


@proof.right
def by_formula(P, W):
    W = min(P, W)
    k = torch.arange(W)
    each, over = divmod(P, W)
    first = k * each + k.clamp(max=over)
    count = each + (k < over).long()
    return torch.stack([first, count], dim=1)
