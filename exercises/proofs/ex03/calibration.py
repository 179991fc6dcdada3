"""Proof of the check of ex03.calibration: probes, wrong and right solutions."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex03", "calibration")
calibration = proof.solved("calibration")


@proof.probe()
def calibration_inputs(rng):
    for _ in range(20):
        k = int(rng.integers(1, 6))
        M = k * int(rng.integers(1, 6))
        predicted = rng.choice(np.arange(1, 1000), M, replace=False) / 1000
        outcome = (rng.random(M) < predicted).astype(float)
        yield torch.tensor(predicted, dtype=torch.float64), torch.tensor(outcome), k


def by_rows(predicted, outcome):
    """The two means of each row."""
    return [(float(p.mean()), float(o.mean())) for p, o in zip(predicted, outcome)]


def by_groups(predicted, outcome, groups):
    """The two means of each group, which are positions or a mask."""
    return [(float(predicted[g].mean()), float(outcome[g].mean())) for g in groups]


def sorted_groups(predicted, k):
    """Positions, (k, M / k), from the lowest prediction up."""
    return torch.argsort(predicted).reshape(k, -1)


@proof.wrong(says="wrong way round")
def observed_first(predicted, outcome, k):
    return [(o, p) for p, o in calibration(predicted, outcome, k)]


@proof.wrong(says="highest first")
def highest_first(predicted, outcome, k):
    return calibration(predicted, outcome, k)[::-1]


@proof.wrong(says="not sorted")
def unsorted_pairs(predicted, outcome, k):
    return by_rows(predicted.reshape(k, -1), outcome.reshape(k, -1))


@proof.wrong(says="stay where they were")
def outcomes_stay(predicted, outcome, k):
    return by_rows(predicted.sort().values.reshape(k, -1), outcome.reshape(k, -1))


@proof.wrong(says="each by itself")
def both_sorted(predicted, outcome, k):
    low_first = predicted.sort().values
    return by_rows(low_first.reshape(k, -1), outcome.sort().values.reshape(k, -1))


@proof.wrong(says="fixed probabilities")
def equal_width(predicted, outcome, k):
    low, high = float(predicted.min()), float(predicted.max())
    which = ((predicted - low) / max(high - low, 1e-9) * k).long().clamp(max=k - 1)
    return by_groups(predicted, outcome, [which == g for g in range(k)])


@proof.wrong(says="fixed probabilities")
def tenths(predicted, outcome, k):
    which = (predicted * k).long().clamp(max=k - 1)
    return by_groups(predicted, outcome, [which == g for g in range(k)])


@proof.wrong(says="Is it used as their size")
def k_is_the_size(predicted, outcome, k):
    return by_groups(predicted, outcome, torch.argsort(predicted).split(k))


@proof.wrong(says="share of ones")
def counts_ones(predicted, outcome, k):
    groups = sorted_groups(predicted, k)
    return [(float(predicted[g].mean()), float(outcome[g].sum())) for g in groups]


@proof.wrong(says="M / k, not k")
def divides_by_k(predicted, outcome, k):
    groups = sorted_groups(predicted, k)
    return [(float(predicted[g].sum()) / k, float(outcome[g].sum()) / k) for g in groups]


@proof.wrong(says="number of all pairs")
def divides_by_all(predicted, outcome, k):
    groups = sorted_groups(predicted, k)
    M = len(outcome)
    return [(float(predicted[g].mean()), float(outcome[g].sum()) / M) for g in groups]


@proof.wrong(says="outcomes that are 0")
def share_of_zeros(predicted, outcome, k):
    return calibration(predicted, 1 - outcome, k)


@proof.wrong(says="median of the predictions")
def median_prediction(predicted, outcome, k):
    groups = sorted_groups(predicted, k)
    return [(float(predicted[g].median()), float(outcome[g].mean())) for g in groups]


@proof.wrong(says="turned round")
def as_in_the_lesson(predicted, outcome, k):
    low = predicted < 0.5
    surer = torch.where(low, 1 - predicted, predicted)
    was_right = torch.where(low, 1 - outcome, outcome)
    return calibration(surer, was_right, k)


@proof.wrong(says="in no group")
def between_quantiles(predicted, outcome, k):
    edges = torch.quantile(predicted, torch.linspace(0, 1, k + 1, dtype=predicted.dtype))
    groups = [(predicted >= low) & (predicted < high) for low, high in zip(edges, edges[1:])]
    return by_groups(predicted, outcome, groups)


@proof.wrong(says="ranks are used")
def ranks_as_positions(predicted, outcome, k):
    ranks = predicted.argsort().argsort()
    return by_groups(predicted, outcome, ranks.reshape(k, -1))


@proof.wrong(says="rounded")
def two_digits(predicted, outcome, k):
    return [(round(p, 2), round(o, 2)) for p, o in calibration(predicted, outcome, k)]


@proof.wrong(says="right guesses")
def accuracy_instead(predicted, outcome, k):
    return calibration(predicted, ((predicted > 0.5) == (outcome > 0.5)).double(), k)


@proof.wrong(says="every second pair")
def every_kth(predicted, outcome, k):
    return by_groups(predicted, outcome, torch.argsort(predicted).reshape(-1, k).T)


@proof.wrong(says="one tuple for each group")
def two_lists(predicted, outcome, k):
    groups = sorted_groups(predicted, k)
    return predicted[groups].mean(1).tolist(), outcome[groups].mean(1).tolist()


@proof.wrong(says="a slice a:b ends before b")
def slice_too_short(predicted, outcome, k):
    size = len(predicted) // k
    order = torch.argsort(predicted)
    parts = [order[i * size : (i + 1) * size - (size > 2)] for i in range(k)]
    return by_groups(predicted, outcome, parts)


@proof.wrong(says="inside the loop")
def returns_early(predicted, outcome, k):
    return calibration(predicted, outcome, k)[:1]


@proof.wrong(says="changes its input")
def sorts_the_input(predicted, outcome, k):
    order = torch.argsort(predicted)
    predicted.copy_(predicted[order])
    outcome.copy_(outcome[order])
    return by_rows(predicted.reshape(k, -1), outcome.reshape(k, -1))


@proof.wrong(says="larger and less tidy")
def from_half_up(predicted, outcome, k):
    """Right when no prediction is below 0.1."""
    return calibration(predicted.clamp(min=0.1), outcome, k)


@proof.right
def with_zip(predicted, outcome, k):
    pairs = sorted(zip(predicted.tolist(), outcome.tolist()))
    size = len(pairs) // k
    out = []
    for i in range(0, len(pairs), size):
        group = pairs[i : i + size]
        out.append((sum(p for p, _ in group) / size, sum(o for _, o in group) / size))
    return out


@proof.right
def with_array_split(predicted, outcome, k):
    p = np.asarray(predicted, dtype=np.float32)
    o = np.asarray(outcome, dtype=np.float32)
    return [(p[g].mean(), o[g].mean()) for g in np.array_split(p.argsort(), k)]


@proof.right
def as_a_tensor(predicted, outcome, k):
    values, at = predicted.sort()
    means = values.reshape(k, -1).mean(1)
    shares = outcome[at].reshape(k, -1).mean(1)
    return torch.stack([means, shares], dim=1)
