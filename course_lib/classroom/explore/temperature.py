"""A temperature explorer: how alike the replies are at each, and what the best of n gives."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...base import last_turn, require
from ...estimators import (
    best_of_n_curve,
    distinct_fraction,
    paired_difference,
)
from ...pools import Pool
from .. import plots
from ..web import Card, picture, table
from .best_of_n import by_temperature, intervals_of, powers
from .sentences import shown_reply

RESAMPLES = 1000  # for the bands: many curves, drawn and not reported
OTHERS = 3  # different texts shown beside the chosen one


@dataclass(frozen=True)
class _View:
    """Pools by temperature, who judges, and the sizes n."""

    pools: Mapping[float, Pool]
    gold: str
    sizes: Sequence[int]

    @property
    def first(self) -> Pool:
        return next(iter(self.pools.values()))

    def of_best(self, by: str) -> np.ndarray:
        """(sizes, P, temperatures): gold of the best of n by one reward."""
        curves = [
            best_of_n_curve(pool.reward(by), pool.reward(self.gold), self.sizes)
            for pool in self.pools.values()
        ]  # (P, sizes) each
        return np.stack(curves, axis=2).transpose(1, 0, 2)


def temperature_explorer(
    pools: Mapping[float, Pool],
    rewards: Sequence[str] | None = None,
    gold: str = "gold",
    n: int = 16,
    temperature: float = 1.0,
    prompts: int = 8,
) -> Card:
    """Move temperature and n: some replies, how alike they are, and gold of the best of n.

    ``pools``: {temperature: pool}, with the same prompts and N; ``rewards``: names of those that
    can choose (default: all of the pools'; the first is shown first); ``gold``: the evaluating
    reward; ``prompts``: how many can be looked at (curves are over all). For each n the best
    temperature is marked, and those that cannot be told from it (95 %, paired by prompt).
    """
    require(
        isinstance(pools, Mapping) and len(pools) > 1,
        "give pools of at least two temperatures, as {temperature: pool}.",
    )
    pools = by_temperature(dict(pools))
    first = next(iter(pools.values()))
    names = list(rewards or first.rewards)
    require(names, "the pools have no reward to choose by; score them first.")
    require(prompts >= 1, f"prompts must be 1 or more; got {prompts}.")
    view = _View(pools, gold, powers(first.N))
    n = n if n in view.sizes else view.sizes[-1]
    start = temperature if temperature in pools else next(iter(pools))
    curves = {name: view.of_best(name) for name in names}
    data = {
        "temperatures": list(pools),
        "sizes": view.sizes,
        "names": names,
        "gold_name": gold,
        "curves": {name: [_points(each) for each in found] for name, found in curves.items()},
        "level": {name: [_level(each) for each in found] for name, found in curves.items()},
        "alike": [[_different(pool, size) for pool in pools.values()] for size in view.sizes],
        "count": first.P,
        "prompts": [
            _prompt(view, names, i) | {"ask": last_turn(first.prompts[i])}
            for i in range(min(prompts, first.P))
        ],
        "start": {"n": view.sizes.index(n), "at": list(pools).index(start)},
    }
    data["marked"] = any(isinstance(said, list) for p in data["prompts"] for said in p["said"])
    text, fallback = _still(view, names[0], curves[names[0]])
    return Card("temperature", data, text, fallback)


def _points(values: np.ndarray) -> list[dict[str, float]]:
    """Mean and interval at each temperature of ``values`` (P, T)."""
    return intervals_of(values, RESAMPLES)


def _level(values: np.ndarray) -> list[int]:
    """The best temperature, then those that cannot be told from it; positions."""
    best = int(values.mean(0).argmax())
    near = []
    for t in range(values.shape[1]):
        if t != best and not np.allclose(values[:, best], values[:, t]):
            found = paired_difference(values[:, best], values[:, t], resamples=RESAMPLES)
            if not found.excludes_zero:
                near.append(t)
    return [best, *near]


def _different(pool: Pool, n: int) -> float:
    """Share of different texts among the first n, mean over prompts."""
    return float(np.mean([distinct_fraction(row[:n]) for row in pool.texts]))


def _prompt(view: _View, names: Sequence[str], i: int) -> dict[str, Any]:
    """One prompt at every temperature: which text each candidate says, and the texts shown."""
    said: list[Any] = []  # every text shown, once, over all temperatures
    points: list[float] = []
    places: dict[str, int] = {}
    at = []
    for pool in view.pools.values():
        texts = pool.texts[i]
        numbers = {text: k for k, text in enumerate(dict.fromkeys(texts))}  # as first said
        best = [[int(pool.reward(name)[i, :n].argmax()) for n in view.sizes] for name in names]
        shown = {j for row in best for j in row}
        shown |= {texts.index(text) for text in list(numbers)[: OTHERS + 1]}
        for j in sorted(shown):
            if texts[j] not in places:
                places[texts[j]] = len(said)
                said.append(shown_reply(pool, i, j))
                points.append(round(float(pool.reward(view.gold)[i, j]), 2))
        at.append(
            {
                "number": [numbers[text] for text in texts],  # of the text each candidate says
                "said": {str(numbers[texts[j]]): places[texts[j]] for j in sorted(shown)},
                "best": best,
            }
        )
    return {"said": said, "gold": points, "at": at}


def _still(view: _View, by: str, curves: np.ndarray) -> tuple[str, str]:
    """(text, HTML): the curves of some n, and the best temperature for each n."""
    grid = list(view.pools)
    some = [k for k, n in enumerate(view.sizes) if k % 2 == 0]
    figure = plots.against_temperature(
        grid,
        {f"n = {view.sizes[k]}": curves[k] for k in some},
        f"{view.gold} of the best of n by {by}",
        quiet=True,
    )
    rows = []
    for k, n in enumerate(view.sizes):
        best, *near = _level(curves[k])
        close = ", ".join(f"{grid[t]:g}" for t in near) or "none"
        rows.append((n, f"{grid[best]:g}", f"{curves[k][:, best].mean():.2f}", close))
    words = [
        f"n = {n}: best at T = {best} ({view.gold} {mean}); cannot be told from it: {close}"
        for n, best, mean, close in rows
    ]
    head = ("n", "best temperature", view.gold, "cannot be told from it")
    lead = html.escape(f"Chosen by {by}, judged by {view.gold}.")
    return (
        "\n".join([figure.summary, *words]),
        f"<p>{lead}</p>{picture(figure)}{table(head, rows)}",
    )
