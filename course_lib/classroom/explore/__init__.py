"""Pictures to touch: explorers of candidates, best-of-n, and more, one file each.

Each returns a :class:`~course_lib.classroom.web.Card`: Python computes what needs the estimators,
the browser draws while a slider moves, and no kernel is needed. Every control is reached with Tab;
where scripts do not run (GitHub, a terminal) a picture, a table or a text stands there.
"""

from .annotator import be_the_annotator, verdicts
from .best_of_n import best_of_n_slider
from .candidates import candidate_browser, candidate_table, candidate_text, ranking
from .clinic import measured_rows, patients, pipeline_clinic
from .frontier import facts_of, frontier_explorer
from .hero import hero
from .memory import memory_planner
from .overoptimisation import overoptimisation_explorer
from .selection import DIALS, select, selection_explorer
from .temperature import temperature_explorer

__all__ = [
    "DIALS",
    "be_the_annotator",
    "best_of_n_slider",
    "candidate_browser",
    "candidate_table",
    "candidate_text",
    "facts_of",
    "frontier_explorer",
    "hero",
    "measured_rows",
    "memory_planner",
    "overoptimisation_explorer",
    "patients",
    "pipeline_clinic",
    "ranking",
    "select",
    "selection_explorer",
    "temperature_explorer",
    "verdicts",
]
