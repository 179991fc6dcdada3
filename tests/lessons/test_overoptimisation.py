"""Lesson 04: its figures and explorer, what its findings are computed with, its benchmark."""

import importlib.util
import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from course_lib.base import CourseError
from course_lib.classroom import plots
from course_lib.estimators import Interval, kl_best_of_n_bound
from course_lib.experiments.findings import choosing
from course_lib.pools import Pool, regularised_best


@pytest.fixture
def pool():
    """4 prompts × 16 candidates.

    Gold rises with the proxy up to candidate 14, and the last is bad.
    """
    proxy = [[float(j) for j in range(16)]] * 4
    gold = [[j / 4 + i if j < 15 else -3.0 for j in range(16)] for i in range(4)]
    return Pool.from_candidates(
        [f"prompt <{i}>" for i in range(4)],
        [[f"reply <{i}> {j}" for j in range(16)] for i in range(4)],
        {"gold": gold, "proxy": proxy},
    )


# ---- figures -----------------------------------------------------------------------------------


def test_proxy_and_gold_stand_side_by_side_with_bands(pool):
    figure = plots.overoptimisation(pool, ["proxy"], quiet=True)
    left, right = figure.axes
    assert left.lines[0].get_ydata()[-1] > left.lines[0].get_ydata()[0]
    gold = right.lines[0].get_ydata()
    assert gold[0] < gold[1] > gold[-1], "gold turns"
    assert left.collections and right.collections and "highest" in figure.summary
    assert list(right.lines[0].get_xdata()) == [1, 2, 4, 8, 16]


def test_against_kl_the_axis_is_the_root_of_the_bound_and_the_fit_is_drawn(pool):
    (right,) = plots.overoptimisation(pool, ["proxy"], x="kl", fit=True, quiet=True).axes
    assert np.allclose(right.lines[0].get_xdata(), np.sqrt(kl_best_of_n_bound([1, 2, 4, 8, 16])))
    assert len(right.lines) == 2
    assert right.lines[0].get_linestyle() == "None", "points, and a line of their fit"


def test_a_curve_that_turns_has_a_ring_at_its_peak_and_gold_can_stand_alone(pool):
    figure = plots.overoptimisation(pool, ["proxy"], own=False, quiet=True)
    (axis,) = figure.axes
    line, peak = axis.lines[:2]
    highest = int(np.argmax(line.get_ydata()))
    assert peak.get_xdata()[0] == [1, 2, 4, 8, 16][highest]
    assert peak.get_ydata()[0] == max(line.get_ydata())
    assert figure.summary.startswith("Gold of the best of n: proxy: gold")
    rising = pool.with_reward("better", pool.reward("gold"))
    (axis,) = plots.overoptimisation(rising, ["better"], own=False, quiet=True).axes
    assert len(axis.lines) == 1, "no ring where gold does not turn"


def test_many_curves_have_no_bands(pool):
    names = ["proxy", "b", "c", "d"]
    for name in names[1:]:
        pool = pool.with_reward(name, pool.reward("proxy"))
    figure = plots.overoptimisation(pool, names, quiet=True)
    assert not figure.axes[1].collections and "Bands" not in figure.summary


def test_plans_are_drawn_in_per_cent_against_their_labels():
    figure = plots.label_budget([16, 64], {"pairs": [0.6, 0.75], "choices": [0.8, 0.9]}, quiet=True)
    first, second, coin = figure.axes[0].lines
    assert list(first.get_ydata()) == [60, 75] and list(second.get_ydata()) == [80, 90]
    assert set(coin.get_ydata()) == {50}
    assert "choices 80 % of the time with 16 labels and 90 % with 64" in figure.summary


def test_right_and_wrong_steps_stand_end_to_end():
    figure = plots.steps_taught({"random": (0.75, 0.25), "best": (1.5, 0.5)}, quiet=True)
    (axis,) = figure.axes
    right, wrong = axis.patches[:2], axis.patches[2:]
    assert [bar.get_width() for bar in right] == [0.75, 1.5]
    assert [(bar.get_x(), bar.get_width()) for bar in wrong] == [(0.75, 0.25), (1.5, 0.5)]
    assert "25 % wrong" in {text.get_text() for text in axis.texts}


def test_the_judge_may_not_choose(pool):
    with pytest.raises(CourseError, match="'gold' does both"):
        plots.overoptimisation(pool, ["gold"])
    with pytest.raises(CourseError, match="x='kl'"):
        plots.overoptimisation(pool, ["proxy"], fit=True)
    with pytest.raises(CourseError, match="x must be 'n' or 'kl'"):
        plots.overoptimisation(pool, ["proxy"], x="steps")


def test_the_bound_is_drawn_above_the_exact_kl():
    exact = choosing.kl_of_pass_fail([[1, 0, 0, 0], [1, 1, 0, 0]], [1, 4, 16])
    axis = plots.kl_and_bound([1, 4, 16], {"verifier": exact}, quiet=True).axes[0]
    assert np.allclose(axis.lines[0].get_ydata(), kl_best_of_n_bound([1, 4, 16]))
    assert (axis.lines[1].get_ydata() <= axis.lines[0].get_ydata() + 1e-9).all()


