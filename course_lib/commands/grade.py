"""``course grade``: submissions in, a gradebook out."""

import sys
from argparse import Namespace
from pathlib import Path

from ..base import CourseError, require
from .show import show

UNREADABLE = 1  # exit status of a batch in which something could not be read


def grade_command(args: Namespace) -> int:
    """``course grade``: returns 1 when some submissions could not be read."""
    from ..grading.box import Limits
    from ..grading.finals import finals
    from ..grading.gradebook import Gradebook
    from ..grading.run import grade
    from ..grading.submissions import submissions_in
    from ..grading.unsafe import WARNING
    from ..grading.work import Setup

    exercise = exercise_name(args.exercise)
    seed = seed_of(args)
    if args.unsafe_no_sandbox:
        print(WARNING, file=sys.stderr, flush=True)
    setup = Setup(
        exercise,
        seed,
        Limits(seconds=args.seconds, cpu_seconds=int(args.seconds) + 1, memory_mb=args.memory_mb),
        args.unsafe_no_sandbox,
    )
    submissions = submissions_in(Path(args.submissions), exercise)
    done = grade(setup, submissions, args.gradebook, args.workers, args.engine, args.regrade or "")
    with Gradebook(args.gradebook) as book:
        means = task_means(finals(book, exercise))
    said = {
        "exercise": exercise,
        "students": len({submission.student for submission in submissions}),
        "graded": done.graded,
        "copied": done.copied,
        "kept": done.kept,
        "older": done.older,
        "problems": [dict(zip(("student", "file", "why"), p, strict=True)) for p in done.problems],
        "tasks": means,
        "gradebook": str(args.gradebook),
        "sandbox": not args.unsafe_no_sandbox,
    }
    show(said, args.json, lambda: grade_text(said))
    return UNREADABLE if done.problems else 0


def task_means(found: list) -> list[dict]:
    """Of each task the mean of the points that count, over all students."""
    points: dict[str, list[float]] = {}
    most: dict[str, float] = {}
    for final in found:
        for task in final.tasks:
            points.setdefault(task.task, []).append(task.points)
            most[task.task] = task.most
    return [
        {"task": task, "mean": sum(given) / len(given), "most": most[task], "students": len(given)}
        for task, given in points.items()
    ]


def grade_text(said: dict) -> str:
    """What ``course grade`` prints at the end."""
    from ..grading.sheets import one_line

    lines = [
        f"{said['exercise']}: {said['students']} students; {said['graded']} submissions graded, "
        f"{said['copied']} copied from the same file, {said['kept']} there already"
    ]
    if said["older"]:
        lines.append(
            f"{said['older']} of those there were graded by another version, seed or limits: "
            "--regrade changed grades them again"
        )
    width = max(4, *(len(row["task"]) for row in said["tasks"]), 0)
    if said["tasks"]:
        lines += ["", f"{'task':{width}}  mean points  of"]
    for row in said["tasks"]:
        lines.append(f"{row['task']:{width}}  {row['mean']:11.2f}  {row['most']:g}")
    if said["problems"]:
        lines += ["", f"{len(said['problems'])} could not be read:"]
    for row in said["problems"]:
        lines.append(f"  {row['student']}, {row['file'] or 'no file'}: {one_line(row['why'])}")
    lines += ["", f"gradebook: {said['gradebook']}"]
    if not said["sandbox"]:
        lines.append("GRADED WITHOUT A SANDBOX: the gradebook says so.")
    return "\n".join(lines)


def exercise_name(text: str) -> str:
    """ "ex03" for "3", "03", "ex3" and "ex03". Raises for an exercise that is not there."""
    from ..classroom.checks import exercises

    number = text.lower().removeprefix("ex")
    name = f"ex{int(number):02d}" if number.isdigit() else text
    known = list(exercises())
    require(name in known, f"there is no exercise {text!r}; there are {', '.join(known)}.")
    return name


def seed_of(args: Namespace) -> int:
    """The cohort's secret seed, from the file of keys or a file of its own."""
    from ..authoring import secret_of

    require(
        bool(args.cohort) != bool(args.seed_file),
        "say whose secret seed hidden inputs are drawn from: --cohort NAME (drawn by `course "
        "release --cohort NAME`), or --seed-file FILE.",
    )
    if args.cohort:
        return secret_of(args.cohort, args.keys)
    try:
        text = Path(args.seed_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{args.seed_file} cannot be read ({error}).") from None
    require(
        text.isdecimal() and text.isascii() and len(text) <= 40,
        f"{args.seed_file} is no file of one secret seed, which is a whole number and nothing "
        "else. For a file of several cohorts use --cohort NAME --keys FILE.",
    )
    return int(text)
