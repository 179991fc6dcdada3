"""What lessons show instead of printing."""

import re

import pytest

from course_lib.base import CourseError
from course_lib.classroom import show
from course_lib.estimators import Interval
from course_lib.pools import Pool


def page(shown):
    return shown._repr_mimebundle_()["text/html"]


def test_numbers_stand_to_the_right_with_units_and_intervals():
    interval = Interval(0.5, 0.25, 0.75, 0.95, 10)
    rows = [["RFT", 12, f"{interval}", "3.1 %"], ["best <of> 4", 1000, "–", "−2.0 %"]]
    shown = show.table(["method", "n", "gold", "share"], rows, "A caption.")
    assert repr(shown).splitlines() == [
        "method           n                gold    share",
        "RFT             12   0.50 [0.25, 0.75]    3.1 %",
        "best <of> 4   1000                   –   −2.0 %",
        "A caption.",
    ]
    cells = re.findall(r"<td ([^>]*)>([^<]*)", page(shown))
    assert [side == "align=right" for side, _ in cells] == 2 * [False, True, True, True]
    assert cells[2][1] == "0.50\u00a0[0.25,\u00a00.75]", "no line break takes a number apart"
    assert "best &lt;of&gt; 4" in page(shown) and "overflow-x:auto" in page(shown)


def test_a_row_that_is_too_short_is_named():
    with pytest.raises(CourseError, match=r"needs 2 cells.*\['only'\]"):
        show.table(["a", "b"], [["only"]])


def test_replies_are_bubbles_with_chips_and_fit_a_terminal():
    long = "word " * 60
    shown = show.replies(
        "How & why?", [long, "no"], names=["best", "worst"], scores={"gold": [1.234, -1.0]},
        chosen=0,
    )  # fmt: skip
    lines = repr(shown).splitlines()
    assert lines[0] == "How & why?" and max(map(len, lines)) <= 100
    assert lines[-1] == "  worst: no  [gold -1.00]"
    assert "[gold 1.23, chosen]" in repr(shown)
    assert page(shown).count('class="ck-bubble') == 2
    assert "How &amp; why?" in page(shown) and ">gold 1.23<" in page(shown)


def test_sentences_of_the_help_desk_are_marked_and_explained():
    reply = "Open the sign-in page. Read the manual."
    shown = show.replies("How do I reset my password?", [reply], about={"topic": "password"})
    assert re.findall(r'<span class="ck-part ck-(\w+)" title', page(shown)) == ["step", "unsafe"]
    assert ">a step asked for<" in page(shown) and ">polite<" not in page(shown)
    assert reply in repr(shown)


def test_replies_stand_side_by_side_where_they_are_told_to():
    below = show.replies("p", ["a", "b"], names=["before", "after"])
    beside = show.replies("p", ["a", "b"], names=["before", "after"], beside=True)
    assert page(beside).count("flex:1 1 240px") == 2 and "flex:1 1" not in page(below)
    assert repr(beside) == repr(below), "a terminal has one column"


def test_candidates_of_a_pool_stand_under_their_prompts():
    pool = Pool.from_candidates(["p", "q"], [["a", "b"], ["c", "d"]], {"gold": [[1, 2], [3, 4]]})
    shown = show.candidates(pool, rewards=["gold"], prompts=[1], most=1)
    assert repr(shown) == "q\n  - c  [gold 3.00]"
    assert page(show.candidates(pool)).count("ck-bubble") >= 4


def test_wrong_numbers_of_scores_are_told():
    with pytest.raises(CourseError, match="gold must say something of each of 2 replies; got 1"):
        show.replies("p", ["a", "b"], scores={"gold": [1.0]})


def test_facts_are_named_values():
    assert repr(show.facts({"policy": "small", "n": 4})) == "policy   small\nn        4"