def test_limits_of_the_kl_are_drawn_across():
    figure = plots.kl_and_bound(
        [1, 4, 16],
        {"verifier": choosing.kl_of_pass_fail([[1, 0, 0, 0]] * 2, [1, 4, 16])},
        limits={"−log p": math.log(4)},
        quiet=True,
    )
    assert set(figure.axes[0].lines[-1].get_ydata()) == {math.log(4)}
    assert "−log p is 1.39" in figure.summary


def test_points_have_intervals_both_ways_and_labels():
    at = {}
    for name, x, y in (("a", 0.5, 1.0), ("b", 0.7, 2.0)):
        accuracy = Interval(x, x - 0.1, x + 0.1, 0.95, 9)
        gold = Interval(y, y - 0.2, y + 0.2, 0.95, 9)
        at[name] = (accuracy, gold)
    figure = plots.one_against_another({"models": at}, "accuracy", "gold", quiet=True)
    assert {text.get_text() for text in figure.axes[0].texts} == {"a", "b"}
    assert "b 0.70 and 2.00" in figure.summary


# ---- what the findings are computed with -------------------------------------------------------


def test_pair_accuracy_counts_ordered_pairs_and_half_for_ties():
    gold = [[3.0, 2.0, 1.0, 1.0]]
    right = choosing.pair_accuracy([[9.0, 8.0, 7.0, 7.5]], gold)
    assert right.tolist() == [1.0], "the pair that gold ties is left out"
    assert choosing.pair_accuracy([[0.0, 0.0, 0.0, 0.0]], gold).tolist() == [0.5]
    one_wrong = [[8.0, 9.0, 7.0, 7.5]]
    assert choosing.pair_accuracy(one_wrong, gold).tolist() == [0.8], "one of five pairs is wrong"
    among_the_best = choosing.pair_accuracy(one_wrong, gold, best=0.5)
    assert among_the_best.tolist() == [0.0], "among the best two it is the only one"
    assert math.isnan(choosing.pair_accuracy([[1.0, 2.0]], [[0.0, 0.0]])[0])


def test_capped_ties_the_top_and_keeps_the_order_below():
    cut, far = choosing.capped(
        [[0.0, 1.0, 2.0, 3.0, 4.0], [100.0, 101.0, 102.0, 103.0, 104.0]], share=0.4
    )
    assert cut[:3].tolist() == [0.0, 1.0, 2.0] and cut[3] == cut[4] < 3.0
    assert far.tolist() == (cut + 100).tolist(), "each prompt has its own cut"


def test_kl_of_pass_fail_is_zero_without_choice_and_never_above_either_limit():
    ns = [1, 2, 16, 256]
    kl = choosing.kl_of_pass_fail([[1, 1, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0]], ns)
    assert np.allclose(kl[:2], 0) and (kl <= kl_best_of_n_bound(ns) + 1e-9).all()
    assert np.allclose(kl[2:, -1], [math.log(4), math.log(2)], atol=1e-6)
    of_candidates = choosing.kl_of_candidates([[1.0, 1.0], [1.0, 2.0]], [16])[:, 0]
    assert of_candidates.tolist() == pytest.approx([0.0, math.log(2)], abs=1e-3)


def test_fitted_peaks_find_the_peak_of_a_known_law():
    d = np.sqrt(kl_best_of_n_bound(choosing.SIZES))
    curves = [np.tile(d * (2 - b * d), (6, 1)) + np.arange(6)[:, None] for b in (1.0, 0.5)]
    assert np.allclose(choosing.fitted_peaks(curves, resamples=5), [[1.0, 2.0]] * 5)


def test_right_choices_pick_the_better_reward_when_evidence_is_plain():
    rng = np.random.default_rng(0)
    gold = rng.normal(size=(20, 32))
    certain = choosing.right_choices(gold, -gold, gold, labels=40, n=4, repeats=200)
    assert certain == {"accuracy": 1.0, "head to head": 1.0}
    assert choosing.right_choices(-gold, gold, gold, labels=40, n=4, repeats=200) == certain, (
        "which one is called a does not matter"
    )
    noise = choosing.right_choices(
        rng.normal(size=gold.shape), rng.normal(size=gold.shape), gold, labels=4, n=4, repeats=2000
    )
    assert all(0.3 < share < 0.7 for share in noise.values())
    with pytest.raises(CourseError, match="takes 2 labels"):
        choosing.right_choices(gold, -gold, gold, labels=1)


