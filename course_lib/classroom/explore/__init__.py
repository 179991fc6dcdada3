"""Pictures to touch: explorers of candidates, best-of-n, and more, one file each.

Only core ipywidgets, so that the same code runs on versions 7.7 and 8, in JupyterLab, notebooks and
Colab. Every control is reached with Tab: sliders move with the left and right arrow, buttons are
pressed with Enter. (No drop-down menus: JupyterLab takes their arrow keys for itself and moves to
the next cell.) Each explorer carries a static stand-in (the same table, a picture, a text), shown
wherever widgets cannot run: on GitHub, in a saved notebook, in a terminal.
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
from .view import View, widgets

__all__ = [
    "DIALS",
    "View",
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
    "widgets",
]
