"""Files for other programs, read back by small readers of their own; no cell is a formula."""

import csv
import io
import json
import os
import re
import subprocess
import sys
import zipfile

import pytest

from course_lib.base import CourseError
from course_lib.grading import exports
from course_lib.grading.judge import Result
from course_lib.grading.sheets import Mark, Override, Sheet

HOSTILE = [
    '=cmd|" /C calc"!A0',
    '=HYPERLINK("http://x","y")',
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\u200b=1",
    "\0=1",
    "＝1",
    "%0A=1",
    "a,b;c\"d'e",
    "a\r\nb",
    "\u202egnp.exe",
    "\ud800",
    "<b>x</b>",
    "x" * 100_000,
]
STARTS = tuple("=+-@\t\r\n|%＝＋－＠")


def rows_of(text):
    """Rows of RFC 4180 text, read strictly; every row has as many cells as the first."""
    text.encode()
    assert text.endswith("\r\n") and "\0" not in text
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert len({len(row) for row in rows}) == 1
    return rows


def by_hand(text):
    """The same by a reader written from RFC 4180's grammar, without the csv module."""
    rows, row, cell, at, quoted = [], [], "", 0, False
    while at < len(text):
        two = text[at : at + 2]
        if quoted and two == '""':
            cell, at = cell + '"', at + 1
        elif text[at] == '"':
            quoted = not quoted
        elif quoted:
            cell += text[at]
        elif text[at] == ",":
            row, cell = [*row, cell], ""
        elif two == "\r\n":
            rows, row, cell, at = [*rows, [*row, cell]], [], "", at + 1
        else:
            cell += text[at]
        at += 1
    assert not quoted and not row and not cell
    return rows


def result(task, points, most=3.0, outcome="partly", message="the sign is missing"):
    return Result(f"ex03.{task}", points, most, outcome, message, "hint", "lesson 03, 'x'")


def sheet(student, points, **more):
    results = [result("bradley_terry", points), result("usable_pairs", 2, 2, "right", "right.")]
    return Sheet(student, "ex03", results, **more)


ADA = sheet("ada", 1.5, name="Ada Lovelace", ids={"email": "ada@x.org", "ID": "101"})
BOB = sheet(
    "bob@x.org",
    3,
    name="Bob",
    overrides=[Override("ex03.bradley_terry", 2, "=agreed", "X")],
    marks=[Mark("ex03-case", 4, 5)],
    late="10 % a day.",
    taken=0.8,
)


def test_plain_csv_has_a_row_a_student_and_numbers_that_stay_numbers():
    text = exports.plain_csv([ADA, BOB])
    head, ada, bob = rows_of(text)
    assert by_hand(text) == [head, ada, bob]
    first, second = (dict(zip(head, row, strict=True)) for row in (ada, bob))
    assert first["total"] == "3.5" and first["most"] == "5" and first["ex03-case points"] == ""
    assert first["ex03.bradley_terry points"] == "1.5"
    assert first["ex03.bradley_terry outcome"] == "partly"
    assert second["earned"] == "8" and second["total"] == "7.2" and second["most"] == "10"
    assert second["overrides"] == "ex03.bradley_terry to 2: =agreed"
    assert second["ex03-case points"] == "4" and second["sandbox"] == "yes"


def test_tasks_csv_has_a_row_a_task():
    rows = rows_of(exports.tasks_csv([ADA, BOB]))
    table = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    assert [row["points"] for row in table] == ["1.5", "2", "2", "2"]
    assert [row["graded"] for row in table] == ["1.5", "2", "3", "2"]
    assert table[2]["override"] == "'=agreed"


def canvas_reader(text):
    """What Canvas's importer makes of a file: (points possible, (ID, login, name) → grade)."""
    rows = by_hand(text)
    head = rows[0]
    assert len(head) > 3 and "Student" in head[0] and "ID" in head[1]
    assert re.match(r"SIS\s+User\s+ID", head[2]) and re.match(r"SIS\s+Login\s+ID", head[3])
    assert "Section" in head[4]
    (at,) = range(5, len(head))
    title, number = re.fullmatch(r"(.*?)(?:\s*\((\d+)\))?", head[at]).groups()
    grades, most = {}, None
    for row in rows[1:]:
        if "Points Possible" in row[0]:
            most = float(row[at])
        else:
            grades[row[1], row[3], row[0]] = float(row[at])
    return title, number, most, grades


def test_canvas_without_a_list_has_the_ids_that_are_known():
    assert exports.canvas([BOB, ADA, sheet("eve", 0)], "Exercise 3").lacking == ["eve"]
    text = exports.canvas([BOB, ADA], "Exercise 3 (12345)").text
    rows_of(text)
    assert canvas_reader(text) == (
        "Exercise 3",
        "12345",
        10,
        {("101", "ada@x.org", "Ada Lovelace"): 3.5, ("", "bob@x.org", "Bob"): 7.2},
    )


