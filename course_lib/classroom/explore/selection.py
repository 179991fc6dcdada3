"""An explorer of selection rules.

On a small pool, which candidates of which prompts each rule keeps.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...base import require
from ...pools import RULES, Pool, Selection
from .. import plots
from . import view
from .view import paragraphs

# rule → the sliders it listens to
DIALS = {name: rule.sliders for name, rule in RULES.items() if rule.sentence}
STRENGTHS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


def select(
    pool: Pool,
    rule: str,
    by: str,
    k: int = 1,
    strength: float = 0.5,
    minimum: float = 0.0,
    seed: int = 0,
) -> tuple[Selection, str]:
    """The selection by ``rule`` and a sentence on its settings.

    ``k`` is for each prompt (``top_k_overall`` keeps k × P in all); ``strength`` is its λ or β.
    """
    require(rule in DIALS, f"no rule {rule!r} in this explorer; it has: {', '.join(DIALS)}.")
    chosen = RULES[rule]
    settings, sentence = chosen.from_sliders(
        pool, by, seed, k=k, strength=strength, minimum=minimum
    )
    return chosen(pool, **settings), sentence


@dataclass(frozen=True)
class Grid:
    """What the explorer shows: a pool, the reward that selects, the one that judges, and labels."""

    pool: Pool
    by: str
    gold: str
    labels: list[str]  # P, one a prompt

    def minima(self) -> list[float]:
        """Values of the selecting reward that the slider for a threshold offers."""
        values = self.pool.reward(self.by)[self.pool.present].numpy()
        quantiles = np.quantile(values, [0.25, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95])
        return [round(float(q), 2) for q in np.unique(quantiles.round(2))]

    def state(
        self, rule: str, k: int, strength: float, minimum: float
    ) -> tuple[list[str], plots.Figure]:
        """(lines of text, figure) for one setting."""
        selection, settings = select(self.pool, rule, self.by, k, strength, minimum)
        title = f"{rule}: {settings}"
        drawn = plots.selection_grid(
            selection, self.by, self.gold, self.labels, title=title, quiet=True
        )
        covered = {self.labels[i] for i in selection.prompt_index.tolist()}
        left_out = dict.fromkeys(name for name in self.labels if name not in covered)
        lines = [
            f"{title}.",
            drawn.summary,
            f"Rows without any: {', '.join(left_out) or 'none'}.",
        ]
        return lines, drawn


def selection_explorer(
    pool: Pool,
    by: str = "proxy",
    gold: str = "gold",
    rule: str = "best_per_prompt",
    label: str = "topic",
) -> view.View:
    """Choose a rule and move its dials; see which candidates it keeps and what they are worth.

    Returns a :class:`View`: the grid of rewards ``by`` with the kept candidates framed. ``pool``: a
    small one with two rewards, at most 400 candidates; ``label``: the fact of each prompt that
    names its row. Sliders that a rule does not use are switched off. The static stand-in shows a
    second rule beside the first: ``top_k_overall``, or ``best_per_prompt`` beside that.
    """
    require(
        by != gold, f"the reward that selects must not be the one that judges; got {by!r} for both."
    )
    labels = [str(info.get(label, i)) for i, info in enumerate(pool.info)]
    grid = Grid(pool, by, gold, labels)
    minima = grid.minima()
    start = (1, 0.5, minima[len(minima) // 2])
    other = "best_per_prompt" if rule == "top_k_overall" else "top_k_overall"
    lines, figure = grid.state(rule, *start)
    beside, drawn_beside = grid.state(other, *start)
    text = "\n".join([*lines, "", *beside])
    still = "".join(
        [
            paragraphs(lines),
            view.picture(figure),
            paragraphs(beside),
            view.picture(drawn_beside),
        ]
    )
    w = view.widgets()
    if w is None:
        return view.View(None, text, still)
    controls = _controls(w, grid, rule, start)
    words = w.HTML(paragraphs(lines))
    image = w.Image(value=figure.png(), format="png", width=800)

    def redraw(change: object = None) -> None:
        _switch_off_unused(controls)
        found, drawn = grid.state(*(control.value for control in controls.values()))
        words.value, image.value = paragraphs(found), drawn.png()

    _switch_off_unused(controls)
    for control in controls.values():
        control.observe(redraw, names="value")
    box = w.VBox([*controls.values(), words, image])
    return view.View(box, text, still, **controls, words=words, image=image)


def _controls(w: Any, grid: Grid, rule: str, start: tuple[int, float, float]) -> dict[str, Any]:
    """The buttons and sliders, in the order of :meth:`Grid.state`'s parameters."""
    k, strength, minimum = start
    most = grid.pool.N
    return {
        "rule": view.buttons(w, options=list(DIALS), value=rule, description="rule"),
        "k": view.slider(w, w.IntSlider, value=k, min=1, max=most, description="k"),
        "strength": view.slider(
            w, w.SelectionSlider, options=STRENGTHS, value=strength, description="λ or β"
        ),
        "minimum": view.slider(
            w,
            w.SelectionSlider,
            options=grid.minima(),
            value=minimum,
            description=f"least {grid.by}",
        ),
    }


def _switch_off_unused(controls: dict[str, Any]) -> None:
    """Only the sliders that the chosen rule listens to can be moved."""
    used = DIALS[controls["rule"].value]
    for name, control in controls.items():
        if name != "rule":
            control.disabled = name not in used
