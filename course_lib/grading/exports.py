"""Grades as files that other programs read: CSV, Canvas, Moodle, Gradescope.

Sources of the formats. *Canvas*: what its importer reads, ``lib/gradebook_importer.rb`` of
instructure/canvas-lms: "Student", "ID", "SIS User ID", "SIS Login ID", "Section", then a column an
assignment ("Title (id)"), below the head a row "Points Possible"; a student is found by ID, then by
SIS ids, then by name. *Moodle*: docs.moodle.org "Grade import" (columns are mapped by hand: an
address or ID number, the grade, feedback), and the worksheet of an assignment,
``mod/assign/feedback/offline/importgradeslib.php``: "Identifier" ("Participant 123"), "Grade",
"Last modified (grade)", "Feedback comments"; its other columns stay as they are. *Gradescope*:
gradescope-autograders.readthedocs.io, "Autograder Specifications" (results.json, a zip with
setup.sh and run_autograder) and "Submission Metadata".

A text that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, "CSV
Injection"); numbers stay numbers.
"""

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..base import require
from .sheets import LONGEST, Sheet, amount, harmless, one_line

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
NUMBER = re.compile(r"-?(\d+([.,]\d+)?)?")  # or a dash alone
CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
POINTS_POSSIBLE = "    Points Possible"
WORKSHEET = ("Identifier", "Grade", "Last modified (grade)")
COMMENTS = "Feedback comments"
EMAIL = "Email address"

Cell = str | int | float | None


@dataclass
class Export:
    """A file's ``text``, and who is missing on either side.

    Attributes
    ----------
    lacking : students with a grade who are not in the list that was given.
    ungraded : names in that list without a grade.
    """

    text: str
    lacking: list[str] = field(default_factory=list)
    ungraded: list[str] = field(default_factory=list)


def plain_text(value: object, longest: int = LONGEST) -> str:
    """A text as a cell: in one line, and no formula."""
    text = one_line(value, longest)
    # a program may drop spaces, or what cannot be seen, before it looks
    looks = str(value).lstrip(" \u00a0\u200b\ufeff\0")[:1]
    risky = text.lstrip("\ufffd ").startswith(FORMULA) or looks in ("\t", "\r", "\n")
    return f"'{text}" if risky and not NUMBER.fullmatch(text) else text


