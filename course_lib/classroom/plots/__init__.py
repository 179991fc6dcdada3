"""Figures of the lessons: one question each.

With colours that survive colour blindness and read on light and dark pages, units, interval bands,
and a text that says what the picture shows. Every function returns a :class:`Figure`. In a notebook
it appears as an SVG with that text as its caption, with a PNG for front ends that do not show HTML;
elsewhere the text is printed.
"""

from .basic import best_of_n, best_of_n_at, cost_quality, intervals, loop, reward_histogram
from .candidates import against_temperature
from .clinic import clinic_patient, llama2_loop
from .figure import COLOURS, Figure
from .frontier import METHOD_COLOURS, frontier, frontier_at, method_colour
from .memory import memory
from .overoptimisation import (
    help_and_harm,
    kl_and_bound,
    label_budget,
    one_against_another,
    overoptimisation,
    overoptimisation_at,
    steps_taught,
)
from .preferences import calibration, calibration_groups, learning_curve, training_loss
from .rounds import grid_facts, rounds, selection_grid
from .tuning import dumbbells, one_against_best_of_n, round_by_round
from .verifiable import crossing, pass_at_k, pass_gain, paths_against_k

__all__ = [
    "COLOURS",
    "METHOD_COLOURS",
    "Figure",
    "against_temperature",
    "best_of_n",
    "best_of_n_at",
    "calibration",
    "calibration_groups",
    "clinic_patient",
    "cost_quality",
    "crossing",
    "dumbbells",
    "frontier",
    "frontier_at",
    "grid_facts",
    "help_and_harm",
    "intervals",
    "kl_and_bound",
    "label_budget",
    "learning_curve",
    "llama2_loop",
    "loop",
    "memory",
    "method_colour",
    "one_against_another",
    "one_against_best_of_n",
    "overoptimisation",
    "overoptimisation_at",
    "pass_at_k",
    "pass_gain",
    "paths_against_k",
    "reward_histogram",
    "round_by_round",
    "rounds",
    "selection_grid",
    "steps_taught",
    "training_loss",
]
