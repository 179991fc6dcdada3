"""What proves ex06's check of decidable: probes, wrong solutions, other right ones."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex06", "decidable")
decidable = proof.solved("decidable")


@proof.probe()
def decidable_inputs(rng):
    for _ in range(24):
        P, N = int(rng.integers(3, 9)), int(rng.integers(1, 9))
        drawn = rng.random((P, N))
        shares = rng.choice([0.0, 0.1, 0.5, 0.9, 1.0], (P, 1))
        yield (torch.tensor((drawn < shares).astype(np.float32)),)


@proof.wrong(says="are all right")
def some_right(correct):
    return correct.any(1)


@proof.wrong(says="nothing is right")
def some_wrong(correct):
    return ~correct.bool().all(1)


@proof.wrong(says="these are positions")
def positions(correct):
    return decidable(correct).nonzero()[:, 0]


@proof.wrong(says="this is a share")
def share_decidable(correct):
    return float(decidable(correct).double().mean())


@proof.wrong(says="for all problems together")
def number_decidable(correct):
    return int(decidable(correct).sum())


@proof.wrong(says="these are counts")
def counts_right(correct):
    return correct.sum(1)


@proof.wrong(says="exchanged")
def all_alike(correct):
    return ~decidable(correct)


@proof.wrong(says="down the columns")
def columns(correct):
    return decidable(correct.T)


@proof.wrong(says="among five is enough to choose")
def half_or_more(correct):
    share = correct.mean(1)
    return (share >= 0.5) & (share < 1)


@proof.wrong(says="one right sample is enough, and")
def just_half(correct):
    return correct.mean(1) == 0.5


@proof.wrong(says="can choose")
def never(correct):
    return torch.zeros(len(correct), dtype=torch.bool)


@proof.wrong(says="with one sample")
def one_sample_counts(correct):
    return decidable(correct) if correct.shape[1] > 1 else correct[:, 0] > 0


@proof.wrong(says="wherever it stands")
def first_against_last(correct):
    return correct[:, 0] != correct[:, -1]


@proof.wrong(says="joined by &")
def joined_by_and(correct):
    return correct.any(1) and not correct.all(1)


@proof.wrong(says="larger and less tidy")
def up_to_five(correct):
    return decidable(correct[:, :5])


@proof.wrong(says="brackets of its own")
def no_brackets(correct):
    return correct.sum(1) > 0 & correct.sum(1) < correct.shape[1]


@proof.right
def by_extremes(correct):
    values = np.asarray(correct, dtype=np.float64)
    return values.max(1) != values.min(1)


@proof.right
def by_sets(correct):
    return [len(set(row)) == 2 for row in correct.tolist()]
