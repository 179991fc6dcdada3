"""An explorer of selection rules.

On a small pool, which candidates of which prompts each rule keeps.
"""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from ...base import last_turn, require
from ...pools import RULES, Pool, Selection
from .. import plots
from ..web import Card, picture
from .sentences import shown_reply

# rule → the sliders it listens to
DIALS = {name: rule.sliders for name, rule in RULES.items() if rule.sentence}
STRENGTHS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
MOST_K = 16  # settings of k that are offered
IN_WORDS = {
    "best_per_prompt": "Of each prompt, the candidates with the highest score.",
    "top_k_overall": "The highest scores of the whole pool, whatever prompt they answer.",
    "soft_best": "Of each prompt, drawn by chance: a higher score makes it likelier. "
    "The larger λ, the less the score counts.",
    "regularised_best": "Of each prompt, the highest score plus β times a second mark: how likely "
    "the reply is, or how like the others.",
    "rso": "Of each prompt, accepted by chance: the further below the best, the less likely. "
    "The larger β, the less the score counts.",
    "threshold": "However many that are; a prompt may have none.",
    "random_per_prompt": "Of each prompt, by chance alone: the control.",
}


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

    def dials(self) -> dict[str, list[float]]:
        """The values that each slider offers: "k", "strength" (λ or β) and "minimum"."""
        values = self.pool.reward(self.by)[self.pool.present].numpy()
        quantiles = np.quantile(values, [0.25, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95])
        counts = np.linspace(1, self.pool.N, min(self.pool.N, MOST_K)).round().astype(int)
        return {
            "k": [int(k) for k in counts],
            "strength": list(STRENGTHS),
            "minimum": [round(float(q), 2) for q in np.unique(quantiles.round(2))],
        }

    def start(self) -> dict[str, float]:
        """Where the sliders stand first."""
        minima = self.dials()["minimum"]
        return {"k": 1, "strength": 0.5, "minimum": minima[len(minima) // 2]}

    def kept(self, rule: str, **values: float) -> list[str]:
        """[sentence on the settings, what is kept]: a hexadecimal number for each prompt's bits."""
        settings: Any = values
        selection, sentence = select(self.pool, rule, self.by, **settings)
        rows = selection.mask.numpy()
        bits = (f"{int(''.join('01'[kept] for kept in row), 2):x}" for row in rows.astype(int))
        return [sentence, " ".join(bits)]

    def settings(self, rule: str) -> Iterator[dict[str, float]]:
        """Every setting of the sliders of ``rule``, the last slider moving first."""
        offered = self.dials()
        names = DIALS[rule]
        for values in product(*(offered[name] for name in names)):
            yield dict(zip(names, values, strict=True))

    def state(self, rule: str) -> tuple[list[str], plots.Figure]:
        """(lines of text, figure) of one rule where the sliders stand first."""
        start: Any = self.start()
        selection, settings = select(self.pool, rule, self.by, **start)
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
) -> Card:
    """Choose a rule and move its dials; see which candidates it keeps and what they are worth.

    The grid shows rewards ``by``, with the kept candidates framed. ``pool``: a small one with two
    rewards, at most 400 candidates; ``label``: the fact of each prompt that names its row. Only the
    dials that a rule listens to are there. The static stand-in shows a second rule beside the
    first: ``top_k_overall``, or ``best_per_prompt`` beside that.
    """
    require(
        by != gold, f"the reward that selects must not be the one that judges; got {by!r} for both."
    )
    require(rule in DIALS, f"no rule {rule!r} in this explorer; it has: {', '.join(DIALS)}.")
    labels = [str(info.get(label, i)) for i, info in enumerate(pool.info)]
    grid = Grid(pool, by, gold, labels)
    other = "best_per_prompt" if rule == "top_k_overall" else "top_k_overall"
    lines, figure = grid.state(rule)
    beside, drawn_beside = grid.state(other)
    fallback = _paragraphs(lines) + picture(figure) + _paragraphs(beside) + picture(drawn_beside)
    return Card("selection", _data(grid, rule), "\n".join([*lines, "", *beside]), fallback)


def _data(grid: Grid, rule: str) -> dict[str, Any]:
    """What the browser draws: the grid, and what every rule keeps at every setting of its dials."""
    pool, offered, start = grid.pool, grid.dials(), grid.start()
    rewards = [np.asarray(pool.reward(name)) for name in (grid.by, grid.gold)]
    rules = [
        {
            "name": name,
            "words": IN_WORDS.get(name, ""),
            "dials": [[dial, _symbol(name, dial)] for dial in dials],
            "kept": [grid.kept(name, **values) for values in grid.settings(name)],
        }
        for name, dials in DIALS.items()
    ]
    return {
        "by": grid.by,
        "gold": grid.gold,
        "labels": grid.labels,
        "prompts": [last_turn(prompt) for prompt in pool.prompts],
        "scores": rewards[0],
        "golds": rewards[1],
        "texts": [[shown_reply(pool, i, j) for j in range(pool.N)] for i in range(pool.P)],
        "dials": offered,
        "rules": rules,
        "start": {
            "rule": list(DIALS).index(rule),
            **{name: offered[name].index(value) for name, value in start.items()},
        },
    }


def _symbol(rule: str, slider: str) -> str:
    """What a slider is called for this rule: k, λ, β or the parameter's own name."""
    names = [name for name, dial in RULES[rule].dials.items() if dial.slider == slider]
    return {"lam": "λ", "beta": "β"}.get(names[0], names[0])


def _paragraphs(lines: Sequence[str]) -> str:
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines)