ROSTER = (
    "\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Old (1),Final Score\r\n"
    "    Points Possible,,,,,10,(read only)\r\n"
    '"Lovelace, Ada",101,s101,ada1,Sec 1,5,9\r\n'
    '"Roe, Bob",102,s102,bob@x.org,Sec 1,,9\r\n'
    '"Zed, Zoe",103,s103,zoe,"Sec ""2""",,9\r\n'
    '"Student, Test",999,,t,Sec 1,,0\r\n'
)


def test_canvas_with_the_exported_gradebook_takes_its_ids_and_says_who_is_missing():
    eve = sheet("eve", 0)
    found = exports.canvas([ADA, BOB, eve], "Exercise 3", ROSTER)
    title, number, most, grades = canvas_reader(found.text)
    assert (title, number, most) == ("Exercise 3", None, 10)
    assert grades == {("101", "ada1", "Lovelace, Ada"): 3.5, ("102", "bob@x.org", "Roe, Bob"): 7.2}
    assert found.lacking == ["eve"] and found.ungraded == ["Zed, Zoe", "Student, Test"]


def test_two_students_of_one_row_and_two_rows_of_one_student_get_no_grade():
    twin = sheet("twin", 3, ids={"ID": "101"})
    found = exports.canvas([ADA, twin], "x", ROSTER)
    assert canvas_reader(found.text)[3] == {} and found.lacking == ["Ada Lovelace", "twin"]
    double = ROSTER + '"Lovelace, Ada",101,,,Sec 3,,\r\n'
    assert exports.canvas([ADA], "x", double).lacking == ["Ada Lovelace"]


def test_lists_that_are_none_and_mixed_exercises_are_refused():
    for text, words in (
        (" \n", "no column"),
        ("a,b\n1,2\n", "'Student' and 'ID'"),
        ('Student,ID\n"open', "cannot be read as CSV"),
    ):
        with pytest.raises(CourseError, match=words):
            exports.canvas([ADA], "x", text)
    with pytest.raises(CourseError, match="one exercise"):
        exports.canvas([ADA, Sheet("z", "ex04")], "x")
    with pytest.raises(CourseError, match="grade submissions first"):
        exports.canvas([], "x")
    for make in (exports.canvas, exports.moodle):
        with pytest.raises(CourseError, match="name"):
            make([ADA], " ")


def test_moodle_grade_import():
    found = exports.moodle([ADA, BOB, sheet("eve", 0)], "Exercise 3")
    head, *rows = rows_of(found.text)
    assert head == ["ID number", "Email address", "Full name", "Exercise 3", "Feedback"]
    mapped = {row[1]: (float(row[3]), row[4]) for row in rows}
    assert mapped["ada@x.org"][0] == 3.5 and mapped["bob@x.org"][0] == 7.2
    assert mapped["ada@x.org"][1] == (
        "3.5 of 5 points. bradley_terry: 1.5 of 3 (the sign is missing). usable_pairs: 2 of 2."
    )
    assert "Late: 10 % a day. 0.8 points less." in mapped["bob@x.org"][1]
    assert found.lacking == ["eve"]


WORKSHEET = (
    "Identifier,Full name,Email address,Status,Grade,Maximum Grade,"
    '"Last modified (grade)","Feedback comments"\n'
    'Participant 7,Ada Lovelace,ada@x.org,Submitted,,5.00,"Friday, 27 November 2026, 1:00 PM",\n'
    "Participant 8,Bob,bob@x.org,Submitted,,5.00,-,\n"
    "Participant 9,Zoe,zoe@x.org,No submission,1.00,5.00,-,old\n"
)


def worksheet_reader(text):
    """What Moodle's importer makes of a worksheet: participant's number → (grade, comment)."""
    rows = rows_of(text)
    at = {name: rows[0].index(name) for name in rows[0]}
    assert {"Identifier", "Grade", "Last modified (grade)"} <= set(at)
    return {
        row[at["Identifier"]][len("Participant ") :]: (
            row[at["Grade"]],
            row[at["Feedback comments"]],
            row[at["Last modified (grade)"]],
        )
        for row in rows[1:]
    }


def test_moodle_worksheet_is_filled_and_keeps_the_rest():
    by_number = sheet("Participant 8", 0)
    found = exports.moodle_worksheet([ADA, by_number, sheet("eve", 0)], WORKSHEET)
    read = worksheet_reader(found.text)
    assert read["7"][0] == "3.5" and read["7"][1].startswith("3.5 of 5 points.")
    assert read["7"][2] == "Friday, 27 November 2026, 1:00 PM"
    assert read["8"][0] == "2" and read["9"][:2] == ("1.00", "old")
    assert found.lacking == ["eve"] and found.ungraded == ["Zoe"]


