"""Word problems with written-out steps, several right paths to each answer, and an exact verifier.

A problem is a small expression dressed in words: sums, differences, products and equal shares of
numbers below 100. A solution is a list of steps ``<< 3 * 4 = 12 >>`` and the answer after ``####``,
as in GSM8K, so that the verifier, the extractor of equations and the count of distinct paths of
:mod:`course_lib.worlds.gsm8k` serve both worlds.

The bundled policy has learned from solutions written in a hurry, most of which misread the problem
in one typical way (see :data:`course_lib.worlds.KINDS`). So its likeliest answer is wrong, a
majority of its samples agrees on the mistake, and the right path is a minority's.

What this leaves out: units, decimals, negative numbers, and any text a step could misunderstand.
Real problems have all of them.
"""

from typing import Any

import numpy as np

from ..base import require
from .answers import check_mode
from .equation_paths import equation_path, equation_report
from .expressions import value_of
from .problems import KINDS, draw_problem, in_words, is_heldout, write_solution
from .verdicts import verify
from .world import BaseWorld, Info

SIZES = {"train": 20000, "heldout": 2000, "templates": 2000}
# the bundled SFT policy has seen a hurried solution of each of
# prompts("train", limit=SFT_PROBLEMS, seed=0)
SFT_PROBLEMS = 6000


class Arithmetic(BaseWorld):
    """The arithmetic world.

    Splits: "train", "heldout" (other problems, same wordings) and "templates" (other problems,
    other wordings). ``mode`` is how answers are read, see :func:`find_answer`.
    """

    name = "arithmetic"
    needs = "answer"
    policy = "arithmetic/policy"
    max_tokens = 72
    verifiable = True

    def __init__(self, mode: str = "strict") -> None:
        check_mode(mode)
        self.mode = mode
        self._problems: dict[str, list[dict[str, Any]]] = {}

    def problems(self, split: str) -> list[dict[str, Any]]:
        """All problems of a split, drawn when they are first asked for.

        Dictionaries with "id", "question", "answer" (text), "kind", "template", "numbers" and
        "solution" (one right path, read with care).
        """
        require(split in SIZES, f"split must be one of {', '.join(SIZES)}; got {split!r}.")
        if split not in self._problems:
            self._problems[split] = _draw(split)
        return self._problems[split]

    def prompts(
        self, split: str = "train", limit: int | None = None, seed: int = 0
    ) -> tuple[list[str], list[Info]]:
        """``(questions, infos)`` of a split, in an order drawn with ``seed``; ``limit`` of them.

        A smaller limit gives a prefix of a larger one. An info has ``id``, ``answer``, ``solution``
        (one right path), ``kind``, ``template`` and ``numbers``.
        """
        rows = self.problems(split)
        limit = len(rows) if limit is None else limit
        require(
            1 <= limit <= len(rows),
            f"limit must be between 1 and {len(rows)}, the number of {split} problems in the "
            f"arithmetic world; got {limit}.",
        )
        order = np.random.default_rng(seed).permutation(len(rows))[:limit]
        questions, infos = [], []
        for i in order:
            info = dict(rows[i])
            questions.append(info.pop("question"))
            infos.append(info)
        return questions, infos

    def verify(self, prompt: str, text: str, info: Info) -> dict[str, str | None]:
        """The verdict as a plain dictionary.

        ``status`` ("correct", "wrong" or "unreadable"), ``answer`` (text or None), ``marker``. In
        strict mode a reply that never gives an answer after ``####`` is unreadable, not wrong.
        """
        require("answer" in info, "the verifier needs info['answer'], the right answer.")
        return verify(text, info["answer"], self.mode).to_dict()

    def gold(self, prompt: str, text: str, info: Info, finished: bool = True) -> float:
        """1.0 for a correct reply, else 0.0."""
        return float(self.verify(prompt, text, info)["status"] == "correct")

    def gold_parts(
        self, prompt: str, text: str, info: Info, finished: bool = True
    ) -> dict[str, Any]:
        """What is behind the gold reward.

        ``correct`` (1.0 or 0.0), the verdict, the ``reference``, and how many ``steps`` are
        ``false``.
        """
        verdict = self.verify(prompt, text, info)
        steps = equation_report([text])
        return {
            "correct": float(verdict["status"] == "correct"),
            **verdict,
            "reference": info["answer"],
            "steps": steps["equations"],
            "false": steps["false"],
        }

    def path(self, prompt: str, text: str, info: Info) -> tuple[str, ...]:
        """The reasoning path of a reply: its equations in order.

        See :func:`course_lib.worlds.equation_path`.
        """
        return equation_path(text)

    def ideal_reply(self, info: Info) -> str:
        """A right solution."""
        return info["solution"]


def _draw(split: str) -> list[dict[str, Any]]:
    """The problems of a split: the same ones on every machine, no question twice."""
    rng = np.random.default_rng([17, list(SIZES).index(split)])
    rows: list[dict[str, Any]] = []
    seen = set()
    while len(rows) < SIZES[split]:
        kind, numbers, expression = draw_problem(rng)
        last = len(KINDS[kind].wordings) - 1
        template = last if split == "templates" else int(rng.integers(last))
        question = in_words(kind, numbers, rng, template)
        misplaced = is_heldout(kind, numbers) == (split == "train")
        if misplaced or question in seen:
            continue
        seen.add(question)
        rows.append(
            {
                "id": len(rows),
                "question": question,
                "answer": str(value_of(expression)),
                "kind": kind,
                "template": template,
                "numbers": numbers,
                "solution": write_solution(expression, rng),
            }
        )
    return rows
