"""Proof of the check of ex04.best_of_n_distribution: probes, wrong and right solutions."""

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex04", "best_of_n_distribution")
best_of_n_distribution = proof.solved("best_of_n_distribution")


@proof.probe(tolerance=1e-4)  # float32 to the power 256
def best_of_n_distribution_inputs(rng):
    for k in range(24):
        K = 1 if k == 0 else int(rng.integers(2, 13))
        weights = rng.integers(0, 6, K) + (np.arange(K) == K - 1)
        # two of three times with ties
        rewards = rng.integers(-2, 4, K) / 2.0 if k % 3 else rng.permutation(K) / 4.0 - 1
        rewards = rewards + int(rng.integers(0, 90)) / 8.0
        n = int(rng.choice([1, 2, 3, 4, 7, 16, 64, 256]))
        yield weights / weights.sum(), rewards, n


def level(probabilities, rewards, n, r):
    """How likely it is that the best of n has the reward r."""
    F = probabilities[rewards <= r].sum()
    below = probabilities[rewards < r].sum()
    return F**n - below**n


@proof.wrong(says="turned around")
def lowest_wins(probabilities, rewards, n):
    return best_of_n_distribution(probabilities, -np.asarray(rewards), n)


@proof.wrong(says="F to the n alone")
def f_alone(probabilities, rewards, n):
    return np.array([probabilities[rewards <= r].sum() ** n for r in rewards])


@proof.wrong(says="own probabilities")
def unchanged(probabilities, rewards, n):
    return probabilities.copy()


@proof.wrong(says="not certain")
def all_on_the_best(probabilities, rewards, n):
    return (rewards == rewards.max()).astype(float) if n > 1 else probabilities.copy()


@proof.wrong(says="at least once")
def at_least_once(probabilities, rewards, n):
    return 1 - (1 - probabilities) ** n


@proof.wrong(says="raise each to the power")
def power_of_difference(probabilities, rewards, n):
    return probabilities**n


@proof.wrong(says="in the order of the rewards")
def left_sorted(probabilities, rewards, n):
    order = np.argsort(rewards)[::-1]
    return best_of_n_distribution(probabilities, rewards, n)[order]


@proof.wrong(says="power n")
def one_sample_less(probabilities, rewards, n):
    return best_of_n_distribution(probabilities, rewards, n - 1)


@proof.wrong(says="not one level alone")
def sums_of_levels(probabilities, rewards, n):
    out = np.zeros(len(rewards))
    below = 0.0
    for value in np.unique(rewards):
        mass = probabilities[rewards == value].sum()
        out[rewards == value] = mass**n - below**n
        below = mass
    return out


@proof.wrong(says="alone on its level")
def times_probability(probabilities, rewards, n):
    return probabilities * not_shared(probabilities, rewards, n)


@proof.wrong(says="in the order of the rewards")
def one_for_each_level(probabilities, rewards, n):
    return np.array([level(probabilities, rewards, n, r) for r in np.unique(rewards)])


@proof.wrong(says="wrong places")
def sorted_twice(probabilities, rewards, n):
    order = np.argsort(rewards, kind="stable")
    return best_of_n_distribution(probabilities[order], rewards[order], n)[order]


@proof.wrong(says="whole of their level. They should share")
def first_takes_all(probabilities, rewards, n):
    out = np.zeros(len(rewards))
    levels, first = np.unique(rewards, return_index=True)
    out[first] = [level(probabilities, rewards, n, r) for r in levels]
    return out


@proof.wrong(says="order of the list")
def cumulative_unsorted(probabilities, rewards, n):
    F = np.cumsum(probabilities)
    return F**n - (F - probabilities) ** n


@proof.wrong(says="whole of their level")
def not_shared(probabilities, rewards, n):
    return np.array([level(probabilities, rewards, n, r) for r in rewards])


@proof.wrong(says="share equally")
def shared_equally(probabilities, rewards, n):
    members = np.array([(rewards == r).sum() for r in rewards])
    return not_shared(probabilities, rewards, n) / members


@proof.wrong(says="later one wins")
def sorted_cumulative(probabilities, rewards, n):
    order = np.argsort(rewards, kind="stable")
    F = np.cumsum(probabilities[order])
    out = np.zeros(len(F))
    out[order] = F**n - (F - probabilities[order]) ** n
    return out


@proof.wrong(says="own probability alone")
def level_is_itself(probabilities, rewards, n):
    if (rewards == rewards[0]).all():
        return 1 - (1 - probabilities) ** n
    F = np.array([probabilities[rewards <= r].sum() for r in rewards])
    return F**n - (F - probabilities) ** n


@proof.wrong(says="0 divided by 0")
def zero_over_zero(probabilities, rewards, n):
    mass = np.array([probabilities[rewards == r].sum() for r in rewards])
    with np.errstate(all="ignore"):
        return probabilities / mass * not_shared(probabilities, rewards, n)


@proof.wrong(says="larger and less tidy")
def whole_rewards(probabilities, rewards, n):
    return best_of_n_distribution(probabilities, np.floor(rewards), n)


@proof.wrong(says="larger and less tidy")
def few_replies(probabilities, rewards, n):
    return best_of_n_distribution(probabilities, rewards, n if len(rewards) <= 4 else 1)


@proof.wrong(says="without levels")
def as_a_density(probabilities, rewards, n):
    F = np.array([probabilities[rewards <= r].sum() for r in rewards])
    return n * probabilities * F ** (n - 1)


@proof.right
def reply_by_reply(probabilities, rewards, n):
    out = []
    for p, r in zip(probabilities, rewards):
        below = sum(q for q, s in zip(probabilities, rewards) if s < r)
        same = sum(q for q, s in zip(probabilities, rewards) if s == r)
        share = p / same if p > 0 else 0.0
        out.append(float(share * ((below + same) ** n - below**n)))
    return out


@proof.right
def by_matrix(probabilities, rewards, n):
    p, r = torch.tensor(probabilities), torch.tensor(rewards)
    F = (r[None] <= r[:, None]).double() @ p
    below = (r[None] < r[:, None]).double() @ p
    mass = (r[None] == r[:, None]).double() @ p
    return torch.where(p > 0, p / mass * (F**n - below**n), torch.zeros_like(p))
