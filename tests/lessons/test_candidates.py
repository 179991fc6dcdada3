"""Lesson 02: early stopping, figures of temperature, pools at other temperatures, findings."""

import numpy as np
import pytest
import torch

from course_lib import assets
from course_lib.assets import temperatures
from course_lib.assets.build import WORLDS
from course_lib.base import CourseError
from course_lib.classroom import plots
from course_lib.experiments import findings
from course_lib.experiments.findings import candidates
from course_lib.methods import beginnings, survivors, tokens_written
from course_lib.models import load_policy, sample
from course_lib.pools import LENGTH, STOP, Pool


@pytest.fixture(scope="module")
def policy():
    return load_policy(assets.path("helpdesk/policy"), device="cpu")


@pytest.fixture(scope="module")
def pools():
    return temperatures.pools()


# ---- early stopping ----------------------------------------------------------------------------


def test_beginnings_are_the_first_tokens_and_whole_replies_stay(policy):
    pool = sample(policy, ["How do I reset my password?"], n=8, seed=0)
    at = int(pool.lengths.min())  # the shortest has just ended, with its end token
    short = beginnings(pool, policy, at)
    for j in range(8):
        if pool.lengths[0, j] == at:
            assert short.texts[0][j] == pool.texts[0][j] and short.finish[0, j] == STOP
        else:
            assert pool.texts[0][j].startswith(short.texts[0][j])
            assert len(short.texts[0][j]) < len(pool.texts[0][j])
            assert short.finish[0, j] == LENGTH
    from_texts = beginnings(pool.light(), policy, at)
    assert short.texts == from_texts.texts, "from the texts as from the tokens"
    earlier = beginnings(pool, policy, at - 1)
    assert earlier.finish.tolist() == [[LENGTH] * 8], "the end token has not been written yet"
    assert not short.rewards
    with pytest.raises(CourseError, match="at least 1"):
        beginnings(pool, policy, 0)


def test_survivors_keep_the_highest_and_the_first_of_equal_ones():
    kept = survivors([[1.0, 3.0, 2.0, 3.0], [5.0, 5.0, 5.0, 5.0]], keep=2)
    assert kept.tolist() == [[False, True, False, True], [True, True, False, False]]
    with pytest.raises(CourseError, match="between 1 and 4"):
        survivors([[1.0, 2.0, 3.0, 4.0]], keep=5)


def test_tokens_written_counts_whole_replies_and_stopped_ones():
    kept = torch.tensor([[True, False, False]])
    written = tokens_written([[20, 20, 7]], kept, at=10)
    assert written.tolist() == [[20, 10, 7]], "one that ended before costs what it wrote"


# ---- figures -----------------------------------------------------------------------------------


def test_figure_of_temperatures_names_the_peaks(capsys):
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.01, (20, 3))
    grid = [0.2, 0.7, 1.3]
    curves = {"n = 1": noise + [3, 2, 1], "n = 64": noise + [3, 4, 1]}
    figure = plots.against_temperature(grid, curves, "gold (points)")
    said = capsys.readouterr().out.strip()
    assert said == figure.summary
    assert "n = 1 is highest, 3.00, at T = 0.2" in said
    assert "n = 64 is highest, 4.00, at T = 0.7" in said
    assert figure.axes[0].get_xlabel().startswith("temperature T")
    assert figure.png().startswith(b"\x89PNG")
    words = [note.get_text() for note in figure.axes[0].texts]
    assert words.count("T = 0.2") == 1 and words.count("T = 0.7") == 1, "each peak is named"
    plain = plots.against_temperature(grid, curves, "share", peaks=False, quiet=True)
    assert "n = 1 goes from 3.00 at T = 0.2 to 1.00 at T = 1.3" in plain.summary
    with pytest.raises(CourseError, match="at least one curve"):
        plots.against_temperature([1.0], {}, "gold")


def test_figure_of_highest_and_lowest_marks_the_gap():
    flat = np.zeros((20, 1))
    ns = [1, 64, 256]
    highest, median, lowest = (flat + values for values in ([1, 3, 4], [1, 1, 1], [1, 0, -2]))
    figure = plots.highest_to_lowest(ns, highest, median, lowest, quiet=True)
    assert "the highest of n goes from 1.00 to 4.00" in figure.summary
    assert "the lowest of n goes from 1.00 to -2.00" in figure.summary
    assert "what selection can use: 2.00" in figure.summary
    with pytest.raises(CourseError, match="n = 64, which is not in"):
        plots.highest_to_lowest([1, 2], highest[:, :2], median[:, :2], lowest[:, :2])


# ---- pools at other temperatures ---------------------------------------------------------------


