"""The hero: one question, up to 256 replies in a ranked stack, and the one that is chosen."""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import assets
from ...base import last_turn, require
from ...estimators import best_of_n_curve
from ...pools import Pool
from .. import plots
from ..web import Card, picture, still
from .best_of_n import intervals_of, powers
from .sentences import KINDS, Parts, sentence_kinds

STORED = "helpdesk/pools/heldout.npz"
# reward → (name at the end of its line, name in a sentence, what it is)
JUDGES = {
    "reward-8000": ("good", "a good reward model", "It has learned from 8,000 comparisons."),
    "reward-125": ("weak", "a weak reward model", "It has learned from 125 comparisons."),
    "gold": ("gold", "gold", "A program that knows the right reply. In real life nobody has it."),
}
QUESTIONS = (97, 44, 87)  # of the stored pool: near the mean of all, and short to read
READ = 8  # replies that are shown as text in the stack while they are few


def hero(
    pool: Pool | None = None,
    questions: Sequence[int] = QUESTIONS,
    judges: Sequence[str] = tuple(JUDGES),
    gold: str = "gold",
    n: int = 16,
) -> Card:
    """One question of the help desk: replies fall into a ranked stack, the best one is chosen.

    ``pool``: by default the stored one of 128 held-out questions × 256 replies; ``questions``:
    positions of those that can be looked at; ``judges``: names of the rewards that can choose;
    ``gold``: the evaluating reward; ``n``: where it starts.
    """
    pool = pool or Pool.load(assets.path(STORED))
    require(questions, "no questions: give the position of at least one.")
    outside = [i for i in questions if not 0 <= i < pool.P]
    require(not outside, f"no question {outside and outside[0]}: the pool has {pool.P}.")
    require(
        all("topic" in info for info in pool.info),
        "the hero shows what each sentence does, so it needs a pool of the help desk, with topics.",
    )
    sizes = powers(pool.N)
    require(n in sizes, f"n must be one of {sizes}; got {n}.")
    data = {
        "sizes": sizes,
        "judges": [_named(name) for name in judges],
        "curves": [_curves(pool, name, gold, sizes) for name in judges],
        "questions": [_question(pool, i, judges, gold, sizes) for i in questions],
        "kinds": KINDS,
        "count": pool.P,
        "start": sizes.index(n),
    }
    text, fallback = _still(pool, questions[0], judges, gold, sizes)
    return Card("hero", data, text, fallback)


def _named(judge: str) -> dict[str, str]:
    short, name, about = JUDGES.get(judge, (judge, judge, ""))
    return {"short": short, "name": name, "about": about}


def _curves(pool: Pool, judge: str, gold: str, sizes: Sequence[int]) -> dict[str, Any]:
    """Gold and the judge's own score of its best of n, over all questions."""
    own = pool.reward(judge)  # (P, N)
    return {
        "gold": intervals_of(best_of_n_curve(own, pool.reward(gold), sizes)),
        "own": intervals_of(best_of_n_curve(own, own, sizes)),
    }


def _question(
    pool: Pool, i: int, judges: Sequence[str], gold: str, sizes: Sequence[int]
) -> dict[str, Any]:
    """One question: every reply's scores and shape, and the words of those that are read."""
    scores = [pool.reward(name)[i].numpy() for name in judges]  # (N,) each
    read = set(range(min(READ, pool.N)))
    read |= {int(row[:n].argmax()) for row in scores for n in sizes}
    parts = [_parts(pool, i, j) for j in range(pool.N)]
    return {
        "ask": last_turn(pool.prompts[i]),
        "topic": pool.info[i]["topic"],
        "scores": [np.round(row, 2) for row in scores],
        "gold": np.round(pool.reward(gold)[i].numpy(), 2),
        "shapes": [_shape(each) for each in parts],
        "texts": {str(j): parts[j] for j in sorted(read)},
    }


def _parts(pool: Pool, i: int, j: int) -> Parts:
    return sentence_kinds(pool.texts[i][j], pool.info[i]["topic"])


def _shape(parts: Parts) -> list[int]:
    """A reply as bars: kind (its place in ``KINDS``) and words of each sentence, in one list."""
    return [v for sentence, kind in parts for v in (KINDS.index(kind), len(sentence.split()))]


def _still(
    pool: Pool, i: int, judges: Sequence[str], gold: str, sizes: Sequence[int]
) -> tuple[str, str]:
    """(text, HTML): the first reply and what each judge chooses from all, and the curves."""
    ask = last_turn(pool.prompts[i])
    judged = pool.reward(gold)
    chosen = [("The first reply", 0)]
    for name in judges:
        by = f"Chosen from {pool.N} replies by {_named(name)['name']}"
        chosen.append((by, int(pool.reward(name)[i].argmax())))
    curves = {
        f"chosen by {_named(name)['name']}": best_of_n_curve(pool.reward(name), judged, sizes)
        for name in judges
    }
    figure = plots.best_of_n(sizes, curves, quiet=True)
    lines, bubbles = [f"Question: {ask}"], []
    for title, j in chosen:
        points = f"gold {float(judged[i, j]):.2f}"
        lines.append(f"{title} ({points}): {pool.texts[i][j] or '(empty)'}")
        bubbles.append(_bubble(title, points, _parts(pool, i, j)))
    mean = f"Over all {pool.P} questions. {figure.summary}"
    page = (
        f'<p class="ck-ask">{html.escape(ask)}</p>{"".join(bubbles)}'
        f"{picture(figure)}<p>{html.escape(mean)}</p>"
    )
    return "\n".join([*lines, mean]), still(page)


def _bubble(title: str, points: str, parts: Parts) -> str:
    said = " ".join(
        f'<span class="ck-part ck-{kind}">{html.escape(sentence)}</span>'
        for sentence, kind in parts
    )
    return (
        f'<div class="ck-bubble"><p><b>{html.escape(title)}</b></p><p>{said or "(empty)"}</p>'
        f'<div class="ck-chips"><span class="ck-chip">{points}</span></div></div>'
    )
