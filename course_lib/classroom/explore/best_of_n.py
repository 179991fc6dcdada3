"""A slider over n: what is chosen, and what best-of-n gives over all prompts."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...base import last_turn, require
from ...estimators import best_of_n_curve, bootstrap_interval
from ...pools import Pool
from .. import plots
from ..plots import Figure
from ..web import Card, picture
from .candidates import only
from .sentences import shown_reply

DOTS = 20_000  # at most, in one card: of more prompts only the first can be looked at
STEPS = 96  # of a score in the browser: fine enough for a dot
ByTemperature = Mapping[float | None, Pool]


def powers(most: int) -> list[int]:
    """1, 2, 4, … up to ``most``."""
    return [2**k for k in range(most.bit_length())]


def intervals_of(values: np.ndarray, resamples: int = 2000) -> list[dict[str, float]]:
    """Mean and interval over prompts of each column of ``values`` (P, K)."""
    found = [bootstrap_interval(column, resamples=resamples) for column in values.T]
    return [{"mean": v.mean, "low": v.low, "high": v.high} for v in found]


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
) -> Card:
    """Move n: see which of the first n is chosen, and what best-of-n gives over all prompts.

    ``pool``: a pool, or {temperature: pool} with the same prompts for a control of the temperature
    too, which starts at ``temperature``; ``by``: the selecting reward shown first (by default the
    first of ``rewards``); ``rewards``: names of those that can be chosen (default: all of the
    pool's); ``gold``: the evaluating reward.
    """
    pools = by_temperature(pool)
    judged = {t: pool.reward(gold) for t, pool in pools.items()}  # (P, N) each
    pools = {t: only(pool, rewards) for t, pool in pools.items()}
    start = temperature if temperature in pools else next(iter(pools))
    first = pools[start]
    by = by or next(iter(first.rewards), None)
    for each in pools.values():
        each.reward(by)  # must be there, without NaN
    sizes = powers(first.N)
    n = n if n in sizes else sizes[-1]
    names = list(first.rewards)
    looked_at = max(1, min(first.P, DOTS // (first.N * len(names) * len(pools))))
    shown = {t: _one_pool(p, judged[t], sizes, looked_at) for t, p in pools.items()}
    points = [
        point for each in shown.values() for curve in each["curves"].values() for point in curve
    ]
    first_texts = shown[start]["texts"]
    data = {
        "prompts": [last_turn(prompt) for prompt in first.prompts[:looked_at]],
        "count": first.P,
        "sizes": sizes,
        "names": names,
        "gold_name": gold,
        "temperatures": ["" if t is None else f"{t:g}" for t in pools],
        "pools": list(shown.values()),
        "marked": any(isinstance(said, list) for row in first_texts for said in row.values()),
        "range": [min(p["low"] for p in points), max(p["high"] for p in points)],
        "start": {
            "n": sizes.index(n),
            "by": names.index(by),
            "prompt": 0,
            "at": list(pools).index(start),
        },
    }
    text, fallback = _still(first, judged[start], by, gold, n, sizes, start)
    return Card("best-of-n", data, text, fallback)


def _one_pool(pool: Pool, judged: Any, sizes: Sequence[int], looked_at: int) -> dict:
    """What the browser needs of one pool: curves over all prompts, and of the first ``looked_at``
    prompts dots, choices and the texts that are chosen."""
    rewards = pool.rewards  # (P, N) each
    few = {name: scores[:looked_at] for name, scores in rewards.items()}
    chosen = {name: _choices(scores, judged[:looked_at], sizes) for name, scores in few.items()}
    ever: list[set[int]] = [set() for _ in range(looked_at)]  # positions chosen at some n
    for choice in chosen.values():
        for i, row in enumerate(choice["at"].tolist()):
            ever[i].update(row)
    return {
        "dots": {name: _dots(scores.numpy()) for name, scores in few.items()},
        "chosen": chosen,
        "curves": {
            name: intervals_of(best_of_n_curve(scores, judged, sizes))
            for name, scores in rewards.items()
        },
        "texts": [
            {str(j): shown_reply(pool, i, j) for j in sorted(found)} for i, found in enumerate(ever)
        ],
    }


def _choices(scores: Any, judged: Any, sizes: Sequence[int]) -> dict[str, np.ndarray]:
    """(P, sizes) each: the chosen candidate, its score and gold, how many have a higher gold."""
    at = np.stack([scores[:, :n].argmax(1).numpy() for n in sizes], axis=1)
    gold = np.take_along_axis(judged.numpy(), at, axis=1)
    above = [(judged[:, :n].numpy() > gold[:, [k]]).sum(1) for k, n in enumerate(sizes)]
    score = np.take_along_axis(scores.numpy(), at, axis=1)
    return {
        "at": at,
        "score": np.round(score, 2),
        "gold": np.round(gold, 2),
        "above": np.stack(above, axis=1),
    }


def _dots(scores: np.ndarray) -> dict[str, Any]:
    """Scores for drawing: whole numbers of steps above the lowest."""
    low = float(scores.min())
    step = (float(scores.max()) - low) / STEPS or 1.0
    return {"low": low, "step": step, "rows": np.round((scores - low) / step).astype(int)}


def _still(
    pool: Pool, judged: Any, by: str, gold: str, n: int, sizes: Sequence[int], t: float | None
) -> tuple[str, str]:
    """(text, HTML) of the first prompt at one setting."""
    question = last_turn(pool.prompts[0])
    selecting = pool.reward(by)[0, :n]
    evaluating = judged[0, :n]
    best = int(selecting.argmax())
    above = int((evaluating > evaluating[best]).sum())
    reply = pool.texts[0][best] or "(empty)"
    sampled = "" if t is None else f", sampled at temperature {t:g},"
    facts = (
        f"{by} {float(selecting[best]):.2f}, {gold} {float(evaluating[best]):.2f}; "
        f"{above} of {n} candidates have a higher {gold}"
    )
    lead = f"Best of {n} by {by}{sampled} is candidate {best} ({facts}):"
    curve = best_of_n_curve(pool.reward(by), judged, sizes)
    figure: Figure = plots.best_of_n_at(
        n, sizes, curve, selecting.numpy(), float(selecting[best]), (by, gold)
    )
    text = f"Prompt: {question}\n{lead}\n{reply}\n{figure.summary}"
    shown = (
        f"<p><b>{html.escape(question)}</b></p><p>{html.escape(lead)}</p>"
        f"<blockquote>{html.escape(reply)}</blockquote>{picture(figure)}"
    )
    return text, shown
