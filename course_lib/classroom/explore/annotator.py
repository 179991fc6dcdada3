"""Be the annotator: choose between two replies, then see what twenty others, gold and a reward
model say.
"""

import html

import numpy as np

from ...base import require
from ...worlds import Annotator
from . import view

SHOWN = 4  # pairs in the stand-in


def verdicts(pool, reward, gold="gold", annotator=None, annotators=20, seed=0):
    """What others say about candidates 0 and 1 of each prompt whose two texts differ: a list of
    dictionaries.

    Each has ``prompt`` (its position), ``a`` and ``b`` (texts), ``votes`` (of ``annotators``, for
    A), ``gold`` (of A, of B), and ``predicted``, the probability σ(r_A − r_B) that the reward model
    gives to A.
    """
    require(pool.N >= 2, f"a pair needs two candidates a prompt; the pool has {pool.N}.")
    who, rows = annotator or Annotator(), []
    points, scores = (
        pool.reward(gold)[:, :2].double().numpy(),
        pool.reward(reward)[:, :2].double().numpy(),
    )
    for i, (a, b) in enumerate(row[:2] for row in pool.texts):
        if a == b:
            continue
        u_a, u_b = np.full((2, annotators), points[i][:, None])
        votes = int(who.prefers_first(u_a, u_b, np.random.default_rng([seed, i])).sum())
        rows.append(
            {
                "prompt": i,
                "a": a,
                "b": b,
                "votes": votes,
                "gold": tuple(points[i].tolist()),
                "predicted": float(1 / (1 + np.exp(scores[i, 1] - scores[i, 0]))),
            }
        )
    require(rows, "the two replies of every prompt are the same text; there is nothing to compare.")
    return rows


def _said(row, reward, annotators):
    a, b = row["gold"]
    return (
        f"A {row['votes']} : {annotators - row['votes']} B; gold A {a:.2f}, B {b:.2f}; "
        f"{reward} says A with {row['predicted']:.0%}"
    )


def be_the_annotator(pool, reward, gold="gold", annotators=20, seed=0):
    """Choose A or B for one pair after another and see how often you agree with the majority.
    Returns a :class:`View`.

    ``reward``: the pool's reward whose prediction is shown; pairs are candidates 0 and 1 of each
    prompt.
    """
    rows = verdicts(pool, reward, gold, annotators=annotators, seed=seed)
    text = (
        f"{len(rows)} pairs; {annotators} simulated annotators for each. The first "
        f"{min(SHOWN, len(rows))}:\n"
        + "\n".join(
            f"{k}. {pool.prompts[r['prompt']]}\n   A: {r['a']}\n   B: {r['b']}"
            for k, r in enumerate(rows[:SHOWN], 1)
        )
    )
    # after all questions
    text += "\nWhat others say:\n" + "\n".join(
        f"{k}. {_said(r, reward, annotators)}" for k, r in enumerate(rows[:SHOWN], 1)
    )
    head = "".join(
        f'<th scope="col" style="text-align:left">{h}</th>'
        for h in ("question", "reply A", "reply B")
    )
    cells = "".join(
        "<tr>"
        + "".join(
            f'<td style="text-align:left;vertical-align:top">{html.escape(c)}</td>'
            for c in (f"{k}. {pool.prompts[r['prompt']]}", r["a"], r["b"])
        )
        + "</tr>"
        for k, r in enumerate(rows[:SHOWN], 1)
    )
    answers = "".join(f"<li>{html.escape(_said(r, reward, annotators))}</li>" for r in rows[:SHOWN])
    table = (
        f"<table><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table>"
        "<details><summary>Choose first; then open this: what others "
        f"say</summary><ol>{answers}</ol></details>"
    )
    w = view.widgets()
    if w is None:
        return view.View(None, text, table)
    at, counts = {"pair": 0, "answered": False}, {"answered": 0, "you": 0, "model": 0, "decided": 0}
    choose_a, choose_b, onward = (
        w.Button(description=d, layout=w.Layout(width="max-content"))
        for d in ("A is better", "B is better", "next pair")
    )
    pair, verdict, tally = w.HTML(), w.HTML(), w.HTML()

    def show():
        row = rows[at["pair"]]
        pair.value = (
            f"<p><b>{html.escape(pool.prompts[row['prompt']])}</b></p><p>A: "
            f"{html.escape(row['a']) or '(empty)'}</p><p>B: "
            f"{html.escape(row['b']) or '(empty)'}</p>"
        )
        verdict.value, at["answered"] = "<p>Which one is better?</p>", False

    def answer(prefers_a):
        if at["answered"]:
            return
        row = rows[at["pair"]]
        # the buttons stay enabled: a disabled one would lose the keyboard's focus
        at["answered"] = True
        counts["answered"] += 1
        verdict.value = (
            f"<p>You said {'A' if prefers_a else 'B'}. Others: "
            f"{html.escape(_said(row, reward, annotators))}.</p>"
        )
        if 2 * row["votes"] != annotators:
            for_a = 2 * row["votes"] > annotators
            counts["decided"] += 1
            counts["you"] += prefers_a == for_a
            counts["model"] += (row["predicted"] > 0.5) == for_a
        tally.value = (
            f"<p>{counts['answered']} answered. Of the {counts['decided']} with a majority "
            f"you agreed with {counts['you']}, {html.escape(reward)} with "
            f"{counts['model']}.</p>"
        )

    def forward(_=None):
        at["pair"] = (at["pair"] + 1) % len(rows)
        show()

    choose_a.on_click(lambda _: answer(True))
    choose_b.on_click(lambda _: answer(False))
    onward.on_click(forward)
    show()
    return view.View(
        w.VBox([pair, w.HBox([choose_a, choose_b, onward]), verdict, tally]),
        text,
        table,
        a=choose_a,
        b=choose_b,
        next=onward,
        pair=pair,
        verdict=verdict,
        tally=tally,
    )
