"""What proves ex06's check of pass_at_k: probes, wrong solutions, other right ones."""

from math import comb

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex06", "pass_at_k")
pass_at_k = proof.solved("pass_at_k")


@proof.probe(tolerance=1e-5)
def pass_at_k_inputs(rng):
    for i in range(20):
        large = i % 5 == 0  # too large for floats
        P = int(rng.integers(1, 6))
        N = int(rng.integers(1100, 1500)) if large else int(rng.integers(1, 40))
        shares = rng.uniform(0, 0.004 if large else 1.0, size=(P, 1))
        correct = rng.uniform(size=(P, N)) < shares
        k = int(rng.integers(200, 700)) if large else int(rng.integers(1, N + 1))
        yield torch.tensor(correct.astype(np.float32)), k


def counts(correct):
    """N, and of each problem the number of right samples."""
    return correct.shape[1], [int(row.sum()) for row in correct]


@proof.wrong(says="with replacement")
def shortcut(correct, k):
    return 1 - (1 - correct.double().mean(1)) ** k


@proof.wrong(says="with replacement")
def shortcut_between(correct, k):
    return shortcut(correct, k) if k < correct.shape[1] else correct.max(1).values


@proof.wrong(says="first sample only")
def prefix(correct, k):
    return correct[:, :k].amax(1)


@proof.wrong(says="first k samples")
def prefix_but_for_one(correct, k):
    return correct[:, :k].amax(1) if k > 1 else correct.mean(1)


@proof.wrong(says="none is right")
def one_less_forgotten(correct, k):
    N, right = counts(correct)
    return [comb(N - c, k) / comb(N, k) for c in right]


@proof.wrong(says="that all are")
def all_right(correct, k):
    N, right = counts(correct)
    return [comb(c, k) / comb(N, k) for c in right]


@proof.wrong(says="added up")
def chances_added(correct, k):
    return (k * correct.double().mean(1)).clamp(max=1)


@proof.wrong(says="k matter")
def share_right(correct, k):
    return correct.double().mean(1)


@proof.wrong(says="one too small")
def one_drawn_too_few(correct, k):
    return pass_at_k(correct, max(k - 1, 1))


@proof.wrong(says="fewer than k are wrong")
def nothing_for_few_wrong(correct, k):
    N, right = counts(correct)
    return [p if N - c >= k else 0.0 for p, c in zip(pass_at_k(correct, k), right)]


@proof.wrong(says="number of columns")
def rows_for_columns(correct, k):
    P = len(correct)
    _, right = counts(correct)
    return [1 - comb(max(P - c, 0), k) / max(comb(P, k), 1) for c in right]


@proof.wrong(says="rounded away")
def two_places(correct, k):
    return [round(p, 2) for p in pass_at_k(correct, k)]


@proof.wrong(says="inside the loop")
def returns_in_the_loop(correct, k):
    for p in pass_at_k(correct, k):
        return p


@proof.wrong(says="half of them")
def any_right(correct, k):
    return correct.amax(1)


@proof.wrong(says="mean over problems")
def mean_of_problems(correct, k):
    return float(np.mean(pass_at_k(correct, k)))


@proof.wrong(says="thrown together")
def one_count(correct, k):
    total = correct.numel()
    wrong = total - int(correct.sum())
    return [1 - comb(wrong, k) / comb(total, k)] * correct.shape[0]


@proof.wrong(says="not a number")
def with_floats(correct, k):
    def choose(n):
        above = np.prod([(n - i) for i in range(k)], dtype=np.float64)
        below = np.prod(np.arange(1, k + 1), dtype=np.float64)
        return above / below

    N, right = counts(correct)
    with np.errstate(all="ignore"):
        return [float(1 - choose(N - c) / choose(N)) for c in right]


@proof.wrong(says="OverflowError")
def floats_first(correct, k):
    N, right = counts(correct)
    return [1 - float(comb(N - c, k)) / float(comb(N, k)) for c in right]


@proof.wrong(says="stopped with ValueError")
def by_factorials(correct, k):
    from math import factorial

    def ordered(n):
        return factorial(n) // factorial(n - k)

    N, right = counts(correct)
    return [1 - ordered(N - c) / ordered(N) for c in right]


@proof.wrong(says="larger and less tidy")
def guess_for_many_k(correct, k):
    return pass_at_k(correct, k) if k < 8 or correct.shape[1] == 2000 else shortcut(correct, k)


@proof.right
def as_a_product(correct, k):
    out = []
    for row in np.asarray(correct, dtype=np.float64):
        N, c = len(row), int(row.sum())
        factors = 1 - k / np.arange(N - c + 1, N + 1)
        out.append(1.0 if N - c < k else 1 - np.prod(factors))
    return np.array(out)


@proof.right
def with_logarithms(correct, k):
    N = torch.tensor(float(correct.shape[1]), dtype=torch.float64)
    wrong = N - correct.double().sum(1)

    def log_choose(n):  # but for a constant that the ratio does not see
        return torch.lgamma(n + 1) - torch.lgamma((n - k).clamp(min=0) + 1)

    ratio = torch.exp(log_choose(wrong) - log_choose(N))
    return torch.where(wrong >= k, 1 - ratio, torch.ones_like(wrong)).float()
