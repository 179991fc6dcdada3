"""Proof of the check of ex01.cheapest_n: probes, wrong and right solutions."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex01", "cheapest_n")
cheapest_n = proof.solved("cheapest_n")


@proof.probe()
def cheapest_n_inputs(rng):
    for _ in range(30):
        K = int(rng.integers(2, 8))
        steps = rng.integers(-2, 6, K - 1)
        ns = [2**k for k in range(K)]
        quality = [0.5] + (0.5 + np.cumsum(steps)).tolist()
        share = float(rng.choice([0.25, 0.5, 0.75, 1.0]))
        budget = int(rng.integers(1, 2**K))
        yield ns, quality, share, budget


def share_of_gain(quality, share):
    """The quality that has the share of the gain on offer."""
    return quality[0] + share * (max(quality) - quality[0])


def within(ns, quality, budget):
    """(n, quality) of each affordable n."""
    return [(n, q) for n, q in zip(ns, quality) if n <= budget]


def first_with(wanted, pairs):
    """The first n of the pairs (n, quality) with the quality ``wanted``, else the best."""
    best = max(pairs, key=lambda pair: pair[1])[0]
    return next((n for n, q in pairs if q >= wanted), best)


@proof.wrong(says="not of the quality itself")
def share_of_quality(ns, quality, share, budget):
    return first_with(share * max(quality), within(ns, quality, budget))


@proof.wrong(says="last point")
def to_the_last(ns, quality, share, budget):
    wanted = quality[0] + share * (quality[-1] - quality[0])
    return first_with(wanted, within(ns, quality, budget))


@proof.wrong(says="over the budget")
def no_budget(ns, quality, share, budget):
    return first_with(share_of_gain(quality, share), list(zip(ns, quality)))


@proof.wrong(says="not the largest")
def largest_affordable(ns, quality, share, budget):
    wanted = share_of_gain(quality, share)
    affordable = within(ns, quality, budget)
    return next((n for n, q in affordable if q >= wanted), affordable[-1][0])


@proof.wrong(says="smallest that has it")
def the_best(ns, quality, share, budget):
    return max(within(ns, quality, budget), key=lambda pair: pair[1])[0]


@proof.wrong(says="Return n")
def the_quality(ns, quality, share, budget):
    return quality[ns.index(cheapest_n(ns, quality, share, budget))]


@proof.wrong(says="position in ns")
def the_position(ns, quality, share, budget):
    return ns.index(cheapest_n(ns, quality, share, budget))


@proof.wrong(says="less than six tenths")
def rest_of_share(ns, quality, share, budget):
    return first_with(share_of_gain(quality, 1 - share), within(ns, quality, budget))


@proof.wrong(says=">=, not >")
def strictly_more(ns, quality, share, budget):
    return first_with(share_of_gain(quality, share) + 1e-9, within(ns, quality, budget))


@proof.wrong(says="where the curve starts")
def start_forgotten(ns, quality, share, budget):
    gain = max(quality) - quality[0]
    return first_with(share * gain, within(ns, quality, budget))


@proof.wrong(says="share of the whole quality")
def start_and_share_of_all(ns, quality, share, budget):
    return first_with(quality[0] + share * max(quality), within(ns, quality, budget))


@proof.wrong(says="lowest point")
def from_the_lowest(ns, quality, share, budget):
    wanted = min(quality) + share * (max(quality) - min(quality))
    return first_with(wanted, within(ns, quality, budget))


@proof.wrong(says="each n in turn")
def by_bisection(ns, quality, share, budget):
    from bisect import bisect_left

    at = bisect_left(quality, share_of_gain(quality, share))
    if at < len(ns) and ns[at] <= budget:
        return ns[at]
    return first_with(np.inf, within(ns, quality, budget))


@proof.wrong(says="ZeroDivisionError")
def divides_by_the_gain(ns, quality, share, budget):
    gain = max(quality) - quality[0]
    for n, q in within(ns, quality, budget):
        if (q - quality[0]) / gain >= share:
            return n
    return first_with(np.inf, within(ns, quality, budget))


@proof.wrong(says="<=, not <")
def below_the_budget(ns, quality, share, budget):
    affordable = [(n, q) for n, q in zip(ns, quality) if n < budget] or [(ns[0], quality[0])]
    return first_with(share_of_gain(quality, share), affordable)


@proof.wrong(says="does not reach")
def gain_within_budget(ns, quality, share, budget):
    affordable = within(ns, quality, budget)
    highest = max(q for _, q in affordable)
    return first_with(quality[0] + share * (highest - quality[0]), affordable)


@proof.wrong(says="the smaller is wanted")
def larger_of_equals(ns, quality, share, budget):
    wanted = share_of_gain(quality, share)
    affordable = within(ns, quality, budget)
    best = max(affordable, key=lambda pair: (pair[1], pair[0]))[0]
    return next((n for n, q in affordable if q >= wanted), best)


@proof.wrong(says="start at 0")
def search_from_zero(ns, quality, share, budget):
    wanted = share_of_gain(quality, share)
    best, highest = ns[0], 0
    for n, q in within(ns, quality, budget):
        if q >= wanted:
            return n
        if q > highest:
            best, highest = n, q
    return best


@proof.wrong(says="sum of all tried")
def summed_budget(ns, quality, share, budget):
    wanted = share_of_gain(quality, share)
    spent = 0
    for n, q in zip(ns, quality):
        spent += n
        if spent <= budget and q >= wanted:
            return n
    return first_with(np.inf, within(ns, quality, budget))


@proof.wrong(says="end in a return")
def nothing_else(ns, quality, share, budget):
    for n, q in within(ns, quality, budget):
        if q >= share_of_gain(quality, share):
            return n


@proof.wrong(says="changes its input")
def takes_away(ns, quality, share, budget):
    wanted = share_of_gain(quality, share)
    while ns[-1] > budget:
        ns.pop()
        quality.pop()
    return first_with(wanted, list(zip(ns, quality)))


@proof.wrong(says="larger and less tidy")
def four_at_most(ns, quality, share, budget):
    return cheapest_n(ns[:4], quality[:4], share, budget)


@proof.right
def with_arrays(ns, quality, share, budget):
    n = np.asarray(ns)
    q = np.asarray(quality, dtype=np.float64)
    affordable = n <= budget
    enough = affordable & (q >= q[0] + share * (q.max() - q[0]))
    if enough.any():
        return int(n[enough][0])
    return int(n[np.where(affordable, q, -np.inf).argmax()])


@proof.right
def with_while(ns, quality, share, budget):
    start, top = quality[0], max(quality)
    k = best = 0
    while k < len(ns) and ns[k] <= budget:
        if quality[k] >= start + share * (top - start):
            return torch.tensor(ns[k])
        if quality[k] > quality[best]:
            best = k
        k += 1
    return ns[best]
