"""Figures of lesson 01: they draw the right values and refuse what they cannot draw."""

import numpy as np
import pytest

from course_lib.base import CourseError
from course_lib.classroom import plots

NS = [1, 2, 4, 8]


def test_win_rates_stand_beside_the_formula():
    exact = np.tile(np.array(NS) / (np.array(NS) + 1), (5, 1))
    low = exact.copy()
    low[:, 2] -= 0.1
    figure = plots.win_rates(NS, {"score": exact, "thumb": low}, quiet=True)
    line, score, thumb = figure.axes[0].get_lines()
    x, y = line.get_data()
    assert np.allclose(y, 100 * x / (x + 1))
    assert np.allclose(score.get_ydata(), [50, 200 / 3, 80, 800 / 9])
    assert np.isclose(thumb.get_ydata()[2], 70)
    assert "score at most 0.0 points" in figure.summary
    assert "thumb at most 10.0 points from it, at n = 4" in figure.summary


def test_win_rates_need_a_rate_for_each_n():
    with pytest.raises(CourseError, match="must have shape"):
        plots.win_rates(NS, {"score": np.full((5, 3), 0.5)}, quiet=True)
    with pytest.raises(CourseError, match="nothing to draw"):
        plots.win_rates(NS, {}, quiet=True)


def test_a_share_within_a_budget_has_its_values():
    shares = np.tile([0.4, 0.2, 0.1, 0.05], (6, 1))
    figure = plots.within_budget(NS, shares, 4, "bad replies (%)", quiet=True)
    (axis,) = figure.axes
    assert np.allclose(axis.get_lines()[0].get_ydata(), [40, 20, 10, 5])
    said = [text.get_text() for text in axis.texts]
    assert said == ["40 %", "20 %", "10 %", "5 %", "over the budget"]
    assert "20 % at n = 2" in figure.summary and "ends at n = 4" in figure.summary


def test_a_budget_must_leave_something_out():
    shares = np.full((6, 4), 0.1)
    for most in (0, 8, 100):
        with pytest.raises(CourseError, match="the budget must end"):
            plots.within_budget(NS, shares, most, "bad replies (%)", quiet=True)


def test_cost_and_quality_marks_the_peak_of_a_curve_that_turns():
    hump = np.tile([0.1, 0.5, 0.9, 0.3], (6, 1))
    rising = np.tile([0.1, 0.5, 0.9, 1.0], (6, 1))
    figure = plots.cost_quality([25, 50, 100, 200], {"a": rising, "b": hump}, NS, quiet=True)
    said = [text.get_text() for text in figure.axes[0].texts]
    assert said.count("highest at n = 4") == 1
    assert figure.summary.count("highest") == 1 and "highest 0.90 at n = 4" in figure.summary
    ticks = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert ticks == ["25\n1", "50\n2", "100\n4", "200\n8"]
