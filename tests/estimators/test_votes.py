"""Majorities."""

import pytest

from course_lib.base import CourseError
from course_lib.estimators import majority, weighted_majority


@pytest.mark.parametrize(
    "answers, winner",
    [
        (["18", "20", "20", "18", "21"], "18"),
        (["9", "5", "9"], "9"),
        ([None, None, "7"], "7"),
        ([None], None),
        ([], None),
    ],
)
def test_majority(answers, winner):
    assert majority(answers) == winner


def test_weights_decide():
    assert weighted_majority(["a", "b", "b"], [0.9, 0.3, 0.3]) == "a"
    assert weighted_majority(["a", "b", "b"], [0.5, 0.3, 0.3]) == "b"
    assert weighted_majority([None, "b"], [5.0, 0.1]) == "b"


def test_bad_weights_are_named():
    with pytest.raises(CourseError, match="got 1 for 2 answers"):
        weighted_majority(["a", "b"], [1.0])
    with pytest.raises(CourseError, match=r"lowest is -1"):
        weighted_majority(["a", "b"], [1.0, -1])
