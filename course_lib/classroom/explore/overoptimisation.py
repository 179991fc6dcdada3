"""An over-optimisation explorer.

For each reward model and each n, proxy and gold over all prompts, and the reply chosen for one of
them.
"""

import html
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import torch

from ...base import last_turn, require
from ...estimators import best_of_n_curve, kl_best_of_n_bound, overoptimisation_fit
from ...pools import Pool
from .. import plots
from ..plots import Figure
from . import view
from .candidates import only
from .view import View, paragraphs


def overoptimisation_explorer(
    pool: Pool,
    rewards: Sequence[str],
    gold: str = "gold",
    by: str | None = None,
    n: int | None = None,
) -> View:
    """Choose a reward model, n and a prompt: proxy and gold against √KL, and the reply chosen.

    Through gold goes the fit d(α − βd). ``rewards``: names of those that may choose; ``gold``: the
    one that judges; ``by`` and ``n``: shown first (default: the first of ``rewards``, the pool's
    size).
    """
    rewards = list(rewards)
    require(rewards, "give the names of the rewards to choose by.")
    require(
        gold not in rewards,
        f"the reward that judges must not be one that chooses; {gold!r} does both.",
    )
    judged = pool.reward(gold)
    pool = only(pool, rewards)
    by = by or rewards[0]
    pool.reward(by)  # must be there, without NaN
    sizes = [2**k for k in range(pool.N.bit_length()) if 2**k <= pool.N]
    require(
        len(sizes) >= 3, f"the fit needs at least 4 candidates a prompt; this pool has {pool.N}."
    )
    n = n if n in sizes else sizes[-1]
    explorer = _Explorer(pool, judged, gold, sizes)
    lines, reply, figure = explorer.state(0, n, by)
    text = "\n".join([*lines, reply])
    shown = _page(lines, reply)
    still = shown + view.picture(figure)
    w = view.widgets()
    if w is None:
        return View(None, text, still)
    explorer.build(w, n, by, shown, figure)
    return View(
        explorer.box,
        text,
        still,
        reward=explorer.reward,
        n=explorer.size,
        prompt=explorer.prompt,
        words=explorer.words,
        image=explorer.image,
    )


def _page(lines: Sequence[str], reply: str) -> str:
    return paragraphs(lines) + f"<blockquote>{html.escape(reply)}</blockquote>"


class _Explorer:
    """What :func:`overoptimisation_explorer` shows, and its controls once they are built."""

    def __init__(self, pool: Pool, judged: torch.Tensor, gold: str, sizes: list[int]) -> None:
        self.pool = pool
        self.judged = judged  # (P, N)
        self.gold = gold
        self.sizes = sizes
        self.known: dict[str, tuple[np.ndarray, np.ndarray, Any]] = {}

    def curves(self, by: str) -> tuple[np.ndarray, np.ndarray, Any]:
        """Own score and gold of the best of n, (P, len(sizes)) each, and the fit through gold."""
        if by not in self.known:
            scores = self.pool.reward(by)
            proxy = best_of_n_curve(scores, ns=self.sizes)
            value = best_of_n_curve(scores, self.judged, self.sizes)
            means = value.mean(0)
            d = np.sqrt(kl_best_of_n_bound(self.sizes))
            self.known[by] = proxy, value, overoptimisation_fit(d, means - means[0])
        return self.known[by]

    def state(self, prompt: int, n: int, by: str) -> tuple[list[str], str, Figure]:
        """Lines of text, the chosen reply and the figure of one setting."""
        proxy, value, fit = self.curves(by)
        gold = self.gold
        figure = plots.overoptimisation_at(n, self.sizes, proxy, value, fit, (by, gold))
        scores = self.pool.reward(by)[prompt, :n]
        worth = self.judged[prompt, :n]
        best = int(scores.argmax())
        lines = [
            figure.summary,
            f"Prompt: {last_turn(self.pool.prompts[prompt])}",
            f"Of the first {n} candidates {by} chooses number {best}: {by} "
            f"{float(scores[best]):.2f}, {gold} {float(worth[best]):.2f} (highest {gold} there "
            f"was: {float(worth.max()):.2f}):",
        ]
        return lines, self.pool.texts[prompt][best] or "(empty)", figure

    def build(self, w: ModuleType, n: int, by: str, shown: str, figure: Figure) -> None:
        names = list(self.pool.rewards)
        last = self.pool.P - 1
        self.reward = view.buttons(w, options=names, value=by, description="selecting by")
        self.size = view.slider(w, w.SelectionSlider, options=self.sizes, value=n, description="n")
        self.prompt = view.slider(w, w.IntSlider, value=0, min=0, max=last, description="prompt")
        self.words = w.HTML(shown)
        self.image = view.image(w, figure)
        self.box = w.VBox([self.reward, self.size, self.prompt, self.image, self.words])
        view.watch((self.reward, self.size, self.prompt), self.redraw)

    def redraw(self, change: dict) -> None:
        lines, reply, figure = self.state(self.prompt.value, self.size.value, self.reward.value)
        self.words.value = _page(lines, reply)
        self.image.value = figure.png()
