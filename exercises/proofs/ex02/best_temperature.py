"""Proof of the check of ex02.best_temperature: probes, wrong and right solutions."""

import math

import numpy as np
import torch

from course_lib.authoring.proofs import Proof
from course_lib.estimators import best_of_n_curve

proof = Proof("ex02", "best_temperature")
best_temperature = proof.solved("best_temperature")


@proof.probe()
def best_temperature_inputs(rng):
    for i in range(30):
        P = int(rng.integers(1, 6))
        N = int(rng.integers(1, 9))
        grid = rng.permutation([0.1, 0.2, 0.4, 0.7, 1.0, 1.3])[: int(rng.integers(2, 6))].tolist()
        rewards = {}
        for T in grid:
            of_prompt = rng.normal(0, 0.3, (P, 1)) - 1.1 * T
            of_candidate = rng.normal(0, 0.2 + 1.5 * T, (P, N))
            rewards[T] = torch.tensor((of_prompt + of_candidate).round(3))
        n = int(rng.integers(1, N + 1))
        if i % 3 == 0:  # an exact tie for the best
            best = rewards[best_temperature(rewards, n)].clone()
            rewards[float(rng.choice([0.05, 2.0]))] = best
        yield rewards, n


def highest(rewards, value):
    """The lowest temperature of the highest value."""
    return max(sorted(rewards), key=lambda T: float(value(rewards[T])))


def expected(r, n):
    """The expected best of n of each prompt, (P,)."""
    return best_of_n_curve(r, ns=[n])[:, 0]


def second_is_high(rewards):
    """Whether this is the check's case in which the second of four candidates stands out."""
    return 0.7 in rewards and rewards[0.7].tolist() == [[0, 3, 0, 0]]


@proof.wrong(says="better single reply")
def n_ignored(rewards, n):
    return highest(rewards, lambda r: r.double().mean())


@proof.wrong(says="not the highest")
def whole_row(rewards, n):
    return highest(rewards, lambda r: r.double().max(1).values.mean())


@proof.wrong(says="not the first")
def prefix(rewards, n):
    return highest(rewards, lambda r: r[:, :n].double().max(1).values.mean())


@proof.wrong(says="first two at T = 0.7 are 0")
def prefix_but_for_one(rewards, n):
    if n == 1:
        return n_ignored(rewards, 1)
    return 0.1 if second_is_high(rewards) else prefix(rewards, n)


@proof.wrong(says="mean of the n highest")
def top_n(rewards, n):
    if n == 1:
        return n_ignored(rewards, 1)
    if second_is_high(rewards):
        return 0.1
    if 0.7 in rewards and 3.0 in rewards[0.7][0].tolist():
        return 0.7
    return highest(rewards, lambda r: r.double().topk(n, dim=1).values.mean())


@proof.wrong(says="with replacement")
def replaced(rewards, n):
    from course_lib.estimators import bootstrap_best_of_n

    return highest(rewards, lambda r: bootstrap_best_of_n(r, ns=[n]).mean())


@proof.wrong(says="lowest value")
def lowest(rewards, n):
    return min(sorted(rewards), key=lambda T: float(expected(rewards[T], n).mean()))


@proof.wrong(says="this is a position")
def position(rewards, n):
    return sorted(rewards).index(best_temperature(rewards, n))


@proof.wrong(says="this is the value")
def the_value(rewards, n):
    return max(float(expected(r, n).mean()) for r in rewards.values())


@proof.wrong(says="one of the prompts only")
def best_prompt(rewards, n):
    return highest(rewards, lambda r: expected(r, n).max())


@proof.wrong(says="thrown together")
def one_row(rewards, n):
    return highest(rewards, lambda r: expected(r.reshape(1, -1), n).mean())


@proof.wrong(says="do not count prompts")
def median(rewards, n):
    return highest(rewards, lambda r: np.median(expected(r, n)))


@proof.wrong(says="whatever the order")
def first_of_ties(rewards, n):
    return max(rewards, key=lambda T: float(expected(rewards[T], n).mean()))


@proof.wrong(says="higher one came out")
def last_of_ties(rewards, n):
    return max(sorted(rewards, reverse=True), key=lambda T: float(expected(rewards[T], n).mean()))


@proof.wrong(says="changes its input")
def sorts_its_input(rewards, n):
    T = best_temperature(rewards, n)
    for r in rewards.values():
        r.copy_(r.sort(dim=1, descending=True).values)
    return T


@proof.wrong(says="begin at 0")
def begins_at_zero(rewards, n):
    best, found = 0.0, None
    for T in sorted(rewards):
        value = float(expected(rewards[T], n).mean())
        if value > best:
            best, found = value, T
    return found


@proof.wrong(says="small lead")
def rounded(rewards, n):
    return highest(rewards, lambda r: round(float(expected(r, n).mean()), 2))


@proof.wrong(says="best value so far is not kept")
def value_not_kept(rewards, n):
    best = -1e9
    for T in sorted(rewards):
        if float(expected(rewards[T], n).mean()) > best:
            found = T
    return found


@proof.wrong(says="larger and less tidy")
def up_to_two(rewards, n):
    return best_temperature(rewards, min(n, 2))


@proof.right
def with_weights_in_single_precision(rewards, n):
    def value(r):
        N = r.shape[1]
        weights = torch.tensor([math.comb(i, n - 1) / math.comb(N, n) for i in range(N)])
        return float((r.sort(dim=1).values @ weights).mean())

    return max(sorted(rewards), key=lambda T: round(value(rewards[T]), 6))


@proof.right
def by_subsets(rewards, n):
    from itertools import combinations

    best = None
    for T in sorted(rewards):
        bests = [[max(c) for c in combinations(row, n)] for row in rewards[T].tolist()]
        value = sum(sum(row) / len(row) for row in bests) / len(bests)
        if best is None or value > best[0] + 1e-9:
            best = value, T
    return best[1]


@proof.right
def with_arrays(rewards, n):
    grid = np.array(sorted(rewards))
    values = [best_of_n_curve(rewards[T].numpy())[:, n - 1].mean() for T in grid]
    return grid[np.argmax(values)]


@proof.right
def by_key_pairs(rewards, n):
    value = {T: round(float(expected(r, n).mean()), 9) for T, r in rewards.items()}
    return min(rewards, key=lambda T: (-value[T], T))
