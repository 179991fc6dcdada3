"""What proves ex07's check of ppo_clip: probes, wrong solutions, other right ones."""

import math

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex07", "ppo_clip")
ppo_clip = proof.solved("ppo_clip")


@proof.probe(tolerance=1e-5)
def ppo_clip_inputs(rng):
    for _ in range(25):
        R, T = rng.integers(1, 5), rng.integers(1, 7)
        old = np.log(rng.uniform(0.05, 0.9, (R, T)))
        ratio = rng.uniform(0.3, 2.5, (R, T))
        A = rng.normal(size=(R, T)).round(2)
        yield (
            torch.tensor(old + np.log(ratio)),
            torch.tensor(old),
            torch.tensor(A),
            float(rng.choice([0.05, 0.1, 0.2, 0.3])),
        )


def loss_of(ratio, A, clip):
    """PPO's loss of each token, once there is a ratio."""
    return -torch.minimum(ratio * A, ratio.clamp(1 - clip, 1 + clip) * A)


@proof.wrong(says="The loss is minus that")
def the_value(logp, old, A, clip):
    return -ppo_clip(logp, old, A, clip)


@proof.wrong(says="take exp of the difference")
def no_exp(logp, old, A, clip):
    ratio = logp - old
    return -torch.minimum(ratio * A, ratio.clamp(-clip, clip) * A)


@proof.wrong(says="upside down")
def upside_down(logp, old, A, clip):
    return ppo_clip(old, logp, A, clip)


@proof.wrong(says="ratio of logarithms")
def divides_logs(logp, old, A, clip):
    ratio = logp / old
    return loss_of(ratio, A, clip)


@proof.wrong(says="-A log pi")
def reinforce(logp, old, A, clip):
    return -A * logp


@proof.wrong(says="clipped at 1 + c")
def no_clip(logp, old, A, clip):
    return -(logp - old).exp() * A


@proof.wrong(says="Bound the ratio")
def bounds_the_product(logp, old, A, clip):
    value = (logp - old).exp() * A
    return -torch.minimum(value, value.clamp(1 - clip, 1 + clip))


@proof.wrong(says="larger of the two")
def larger(logp, old, A, clip):
    ratio = (logp - old).exp()
    return -torch.maximum(ratio * A, ratio.clamp(1 - clip, 1 + clip) * A)


@proof.wrong(says="take the minimum")
def clip_alone(logp, old, A, clip):
    return -(logp - old).exp().clamp(1 - clip, 1 + clip) * A


@proof.wrong(says="Multiply by A first")
def minimum_first(logp, old, A, clip):
    ratio = (logp - old).exp()
    return -torch.minimum(ratio, ratio.clamp(1 - clip, 1 + clip)) * A


@proof.wrong(says="bounded by 1 - c too")
def bounded_above_only(logp, old, A, clip):
    ratio = (logp - old).exp()
    return -torch.minimum(ratio * A, ratio.clamp(max=1 + clip) * A)


@proof.wrong(says="your bounds pull it down")
def bounds_around_zero(logp, old, A, clip):
    ratio = (logp - old).exp()
    return -torch.minimum(ratio * A, ratio.clamp(-clip, clip) * A)


@proof.wrong(says="your bounds pull it down")
def bounds_in_the_wrong_order(logp, old, A, clip):
    ratio = (logp - old).exp()
    return -torch.minimum(ratio * A, ratio.clamp(1 + clip, 1 - clip) * A)


@proof.wrong(says="logarithm of the ratio. Clip")
def clips_the_logarithm(logp, old, A, clip):
    change = logp - old
    return -torch.minimum(change.exp() * A, change.clamp(-clip, clip).exp() * A)


@proof.wrong(says="logarithm is clipped")
def clips_the_logarithm_around_one(logp, old, A, clip):
    change = logp - old
    return -torch.minimum(change.exp() * A, change.clamp(1 - clip, 1 + clip).exp() * A)


@proof.wrong(says="difference of probabilities")
def difference_of_probabilities(logp, old, A, clip):
    change = logp.exp() - old.exp()
    return -torch.minimum(change * A, change.clamp(1 - clip, 1 + clip) * A)


