"""Lesson 03: figures of reward models and the explorer in which the reader is the annotator."""

import math

import numpy as np
import pytest

from course_lib.base import CourseError
from course_lib.classroom import explore, plots
from course_lib.classroom.explore import verdicts
from course_lib.classroom.quiz import items
from course_lib.estimators import agreement_interval, grouped_interval, wilson_interval
from course_lib.pools import Pool


def honest_margins(count=20_000, scale=1.0, seed=0):
    """Margins of a model whose probabilities are σ(margin/scale).

    Calibrated at scale 1, overconfident above.
    """
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 2, count)
    return scale * np.where(rng.random(count) < 1 / (1 + np.exp(-z)), z, -z)


def test_groups_of_a_calibrated_model_lie_on_the_diagonal():
    rows = plots.calibration_groups(honest_margins())
    assert [n for _, _, n in rows] == [4000] * 5
    assert all(abs(predicted - observed.mean) < 0.03 for predicted, observed, _ in rows)
    assert [p for p, _, _ in rows] == sorted(p for p, _, _ in rows)


def test_groups_show_overconfidence_and_count_ties_half():
    unsure, *others = plots.calibration_groups(honest_margins(scale=4))
    assert all(predicted > observed.high for predicted, observed, _ in others)
    [(predicted, observed, n)] = plots.calibration_groups([0.0, 0.0, math.nan, 0.0, 0.0], 1)
    assert (predicted, observed.mean, n) == (0.5, 0.5, 4)
    with pytest.raises(CourseError, match="number of pairs, 2"):
        plots.calibration_groups([1.0, 2.0])


def test_intervals_resample_prompts_where_margins_come_by_prompt():
    # all pairs of a prompt go the same way: 40 units, not 4,000
    easy = np.where(np.arange(40) < 20, 1.0, -1.0)
    [(_, by_prompt, n)] = plots.calibration_groups(np.repeat(easy[:, None], 100, 1), 1)
    [(_, by_pair, _)] = plots.calibration_groups(np.repeat(easy, 100), 1)
    assert n == 4000 and by_prompt.mean == by_pair.mean == 0.5
    assert by_prompt.high - by_prompt.low > 5 * (by_pair.high - by_pair.low)


def test_topics_are_the_units_where_they_are_named():
    # two prompts for each of 20 topics, and both of a topic go the same way
    way = np.repeat(np.where(np.arange(20) < 10, 1.0, -1.0), 2)
    topics = np.repeat(np.arange(20), 2)
    [(_, by_prompt, _)] = plots.calibration_groups(way[:, None], 1)
    [(_, by_topic, n)] = plots.calibration_groups(way[:, None], 1, topics)
    assert n == 40 and by_topic.n == 20 and by_topic.mean == by_prompt.mean
    assert by_topic.high - by_topic.low > 1.2 * (by_prompt.high - by_prompt.low)
    with pytest.raises(CourseError, match="each of the 40 rows; got 20"):
        plots.calibration_groups(way[:, None], 1, topics[::2])
    share = (way + 1) / 2
    drawn = [
        plots.learning_curve([100], [share], topics=units, quiet=True).summary
        for units in (None, topics)
    ]
    assert "over prompts" in drawn[0] and "over topics" in drawn[1]
    assert drawn[0].split(" with")[0] != drawn[1].split(" with")[0]
    assert plots.calibration({"one": way[:, None]}, 1, topics=topics, quiet=True).summary


def test_grouped_interval_counts_groups_and_weights_values_equally():
    spread = grouped_interval([1.0, 1.0, 1.0, 0.0], ["a", "a", "a", "b"])
    assert (spread.mean, spread.low, spread.high) == pytest.approx((0.75, 0.0, 1.0))
    with pytest.raises(CourseError, match="at least 2"):
        grouped_interval([1.0, 0.0], ["a", "a"])
    with pytest.raises(CourseError, match="each of the 2 values"):
        grouped_interval([1.0, 0.0], ["a"])


