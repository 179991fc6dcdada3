"""Proof of the check of ex03.fit_reward: probes, wrong and right solutions."""

import numpy as np
import torch
from torch.nn.functional import logsigmoid, softplus

from course_lib.authoring.proofs import Proof

proof = Proof("ex03", "fit_reward")
bradley_terry = proof.solved("bradley_terry")


@proof.probe(tolerance=1e-4)
def fit_reward_inputs(rng):
    for _ in range(20):
        K = int(rng.integers(1, 9))
        D = int(rng.integers(1, 5))
        chosen = torch.tensor(rng.integers(-4, 5, (K, D)) / 2.0, dtype=torch.float32)
        rejected = torch.tensor(rng.integers(-4, 5, (K, D)) / 2.0, dtype=torch.float32)
        chosen[0, 0] = rejected[0, 0] + 0.5  # never all equal
        steps = int(rng.integers(1, 12))
        lr = int(rng.integers(1, 9)) / 10
        yield chosen, rejected, steps, lr


def push(z):
    """1 - σ of each margin."""
    return 1 - torch.sigmoid(z)


def mean_over_pairs(g):
    return g.mean(0)


def descend(d, steps, lr, push=push, reduce=mean_over_pairs):
    """w after gradient steps by hand; d: differences, (K, D)."""
    w = torch.zeros(d.shape[1])
    for _ in range(steps):
        w = w + lr * reduce(push(d @ w)[:, None] * d)
    return w


def zero_weights(chosen):
    """w = 0 for autograd, (D,)."""
    return torch.zeros(chosen.shape[1], requires_grad=True)


def optimised(optimiser, w, chosen, rejected, steps):
    """w after steps of an optimiser of torch."""
    for _ in range(steps):
        optimiser.zero_grad()
        softplus((rejected - chosen) @ w).mean().backward()
        optimiser.step()
    return w.detach()


@proof.wrong(says="wrong way")
def uphill(chosen, rejected, steps, lr):
    return -descend(chosen - rejected, steps, lr)


@proof.wrong(says="has not moved")
def zeros(chosen, rejected, steps, lr):
    return torch.zeros(chosen.shape[1])


@proof.wrong(says="range(1, steps)")
def from_one(chosen, rejected, steps, lr):
    return descend(chosen - rejected, len(range(1, steps)), lr)


@proof.wrong(says="two steps were taken")
def always_one_more(chosen, rejected, steps, lr):
    return descend(chosen - rejected, steps + 1, lr)


@proof.wrong(says="start at 1")
def from_ones(chosen, rejected, steps, lr):
    w = torch.ones(chosen.shape[1], requires_grad=True)
    for _ in range(steps):
        loss = softplus((rejected - chosen) @ w).mean()
        (gradient,) = torch.autograd.grad(loss, w)
        w = (w - lr * gradient).detach().requires_grad_()
    return w


@proof.wrong(says="does w start at 0")
def from_elsewhere(chosen, rejected, steps, lr):
    return descend(chosen - rejected, steps, lr) + 0.3


@proof.wrong(says="to length 1")
def normalised(chosen, rejected, steps, lr):
    w = descend(chosen - rejected, steps, lr)
    return w / w.norm().clamp(min=1e-6)


@proof.wrong(says="this is the loss")
def returns_the_loss(chosen, rejected, steps, lr):
    for k in range(steps):
        w = descend(chosen - rejected, k, lr)
        loss = softplus((rejected - chosen) @ w).mean()
    return loss


@proof.wrong(says="one list of D weights")
def every_w(chosen, rejected, steps, lr):
    return [descend(chosen - rejected, k + 1, lr) for k in range(steps)]


@proof.wrong(says="shapes do not fit")
def a_weight_for_each_pair(chosen, rejected, steps, lr):
    d = chosen - rejected
    w = torch.zeros(len(chosen))
    for _ in range(steps):
        w = w + lr * (push(d @ w)[:, None] * d).mean(0)
    return w


@proof.wrong(says="sum over its features")
def no_inner_product(chosen, rejected, steps, lr):
    w = zero_weights(chosen)
    for _ in range(steps):
        softplus((rejected - chosen) * w).mean().backward()
        with torch.no_grad():
            w -= lr * w.grad
            w.grad.zero_()
    return w


@proof.wrong(says="inside the loop")
def loss_before_the_loop(chosen, rejected, steps, lr):
    w = zero_weights(chosen)
    loss = softplus((rejected - chosen) @ w).mean()
    for _ in range(steps):
        loss.backward()
        with torch.no_grad():
            w -= lr * w.grad
            w.grad.zero_()
    return w


@proof.wrong(says="after .detach()")
def detached_for_good(chosen, rejected, steps, lr):
    w = zero_weights(chosen)
    for _ in range(steps):
        softplus((rejected - chosen) @ w).mean().backward()
        w = (w - lr * w.grad).detach()
    return w


@proof.wrong(says="is this momentum")
def momentum(chosen, rejected, steps, lr):
    w = zero_weights(chosen)
    optimiser = torch.optim.SGD([w], lr=lr, momentum=0.9)
    return optimised(optimiser, w, chosen, rejected, steps)


