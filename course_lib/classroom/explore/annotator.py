"""Be the annotator: choose between two replies.

Then see what twenty others, gold and a reward model say.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from ...base import last_turn, require
from ...pools import Pool
from ...worlds import Annotator
from . import view
from .view import View

SHOWN = 4  # pairs in the stand-in


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
) -> View:
    """Choose A or B for one pair after another and see how often you agree with the majority.

    ``reward``: the pool's reward whose prediction is shown; pairs are candidates 0 and 1 of each
    prompt.
    """
    rows = verdicts(pool, reward, gold, annotators=annotators, seed=seed)
    shown = rows[:SHOWN]
    questions = [f"{k}. {last_turn(pool.prompts[row['prompt']])}" for k, row in enumerate(shown, 1)]
    said = [_said(row, reward, annotators) for row in shown]
    start = f"{len(rows)} pairs; {annotators} simulated annotators for each. The first {len(shown)}"
    text = f"{start}:\n{_as_text(questions, shown, said)}"
    table = _as_html(questions, shown, said)
    w = view.widgets()
    if w is None:
        return View(None, text, table)
    desk = _Desk(w, list(map(last_turn, pool.prompts)), rows, reward, annotators)
    return View(
        desk.box,
        text,
        table,
        a=desk.choose_a,
        b=desk.choose_b,
        next=desk.onward,
        pair=desk.pair,
        verdict=desk.verdict,
        tally=desk.tally,
    )


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
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        "<details><summary>Choose first; then open this: what others "
        f"say</summary><ol>{answers}</ol></details>"
    )


class _Desk:
    """The controls of :func:`be_the_annotator`, the pair on the table, and the count so far."""

    def __init__(
        self,
        w: ModuleType,
        prompts: Sequence[str],
        rows: Sequence[Mapping],
        reward: str,
        annotators: int,
    ) -> None:
        self.prompts = prompts
        self.rows = rows
        self.reward = reward
        self.annotators = annotators
        self.place = 0
        self.answered = False  # the pair on the table
        self.counts = {"answered": 0, "you": 0, "model": 0, "decided": 0}
        wide = {"width": "max-content"}
        self.choose_a = w.Button(description="A is better", layout=w.Layout(**wide))
        self.choose_b = w.Button(description="B is better", layout=w.Layout(**wide))
        self.onward = w.Button(description="next pair", layout=w.Layout(**wide))
        self.pair = w.HTML()
        self.verdict = w.HTML()
        self.tally = w.HTML()
        self.choose_a.on_click(lambda _: self.answer(prefers_a=True))
        self.choose_b.on_click(lambda _: self.answer(prefers_a=False))
        self.onward.on_click(self.forward)
        self.show()
        row = w.HBox([self.choose_a, self.choose_b, self.onward])
        self.box = w.VBox([self.pair, row, self.verdict, self.tally])

    def show(self) -> None:
        row = self.rows[self.place]
        self.pair.value = (
            f"<p><b>{html.escape(self.prompts[row['prompt']])}</b></p><p>A: "
            f"{html.escape(row['a']) or '(empty)'}</p><p>B: "
            f"{html.escape(row['b']) or '(empty)'}</p>"
        )
        self.verdict.value = "<p>Which one is better?</p>"
        self.answered = False

    def answer(self, prefers_a: bool) -> None:
        if self.answered:
            return
        # the buttons stay enabled: a disabled one would lose the keyboard's focus
        self.answered = True
        row = self.rows[self.place]
        others = html.escape(_said(row, self.reward, self.annotators))
        you = "A" if prefers_a else "B"
        self.verdict.value = f"<p>You said {you}. Others: {others}.</p>"
        self.count(row, prefers_a)

    def count(self, row: Mapping, prefers_a: bool) -> None:
        """Enter an answer in the tally; where the others are split evenly nobody is right."""
        counts = self.counts
        counts["answered"] += 1
        if 2 * row["votes"] != self.annotators:
            for_a = 2 * row["votes"] > self.annotators
            counts["decided"] += 1
            counts["you"] += prefers_a == for_a
            counts["model"] += (row["predicted"] > 0.5) == for_a
        self.tally.value = (
            f"<p>{counts['answered']} answered. Of the {counts['decided']} with a majority "
            f"you agreed with {counts['you']}, {html.escape(self.reward)} with "
            f"{counts['model']}.</p>"
        )

    def forward(self, _button: Any = None) -> None:
        self.place = (self.place + 1) % len(self.rows)
        self.show()
