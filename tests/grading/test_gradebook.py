"""The gradebook: what goes in comes out, what is kept does not change; the points that count."""

import re
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from course_lib.base import CourseError
from course_lib.grading.finals import counting_entry, days_late, finals, sheets
from course_lib.grading.gradebook import TABLES, Batch, Entry, Gradebook, as_utc
from course_lib.grading.judge import Result

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = datetime(2027, 3, 1, 12, tzinfo=UTC)
BATCH = Batch(0, "ex01", "v1", "0.1", "abc", "{}", "bubblewrap", False, "", "", None)
RESULTS = [
    Result("ex01.best_of_n", 3.0, 3.0, "right", "right.", hidden_right=4, hidden=4),
    Result(
        "ex01.win_share",
        1.5,
        3.0,
        "partly",
        "ties count half.",
        "What is a tie?",
        "lesson 01",
        [("ties", 1.5, False), ("mean", 1.5, True)],
        2,
        3,
        0.25,
        70.5,
    ),
]


@pytest.fixture
def book(tmp_path):
    with Gradebook(tmp_path / "g.sqlite", create=True) as open_book:
        yield open_book


def handed_in(book, student="anna", file="ex01.ipynb", sha256="00ff", **more):
    """The number of a submission."""
    with book.transaction():
        return book.add_submission(Entry(0, "ex01", student, file, sha256, **more))


def batch(book, **changes):
    with book.transaction():
        return book.add_batch(replace(BATCH, **changes))


def graded(book, entry, results=RESULTS, of=None, **more):
    """The number of a grading."""
    of = of or batch(book)
    with book.transaction():
        return book.add_grading(entry, of.id, results, **more)


def only_final(book):
    (one,) = finals(book, "ex01")
    return one


# ---- round trips -------------------------------------------------------------------------------


def test_results_come_back_as_they_were_kept(book):
    entry = handed_in(book, name="Anna Ö.", ids={"ID": "7"}, late=True, submitted=DEADLINE)
    graded(book, entry, notes=["no task 4"])
    (found,) = book.entries("ex01")
    assert (found.student, found.name, found.ids) == ("anna", "Anna Ö.", {"ID": "7"})
    assert (found.late, found.submitted, found.notes) == (True, DEADLINE, ["no task 4"])
    stored = book.results(entry)
    for given, back in zip(RESULTS, stored, strict=True):
        assert {name: getattr(back, name) for name in vars(given)} == vars(given)
        assert (back.batch, back.copied_from) == (1, "") and back.graded.endswith("+00:00")
    assert book.exercises() == ["ex01"] and book.students() == ["anna"]


def test_a_file_that_was_read_again_by_another_program_is_the_same(book, tmp_path):
    graded(book, handed_in(book))
    with Gradebook(tmp_path / "g.sqlite") as again:
        assert again.content() == book.content()


def test_names_that_are_no_text_are_spelt_out(book):
    entry = handed_in(book, student="\udcff\udcfe", file="a\udc80.ipynb")
    graded(book, entry, [replace(RESULTS[0], message="\ud800 and 'quotes'; DROP TABLE")])
    (found,) = book.entries("ex01")
    assert found.student == "\\udcff\\udcfe" and found.file == "a\\udc80.ipynb"
    assert book.results(entry)[0].message == "\\ud800 and 'quotes'; DROP TABLE"
    assert handed_in(book, student="\udcff\udcfe", file="a\udc80.ipynb") == entry


def test_what_is_learnt_of_a_submission_later_is_added(book):
    first = handed_in(book)
    assert handed_in(book, submitted=DEADLINE, late=False, name="Anna") == first
    assert handed_in(book) == first  # what is known stays
    (found,) = book.entries("ex01")
    assert (found.submitted, found.late, found.name) == (DEADLINE, False, "Anna")


