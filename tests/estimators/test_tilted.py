"""The policy with the highest mean reward at a given KL."""

import math

import numpy as np
import pytest

from course_lib.base import CourseError
from course_lib.estimators import best_of_n_distribution, kl_best_of_n_exact, kl_tilted


def kl(q, p):
    there = q > 0
    return float(np.sum(q[there] * np.log(q[there] / p[there])))


def test_two_outcomes_tilt_to_the_right_odds():
    tilted = kl_tilted([0.5, 0.5], [1.0, 0.0], kl(np.array([0.8, 0.2]), np.array([0.5, 0.5])))
    assert tilted == pytest.approx([0.8, 0.2])


def test_its_form_is_an_exponential_of_the_reward():
    p, r = np.array([0.2, 0.5, 0.3]), np.array([1.0, -2.0, 4.0])
    expected = p * np.exp(r / 3.0)
    expected /= expected.sum()
    assert kl_tilted(p, r, kl(expected, p)) == pytest.approx(expected)


def test_it_starts_at_the_policy_and_ends_at_the_best_outcomes():
    p, r = [0.25, 0.25, 0.5, 0.0], [1.0, 1.0, 0.0, 9.0]
    assert kl_tilted(p, r, 0).tolist() == p
    assert kl_tilted(p, r, 5).tolist() == [0.5, 0.5, 0.0, 0.0], "an impossible reply stays so"
    assert kl_tilted([0.5, 0.5], [2.0, 2.0], 1).tolist() == [0.5, 0.5], "nothing to choose"


@pytest.mark.parametrize("n", [2, 8, 32])
def test_best_of_n_has_no_higher_reward_at_its_kl(n):
    rng = np.random.default_rng(n)
    p, r = rng.dirichlet(np.ones(40)), rng.normal(size=40)
    nats = kl_best_of_n_exact(p, r, n)
    tilted = kl_tilted(p, r, nats)
    assert kl(tilted, p) == pytest.approx(nats, abs=1e-6)
    assert best_of_n_distribution(p, r, n) @ r <= tilted @ r + 1e-9
    assert math.isclose(tilted.sum(), 1)


def test_nonsense_is_refused():
    with pytest.raises(CourseError, match="nats must be 0 or more"):
        kl_tilted([0.5, 0.5], [1.0, 0.0], -1)
    with pytest.raises(CourseError, match="sum to 1"):
        kl_tilted([0.5, 0.6], [1.0, 0.0], 1)