def table(rows: Iterable[Sequence[Cell]]) -> str:
    """Rows as CSV (RFC 4180): texts made harmless, numbers with at most two decimals."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | str):
        return plain_text(value)
    return amount(float(value))


def plain_csv(sheets: Sequence[Sheet]) -> str:
    """A row a student: points and outcome of each task and written answer, late rule, total."""
    tasks = list(dict.fromkeys(r.task for sheet in sheets for r in sheet.results))
    written = list(dict.fromkeys(m.item for sheet in sheets for m in sheet.last_marks()))
    head = ["student", "name", "exercise", "total", "most", "earned", "taken for lateness", "late"]
    head += [f"{task} {what}" for task in tasks for what in ("points", "outcome")]
    head += [*(f"{item} points" for item in written), "overrides", "file", "sandbox"]
    rows: list[list[Cell]] = [list(head)]
    for sheet in sheets:
        row: list[Cell] = [sheet.student, sheet.called, sheet.exercise, sheet.total, sheet.most]
        row += [sheet.earned, sheet.taken, sheet.late]
        results = {result.task: result for result in sheet.results}
        for task in tasks:
            found = results.get(task)
            row += [sheet.points_of(found), found.outcome] if found else [None, None]
        marks = {mark.item: mark.points for mark in sheet.last_marks()}
        row += [marks.get(item) for item in written]
        said = "; ".join(_override(o.task, o.points, o.reason) for o in sheet.overrides)
        rows.append([*row, said, sheet.file, "none" if sheet.unsafe else "yes"])
    return table(rows)


def _override(task: str, points: float, reason: str) -> str:
    return f"{task or 'whole'} to {amount(points)}: {one_line(reason)}"


def tasks_csv(sheets: Sequence[Sheet]) -> str:
    """A row a task of a student, with what the grader saw."""
    head = ["student", "exercise", "task", "points", "most", "graded", "outcome", "message"]
    head += ["hidden right", "hidden", "seconds", "peak MB", "override", "by"]
    rows: list[Sequence[Cell]] = [list(head)]
    for sheet in sheets:
        for found in sheet.results:
            override = sheet.override_of(found.task)
            row: list[Cell] = [sheet.student, sheet.exercise, found.task, sheet.points_of(found)]
            row += [found.most, found.points, found.outcome, found.message, found.hidden_right]
            row += [found.hidden, found.seconds, found.peak_mb]
            rows.append([*row, *((override.reason, override.author) if override else ("", ""))])
    return table(rows)


# ---- Canvas ------------------------------------------------------------------------------------


def canvas(sheets: Sequence[Sheet], column: str, roster: str = "") -> Export:
    """What Canvas imports into its gradebook: one column of totals.

    ``column``: the assignment as Canvas names it, "Exercise 3 (12345)"; without a number in
    parentheses Canvas takes the title, or makes an assignment. ``roster``: the gradebook as Canvas
    exported it, whose ids are taken over; without it the ids that the sheets have.
    """
    require(column.strip(), "Canvas needs the assignment's name, such as 'Exercise 3 (12345)'.")
    most = _same_most(sheets)
    head = [*CANVAS, column]
    possible: list[Cell] = [POINTS_POSSIBLE, *[""] * (len(CANVAS) - 1), most]
    if not roster:
        rows = [[*_canvas_ids(sheet), sheet.total] for sheet in _by_name(sheets)]
        # a name alone finds a student only where Canvas writes it in the same way
        unknown = [s.called for s in sheets if not any(_canvas_ids(s)[1:4])]
        return Export(_canvas_table(head, possible, rows), unknown)
    known = _records(roster, ("Student", "ID"), "the gradebook that Canvas exported")
    people = [row for row in known if _is_student(row)]
    keys = ("ID", "SIS Login ID", "SIS User ID", "Student")
    found, lacking = _matched(sheets, people, keys)
    rows = [
        [*(row.get(name, "") for name in CANVAS), found[at].total]
        for at, row in enumerate(people)
        if at in found
    ]
    ungraded = [row["Student"] for at, row in enumerate(people) if at not in found]
    return Export(_canvas_table(head, possible, rows), lacking, ungraded)


def _canvas_table(head: Sequence[Cell], possible: Sequence[Cell], rows: Sequence) -> str:
    # its first cell has spaces in front, as in Canvas's own files
    first = ",".join([POINTS_POSSIBLE, *(_cell(value) for value in possible[1:])])
    return f"{table([head])}{first}\r\n{table(rows)}"


def _canvas_ids(sheet: Sheet) -> list[Cell]:
    login = sheet.ids.get("SIS Login ID") or sheet.email
    middle = [sheet.ids.get(name, "") for name in ("ID", "SIS User ID")]
    return [sheet.called, *middle, login, sheet.ids.get("Section", "")]


def _is_student(row: Mapping[str, str]) -> bool:
    """Whether a row of Canvas's is a person: not the points possible, nor the posting rule."""
    return bool(row["Student"].strip()) and "Points Possible" not in row["Student"]


# ---- Moodle ------------------------------------------------------------------------------------


def moodle(sheets: Sequence[Sheet], item: str) -> Export:
    """What "Import grades: CSV file" of a Moodle gradebook reads.

    Map "Email address" (or "ID number") to the user, ``item`` to the grade item, and "Feedback" to
    its feedback: Moodle drops grades whose feedback alone is mapped.
    """
    require(item.strip(), "Moodle needs the name of the grade item, such as 'Exercise 3'.")
    rows: list[Sequence[Cell]] = [("ID number", EMAIL, "Full name", item, "Feedback")]
    for sheet in _by_name(sheets):
        number = sheet.ids.get("ID number", "")
        rows.append((number, sheet.email, sheet.called, sheet.total, in_words(sheet)))
    lacking = [s.called for s in sheets if not s.email and not s.ids.get("ID number")]
    return Export(table(rows), lacking)


