"""Proof of the check of ex04.exact_kl: probes, wrong and right solutions."""

import math

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex04", "exact_kl")


@proof.probe()
def exact_kl_inputs(rng):
    yield np.ones(1), np.ones(1)
    for _ in range(22):
        K = int(rng.integers(2, 15))
        before = rng.integers(1, 30, K).astype(float)
        after = rng.integers(0, 12, K).astype(float)
        after[0] += 1
        if rng.random() < 0.3:
            before[-1] = after[-1] = 0.0
        if rng.random() < 0.3:
            after[0] *= 1000
        yield after / after.sum(), before / before.sum()


@proof.wrong(says="exchanged")
def exchanged(after, before):
    return float(np.sum(before * np.log(before / after)))


@proof.wrong(says="base 2")
def bits(after, before):
    return float(np.sum(after * np.log2(after / before)))


@proof.wrong(says="turned around")
def negative(after, before):
    return float(np.sum(after * np.log(before / after)))


@proof.wrong(says="without their weights")
def unweighted(after, before):
    return float(np.sum(np.log(after / before)))


@proof.wrong(says="not equal ones or those before")
def weighted_by_before(after, before):
    return float(np.sum(before * np.log(after / before)))


@proof.wrong(says="mean over replies")
def mean_of_terms(after, before):
    return float(np.mean(after * np.log(after / before)))


@proof.wrong(says="absolute")
def absolute_terms(after, before):
    return float(np.sum(after * np.abs(np.log(after / before))))


@proof.wrong(says="entropy")
def entropy(after, before):
    return float(-np.sum(after * np.log(after)))


@proof.wrong(says="not a number")
def with_zeros(after, before):
    with np.errstate(all="ignore"):
        return float(np.sum(after * np.log(after / before)))


@proof.wrong(says="go on to the next")
def stops_at_zero(after, before):
    total = 0.0
    for q, p in zip(after, before):
        if q == 0:
            break
        total += q * math.log(q / p)
    return total


@proof.wrong(says="same replies in both")
def one_mask(after, before):
    q = after[after > 0]
    return float(np.sum(q * np.log(q / before[: len(q)])))


@proof.wrong(says="over all replies")
def first_term(after, before):
    return float(after[0] * np.log(after[0] / before[0]))


@proof.wrong(says="these are the terms")
def terms(after, before):
    t = after * np.log(after / before)
    return t if (after != before).any() else 0.0


@proof.wrong(says="does not show it")
def zero_kl(after, before):
    return 0.0


@proof.wrong(says="larger and less tidy")
def drops_the_rare(after, before):
    kept = after > 0.02
    return float(np.sum(after[kept] * np.log(after[kept] / before[kept])))


@proof.wrong(says="a small number added")
def with_epsilon(after, before):
    return float(np.sum((after + 1e-3) * np.log((after + 1e-3) / (before + 1e-3))))


@proof.wrong(says="divided by the sum")
def before_renormalised(after, before):
    kept = after > 0
    left = before[kept] / before[kept].sum()
    return float(np.sum(after[kept] * np.log(after[kept] / left)))


@proof.right
def kl_by_loop(after, before):
    return sum(float(q) * math.log(q / p) for q, p in zip(after, before) if q > 0)


@proof.right
def kl_in_torch(after, before):
    q, p = torch.tensor(after), torch.tensor(before)
    return (torch.special.xlogy(q, q) - torch.special.xlogy(q, p)).sum()
