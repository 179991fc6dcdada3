"""A page a student: what stands on it, what does not, and that nothing of it can do harm."""

import re

import pytest
from printed import HOSTILE, Reader, sound

from course_lib.base import CourseError
from course_lib.grading.feedback import VERDICTS, lesson_links, page, write_pages
from course_lib.grading.judge import CLASSES, Result
from course_lib.grading.sheets import Mark, Override, Sheet, amount, file_name, harmless, one_line


def result(task="ex03.bradley_terry", points=1.5, most=3.0, outcome="partly", **more):
    more = {"message": "the sign is missing", "hint": "Look at the sign.", **more}
    properties = [("mean of the losses", 1.5, True), ("its sign", 1.5, False)]
    more.setdefault("properties", properties)
    more.setdefault("read", "lesson 03, 'Learning from comparisons'")
    return Result(task, points, most, outcome, **more)


def sheet(**more):
    more.setdefault("results", [result()])
    return Sheet(more.pop("student", "ada"), "ex03", **more)


def no_links(read):
    return ""


def test_a_page_says_points_message_properties_hint_and_lesson():
    read = sound(page(sheet(name="Ada L."), lambda said: "https://x.org/03?a=1&b=2#s"))
    for words in (
        "Exercise 03: Ada L.",
        "1.5 of 3 points",
        "bradley_terry",
        "Partly right",
        "The sign is missing",
        "✓ mean of the losses holds, 1.5 points",
        "✗ its sign does not hold, 1.5 points",
        "Hint: Look at the sign.",
        "Explained in lesson 03, 'Learning from comparisons'.",
    ):
        assert words in read.text
    assert ("a", "href", "https://x.org/03?a=1&b=2#s") in read.attributes


def test_links_lead_to_the_section_in_the_repository():
    link = lesson_links()
    found = link("lesson 01, 'On paper first'")
    assert found.startswith("https://") and "/blob/main/notebooks/01_best_of_n.ipynb" in found
    assert found.endswith("#On-paper-first") and ".." not in found
    assert link("the documentation of torch") == ""


def test_an_override_stands_with_its_reason_and_counts():
    late = "10 % a day, one day."
    changed = [Override("ex03.bradley_terry", 3, "you were right", "Prof. X", "2026-11-27T10:00")]
    mine = sheet(overrides=changed, late=late, taken=0.3)
    read = sound(page(mine, no_links))
    assert mine.total == 2.7 and "2.7 of 3 points" in read.text
    assert "Points: changed from 1.5 to 3 points by Prof. X on 2026-11-27." in read.text
    assert "you were right" in read.text and "0.3 points less, of 3." in read.text
    whole = sheet(overrides=[*changed, Override("", 1, "late by agreement")])
    assert whole.total == 1 and whole.points_of(whole.results[0]) == 3
    assert "The whole exercise: changed from 3 to 1 points" in Reader(page(whole, no_links)).text


def test_marks_of_written_answers_add_to_the_points_and_the_last_one_counts():
    marks = [Mark("ex03-case", 1, 5), Mark("ex03-case", 4, 5, "good on calibration")]
    mine = sheet(marks=marks)
    assert (mine.total, mine.most) == (5.5, 8)
    said = sound(page(mine, no_links)).text
    assert "4 of 5 points" in said and "good on calibration" in said and "1 of 5" not in said


@pytest.mark.parametrize("outcome", CLASSES)
def test_every_outcome_has_words_and_the_frame_of_its_state(outcome):
    state, words = VERDICTS[outcome]
    text = page(sheet(results=[result(outcome=outcome)]), no_links)
    assert words in sound(text).text and f"ck-check ck-{state}" in text


def test_no_source_no_hidden_input_and_no_right_value_is_on_a_page():
    """Only what a Result says in words gets there: it has no field for the rest."""
    shown = {"task", "points", "most", "outcome", "message", "hint", "read", "properties"}
    held = {"hidden_right", "hidden", "seconds", "peak_mb"}
    assert set(vars(result())) == shown | held
    plain = page(sheet(results=[result(hidden_right=17, hidden=4711, peak_mb=3137)]), no_links)
    assert "4711" not in plain and "3137" not in plain


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_a_field_says_is_text(text):
    plain = sound(page(sheet(), no_links))
    mine = Sheet(
        text or "x",
        "ex03",
        [
            result(
                task=f"ex03.{text}",
                message=text,
                hint=text,
                read=text,
                properties=[(text, 1, True)],
            )
        ],
        name=text,
        overrides=[Override("", 1, text, text, text)],
        marks=[Mark(text, 1, 2, text, text)],
        notes=[text],
        late=text,
        file=text,
        sha256=text,
        course=text,
        graded=text,
    )
    whole = page(mine, lambda read: text)
    read = sound(whole)
    assert {t for t in read.tags if t not in plain.tags} <= {"ul", "li", "footer"}
    assert len(whole) < 80_000, "a long text has an end"
    if text and len(text) < 100 and text.isprintable():
        assert one_line(text) in read.text


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_names_of_files_are_safe(text):
    name = file_name(Sheet(text, "ex03"))
    assert re.fullmatch(r"ex03-([a-z0-9-]{1,40}-)?[0-9a-f]{16}\.html", name)


def test_names_of_files_never_collide(tmp_path):
    twins = ["ada", "ADA", "a.da", "a/da", "../ada", "ada\0", "ada ", "\u202eada", "äda", ""]
    names = {file_name(Sheet(twin, "ex03")) for twin in twins}
    assert len({name.lower() for name in names}) == len(twins)
    written = write_pages([Sheet(twin, "ex03", [result()]) for twin in twins], tmp_path, no_links)
    assert len(list(tmp_path.iterdir())) == len(twins) == len(written)
    assert all(path.parent == tmp_path and path.is_file() for path in written.values())
    with pytest.raises(CourseError, match="twice"):
        write_pages([sheet(), sheet()], tmp_path, no_links)


def test_harmless_keeps_what_can_be_read():
    assert harmless("añ 名\n\tשלום") == "añ 名\n\tשלום"
    assert harmless("a\u202eb\0c\ud83d") == "a\ufffdb\ufffdc\ufffd"
    assert len(harmless("x" * 5000)) == 2000 and one_line("a\n\n b\tc") == "a b c"
    assert [amount(x) for x in (0, 1, 2.5, 1 / 3, 10)] == ["0", "1", "2.5", "0.33", "10"]
