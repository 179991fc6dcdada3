"""Estimators against brute force, exact distributions and simulation."""

import itertools
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.base import CourseError
from course_lib.estimators import (
    Interval,
    best_of_n_curve,
    best_of_n_distribution,
    best_of_n_weights,
    bootstrap_best_of_n,
    bootstrap_interval,
    decidable,
    distinct_fraction,
    distinct_n,
    expected_max_normal,
    kl_best_of_n_bound,
    kl_best_of_n_estimate,
    kl_best_of_n_exact,
    kl_k3,
    kl_monte_carlo,
    minimum_detectable_effect,
    overoptimisation_fit,
    paired_difference,
    pass_at_k,
    permutation_test,
    prefix_best_of_n,
    seeds_and_prompts_interval,
    top_n_mean,
    wilson_interval,
    win_rate,
    win_rate_of_best,
    win_rate_theory,
    win_scores,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def brute_force(selecting, evaluating, n):
    """Mean over all subsets of n; inside a subset, the mean over those that tie for the best."""

    def best(subset):
        top = max(selecting[i] for i in subset)
        return np.mean([evaluating[i] for i in subset if selecting[i] == top])

    return np.mean([best(subset) for subset in itertools.combinations(range(len(selecting)), n)])


small_ints = st.lists(st.integers(0, 4), min_size=1, max_size=7)

# ---- best-of-n


def test_curve_is_the_average_over_all_subsets_without_ties():
    selecting, evaluating = rng(1).normal(size=(3, 7)), rng(2).normal(size=(3, 7))
    curve = best_of_n_curve(selecting, evaluating)
    assert curve.shape == (3, 7) and curve.dtype == np.float64
    for row, s, e in zip(curve, selecting, evaluating, strict=True):
        assert row == pytest.approx([brute_force(s, e, n) for n in range(1, 8)])


def test_curve_with_all_tied_is_flat():
    assert best_of_n_curve([[1, 1, 1]], [[0, 3, 6]]) == pytest.approx(np.full((1, 3), 3.0))


def with_evaluating_and_order(selecting):
    """Selecting rewards, as many evaluating ones, and an order to shuffle both into."""
    N = len(selecting)
    evaluating = st.lists(st.integers(-5, 5), min_size=N, max_size=N)
    return st.tuples(st.just(selecting), evaluating, st.permutations(range(N)))


@given(small_ints.flatmap(with_evaluating_and_order))
@settings(max_examples=60, deadline=None)
def test_curve_with_ties_averages_over_a_random_choice(case):
    """Ties: the average of argmax over all orders of the candidates, for each subset."""
    selecting, evaluating = np.array(case[0], float), np.array(case[1], float)
    shuffle = list(case[2])
    N = len(selecting)
    curve = best_of_n_curve(selecting[None], evaluating[None])[0]
    # a random member of the tied block
    blocks = {s: evaluating[selecting == s].mean() for s in set(selecting)}
    for n in range(1, N + 1):
        subsets = itertools.combinations(range(N), n)
        best = [blocks[max(selecting[i] for i in subset)] for subset in subsets]
        assert curve[n - 1] == pytest.approx(np.mean(best))
    shuffled = best_of_n_curve(selecting[None, shuffle], evaluating[None, shuffle])[0]
    assert shuffled == pytest.approx(curve)


def test_tied_blocks_agree_with_ties_inside_each_subset():
    selecting, evaluating = [0, 1, 1, 2, 2, 2], [5.0, -1.0, 4.0, 0.0, 9.0, 1.5]
    curve = best_of_n_curve([selecting], [evaluating])[0]
    assert curve == pytest.approx([brute_force(selecting, evaluating, n) for n in range(1, 7)])


rows_of_four = small_ints.filter(lambda row: len(row) >= 4).map(lambda row: row[:4])


@given(st.lists(rows_of_four, min_size=1, max_size=4))
@settings(max_examples=50, deadline=None)
def test_curve_properties_when_selecting_is_evaluating(rows):
    curve = best_of_n_curve(rows)
    array = np.array(rows, float)
    assert curve[:, 0] == pytest.approx(array.mean(1))
    assert curve[:, -1] == pytest.approx(array.max(1))
    increments = np.diff(curve, axis=1)
    assert (increments >= -1e-12).all()
    assert (np.diff(increments, axis=1) <= 1e-12).all(), "increments fall"
    assert np.array_equal(curve, best_of_n_curve(array))
    assert np.array_equal(curve, best_of_n_curve(torch.tensor(rows)))
    half = torch.tensor(rows, dtype=torch.bfloat16)  # small whole numbers are exact in it
    assert np.array_equal(curve, best_of_n_curve(half))


def test_weights_are_chances_and_large_pools_do_not_overflow():
    for n in range(1, 7):
        chances = [math.comb(i - 1, n - 1) / math.comb(6, n) for i in range(1, 7)]
        assert best_of_n_weights(6, n) == pytest.approx(chances)
    for N, n in ((5000, 1), (5000, 2500), (5000, 5000)):
        assert best_of_n_weights(N, n).sum() == pytest.approx(1, abs=1e-8)


def test_ns_are_kept_in_the_order_given():
    x = rng().normal(size=(4, 6))
    full = best_of_n_curve(x)
    assert best_of_n_curve(x, ns=[6, 2]) == pytest.approx(full[:, [5, 1]])
    assert best_of_n_curve(x, ns=3).shape == (4, 1)


@pytest.mark.parametrize(
    "given_, message",
    [
        (dict(selecting=[[1.0, float("nan")]]), "selecting has 1 NaN values"),
        (dict(selecting=[[1.0, 2.0]], evaluating=[[1.0, float("nan")]]), "evaluating has 1 NaN"),
        (
            dict(selecting=[1.0, 2.0]),
            r"selecting must have shape \(P, N\); got \(2,\). For a single prompt",
        ),
        (dict(selecting=[[1.0], [1.0, 2.0]]), "rows of equal length"),
        (
            dict(selecting=[[1.0, 2.0]], evaluating=[[1.0]]),
            r"must have one shape; got \(1, 2\) and \(1, 1\)",
        ),
        (
            dict(selecting=[[1.0, 2.0]], ns=[3]),
            "whole number between 1 and 2, the pool's size; got 3. Sample a larger",
        ),
        (dict(selecting=[[1.0, 2.0]], ns=[1, 0]), "got 0"),
        (dict(selecting=[[1.0, 2.0]], ns=1.5), "got 1.5"),
        (dict(selecting=[[1.0, float("inf")]]), "infinite"),
    ],
)
def test_curve_errors(given_, message):
    naive = [] if "inf" in message else [prefix_best_of_n, bootstrap_best_of_n, top_n_mean]
    for estimate in [best_of_n_curve, *naive]:
        with pytest.raises(CourseError, match=message):
            estimate(**given_)


def test_curve_is_unbiased_and_the_bootstrap_is_low():
    """Normal scores, N = 16: the highest of 16 averages 1.766; with replacement about 1.55."""
    x = rng(3).normal(size=(20000, 16))
    exact = [expected_max_normal(n) for n in (1, 4, 16)]
    assert best_of_n_curve(x, ns=[1, 4, 16]).mean(0) == pytest.approx(exact, abs=0.02)
    assert prefix_best_of_n(x, ns=[1, 4, 16]).mean(0) == pytest.approx(exact, abs=0.03)
    low = bootstrap_best_of_n(x, ns=[1, 4, 16]).mean(0)
    assert low[0] == pytest.approx(0, abs=0.02)
    assert low[1] < exact[1] - 0.05
    assert low[2] == pytest.approx(1.55, abs=0.02)
    # the prefix estimate is noisier
    assert prefix_best_of_n(x, ns=[4]).std() > 1.5 * best_of_n_curve(x, ns=[4]).std()


def test_bootstrap_is_the_limit_of_resampling():
    selecting, evaluating = [0.0, 1.0, 1.0, 3.0], [2.0, 0.0, 6.0, -1.0]
    averaged = np.array([2.0, 3.0, 3.0, -1.0])
    for n in (1, 2, 3):
        draws = [averaged[max(d)] for d in itertools.product(range(4), repeat=n)]
        limit = bootstrap_best_of_n([selecting], [evaluating], n)[0, 0]
        assert limit == pytest.approx(np.mean(draws))


def test_prefix_and_top_n():
    selecting, evaluating = [[1.0, 3.0, 3.0, 0.0]], [[10.0, 20.0, 30.0, 40.0]]
    assert prefix_best_of_n(selecting, evaluating).tolist() == [[10, 20, 20, 20]]
    assert top_n_mean(selecting, evaluating)[0] == pytest.approx([25, 25, 20, 25])
    falls = top_n_mean(selecting)[0]
    assert falls == pytest.approx([3, 3, 7 / 3, 7 / 4])


@pytest.mark.parametrize("right", range(6))
def test_pass_at_k_counts_subsets(right):
    row = [True] * right + [False] * (5 - right)
    expected = [1 - math.comb(5 - right, k) / math.comb(5, k) for k in range(1, 6)]
    assert pass_at_k([row])[0] == pytest.approx(expected)
    assert pass_at_k(torch.tensor([row]), ks=[2])[0] == pytest.approx([expected[1]])


def test_pass_at_k_refuses_graded_rewards():
    with pytest.raises(CourseError, match="only 0 and 1"):
        pass_at_k([[0.5, 1.0]])


def test_decidable():
    assert decidable([[1, 0], [1, 1], [0, 0]]).tolist() == [True, False, False]


def test_expected_max_normal_known_values():
    known = {
        1: 0.0,
        2: 1 / math.sqrt(math.pi),
        3: 1.5 / math.sqrt(math.pi),
        16: 1.76599,
        100: 2.50759,
    }
    for n, value in known.items():
        assert expected_max_normal(n) == pytest.approx(value, abs=2e-5)
    with pytest.raises(CourseError, match="1 or more"):
        expected_max_normal(0)


# ---- KL


def enumerate_best_of_n(p, r, n, order=False):
    """π_n by all K^n draws; ties go to a random drawn candidate, or to the outcome listed first."""
    out = np.zeros(len(p))
    for draw in itertools.product(range(len(p)), repeat=n):
        top = max(r[i] for i in draw)
        winners = [i for i in draw if r[i] == top]
        for i in [min(winners)] if order else winners:
            out[i] += math.prod(p[j] for j in draw) / (1 if order else len(winners))
    return out


@pytest.mark.parametrize("r", [[0.0, 2.0, 1.0, 3.0], [1.0, 1.0, 0.0, 1.0], [5.0] * 4])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_distribution_and_kl_by_enumeration(r, n):
    p = np.array([0.1, 0.4, 0.2, 0.3])
    for ties in ("proportional", "order"):
        expected = enumerate_best_of_n(p, r, n, ties == "order")
        got = best_of_n_distribution(p, r, n, ties)
        assert got == pytest.approx(expected, abs=1e-12)
        assert got.sum() == pytest.approx(1)
        keep = expected > 1e-15
        kl = np.sum(expected[keep] * np.log(expected[keep] / p[keep]))
        assert kl_best_of_n_exact(p, r, n, ties) == pytest.approx(kl, abs=1e-12)


def test_kl_of_two_outcomes_and_its_bound():
    assert kl_best_of_n_exact([0.5, 0.5], [0, 1], 16) == pytest.approx(0.693, abs=5e-4)
    assert kl_best_of_n_exact([0.5, 0.5], [1, 1], 16) == pytest.approx(0, abs=1e-12)
    table = {
        1: 0,
        2: 0.193,
        4: 0.636,
        8: 1.204,
        16: 1.835,
        32: 2.497,
        64: 3.175,
        128: 3.860,
        256: 4.549,
    }
    bounds = np.array(list(table.values()))
    assert kl_best_of_n_bound(list(table)) == pytest.approx(bounds, abs=6e-4)
    assert isinstance(kl_best_of_n_bound(16), float)


def test_kl_bound_is_tight_for_many_outcomes_and_rare_ones_do_not_cancel():
    K = 20000
    exact = kl_best_of_n_exact(np.full(K, 1 / K), np.arange(K), 16)
    assert exact == pytest.approx(kl_best_of_n_bound(16), abs=1e-3)
    p_n = best_of_n_distribution([1e-20, 1.0, 0.0], [1, 0, 5], 8)
    assert p_n[0] == pytest.approx(8e-20, rel=1e-9, abs=0) and p_n[2] == 0


@given(
    st.lists(st.floats(0.01, 1), min_size=1, max_size=6),
    st.integers(1, 300),
    st.randoms(use_true_random=False),
)
@settings(max_examples=80, deadline=None)
def test_exact_estimate_and_bound_are_in_order(p, n, random):
    """Averaged over best-of-n replies, the estimate lies between the exact KL and the bound.

    It is at most 0.11 nats above the exact KL.
    """
    p = np.array(p) / sum(p)
    r = random.sample(range(100), len(p))
    exact = kl_best_of_n_exact(p, r, n)
    p_n = best_of_n_distribution(p, r, n)
    mean_estimate = float(p_n @ kl_best_of_n_estimate(np.log(p), n))
    assert -1e-9 <= exact <= mean_estimate + 1e-9 <= kl_best_of_n_bound(n) + 2e-9
    assert mean_estimate <= exact + 0.11


def test_kl_estimate_with_ties_needs_the_level():
    """Ten equal outcomes, five right: the level's probability gives log 2.

    One reply's own is far too high.
    """
    p, r, n = np.full(10, 0.1), np.array([1.0] * 5 + [0.0] * 5), 16
    exact = kl_best_of_n_exact(p, r, n)
    assert exact == pytest.approx(math.log(2), abs=1e-3)
    assert kl_best_of_n_estimate(math.log(0.5), n) == pytest.approx(exact, abs=1e-3)
    assert kl_best_of_n_estimate(math.log(0.1), n) > exact + 0.8


def test_kl_estimate_extremes_and_errors():
    rare = kl_best_of_n_estimate([-20.0, -300.0, -5000.0], 16)
    assert rare == pytest.approx(np.full(3, kl_best_of_n_bound(16)), abs=1e-6)
    assert kl_best_of_n_estimate(0.0, 16) == 0
    assert kl_best_of_n_estimate(-3.0, 1) == pytest.approx(0, abs=1e-12)
    assert kl_best_of_n_estimate(torch.zeros(2, 3) - 1, 4).shape == (2, 3)
    with pytest.raises(CourseError, match="cannot be above 0; got 0.5"):
        kl_best_of_n_estimate(0.5, 16)
    with pytest.raises(CourseError, match="sum of 0.9"):
        kl_best_of_n_exact([0.5, 0.4], [0, 1], 2)
    with pytest.raises(CourseError, match="'proportional' or 'order'; got 'first'"):
        best_of_n_distribution([1.0], [0.0], 2, ties="first")
    with pytest.raises(CourseError, match="n must be 1 or more; got 0"):
        kl_best_of_n_bound([4, 0])


def test_sampled_kl_estimators_agree_with_the_exact_value():
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    exact = float(p @ np.log(p / q))
    y = rng().choice(3, size=200_000, p=p)
    assert kl_monte_carlo(np.log(p[y]), np.log(q[y])) == pytest.approx(exact, abs=0.01)
    assert kl_k3(np.log(p[y]), np.log(q[y])) == pytest.approx(exact, abs=0.01)
    assert kl_monte_carlo([-1.0, -2.0], [-3.0, -1.0]) == 0.5
    assert kl_k3([-2.0], [-2.0 + 1e-9]) == pytest.approx(5e-19, rel=0.2, abs=0), "no cancellation"
    with pytest.raises(CourseError, match="logp and logq must have one shape"):
        kl_monte_carlo([1.0], [[1.0]])


# ---- win rates


def test_win_rate_counts_ties_as_half():
    assert win_scores([1, 2, 3], [1, 1, 4]).tolist() == [0.5, 1.0, 0.0]
    assert win_rate([[1, 2], [3, 3]], torch.tensor([[1, 1], [4, 3]])) == (0.5, 0.5)
    with pytest.raises(CourseError, match="no pairs"):
        win_rate([], [])


@given(st.lists(st.integers(0, 3), min_size=2, max_size=6), st.data())
@settings(max_examples=40, deadline=None)
def test_win_rate_of_best_by_enumeration(row, data):
    n = data.draw(st.integers(1, len(row) - 1))
    scores = []
    for j, opponent in enumerate(row):
        for drawn in itertools.combinations(row[:j] + row[j + 1 :], n):
            scores.append((max(drawn) > opponent) + 0.5 * (max(drawn) == opponent))
    got = win_rate_of_best([row], n)
    assert got.rate[0] == pytest.approx(np.mean(scores))
    assert got.ties[0] == pytest.approx(np.mean(np.array(scores) == 0.5))


def test_win_rate_without_ties_is_the_theory_and_ties_lower_it():
    x = rng().normal(size=(3, 17))
    for n in (1, 4, 16):
        assert win_rate_of_best(x, n).rate == pytest.approx(np.full(3, n / (n + 1)))
        assert win_rate_theory(n) == n / (n + 1)
    tied = win_rate_of_best(x > 0, 4)
    assert (tied.rate < 4 / 5).all() and (tied.ties > 0).all()
    assert win_rate_theory([1, 3]).tolist() == [0.5, 0.75]
    message = "between 1 and 16, one less than the pool's size; got 17"
    with pytest.raises(CourseError, match=message):
        win_rate_of_best(x, 17)


# ---- intervals and tests


def test_interval_prints_and_serialises():
    interval = Interval(1.234, 1.1, 1.351, 0.95, 20)
    assert str(interval) == "1.23 [1.10, 1.35]" and f"{interval:+.3f}" == "+1.234 [+1.100, +1.351]"
    assert json.loads(json.dumps(interval.to_dict())) == {
        "mean": 1.234,
        "low": 1.1,
        "high": 1.351,
        "level": 0.95,
        "n": 20,
    }
    assert interval.excludes_zero and Interval(-1, -2, -0.1, 0.95, 2).excludes_zero
    assert not Interval(0.1, -0.1, 0.3, 0.95, 2).excludes_zero
    assert not Interval(0.1, 0, 0.3, 0.95, 2).excludes_zero


def coverage(make, truth, trials=300):
    intervals = [make(seed) for seed in range(trials)]
    return np.mean([i.low <= truth <= i.high for i in intervals])


@pytest.mark.slow
def test_bootstrap_interval_covers():
    """40 skewed values, 95 %: within 5 points (simulation error is 1.3)."""
    values = rng(5).exponential(size=(300, 40))

    def at_level(level):
        return lambda s: bootstrap_interval(values[s], level=level, resamples=300, seed=s)

    assert coverage(at_level(0.95), 1.0) == pytest.approx(0.94, abs=0.05)
    assert coverage(at_level(0.5), 1.0) == pytest.approx(0.5, abs=0.1)


def test_bootstrap_interval_has_the_size_of_the_standard_error():
    values = rng().normal(3, 2, size=2000)
    interval = bootstrap_interval(values)
    assert interval.mean == pytest.approx(values.mean())
    assert (interval.n, interval.level) == (2000, 0.95)
    width = 2 * 1.96 * values.std() / math.sqrt(2000)
    assert interval.high - interval.low == pytest.approx(width, rel=0.1)
    assert interval == bootstrap_interval(torch.tensor(values))
    assert interval != bootstrap_interval(values, seed=1)
    assert type(interval.mean) is type(interval.low) is float


def test_paired_difference_is_narrow_when_pairs_agree():
    hard = rng(1).normal(size=500)
    a = hard + 0.1 + 0.1 * rng(2).normal(size=500)
    b = hard + 0.1 * rng(3).normal(size=500)
    paired, alone = paired_difference(a, b), bootstrap_interval(a)
    assert paired.mean == pytest.approx(np.mean(a - b)) and paired.excludes_zero
    assert paired.high - paired.low < 0.2 * (alone.high - alone.low)
    assert paired_difference(b, a).mean == -paired.mean


def test_seeds_and_prompts_sees_both_sources_of_noise():
    """The standard error of the mean is √(seed variance/S + prompt variance/P).

    Ten seeds and 400 prompts.
    """
    for seed_sd, prompt_sd in ((1.0, 0.0), (0.0, 4.0), (1.0, 4.0)):
        widths = []
        for s in range(10):
            seeds = seed_sd * rng(s).normal(size=(10, 1))
            prompts = prompt_sd * rng(s + 100).normal(size=(1, 400))
            matrix = seeds + prompts  # (10, 400)
            interval = seeds_and_prompts_interval(matrix, resamples=400, seed=s)
            assert interval.mean == pytest.approx(matrix.mean()) and interval.n == 4000
            widths.append(interval.high - interval.low)
        expected = 2 * 1.96 * math.sqrt(seed_sd**2 / 10 + prompt_sd**2 / 400)
        assert np.mean(widths) == pytest.approx(expected, rel=0.2)


def test_wilson_known_values_and_coverage():
    interval = wilson_interval(1, 10)  # Newcombe (1998) style check by hand: z = 1.96
    found = (interval.mean, interval.low, interval.high)
    assert found == pytest.approx((0.1, 0.0179, 0.4042), abs=1e-4)
    assert wilson_interval(0, 20).low == 0 and wilson_interval(20, 20).high == 1
    assert wilson_interval(0, 20).high == pytest.approx(1.96**2 / (20 + 1.96**2), abs=1e-4)
    hits = rng().binomial(50, 0.05, size=2000)
    intervals = [wilson_interval(int(h), 50) for h in hits]
    inside = [i.low <= 0.05 <= i.high for i in intervals]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: bootstrap_interval([1.0, float("nan")]), "values has 1 NaN"),
        (lambda: bootstrap_interval([1.0]), "at least 2 prompts; got 1"),
        (lambda: bootstrap_interval([[1.0, 2.0]]), r"shape \(n,\); got \(1, 2\)"),
        (
            lambda: bootstrap_interval([1.0, 2.0], level=95),
            "between 0 and 1, for example 0.95; got 95",
        ),
        (lambda: paired_difference([1.0, 2.0], [1.0]), "a and b must have one shape"),
        (lambda: seeds_and_prompts_interval([[1.0, 2.0]]), "at least 2 of each"),
        (lambda: wilson_interval(3, 2), "got 3 of 2"),
        (lambda: minimum_detectable_effect(1.0), "say how many prompts"),
        (lambda: minimum_detectable_effect(1.0, 10, power=80), "power must be between 0 and 1"),
        (lambda: overoptimisation_fit([0, 1], [0, 1]), "at least two different d"),
        (lambda: overoptimisation_fit([-1, 1, 2], [0, 1, 1]), "cannot be negative; got -1"),
        (
            lambda: overoptimisation_fit([0, 1, 2], [0, 1, 1], form="bon"),
            "'best_of_n' or 'rl'; got 'bon'",
        ),
        (lambda: distinct_n("a b c"), "got a single string"),
        (lambda: distinct_fraction([]), "no texts"),
        (lambda: permutation_test([], []), "no pairs"),
    ],
)
def test_errors_say_what_to_do(call, message):
    with pytest.raises(CourseError, match=message):
        call()


