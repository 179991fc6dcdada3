"""What proves ex07's check of dpo_loss: probes, wrong solutions, other right ones."""

import torch
from torch.nn.functional import logsigmoid, softplus

from course_lib.authoring.proofs import Proof

proof = Proof("ex07", "dpo_loss")
dpo_loss = proof.solved("dpo_loss")


@proof.probe(tolerance=1e-5)
def dpo_loss_inputs(rng):
    for k in range(20):
        B = int(rng.integers(1, 9))
        spread = 300.0 if k < 3 else 4.0
        ref_chosen, ref_rejected = rng.uniform(-60, -5, (2, B)).round(2)
        moved_chosen, moved_rejected = rng.normal(0, spread, (2, B)).round(2)
        yield (
            torch.tensor(ref_chosen + moved_chosen),
            torch.tensor(ref_rejected + moved_rejected),
            torch.tensor(ref_chosen),
            torch.tensor(ref_rejected),
            float(rng.choice([0.05, 0.1, 0.5, 1.0, 2.0])),
        )


def scaled_margin(chosen, rejected, ref_chosen, ref_rejected, beta):
    """(B,): what goes into log sigma."""
    return beta * (chosen - ref_chosen - rejected + ref_rejected)


@proof.wrong(says="minus the logarithm")
def no_minus(*args):
    return -dpo_loss(*args)


@proof.wrong(says="one loss for each pair")
def no_mean(*args):
    return -logsigmoid(scaled_margin(*args))


@proof.wrong(says="sum over the batch")
def summed(*args):
    return -logsigmoid(scaled_margin(*args)).sum()


@proof.wrong(says="without its logarithm")
def no_logarithm(*args):
    return torch.sigmoid(scaled_margin(*args)).mean()


@proof.wrong(says="logarithms already")
def fraction_of_logarithms(chosen, rejected, ref_chosen, ref_rejected, beta):
    gain = torch.log(chosen / ref_chosen)
    loss = torch.log(rejected / ref_rejected)
    return -logsigmoid(beta * gain - beta * loss).mean()


@proof.wrong(says="divides logarithms by each other")
def fractions_without_a_logarithm(chosen, rejected, ref_chosen, ref_rejected, beta):
    return -logsigmoid(beta * chosen / ref_chosen - beta * rejected / ref_rejected).mean()


@proof.wrong(says="bracket missing")
def beta_on_the_policy_alone(chosen, rejected, ref_chosen, ref_rejected, beta):
    return -logsigmoid(beta * chosen - ref_chosen - beta * rejected - ref_rejected).mean()


@proof.wrong(says="of each term by itself")
def term_by_term(chosen, rejected, ref_chosen, ref_rejected, beta):
    of_chosen = logsigmoid(beta * (chosen - ref_chosen))
    of_rejected = logsigmoid(beta * (rejected - ref_rejected))
    return (of_rejected - of_chosen).mean()


@proof.wrong(says="log sigma left out")
def the_margin(*args):
    return -(scaled_margin(*args)).mean()


@proof.wrong(says="sigma is taken twice")
def sigma_twice(*args):
    return -logsigmoid(torch.sigmoid(scaled_margin(*args))).mean()


@proof.wrong(says="margin is 0")
def halved_mean(*args):
    return dpo_loss(*args) / 2


@proof.wrong(says="inside the loop")
def first_pair_only(chosen, rejected, ref_chosen, ref_rejected, beta):
    total = 0.0
    for w, l, rw, rl in zip(chosen, rejected, ref_chosen, ref_rejected):
        total = total - logsigmoid(beta * (w - rw) - beta * (l - rl))
        return total / len(chosen)


@proof.wrong(says="have a kink")
def kinked(*args):
    # the value is right, but the gradient is 0 at the start, where the margin is 0
    z = scaled_margin(*args)
    return (torch.relu(-z) + torch.log1p(torch.exp(-z.abs()))).mean()


@proof.wrong(says="its own reference")
def crossed(chosen, rejected, ref_chosen, ref_rejected, beta):
    margin = (chosen - ref_rejected) - (rejected - ref_chosen)
    return -logsigmoid(beta * margin).mean()


@proof.wrong(says="reference is left out")
def no_reference(chosen, rejected, ref_chosen, ref_rejected, beta):
    return -logsigmoid(beta * (chosen - rejected)).mean()


