"""A browser of candidates: prompts × N, rewards by name, verdicts."""

import html
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...base import last_turn, require
from ...pools import FINISH, Pool
from ..web import Card
from .sentences import shown_reply

PAGE = 8  # candidates on one page
REPLIES = 2_000  # at most, in one card
Verdicts = Sequence[Sequence[str]]


def ranking(
    pool: Pool, prompt: int, by: str | None = None, highest_first: bool = True
) -> list[int]:
    """Candidate indices of one prompt: as sampled (``by`` None) or by a reward, ties by index.

    Missing candidates are left out.
    """
    here = np.flatnonzero(pool.present[prompt].numpy())
    if by is None:
        return here.tolist()
    values = pool.reward(by)[prompt].numpy()[here]
    order = np.argsort(-values if highest_first else values, kind="stable")
    return here[order].tolist()


def candidate_table(
    pool: Pool, prompt: int, candidates: Sequence[int], verdicts: Verdicts | None = None
) -> str:
    """An HTML table of some candidates of one prompt.

    Number, verdict, how it ended, tokens, rewards by name, text.
    """
    heads = ["#", "ended by", "tokens", *pool.rewards, "reply"]
    if verdicts is not None:
        heads.insert(1, "verdict")
    lengths = pool.lengths[prompt]
    rows = []
    for j in candidates:
        cells = [str(j), FINISH[int(pool.finish[prompt, j])], str(int(lengths[j]))]
        cells += [f"{float(reward[prompt, j]):.2f}" for reward in pool.rewards.values()]
        if verdicts is not None:
            cells.insert(1, str(verdicts[prompt][j]))
        text = html.escape(pool.texts[prompt][j]) or "<em>(empty)</em>"
        rows.append(
            "<tr>"
            + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
            + f'<td style="text-align:left">{text}</td></tr>'
        )
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in heads)
    return (
        f'<table><caption style="text-align:left">Prompt {prompt}: '
        f"<b>{html.escape(last_turn(pool.prompts[prompt]))}</b></caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def candidate_text(
    pool: Pool, prompt: int, candidates: Sequence[int], verdicts: Verdicts | None = None
) -> str:
    """The same table as plain text."""
    lines = [f"Prompt {prompt}: {last_turn(pool.prompts[prompt])}"]
    for j in candidates:
        values = {name: float(reward[prompt, j]) for name, reward in pool.rewards.items()}
        rewards = "  ".join(f"{name} {value:.2f}" for name, value in values.items())
        verdict = f"  {verdicts[prompt][j]}" if verdicts is not None else ""
        ended = FINISH[int(pool.finish[prompt, j])]
        text = pool.texts[prompt][j] or "(empty)"
        lines.append(f"  #{j}{verdict}  {rewards}  [{ended}]  {text}")
    return "\n".join(lines)


def only(pool: Pool, names: Sequence[str] | None) -> Pool:
    """``pool`` with the rewards called ``names``, in that order; all of them by default."""
    if names is None:
        return pool
    return replace(pool, rewards={name: pool.reward(name) for name in names})


def candidate_browser(
    pool: Pool, rewards: Sequence[str] | None = None, verdicts: Verdicts | None = None
) -> Card:
    """Look through a pool: choose a prompt, an order and a page.

    ``rewards``: names of those to show (default: all). ``verdicts``: P lists of N short texts, such
    as "right", "wrong", "no answer found", shown beside each candidate. Of a large pool the first
    prompts can be looked at.
    """
    require(pool.P and pool.N, "the pool is empty: there is nothing to browse.")
    pool = only(pool, rewards)
    require(
        verdicts is None
        or (len(verdicts) == pool.P and all(len(row) == pool.N for row in verdicts)),
        f"verdicts must be {pool.P} lists of {pool.N} texts.",
    )
    first = ranking(pool, 0)[:PAGE]
    text = candidate_text(pool, 0, first, verdicts)
    table = candidate_table(pool, 0, first, verdicts)
    return Card(
        "candidates", _data(pool, verdicts), text, f'<div style="overflow-x:auto">{table}</div>'
    )


def _data(pool: Pool, verdicts: Verdicts | None) -> dict[str, Any]:
    """What the browser needs: every candidate of the prompts that can be looked at."""
    looked_at = min(pool.P, max(1, REPLIES // pool.N))
    said, places = [], []  # every text once, as a bubble takes it, and where each candidate's is
    for i in range(looked_at):
        known: dict[str, int] = {}
        for j, text in enumerate(pool.texts[i]):
            if text not in known:
                known[text] = len(said)
                said.append(shown_reply(pool, i, j))
        places.append([known[text] for text in pool.texts[i]])
    words = sorted({word for row in verdicts or () for word in row})
    return {
        "prompts": [last_turn(prompt) for prompt in pool.prompts[:looked_at]],
        "count": pool.P,
        "page": PAGE,
        "said": said,
        "marked": any(isinstance(each, list) for each in said),
        "places": places,
        "rewards": {
            name: np.round(reward[:looked_at].numpy(), 2) for name, reward in pool.rewards.items()
        },
        "finish": pool.finish[:looked_at].tolist(),
        "lengths": pool.lengths[:looked_at].tolist(),
        "words": words,
        "verdicts": verdicts and [[words.index(v) for v in row] for row in verdicts[:looked_at]],
    }
