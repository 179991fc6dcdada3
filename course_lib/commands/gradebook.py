"""``course gradebook``: points in a gradebook read, changed, and written for others."""

import getpass
import sys
from argparse import Namespace
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base import CourseError, atomic_write, free_to_write, require
from .grade import exercise_name
from .show import show

if TYPE_CHECKING:  # importing them is importing torch, and a wrong option is told before that
    from ..grading.finals import Final
    from ..grading.gradebook import Batch, Entry, Gradebook, Rule
    from ..grading.sheets import Sheet


def show_command(args: Namespace) -> None:
    """``course gradebook show``: everybody's points, or one student's in every step."""
    from ..grading.finals import final, finals
    from ..grading.gradebook import Gradebook

    with Gradebook(args.gradebook) as book:
        exercise = of_exercise(book, args.exercise)
        if args.student:
            entry = found_entry(book, exercise, args.student)
            one = final(book, entry)
            show(final_row(one), args.json, lambda: final_text(one))
            return
        rows = finals(book, exercise)
        batches = book.batches(exercise)
    show([final_row(row) for row in rows], args.json, lambda: table_text(rows, batches))


def final_row(final: "Final") -> dict[str, Any]:
    """A student's points as JSON."""
    return {
        "student": final.student,
        "name": final.entry.name,
        "exercise": final.exercise,
        "file": final.entry.file,
        "sha256": final.entry.sha256,
        "problem": final.entry.problem,
        "copied_from": final.entry.copied_from,
        "points": final.points,
        "most": final.most,
        "late_percent": final.late_percent,
        "tasks": {task.task: task.points for task in final.tasks},
        "marks": {mark.item: mark.points for mark in final.marks},
        "steps": [[step.what, step.points, step.why] for step in final.steps],
    }


def table_text(rows: Sequence["Final"], batches: Sequence["Batch"]) -> str:
    """Everybody's points, a line each."""
    width = max(7, *(len(row.student) for row in rows), 0)
    lines = [f"{'student':{width}}  points     of  remarks"]
    for row in rows:
        lines.append(
            f"{row.student:{width}}  {row.points:6.2f}  {row.most:5g}  {remarks(row)}".rstrip()
        )
    lines.append("")
    for batch in batches:
        ended = f"to {batch.ended}" if batch.ended else "and not ended"
        lines.append(
            f"batch {batch.id}: {batch.started} {ended}, version {batch.version}, {batch.sandbox}"
        )
    return "\n".join(lines)


def remarks(final: "Final") -> str:
    """What is unusual about a student's points."""
    entry = final.entry
    said = []
    if entry.problem:
        said.append("could not be read")
    elif not entry.graded:
        said.append("not graded yet")
    if entry.copied_from not in ("", entry.student):
        said.append(f"same file as {entry.copied_from}'s")
    changed = sum(step.what == "override" for step in final.steps)
    if changed:
        said.append(f"{changed} overridden")
    if final.late_percent:
        said.append(f"late, {final.late_percent:g} % off")
    return ", ".join(said)


def final_text(final: "Final") -> str:
    """One student's points, task by task and step by step."""
    from ..grading.sheets import one_line

    entry = final.entry
    lines = [f"{final.student}, {final.exercise}: {final.points:g} of {final.most:g}"]
    lines.append(f"{entry.file or 'no file'}, SHA-256 {entry.sha256[:16] or '(none)'}")
    lines += [f"note: {one_line(note)}" for note in entry.notes]
    lines.append("")
    for task in final.tasks:
        result = task.result
        lines.append(
            f"{task.task}: {task.points:g} of {task.most:g}, {result.outcome}"
            + (f", hidden {result.hidden_right} of {result.hidden}" if result.hidden else "")
        )
        lines.append(f"    {one_line(result.message)}")
    lines.append("")
    lines += [f"{step.what:8}  {step.points:6.2f}  {one_line(step.why)}" for step in final.steps]
    return "\n".join(lines)


def override_command(args: Namespace) -> None:
    """``course gradebook override``: points in place of the result's, which stays."""
    from ..grading.finals import final
    from ..grading.gradebook import Gradebook

    require(
        (args.points is None) == args.undo,
        "say the points that count, or --undo to take an earlier override back.",
    )
    with Gradebook(args.gradebook) as book:
        exercise = of_exercise(book, args.exercise)
        entry = found_entry(book, exercise, args.student)
        task = args.task
        if task == "all":
            task = ""
        elif "." not in task:
            task = f"{exercise}.{task}"
        book.override(entry.id, task, args.points, args.reason, args.author or whoami())
        print(final_text(final(book, entry)))


