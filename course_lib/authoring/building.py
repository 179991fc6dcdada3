"""Building and checking what is in the repository: all lessons and exercises, or some."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..base import CourseError, require
from .exercises import build_exercises, build_solved, exercise_sources
from .exercises import differences as exercise_differences
from .links import LESSONS
from .places import ROOT
from .write import build, differences


def lesson_sources(names: Sequence[str] | None = None) -> list[Path]:
    """Paths of the lesson sources, in order.

    With ``names`` only those whose name starts with one of them ("01" or "01_best_of_n").
    """
    folder = ROOT / "notebooks" / "src"
    require(
        folder.is_dir(),
        f"no lesson sources in {folder.parent.name}/{folder.name}. Building needs a copy of "
        "the repository; an installed package has no sources.",
    )
    sources = sorted(folder.glob(LESSONS))
    if not names:
        return sources
    known = ", ".join(source.stem for source in sources) or "none yet"
    chosen = []
    for name in names:
        found = [s for s in sources if s.stem == Path(name).stem or s.stem.startswith(f"{name}_")]
        require(found, f"no lesson {name!r}; the lessons are: {known}.")
        chosen += [source for source in found if source not in chosen]
    return chosen


def build_lessons(names: Sequence[str] | None = None, execute: bool = True) -> list[Path]:
    """Build the lessons into ``notebooks/``; see :func:`build`. Returns their paths."""
    return build(lesson_sources(names), ROOT / "notebooks", execute=execute)


def check_lessons(names: Sequence[str] | None = None) -> list[str]:
    """Differences between the committed lessons and their sources.

    A list of lines, empty when there are none.
    """
    return differences(lesson_sources(names), ROOT / "notebooks")


def _sorted_names(names: Sequence[str] | None) -> tuple[list[str] | None, list[str] | None]:
    """(lesson names, exercise names) of what was asked for.

    None for "all", an empty list for "none".
    """
    if not names:
        return None, None
    asked = [Path(name).stem for name in names]
    lessons = [name for name in asked if not name.startswith("ex")]
    tasks = [name for name in asked if name.startswith("ex")]
    return lessons, tasks


def _asked(names: Sequence[str] | None) -> tuple[list[str] | None, list[Path]]:
    """(lesson names as in :func:`_sorted_names`, sources of the exercises) of what was asked."""
    lessons, tasks = _sorted_names(names)
    return lessons, [] if tasks == [] else exercise_sources(tasks)


@contextlib.contextmanager
def _building_packages() -> Iterator[None]:
    """What building imports is in extras: says so where a package is missing."""
    try:
        yield
    except ImportError as error:
        raise CourseError(
            f"building notebooks needs {error.name}, which is not installed. Install the [dev] "
            "and [lab] extras."
        ) from error


def build_all(names: Sequence[str] | None = None, execute: bool = True) -> None:
    """Build lessons and exercises ("01", "ex01"; default: all) into the repository.

    Raises :class:`CourseError` when a lesson fails.
    """
    lessons, sources = _asked(names)
    with _building_packages():
        build_exercises(sources, ROOT)
        if lessons != []:
            build_lessons(lessons, execute=execute)


def check_all(names: Sequence[str] | None = None) -> list[str]:
    """Differences between the committed notebooks and their sources.

    A list of lines, empty when there are none; nothing is run or written.
    """
    lessons, sources = _asked(names)
    with _building_packages():
        found = [] if lessons == [] else check_lessons(lessons)
        return found + exercise_differences(sources, ROOT)


def write_solved(names: Sequence[str] | None, out: Path | str) -> list[Path]:
    """Write solved exercises into the folder ``out``, and nothing else. Returns their paths."""
    _, sources = _asked(names)
    with _building_packages():
        return build_solved(sources, out, ROOT)
