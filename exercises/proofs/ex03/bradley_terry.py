"""Proof of the check of ex03.bradley_terry: probes, wrong and right solutions."""

import numpy as np
import torch
from torch.nn.functional import logsigmoid, softplus

from course_lib.authoring.proofs import Proof

proof = Proof("ex03", "bradley_terry")


@proof.probe(tolerance=1e-4)  # float32 at scores of a thousand
def bradley_terry_inputs(rng):
    for k in range(20):
        K = int(rng.integers(1, 12))
        chosen = torch.tensor(rng.integers(-16, 17, K) / 4.0, dtype=torch.float64)
        rejected = torch.tensor(rng.integers(-16, 17, K) / 4.0, dtype=torch.float64)
        size = 1 if k % 4 else 250
        yield size * chosen, size * rejected


@proof.wrong(says="sign is missing")
def no_minus(chosen, rejected):
    return logsigmoid(chosen - rejected).mean()


@proof.wrong(says="wrong way round")
def swapped(chosen, rejected):
    return -logsigmoid(rejected - chosen).mean()


@proof.wrong(says="without its logarithm")
def no_logarithm(chosen, rejected):
    return torch.sigmoid(chosen - rejected).mean()


@proof.wrong(says="in bits")
def bits(chosen, rejected):
    return softplus(rejected - chosen).mean() / np.log(2)


@proof.wrong(says="this is the sum")
def summed(chosen, rejected):
    return softplus(rejected - chosen).sum()


@proof.wrong(says="one loss for each")
def not_averaged(chosen, rejected):
    return softplus(rejected - chosen)


@proof.wrong(says="kept its dimension")
def keeps_dimension(chosen, rejected):
    return softplus(rejected - chosen).mean(0, keepdim=True)


@proof.wrong(says="only the chosen")
def chosen_alone(chosen, rejected):
    return softplus(-chosen).mean()


@proof.wrong(says="divide by K")
def one_comparison_less(chosen, rejected):
    return softplus(rejected - chosen).sum() / (len(chosen) - 1)


@proof.wrong(says="does your loop add up")
def last_one_alone(chosen, rejected):
    for c, r in zip(chosen, rejected):
        total = softplus(r - c)
    return total / len(chosen)


@proof.wrong(says="logarithm of the mean")
def log_of_the_mean(chosen, rejected):
    return -torch.log(torch.sigmoid(chosen - rejected).mean())


@proof.wrong(says="without its sign")
def sizes_of_scores(chosen, rejected):
    return softplus(rejected.abs() - chosen.abs()).mean()


@proof.wrong(says="mean margin")
def loss_of_the_mean(chosen, rejected):
    return softplus((rejected - chosen).mean())


@proof.wrong(says="every chosen meets")
def all_against_all_scores(chosen, rejected):
    return softplus(rejected[None] - chosen[:, None]).mean()


@proof.wrong(says="is infinite")
def log_of_sigmoid(chosen, rejected):
    return -torch.log(torch.sigmoid(chosen - rejected)).mean()


@proof.wrong(says="is infinite")
def log_of_one_plus_exp(chosen, rejected):
    return torch.log(1 + torch.exp(rejected - chosen)).mean()


@proof.wrong(says="is infinite")
def two_exponentials_loss(chosen, rejected):
    return -(chosen.exp() / (chosen.exp() + rejected.exp())).log().mean()


@proof.wrong(says="cut off")
def small_number_added(chosen, rejected):
    return -torch.log(torch.sigmoid(chosen - rejected) + 1e-10).mean()


@proof.wrong(says="no gradient, so nothing")
def python_number(chosen, rejected):
    return float(softplus(rejected - chosen).mean())


@proof.wrong(says="leaves torch")
def through_numpy(chosen, rejected):
    return torch.tensor(np.logaddexp(0, rejected.numpy() - chosen.numpy()).mean())


@proof.wrong(says="reaches rejected")
def rejected_detached(chosen, rejected):
    return softplus(rejected.detach() - chosen).mean()


@proof.wrong(says="gradient is not when")
def margin_clamped_below(chosen, rejected):
    z = chosen - rejected
    clamped = softplus(-z.clamp(min=-50))
    return torch.where(z < -50, (-z).detach(), clamped).mean()


@proof.wrong(says="as soon as the model is right")
def hinge(chosen, rejected):
    z = chosen - rejected
    return torch.where(z > 1, 0 * z, softplus(-z)).mean()


@proof.wrong(says="changes its input")
def subtracts_in_place(chosen, rejected):
    with torch.no_grad():
        chosen -= rejected
    return softplus(-chosen).mean()


@proof.wrong(says="larger and less tidy")
def first_eight(chosen, rejected):
    return softplus(rejected - chosen)[:4].mean()


@proof.wrong(says="this is a hinge")
def hinge(chosen, rejected):
    return torch.relu(1 - (chosen - rejected)).mean()


@proof.right
def by_logsigmoid(chosen, rejected):
    return -logsigmoid(chosen - rejected).sum() / len(chosen)


@proof.right
def in_single_precision(chosen, rejected):
    z = (rejected - chosen).float()
    return torch.logaddexp(torch.zeros_like(z), z).mean()


@proof.right
def in_two_parts(chosen, rejected):
    """Its gradient is one-sided where two scores are equal."""
    margin = chosen - rejected
    return ((-margin).clamp(min=0) + torch.log1p(torch.exp(-margin.abs()))).mean()


@proof.right
def pair_by_pair(chosen, rejected):
    total = 0.0
    for c, r in zip(chosen, rejected):
        total = total + torch.logsumexp(torch.stack([c, r]), 0) - c
    return total / len(chosen)
