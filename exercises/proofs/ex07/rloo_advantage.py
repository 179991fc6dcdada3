"""What proves ex07's check of rloo_advantage: probes, wrong solutions, other right ones."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex07", "rloo_advantage")
group_advantage = proof.solved("group_advantage")
rloo_advantage = proof.solved("rloo_advantage")


@proof.probe(tolerance=1e-5)
def rloo_advantage_inputs(rng):
    for k in range(20):
        P = rng.integers(1, 6)
        N = 2 if k < 3 else rng.integers(3, 12)
        rows = rng.integers(-12, 13, (P, N)) / 4.0
        if k % 5 == 4:
            rows[0] = rows[0, 0]
        yield (torch.tensor(rows, dtype=torch.float32),)


def sum_of_the_others(rewards):
    """(P, N): of each reply the sum of the other rewards of its prompt."""
    return rewards.sum(1, keepdim=True) - rewards


@proof.wrong(says="contains the reply itself")
def mean_of_all(rewards):
    return rewards - rewards.mean(1, keepdim=True)


@proof.wrong(says="turned around")
def sign_changed(rewards):
    return -rloo_advantage(rewards)


@proof.wrong(says="Take them off the rewards")
def the_baseline(rewards):
    return rewards - rloo_advantage(rewards)


@proof.wrong(says="take off their mean")
def sum_of_others(rewards):
    return rewards - sum_of_the_others(rewards)


@proof.wrong(says="only N - 1")
def divided_by_n(rewards):
    return rewards - sum_of_the_others(rewards) / rewards.shape[1]


@proof.wrong(says="belongs to N = 4")
def four_thirds(rewards):
    return (rewards - rewards.mean(1, keepdim=True)) * 4 / 3


@proof.wrong(says="best of the others")
def best_other(rewards):
    rows = []
    for row in rewards.tolist():
        rows.append([r - max(row[:i] + row[i + 1 :]) for i, r in enumerate(row)])
    return torch.tensor(rows)


@proof.wrong(says="own prompt")
def others_of_all(rewards):
    return rewards - (rewards.sum() - rewards) / (rewards.numel() - 1)


@proof.wrong(says="keepdim=True")
def sums_misplaced(rewards):
    N = rewards.shape[1]
    mean = rewards.mean(1) if rewards.shape[0] == N else rewards.mean(1, keepdim=True)
    return (rewards - mean) * N / (N - 1)


@proof.wrong(says="GRPO's weights")
def grpos(rewards):
    return group_advantage(rewards)


@proof.wrong(says="by its position")
def out_by_value(rewards):
    out = torch.zeros_like(rewards)
    for p, row in enumerate(rewards.tolist()):
        for i, r in enumerate(row):
            others = [x for x in row if x != r]
            baseline = sum(others) / len(others) if others else 0.0
            out[p, i] = r - baseline
    return out


@proof.wrong(says="0 divided by 0")
def others_among_prompts(rewards):
    return rewards - (rewards.sum(0, keepdim=True) - rewards) / (rewards.shape[0] - 1)


@proof.wrong(says="is a bracket missing")
def no_brackets(rewards):
    return rewards - rewards.sum(1, keepdim=True) - rewards / (rewards.shape[1] - 1)


@proof.wrong(says="around N - 1")
def no_brackets_below(rewards):
    return rewards - sum_of_the_others(rewards) / rewards.shape[1] - 1


@proof.wrong(says="Put the weights into a new tensor")
def overwrites_its_copy(rewards):
    rows = rewards.tolist()
    for row in rows:
        for i, r in enumerate(row):
            row[i] = r - (sum(row) - r) / (len(row) - 1)
    return torch.tensor(rows)


@proof.wrong(says="whole numbers")
def into_integers(rewards):
    return rloo_advantage(rewards).int()


@proof.wrong(says="inside the loop")
def returns_too_early(rewards):
    out = torch.zeros_like(rewards)
    for p, row in enumerate(rewards):
        for i in range(len(row)):
            out[p, i] = row[i] - (row.sum() - row[i]) / (len(row) - 1)
        return out


@proof.wrong(says="Are the sum and N")
def counts_all_rewards(rewards):
    return rewards - sum_of_the_others(rewards) / (rewards.numel() - 1)


@proof.wrong(says="changes its input")
def subtracts_in_place(rewards):
    rewards -= sum_of_the_others(rewards) / (rewards.shape[1] - 1)
    return rewards


@proof.wrong(says="larger and less tidy")
def up_to_five(rewards):
    return rewards - sum_of_the_others(rewards) / min(rewards.shape[1] - 1, 4)


@proof.right
def by_hand(rewards):
    rows = []
    for row in rewards.tolist():
        baselines = [sum(row[:i] + row[i + 1 :]) / (len(row) - 1) for i in range(len(row))]
        rows.append([r - baseline for r, baseline in zip(row, baselines)])
    return rows


@proof.right
def by_the_factor(rewards):
    r = rewards.numpy().astype(np.float64)
    N = r.shape[1]
    return (r - r.mean(1, keepdims=True)) * (N / (N - 1))


@proof.right
def by_a_matrix(rewards):
    N = rewards.shape[1]
    return rewards @ (torch.eye(N) - (1 - torch.eye(N)) / (N - 1))