def late_command(args: Namespace) -> None:
    """``course gradebook late``: what lateness costs, for all or for one student."""
    from ..grading.gradebook import Gradebook

    with Gradebook(args.gradebook) as book:
        exercise = of_exercise(book, args.exercise)
        if args.student:
            found_entry(book, exercise, args.student)
        before = book.rule(exercise, args.student or "")
        if args.deadline is None:
            require(
                args.percent is args.cap is args.grace is None,
                "say the --deadline, too: a rule is set as a whole.",
            )
        else:
            given = {"percent": args.percent, "cap": args.cap, "grace": args.grace}
            usual = {"percent": 10.0, "cap": 100.0, "grace": 0.0}
            for name, value in given.items():
                if value is None:
                    given[name] = getattr(before, name) if before else usual[name]
            book.set_rule(
                exercise,
                moment(args.deadline),
                **given,
                student=args.student or "",
                author=args.author or whoami(),
            )
        print(rule_text(exercise, book.rule(exercise, args.student or "")))


def rule_text(exercise: str, rule: "Rule | None") -> str:
    """A late rule in words."""
    if rule is None:
        return f"{exercise}: no late rule; --deadline sets one."
    local = rule.deadline.astimezone()
    who = f" for {rule.student}" if rule.student else ""
    return (
        f"{exercise}{who}: due {local:%Y-%m-%d %H:%M %Z}, {rule.grace:g} minutes of grace, then "
        f"{rule.percent:g} % of the points for each day begun, at most {rule.cap:g} %"
    )


def moment(text: str) -> datetime:
    """A time such as "2027-03-01 12:00", of this machine's zone where it names none."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise CourseError(
            f"--deadline is a time such as '2027-03-01 12:00' or 2027-03-01T12:00+01:00; got "
            f"{text!r}."
        ) from None


def export_command(args: Namespace) -> None:
    """``course gradebook export``: grades in the form that another program reads."""
    from ..grading import exports

    sheets, exercise = sheets_of(args)
    free_to_write(args.out, args.force)
    item = args.item or f"Exercise {int(exercise[2:])}"
    roster = text_of_file(args.roster) if args.roster else ""
    require(
        roster or args.to != "moodle-worksheet",
        "--to moodle-worksheet fills in the worksheet that Moodle gave: --roster WORKSHEET.csv.",
    )
    if args.to == "gradescope":
        data, lacking = exports.gradescope_zip(sheets)
        found = exports.Export("", lacking)
    else:
        found = {
            "csv": lambda: exports.Export(exports.plain_csv(sheets)),
            "tasks": lambda: exports.Export(exports.tasks_csv(sheets)),
            "canvas": lambda: exports.canvas(sheets, item, roster),
            "moodle": lambda: exports.moodle(sheets, item),
            "moodle-worksheet": lambda: exports.moodle_worksheet(sheets, roster),
        }[args.to]()
        data = found.text.encode("utf-8")
    with atomic_write(args.out) as file:
        file.write(data)
    print(f"{len(sheets)} students in {args.out}")
    for names, said in (
        (found.lacking, "graded, and not found in that list or without an address there"),
        (found.ungraded, "in that list, and without a grade"),
    ):
        if names:
            print(f"{len(names)} {said}: {', '.join(names)}", file=sys.stderr)


def feedback_command(args: Namespace) -> None:
    """``course gradebook feedback``: a page for each student."""
    from ..grading.feedback import write_pages

    sheets, _ = sheets_of(args)
    free_to_write(args.out, args.force, folder=True)
    write_pages(sheets, args.out)
    print(f"{len(sheets)} pages in {args.out}")


def report_command(args: Namespace) -> None:
    """``course gradebook report``: the class, task by task."""
    from ..grading import report

    sheets, exercise = sheets_of(args)
    found = report.summary(sheets, report.bank_of(exercise))
    if args.out:
        free_to_write(args.out, args.force)
        with atomic_write(args.out, "w") as file:
            file.write(report.page(found))
    print(report.text(found))


def sheets_of(args: Namespace) -> tuple[list["Sheet"], str]:
    """(what is printed of each student, the exercise)."""
    from ..grading.finals import sheets
    from ..grading.gradebook import Gradebook

    with Gradebook(args.gradebook) as book:
        exercise = of_exercise(book, args.exercise)
        return sheets(book, exercise), exercise


def text_of_file(path: str) -> str:
    """A file's text. Raises in words."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} cannot be read ({error}).") from None


def of_exercise(book: "Gradebook", wanted: str | None) -> str:
    """The exercise that is meant: the only one of the gradebook where none is named."""
    there = book.exercises()
    if wanted is None:
        require(len(there) == 1, f"say which exercise; there are {', '.join(there) or 'none'}.")
        return there[0]
    name = exercise_name(wanted)
    require(
        name in there,
        f"nothing of {name} is in this gradebook; it has {', '.join(there) or 'nothing'}.",
    )
    return name


def found_entry(book: "Gradebook", exercise: str, student: str) -> "Entry":
    """The submission that counts of a student."""
    from ..grading.finals import counting_entry

    return counting_entry(book, exercise, student)


def whoami() -> str:
    """Who this is, for the gradebook."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        raise CourseError("say who you are: --author NAME.") from None
