"""A browser of candidates: prompts × N, rewards by name, verdicts."""

import html
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType

import numpy as np

from ...base import last_turn, require
from ...pools import FINISH, Pool
from . import view
from .view import View

PAGE = 8  # candidates on one page
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
) -> View:
    """Look through a pool: choose a prompt, an order and a page.

    ``rewards``: names of those to show (default: all). ``verdicts``: P lists of N short texts, such
    as "right", "wrong", "no answer found", shown beside each candidate.
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
    w = view.widgets()
    if w is None:
        return View(None, text, table)
    browser = _Browser(w, pool, verdicts, table)
    return View(
        browser.box,
        text,
        table,
        prompt=browser.prompt,
        order=browser.order,
        page=browser.page,
        table=browser.table,
    )


class _Browser:
    """The controls of :func:`candidate_browser` and the table below them."""

    def __init__(
        self, w: ModuleType, pool: Pool, verdicts: Verdicts | None, first_table: str
    ) -> None:
        self.pool = pool
        self.verdicts = verdicts
        orders = [("as sampled", (None, True))]
        for name in pool.rewards:
            orders.append((f"{name}, highest first", (name, True)))
            orders.append((f"{name}, lowest first", (name, False)))
        pages = max(1, -(-pool.N // PAGE))
        self.prompt = view.slider(
            w, w.IntSlider, value=0, min=0, max=pool.P - 1, description="prompt"
        )
        self.order = view.buttons(w, options=orders, value=orders[0][1], description="order")
        self.page = view.slider(w, w.IntSlider, value=1, min=1, max=pages, description="page")
        self.table = w.HTML(first_table)
        self.box = w.VBox([self.prompt, self.order, self.page, self.table])
        view.watch((self.prompt, self.order, self.page), self.redraw)

    def redraw(self, change: dict) -> None:
        if change["owner"] is not self.page and self.page.value != 1:
            self.page.value = 1  # draws again
            return
        start = (self.page.value - 1) * PAGE
        ranked = ranking(self.pool, self.prompt.value, *self.order.value)
        shown = ranked[start : start + PAGE]
        self.table.value = candidate_table(self.pool, self.prompt.value, shown, self.verdicts)
