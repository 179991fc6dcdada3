"""The figures of lesson 07: a part of the frontier, reward against KL, freshness, repayment."""

import numpy as np
import pytest

from course_lib import results
from course_lib.base import CourseError
from course_lib.classroom import plots
from course_lib.classroom.plots.methods import SCORE


@pytest.fixture(scope="module")
def frontier():
    return results.load("frontier")


def texts_of(axis):
    return [text.get_text() for text in axis.texts]


def test_a_part_of_the_frontier_with_columns_of_its_own(frontier):
    only = ["RFT", "PPO", "best-of-N"]
    (axis,) = plots.frontier(frontier, only=only, columns=("gold", "work"), quiet=True).axes
    labels = [tick.get_text() for tick in axis.get_yticklabels()]
    assert sorted(labels) == ["PPO", "RFT", "best of 64 of the base*"]
    written = texts_of(axis)
    assert written.count("1 ×") == 1 and "9 ×" in written and "–" in written
    assert "TFLOPs" not in written and "work" in written
    with pytest.raises(CourseError, match="columns are gold"):
        plots.frontier(frontier, columns=("price",), quiet=True)


def test_reward_against_kl_has_a_panel_each_and_rings_the_highest_gold(frontier):
    names = ["RFT", "DPO", "GRPO", "RLOO", "PPO"]
    drawn = plots.reward_against_kl(frontier, names, quiet=True)
    panels = drawn.axes[: len(names)]
    assert [axis.get_title() for axis in panels] == names
    assert len({axis.get_xlim() for axis in panels} | {axis.get_ylim() for axis in panels}) == 2
    for name, axis in zip(names, panels, strict=True):
        points = list(frontier["methods"][name]["grid"].values())
        gold, score, ring = axis.lines
        best = max(points, key=lambda point: point["gold"]["mean"])
        assert ring.get_xydata().tolist() == [[best["kl"]["mean"], best["gold"]["mean"]]]
        assert sorted(gold.get_ydata()) == sorted(p["gold"]["mean"] for p in points)
        assert sorted(score.get_ydata()) == sorted(p["proxy"]["mean"] for p in points)
        assert np.all(np.diff(gold.get_xdata()) >= 0)
        assert axis.get_xlim()[1] > max(gold.get_xdata())
        assert f"{name} at {best['kl']['mean']:.0f} nats" in drawn.summary
    assert SCORE in texts_of(drawn.axes[len(names)])
    with pytest.raises(CourseError, match="at least one"):
        plots.reward_against_kl(frontier, [], quiet=True)


def test_freshness_draws_both_and_says_where_they_end():
    drawn = plots.freshness([0, 2, 4], [0.4, 0.2, -0.1], [0.3, 0.4, 0.35], quiet=True)
    (axis,) = drawn.axes
    drawn_lines = [list(line.get_ydata()) for line in axis.lines]
    assert [0.4, 0.2, -0.1] in drawn_lines and [0.3, 0.4, 0.35] in drawn_lines
    assert "after 4 passes" in drawn.summary and "-0.1 (at first +0.4)" in drawn.summary
    with pytest.raises(CourseError, match="3 passes"):
        plots.freshness([0, 2, 4], [0.4], [0.3, 0.4, 0.35], quiet=True)


def test_repaid_marks_where_training_becomes_the_cheaper_one():
    drawn = plots.repaid(100.0, 1.0, {"best of 16": 21.0, "one reply": 1.5}, "RFT", quiet=True)
    (axis,) = drawn.axes
    assert "repaid after 5 answers" in texts_of(axis)
    assert "cheaper than best of 16 after 5" in drawn.summary
    assert [1.0, 1.1] in [np.round(line.get_ydata(), 6).tolist() for line in axis.lines]
    with pytest.raises(CourseError, match="never repaid"):
        plots.repaid(100.0, 2.0, {"one reply": 1.0}, quiet=True)
    with pytest.raises(CourseError, match="at least one"):
        plots.repaid(100.0, 2.0, {}, quiet=True)


def test_the_pushed_policy_pleases_the_reward_model_and_not_us():
    stored = results.load("pushed")
    policies, (pushed,) = stored["policies"], [n for n in stored["policies"] if "times" in n]
    chosen = results.load("frontier")["methods"]["PPO"]["best"]["lr"]
    assert policies[pushed]["dials"]["lr"] == pytest.approx(10 * chosen)
    minus_rft = stored["minus_rft"]
    assert set(minus_rft) == {"base", pushed}
    assert minus_rft[pushed]["reward-8000"]["low"] > 0 > minus_rft[pushed]["gold"]["high"] + 1
    assert minus_rft["base"]["gold"]["high"] < 0
    assert {len(row["replies"]) for row in policies.values()} == {len(stored["prompts"])}