def test_minimum_detectable_effect_is_found_that_often():
    assert minimum_detectable_effect(1.0, 100) == pytest.approx(2.8016 / 10, abs=1e-4)
    values = rng().normal(size=50)
    from_sd = minimum_detectable_effect(values.std(ddof=1), 50)
    assert minimum_detectable_effect(values) == pytest.approx(from_sd)
    effect = minimum_detectable_effect(2.0, 200, power=0.6)
    x = rng(1).normal(effect, 2.0, size=(4000, 200))
    found = np.abs(x.mean(1)) > 1.96 * x.std(1, ddof=1) / math.sqrt(200)
    assert found.mean() == pytest.approx(0.6, abs=0.03)


def test_permutation_test_against_all_sign_flips():
    a, b = np.array([1.0, 2.0, 0.5, 3.0, 1.0]), np.array([0.0, 2.5, 0.0, 1.0, 0.5])
    flips = [abs(np.dot(signs, a - b)) for signs in itertools.product((-1, 1), repeat=5)]
    exact = np.mean(np.array(flips) >= abs((a - b).sum()) - 1e-9)
    assert permutation_test(a, b) == pytest.approx(exact, abs=0.02)
    assert permutation_test(a, a) == 1.0
    far = rng().normal(5, 1, size=40)
    assert permutation_test(far, np.zeros(40), resamples=999) == 1 / 1000


