"""Proof of the check of ex04.kl_bound: probes, wrong and right solutions."""

import math

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex04", "kl_bound")
kl_bound = proof.solved("kl_bound")


@proof.probe()
def kl_bound_inputs(rng):
    yield (1,)
    for top in [20] * 5 + [300] * 8 + [100_000] * 8:
        yield (int(rng.integers(2, top)),)


@proof.wrong(says="fraction (n - 1)/n is missing")
def log_only(n):
    return math.log(n)


@proof.wrong(says="// has rounded")
def rounded_down(n):
    return math.log(n) - (n - 1) // n


@proof.wrong(says="only the 1 is divided")
def one_divided(n):
    return math.log(n) - (n - 1 / n)


@proof.wrong(says="logarithm is divided by n too")
def all_divided(n):
    return (math.log(n) - (n - 1)) / n


@proof.wrong(says="base 2")
def in_bits(n):
    return math.log2(n) - (n - 1) / n


@proof.wrong(says="base 10")
def base_ten(n):
    return math.log10(n) - (n - 1) / n


@proof.wrong(says="added")
def added(n):
    return math.log(n) + (n - 1) / n


@proof.wrong(says="brackets")
def no_brackets(n):
    return math.log(n) - n - 1 / n


@proof.wrong(says="n - 1 above the line")
def one_over_n(n):
    return math.log(n) - 1 / n


@proof.wrong(says="not divided")
def undivided(n):
    return math.log(n) - (n - 1)


@proof.wrong(says="rounded")
def whole_division(n):
    up = -(-(n - 1) // n)
    return math.log(n) - up


@proof.wrong(says="of the whole")
def log_of_all(n):
    return math.log(n - (n - 1) / n)


@proof.wrong(says="nother number")
def always_zero(n):
    return 0.0


@proof.wrong(says="larger and less tidy")
def up_to_256(n):
    return kl_bound(min(n, 256))


@proof.right
def as_printed(n):
    return np.log(n) - (n - 1) / n


@proof.right
def as_a_tensor(n):
    n = torch.tensor(float(n), dtype=torch.float64)
    return n.log() - (n - 1) / n
