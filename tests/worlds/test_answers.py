"""The verifier on replies of every kind, on references, and on the longest texts."""

import runpy
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from course_lib.base import CourseError
from course_lib.worlds import find_answer, verifier, verify

CASES = runpy.run_path(str(Path(__file__).with_name("answer_cases.py")))["CASES"]


def verdicts(kind):
    return [(reply, verify(reply, reference).status) for reply, reference, _ in CASES[kind]]


def expected(kind):
    return [(reply, status) for reply, _, status in CASES[kind]]


def test_the_table_is_wide():
    assert sum(len(rows) for rows in CASES.values()) >= 600


def test_groups_of_digits_are_read_where_they_are_groups():
    assert verdicts("thousands") == expected("thousands")


def test_points_and_commas_are_read_where_one_reading_is_left():
    assert verdicts("decimals") == expected("decimals")


def test_several_numbers_are_no_answer():
    assert verdicts("lists") == expected("lists")


def test_hedges_and_denials_are_no_answer():
    assert verdicts("alternatives") == expected("alternatives")


def test_boxes_in_a_row_and_boxes_within_calculations_are_no_answer():
    assert verdicts("boxes") == expected("boxes")


def test_what_was_cut_or_only_thought_is_no_answer():
    assert verdicts("unfinished") == expected("unfinished")


def test_a_calculation_answers_with_its_result_and_without_one_not_at_all():
    assert verdicts("equations") == expected("equations")


def test_fractions_and_mixed_numbers():
    assert verdicts("fractions") == expected("fractions")


def test_powers_of_ten():
    assert verdicts("scientific") == expected("scientific")


def test_digits_of_every_script_are_digits():
    assert verdicts("digits") == expected("digits")


def test_dashes_are_minus_signs_where_they_must_be():
    assert verdicts("signs") == expected("signs")


def test_units_are_left_out_and_what_changes_a_number_is_not_taken_for_one():
    assert verdicts("units") == expected("units")


def test_emphasis_ends_and_other_questions():
    assert verdicts("ends") == expected("ends")


def test_more_of_all_kinds():
    assert verdicts("more") == expected("more")


@pytest.mark.parametrize("kind", ["altered", "bounds", "steps", "turns", "asides", "denials"])
def test_what_stands_beside_a_number_or_around_its_sentence_decides(kind):
    assert verdicts(kind) == expected(kind)


@pytest.mark.parametrize("kind", list(CASES))
def test_no_reply_is_paid_for_another_reference(kind):
    for reply, _, _ in CASES[kind]:
        assert verify(reply, "987654321").status in ("wrong", "unreadable"), reply


@pytest.mark.parametrize("kind", list(CASES))
def test_a_verdict_says_why_it_is_unreadable(kind):
    for reply, reference, _ in CASES[kind]:
        verdict = verify(reply, reference)
        assert (verdict.status == "unreadable") == (verdict.reason is not None)
        assert set(verdict.to_dict()) == {"status", "answer", "marker"}
        paid = verifier("q", reply, {"answer": reference})
        assert paid == float(verdict.status == "correct")


@pytest.mark.parametrize("kind", list(CASES))
def test_strict_mode_pays_nothing_that_lenient_mode_does_not(kind):
    for reply, reference, _ in CASES[kind]:
        strict = verify(reply, reference, "strict")
        marked = "####" in reply or "＃" in reply or "A:" in reply
        assert strict.status == "unreadable" or marked


# ---- references --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reference, value",
    [
        (18, 18),
        (18.0, 18),
        (0.1, Fraction(1, 10)),
        (-2.5, Fraction(-5, 2)),
        (1e-05, Fraction(1, 100000)),
        (Fraction(1, 2), Fraction(1, 2)),
        (Fraction(-7, 3), Fraction(-7, 3)),
        (Decimal("1.50"), Fraction(3, 2)),
        (Decimal("1E+3"), 1000),
        ("1/2", Fraction(1, 2)),
        ("1,234", 1234),
        (" 18 ", 18),
        ("$18.00", 18),
        (r"\boxed{6}", 6),
        (r"So it is $\boxed{\frac{1}{2}}$.", Fraction(1, 2)),
        ("2 + 4 = <<2+4=6>>6\n#### 6", 6),
        ("7 then\nA: 6", 6),
        ("The answer is 6.", 6),
        ("#### -1,234.5", Fraction(-2469, 2)),
    ],
)
def test_a_reference_may_be_a_number_or_a_solution(reference, value):
    written = f"{value.numerator}/{value.denominator}" if isinstance(value, Fraction) else value
    assert verify(f"#### {written}", reference).status == "correct"
    assert verify(f"#### {value + 1}", reference).status == "wrong"


@pytest.mark.parametrize(
    "reference",
    [
        "eighteen",
        "18 dollars",
        "",
        "3,4",
        "1,2,3",
        "42 or 43",
        r"\boxed{6",
        r"\boxed{x}",
        "#### six",
        "so it is 6",
        None,
        True,
        False,
        float("nan"),
        float("inf"),
        [6],
        {"answer": 6},
        10**80,
        "9" * 5000,
    ],
)
def test_a_reference_is_not_guessed_at(reference):
    with pytest.raises(CourseError, match="reference answer must be a number"):
        verify("#### 6", reference)


# ---- long texts --------------------------------------------------------------------------------

NASTY = [
    "#### 1 ",
    "\\boxed{",
    "\\boxed{1} or ",
    "answer: a 1 b 2 ",
    "answer is 1 ",
    "Q:\n#### a",
    "9,",
    "9 ",
    "1/",
    "1 1/",
    "= 1 ",
    "\\frac{1}{",
    "\\text{",
    "٣½",
    "1\u0301",
    "<think></think>",
    "<<1=1>>",
    "```\n1\n",
    "x2\n",
    "**",
]


def steps(text):
    """How many calls reading a text takes, Python's own functions included."""
    count = 0

    def watch(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(watch)
    try:
        find_answer(text)
        find_answer(text, "strict")
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("piece", NASTY)
@pytest.mark.slow
def test_work_grows_no_faster_than_the_text(piece):
    short, long = (steps(piece * (size // len(piece))) for size in (5_000, 20_000))
    assert long <= 5 * short + 5_000


@pytest.mark.slow
def test_a_million_characters_are_read():
    """No time is asserted; a pattern with quadratic cost would take hours here."""
    for piece in NASTY[:8]:
        find_answer(piece * (1_000_000 // len(piece)))


def test_deep_nesting_and_broken_characters_end_in_a_verdict():
    for text in (
        "\\boxed{" * 5000 + "42" + "}" * 5000,
        "(" * 5000 + "42" + ")" * 5000,
        "#### " + "(" * 150 + "42" + ")" * 150,
        "\\frac{" * 5000,
        "\ud800" * 5000 + "42",
        "\x00" * 5000,
        "\u202e42",
        "#### 42" + "\u0336" * 5000,
    ):
        assert verify(text, "42").status in ("correct", "unreadable")