def gradescope_reader(told):
    """What Gradescope's specification says of results.json: types, and words that may stand."""
    assert isinstance(told["score"], int | float) and told["score"] >= 0
    assert {told["visibility"], told["stdout_visibility"]} <= {
        "visible",
        "hidden",
        "after_due_date",
        "after_published",
    }
    for test in told["tests"]:
        assert isinstance(test["score"], int | float) and test["max_score"] >= test["score"]
        assert test["status"] in ("passed", "failed") and isinstance(test["output"], str)
        assert test["name_format"] == test["output_format"] == "text"
    return told["score"], {test["name"]: test["score"] for test in told["tests"]}


def test_gradescope_results():
    told = json.loads(json.dumps(exports.gradescope(BOB)))
    scores = {"bradley_terry": 2, "usable_pairs": 2, "ex03-case": 4}
    assert gradescope_reader(told) == (7.2, scores)
    assert "ex03.bradley_terry to 2: =agreed" in told["output"] and "Late: 10 %" in told["output"]


def test_the_gradescope_autograder_hands_out_each_grade_and_no_other(tmp_path):
    data, lacking = exports.gradescope_zip([ADA, BOB, sheet("eve", 0)])
    assert lacking == ["eve"]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert {"setup.sh", "run_autograder"} < set(names) and len(names) == 4
        assert archive.getinfo("run_autograder").external_attr >> 16 & 0o111
        assert not any("ada" in name for name in names)
        archive.extractall(tmp_path / "source")
    for email, score in (("Ada@X.org ", 3.5), ("bob@x.org", 7.2), ("../x", 0)):
        told = {"users": [{"email": email, "id": 1, "name": "=x"}]}
        (tmp_path / "submission_metadata.json").write_text(json.dumps(told))
        script = tmp_path / "source" / "run_autograder"
        environment = {**os.environ, "AUTOGRADER_ROOT": str(tmp_path)}
        subprocess.run([sys.executable, str(script)], check=True, env=environment, timeout=120)
        result = json.loads((tmp_path / "results" / "results.json").read_text())
        assert result["score"] == score
    assert result["visibility"] == "hidden", "who has no grade is not told a zero"


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_cell_is_a_formula_whatever_a_field_says(text):
    mine = Sheet(
        text,
        "ex03",
        [Result(f"ex03.{text}", 1, 2, text, text, text, text)],
        name=text,
        ids={"email": text, "ID": text, "SIS Login ID": text, "Section": text, "ID number": text},
        overrides=[Override("", 1, text, text, text)],
        marks=[Mark(text, 1, 2, text)],
        late=text,
        taken=0.5,
        file=text,
    )
    made = [
        exports.plain_csv([mine]),
        exports.tasks_csv([mine]),
        exports.canvas([mine], text).text,
        exports.moodle([mine], text).text,
    ]
    quoted = '"' + text.replace('"', '""') + '"'
    if "\0" not in text and not text.startswith("\ud800"):
        roster = f"Student,ID,Section\r\n{quoted},{quoted},{quoted}\r\n"
        made.append(exports.canvas([mine], "Exercise 3", roster).text)
        worksheet = f"Identifier,Full name,Grade,Last modified (grade)\r\n{quoted},{quoted},,-\r\n"
        made.append(exports.moodle_worksheet([mine], worksheet).text)
    for written in made:
        rows = rows_of(written)
        assert by_hand(written) == rows
        for cell in (cell for row in rows for cell in row):
            assert not cell.lstrip(" \u200b\ufffd\xa0").startswith(STARTS) or cell == "-"
            assert "\n" not in cell and "\r" not in cell and len(cell) < 2_100
            assert not re.search("[\0-\x1f\u202a-\u202e]", cell)
    told = json.loads(json.dumps(exports.gradescope(mine)))
    assert len(json.dumps(told)) < 50_000
    exports.gradescope_zip([mine])


def test_texts_that_are_no_formula_stay_and_numbers_are_never_marked():
    assert exports.table([["a-b", "3.5", 3.5, -1.25, 2, None, ""]]) == "a-b,3.5,3.5,-1.25,2,,\r\n"
    assert exports.plain_text("O'Neil, Ann") == "O'Neil, Ann"
    assert [exports.plain_text(text) for text in ("-", "-1.5", "-1+1")] == ["-", "-1.5", "'-1+1"]
    assert exports.plain_text("=1") == "'=1" and exports.plain_text(" \t=1") == "'=1"
