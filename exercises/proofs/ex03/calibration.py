"""Proof of the check of ex03.calibration: probes, wrong solutions and other right ones."""

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
        yield (
            torch.tensor(predicted, dtype=torch.float64),
            torch.tensor((rng.random(M) < predicted).astype(float)),
            k,
        )


@proof.wrong(says="wrong way round")
def observed_first(predicted, outcome, k):
    return [(o, p) for p, o in calibration(predicted, outcome, k)]


@proof.wrong(says="highest first")
def highest_first(predicted, outcome, k):
    return calibration(predicted, outcome, k)[::-1]


@proof.wrong(says="not sorted")
def unsorted_pairs(predicted, outcome, k):
    return [
        (float(p.mean()), float(o.mean()))
        for p, o in zip(predicted.reshape(k, -1), outcome.reshape(k, -1))
    ]


@proof.wrong(says="stay where they were")
def outcomes_stay(predicted, outcome, k):
    return [
        (float(p.mean()), float(o.mean()))
        for p, o in zip(predicted.sort().values.reshape(k, -1), outcome.reshape(k, -1))
    ]


@proof.wrong(says="each by itself")
def both_sorted(predicted, outcome, k):
    return [
        (float(p.mean()), float(o.mean()))
        for p, o in zip(
            predicted.sort().values.reshape(k, -1), outcome.sort().values.reshape(k, -1)
        )
    ]


@proof.wrong(says="fixed probabilities")
def equal_width(predicted, outcome, k):
    low, high = float(predicted.min()), float(predicted.max())
    which = ((predicted - low) / max(high - low, 1e-9) * k).long().clamp(max=k - 1)
    return [
        (float(predicted[which == g].mean()), float(outcome[which == g].mean())) for g in range(k)
    ]


@proof.wrong(says="fixed probabilities")
def tenths(predicted, outcome, k):
    which = (predicted * k).long().clamp(max=k - 1)
    return [
        (float(predicted[which == g].mean()), float(outcome[which == g].mean())) for g in range(k)
    ]


@proof.wrong(says="Is it used as their size")
def k_is_the_size(predicted, outcome, k):
    order = torch.argsort(predicted)
    return [(float(predicted[g].mean()), float(outcome[g].mean())) for g in order.split(k)]


@proof.wrong(says="share of ones")
def counts_ones(predicted, outcome, k):
    return [
        (float(predicted[g].mean()), float(outcome[g].sum()))
        for g in torch.argsort(predicted).reshape(k, -1)
    ]


@proof.wrong(says="M / k, not k")
def divides_by_k(predicted, outcome, k):
    return [
        (float(predicted[g].sum()) / k, float(outcome[g].sum()) / k)
        for g in torch.argsort(predicted).reshape(k, -1)
    ]


@proof.wrong(says="number of all pairs")
def divides_by_all(predicted, outcome, k):
    return [
        (float(predicted[g].mean()), float(outcome[g].sum()) / len(outcome))
        for g in torch.argsort(predicted).reshape(k, -1)
    ]


@proof.wrong(says="outcomes that are 0")
def share_of_zeros(predicted, outcome, k):
    return calibration(predicted, 1 - outcome, k)


@proof.wrong(says="median of the predictions")
def median_prediction(predicted, outcome, k):
    return [
        (float(predicted[g].median()), float(outcome[g].mean()))
        for g in torch.argsort(predicted).reshape(k, -1)
    ]


@proof.wrong(says="turned round")
def as_in_the_lesson(predicted, outcome, k):
    low = predicted < 0.5
    return calibration(
        torch.where(low, 1 - predicted, predicted), torch.where(low, 1 - outcome, outcome), k
    )


@proof.wrong(says="in no group")
def between_quantiles(predicted, outcome, k):
    edges = torch.quantile(predicted, torch.linspace(0, 1, k + 1, dtype=predicted.dtype))
    groups = [(predicted >= low) & (predicted < high) for low, high in zip(edges, edges[1:])]
    return [(float(predicted[g].mean()), float(outcome[g].mean())) for g in groups]


@proof.wrong(says="ranks are used")
def ranks_as_positions(predicted, outcome, k):
    return [
        (float(predicted[g].mean()), float(outcome[g].mean()))
        for g in predicted.argsort().argsort().reshape(k, -1)
    ]


@proof.wrong(says="rounded")
def two_digits(predicted, outcome, k):
    return [(round(p, 2), round(o, 2)) for p, o in calibration(predicted, outcome, k)]


@proof.wrong(says="right guesses")
def accuracy_instead(predicted, outcome, k):
    return calibration(predicted, ((predicted > 0.5) == (outcome > 0.5)).double(), k)


@proof.wrong(says="every second pair")
def every_kth(predicted, outcome, k):
    return [
        (float(predicted[g].mean()), float(outcome[g].mean()))
        for g in torch.argsort(predicted).reshape(-1, k).T
    ]


@proof.wrong(says="one tuple for each group")
def two_lists(predicted, outcome, k):
    groups = torch.argsort(predicted).reshape(k, -1)
    return predicted[groups].mean(1).tolist(), outcome[groups].mean(1).tolist()


@proof.wrong(says="a slice a:b ends before b")
def slice_too_short(predicted, outcome, k):
    size, order = len(predicted) // k, torch.argsort(predicted)
    parts = [order[i * size : (i + 1) * size - (size > 2)] for i in range(k)]
    return [(float(predicted[g].mean()), float(outcome[g].mean())) for g in parts]


@proof.wrong(says="inside the loop")
def returns_early(predicted, outcome, k):
    return calibration(predicted, outcome, k)[:1]


@proof.wrong(says="changes its input")
def sorts_the_input(predicted, outcome, k):
    order = torch.argsort(predicted)
    predicted.copy_(predicted[order])
    outcome.copy_(outcome[order])
    return [
        (float(p.mean()), float(o.mean()))
        for p, o in zip(predicted.reshape(k, -1), outcome.reshape(k, -1))
    ]


@proof.wrong(hidden=True)
def from_half_up(predicted, outcome, k):
    """Right when the low predictions are few.

    Leaves out predictions below 0.1 where there are groups to spare.
    """
    return calibration(
        torch.where(predicted < 0.1, 0.1 * torch.ones_like(predicted), predicted), outcome, k
    )


@proof.right
def with_zip(predicted, outcome, k):
    rows = sorted(zip(predicted.tolist(), outcome.tolist()))
    size = len(rows) // k
    return [
        tuple(sum(column) / size for column in zip(*rows[i : i + size]))
        for i in range(0, len(rows), size)
    ]


@proof.right
def with_array_split(predicted, outcome, k):
    p, o = np.asarray(predicted, dtype=np.float32), np.asarray(outcome, dtype=np.float32)
    return [(p[g].mean(), o[g].mean()) for g in np.array_split(p.argsort(), k)]


@proof.right
def as_a_tensor(predicted, outcome, k):
    values, at = predicted.sort()
    return torch.stack([values.reshape(k, -1).mean(1), outcome[at].reshape(k, -1).mean(1)], dim=1)
