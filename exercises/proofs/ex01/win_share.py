"""Proof of the check of ex01.win_share: probes, wrong and right solutions."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex01", "win_share")


@proof.probe()
def win_share_inputs(rng):
    for _ in range(20):
        P = rng.integers(1, 12)
        a = rng.integers(-3, 4, P) / 2.0
        b = rng.integers(-3, 4, P) / 2.0
        yield torch.tensor(a), torch.tensor(b)


def points(a, b):
    """What each prompt counts: 1, a half, or 0."""
    return (a > b).double() + 0.5 * (a == b).double()


def point(x, y):
    """What one prompt counts."""
    if x == y:
        return 0.5
    return 1.0 if x > y else 0.0


@proof.wrong(says="counts as a loss")
def ties_lose(a, b):
    return float((a > b).double().mean())


@proof.wrong(says="counts as a win")
def ties_win(a, b):
    return float((a >= b).double().mean())


@proof.wrong(says="left out")
def ties_dropped(a, b):
    n = int((a != b).sum())
    return float((a > b).sum() / n) if n else 0.5


@proof.wrong(says="turned around")
def turned(a, b):
    return float(points(b, a).mean())


@proof.wrong(says="difference of the rewards")
def difference(a, b):
    return float((a - b).double().mean())


@proof.wrong(says="mean difference")
def mean_difference(a, b):
    d = (a - b).double().mean()
    return float(d) if float(d) > 1.5 else float(points(a, b).mean())


@proof.wrong(says="number of wins")
def counts(a, b):
    return float(points(a, b).sum())


@proof.wrong(says="should have one number")
def no_mean(a, b):
    return points(a, b)


@proof.wrong(says="a loss counts half")
def everything_else_half(a, b):
    return float((0.5 + 0.5 * (a > b).double()).mean())


@proof.wrong(says="not -1")
def signs(a, b):
    return float(torch.sign(a - b).double().mean())


@proof.wrong(says="before the last")
def one_too_few(a, b):
    return sum(point(a[i], b[i]) for i in range(len(a) - 1)) / len(a)


@proof.wrong(says="per cent")
def per_cent(a, b):
    return 100 * float(points(a, b).mean())


@proof.wrong(says="a win counts half")
def halved(a, b):
    return float((a >= b).double().mean()) / 2


@proof.wrong(says="the losses")
def odds(a, b):
    return points(a, b).sum() / points(b, a).sum()


@proof.wrong(says="means compared")
def means_only(a, b):
    return float(a.mean() > b.mean()) + 0.5 * float(a.mean() == b.mean())


@proof.wrong(says="with each of b")
def every_pair(a, b):
    return float(points(a[:, None], b).mean())


@proof.wrong(says="after sorting")
def both_sorted(a, b):
    return float(points(a.sort().values, b.sort().values).mean())


@proof.wrong(says="nothing is left")
def ties_dropped_at_once(a, b):
    return (a > b).sum() / (a != b).sum()


@proof.wrong(says="inside the loop")
def returns_in_the_loop(a, b):
    for x, y in zip(a, b):
        return point(x, y) / len(a)


@proof.wrong(says="rounded")
def two_digits(a, b):
    return round(float(points(a, b).mean()), 2)


@proof.wrong(says="tolerance")
def nearly_equal(a, b):
    tie = torch.isclose(a, b, atol=0.2)
    return float(((a > b) & ~tie).double().mean() + 0.5 * tie.double().mean())


generator = np.random.default_rng(0)


@proof.wrong(says="the second call")
def tosses_a_coin(a, b):
    coin = torch.tensor(generator.integers(0, 2, len(a)))
    return float(torch.where(a == b, coin, (a > b).long()).double().mean())


@proof.right
def by_heaviside(a, b):
    return torch.heaviside(a - b, torch.tensor(0.5)).mean()


@proof.right
def by_ones(a, b):
    return (((a > b).float() + 0.5 * (a == b).float()) @ torch.ones(len(a))) / len(a)


@proof.right
def by_loop(a, b):
    total = 0.0
    for x, y in zip(a, b):
        total += point(x, y)
    return total / len(a)


@proof.right
def by_sign(a, b):
    signs = np.sign(np.asarray(a, dtype=np.float32) - np.asarray(b, dtype=np.float32))
    return np.mean((signs + 1) / 2)
