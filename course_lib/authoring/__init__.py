"""Sources → notebooks. ``notebooks/src/NN_name.py`` is what authors edit;
``notebooks/NN_name.ipynb`` is a build product.

A source is a py:percent file. Building adds what must be the same everywhere (the Colab badge, the
first cell), runs the notebook in a clean kernel, and writes it with its outputs and nothing that
changes from one run or machine to the next. Checking compares the committed notebooks with their
sources, without running them. Exercises have sources of their own, see
:mod:`~course_lib.authoring.exercises`: from each come the student's notebook and, outside the
repository's files, the solved notebook. Links between them are made on the way
(:mod:`~course_lib.authoring.links`). What proves their checks is in
:mod:`~course_lib.authoring.proofs`, what an instructor hands out in
:mod:`~course_lib.authoring.release`. The website and the slides are made from the executed
notebooks by :mod:`~course_lib.authoring.site` and :mod:`~course_lib.authoring.slides`.
"""

from .building import (
    build_all,
    build_lessons,
    check_all,
    check_lessons,
    lesson_sources,
    write_solved,
)
from .exercises import Exercise, exercise_sources
from .lessons import Lesson, prepare, repository_address
from .output import clean
from .places import ROOT
from .release import releasable, release_exercise, secret_of
from .write import build, differences, run

__all__ = [
    "Exercise",
    "Lesson",
    "ROOT",
    "build",
    "build_all",
    "build_lessons",
    "check_all",
    "check_lessons",
    "clean",
    "differences",
    "exercise_sources",
    "lesson_sources",
    "prepare",
    "releasable",
    "release_exercise",
    "repository_address",
    "run",
    "secret_of",
    "write_solved",
]
