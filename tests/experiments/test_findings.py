"""Every finding is measured, carries an interval, and comes out as the lessons say."""

import json
import re

import pytest

from course_lib import authoring
from course_lib.base import CourseError
from course_lib.commands import cli
from course_lib.estimators import Interval
from course_lib.experiments import findings
from course_lib.experiments.findings import interval_of

DOES_NOT_HOLD = {"6.4", "6.6", "6.7", "7.2"}  # what the lessons say does not appear
NUMBERS = [one.number for one in findings.known()]


@pytest.fixture(scope="module")
def rows():
    return {row.finding: row for row in findings.show().rows}


@pytest.mark.slow
def test_all_are_there_with_intervals(rows):
    assert list(rows) == NUMBERS and len(NUMBERS) >= 24
    for row in rows.values():
        assert row.low <= row.estimate <= row.high and row.low < row.high, row.claim
        assert row.command.startswith(("course ", "python benchmarks/"))
        assert row.claim.endswith(".") and row.measures
        assert row.seeds >= 1 and row.population
        trains = row.command.startswith("python")
        assert (row.seeds >= 3) == trains, "what was trained for it has three seeds at least"


@pytest.mark.slow
def test_they_hold_but_for_those_the_lessons_say_do_not(rows):
    assert {number for number, row in rows.items() if not row.holds} == DOES_NOT_HOLD


@pytest.mark.slow
@pytest.mark.parametrize("number", NUMBERS)
def test_the_lesson_shows_its_finding(number, rows):
    row = rows[number]
    source = authoring.lesson_sources([row.lesson])[0].read_text()
    assert f'findings.show("{row.lesson}")' in source
    assert re.search(rf"[Ff]inding {re.escape(number)}\b", source), "the lesson's text names it"


def test_numbers_run_from_one_within_each_lesson():
    assert len(NUMBERS) == len(set(NUMBERS)) >= 33
    for lesson in {one.lesson for one in findings.known()}:
        found = findings.known(lesson)
        assert [one.place for one in found] == [(int(lesson), k + 1) for k in range(len(found))]
        assert {one.lesson for one in found} == {lesson}
    assert NUMBERS == [one.number for one in sorted(findings.known(), key=lambda one: one.place)]


def test_a_number_that_is_taken_or_no_number_is_refused():
    register = findings.finding("1.1", "Claim.", "points")
    with pytest.raises(CourseError, match="finding 1.1 is taken: The reward of the best"):
        register(lambda: findings.Measured(Interval(0, 0, 0, 0.95, 1), True))
    for number in ("4", "4.0", "04.2", 4.2, 4):
        with pytest.raises(CourseError, match="lesson.place"):
            findings.finding(number, "Claim.", "points")(lambda: None)


def test_the_command_prints_one_table(capsys):
    assert cli.main(["findings", "--lesson", "07", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert len(printed) == 4
    for row in printed:
        assert set(row) >= {"finding", "lesson", "estimate", "low", "high", "holds", "seconds"}
        assert set(row) >= {"seeds", "population"}
    assert cli.main(["findings", "--lesson", "07"]) == 0
    assert "holds: At equal sampled tokens, each at" in capsys.readouterr().out


def test_an_unknown_lesson_is_named(capsys):
    with pytest.raises(CourseError, match="lessons with findings: 01"):
        findings.known("00")


def test_a_table_says_what_does_not_hold():
    row = findings.Row(
        finding="9.9",
        lesson="09",
        claim="Claim <one>.",
        measures="points",
        estimate=0.5,
        low=-0.1,
        high=1.1,
        holds=False,
        seconds=0.0,
        command="course x",
        note="note",
    )
    table = findings.Table([row])
    assert "DOES NOT HOLD: Claim <one>." in repr(table)
    assert "0.50 [-0.10, 1.10]. note" in repr(table)
    page = table._repr_html_()
    assert "Claim &lt;one&gt;." in page
    assert "<b>does not hold</b>" in page and "−0.1" in page, "a minus is a minus"
    measured, folded = page.split("<summary")[1].split("</summary>")
    assert "points" in measured and "note" in folded and "Seeds: 1" in folded


def test_a_stored_interval_is_read_whatever_stands_beside_it():
    stored = {"mean": 1.0, "low": 0.5, "high": 1.5, "level": 0.95, "n": 3, "by_seed": [1.0]}
    assert interval_of(stored) == Interval(1.0, 0.5, 1.5, 0.95, 3)


def test_what_is_no_interval_is_refused():
    one = findings.Finding("9.9", "Claim.", "points", "course x", "all", lambda: (0.5, True))
    with pytest.raises(CourseError, match="finding 9.9 must return an Interval; got float"):
        findings.measure(one)
