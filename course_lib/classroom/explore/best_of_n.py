"""A slider over n: what is chosen, and what best-of-n gives over all prompts."""

import html
from collections.abc import Mapping, Sequence
from types import ModuleType

import numpy as np

from ...base import last_turn, require
from ...estimators import best_of_n_curve
from ...pools import Pool
from .. import plots
from ..plots import Figure
from . import view
from .candidates import only
from .view import View, paragraphs

ByTemperature = Mapping[float | None, Pool]


def by_temperature(pools: Pool | Mapping[float, Pool]) -> ByTemperature:
    """``pools`` as {temperature: pool}, from low to high; a single pool gets the key None.

    All must have the same prompts and N.
    """
    if not isinstance(pools, dict):
        return {None: pools}
    require(pools, "no pools: give at least one, as {temperature: pool}.")
    first = next(iter(pools.values()))
    odd = [t for t, pool in pools.items() if pool.prompts != first.prompts or pool.N != first.N]
    require(
        not odd,
        "the pools of all temperatures must have the same prompts and the same N; that of "
        f"{odd and odd[0]} has not.",
    )
    return dict(sorted(pools.items()))


def best_of_n_slider(
    pool: Pool | Mapping[float, Pool],
    by: str | None = None,
    gold: str = "gold",
    rewards: Sequence[str] | None = None,
    n: int = 4,
    temperature: float = 1.0,
) -> View:
    """Move n: see which of the first n is chosen, and what best-of-n gives over all prompts.

    ``pool``: a pool, or {temperature: pool} with the same prompts for a control of the temperature
    too, which starts at ``temperature``; ``by``: the selecting reward shown first (by default the
    first of ``rewards``); ``rewards``: names of those that can be chosen (default: all of the
    pool's); ``gold``: the evaluating reward.
    """
    explorer = _Explorer(by_temperature(pool), gold, rewards)
    pools = explorer.pools
    start = temperature if temperature in pools else next(iter(pools))
    by = by or next(iter(pools[start].rewards), None)
    for each in pools.values():
        each.reward(by)  # must be there, without NaN
    n = n if n in explorer.sizes else explorer.sizes[-1]
    shown, text, figure = explorer.state(0, n, by, start)
    text += f"\n{figure.summary}"
    still = shown + view.picture(figure)
    w = view.widgets()
    if w is None:
        return View(None, text, still)
    explorer.build_controls(w, n, by, start)
    explorer.build_display(w, shown, figure)
    return View(
        explorer.box,
        text,
        still,
        **explorer.controls,
        reply=explorer.reply,
        image=explorer.image,
        caption=explorer.caption,
    )


class _Explorer:
    """What :func:`best_of_n_slider` shows, and its controls once they are built."""

    def __init__(self, pools: ByTemperature, gold: str, rewards: Sequence[str] | None) -> None:
        self.gold = gold
        self.judged = {t: pool.reward(gold) for t, pool in pools.items()}  # (P, N) each
        self.pools = {t: only(pool, rewards) for t, pool in pools.items()}
        first = next(iter(self.pools.values()))
        self.P = first.P
        self.sizes = [2**k for k in range(first.N.bit_length()) if 2**k <= first.N]
        self.curves: dict[tuple[str, float | None], np.ndarray] = {}

    def curve(self, by: str, temperature: float | None) -> np.ndarray:
        """Gold of the best of n by ``by``, (P, len(sizes))."""
        if (by, temperature) not in self.curves:
            scores = self.pools[temperature].reward(by)
            judged = self.judged[temperature]
            self.curves[by, temperature] = best_of_n_curve(scores, judged, self.sizes)
        return self.curves[by, temperature]

    def state(
        self, prompt: int, n: int, by: str, temperature: float | None
    ) -> tuple[str, str, Figure]:
        """What one setting shows: HTML of the chosen reply, text, figure."""
        pool = self.pools[temperature]
        question = last_turn(pool.prompts[prompt])
        selecting = pool.reward(by)[prompt, :n]
        evaluating = self.judged[temperature][prompt, :n]
        best = int(selecting.argmax())
        above = int((evaluating > evaluating[best]).sum())
        reply = pool.texts[prompt][best]
        sampled = "" if temperature is None else f", sampled at temperature {temperature:g},"
        facts = (
            f"{by} {float(selecting[best]):.2f}, {self.gold} {float(evaluating[best]):.2f}; "
            f"{above} of {n} candidates have a higher {self.gold}"
        )
        text = (
            f"Prompt: {question}\nBest of {n} by {by}{sampled} is candidate "
            f"{best} ({facts}):\n{reply or '(empty)'}"
        )
        shown = (
            f"<p><b>{html.escape(question)}</b></p><p>Best of {n} by "
            f"{html.escape(by)}{sampled} is candidate {best} ({html.escape(facts)}):</p>"
            f"<blockquote>{html.escape(reply) or '(empty)'}</blockquote>"
        )
        curve = self.curve(by, temperature)
        chosen = float(selecting[best])
        names = (by, self.gold)
        figure = plots.best_of_n_at(n, self.sizes, curve, selecting.numpy(), chosen, names)
        return shown, text, figure

    def build_controls(self, w: ModuleType, n: int, by: str, start: float | None) -> None:
        self.controls = {
            "n": view.slider(w, w.SelectionSlider, options=self.sizes, value=n, description="n")
        }
        if start is not None:
            self.controls["temperature"] = view.slider(
                w,
                w.SelectionSlider,
                options=[(f"{t:g}", t) for t in self.pools],
                value=start,
                description="temperature",
            )
        self.controls["prompt"] = view.slider(
            w, w.IntSlider, value=0, min=0, max=self.P - 1, description="prompt"
        )
        names = list(self.pools[start].rewards)
        self.controls["reward"] = view.buttons(
            w, options=names, value=by, description="selecting by"
        )

    def build_display(self, w: ModuleType, shown: str, figure: Figure) -> None:
        self.reply = w.HTML(shown)
        self.image = view.image(w, figure)
        self.caption = w.HTML(paragraphs([figure.summary]))
        self.box = w.VBox([*self.controls.values(), self.reply, self.image, self.caption])
        view.watch(self.controls.values(), self.redraw)

    def redraw(self, change: dict) -> None:
        controls = self.controls
        temperature = controls["temperature"].value if "temperature" in controls else None
        self.reply.value, _, figure = self.state(
            controls["prompt"].value, controls["n"].value, controls["reward"].value, temperature
        )
        self.image.value = figure.png()
        self.caption.value = paragraphs([figure.summary])
