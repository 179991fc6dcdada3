"""What proves the check of ex01's task cheapest_n: probes, wrong solutions, other right ones."""

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
        yield (
            [2**k for k in range(K)],
            [0.5] + (0.5 + np.cumsum(steps)).tolist(),
            float(rng.choice([0.25, 0.5, 0.75, 1.0])),
            int(rng.integers(1, 2**K)),
        )


@proof.wrong(says="not of the quality itself")
def share_of_quality(ns, quality, share, budget):
    ok = [n for n, q in zip(ns, quality) if n <= budget and q >= share * max(quality)]
    return ok[0] if ok else max((q, -n) for n, q in zip(ns, quality) if n <= budget)[1] * -1


@proof.wrong(says="last point")
def to_the_last(ns, quality, share, budget):
    wanted = quality[0] + share * (quality[-1] - quality[0])
    affordable = [(n, q) for n, q in zip(ns, quality) if n <= budget]
    return next(
        (n for n, q in affordable if q >= wanted), max(affordable, key=lambda pair: pair[1])[0]
    )


@proof.wrong(says="over the budget")
def no_budget(ns, quality, share, budget):
    wanted = quality[0] + share * (max(quality) - quality[0])
    return next(n for n, q in zip(ns, quality) if q >= wanted)


@proof.wrong(says="not the largest")
def largest_affordable(ns, quality, share, budget):
    wanted = quality[0] + share * (max(quality) - quality[0])
    affordable = [(n, q) for n, q in zip(ns, quality) if n <= budget]
    return next((n for n, q in affordable if q >= wanted), affordable[-1][0])


@proof.wrong(says="smallest that has it")
def the_best(ns, quality, share, budget):
    affordable = [(n, q) for n, q in zip(ns, quality) if n <= budget]
    return max(affordable, key=lambda pair: pair[1])[0]


@proof.wrong(says="Return n")
def the_quality(ns, quality, share, budget):
    return quality[ns.index(cheapest_n(ns, quality, share, budget))]


@proof.wrong(says="position in ns")
def the_position(ns, quality, share, budget):
    return ns.index(cheapest_n(ns, quality, share, budget))


def chosen_by(ns, quality, wanted, budget, fits=lambda n, budget: n <= budget, last=False):
    """The smallest n that ``fits`` the budget and has the quality ``wanted``.

    Else the best (with ``last`` the last of equals).
    """
    affordable = [(n, q) for n, q in zip(ns, quality) if fits(n, budget)] or [(ns[0], quality[0])]
    return next(
        (n for n, q in affordable if q >= wanted),
        max(affordable, key=lambda pair: (pair[1], pair[0] if last else 0))[0],
    )


@proof.wrong(says="less than six tenths")
def rest_of_share(ns, quality, share, budget):
    return chosen_by(ns, quality, quality[0] + (1 - share) * (max(quality) - quality[0]), budget)


@proof.wrong(says=">=, not >")
def strictly_more(ns, quality, share, budget):
    return chosen_by(ns, quality, quality[0] + share * (max(quality) - quality[0]) + 1e-9, budget)


@proof.wrong(says="where the curve starts")
def start_forgotten(ns, quality, share, budget):
    return chosen_by(ns, quality, share * (max(quality) - quality[0]), budget)


@proof.wrong(says="share of the whole quality")
def start_and_share_of_all(ns, quality, share, budget):
    return chosen_by(ns, quality, quality[0] + share * max(quality), budget)


@proof.wrong(says="lowest point")
def from_the_lowest(ns, quality, share, budget):
    return chosen_by(ns, quality, min(quality) + share * (max(quality) - min(quality)), budget)


@proof.wrong(says="each n in turn")
def by_bisection(ns, quality, share, budget):
    from bisect import bisect_left

    wanted = quality[0] + share * (max(quality) - quality[0])
    at = bisect_left(quality, wanted)
    return ns[at] if at < len(ns) and ns[at] <= budget else chosen_by(ns, quality, np.inf, budget)


@proof.wrong(says="ZeroDivisionError")
def divides_by_the_gain(ns, quality, share, budget):
    gain = max(quality) - quality[0]
    return next(
        (n for n, q in zip(ns, quality) if n <= budget and (q - quality[0]) / gain >= share),
        chosen_by(ns, quality, np.inf, budget),
    )


@proof.wrong(says="<=, not <")
def below_the_budget(ns, quality, share, budget):
    return chosen_by(
        ns,
        quality,
        quality[0] + share * (max(quality) - quality[0]),
        budget,
        fits=lambda n, budget: n < budget,
    )


@proof.wrong(says="does not reach")
def gain_within_budget(ns, quality, share, budget):
    within = max(q for n, q in zip(ns, quality) if n <= budget)
    return chosen_by(ns, quality, quality[0] + share * (within - quality[0]), budget)


@proof.wrong(says="the smaller is wanted")
def larger_of_equals(ns, quality, share, budget):
    return chosen_by(
        ns, quality, quality[0] + share * (max(quality) - quality[0]), budget, last=True
    )


@proof.wrong(says="start at 0")
def search_from_zero(ns, quality, share, budget):
    wanted, best, highest = quality[0] + share * (max(quality) - quality[0]), ns[0], 0
    for n, q in zip(ns, quality):
        if n > budget:
            break
        if q >= wanted:
            return n
        if q > highest:
            best, highest = n, q
    return best


@proof.wrong(says="sum of all tried")
def summed_budget(ns, quality, share, budget):
    wanted, spent = quality[0] + share * (max(quality) - quality[0]), 0
    for n, q in zip(ns, quality):
        spent += n
        if spent <= budget and q >= wanted:
            return n
    return chosen_by(ns, quality, np.inf, budget)


@proof.wrong(says="end in a return")
def nothing_else(ns, quality, share, budget):
    for n, q in zip(ns, quality):
        if n <= budget and q >= quality[0] + share * (max(quality) - quality[0]):
            return n


@proof.wrong(says="changes its input")
def takes_away(ns, quality, share, budget):
    wanted = quality[0] + share * (max(quality) - quality[0])
    while ns[-1] > budget:
        ns.pop()
        quality.pop()
    return chosen_by(ns, quality, wanted, budget)


@proof.wrong(hidden=True)
def four_at_most(ns, quality, share, budget):
    return cheapest_n(ns[:4], quality[:4], share, budget)


@proof.right
def with_arrays(ns, quality, share, budget):
    q = np.asarray(quality, dtype=np.float64)
    fits = np.asarray(ns) <= budget
    good = fits & (q >= q[0] + share * (q.max() - q[0]))
    return (
        int(np.asarray(ns)[good][0])
        if good.any()
        else int(np.asarray(ns)[np.where(fits, q, -np.inf).argmax()])
    )


@proof.right
def with_while(ns, quality, share, budget):
    k, best, top, start = 0, 0, max(quality), quality[0]
    while k < len(ns) and ns[k] <= budget:
        if quality[k] >= start + share * (top - start):
            return torch.tensor(ns[k])
        if quality[k] > quality[best]:
            best = k
        k += 1
    return ns[best]
