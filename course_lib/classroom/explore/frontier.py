"""A frontier explorer: for each method, what each value of its dials did to gold, proxy and KL.

And what the proxy alone would have chosen.
"""

from collections.abc import Mapping
from types import ModuleType

from ...base import require
from .. import plots
from ..plots import Figure
from . import view
from .view import View, paragraphs


def facts_of(result: Mapping, name: str, dials: str) -> list[str]:
    """What is known of one method with some dials (a key of its grid), in sentences."""
    grid = result["methods"][name]["grid"]
    point = grid[dials]
    base = result["base"]
    judged = max(grid, key=lambda d: grid[d]["gold"]["mean"])
    liked = max(grid, key=lambda d: grid[d]["proxy"]["mean"])

    def value(v: Mapping) -> str:
        return f"{v['mean']:.2f} [{v['low']:.2f}, {v['high']:.2f}]"

    at_1 = point["at_1"]
    lines = [
        f"{name} with {dials}. At its best temperature, {point['temperature']:g}: gold "
        f"{value(point['gold'])} (base policy at its best: {base['gold']['mean']:.2f}). At T = 1: "
        f"gold {value(at_1['gold'])}, proxy {value(at_1['proxy'])}, KL {value(at_1['kl'])} nats.",
        f"Highest gold with {judged}; highest proxy with {liked}.",
    ]
    if judged != liked:
        cost = grid[judged]["gold"]["mean"] - grid[liked]["gold"]["mean"]
        lines.append(f"Choosing by the proxy would cost {cost:.2f} points of gold.")
    return lines


def frontier_explorer(result: Mapping, method: str = "PPO") -> View:
    """Choose a method and move its dials; gold and proxy against KL with the chosen point marked.

    ``result``: what ``benchmarks/frontier.py`` stored (``results.load("frontier")``); ``method``:
    the one shown first.
    """
    methods = result["methods"]
    dials = {name: list(m["grid"]) for name, m in methods.items() if m.get("grid")}
    require(method in dials, f"no method {method!r} in this result; it has: {', '.join(dials)}.")
    best = methods[method]["best"]
    start = [methods[method]["grid"][key]["dials"] for key in dials[method]].index(best)
    explorer = _Explorer(result, dials)
    lines, figure = explorer.state(method, start)
    text = "\n".join(lines)
    still = paragraphs(lines) + view.picture(figure)
    w = view.widgets()
    if w is None:
        return View(None, text, still)
    explorer.build(w, method, start, paragraphs(lines), figure)
    return View(
        explorer.box,
        text,
        still,
        method=explorer.method,
        dial=explorer.dial,
        words=explorer.words,
        image=explorer.image,
    )


class _Explorer:
    """What :func:`frontier_explorer` shows, and its controls once they are built."""

    def __init__(self, result: Mapping, dials: Mapping[str, list[str]]) -> None:
        self.result = result
        self.dials = dials  # what each method was tried with, in the order of the trials

    def state(self, name: str, place: int) -> tuple[list[str], Figure]:
        """Lines of text and the figure of one method, at one place of its dials."""
        dials = self.dials[name][place]
        lines = facts_of(self.result, name, dials)
        return lines, plots.frontier_at(self.result, name, dials)

    def build(self, w: ModuleType, method: str, start: int, shown: str, figure: Figure) -> None:
        last = len(self.dials[method]) - 1
        self.method = view.buttons(w, options=list(self.dials), value=method, description="method")
        self.dial = view.slider(w, w.IntSlider, value=start, min=0, max=last, description="dials")
        self.words = w.HTML(shown)
        self.image = view.image(w, figure)
        self.box = w.VBox([self.method, self.dial, self.words, self.image])
        view.watch((self.method, self.dial), self.redraw)

    def redraw(self, change: dict) -> None:
        name = self.method.value
        last = len(self.dials[name]) - 1
        if change["owner"] is self.method:
            # never below the value: ipywidgets would move it and draw twice
            self.dial.max = max(self.dial.value, last)
            self.dial.value = min(self.dial.value, last)
            self.dial.max = last
        lines, figure = self.state(name, min(self.dial.value, last))
        self.words.value = paragraphs(lines)
        self.image.value = figure.png()
