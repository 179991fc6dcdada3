"""Proof of the check of ex02.softmax_at: probes, wrong and right solutions."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex02", "softmax_at")


@proof.probe(tolerance=1e-3)  # float32 at logits of some thousands
def softmax_at_inputs(rng):
    for i in range(24):
        R = rng.integers(1, 5)
        V = rng.integers(1, 8)
        logits = rng.integers(-12, 13, (R, V)) / 4.0
        temperatures = [0.1, 0.2, 0.4, 0.7, 1.0, 1.3, 3.0]
        if i % 3 == 0:
            logits = logits + rng.integers(-900, 901, (R, 1))
            temperatures = [0.25, 0.5, 1.0, 2.0]
        yield torch.tensor(logits, dtype=torch.float32), float(rng.choice(temperatures))


def divided(weights):
    """Each row divided by its sum."""
    return weights / weights.sum(1, keepdim=True)


@proof.wrong(says="exp of a large number")
def naive(logits, T):
    weights = (logits / T).exp()
    return divided(weights)


@proof.wrong(says="sum over the words of a row")
def over_rows(logits, T):
    return torch.softmax(logits / T, dim=0)


@proof.wrong(says="do not add up to 1")
def not_divided(logits, T):
    return (logits / T).exp()


@proof.wrong(says="do not multiply")
def multiplied(logits, T):
    return torch.softmax(logits * T, dim=1)


@proof.wrong(says="no effect")
def temperature_ignored(logits, T):
    return torch.softmax(logits, dim=1)


@proof.wrong(says="no effect")
def divided_after_exp(logits, T):
    weights = (logits - logits.amax(1, keepdim=True)).exp() / T
    return divided(weights)


@proof.wrong(says="divided by T, and no longer")
def probabilities_divided(logits, T):
    return torch.softmax(logits, dim=1) / T


@proof.wrong(says="second softmax")
def softmax_twice(logits, T):
    p = torch.softmax(logits, dim=1)
    return p if T == 1 else torch.softmax(p / T, dim=1)


@proof.wrong(says="divided by their sum again")
def powers(logits, T):
    return torch.softmax(logits, dim=1) ** (1 / T)


@proof.wrong(says="each row's own")
def highest_of_all(logits, T):
    weights = ((logits - logits.max()) / T).exp()
    return divided(weights)


@proof.wrong(says="whatever its sign")
def highest_magnitude(logits, T):
    weights = ((logits - logits.abs().amax(1, keepdim=True)) / T).exp()
    return divided(weights)


@proof.wrong(says="cut off")
def clamped(logits, T):
    weights = (logits / T).clamp(max=80).exp()
    return divided(weights)


@proof.wrong(says="all numbers together")
def one_sum(logits, T):
    weights = ((logits - logits.amax(1, keepdim=True)) / T).exp()
    return weights / weights.sum()


@proof.wrong(says="keepdim=True")
def no_keepdim(logits, T):
    weights = ((logits - logits.amax(1, keepdim=True)) / T).exp()
    if len(logits) in (1, logits.shape[1]):
        return weights / weights.sum(1)
    return divided(weights)


@proof.wrong(says="logarithms")
def log_probabilities(logits, T):
    return torch.log_softmax(logits / T, dim=1)


@proof.wrong(says="changes its input")
def in_place(logits, T):
    logits -= logits.amax(1, keepdim=True)
    return torch.softmax(logits / T, dim=1)


@proof.wrong(says="is each logit taken off itself")
def highest_of_columns(logits, T):
    weights = ((logits - logits.amax(0, keepdim=True)) / T).exp()
    return divided(weights)


@proof.wrong(says="by their own sum")
def sum_without_temperature(logits, T):
    logits = logits - logits.amax(1, keepdim=True)
    return (logits / T).exp() / logits.exp().sum(1, keepdim=True)


@proof.wrong(says="go to the columns")
def keepdim_forgotten_twice(logits, T):
    weights = ((logits - logits.amax(1)) / T).exp()
    return weights / weights.sum(1)


@proof.wrong(says="not its mean or lowest")
def mean_taken_off(logits, T):
    weights = ((logits - logits.mean(1, keepdim=True)) / T).exp()
    return divided(weights)


@proof.wrong(says="no power brings it back")
def powers_divided(logits, T):
    weights = torch.softmax(logits, dim=1) ** (1 / T)
    return divided(weights)


@proof.wrong(says="before T divides")
def highest_before_temperature(logits, T):
    weights = (logits / T - logits.amax(1, keepdim=True)).exp()
    return divided(weights)


@proof.wrong(says="larger and less tidy")
def two_words_only(logits, T):
    p = torch.sigmoid((logits[:, -1:] - logits[:, :1]) / T)
    return torch.cat([1 - p, p], dim=1)


@proof.right
def by_logsumexp(logits, T):
    scaled = logits / T
    return (scaled - scaled.logsumexp(1, keepdim=True)).exp()


@proof.right
def by_loop(logits, T):
    import math

    out = []
    for row in logits.tolist():
        e = [math.exp((v - max(row)) / T) for v in row]
        out.append([v / sum(e) for v in e])
    return out


@proof.right
def library(logits, T):
    return torch.softmax(logits / T, dim=1)


@proof.right
def with_numpy(logits, T):
    scaled = np.asarray(logits) / T
    weights = np.exp(scaled - scaled.max(axis=1)[:, None])
    return weights / weights.sum(axis=1, keepdims=True)