def test_right_choices_follow_each_kind_of_evidence():
    """A judge that is right everywhere but at the top loses best-of-n; accuracy prefers it."""
    rng = np.random.default_rng(1)
    gold = rng.normal(size=(30, 64))
    broken = np.where(gold > np.quantile(gold, 0.9), -9.0, gold)
    noisy = gold + rng.normal(size=gold.shape) * 0.8
    shares = choosing.right_choices(broken, noisy, gold, labels=400, n=32, repeats=300)
    assert shares["head to head"] > 0.9


def test_a_charge_for_the_improbable_is_the_rule_of_the_library(pool):
    improbable = [[-float(j) for j in range(16)]] * 4  # the proxy's favourites are improbable
    told = replace(pool, sum_logprobs=torch.tensor(improbable))
    for beta, best in ((0.0, 15), (0.5, 15), (2.0, 0)):
        ranked = choosing.pessimistic(told, "proxy", beta)
        assert ranked.argmax(1).tolist() == [best] * 4
        picked = regularised_best(told, by="proxy", beta=beta)
        assert picked.candidate_index.tolist() == [best] * 4


def test_a_soft_choice_lies_between_the_argmax_and_chance():
    rewards, gold = [[0.0, 1.0, 3.0, 2.0]], [[1.0, 2.0, 7.0, 4.0]]
    sharp = choosing.soft_best_of_n(rewards, gold, n=4, lam=1e-3)
    assert sharp.tolist() == pytest.approx([7.0])
    assert choosing.soft_best_of_n(rewards, gold, n=4, lam=1e6).tolist() == pytest.approx([3.5])
    odds = [math.exp(reward / 0.5) for reward in rewards[0]]
    by_hand = sum(w * g for w, g in zip(odds, gold[0], strict=True)) / sum(odds)
    assert choosing.soft_best_of_n(rewards, gold, n=4, lam=0.5).tolist() == pytest.approx([by_hand])
    in_twos = choosing.soft_best_of_n(rewards, gold, n=2, lam=1e-3)
    assert in_twos.tolist() == pytest.approx([(2.0 + 7.0) / 2]), "the mean over groups of n"


def test_half_of_a_reply_is_its_first_words():
    assert choosing.half_of("Open the page. Press restore.") == "Open the"
    assert choosing.half_of("Hello.") == "Hello.", "at least a word"
    assert choosing.half_of("") == ""


def test_complete_asks_for_every_right_step():
    about = {"topic": "password"}
    short = "Open the sign-in page. Choose forgot password."
    whole = "First, open the sign-in page. Choose forgot password. Follow the link in the email."
    assert choosing.complete("", whole, about) == 1.0
    assert choosing.complete("", short, about) == 0.0


# ---- the benchmark's comparisons ---------------------------------------------------------------


@pytest.fixture(scope="module")
def benchmark():
    folder = Path(__file__).parents[2] / "benchmarks"
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location(
            "accuracy_and_gain", folder / "accuracy_and_gain.py"
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module


@pytest.fixture(scope="module")
def written():
    """4 topics × 12 replies of the desk."""
    from course_lib.worlds import write_reply

    rng = np.random.default_rng(0)
    topics = ["password", "wifi", "refund", "spy"]
    return Pool.from_candidates(
        [f"about {t}" for t in topics],
        [[write_reply(t, rng) for _ in range(12)] for t in topics],
        info=[{"topic": t} for t in topics],
    )


def points_of(pair):
    """Gold of the chosen and of the rejected reply."""
    from course_lib.worlds import gold_parts

    topic = pair["info"]["topic"]
    return [sum(gold_parts(pair[side], topic).values()) for side in ("chosen", "rejected")]


def test_pass_or_fail_pairs_hold_one_of_each(benchmark, written):
    pairs = benchmark.comparisons("pass or fail", written, 30, seed=0)
    assert 0 < len(pairs) <= 30
    for pair in pairs:
        chosen, rejected = points_of(pair)
        assert chosen >= 2 > rejected


def test_who_never_slips_judges_the_same_pairs_as_who_does(benchmark, written):
    told = benchmark.comparisons("without slips", written, 60, seed=0)
    slipping = benchmark.comparisons("random pairs", written, 60, seed=0)
    assert len(told) == len(slipping) == 60
    texts = [[{pair["chosen"], pair["rejected"]} for pair in pairs] for pairs in (told, slipping)]
    assert texts[0] == texts[1]
    gaps = [[chosen - rejected for chosen, rejected in map(points_of, p)] for p in (told, slipping)]
    assert min(gaps[0]) > -1e-9 and min(gaps[1]) < -0.1


def test_the_stored_result_is_of_the_benchmark_as_it_is(benchmark):
    from course_lib import results

    stored = results.load("accuracy_and_gain")
    assert stored["seeds"] == benchmark.SEEDS
    assert stored["size"] == benchmark.FULL
    assert stored["ns"] == benchmark.NS
    assert set(stored["runs"]) == set(benchmark.SEEDS)
    for kind, seeds in benchmark.SEEDS.items():
        assert len(stored["runs"][kind]) == len(seeds)
        assert all(len(run["gold"]["32"]) == 128 for run in stored["runs"][kind])
