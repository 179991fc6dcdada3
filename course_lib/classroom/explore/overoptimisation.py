"""An over-optimisation explorer.

For each reward model and each n, proxy and gold over all prompts, and the reply chosen for one of
them.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...base import last_turn, require
from ...estimators import (
    best_of_n_curve,
    bootstrap_interval,
    kl_best_of_n_bound,
    overoptimisation_fit,
)
from ...pools import Pool
from .. import plots
from ..web import Card, picture
from .candidates import only
from .sentences import Parts, shown_reply

RESAMPLES = 1000  # for the bands: many curves, drawn and not reported
READABLE = 20  # prompts whose replies can be read; curves are over all


def overoptimisation_explorer(
    pool: Pool,
    rewards: Sequence[str],
    gold: str = "gold",
    by: str | None = None,
    n: int | None = None,
) -> Card:
    """Choose a reward model and move n: proxy and gold of the best of n, and the reply chosen.

    The curves stand against n, or against √KL with the fit d(α − βd) through gold. ``rewards``:
    names of those that may choose; ``gold``: the one that judges; ``by`` and ``n``: shown first
    (default: the first of ``rewards``, the pool's size).
    """
    rewards = list(rewards)
    require(rewards, "give the names of the rewards to choose by.")
    require(
        gold not in rewards,
        f"the reward that judges must not be one that chooses; {gold!r} does both.",
    )
    judged = np.asarray(pool.reward(gold), dtype=float)
    pool = only(pool, rewards)
    by = by or rewards[0]
    pool.reward(by)  # must be there, without NaN
    require(pool.N >= 4, f"the fit needs at least 4 candidates a prompt; this pool has {pool.N}.")
    view = _View(pool, judged, gold, _sizes(pool.N))
    n = n if n in view.sizes else view.sizes[-1]
    few = pool.prompts_at(range(min(pool.P, READABLE)))
    replies = _Replies(few, judged[: few.P], view.sizes)
    data = {
        "names": rewards,
        "gold": gold,
        "sizes": view.sizes,
        "d": np.sqrt(kl_best_of_n_bound(view.sizes)),
        "curves": [view.curve(name) for name in rewards],
        "prompts": [last_turn(prompt) for prompt in few.prompts],
        "all": pool.P,
        "chosen": [replies.chosen(name) for name in rewards],
        "highest": [replies.highest(i) for i in range(few.P)],
        "texts": replies.texts,  # after `chosen`: it holds what those chose
        "start": {"by": rewards.index(by), "n": view.sizes.index(n), "prompt": 0},
    }
    text, fallback = view.still(by, n)
    return Card("over-optimisation", data, text, fallback)


def _sizes(most: int) -> list[int]:
    """Powers of two up to ``most``, and the number halfway between each two of them."""
    powers = [2**k for k in range(most.bit_length()) if 2**k <= most]
    between = [3 * 2**k for k in range(most.bit_length()) if 3 * 2**k <= powers[-1]]
    return sorted(powers + between)


@dataclass(frozen=True)
class _View:
    """The curves of a pool: ``judged`` (P, N) are its gold rewards."""

    pool: Pool
    judged: np.ndarray
    gold: str
    sizes: list[int]

    def curve(self, by: str) -> dict[str, Any]:
        """Own score and gold of the best of each n, their bands, and the fit through gold."""
        scores = np.asarray(self.pool.reward(by), dtype=float)
        proxy = best_of_n_curve(scores, ns=self.sizes)
        value = best_of_n_curve(scores, self.judged, self.sizes)
        spread = float(scores.std()) or 1.0
        fit = self.fit(value)
        return {
            "own": proxy.mean(0),
            "rise": _bands((proxy - scores.mean()) / spread),
            "gold": _bands(value),
            "fit": [fit.alpha, fit.beta, fit.peak_d],
        }

    def fit(self, value: np.ndarray) -> Any:
        """d(α − βd) through the mean of ``value`` (P, len(sizes)), as a gain over n = 1."""
        means = value.mean(0)
        return overoptimisation_fit(np.sqrt(kl_best_of_n_bound(self.sizes)), means - means[0])

    def still(self, by: str, n: int) -> tuple[str, str]:
        """(text, HTML) of the first prompt at one setting."""
        scores = self.pool.reward(by)
        proxy = best_of_n_curve(scores, ns=self.sizes)
        value = best_of_n_curve(scores, self.judged, self.sizes)
        figure = plots.overoptimisation_at(n, self.sizes, proxy, value, (by, self.gold))
        best = int(scores[0, :n].argmax())
        worth = self.judged[0, :n]
        lines = [
            figure.summary,
            f"Prompt: {last_turn(self.pool.prompts[0])}",
            f"Of the first {n} candidates {by} chooses number {best + 1}: {by} "
            f"{float(scores[0, best]):.2f}, {self.gold} {worth[best]:.2f} (highest {self.gold} "
            f"there was: {worth.max():.2f}):",
        ]
        reply = self.pool.texts[0][best] or "(empty)"
        shown = "".join(f"<p>{html.escape(line)}</p>" for line in lines[1:])
        return (
            "\n".join([*lines, reply]),
            f"{picture(figure)}{shown}<blockquote>{html.escape(reply)}</blockquote>",
        )


def _bands(matrix: np.ndarray) -> list[dict[str, float]]:
    """The mean of each column of ``matrix`` (P, len(sizes)) and its interval over prompts."""
    found = [bootstrap_interval(column, resamples=RESAMPLES) for column in matrix.T]
    return [{"mean": v.mean, "low": v.low, "high": v.high} for v in found]


class _Replies:
    """Which reply is chosen from the first n of each prompt, for all n that can be shown."""

    def __init__(self, pool: Pool, judged: np.ndarray, sizes: Sequence[int]) -> None:
        self.pool = pool
        self.judged = judged
        self.sizes = sizes
        self.texts: list[list[str | Parts]] = [[] for _ in pool.prompts]
        self._place: list[dict[int, int]] = [{} for _ in pool.prompts]  # candidate → its text

    def chosen(self, by: str) -> list[list[list[float]]]:
        """For each prompt [position of n, candidate, its text, score, gold] where it changes."""
        scores = np.asarray(self.pool.reward(by), dtype=float)
        found: list[list[list[float]]] = []
        for i, row in enumerate(scores):
            changes: list[list[float]] = []
            for k, n in enumerate(self.sizes):
                j = int(row[:n].argmax())
                if not changes or changes[-1][1] != j:
                    values = [round(float(v), 2) for v in (row[j], self.judged[i, j])]
                    changes.append([k, j, self._text(i, j), *values])
            found.append(changes)
        return found

    def highest(self, i: int) -> list[float]:
        """The highest gold among the first n candidates of prompt ``i``, for each n."""
        return [round(float(self.judged[i, :n].max()), 2) for n in self.sizes]

    def _text(self, i: int, j: int) -> int:
        if j not in self._place[i]:
            self._place[i][j] = len(self.texts[i])
            self.texts[i].append(shown_reply(self.pool, i, j))
        return self._place[i][j]
