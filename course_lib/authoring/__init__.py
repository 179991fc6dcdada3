"""Sources → notebooks. ``notebooks/src/NN_name.py`` is what authors edit;
``notebooks/NN_name.ipynb`` is a build product.

A source is a py:percent file. Building adds what must be the same everywhere (the Colab badge, the
first cell), runs the notebook in a clean kernel, and writes it with its outputs and nothing that
changes from one run or machine to the next. Checking compares the committed notebooks with their
sources, without running them. Exercises have sources of their own, see
:mod:`~course_lib.authoring.exercises`: from each come the student's notebook, the package's checks
and, outside the repository's files, the solved notebook.
"""

from .building import (
    add_arguments,
    build_lessons,
    check_lessons,
    lesson_sources,
)
from .exercises import Exercise, exercise_sources
from .lessons import Lesson, prepare, repository_address
from .output import clean
from .places import ROOT
from .write import build, differences, run

__all__ = [
    "ROOT",
    "Exercise",
    "Lesson",
    "add_arguments",
    "build",
    "build_lessons",
    "check_lessons",
    "clean",
    "differences",
    "exercise_sources",
    "lesson_sources",
    "prepare",
    "repository_address",
    "run",
]
