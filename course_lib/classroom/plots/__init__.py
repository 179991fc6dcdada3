"""Figures of the lessons: one question each.

With colours that survive colour blindness and read on light and dark pages, units, interval bands,
and a text that says what the picture shows. Every function returns a :class:`Figure`. In a notebook
it appears as an SVG with that text as its caption, with a PNG for front ends that do not show HTML;
elsewhere the text is printed.
"""

from .basic import best_of_n, best_of_n_at, cost_quality, intervals
from .candidates import against_temperature, highest_to_lowest
from .choosing import win_rates, within_budget
from .clinic import clinic_gold, clinic_patient, dashboards, differences, llama2_loop
from .figure import COLOURS, Figure
from .first import better, gold_spread, score_and_gold
from .frontier import METHOD_COLOURS, frontier, frontier_at, method_colour
from .memory import memory
from .methods import freshness, repaid, reward_against_kl
from .overoptimisation import (
    kl_and_bound,
    label_budget,
    one_against_another,
    overoptimisation,
    overoptimisation_at,
    steps_taught,
)
from .preferences import (
    calibration,
    calibration_groups,
    learning_curve,
    training_passes,
    two_clouds,
)
from .rounds import grid_facts, selection_grid
from .tuning import dumbbells, one_against_best_of_n, round_by_round
from .verifiable import (
    answer_counts,
    breadth,
    crossing,
    pass_at_k,
    pass_gain,
    paths_against_k,
    shares,
)

__all__ = [
    "COLOURS",
    "METHOD_COLOURS",
    "Figure",
    "against_temperature",
    "answer_counts",
    "best_of_n",
    "best_of_n_at",
    "better",
    "breadth",
    "calibration",
    "calibration_groups",
    "clinic_gold",
    "clinic_patient",
    "cost_quality",
    "crossing",
    "dashboards",
    "differences",
    "dumbbells",
    "freshness",
    "frontier",
    "frontier_at",
    "gold_spread",
    "grid_facts",
    "highest_to_lowest",
    "intervals",
    "kl_and_bound",
    "label_budget",
    "learning_curve",
    "llama2_loop",
    "memory",
    "method_colour",
    "one_against_another",
    "one_against_best_of_n",
    "overoptimisation",
    "overoptimisation_at",
    "pass_at_k",
    "pass_gain",
    "paths_against_k",
    "repaid",
    "reward_against_kl",
    "round_by_round",
    "score_and_gold",
    "selection_grid",
    "shares",
    "steps_taught",
    "training_passes",
    "two_clouds",
    "win_rates",
    "within_budget",
]
