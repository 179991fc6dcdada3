"""A browser of candidates: prompts × N, rewards by name, verdicts."""

import html
from dataclasses import replace

import numpy as np

from ...base import require
from ...pools import FINISH
from . import view

PAGE = 8  # candidates on one page


def ranking(pool, prompt, by=None, highest_first=True):
    """Candidate indices of one prompt: as sampled (``by`` None) or by a reward, ties by index.

    Missing candidates left out.
    """
    here = np.flatnonzero(pool.present[prompt].numpy())
    if by is None:
        return here.tolist()
    values = pool.reward(by)[prompt].numpy()[here]
    return here[np.argsort(-values if highest_first else values, kind="stable")].tolist()


def candidate_table(pool, prompt, candidates, verdicts=None):
    """An HTML table of some candidates of one prompt.

    Number, verdict, how it ended, tokens, rewards by name, text.
    """
    heads = [
        "#",
        *(["verdict"] if verdicts is not None else []),
        "ended by",
        "tokens",
        *pool.rewards,
        "reply",
    ]
    rows, lengths = [], pool.lengths[prompt]
    for j in candidates:
        cells = [
            str(j),
            *([str(verdicts[prompt][j])] if verdicts is not None else []),
            FINISH[int(pool.finish[prompt, j])],
            str(int(lengths[j])),
            *(f"{float(r[prompt, j]):.2f}" for r in pool.rewards.values()),
        ]
        text = html.escape(pool.texts[prompt][j]) or "<em>(empty)</em>"
        rows.append(
            "<tr>"
            + "".join(f"<td>{html.escape(c)}</td>" for c in cells)
            + f'<td style="text-align:left">{text}</td></tr>'
        )
    head = "".join(f'<th scope="col">{html.escape(h)}</th>' for h in heads)
    return (
        f'<table><caption style="text-align:left">Prompt {prompt}: '
        f"<b>{html.escape(pool.prompts[prompt])}</b></caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def candidate_text(pool, prompt, candidates, verdicts=None):
    """The same table as plain text."""
    lines = [f"Prompt {prompt}: {pool.prompts[prompt]}"]
    for j in candidates:
        rewards = "  ".join(f"{name} {float(r[prompt, j]):.2f}" for name, r in pool.rewards.items())
        verdict = f"  {verdicts[prompt][j]}" if verdicts is not None else ""
        lines.append(
            f"  #{j}{verdict}  {rewards}  [{FINISH[int(pool.finish[prompt, j])]}]  "
            f"{pool.texts[prompt][j] or '(empty)'}"
        )
    return "\n".join(lines)


def only(pool, names):
    """``pool`` with the rewards called ``names``, in that order; all of them by default."""
    return (
        pool
        if names is None
        else replace(pool, rewards={name: pool.reward(name) for name in names})
    )


def candidate_browser(pool, rewards=None, verdicts=None):
    """Look through a pool: choose a prompt, an order and a page. Returns a :class:`View`.

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
    stand_in = candidate_text(pool, 0, first, verdicts), candidate_table(pool, 0, first, verdicts)
    w = view.widgets()
    if w is None:
        return view.View(None, *stand_in)
    orders = [("as sampled", (None, True))] + [
        (f"{name}, {word} first", (name, word == "highest"))
        for name in pool.rewards
        for word in ("highest", "lowest")
    ]
    prompt = view.slider(w, w.IntSlider, value=0, min=0, max=pool.P - 1, description="prompt")
    order = view.buttons(w, options=orders, value=orders[0][1], description="order")
    page = view.slider(
        w, w.IntSlider, value=1, min=1, max=max(1, -(-pool.N // PAGE)), description="page"
    )
    table = w.HTML(stand_in[1])

    def redraw(change=None):
        if change is not None and change["owner"] is not page and page.value != 1:
            page.value = 1  # draws again
            return
        start = (page.value - 1) * PAGE
        table.value = candidate_table(
            pool,
            prompt.value,
            ranking(pool, prompt.value, *order.value)[start : start + PAGE],
            verdicts,
        )

    for control in (prompt, order, page):
        control.observe(redraw, names="value")
    return view.View(
        w.VBox([prompt, order, page, table]),
        *stand_in,
        prompt=prompt,
        order=order,
        page=page,
        table=table,
    )