@proof.wrong(says="Is the reference added")
def reference_added(chosen, rejected, ref_chosen, ref_rejected, beta):
    return -logsigmoid(beta * (chosen + ref_chosen - rejected - ref_rejected)).mean()


@proof.wrong(says="turned around")
def swapped(chosen, rejected, ref_chosen, ref_rejected, beta):
    return dpo_loss(rejected, chosen, ref_rejected, ref_chosen, beta)


@proof.wrong(says="beta is not used")
def no_beta(*args):
    return dpo_loss(*args[:4], 1.0)


@proof.wrong(says="belongs inside")
def beta_outside(*args):
    return args[4] * dpo_loss(*args[:4], 1.0)


@proof.wrong(says="divides by beta")
def beta_below(*args):
    return dpo_loss(*args[:4], 1 / args[4])


@proof.wrong(says="gains are added")
def gains_added(chosen, rejected, ref_chosen, ref_rejected, beta):
    return -logsigmoid(beta * (chosen - ref_chosen + rejected - ref_rejected)).mean()


@proof.wrong(says="only the chosen")
def chosen_only(chosen, rejected, ref_chosen, ref_rejected, beta):
    return -logsigmoid(beta * (chosen - ref_chosen)).mean()


@proof.wrong(says="mean margin")
def loss_of_the_mean(*args):
    return -logsigmoid(scaled_margin(*args).mean())


@proof.wrong(says="is infinite")
def log_of_sigmoid(*args):
    return -torch.log(torch.sigmoid(scaled_margin(*args))).mean()


@proof.wrong(says="cut off")
def clamped_probability(*args):
    return -torch.log(torch.sigmoid(scaled_margin(*args)).clamp(min=1e-8)).mean()


@proof.wrong(says="no gradient, so nothing")
def a_number(*args):
    return float(dpo_loss(*args))


@proof.wrong(says="no gradient, so nothing")
def without_gradient(*args):
    with torch.no_grad():
        return dpo_loss(*args)


@proof.wrong(says="reaches rejected")
def one_side_detached(chosen, rejected, ref_chosen, ref_rejected, beta):
    return dpo_loss(chosen, rejected.detach(), ref_chosen, ref_rejected, beta)


@proof.wrong(says="changes its input")
def scales_in_place(chosen, rejected, ref_chosen, ref_rejected, beta):
    ref_chosen *= beta
    ref_rejected *= beta
    return -logsigmoid(beta * chosen - ref_chosen - beta * rejected + ref_rejected).mean()


@proof.wrong(says="larger and less tidy")
def four_pairs(*args):
    *columns, beta = args
    return dpo_loss(*(column[:4] for column in columns), beta)


@proof.wrong(says="logarithm of the mean probability")
def mean_of_the_probabilities(*args):
    return -torch.sigmoid(scaled_margin(*args)).mean().log()


@proof.wrong(says="on the policy's terms only")
def beta_on_the_policy(chosen, rejected, ref_chosen, ref_rejected, beta):
    margin = beta * (chosen - rejected) - (ref_chosen - ref_rejected)
    return torch.nn.functional.softplus(-margin).mean()


@proof.wrong(says="on the reference's terms only")
def beta_on_the_reference(chosen, rejected, ref_chosen, ref_rejected, beta):
    margin = (chosen - rejected) - beta * (ref_chosen - ref_rejected)
    return torch.nn.functional.softplus(-margin).mean()


@proof.right
def by_softplus(chosen, rejected, ref_chosen, ref_rejected, beta):
    z = beta * (rejected - ref_rejected) - beta * (chosen - ref_chosen)
    return softplus(z).sum() / len(chosen)


@proof.right
def in_single_precision(chosen, rejected, ref_chosen, ref_rejected, beta):
    z = (beta * ((chosen - rejected) - (ref_chosen - ref_rejected))).float()
    return torch.logaddexp(torch.zeros_like(z), -z).mean()


@proof.right
def pair_by_pair(chosen, rejected, ref_chosen, ref_rejected, beta):
    total = 0.0
    for w, l, rw, rl in zip(chosen, rejected, ref_chosen, ref_rejected):
        total = total - logsigmoid(beta * (w - rw) - beta * (l - rl))
    return total / len(chosen)
