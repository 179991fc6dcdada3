"""A memory planner: what fits on a GPU.

By model size and by how many replies are in one part of a training step.
"""

from ...estimators import phases
from .. import plots
from ..plots import Figure
from . import view
from .view import View, paragraphs

SIZES = (0.1, 0.6, 1.7, 4.0, 8.0)  # billions of parameters
CARDS = (("15 GB, a T4", 15), ("24 GB", 24), ("80 GB", 80))
WIDTH = 750  # of the picture, in pixels


def verdicts(billions: float, replies: int, limit: float) -> tuple[list[str], Figure]:
    """One line a phase that says whether it fits in ``limit`` GB, and the figure."""
    rows = phases(billions * 1e9, replies)
    lines = []
    for name, parts in rows.items():
        needed = sum(parts.values())
        left = limit - needed
        if left < 0:
            verdict = "does not fit"
        elif left < 0.25 * limit:
            verdict = "fits, but tight: activations come on top"
        else:
            verdict = "fits"
        lines.append(f"{name}: {verdict} ({needed:.1f} of {limit} GB).")
    title = f"Memory for {billions:g} billion parameters, {replies} replies in a part"
    return lines, plots.memory(rows, limit, f"{limit} GB", title, quiet=True)


def memory_planner(billions: float = 0.6, replies: int = 4, limit: float = 15) -> View:
    """Choose a model size and a card, move the number of replies in a part of a step.

    See what fits.
    """
    lines, figure = verdicts(billions, replies, limit)
    text = "\n".join(lines)
    still = paragraphs(lines) + view.picture(figure, WIDTH)
    w = view.widgets()
    if w is None:
        return View(None, text, still)
    sizes = [(f"{b:g} billion", b) for b in SIZES]
    size = view.buttons(w, options=sizes, value=billions, description="parameters")
    card = view.buttons(w, options=CARDS, value=limit, description="memory")
    part = view.slider(
        w, w.IntSlider, value=replies, min=1, max=32, description="replies in a part"
    )
    words = w.HTML(paragraphs(lines))
    image = view.image(w, figure, WIDTH)

    def redraw(change: dict) -> None:
        found, drawn = verdicts(size.value, part.value, card.value)
        words.value = paragraphs(found)
        image.value = drawn.png()

    view.watch((size, card, part), redraw)
    return View(
        w.VBox([size, card, part, words, image]),
        text,
        still,
        size=size,
        card=card,
        part=part,
        words=words,
        image=image,
    )