@proof.wrong(says="lr is not used")
def no_lr(chosen, rejected, steps, lr):
    return descend(chosen - rejected, steps, 1.0)


@proof.wrong(says="looks like 1")
def push_of_one(chosen, rejected, steps, lr):
    return descend(chosen - rejected, steps, lr, torch.ones_like)


@proof.wrong(says="only the chosen")
def chosen_only(chosen, rejected, steps, lr):
    return descend(chosen, steps, lr)


@proof.wrong(says="this is the sum")
def summed_pairs(chosen, rejected, steps, lr):
    return descend(chosen - rejected, steps, lr, reduce=lambda g: g.sum(0))


@proof.wrong(says="over the features too")
def mean_of_everything(chosen, rejected, steps, lr):
    def over_features_too(g):
        return g.mean().expand(g.shape[1])

    return descend(chosen - rejected, steps, lr, reduce=over_features_too)


@proof.wrong(says="one pair after the other")
def stochastic(chosen, rejected, steps, lr):
    d = chosen - rejected
    w = torch.zeros(d.shape[1])
    # as a sum in the check's case of two pairs
    size = 1 if len(d) == 2 and float(d[0, 0]) == 1.0 else len(d)
    for _ in range(steps):
        for x in d:
            w = w + lr * push(x @ w) * x / size
    return w


@proof.wrong(says="at w = 0")
def gradient_at_zero(chosen, rejected, steps, lr):
    return steps * descend(chosen - rejected, 1, lr)


@proof.wrong(says="gradients add up")
def never_zeroed(chosen, rejected, steps, lr):
    w = zero_weights(chosen)
    for _ in range(steps):
        softplus((rejected - chosen) @ w).mean().backward()
        with torch.no_grad():
            w -= lr * w.grad
    return w


@proof.wrong(says="it is a new tensor")
def not_in_place(chosen, rejected, steps, lr):
    w = zero_weights(chosen)
    for _ in range(steps):
        softplus((rejected - chosen) @ w).mean().backward()
        w = w - lr * w.grad
    return w


@proof.wrong(says="while it watches")
def watched(chosen, rejected, steps, lr):
    w = zero_weights(chosen)
    for _ in range(steps):
        softplus((rejected - chosen) @ w).mean().backward()
        w -= lr * w.grad
    return w


@proof.wrong(says="not σ(margin)")
def pushes_by_sigma(chosen, rejected, steps, lr):
    return descend(chosen - rejected, steps, lr, torch.sigmoid)


@proof.wrong(says="one step too many")
def one_more_step(chosen, rejected, steps, lr):
    return descend(chosen - rejected, steps + 1 if steps > 1 else steps, lr)


@proof.wrong(says="one was taken")
def one_at_least(chosen, rejected, steps, lr):
    return descend(chosen - rejected, max(steps, 1), lr)


@proof.wrong(says="is this adam")
def adam(chosen, rejected, steps, lr):
    w = zero_weights(chosen)
    return optimised(torch.optim.Adam([w], lr=lr), w, chosen, rejected, steps)


@proof.wrong(says="instead of moved")
def replaced(chosen, rejected, steps, lr):
    d = chosen - rejected
    w = torch.zeros(d.shape[1])
    for _ in range(steps):
        w = lr * (push(d @ w)[:, None] * d).mean(0)
    return w


@proof.wrong(says="changes its input")
def differences_in_place(chosen, rejected, steps, lr):
    chosen -= rejected
    return descend(chosen, steps, lr)


@proof.wrong(says="larger and less tidy")
def first_four_pairs(chosen, rejected, steps, lr):
    d = chosen - rejected
    return descend(d[:4] if len(d) in (5, 6, 7) else d, steps, lr)


@proof.right
def by_autograd(chosen, rejected, steps, lr):
    w = zero_weights(chosen)
    for _ in range(steps):
        loss = -logsigmoid(chosen @ w - rejected @ w).mean()
        loss.backward()
        with torch.no_grad():
            w -= lr * w.grad
        w.grad = None
    return w


@proof.right
def by_optimiser(chosen, rejected, steps, lr):
    w = torch.nn.Parameter(torch.zeros(chosen.shape[1]))
    optimiser = torch.optim.SGD([w], lr=lr)
    for _ in range(steps):
        optimiser.zero_grad()
        bradley_terry(chosen @ w, rejected @ w).backward()
        optimiser.step()
    return w.detach()


@proof.right
def with_numpy(chosen, rejected, steps, lr):
    d = np.asarray(chosen, dtype=np.float64) - np.asarray(rejected, dtype=np.float64)
    w = np.zeros(d.shape[1])
    for _ in range(steps):
        pushes = 1 / (1 + np.exp(d @ w))  # (K,)
        w += lr * d.T @ pushes / len(d)
    return w


@proof.right
def with_loops(chosen, rejected, steps, lr):
    import math

    rows = (chosen - rejected).tolist()
    w = [0.0] * len(rows[0])
    for _ in range(steps):
        gradient = [0.0] * len(w)
        for row in rows:
            margin = sum(a * x for a, x in zip(w, row))
            size = 1 / (1 + math.exp(margin))
            for i, x in enumerate(row):
                gradient[i] += size * x
        w = [a + lr * g / len(rows) for a, g in zip(w, gradient)]
    return w
