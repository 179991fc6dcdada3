"""Best-of-n as a target: the reward whose KL-regularised optimum is best-of-n's distribution."""

import numpy as np
import pytest
import torch
from test_rlhf import bandit, probability

from course_lib.base import CourseError
from course_lib.estimators import best_of_n_distribution
from course_lib.methods import LogRank, backward_beta, grpo
from course_lib.models import FunctionReward, sample, score
from course_lib.pools import Pool


def a_pool(rewards, prompts=("a", "b")):
    pool = Pool.from_candidates(list(prompts), [["x"] * len(row) for row in rewards])
    return pool.with_reward("proxy", torch.tensor(rewards))


def numbers():
    return FunctionReward(lambda prompt, text, info: float(text), "number")


def test_ranks_are_taken_within_the_prompt():
    base = a_pool([[0.0, 1.0, 2.0], [10.0, 20.0, 30.0]])
    new = Pool.from_candidates(["b", "a"], [["15", "30"], ["-1", "2"]])
    ranks = LogRank(numbers(), base).score_pool(new)
    # (1 + how many are at most r) of 4
    assert torch.allclose(ranks.exp(), torch.tensor([[2 / 4, 4 / 4], [1 / 4, 4 / 4]]))


def test_an_unknown_prompt_is_named():
    with pytest.raises(CourseError, match="no replies to the prompt 'c'"):
        LogRank(numbers(), a_pool([[0.0], [1.0]])).score_pool(Pool.from_candidates(["c"], [["1"]]))


def test_beta():
    assert backward_beta(16) == pytest.approx(1 / 15)
    with pytest.raises(CourseError, match="n must be at least 2, got 1"):
        backward_beta(1)


def test_the_optimum_is_best_of_n_where_rewards_do_not_tie():
    """π*(y) ∝ π_ref(y)·exp(log F/β) = π_ref(y)·F^(n−1), the density of best-of-n."""
    n, p = 4, np.full(200, 1 / 200)
    rewards = np.arange(200.0)
    share = (np.arange(200) + 0.5) / 200  # F in the middle of each step
    optimum = p * np.exp(np.log(share) / backward_beta(n))
    optimum /= optimum.sum()
    assert np.abs(optimum - best_of_n_distribution(p, rewards, n)).sum() < 1e-3


@pytest.mark.slow
def test_training_reaches_the_known_optimum():
    policy, token, reward = bandit()
    pool = score(sample(policy, ["pull"], n=400, max_tokens=1, seed=5), reward)
    p, n = probability(policy, token), 16
    known = pool.rewards["arm"][0].numpy()
    low = (1 + (known <= 0).sum()) / (1 + len(known))  # F of every other arm; of "left" it is 1
    best = p / (p + (1 - p) * low ** (n - 1))
    trained = grpo(
        policy,
        ["pull"],
        LogRank(reward, pool),
        method="rloo",
        beta=backward_beta(n),
        steps=150,
        prompts_per_step=1,
        n=256,
        lr=1e-3,
        max_tokens=1,
    )
    assert probability(trained, token) == pytest.approx(best, abs=0.06)
    assert best > p + 0.1, "the target is far enough from the start to tell"