def test_permutation_test_is_calibrated():
    p = []
    for i, row in enumerate(rng(7).normal(size=(400, 12))):
        p.append(permutation_test(row, np.zeros(12), seed=i, resamples=99))
    assert np.mean(np.array(p) <= 0.2) == pytest.approx(0.2, abs=0.06)


# ---- over-optimisation and diversity


def test_fit_recovers_the_laws_and_their_peaks():
    d = np.linspace(0, 3, 20)
    fit = overoptimisation_fit(d, d * (2.0 - 0.5 * d))
    found = (fit.alpha, fit.beta, fit.peak_d, fit.peak_value, fit.r2)
    assert found == pytest.approx((2.0, 0.5, 2.0, 2.0, 1.0))
    assert fit.predict(d) == pytest.approx(d * (2.0 - 0.5 * d))
    assert float(fit.predict(2.0)) == pytest.approx(2.0)
    gold = np.array([0.0, *(d[1:] * (1.5 - 0.8 * np.log(d[1:])))])
    fit = overoptimisation_fit(d, gold, form="rl")
    found = (fit.alpha, fit.beta, fit.peak_d, fit.r2)
    assert found == pytest.approx((1.5, 0.8, math.exp(1.5 / 0.8 - 1), 1.0))
    fine = np.linspace(0.01, 6, 60_000)
    gains = fit.predict(fine)
    assert fit.peak_d == pytest.approx(fine[gains.argmax()], abs=1e-3)
    assert fit.peak_value == pytest.approx(gains.max())
    assert json.loads(json.dumps(fit.to_dict()))["form"] == "rl"


