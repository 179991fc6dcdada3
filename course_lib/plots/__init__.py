"""Figures of the lessons: one question each, colours that survive colour blindness, units, interval bands, a text beside them.

Every function prints one line that says what the picture shows and returns a :class:`Figure`. In a notebook the figure
appears as an HTML picture whose ``alt`` text is that line (JupyterLab's own PNG display has no alt text), with a plain PNG for
front ends that do not show HTML.
"""

from .basic import best_of_n, best_of_n_at, cost_quality, intervals, loop, reward_histogram
from .figure import COLOURS, Figure
from .frontier import FRONTIER_STYLE, frontier, frontier_at
from .rounds import grid_facts, kept_by_difficulty, rounds, selection_grid
from .verifiable import pass_at_k, paths_against_k

__all__ = ["COLOURS", "FRONTIER_STYLE", "Figure", "best_of_n", "best_of_n_at", "cost_quality", "frontier", "frontier_at", "intervals", "loop", "reward_histogram", "grid_facts", "kept_by_difficulty", "rounds", "selection_grid", "pass_at_k", "paths_against_k"]
