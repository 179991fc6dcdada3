"""What proves ex09's check of forecast: probes, wrong solutions, other right ones."""

import math

import numpy as np
import torch

from course_lib.authoring.proofs import Proof

proof = Proof("ex09", "forecast")


@proof.probe()
def forecast_inputs(rng):
    for k in range(24):
        K = int(rng.integers(2, 9))
        M = float(np.round(rng.uniform(0.25, 60), 2)) if k % 2 else int(rng.integers(1, 200))
        seconds = np.round(rng.uniform(1, 90, K), 2).tolist()
        t = float(rng.choice([12.706, 4.303, 3.182, 2.776, 2.306]))
        yield seconds, M, t


def spread(seconds):
    """The sample standard deviation of the timings."""
    return np.std(seconds, ddof=1)


def root(seconds, M):
    """Both kinds of luck: of the M parts to come, and of the mean of K timings."""
    return math.sqrt(M + M**2 / len(seconds))


@proof.wrong(says="mean of one part")
def one_part(seconds, M, t):
    return np.mean(seconds), t * spread(seconds) * root(seconds, M)


@proof.wrong(says="are done")
def with_the_timed(seconds, M, t):
    return sum(seconds) + M * np.mean(seconds), t * spread(seconds) * root(seconds, M)


@proof.wrong(says="lower end")
def low_and_high(seconds, M, t):
    total = M * np.mean(seconds)
    half_width = t * spread(seconds) * root(seconds, M)
    return total - half_width, total + half_width


@proof.wrong(says="median")
def by_median(seconds, M, t):
    return M * np.median(seconds), t * spread(seconds) * root(seconds, M)


@proof.wrong(says="ddof=1")
def population_spread(seconds, M, t):
    return M * np.mean(seconds), t * np.std(seconds) * root(seconds, M)


@proof.wrong(says="mean of K timings is uncertain")
def future_alone(seconds, M, t):
    return M * np.mean(seconds), t * spread(seconds) * math.sqrt(M)


@proof.wrong(says="luck of their own")
def mean_alone(seconds, M, t):
    return M * np.mean(seconds), t * spread(seconds) * M / math.sqrt(len(seconds))


@proof.wrong(says="slow or fast together")
def all_together(seconds, M, t):
    return M * np.mean(seconds), t * spread(seconds) * M


@proof.wrong(says="1.96")
def normal_quantile(seconds, M, t):
    return M * np.mean(seconds), 1.96 * spread(seconds) * root(seconds, M)


@proof.wrong(says="variance. The formula")
def by_variance(seconds, M, t):
    return M * np.mean(seconds), t * np.var(seconds, ddof=1) * root(seconds, M)


@proof.wrong(says="number of timings, here 4")
def always_two(seconds, M, t):
    return M * np.mean(seconds), t * spread(seconds) * math.sqrt(M + M**2 / 2)


@proof.wrong(says="do not round")
def whole_parts(seconds, M, t):
    M = int(M)
    return M * np.mean(seconds), t * spread(seconds) * root(seconds, M)


@proof.wrong(says="take the timed ones off")
def takes_the_timed_off(seconds, M, t):
    left = M - len(seconds)
    luck = max(0, left + left**2 / len(seconds))
    return left * np.mean(seconds), t * spread(seconds) * math.sqrt(luck)


@proof.wrong(says="t is missing")
def without_t(seconds, M, t):
    return M * np.mean(seconds), spread(seconds) * root(seconds, M)


@proof.wrong(says="belongs to three timings")
def t_of_three(seconds, M, t):
    return M * np.mean(seconds), 4.303 * spread(seconds) * root(seconds, M)


@proof.wrong(says="number of timings, here 2")
def always_three(seconds, M, t):
    return M * np.mean(seconds), t * spread(seconds) * math.sqrt(M + M**2 / 3)


@proof.wrong(says="not with //")
def floor_division(seconds, M, t):
    return M * np.mean(seconds), t * spread(seconds) * math.sqrt(M + M**2 // len(seconds))


@proof.wrong(says="only M² is divided")
def brackets(seconds, M, t):
    return M * np.mean(seconds), t * spread(seconds) * math.sqrt((M + M**2) / len(seconds))


@proof.wrong(says="is squared")
def without_the_square(seconds, M, t):
    return M * np.mean(seconds), t * spread(seconds) * math.sqrt(M + M / len(seconds))


@proof.wrong(says="changes its input")
def sorts_in_place(seconds, M, t):
    seconds.sort()
    return M * np.mean(seconds), t * spread(seconds) * root(seconds, M)


@proof.wrong(says="do not round them")
def whole_seconds(seconds, M, t):
    x = torch.tensor(seconds, dtype=torch.long).double()
    return M * x.mean(), t * x.std() * math.sqrt(M + M**2 / len(x))


@proof.wrong(says="two things")
def total_only(seconds, M, t):
    return M * sum(seconds) / len(seconds)


@proof.wrong(says="larger and less tidy")
def drops_slowest(seconds, M, t):
    kept = sorted(seconds)[:-1] if len(seconds) > 4 else seconds
    return M * np.mean(kept), t * spread(kept) * root(kept, M)


@proof.right
def plain_loops(seconds, M, t):
    K = len(seconds)
    mean = sum(seconds) / K
    variance = sum((x - mean) ** 2 for x in seconds) / (K - 1)
    return [M * mean, t * (variance * M * (1 + M / K)) ** 0.5]


@proof.right
def as_tensor(seconds, M, t):
    x = torch.tensor(seconds, dtype=torch.float64)
    variance = x.var() * M + x.var() / len(x) * M**2
    return torch.stack([M * x.mean(), t * torch.sqrt(variance)])
