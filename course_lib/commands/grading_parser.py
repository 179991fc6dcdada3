"""The parsers of ``course grade`` and ``course gradebook``."""

import argparse
from collections.abc import Callable

from .grade import grade_command
from .gradebook import (
    export_command,
    feedback_command,
    late_command,
    override_command,
    report_command,
    show_command,
)
from .help import Help
from .options import force_argument, positive

GRADEBOOK = "grades.sqlite"
FORMATS = ("csv", "tasks", "canvas", "moodle", "moodle-worksheet", "gradescope")
ERROR = 2  # exit status of these commands; 1 says that some submissions could not be read

# (name, help, function) → the parser of a new command
AddCommand = Callable[[str, str, Callable], argparse.ArgumentParser]


def add_grade(command: AddCommand) -> None:
    """``course grade``."""
    p = command(
        "grade",
        "grade submitted notebooks, each shut in a sandbox, into a gradebook",
        grade_command,
    )
    p.set_defaults(error=ERROR)
    p.add_argument("exercise", help="an exercise, such as ex03")
    p.add_argument(
        "submissions",
        help="a folder of notebooks or of students' folders, zip files, or what Canvas or Moodle "
        "give as a bulk download",
    )
    p.add_argument(
        "--gradebook",
        default=GRADEBOOK,
        metavar="FILE",
        help="made where there is none; what is there is not graded again",
    )
    p.add_argument(
        "--cohort", help="whose secret seed hidden inputs are drawn from (see `course release`)"
    )
    p.add_argument(
        "--keys",
        default="release-keys.json",
        help="file of the cohorts' secret seeds, which `course release` has drawn",
    )
    p.add_argument(
        "--seed-file", metavar="FILE", help="a file with the secret seed alone, in place of both"
    )
    p.add_argument(
        "--regrade",
        choices=("changed", "all"),
        help="changed: also what another version of the exercise, the grader, the seed or the "
        "limits has graded; all: everything (default: only what is not in the gradebook)",
    )
    _add_machine(p)
    p.add_argument("--json", action="store_true", help="print the result as JSON")
    p.epilog = (
        "exit status: 0 done, 1 done and some submissions could not be read, 2 error. Interrupted "
        "or killed,\nrun it again: it goes on where it was."
    )


def _add_machine(p: argparse.ArgumentParser) -> None:
    """Options on how submissions are run."""
    p.add_argument("--workers", type=positive, default=2, help="submissions at a time")
    p.add_argument(
        "--seconds", type=float, default=60.0, help="the longest that a submission may run"
    )
    p.add_argument(
        "--memory-mb", type=positive, default=1024, help="the most memory it may take, MiB"
    )
    p.add_argument(
        "--engine",
        choices=("processes", "ray"),
        default="processes",
        help="who does the work: processes of this machine, or Ray actors",
    )
    p.add_argument(
        "--unsafe-no-sandbox",
        action="store_true",
        help="run submissions as plain programs that can read and change whatever you can; the "
        "gradebook says so",
    )


def add_gradebook(command: AddCommand) -> None:
    """``course gradebook``, with a command of its own for each thing to do."""
    p = command("gradebook", "read, change and export what was graded", show_command)
    p.set_defaults(error=ERROR)
    subs = p.add_subparsers(
        dest="what", metavar="WHAT", required=True, help="`course gradebook WHAT --help` says more"
    )
    for add in (add_show, add_override, add_late, add_export, add_feedback, add_report):
        add(subs)


def add_show(subs: argparse._SubParsersAction) -> None:
    p = _sub(subs, "show", "everybody's points, or one student's step by step", show_command)
    p.add_argument("--student", help="only this student's, with every step")
    p.add_argument("--json", action="store_true", help="print it as JSON")


def add_override(subs: argparse._SubParsersAction) -> None:
    p = _sub(
        subs, "override", "give points in place of the grader's; its result stays", override_command
    )
    p.add_argument("student", help="whose")
    p.add_argument("task", help="a task, such as best_of_n, or all for the whole exercise")
    p.add_argument("points", nargs="?", type=float, help="the points that count")
    p.add_argument("--undo", action="store_true", help="take an earlier override back")
    p.add_argument("--reason", required=True, help="why; it is shown to the student")
    _author(p)


def add_late(subs: argparse._SubParsersAction) -> None:
    p = _sub(subs, "late", "what lateness costs; without --deadline: say the rule", late_command)
    p.add_argument(
        "--deadline", help="such as '2027-03-01 12:00', of this machine's zone unless it names one"
    )
    p.add_argument(
        "--percent",
        type=float,
        help="of the points, for each day begun (default: as before, at first 10)",
    )
    p.add_argument(
        "--cap", type=float, help="percent, the most that is taken (default: as before, or 100)"
    )
    p.add_argument(
        "--grace", type=float, help="minutes that cost nothing (default: as before, or 0)"
    )
    p.add_argument("--student", help="a rule for this student alone, such as a longer deadline")
    _author(p)


def add_export(subs: argparse._SubParsersAction) -> None:
    p = _sub(subs, "export", "write the points for another program", export_command)
    p.add_argument("--to", choices=FORMATS, default="csv", help="which form")
    p.add_argument("--out", required=True, help="the file to write")
    p.add_argument("--item", help="the assignment's name there (default: Exercise and its number)")
    p.add_argument(
        "--roster", metavar="FILE.csv", help="the list of students as that program exported it"
    )
    force_argument(p)


def add_feedback(subs: argparse._SubParsersAction) -> None:
    p = _sub(subs, "feedback", "write a page for each student", feedback_command)
    p.add_argument("--out", required=True, help="folder for the pages")
    force_argument(p)


def add_report(subs: argparse._SubParsersAction) -> None:
    p = _sub(subs, "report", "the class: points by task, commonest mistakes", report_command)
    p.add_argument("--out", help="an HTML file to write, with figures (default: text alone)")
    force_argument(p)


def _sub(
    subs: argparse._SubParsersAction, name: str, help: str, function: Callable
) -> argparse.ArgumentParser:
    p = subs.add_parser(name, help=help, description=help, formatter_class=Help)
    p.set_defaults(function=function)
    p.add_argument("--gradebook", default=GRADEBOOK, metavar="FILE", help="the gradebook")
    p.add_argument("--exercise", help="which exercise (default: the gradebook's only one)")
    return p


def _author(p: argparse.ArgumentParser) -> None:
    p.add_argument("--author", help="who says so (default: who is logged in)")
