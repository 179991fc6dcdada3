"""An explorer of selection rules.

On a small pool, which candidates of which prompts each rule keeps.
"""

import numpy as np

from ...base import require
from ...pools import RULES
from .. import plots
from . import view
from .view import paragraphs

# rule → the sliders it listens to
DIALS = {name: rule.sliders for name, rule in RULES.items() if rule.sentence}
STRENGTHS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


def select(pool, rule, by, k=1, strength=0.5, minimum=0.0, seed=0):
    """The selection by ``rule`` and a sentence on its settings.

    ``k`` is for each prompt (``top_k_overall`` keeps k × P in all); ``strength`` is its λ or β.
    """
    require(rule in DIALS, f"no rule {rule!r} in this explorer; it has: {', '.join(DIALS)}.")
    chosen = RULES[rule]
    settings, sentence = chosen.from_sliders(
        pool, by, seed, k=k, strength=strength, minimum=minimum
    )
    return chosen(pool, **settings), sentence


def selection_explorer(pool, by="proxy", gold="gold", rule="best_per_prompt", label="topic"):
    """Choose a rule and move its dials; see which candidates it keeps and what they are worth.

    Returns a :class:`View`: the grid of rewards ``by`` with the kept candidates framed. ``pool``: a
    small one with two rewards, at most 400 candidates; ``label``: the fact of each prompt that
    names its row. Sliders that a rule does not use are switched off. The static stand-in shows a
    second rule beside the first: ``top_k_overall``, or ``best_per_prompt`` beside that.
    """
    require(
        by != gold, f"the reward that selects must not be the one that judges; got {by!r} for both."
    )
    values = pool.reward(by)[pool.present].numpy()
    labels = [str(info.get(label, i)) for i, info in enumerate(pool.info)]
    minima = [
        round(float(q), 2)
        for q in np.unique(
            np.quantile(values, [0.25, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95]).round(2)
        )
    ]

    def state(rule, k, strength, minimum):
        """(lines of text, figure) for one setting."""
        selection, settings = select(pool, rule, by, k, strength, minimum)
        drawn = plots.selection_grid(
            selection, by, gold, labels, title=f"{rule}: {settings}", quiet=True
        )
        covered = sorted({labels[i] for i in selection.prompt_index.tolist()})
        left_out = [name for name in labels if name not in covered]
        return [
            f"{rule}: {settings}.",
            drawn.summary,
            f"Rows without any: {', '.join(dict.fromkeys(left_out)) or 'none'}.",
        ], drawn

    start = (rule, 1, 0.5, minima[len(minima) // 2])
    lines, figure = state(*start)
    beside, drawn_beside = state(
        "best_per_prompt" if rule == "top_k_overall" else "top_k_overall", *start[1:]
    )
    text, shown = "\n".join([*lines, "", *beside]), paragraphs(lines)
    still = shown + view.picture(figure) + paragraphs(beside) + view.picture(drawn_beside)
    w = view.widgets()
    if w is None:
        return view.View(None, text, still)
    which = view.buttons(w, options=list(DIALS), value=rule, description="rule")
    k = view.slider(w, w.IntSlider, value=1, min=1, max=pool.N, description="k")
    strength = view.slider(
        w, w.SelectionSlider, options=STRENGTHS, value=start[2], description="λ or β"
    )
    minimum = view.slider(
        w, w.SelectionSlider, options=minima, value=start[3], description=f"least {by}"
    )
    words, image = w.HTML(shown), w.Image(value=figure.png(), format="png", width=800)
    sliders = {"k": k, "strength": strength, "minimum": minimum}

    def redraw(change=None):
        for name, control in sliders.items():
            control.disabled = name not in DIALS[which.value]
        found, drawn = state(which.value, k.value, strength.value, minimum.value)
        words.value, image.value = paragraphs(found), drawn.png()

    for name, control in sliders.items():
        control.disabled = name not in DIALS[rule]
    for control in (which, *sliders.values()):
        control.observe(redraw, names="value")
    return view.View(
        w.VBox([which, *sliders.values(), words, image]),
        text,
        still,
        rule=which,
        **sliders,
        words=words,
        image=image,
    )