def test_answers_to_questions_are_kept_once(book):
    entry = handed_in(book)
    with book.transaction():
        book.put_answers(entry, {"ex01-case": {"answer": "Because …", "tries": 2}})
        book.put_answers(entry, {"ex01-case": {"answer": "other"}, "ex01-a": ["B"]})
    want = {"ex01-case": {"answer": "Because …", "tries": 2}, "ex01-a": ["B"]}
    assert book.answers(entry) == want


def test_the_same_bytes_get_the_same_rows_and_say_whose(book):
    anna, berta, clara = (handed_in(book, student=s) for s in ("anna", "berta", "clara"))
    run = batch(book)
    source = graded(book, anna, of=run)
    assert book.grading_of_bytes("00ff", "a.ipynb", run) == source
    with book.transaction():
        book.put_answers(anna, {"q": 1})
        book.copy_grading(berta, run.id, source)
        book.copy_grading(clara, run.id, source)
    assert book.grading_of_bytes("00ff", "a.ipynb", run) == source  # a copy is never the source
    found = {entry.student: entry.copied_from for entry in book.entries("ex01")}
    assert found == {"anna": "", "berta": "anna", "clara": "anna"}
    assert [r.points for r in book.results(clara)] == [3.0, 1.5] and book.answers(clara) == {"q": 1}
    assert book.grading_of_bytes("00ff", "a.ipynb", replace(run, version="v2")) is None
    assert book.grading_of_bytes("00ff", "a.ipynb", replace(run, seed="x")) is None
    assert book.grading_of_bytes("00ff", "a.ipynb", replace(run, limits="x")) is None
    assert book.grading_of_bytes("00ff", "a.ipynb", replace(run, unsafe=True)) is None
    assert book.grading_of_bytes("11", "a.ipynb", run) is None
    assert book.grading_of_bytes("00ff", "a.py", run) is None


def test_how_a_submission_stands_to_a_batch(book):
    entry, other = handed_in(book), handed_in(book, student="berta")
    run = batch(book)
    assert book.graded_in(entry, run) == ""
    graded(book, entry, of=run)
    graded(book, other, of=run)
    assert book.graded_in(entry, run) == "this"
    again = batch(book, regrade="all")
    assert book.graded_in(entry, again) == "same"
    newer = batch(book, version="v2")
    assert book.graded_in(entry, newer) == "other"
    graded(book, entry, [replace(RESULTS[0], points=1.0)], of=newer)
    assert book.graded_in(entry, newer) == "this"
    assert [r.points for r in book.results(entry)] == [1.0]  # the newest counts
    kept = book.connection.execute("SELECT count(*) FROM result").fetchone()
    assert kept == (5,)  # and nothing is gone


def test_a_batch_that_was_cut_off_goes_on(book):
    run = batch(book)
    assert book.unfinished(BATCH) == run
    for change in ({"version": "v2"}, {"seed": "x"}, {"limits": "x"}, {"regrade": "all"}):
        assert book.unfinished(replace(BATCH, **change)) is None
    book.end_batch(run.id)
    assert book.unfinished(BATCH) is None and book.batches("ex01")[0].ended


# ---- constraints -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"points": -0.5},
        {"points": 3.5},
        {"outcome": "excellent"},
        {"hidden_right": 5, "hidden": 4},
        {"message": None},
    ],
)
def test_a_result_that_cannot_be_is_refused_and_nothing_of_it_kept(book, change):
    entry, run = handed_in(book), batch(book)
    with pytest.raises(CourseError, match="does not take this"):
        graded(book, entry, [RESULTS[1], replace(RESULTS[0], **change)], of=run)
    assert book.results(entry) == [] and book.graded_in(entry, run) == ""


def test_a_submission_is_graded_once_in_a_batch(book):
    entry, run = handed_in(book), batch(book)
    graded(book, entry, of=run)
    with pytest.raises(CourseError, match="UNIQUE"):
        graded(book, entry, of=run)
    with pytest.raises(CourseError, match="FOREIGN"):
        graded(book, entry + 100, of=run)