@proof.wrong(says="A normalised")
def normalises(logp, old, A, clip):
    return ppo_clip(logp, old, (A - A.mean()) / (A.std() + 1e-8), clip)


@proof.wrong(says="natural ones")
def powers_of_ten(logp, old, A, clip):
    return ppo_clip((logp - old) * math.log(10), torch.zeros_like(old), A, clip)


@proof.wrong(says="what becomes 0 is the push")
def nothing_outside(logp, old, A, clip):
    ratio = (logp - old).exp()
    return torch.where((ratio - 1).abs() > clip, torch.zeros_like(ratio), -ratio * A)


@proof.wrong(says="ratio of their whole reply")
def ratio_of_the_reply(logp, old, A, clip):
    ratio = (logp - old).sum(1, keepdim=True).exp()
    return loss_of(ratio, A, clip)


@proof.wrong(says="ratio of their whole reply")
def mean_ratio_of_the_reply(logp, old, A, clip):
    ratio = (logp - old).mean(1, keepdim=True).exp()
    return loss_of(ratio, A, clip)


@proof.wrong(says="into a new tensor")
def a_new_tensor(logp, old, A, clip):
    return torch.tensor(ppo_clip(logp, old, A, clip).tolist(), requires_grad=True)


@proof.wrong(says="sign of A lost")
def absolute_advantage(logp, old, A, clip):
    return ppo_clip(logp, old, A.abs(), clip)


@proof.wrong(says="full force")
def clipped_on_one_side_only(logp, old, A, clip):
    ratio = (logp - old).exp()
    bounded = ratio.clamp(1 - clip, 1 + clip)
    return torch.where(A > 0, -torch.minimum(ratio, bounded) * A, -bounded * A)


@proof.wrong(says="Use the argument")
def always_point_two(logp, old, A, clip):
    return ppo_clip(logp, old, A, 0.2)


@proof.wrong(says="without a mean")
def the_mean(logp, old, A, clip):
    return ppo_clip(logp, old, A, clip).mean()


@proof.wrong(says="no gradient")
def detached(logp, old, A, clip):
    return ppo_clip(logp.detach(), old, A, clip)


@proof.wrong(says="leaves torch")
def in_numpy(logp, old, A, clip):
    ratio = np.exp(logp.numpy() - old.numpy())
    bounded = np.clip(ratio, 1 - clip, 1 + clip)
    return torch.tensor(-np.minimum(ratio * A.numpy(), bounded * A.numpy()))


@proof.wrong(says="changes its input")
def takes_off_in_place(logp, old, A, clip):
    kept = logp.clone()
    old -= kept
    ratio = (-old).exp()
    return loss_of(ratio, A, clip)


@proof.wrong(says="larger and less tidy")
def never_above_three(logp, old, A, clip):
    return ppo_clip(logp, old, A, clip).clamp(max=2.5)


@proof.right
def larger_of_two_losses(logp, old, A, clip):
    ratio = (logp.float() - old.float()).exp()
    bounded = torch.clip(ratio, 1 - clip, 1 + clip)
    return torch.maximum(-ratio * A.float(), -bounded * A.float())


@proof.right
def by_the_sign(logp, old, A, clip):
    ratio = logp.exp() / old.exp()
    at_most = torch.minimum(ratio, torch.full_like(ratio, 1 + clip))
    at_least = torch.maximum(ratio, torch.full_like(ratio, 1 - clip))
    return -torch.where(A > 0, at_most, at_least) * A


@proof.right
def token_by_token(logp, old, A, clip):
    rows = []
    for r in range(len(logp)):
        row = []
        for k in range(logp.shape[1]):
            ratio = torch.exp(logp[r, k] - old[r, k])
            free = ratio * A[r, k]
            bounded = torch.clamp(ratio, 1 - clip, 1 + clip) * A[r, k]
            row.append(-(free if free < bounded else bounded))
        rows.append(torch.stack(row))
    return torch.stack(rows)
