"""What proves ex07's check of group_advantage: probes, wrong solutions, other right ones."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex07", "group_advantage")
group_advantage = proof.solved("group_advantage")


@proof.probe(tolerance=1e-5)
def group_advantage_inputs(rng):
    for _ in range(18):
        P, N = rng.integers(1, 6), rng.integers(2, 11)
        rows = rng.integers(-12, 13, (P, N)) / 4.0
        yield (torch.tensor(rows, dtype=torch.float32),)
    for _ in range(4):  # equal groups, and one reply far above the rest
        rows = np.repeat(rng.integers(-12, 13, (4, 1)) / 2.0, 10, axis=1)
        rows[:2, rng.integers(0, 10)] += 6.0
        yield (torch.tensor(rows, dtype=torch.float32),)


def centred(rewards):
    """(P, N): the rewards minus the mean of their group."""
    return rewards - rewards.mean(1, keepdim=True)


def deviation(rewards):
    """(P, 1): the sample standard deviation of each group."""
    return rewards.std(1, keepdim=True)


@proof.wrong(says="not divided by")
def only_the_mean(rewards):
    return centred(rewards)


@proof.wrong(says="whole population")
def population(rewards):
    return centred(rewards) / (rewards.std(1, keepdim=True, correction=0) + 1e-4)


@proof.wrong(says="whole population")
def numpys_own(rewards):
    r = rewards.numpy()
    if r.std() == 0:
        return 0 * r
    return (r - r.mean(1, keepdims=True)) / r.std(1, keepdims=True)


@proof.wrong(says="variance")
def by_the_variance(rewards):
    return centred(rewards) / (rewards.var(1, keepdim=True) + 1e-4)


@proof.wrong(says="standard deviation alone")
def nothing_added(rewards):
    return centred(rewards) / deviation(rewards)


@proof.wrong(says="brackets")
def added_outside(rewards):
    return centred(rewards) / deviation(rewards) + 1e-4


@proof.wrong(says="under the root")
def under_the_root(rewards):
    return centred(rewards) / (rewards.var(1, keepdim=True) + 1e-4).sqrt()


@proof.wrong(says="lower weight")
def turned_around(rewards):
    return (rewards.mean(1, keepdim=True) - rewards) / (deviation(rewards) + 1e-4)


@proof.wrong(says="taken off the rewards")
def not_centred(rewards):
    return rewards / (deviation(rewards) + 1e-4)


@proof.wrong(says="of all rewards")
def over_everything(rewards):
    return (rewards - rewards.mean()) / (rewards.std() + 1e-4)


@proof.wrong(says="NaN")
def over_prompts(rewards):
    return (rewards - rewards.mean(0)) / (rewards.std(0) + 1e-4)


@proof.wrong(says="keepdim=True")
def no_keepdim(rewards):
    return (rewards - rewards.mean(1)) / (rewards.std(1) + 1e-4)


@proof.wrong(says="all weights are 0")
def zeros(rewards):
    return torch.zeros_like(rewards)


@proof.wrong(says="much smaller number")
def adds_too_little(rewards):
    return centred(rewards) / (deviation(rewards) + 1e-8)


@proof.wrong(says="is the small number 1e-4")
def adds_too_much(rewards):
    return centred(rewards) / (deviation(rewards) + 1e-3)


@proof.wrong(says="taken over prompts")
def over_prompts_in_numpy(rewards):
    r = rewards.numpy()
    return (r - r.mean(axis=0)) / (r.std(axis=0) + 1e-4)


@proof.wrong(says="Is the sign lost")
def sizes_only(rewards):
    return (centred(rewards) / (deviation(rewards) + 1e-4)).abs()


@proof.wrong(says="mean of the whole group")
def rloos_baseline(rewards):
    others = (rewards.sum(1, keepdim=True) - rewards) / (rewards.shape[1] - 1)
    return (rewards - others) / (deviation(rewards) + 1e-4)


@proof.wrong(says="the mean is that of all rewards")
def mean_of_everything(rewards):
    return (rewards - rewards.mean()) / (deviation(rewards) + 1e-4)


@proof.wrong(says="mean of their standard deviations")
def one_standard_deviation(rewards):
    return centred(rewards) / (rewards.std(1).mean() + 1e-4)


@proof.wrong(says="Keep its shape (P, 1) too")
def keepdim_once(rewards):
    return centred(rewards) / (rewards.std(1) + 1e-4)


@proof.wrong(says="number of prompts taken")
def divides_by_prompts(rewards):
    off = centred(rewards)
    squares = (off**2).sum(1, keepdim=True)
    return off / ((squares / len(rewards)).sqrt() + 1e-4)


@proof.wrong(says="belongs under the root")
def divides_the_root(rewards):
    off = centred(rewards)
    squares = (off**2).sum(1, keepdim=True)
    return off / (squares.sqrt() / (rewards.shape[1] - 1) + 1e-4)


@proof.wrong(says="inside the loop")
def first_prompt_only(rewards):
    out = torch.zeros_like(rewards)
    for p, row in enumerate(rewards):
        out[p] = (row - row.mean()) / (row.std() + 1e-4)
        return out


@proof.wrong(says="changes its input")
def in_place(rewards):
    rewards -= rewards.mean(1, keepdim=True)
    return rewards / (deviation(rewards) + 1e-4)


@proof.wrong(says="larger and less tidy")
def cut_off(rewards):
    return group_advantage(rewards).clamp(-2, 2)


@proof.right
def with_statistics(rewards):
    import statistics

    out = []
    for row in rewards.double().tolist():
        m, s = statistics.mean(row), statistics.stdev(row)
        out.append([(r - m) / (s + 1e-4) for r in row])
    return out


@proof.right
def with_numpy(rewards):
    r = np.asarray(rewards, dtype=np.float64)
    mean = r.mean(axis=1)[:, None]
    deviation = r.std(axis=1, ddof=1)[:, None]
    return (r - mean) / (deviation + 1e-4)