def moodle_worksheet(sheets: Sequence[Sheet], worksheet: str) -> Export:
    """The grading worksheet that Moodle gave, with grades and feedback filled in.

    Rows without a grade keep what they have. Upload it by "Upload grading worksheet".
    """
    known = _records(worksheet, WORKSHEET, "Moodle's grading worksheet")
    head = list(known[0]) if known else list(WORKSHEET)
    head += [] if COMMENTS in head else [COMMENTS]
    keys = ("Identifier", EMAIL, "ID number", "Username", "Full name")
    found, lacking = _matched(sheets, known, keys)
    rows: list[list[Cell]] = [list(head)]
    for at, row in enumerate(known):
        filled: dict[str, Cell] = dict(row)
        if at in found:
            filled["Grade"], filled[COMMENTS] = found[at].total, in_words(found[at])
        rows.append([filled.get(name, "") for name in head])
    ungraded = [
        row.get("Full name") or row["Identifier"] for at, row in enumerate(known) if at not in found
    ]
    return Export(table(rows), lacking, ungraded)


def in_words(sheet: Sheet) -> str:
    """What a sheet says, in a line, for a column of comments."""
    parts = [f"{amount(sheet.total)} of {amount(sheet.most)} points."]
    for result in sheet.results:
        name = result.task.partition(".")[2] or result.task
        said = "" if result.outcome == "right" else f" ({one_line(result.message).rstrip('.')})"
        told = f"{amount(sheet.points_of(result))} of {amount(result.most)}"
        parts.append(f"{name}: {told}{said}".rstrip(".") + ".")
    if sheet.late:
        parts.append(f"Late: {sheet.late} {amount(sheet.taken)} points less.")
    return one_line(" ".join(parts), LONGEST)


# ---- Gradescope --------------------------------------------------------------------------------

SETUP = "#!/usr/bin/env bash\napt-get update && apt-get install -y python3\n"
RUN = '''#!/usr/bin/env python3
"""Hands a submission the grade that was made elsewhere; nothing of the submission is opened."""
import hashlib
import json
import os
from pathlib import Path

root = Path(os.environ.get("AUTOGRADER_ROOT", "/autograder"))
users = json.loads((root / "submission_metadata.json").read_text())["users"]
found = {"score": 0, "visibility": "hidden", "output": "There is no grade for this submission yet."}
for user in users:
    key = hashlib.sha256(str(user.get("email", "")).strip().lower().encode()).hexdigest()
    path = root / "source" / "results" / f"{key}.json"
    if path.is_file():
        found = json.loads(path.read_text())
(root / "results").mkdir(exist_ok=True)
(root / "results" / "results.json").write_text(json.dumps(found))
'''


