"""Proof of the check of ex03.preference_probability: probes, wrong and right solutions."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex03", "preference_probability")


@proof.probe()
def preference_probability_inputs(rng):
    for k in range(20):
        if k % 3:
            shape = (int(rng.integers(1, 9)),)
        else:
            shape = (int(rng.integers(1, 4)), int(rng.integers(1, 5)))
        r_a = torch.tensor(rng.integers(-24, 25, shape) / 4.0, dtype=torch.float64)
        r_b = torch.tensor(rng.integers(-24, 25, shape) / 4.0, dtype=torch.float64)
        size = 1 if k % 4 else 100
        yield size * r_a, size * r_b


@proof.wrong(says="B is preferred")
def b_first(r_a, r_b):
    return torch.sigmoid(r_b - r_a)


@proof.wrong(says="yes or no")
def hard(r_a, r_b):
    return (r_a > r_b).double()


@proof.wrong(says="still has to go through")
def difference_only(r_a, r_b):
    return torch.where(r_a == r_b, 0.5, r_a - r_b)


@proof.wrong(says="sum of both")
def share_of_sum(r_a, r_b):
    return r_a / (r_a + r_b)


@proof.wrong(says="not a number")
def two_exponentials(r_a, r_b):
    return r_a.exp() / (r_a.exp() + r_b.exp())


@proof.wrong(says="not a number")
def exp_above_and_below(r_a, r_b):
    z = (r_a - r_b).exp()
    return z / (1 + z)


@proof.wrong(says="overflows")
def math_exp(r_a, r_b):
    import math

    margins = (r_b - r_a).flatten().tolist()
    return torch.tensor([1 / (1 + math.exp(z)) for z in margins]).reshape(r_a.shape)


@proof.wrong(says="single numbers")
def one_pair(r_a, r_b):
    return torch.sigmoid(r_a - r_b) if r_a > r_b else 1 - torch.sigmoid(r_b - r_a)


@proof.wrong(says="rows and columns")
def row_by_row(r_a, r_b):
    return torch.tensor([torch.sigmoid(a - b).item() for a, b in zip(r_a, r_b)])


@proof.wrong(says="only one of the two")
def only_a(r_a, r_b):
    return torch.sigmoid(r_a)


@proof.wrong(says="divided")
def ratio(r_a, r_b):
    return torch.sigmoid(r_a / r_b)


@proof.wrong(says="softmax over the pairs")
def softmax_over_pairs(r_a, r_b):
    return torch.softmax(r_a - r_b, dim=0)


@proof.wrong(says="take the difference first")
def each_alone(r_a, r_b):
    return torch.sigmoid(r_a) - torch.sigmoid(r_b) + 0.5 * (r_a == r_b)


@proof.wrong(says="without its sign")
def size_only(r_a, r_b):
    return torch.sigmoid((r_a - r_b).abs())


@proof.wrong(says="every A meets every B")
def all_against_all(r_a, r_b):
    if r_a.dim() == 1 and len(r_a) > 1:
        return torch.sigmoid(r_a[:, None] - r_b[None, :])
    return torch.sigmoid(r_a - r_b)


@proof.wrong(says="mean over pairs")
def averaged(r_a, r_b):
    p = torch.sigmoid(r_a - r_b)
    return p.mean() if p.numel() > 1 else p


@proof.wrong(says="50 %")
def coin(r_a, r_b):
    return torch.full_like(r_a, 0.5)


@proof.wrong(says="cut off")
def clamped(r_a, r_b):
    return torch.sigmoid(r_a - r_b).clamp(1e-3, 1 - 1e-3)


@proof.wrong(says="what is printed is rounded")
def margin_clamped(r_a, r_b):
    return torch.sigmoid((r_a - r_b).clamp(-10, 10))


@proof.wrong(says="scores cut off")
def scores_clamped(r_a, r_b):
    return torch.sigmoid(r_a.clamp(-500, 500) - r_b.clamp(-500, 500))


@proof.wrong(says="changes its input")
def in_place(r_a, r_b):
    r_a -= r_b
    return torch.sigmoid(r_a)


@proof.wrong(says="larger and less tidy")
def four_pairs_only(r_a, r_b):
    p = torch.sigmoid(r_a - r_b)
    p.view(-1)[4:] = 0.5
    return p


@proof.right
def by_tanh(r_a, r_b):
    margin = np.asarray(r_a, dtype=np.float32) - np.asarray(r_b, dtype=np.float32)
    return 0.5 * (1 + np.tanh(margin / 2))


@proof.right
def by_formula(r_a, r_b):
    return 1 / (1 + torch.exp(-(r_a - r_b)))


@proof.right
def by_softmax(r_a, r_b):
    return torch.stack([r_a, r_b]).softmax(dim=0)[0].tolist()
