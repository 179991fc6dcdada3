"""Sources → notebooks. ``notebooks/src/NN_name.py`` is what authors edit;
``notebooks/NN_name.ipynb`` is a build product.

A source is a py:percent file. Building adds what must be the same everywhere (the Colab badge, the
first cell), runs the notebook in a clean kernel, and writes it with its outputs and nothing that
changes from one run or machine to the next. Checking compares the committed notebooks with their
sources, without running them. Exercises have sources of their own, see
:mod:`~course_lib.authoring.exercises`: from each come the student's notebook, the package's checks
and, outside the repository's files, the solved notebook.
"""

import sys
from pathlib import Path

from ..base import CourseError, require
from .places import ROOT
from .write import build, differences


def lesson_sources(names=None):
    """Paths of the lesson sources, in order.

    With ``names`` only those whose name starts with one of them ("01" or "01_best_of_n").
    """
    folder = ROOT / "notebooks" / "src"
    require(
        folder.is_dir(),
        f"no lesson sources in {folder.parent.name}/{folder.name}. Building needs a copy of "
        "the repository; an installed package has no sources.",
    )
    sources = sorted(folder.glob("[0-9][0-9]_*.py"))
    if not names:
        return sources
    chosen = []
    for name in names:
        found = [s for s in sources if s.stem == Path(name).stem or s.stem.startswith(f"{name}_")]
        require(
            found,
            f"no lesson {name!r}; the lessons are: "
            f"{', '.join(s.stem for s in sources) or 'none yet'}.",
        )
        chosen += [s for s in found if s not in chosen]
    return chosen


def build_lessons(names=None, execute=True):
    """Build the lessons into ``notebooks/``; see :func:`build`. Returns their paths."""
    return build(lesson_sources(names), ROOT / "notebooks", execute=execute)


def check_lessons(names=None):
    """Differences between the committed lessons and their sources.

    A list of lines, empty when there are none.
    """
    return differences(lesson_sources(names), ROOT / "notebooks")


def _sorted_names(names):
    """(lesson names, exercise names) of what was asked for.

    None for "all", an empty list for "none".
    """
    if not names:
        return None, None
    asked = [Path(name).stem for name in names]
    return [n for n in asked if not n.startswith("ex")], [n for n in asked if n.startswith("ex")]


def add_arguments(parser):
    """The arguments of ``course build``."""
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="lessons and exercises to build, such as 01 or ex01 (default: all)",
    )
    parser.add_argument(
        "--solved",
        metavar="DIR",
        help="only write the solved exercises into DIR, which must not be part of the repository",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="only compare the notebooks with their sources; nothing is run or written",
    )
    parser.add_argument(
        "--no-execute", action="store_true", help="write the notebooks without running them"
    )


def main(args):
    """``course build``: returns 0, or 1 when ``--check`` finds differences.

    Raises :class:`CourseError` when a lesson fails.
    """
    from . import exercises

    lessons, tasks = _sorted_names(args.names)
    sources = [] if tasks == [] else exercises.exercise_sources(tasks)
    try:
        if args.solved:
            for path in exercises.build_solved(sources, args.solved, ROOT):
                print(path)
            return 0
        if not args.check:
            exercises.build_exercises(sources, ROOT)
            if lessons != []:
                build_lessons(lessons, execute=not args.no_execute)
            return 0
        found = ([] if lessons == [] else check_lessons(lessons)) + exercises.differences(
            sources, ROOT
        )
    except ImportError as error:
        raise CourseError(
            f"building notebooks needs {error.name}, which is not installed. Install the [dev] "
            "and [lab] extras."
        ) from error
    for line in found:
        print(line, file=sys.stderr)
    if found:
        print(
            "The notebooks differ from their sources: run `course build` and commit the result.",
            file=sys.stderr,
        )
    return int(bool(found))
