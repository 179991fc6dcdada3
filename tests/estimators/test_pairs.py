"""Pairs of candidates beside an annotator's answers."""

import numpy as np
import pytest

from course_lib.base import CourseError
from course_lib.estimators import pair_accuracy, pair_margins

SCORES = [[2.0, 1.0, 0.0, 3.0], [1.0, 1.0, 5.0, 4.0]]
FIRST = [[True, True], [False, False]]


def test_margins_are_of_the_preferred_reply_minus_the_other():
    assert pair_margins(SCORES, FIRST).tolist() == [[1.0, -3.0], [0.0, -1.0]]


def test_accuracy_counts_a_tie_half():
    assert pair_accuracy(SCORES, FIRST).tolist() == [0.5, 0.25]
    assert pair_accuracy(SCORES, np.logical_not(FIRST)).tolist() == [0.5, 0.75]


def test_answers_of_another_shape_are_refused():
    for first in ([[True], [False]], [True, False], np.ones((3, 2), bool)):
        with pytest.raises(CourseError, match=r"shape \(2, 2\)"):
            pair_margins(SCORES, first)
    with pytest.raises(CourseError, match="even number"):
        pair_margins([[1.0, 2.0, 3.0]], [[True]])
