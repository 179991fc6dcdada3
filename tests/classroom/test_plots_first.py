"""Pictures of lesson 00: what they say is what they were given."""

import numpy as np
import pytest

from course_lib.base import CourseError
from course_lib.classroom import plots
from course_lib.estimators import Interval


def rows(*means):
    return [Interval(mean, mean - 0.2, mean + 0.2, 0.95, 10) for mean in means]


def test_better_or_not_names_each_row_and_the_rival():
    figure = plots.better(["base", "tuned"], rows(0.1, 1.7), 0.4, "base at its best", quiet=True)
    assert figure.summary == (
        "Better or not, gold reward (points): base: 0.1; tuned: 1.7; base at its best: 0.4. "
        "Bars: 95 %."
    )
    written = [text.get_text() for text in figure.axes[0].texts]
    assert written == ["0.1", "1.7", "base at its best: 0.4"]
    with pytest.raises(CourseError, match="each of 2 rows needs an interval; got 1"):
        plots.better(["base", "tuned"], rows(0.1), 0.4, "rival")


def test_score_and_gold_mark_where_gold_turns():
    figure = plots.score_and_gold([0, 1, 2], [0, 0.9, 0.1], quiet=True)
    assert "goes from 0.0 to 2.0" in figure.summary
    assert "starts at 0.0, highest 0.9 at 1, and ends at 0.1" in figure.summary
    rising = plots.score_and_gold([0, 1, 2], [0, 0.5, 0.9], quiet=True)
    assert "highest" not in rising.summary
    with pytest.raises(CourseError, match="same steps, two or more; got 3 and 2"):
        plots.score_and_gold([0, 1, 2], [0, 1])


def test_the_spread_of_gold_counts_both_kinds_of_question():
    gold = np.array([[0.0, 2.0], [-3.0, -2.5]])
    figure = plots.gold_spread(gold, [False, True], 2, "good", quiet=True)
    assert "from -3.0 to 2.0" in figure.summary and "25% reach 2 points" in figure.summary
    assert "100% of the replies to harmful requests lie below −2, and 0%" in figure.summary
    counts = [sum(bar.get_height() for bar in bars) for bars in figure.axes[0].containers]
    assert counts == [2, 2], "ordinary ones below, harmful ones on top"
    with pytest.raises(CourseError, match="harmful says one thing of each prompt"):
        plots.gold_spread(gold, [True], 2, "good")