def test_fit_with_noise_without_a_peak_and_already_falling():
    d = np.linspace(0.1, 3, 200)
    noisy = overoptimisation_fit(d, d * (2.0 - 0.5 * d) + 0.3 * rng().normal(size=200))
    assert noisy.alpha == pytest.approx(2.0, abs=0.15) and 0.5 < noisy.r2 < 0.95
    assert overoptimisation_fit(d, d * (1.0 + 0.2 * d)).peak_d == math.inf
    falling = overoptimisation_fit(d, d * (-1.0 - 0.2 * d))
    assert (falling.peak_d, falling.peak_value) == (0, 0)


def test_diversity():
    assert distinct_n(["a b c", "a b d"]) == 3 / 4
    assert distinct_n(["a b c", "a b d"], n=1) == 4 / 6
    assert distinct_n(["a", ""]) == 0
    assert distinct_n(["a b", "b a"], n=2) == 1
    assert distinct_n(["a b", "c d"]) == 1, "n-grams do not run over the end of a text"
    assert distinct_fraction(["x", "x", "y", "x"]) == 0.5


@pytest.mark.parametrize("P", [2, 5, 40])
def test_values_that_differ_by_rounding_alone_are_equal_values(P):
    """Such as best-of-n curves of prompts with the same gold; the spread's square underflows."""
    values = np.full(P, 0.0537007)
    values[1:] += 7e-18 * np.arange(1, P)
    equal = bootstrap_interval(np.full(P, 0.0537007))
    assert bootstrap_interval(values).to_dict() == pytest.approx(equal.to_dict())
