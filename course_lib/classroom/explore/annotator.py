"""Be the annotator: choose between two replies.

Then see what twenty others, gold and a reward model say.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ...base import last_turn, require
from ...pools import Pool
from ...worlds import Annotator
from ..web import Card
from .sentences import shown_reply

SHOWN = 4  # pairs where scripts do not run


def verdicts(
    pool: Pool,
    reward: str,
    gold: str = "gold",
    annotator: Annotator | None = None,
    annotators: int = 20,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """What others say about candidates 0 and 1 of each prompt whose two texts differ.

    Returns a list of dictionaries. Each has ``prompt`` (its position), ``a`` and ``b`` (texts),
    ``votes`` (of ``annotators``, for A), ``gold`` (of A, of B), and ``predicted``, the probability
    σ(r_A − r_B) that the reward model gives to A.
    """
    require(pool.N >= 2, f"a pair needs two candidates a prompt; the pool has {pool.N}.")
    who = annotator or Annotator()
    points = pool.reward(gold)[:, :2].double().numpy()  # (P, 2)
    scores = pool.reward(reward)[:, :2].double().numpy()  # (P, 2)
    rows = []
    for i, texts in enumerate(pool.texts):
        a, b = texts[:2]
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


def be_the_annotator(
    pool: Pool, reward: str, gold: str = "gold", annotators: int = 20, seed: int = 0
) -> Card:
    """Choose A, B or neither for one pair after another; see how often you agree with the majority.

    ``reward``: the pool's reward whose prediction is shown; pairs are candidates 0 and 1 of each
    prompt.
    """
    rows = verdicts(pool, reward, gold, annotators=annotators, seed=seed)
    shown = rows[:SHOWN]
    questions = [f"{k}. {last_turn(pool.prompts[row['prompt']])}" for k, row in enumerate(shown, 1)]
    said = [_said(row, reward, annotators) for row in shown]
    start = f"{len(rows)} pairs; {annotators} simulated annotators for each. The first {len(shown)}"
    data = {
        "reward": reward,
        "gold_name": gold,
        "annotators": annotators,
        "pairs": [_pair(pool, row) for row in rows],
    }
    text = f"{start}:\n{_as_text(questions, shown, said)}"
    return Card("annotator", data, text, _as_html(questions, shown, said))


def _pair(pool: Pool, row: Mapping) -> dict[str, Any]:
    """One pair as the browser takes it: the replies in sentences, and what others say."""
    i = row["prompt"]
    return {
        "ask": last_turn(pool.prompts[i]),
        "said": [shown_reply(pool, i, 0), shown_reply(pool, i, 1)],
        "votes": row["votes"],
        "gold": row["gold"],
        "predicted": row["predicted"],
    }


def _said(row: Mapping, reward: str, annotators: int) -> str:
    a, b = row["gold"]
    return (
        f"A {row['votes']} : {annotators - row['votes']} B; gold A {a:.2f}, B {b:.2f}; "
        f"{reward} says A with {row['predicted']:.0%}"
    )


def _as_text(questions: Sequence[str], rows: Sequence[Mapping], said: Sequence[str]) -> str:
    """The pairs as text; what others say comes after all questions."""
    lines = [
        f"{question}\n   A: {row['a']}\n   B: {row['b']}"
        for question, row in zip(questions, rows, strict=True)
    ]
    lines.append("What others say:")
    lines += [f"{k}. {line}" for k, line in enumerate(said, 1)]
    return "\n".join(lines)


def _as_html(questions: Sequence[str], rows: Sequence[Mapping], said: Sequence[str]) -> str:
    """The pairs as a table; what others say is folded away below it."""

    def cells(texts: Iterable[str]) -> str:
        opening = '<td style="text-align:left;vertical-align:top">'
        return "".join(f"{opening}{html.escape(text)}</td>" for text in texts)

    titles = ("question", "reply A", "reply B")
    head = "".join(f'<th scope="col" style="text-align:left">{title}</th>' for title in titles)
    body = "".join(
        f"<tr>{cells((question, row['a'], row['b']))}</tr>"
        for question, row in zip(questions, rows, strict=True)
    )
    answers = "".join(f"<li>{html.escape(line)}</li>" for line in said)
    return (
        f'<div style="overflow-x:auto"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
        "<details><summary>Choose first; then open this: what others "
        f"say</summary><ol>{answers}</ol></details>"
    )
