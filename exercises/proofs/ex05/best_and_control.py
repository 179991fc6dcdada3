"""What proves ex05's check of best_and_control: probes, wrong solutions, other right ones."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex05", "best_and_control")


@proof.probe()
def best_and_control_inputs(rng):
    for k in range(24):
        P = int(rng.integers(1, 7))
        N = 1 if k % 8 == 0 else int(rng.integers(2, 20))
        u = rng.random(P)
        if k % 6 == 1:
            u[0] = 0.0
        rewards = rng.integers(-3, 4, (P, N)) / 2.0  # few values, so many ties
        yield torch.tensor(rewards), torch.tensor(u)


def control_by(rewards, u):
    """The right control, (P,): u times N, rounded down."""
    return (u * rewards.shape[1]).long()


@proof.wrong(says="best rewards, not their indices")
def value_for_index(rewards, u):
    return rewards.max(dim=1).values, control_by(rewards, u)


@proof.wrong(says="lowest reward")
def lowest_one(rewards, u):
    return rewards.argmin(dim=1), control_by(rewards, u)


@proof.wrong(says="over prompts")
def over_prompts(rewards, u):
    return rewards.argmax(dim=0), control_by(rewards, u)


@proof.wrong(says="single number")
def whole_matrix(rewards, u):
    return rewards.argmax(), control_by(rewards, u)


@proof.wrong(says="best first")
def other_order(rewards, u):
    return control_by(rewards, u), rewards.argmax(dim=1)


@proof.wrong(says="the last wins")
def last_tie(rewards, u):
    from_the_end = rewards.flip(1).argmax(dim=1)
    return rewards.shape[1] - 1 - from_the_end, control_by(rewards, u)


@proof.wrong(says="rounded up, or to the nearest")
def nearest(rewards, u):
    N = rewards.shape[1]
    return rewards.argmax(dim=1), torch.round(u * N).long().clamp(max=N - 1)


@proof.wrong(says="N - 1")
def never_the_last(rewards, u):
    return rewards.argmax(dim=1), (u * (rewards.shape[1] - 1)).long()


@proof.wrong(says="with u = 0")
def up_less_one(rewards, u):
    return rewards.argmax(dim=1), torch.ceil(u * rewards.shape[1]).long() - 1


@proof.wrong(says="the second call")
def own_draw(rewards, u):
    return rewards.argmax(dim=1), torch.randint(rewards.shape[1], (len(rewards),))


@proof.wrong(says="should not look at the rewards")
def second_best(rewards, u):
    order = rewards.argsort(dim=1, descending=True)
    return rewards.argmax(dim=1), order[:, min(1, rewards.shape[1] - 1)]


@proof.wrong(says="floating-point type")
def left_as_float(rewards, u):
    return rewards.argmax(dim=1), torch.floor(u * rewards.shape[1])


@proof.wrong(says="best is right as a number")
def best_as_float(rewards, u):
    return rewards.argmax(dim=1).float(), control_by(rewards, u)


@proof.wrong(says="is something sorted here")
def drawn_by_rank(rewards, u):
    rank = control_by(rewards, u)[:, None]
    return rewards.argmax(dim=1), rewards.argsort(dim=1).gather(1, rank)[:, 0]


@proof.wrong(says="among sorted rewards")
def drawn_by_rank_from_above(rewards, u):
    rank = control_by(rewards, u)[:, None]
    return rewards.argmax(dim=1), rewards.argsort(dim=1, descending=True).gather(1, rank)[:, 0]


@proof.wrong(says="rounded up, or to the nearest")
def counts_from_one(rewards, u):
    return rewards.argmax(dim=1), control_by(rewards, u) + 1


@proof.wrong(says="rounded down too early")
def floor_first(rewards, u):
    return rewards.argmax(dim=1), torch.floor(u).long() * rewards.shape[1]


@proof.wrong(says="index 3 does not exist")
def only_for_four(rewards, u):
    return rewards.argmax(dim=1), (u * 4).long()


@proof.wrong(says="every prompt gets the first u")
def one_u(rewards, u):
    return rewards.argmax(dim=1), (u[0] * rewards.shape[1]).long().expand(len(u))


@proof.wrong(says="leaves the best out")
def best_left_out(rewards, u):
    best = rewards.argmax(dim=1)
    control = control_by(rewards, u)
    another = (control + 1) % rewards.shape[1]
    return best, torch.where(control == best, another, control)


@proof.wrong(says="length 1")
def best_only(rewards, u):
    return [rewards.argmax(dim=1)]


@proof.wrong(says="changes its input")
def sorts_in_place(rewards, u):
    best = rewards.argmax(dim=1)
    rewards.copy_(rewards.sort(dim=1, descending=True).values)
    return best, control_by(rewards, u)


@proof.wrong(says="larger and less tidy")
def clamped(rewards, u):
    return rewards.argmax(dim=1), control_by(rewards, u).clamp(max=7)


@proof.right
def both_by_loop(rewards, u):
    best, control = [], []
    for row, x in zip(rewards.tolist(), u.tolist()):
        best.append(row.index(max(row)))
        control.append(int(x * len(row)))
    return best, control


@proof.right
def both_by_numpy(rewards, u):
    R = np.asarray(rewards, dtype=np.float32)
    return [R.argmax(1), np.floor(np.asarray(u) * R.shape[1]).astype(int)]


@proof.right
def stacked(rewards, u):
    return torch.stack([rewards.max(dim=1).indices, (u * rewards.size(1)).to(torch.int64)])