def test_pools_differ_in_temperature_only(pools):
    assert set(pools) == {1.0, *temperatures.TEMPERATURES} and list(pools) == sorted(pools)
    for t, pool in pools.items():
        assert pool.provenance.temperature == t
        assert pool.provenance.seed == temperatures.SAMPLED_WITH
        assert pool.prompts == pools[1.0].prompts
        assert pool.P == temperatures.FULL["prompts"]
        assert pool.N == temperatures.FULL["n"]
        assert set(pool.rewards) == {"gold", *temperatures.REWARDS}


def test_bundled_pools_are_what_the_policy_writes(pools, policy):
    t = temperatures.TEMPERATURES[0]
    prompts = pools[t].prompts[:2]
    again = sample(policy, prompts, n=3, temperature=t, seed=temperatures.SAMPLED_WITH)
    assert again.texts == [row[:3] for row in pools[t].texts[:2]]


def test_pools_are_small():
    files = (assets.FOLDER / "temperatures").glob("*.npz")
    assert sum(file.stat().st_size for file in files) < 1.5e6


def test_pools_need_the_help_desk(tmp_path):
    order = list(WORLDS)  # the policy is built before it is sampled from
    assert order.index("helpdesk") < order.index("temperatures")
    with pytest.raises(CourseError, match="Build the world helpdesk first"):
        temperatures.build(tmp_path, temperatures.MINIATURE)
    with pytest.raises(CourseError, match="build-assets --world temperatures"):
        temperatures.pools(tmp_path)


# ---- findings ----------------------------------------------------------------------------------


def test_warm_minus_cold_turns_with_n():
    """Two temperatures: a single sample is better at the low one, the best of 2 at the high one."""
    texts, about = [["x", "y"]] * 6, [{"topic": topic} for topic in "aabbcc"]
    rewards = {0.1: [[1.0, 1.0]] * 6, 0.4: [[0.0, 1.5]] * 6}
    pools = {
        t: Pool.from_candidates(list("abcdef"), texts, {"gold": gold}, info=about)
        for t, gold in rewards.items()
    }
    assert [candidates.best_temperature(pools, "gold", n) for n in (1, 2)] == [0.1, 0.4]
    turned = [candidates.warm_minus_cold(pools, "gold", n, cold=0.1, warm=0.4) for n in (1, 2)]
    assert [change.mean for change in turned] == [-0.25, 0.5]


def test_best_temperature_by_another_judge():
    """What the chooser likes best stands at the high temperature; gold is better at the low one."""
    texts = [["x", "y"]] * 2
    pools = {
        0.1: Pool.from_candidates(list("ab"), texts, {"gold": [[2.0, 1.0]] * 2, "r": [[1, 0]] * 2}),
        0.4: Pool.from_candidates(list("ab"), texts, {"gold": [[0.0, 5.0]] * 2, "r": [[3, 0]] * 2}),
    }
    assert candidates.best_temperature(pools, "r", 2, judge="r") == 0.4
    assert candidates.best_temperature(pools, "r", 2) == 0.1
    assert candidates.best_temperature(pools, "r", 1) == 0.4, "nothing is chosen: the mean counts"


@pytest.fixture(scope="module")
def rows():
    return {row.finding: row for row in findings.show("02").rows}


def test_findings_hold(rows):
    assert list(rows) == [f"2.{place}" for place in range(1, 6)]
    assert all(row.holds for row in rows.values())
    assert rows["2.1"].low > 0.5, "warmer pays for the best of 16, not for one reply"
    assert rows["2.5"].low > 2
    assert rows["2.3"].low > 0.3
    assert rows["2.2"].low > 1
    assert rows["2.4"].low > 0


def test_best_temperatures_are_in_the_middle_and_rise(pools):
    by_gold = [candidates.best_temperature(pools, "gold", n) for n in (1, 4, 16)]
    assert by_gold == sorted(by_gold) and by_gold[0] < by_gold[-1] < 1
    own = [candidates.best_temperature(pools, "reward-500", n, "reward-500") for n in (4, 16, 64)]
    assert own == [1.3] * 3, "its own judge asks for the hottest"
    assert candidates.best_temperature(pools, "reward-500", 64) < 1


def test_cold_replies_are_copies_and_a_dial_gains_little(pools):
    one = {t: candidates.gold_of_best(pool, "reward-8000", 1).mean() for t, pool in pools.items()}
    best = {t: candidates.gold_of_best(pool, "reward-8000", 16).mean() for t, pool in pools.items()}
    copies = [len(set(row)) == 1 for row in pools[0.1].texts]
    assert np.mean(copies) > 0.5
    assert 0 < max(one.values()) - one[1.0] < 0.5, "what the dial alone gains"
    assert best[0.1] < one[0.1] + 0.5, "among cold replies there is nothing to choose"
    assert max(best.values()) > max(one.values()) + 1