@pytest.mark.parametrize("table", ["grading", "result", "override", "mark", "answer", "rule"])
@pytest.mark.parametrize("action", ["DELETE FROM {}", "UPDATE {} SET rowid = rowid + 1"])
def test_what_is_kept_is_never_changed(book, table, action):
    entry = handed_in(book)
    graded(book, entry)
    book.override(entry, "ex01.best_of_n", 1, "half of it is missing", "me")
    book.mark(entry, "case", 1, 2, author="me")
    book.set_rule("ex01", DEADLINE, 10, author="me")
    with book.transaction():
        book.put_answers(entry, {"q": 1})
    with pytest.raises(sqlite3.IntegrityError, match="is kept as it is"):
        book.connection.execute(action.format(table))


def test_an_override_needs_a_task_points_a_reason_and_an_author(book):
    entry = handed_in(book)
    graded(book, entry)
    for values, said in (
        (("ex01.nosuch", 1, "why", "me"), "no graded task"),
        (("ex01.best_of_n", 4, "why", "me"), "0 to 3 points"),
        (("ex01.best_of_n", -1, "why", "me"), "0 to 3 points"),
        (("ex01.best_of_n", float("nan"), "why", "me"), "0 to 3 points"),
        (("", float("inf"), "why", "me"), "points"),
        (("ex01.best_of_n", 1, "  ", "me"), "reason"),
        (("ex01.best_of_n", 1, "why", ""), "author"),
    ):
        with pytest.raises(CourseError, match=said):
            book.override(entry, *values)
    with pytest.raises(CourseError, match="0 to 2 points"):
        book.mark(entry, "case", 3, 2, author="me")
    with pytest.raises(CourseError, match="0 to 100"):
        book.set_rule("ex01", DEADLINE, 110, author="me")
    assert book.overrides(entry) == [] and book.marks(entry) == []


# ---- files -------------------------------------------------------------------------------------


def test_a_gradebook_that_is_not_there_is_not_made_by_reading(tmp_path):
    with pytest.raises(CourseError, match="no gradebook at"):
        Gradebook(tmp_path / "none.sqlite")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(CourseError, match="no folder"):
        Gradebook(tmp_path / "nowhere" / "g.sqlite", create=True)
    with pytest.raises(CourseError, match="is a folder"):
        Gradebook(tmp_path, create=True)


@pytest.mark.parametrize("create", [False, True])
def test_other_files_are_refused_and_left_as_they_are(tmp_path, create):
    text, database = tmp_path / "notes.txt", tmp_path / "other.sqlite"
    text.write_text("student,points\n" * 100)
    with sqlite3.connect(database) as other:
        other.execute("CREATE TABLE grade (student TEXT)")
    other.close()
    for path in (text, database):
        before = path.read_bytes()
        with pytest.raises(CourseError, match="is no gradebook"):
            Gradebook(path, create)
        assert path.read_bytes() == before
    assert sorted(tmp_path.iterdir()) == [text, database]


def test_a_newer_gradebook_asks_for_a_newer_course(tmp_path):
    with Gradebook(tmp_path / "g.sqlite", create=True) as book:
        book.connection.execute("PRAGMA user_version = 99")
    with pytest.raises(CourseError, match="newer version of the course"):
        Gradebook(tmp_path / "g.sqlite")


def test_an_empty_file_becomes_a_gradebook(tmp_path):
    """As a kill leaves it between opening and the first transaction."""
    (tmp_path / "g.sqlite").touch()
    with pytest.raises(CourseError, match="is no gradebook"):
        Gradebook(tmp_path / "g.sqlite")
    with Gradebook(tmp_path / "g.sqlite", create=True) as book:
        assert book.exercises() == []


