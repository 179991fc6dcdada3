"""A memory planner: what fits on a GPU, by model size and by how many replies are in one part of a
training step.
"""

import html

from ...estimators import phases
from .. import plots
from . import view

SIZES = (0.1, 0.6, 1.7, 4.0, 8.0)  # billions of parameters
CARDS = (("15 GB, a T4", 15), ("24 GB", 24), ("80 GB", 80))


def verdicts(billions, replies, limit):
    """(one line a phase that says whether it fits in ``limit`` GB, the figure)."""
    rows = phases(billions * 1e9, replies)
    lines = []
    for name, parts in rows.items():
        left = limit - sum(parts.values())
        lines.append(
            f"{name}: "
            f"{'does not fit' if left < 0 else 'fits, but tight: activations come on top' if left < 0.25 * limit else 'fits'} "
            f"({sum(parts.values()):.1f} of {limit} GB)."
        )
    return lines, plots.memory(
        rows,
        limit,
        f"{limit} GB",
        f"Memory for {billions:g} billion parameters, {replies} replies in a part",
        quiet=True,
    )


def memory_planner(billions=0.6, replies=4, limit=15):
    """Choose a model size and a card, move the number of replies in a part of a step.

    See what fits. Returns a :class:`View`.
    """
    lines, figure = verdicts(billions, replies, limit)

    def words(found):
        return "".join(f"<p>{html.escape(line)}</p>" for line in found)

    w = view.widgets()
    stand_in = "\n".join(lines), words(lines) + view.picture(figure, 750)
    if w is None:
        return view.View(None, *stand_in)
    size = view.buttons(
        w, options=[(f"{b:g} billion", b) for b in SIZES], value=billions, description="parameters"
    )
    card = view.buttons(w, options=CARDS, value=limit, description="memory")
    part = view.slider(
        w, w.IntSlider, value=replies, min=1, max=32, description="replies in a part"
    )
    text, image = w.HTML(words(lines)), w.Image(value=figure.png(), format="png", width=750)

    def redraw(change):
        found, drawn = verdicts(size.value, part.value, card.value)
        text.value, image.value = words(found), drawn.png()

    for control in (size, card, part):
        control.observe(redraw, names="value")
    return view.View(
        w.VBox([size, card, part, text, image]),
        *stand_in,
        size=size,
        card=card,
        part=part,
        words=text,
        image=image,
    )
