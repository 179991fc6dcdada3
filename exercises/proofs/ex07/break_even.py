"""What proves ex07's check of break_even: probes, wrong solutions, other right ones."""

import math

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex07", "break_even")


@proof.probe()
def break_even_inputs(rng):
    for k in range(30):
        drawn = rng.integers((8, 0, 1), (400, 320, 40_000))
        before, after, once = (int(x) / 8 for x in drawn)  # eighths: exact in floating point
        if k < 4:
            after = before
        elif k < 16 and before > after:
            once = int(rng.integers(1, 500)) * (before - after)
        yield once, before, after


@proof.wrong(says="round up")
def rounds_down(once, before, after):
    return once // (before - after) if before > after else math.inf


@proof.wrong(says="round up")
def rounds_to_nearest(once, before, after):
    return round(once / (before - after)) if before > after else math.inf


@proof.wrong(says="round up")
def does_not_round(once, before, after):
    return once / (before - after) if before > after else math.inf


@proof.wrong(says="one too many")
def one_more(once, before, after):
    return once // (before - after) + 1 if before > after else math.inf


@proof.wrong(says="still costs after")
def by_before(once, before, after):
    return math.ceil(once / before) if before > after else math.inf


@proof.wrong(says="divides by after")
def by_after(once, before, after):
    return math.ceil(once / after) if before > after else math.inf


@proof.wrong(says="before and after together")
def by_the_sum(once, before, after):
    return math.ceil(once / (before + after)) if before > after else math.inf


@proof.wrong(says="result is negative")
def turned(once, before, after):
    return math.ceil(once / (after - before)) if before > after else math.inf


@proof.wrong(says="Ask first whether")
def divides_by_zero(once, before, after):
    return math.ceil(once / (before - after))


@proof.wrong(says="negative number of questions")
def equal_only(once, before, after):
    return math.inf if before == after else math.ceil(once / (before - after))


@proof.wrong(says="got dearer")
def absolute_saving(once, before, after):
    return math.inf if before == after else math.ceil(once / abs(before - after))


@proof.wrong(says="repaid at once")
def zero_for_never(once, before, after):
    return math.ceil(once / (before - after)) if before > after else 0


@proof.wrong(says="returns nothing")
def none_for_never(once, before, after):
    return math.ceil(once / (before - after)) if before > after else None


@proof.wrong(says="around before minus after")
def no_brackets_around_the_saving(once, before, after):
    return math.ceil(once / before - after) if before > after else math.inf


@proof.wrong(says="stop too early")
def search_with_an_end(once, before, after):
    return next((q for q in range(1, 1_000_000) if once + q * after <= q * before), math.inf)


@proof.wrong(says="larger and less tidy")
def forgives_a_tenth(once, before, after):
    return math.ceil(once / (before - after) - 0.1) if before > after else math.inf


@proof.wrong(says="cut to whole numbers")
def whole_costs_only(once, before, after):
    saving = int(before) - int(after)
    return math.ceil(once / saving) if saving > 0 else math.inf


@proof.right
def by_fractions(once, before, after):
    from fractions import Fraction

    saving = Fraction(before) - Fraction(after)
    return math.inf if saving <= 0 else -(-Fraction(once) // saving)


@proof.right
def by_numpy(once, before, after):
    saving = before - after
    if saving <= 0:
        return float("inf")
    return float(np.ceil(np.float64(once) / saving))


@proof.right
def by_counting(once, before, after):
    if not before > after:
        return torch.tensor(math.inf)
    q = 0
    while once + q * after > q * before:
        q += 1
    return q