def test_another_writer_is_waited_for_and_then_named(book, tmp_path, monkeypatch):
    with sqlite3.connect(tmp_path / "g.sqlite", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        book.connection.execute("PRAGMA busy_timeout = 50")
        with pytest.raises(CourseError, match="another program is writing"):
            handed_in(book)
        other.execute("ROLLBACK")
    other.close()
    assert handed_in(book) == 1


READER = """
import sys, time
from course_lib.grading.gradebook import Gradebook
with Gradebook(sys.argv[1]) as book:
    print("ready", flush=True)
    while True:
        counts = {len(book.results(entry.id)) for entry in book.entries("ex01") if entry.graded}
        assert counts <= {2}, counts
        if len(book.entries("ex01")) == 40:
            print("all")
            break
"""


def test_readers_read_while_the_grader_writes(book, tmp_path):
    """They see whole submissions, and neither waits for the other."""
    assert book.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    command = [sys.executable, "-c", READER, str(tmp_path / "g.sqlite")]
    readers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(2)
    ]
    for reader in readers:
        assert reader.stdout.readline() == "ready\n"
    run = batch(book)
    for number in range(40):
        graded(book, handed_in(book, student=f"s{number}"), of=run)
    with book.transaction():  # open while they read on
        for reader in readers:
            assert reader.communicate(timeout=600)[0] == "all\n"
            assert reader.returncode == 0


# ---- what counts -------------------------------------------------------------------------------


def test_points_are_results_then_overrides_then_marks_then_the_late_rule(book):
    entry = handed_in(book, submitted=DEADLINE + timedelta(hours=30))
    graded(book, entry)
    assert only_final(book).points == 4.5
    book.override(entry, "ex01.win_share", 3, "ties were not said", "me")
    book.mark(entry, "case", 1.5, 2, "clear", "me")
    book.set_rule("ex01", DEADLINE, percent=10, cap=50, author="me")
    found = only_final(book)
    assert [(step.what, step.points) for step in found.steps] == [
        ("result", 4.5),
        ("override", 6.0),
        ("mark", 7.5),
        ("late", 6.0),
    ]
    assert (found.points, found.most, found.before_late, found.late_percent) == (6.0, 8.0, 7.5, 20)
    assert "ties were not said (me)" in found.steps[1].why and "2 days" in found.steps[3].why
    task = found.tasks[1]
    assert (task.points, task.result.points, task.override.author) == (3.0, 1.5, "me")
    assert [r.points for r in book.results(entry)] == [3.0, 1.5]  # the results stay


def test_of_overrides_and_marks_the_newest_counts_and_may_be_taken_back(book):
    entry = handed_in(book)
    graded(book, entry)
    book.override(entry, "ex01.win_share", 3, "generous", "me")
    book.override(entry, "ex01.win_share", 2, "less so", "me")
    book.mark(entry, "case", 2, 2, author="me")
    book.mark(entry, "case", 1, 2, author="you")
    assert only_final(book).points == 6.0
    assert [(m.points, m.author) for m in book.marks(entry)] == [(1, "you")]
    book.override(entry, "ex01.win_share", None, "the result was right", "me")
    assert only_final(book).points == 5.5
    assert [o.points for o in book.overrides(entry)] == [3, 2, None]
    book.override(entry, "", 7, "oral exam", "me")
    assert only_final(book).points == 7
    book.override(entry, "", None, "a mistake", "me")
    assert only_final(book).points == 5.5


@pytest.mark.parametrize(
    ("minutes", "grace", "days"),
    [
        (-1, 0, 0),
        (0, 0, 0),
        (1, 0, 1),
        (15, 15, 0),
        (16, 15, 1),
        (24 * 60, 0, 1),
        (24 * 60 + 1, 0, 2),
        (10 * 24 * 60, 30, 10),
    ],
)
def test_days_begun_after_the_deadline(minutes, grace, days):
    assert days_late(DEADLINE + timedelta(minutes=minutes), DEADLINE, grace) == days


def test_the_late_rule_is_capped_and_a_student_may_have_another(book):
    for student in ("anna", "berta"):
        submitted = DEADLINE + timedelta(days=9)
        graded(book, handed_in(book, student=student, submitted=submitted))
    book.set_rule("ex01", DEADLINE, percent=10, cap=50, author="me")
    assert [final.points for final in finals(book, "ex01")] == [2.25, 2.25]
    book.set_rule("ex01", DEADLINE + timedelta(days=14), 10, student="berta", author="me")
    assert [final.points for final in finals(book, "ex01")] == [2.25, 4.5]
    book.set_rule("ex01", DEADLINE, percent=100, author="me")  # hers still goes first
    assert [final.points for final in finals(book, "ex01")] == [0, 4.5]