def test_agreement_without_spread_between_prompts_has_wilsons_width():
    assert agreement_interval([1.0, 1.0, 1.0], ["a", "b", "c"]) == wilson_interval(3, 3)
    assert agreement_interval([1.0, 0.0], ["a", "a"]) == wilson_interval(1, 2)


def test_calibration_summary_says_what_is_drawn():
    figure = plots.calibration(
        {"sure": honest_margins(scale=4), "honest": honest_margins()}, quiet=True
    )
    predicted, observed, _ = plots.calibration_groups(honest_margins(scale=4))[-1]
    assert (
        f"sure where it is most sure says {predicted:.0%}, and {observed:.0%} agree"
        in figure.summary
    )
    assert all((a.get_xlabel(), a.get_ylabel()) != ("", "") for a in figure.axes)
    assert len(figure.png()) < 40_000


def test_learning_curve_marks_means_and_references():
    accuracies = [np.full(10, 0.5) + np.linspace(-0.1, 0.1, 10), np.full(10, 0.7)]
    figure = plots.learning_curve([100, 1000], accuracies, {"ceiling": 0.8}, quiet=True)
    assert "0.50 [" in figure.summary
    assert "0.70 [0.70, 0.70] with 1,000" in figure.summary
    assert "ceiling 0.80" in figure.summary
    with pytest.raises(CourseError, match="for each size"):
        plots.learning_curve([100], accuracies)


def test_training_loss_says_where_it_ends():
    losses = np.linspace(0.7, 0.3, 30)
    figure = plots.training_loss(losses, 32, quiet=True)
    assert f"{losses[-15:].mean():.2f} on average over the last 15" in figure.summary
    assert "32" in figure.axes[0].get_xlabel()
    stairs = plots.training_loss(np.repeat([0.6, 0.4, 0.2], 10), 32, passes=3, quiet=True)
    assert "means of the 3 passes 0.60, 0.40, 0.20" in stairs.summary
    assert [
        line.get_xdata()[0] for line in stairs.axes[0].lines if line.get_linestyle() == ":"
    ] == [10.5, 20.5]
    with pytest.raises(CourseError, match="at least 2 steps"):
        plots.training_loss([0.7], 32)


@pytest.fixture
def pool():
    pool = Pool.from_candidates(
        ["first?", "second?", "third?"],
        [["good", "<b>bad"], ["same", "same"], ["close", "also close"]],
    )
    return pool.with_reward("gold", [[3.0, -3.0], [0.0, 0.0], [1.0, 1.0]]).with_reward(
        "proxy", [[-1.0, 1.0], [0.0, 0.0], [2.0, 0.0]]
    )


def test_verdicts_follow_gold_and_leave_equal_pairs_out(pool):
    rows = verdicts(pool, "proxy", annotators=200)
    assert [r["prompt"] for r in rows] == [0, 2]
    assert rows[0]["votes"] > 190 and 60 < rows[1]["votes"] < 140
    assert rows[0]["predicted"] == pytest.approx(1 / (1 + math.exp(2)))
    assert rows[1]["predicted"] == pytest.approx(1 / (1 + math.exp(-2)))
    with pytest.raises(CourseError, match="same text"):
        verdicts(pool.prompts_at([1]), "proxy")


def test_the_card_holds_what_others_say_of_each_pair(pool):
    data = explore.be_the_annotator(pool, "proxy").data
    assert [pair["ask"] for pair in data["pairs"]] == ["first?", "third?"]
    assert data["pairs"][0]["said"] == ["good", "<b>bad"]
    assert data["pairs"][0]["gold"] == (3.0, -3.0)


def test_without_scripts_the_pairs_are_a_table(pool):
    shown = explore.be_the_annotator(pool, "proxy")
    assert "&lt;b&gt;bad" in shown.fallback
    assert "first?" in repr(shown)
    assert "second?" not in shown.fallback
    for said in (repr(shown), shown.fallback):
        assert said.rindex("third?") < said.index("gold A"), "no answer stands beside a question"


def test_the_right_option_is_not_the_longest():
    for item in items("03"):
        if item["kind"] == "single":
            right = next(o["text"] for o in item["options"] if o["right"])
            assert len(right) < max(len(o["text"]) for o in item["options"])
