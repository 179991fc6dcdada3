"""Lesson 03: figures of reward models and the explorer in which the reader is the annotator."""

import math

import numpy as np
import pytest

from course_lib.base import CourseError
from course_lib.classroom import explore, plots
from course_lib.classroom.explore import verdicts
from course_lib.classroom.quiz import items
from course_lib.estimators import (
    agreement_interval,
    bootstrap_interval,
    grouped_interval,
    wilson_interval,
)
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
        plots.learning_curve([100], {"right": [share]}, topics=units, quiet=True).summary
        for units in (None, topics)
    ]
    assert "over prompts" in drawn[0] and "over topics" in drawn[1]
    panels = {"before": {"one": way[:, None]}}
    assert plots.calibration(panels, {"before": topics}, groups=1, quiet=True).summary


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
        {
            "before": {"sure": honest_margins(scale=4)},
            "after": {"honest": honest_margins()},
        },
        quiet=True,
    )
    predicted, observed, _ = plots.calibration_groups(honest_margins(scale=4))[-1]
    assert (
        f"sure where it is most sure says {predicted:.0%}, and {observed.mean:.0%} agree"
        in figure.summary
    )
    assert [axis.get_title() for axis in figure.axes] == ["before", "after"]
    assert all("too sure" in [t.get_text() for t in axis.texts] for axis in figure.axes)
    assert len(figure.png()) < 40_000
    with pytest.raises(CourseError, match="at least one reward model"):
        plots.calibration({"before": {}})


def test_learning_curve_marks_means_and_names_its_lines():
    accuracies = [np.full(10, 0.5) + np.linspace(-0.1, 0.1, 10), np.full(10, 0.7)]
    points = [np.full(10, 1.0), np.full(10, 2.0)]
    figure = plots.learning_curve(
        [100, 1000],
        {"right": accuracies, "gold": points},
        {"right": {"ceiling": 0.8}},
        quiet=True,
    )
    assert "right 50% with 100, 70% with 1,000; ceiling 80%" in figure.summary
    assert "gold 1.0 with 100, 2.0 with 1,000." in figure.summary
    assert {t.get_text() for t in figure.axes[0].texts} == {"reward model", "ceiling"}
    with pytest.raises(CourseError, match="in every panel; not so in"):
        plots.learning_curve([100], {"right": accuracies})


def constant(value):
    return bootstrap_interval(np.full(4, value))


def test_a_training_is_drawn_pass_by_pass():
    losses = np.repeat([0.6, 0.4, 0.2], 10)
    held_out = [constant(v) for v in (0.7, 0.6, 0.8)]
    right = [constant(v) for v in (0.55, 0.6, 0.58)]
    figure = plots.training_passes(losses, held_out, right, {"ceiling": 0.75}, quiet=True)
    assert "0.60, 0.40, 0.20 nats" in figure.summary and "ends at 0.80" in figure.summary
    assert "58 % of these are right; ceiling 75%" in figure.summary
    left, other = figure.axes
    levels = [line for line in left.lines if line.get_linewidth() == 3]
    assert [line.get_ydata()[0] for line in levels] == pytest.approx([0.6, 0.4, 0.2])
    assert max(other.lines[-1].get_xdata()) == 3
    with pytest.raises(CourseError, match="for each pass"):
        plots.training_passes(losses, held_out[:2], right)


def test_two_clouds_rise_within_and_fall_between():
    gold = np.array([[0.0, 1.0], [1.0, 2.0], [3.0, 3.0]])
    scores = np.array([[5.0, 6.0], [1.0, 2.0], [0.0, 0.0]])
    kinds = {"left": np.array([1, 0, 0], bool), "right": np.array([0, 1, 1], bool)}
    figure = plots.two_clouds(gold, scores, kinds, quiet=True)
    assert "left prompts: gold 0.5, score 5.5; right prompts: gold 2.2, score 0.8" in figure.summary
    strokes = [line for line in figure.axes[0].lines if line.get_linewidth() == 1.2]
    assert len(strokes) == 2, "a prompt whose replies are all alike has none"
    assert all(np.diff(line.get_ydata())[0] == pytest.approx(1.0) for line in strokes)
    with pytest.raises(CourseError, match="two kinds"):
        plots.two_clouds(gold, scores, {"left": kinds["left"]})


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