def test_what_only_the_platform_calls_late_is_one_day(book):
    graded(book, handed_in(book, student="anna", late=True))
    graded(book, handed_in(book, student="berta", late=False))
    graded(book, handed_in(book, student="clara"))
    book.set_rule("ex01", DEADLINE, percent=20, author="me")
    assert [final.late_percent for final in finals(book, "ex01")] == [20, 0, 0]
    assert "does not say when" in finals(book, "ex01")[0].steps[-1].why


def test_times_of_every_zone_are_the_same_moment(book):
    east = DEADLINE.astimezone(tz=datetime.strptime("+0900", "%z").tzinfo)
    assert as_utc(east) == as_utc(DEADLINE) == "2027-03-01T12:00:00+00:00"


def test_the_last_submission_counts_but_one_that_can_be_read_first(book):
    early = handed_in(book, file="a.ipynb", sha256="aa")
    graded(book, early)
    assert only_final(book).entry.id == early
    broken = handed_in(book, file="b.ipynb", sha256="bb")
    lost = [replace(result, points=0.0, outcome="missing") for result in RESULTS]
    graded(book, broken, lost, problem="no notebook")
    assert only_final(book).points == 4.5
    last = handed_in(book, file="c.ipynb", sha256="cc")
    graded(book, last, [replace(RESULTS[0], points=1.0)])
    assert only_final(book).points == 1.0
    assert [entry.id for entry in book.entries("ex01", every=True)] == [early, broken, last]
    time.sleep(0.01)  # moments are kept to the millisecond
    assert handed_in(book, file="a.ipynb", sha256="aa") == early  # back to the first version
    assert only_final(book).entry.id == early


def test_of_dated_submissions_the_last_counts_whatever_was_graded_first(book):
    for days in (3, 1, 2):
        submitted = DEADLINE + timedelta(days=days)
        graded(book, handed_in(book, sha256=f"{days}", submitted=submitted))
    assert only_final(book).entry.sha256 == "3"


def test_a_student_who_is_not_there_is_answered_with_names_that_are(book):
    with pytest.raises(CourseError, match="nothing of ex01"):
        counting_entry(book, "ex01", "anna")
    handed_in(book, student="berta")
    with pytest.raises(CourseError, match="Did you mean berta"):
        counting_entry(book, "ex01", "bertha")
    assert counting_entry(book, "ex01", "berta").student == "berta"


def test_sheets_add_up_to_the_points_that_count(book):
    entry = handed_in(book, name="Anna", submitted=DEADLINE + timedelta(days=3))
    graded(book, entry, of=batch(book, unsafe=True), notes=["no task 4"])
    book.override(entry, "ex01.win_share", 2, "why", "me")
    book.mark(entry, "case", 1, 2, author="me")
    book.set_rule("ex01", DEADLINE, percent=10, author="me")
    (sheet,), one = sheets(book, "ex01"), only_final(book)
    assert (sheet.total, sheet.most, sheet.earned) == (one.points, one.most, one.before_late)
    assert one.points == 4.2 and sheet.taken == 1.8
    assert (sheet.unsafe, sheet.called, sheet.notes) == (True, "Anna", ["no task 4"])
    assert sheet.sha256 == "00ff" and "3 days late" in sheet.late


# ---- docs --------------------------------------------------------------------------------------


def test_the_docs_explain_every_column_in_order(book):
    text = (ROOT / "docs" / "grading.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (.+) \|$", text, re.MULTILINE)
    assert all(len(meaning) > 2 for _, _, meaning in rows)
    there = [
        (table, column[1])
        for table in TABLES
        for column in book.connection.execute(f"PRAGMA table_info({table})")
    ]
    assert [row[:2] for row in rows] == there