def gradescope(sheet: Sheet) -> dict:
    """``results.json`` of one student: a test a task, a last one for lateness."""
    tests = []
    for at, found in enumerate(sheet.results, 1):
        name = found.task.partition(".")[2] or found.task
        points = sheet.points_of(found)
        tests.append(_test(name, str(at), points, found.most, found.message))
    for mark in sheet.last_marks():
        tests.append(_test(mark.item, "", mark.points, mark.most, mark.note))
    said = [f"Late: {sheet.late}"] if sheet.late else []
    said += [_override(o.task, o.points, o.reason) for o in sheet.overrides]
    return {
        "score": sheet.total,
        "output": harmless("\n".join([in_words(sheet), *said]), 4 * LONGEST),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def _test(name: str, number: str, points: float, most: float, said: str) -> dict:
    test = {"name": one_line(name), "score": points, "max_score": most, "output": harmless(said)}
    test |= {"name_format": "text", "output_format": "text", "visibility": "visible"}
    test["status"] = "passed" if points >= most else "failed"
    return test | ({"number": number} if number else {})


def gradescope_zip(sheets: Sequence[Sheet]) -> tuple[bytes, list[str]]:
    """(an autograder that hands out these grades, students without an address).

    Gradescope takes no table of grades for code: so its autograder looks the grade up by the
    address of who submits, under a name that gives no address away. Upload it, then regrade all.
    """
    out = io.BytesIO()
    lacking = []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (("setup.sh", SETUP), ("run_autograder", RUN)):
            archive.writestr(_entry(name, 0o755), text)
        for sheet in sheets:
            if not sheet.email:
                lacking.append(sheet.called)
                continue
            key = sheet.email.strip().lower().encode("utf-8", "surrogatepass")
            name = f"results/{hashlib.sha256(key).hexdigest()}.json"
            archive.writestr(_entry(name, 0o644), json.dumps(gradescope(sheet)))
    return out.getvalue(), lacking


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (0o100000 | mode) << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


# ---- lists of others ---------------------------------------------------------------------------


def _records(text: str, needed: Sequence[str], what: str) -> list[dict[str, str]]:
    """Rows of a CSV file of another program. Raises where it is none."""
    text = text.removeprefix("\ufeff")
    first = text.split("\n", 1)[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        require(False, f"{what} cannot be read as CSV ({error}). Export it again.")
    head = [name.strip() for name in rows[0]] if rows else []
    lacking = [name for name in needed if name not in head]
    require(
        not lacking,
        f"{what} has no column {' and '.join(map(repr, lacking))}; its columns are "
        f"{', '.join(map(repr, head[:8])) or 'none'}.",
    )
    whole = [row + [""] * (len(head) - len(row)) for row in rows[1:] if any(row)]
    return [dict(zip(head, row, strict=False)) for row in whole]


def _matched(
    sheets: Sequence[Sheet], rows: Sequence[Mapping[str, str]], keys: Sequence[str]
) -> tuple[dict[int, Sheet], list[str]]:
    """(row → sheet, sheets without a row). What fits two rows, or two students, fits none."""
    places: dict[str, dict[str, list[int]]] = {key: {} for key in keys}
    for at, row in enumerate(rows):
        for key in keys:
            value = _key(row.get(key, ""))
            if value:
                places[key].setdefault(value, []).append(at)
    found: dict[int, list[Sheet]] = {}
    lacking = []
    for sheet in sheets:
        at = next((at for key in keys for at in [_place(sheet, key, places[key])] if at >= 0), -1)
        found.setdefault(at, []).append(sheet)
    lacking += [sheet.called for sheet in found.pop(-1, [])]
    lacking += [s.called for several in found.values() if len(several) > 1 for s in several]
    return {at: one[0] for at, one in found.items() if len(one) == 1}, lacking


def _place(sheet: Sheet, key: str, places: Mapping[str, list[int]]) -> int:
    """The row whose ``key`` is the sheet's, or -1."""
    values = [sheet.ids.get(key, "")]
    if key in (EMAIL, "SIS Login ID"):
        values.append(sheet.email)
    if key in ("Student", "Full name"):
        values.append(sheet.name)
    values.append(sheet.student)
    hits = [places[_key(value)] for value in values if _key(value) in places]
    return hits[0][0] if hits and len(hits[0]) == 1 else -1


def _key(text: str) -> str:
    return " ".join(text.casefold().split())


def _by_name(sheets: Sequence[Sheet]) -> list[Sheet]:
    return sorted(sheets, key=lambda sheet: (sheet.called.casefold(), sheet.student))


def _same_most(sheets: Sequence[Sheet]) -> float:
    require(sheets, "there are no grades to write: grade submissions first.")
    exercises = sorted({sheet.exercise for sheet in sheets})
    require(
        len(exercises) == 1,
        f"a column holds one exercise; these are of {', '.join(exercises)}. Give one at a time.",
    )
    return max(sheet.most for sheet in sheets)


FORMATS = ("csv", "tasks", "canvas", "moodle", "moodle-worksheet", "gradescope")
