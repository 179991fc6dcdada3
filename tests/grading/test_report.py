"""The class report: right counts, mistakes by the names of the bank, figures, nothing harmful."""

import pytest
from printed import HOSTILE, sound

from course_lib.authoring.proofs import proofs_of
from course_lib.base import CourseError
from course_lib.grading import report
from course_lib.grading.judge import CLASSES, Result
from course_lib.grading.sheets import Mark, Override, Sheet

BANK = {
    "ex03.a": [
        ("no_minus", "sign is missing"),
        ("log_of_sigmoid", "is infinite"),
        ("two_exponentials", "is infinite"),
        ("swapped", "is infinite for one order"),
    ]
}


def one(student, points, outcome, message="", second="right", **more):
    first = Result("ex03.a", points, 3, outcome, message, seconds=0.5, peak_mb=300)
    other = Result("ex03.b", 2.0 * (second == "right"), 2, second, "", seconds=0.25, peak_mb=200)
    return Sheet(student, "ex03", [first, other], **more)


CLASS = [
    one("s1", 3, "right", "right."),
    one("s2", 1, "partly", "At 0 the loss IS INFINITE, which it should not be."),
    one("s3", 0, "wrong", "this is infinite for one order of the two"),
    one("s4", 0, "wrong", "the sign is missing", second="unwritten"),
    one("s5", 0, "wrong", "the sign is missing", second="stopped"),
    one("s6", 0, "wrong", "your code stops with TypeError: <b>x</b>"),
    one("s7", 1.5, "hidden", "right on the inputs that you can see, and on 1 of 8: is infinite"),
]


def test_points_and_outcomes_are_counted():
    found = report.summary(CLASS, BANK)
    first, second = found.tasks
    assert first.points == [3, 1, 0, 0, 0, 0, 1.5] and second.points == [2, 2, 2, 0, 0, 2, 2]
    assert first.outcomes == dict(zip(CLASSES, (1, 1, 1, 4, 0, 0, 0), strict=True))
    assert second.outcomes["unwritten"] == second.outcomes["stopped"] == 1
    assert found.totals == [5, 3, 2, 0, 0, 2, 3.5] and found.most == 5
    assert found.seconds == [0.75] * 7 and found.peak_mb == [300] * 7


def test_mistakes_are_matched_by_message_and_named():
    first, second = report.summary(CLASS, BANK).tasks
    assert first.mistakes[0] == report.Mistake(("no_minus",), "sign is missing", 2)
    assert {(m.names, m.count) for m in first.mistakes[1:]} == {
        (("log_of_sigmoid", "two_exponentials"), 1),
        (("swapped",), 1),
    }, "the longest part counts, and of a hidden mistake nothing is known"
    assert first.others == [("your code stops with TypeError: <b>x</b>", 1)]
    assert (first.matched, first.unmatched) == (4, 1)
    assert second.mistakes == [] and second.others == []
    assert report.named("nothing like it", BANK["ex03.a"]) == ("", ())
    assert report.named("x", [("silent", "")]) == ("", ())


def test_a_message_of_each_wrong_solution_leads_back_to_its_name():
    """The bank of an exercise against its own check: what course prove proves, seen from here."""
    bank = report.bank_of("ex01")
    proofs = proofs_of("ex01")
    assert list(bank) == [f"ex01.{name}" for name in proofs]
    from course_lib.classroom.checks import tasks

    name = "win_share"
    check, known = tasks("ex01")[name], bank[f"ex01.{name}"]
    hits = 0
    for wrong, says, hidden in proofs[name].wrongs:
        if hidden or not says:
            continue
        message = check.outcome(proofs[name].student(wrong)).message
        part, names = report.named(message, known)
        assert says.lower() in message.lower() and part in message.lower()
        hits += wrong.__name__ in names
    assert hits >= 0.9 * len(known), "a longer part of another's may stand in the same message"


def test_overrides_lateness_marks_and_sandbox_are_in_the_summary():
    changed = one("s8", 0, "wrong", "x", overrides=[Override("ex03.a", 3, "r")], taken=0.5)
    changed.marks, changed.unsafe = [Mark("ex03-case", 2, 5), Mark("ex03-case", 3, 5)], True
    found = report.summary([*CLASS, changed], BANK)
    assert (found.overridden, found.late, found.unsafe) == (1, 1, 1)
    assert found.marked == {"ex03-case": [(3, 5)]} and found.totals[-1] == 7.5
    assert found.tasks[0].points[-1] == 3 and found.tasks[0].outcomes["wrong"] == 5
    said = report.text(found)
    assert "1 graded WITHOUT A SANDBOX." in said and "ex03-case: mean 3 of 5, 1 marked" in said


def test_the_text_says_the_numbers():
    said = report.text(report.summary(CLASS, BANK))
    assert "7 students, mean 2.21 of 5 points, median 2, the middle half from 1 to 3.25." in said
    row = next(line for line in said.splitlines() if line.startswith("a "))
    assert row.split() == ["a", "0.79", "3", "1", "1", "1", "4", "0", "0", "0"]
    matched = "of a wrong solution of the bank 4 of them have the message, 1 have not."
    assert f"5 answers wrong or partly right; {matched}" in said
    assert "2  no_minus: “… sign is missing …”" in said
    assert "Grading: 5.2 s in boxes, median 0.75 s a student" in said
    assert "peak memory median 300 MiB" in said


def test_the_page_has_the_figures_and_the_same_numbers():
    text = report.page(report.summary(CLASS, BANK))
    read = sound(text)
    assert read.tags.count("img") == 3 and "no_minus" in read.text
    for tag, name, value in read.attributes:
        if tag == "img" and name == "src":
            assert value.startswith("data:image/svg+xml,%3Csvg") and "script" not in value
    assert "What came of each task: a: 1 right, 1 partly right, 1 right on visible" in read.text
    assert "Points by task: a: mean 0.79 of 3; b: mean 1.43 of 2." in read.text
    assert "<b>x</b>" in read.text, "a student's text is text"


def test_one_student_and_no_task_are_enough_and_nobody_is_not():
    sound(report.page(report.summary(CLASS[:1], BANK)))
    empty = report.summary([Sheet("x", "ex03")], BANK)
    sound(report.page(empty))
    assert "1 student, mean 0 of 0 points" in report.text(empty)
    with pytest.raises(CourseError, match="no grades"):
        report.summary([], BANK)
    with pytest.raises(CourseError, match="one exercise"):
        report.summary([*CLASS, Sheet("x", "ex04")], BANK)


def test_whatever_a_field_says_is_text():
    hostile = [
        Sheet(text, "ex03", [Result(f"ex03.{text[:50]}", 1, 2, "wrong", text, text, text)])
        for text in HOSTILE
    ]
    for sheet, text in zip(hostile, HOSTILE, strict=True):
        sheet.marks = [Mark(text, 1, 2, text)]
    found = report.summary(hostile, {f"ex03.{HOSTILE[0]}": [(HOSTILE[0], HOSTILE[0])]})
    sound(report.page(found))
    report.text(found).encode()
