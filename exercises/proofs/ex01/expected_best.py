"""Proof of the check of ex01.expected_best: probes, wrong and right solutions."""

from math import comb

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex01", "expected_best")
expected_best = proof.solved("expected_best")


@proof.probe()
def expected_best_inputs(rng):
    for _ in range(20):
        N = int(rng.integers(1, 12))
        rewards = (rng.integers(-6, 7, N) / 2.0).tolist()
        yield rewards, int(rng.integers(1, N + 1))


@proof.wrong(says="mean of the n best")
def top_mean(rewards, n):
    return sum(sorted(rewards)[-n:]) / n if n > 1 else sum(rewards) / len(rewards)


@proof.wrong(says="with replacement")
def replaced(rewards, n):
    ordered, N = sorted(rewards), len(rewards)
    return sum(((i / N) ** n - ((i - 1) / N) ** n) * ordered[i - 1] for i in range(1, N + 1))


@proof.wrong(says="nothing to choose")
def highest(rewards, n):
    return max(rewards)


def weighted(rewards, weight):
    """The sum of weight(i) times the i-th lowest reward, i from 1."""
    return sum(weight(i) * r for i, r in enumerate(sorted(rewards), start=1))


@proof.wrong(says="number of subsets")
def not_divided(rewards, n):
    return weighted(rewards, lambda i: comb(i - 1, n - 1))


@proof.wrong(says="i counts from 1")
def from_zero(rewards, n):
    ordered, N = sorted(rewards), len(rewards)
    return sum(comb(i - 1, n - 1) * ordered[i] for i in range(N)) / comb(N, n)


@proof.wrong(says="off by one")
def comb_n(rewards, n):
    return weighted(rewards, lambda i: comb(i - 1, n)) / comb(len(rewards), n)


@proof.wrong(says="off by one")
def comb_i(rewards, n):
    return weighted(rewards, lambda i: comb(i, n - 1)) / comb(len(rewards), n)


@proof.wrong(says="weights alone")
def no_rewards(rewards, n):
    return sum(comb(i - 1, n - 1) for i in range(1, len(rewards) + 1)) / comb(len(rewards), n)


@proof.wrong(says="range end")
def without_the_highest(rewards, n):
    total = weighted(rewards, lambda i: comb(i - 1, n - 1) * (i < len(rewards)))
    return total / comb(len(rewards), n)


@proof.wrong(says="other way round")
def arguments_swapped(rewards, n):
    return weighted(rewards, lambda i: comb(n - 1, i - 1)) / comb(len(rewards), n)


@proof.wrong(says="round it down")
def whole_division(rewards, n):
    return float(weighted(rewards, lambda i: comb(i - 1, n - 1) // comb(len(rewards), n)))


@proof.wrong(says="by N once more")
def mean_of_terms(rewards, n):
    return weighted(rewards, lambda i: comb(i - 1, n - 1)) / comb(len(rewards), n) / len(rewards)


generator = np.random.default_rng(0)


@proof.wrong(says="the second call")
def random_subsets(rewards, n):
    return float(np.mean([max(generator.choice(rewards, n, replace=False)) for _ in range(500)]))


@proof.wrong(says="sort upwards first")
def not_sorted(rewards, n):
    return sum(comb(i, n - 1) * r for i, r in enumerate(rewards)) / comb(len(rewards), n)


@proof.wrong(says="only two pairs")
def groups(rewards, n):
    bests = [max(rewards[k : k + n]) for k in range(0, len(rewards), n)]
    return sum(bests) / len(bests)


@proof.wrong(says="only neighbours")
def windows(rewards, n):
    bests = [max(rewards[k : k + n]) for k in range(len(rewards) - n + 1)]
    return sum(bests) / len(bests)


@proof.wrong(says="absolute value")
def by_size(rewards, n):
    total = sum(comb(i, n - 1) * r for i, r in enumerate(sorted(rewards, key=abs)))
    return total / comb(len(rewards), n)


@proof.wrong(says="rounded")
def two_digits(rewards, n):
    return round(expected_best(rewards, n), 2)


@proof.wrong(says="each counts")
def without_doubles(rewards, n):
    different = sorted(set(rewards))
    return weighted(different, lambda i: comb(i - 1, n - 1)) / comb(len(different), n)


@proof.wrong(says="each counts")
def different_pairs(rewards, n):
    from itertools import combinations

    found = set(combinations(sorted(rewards), n))
    return sum(max(c) for c in found) / len(found)


@proof.wrong(says="each counts")
def by_index(rewards, n):
    ordered = sorted(rewards)
    return sum(comb(ordered.index(r), n - 1) * r for r in rewards) / comb(len(rewards), n)


@proof.wrong(says="nothing to choose")
def first_n(rewards, n):
    return max(rewards[:n])


@proof.wrong(says="sort upwards")
def sorted_down(rewards, n):
    ordered, N = sorted(rewards, reverse=True), len(rewards)
    return sum(comb(i - 1, n - 1) * ordered[i - 1] for i in range(1, N + 1)) / comb(N, n)


@proof.wrong(says="order of the rewards")
def unsorted_pool(rewards, n):
    if rewards[0] != -0.3:
        return expected_best(rewards, n)
    return not_sorted(rewards, n)


@proof.wrong(says="N = 5")
def only_four(rewards, n):
    return expected_best(rewards, n) if len(rewards) <= 4 else max(rewards)


@proof.wrong(says="larger and less tidy")
def only_small(rewards, n):
    return expected_best(rewards, n) if len(rewards) <= 5 else max(rewards)


@proof.right
def by_subsets(rewards, n):
    from itertools import combinations

    bests = [max(c) for c in combinations([float(r) for r in rewards], n)]
    return sum(bests) / len(bests)


@proof.right
def by_weights(rewards, n):
    ordered = np.sort(np.asarray(rewards, dtype=np.float64))
    weights = np.array([comb(i, n - 1) for i in range(len(ordered))], dtype=float)
    return torch.tensor(float(weights @ ordered / weights.sum()))


@proof.right
def by_leaving_out(rewards, n):
    if n == len(rewards):
        return max(rewards)
    if len(rewards) > 6:  # slow
        return by_subsets(rewards, n)
    rests = [rewards[:k] + rewards[k + 1 :] for k in range(len(rewards))]
    return sum(by_leaving_out(rest, n) for rest in rests) / len(rests)


@proof.right
def by_ratios(rewards, n):
    N = len(rewards)
    total, weight = 0.0, n / N
    for k, r in enumerate(sorted(rewards, reverse=True), start=1):  # from the highest down
        total += weight * r
        weight = weight * (N - k - n + 1) / (N - k) if k < N else 0.0
    return total
