r"""GSM8K: real grade-school word problems with checkable answers (Cobbe et al., 2110.14168).

A reply is judged by its final number alone. Three outcomes are kept apart: *correct*, *wrong* (a
number was read and it is another one) and *unreadable* (no number could be read). Nothing here
calls ``eval``: replies are untrusted text.

What this leaves out: units ("18 dollars" reads as 18, "5 million" as 5), numbers in words,
scientific notation.
"""

import random
from pathlib import Path

from ..base import read_jsonl, require, string
from .equation_paths import equation_path
from .numbers import find_answer
from .verdicts import verifier, verify


def read_problems(path, skip_bad=False):
    """GSM8K problems from ``{"question", "answer"}`` lines: a list of ``{"id", "question",
    "solution", "answer"}``.

    ``id`` is the position in the file, so that equal questions stay apart; ``answer`` is the number
    after ``####`` as text.
    """

    def parse(row):
        question, solution = string(row, "question"), string(row, "answer")
        answer, marker = find_answer(solution, "strict")
        require(
            answer is not None and marker == "####",
            "found an 'answer' without a number after '####'; expected it to end like '#### 18'.",
        )
        return {"question": question, "solution": solution, "answer": str(answer)}

    problems, _ = read_jsonl(path, parse, skip_bad)
    return [{"id": i, **problem} for i, problem in enumerate(problems)]


class GSM8K:
    """The GSM8K world: ``train`` is ``train.jsonl``, ``heldout`` is ``test.jsonl``, either may be
    gzip'd (``.gz``).

    ``data`` is the folder that holds them. ``mode`` is how answers are read, see
    :func:`find_answer`.
    """

    name = "gsm8k"
    gold_name = "verifier"
    needs = "answer"
    system = "Solve the problem step by step. End with a line '#### ' followed by the final number."
    max_tokens = 400
    verifiable = True
    files = {"train": "train.jsonl", "heldout": "test.jsonl"}

    def __init__(self, data, mode="lenient"):
        require(
            data is not None,
            "the gsm8k world needs the folder with train.jsonl and test.jsonl; give it with "
            "data=... "
            "The files are in github.com/openai/grade-school-math, grade_school_math/data.",
        )
        require(mode in ("lenient", "strict"), f"mode must be 'lenient' or 'strict'; got {mode!r}.")
        self.data, self.mode, self._problems = Path(data), mode, {}
        require(
            self.data.is_dir(),
            f"no folder at {self.data}; give the folder that holds train.jsonl and test.jsonl.",
        )

    def problems(self, split):
        """All problems of a split, in file order, see :func:`read_problems`."""
        require(
            split in self.files, f"split must be one of {', '.join(self.files)}; got {split!r}."
        )
        if split not in self._problems:
            name = self.files[split]
            path = next(
                (p for p in (self.data / name, self.data / f"{name}.gz") if p.is_file()), None
            )
            require(
                path is not None,
                f"{self.data} has no {name} or {name}.gz, the {split} problems. "
                "Fetch it from github.com/openai/grade-school-math, grade_school_math/data.",
            )
            self._problems[split] = read_problems(path)
        return self._problems[split]

    def prompts(self, split="train", limit=None, seed=0):
        """``(questions, infos)`` of a split; an info has ``id``, ``answer`` (text) and
        ``solution``, the reference.

        The order is shuffled by ``seed`` and ``limit`` takes its first prompts: a smaller limit
        gives a prefix of a larger one.
        """
        problems = self.problems(split)
        limit = len(problems) if limit is None else limit
        require(
            1 <= limit <= len(problems),
            f"limit must be between 1 and {len(problems)}, the number of {split} problems in "
            f"{self.data}; got {limit}.",
        )
        order = list(range(len(problems)))
        random.Random(seed).shuffle(order)
        problems = [problems[i] for i in order[:limit]]
        return [p["question"] for p in problems], [
            {k: p[k] for k in ("id", "answer", "solution")} for p in problems
        ]

    def verify(self, prompt, text, info):
        """The verdict as a plain dictionary: ``status``, ``answer`` (text or None), ``marker``."""
        require("answer" in info, "the verifier needs info['answer'], the reference.")
        verdict = verify(text, info["answer"], self.mode)
        return {
            "status": verdict.status,
            "answer": None if verdict.answer is None else str(verdict.answer),
            "marker": verdict.marker,
        }

    def gold(self, prompt, text, info, finished=True):
        """1.0 for a correct reply, else 0.0.

        A reply that was cut (``finished=False``) is judged by what it has written.
        """
        return verifier(prompt, text, info, self.mode)

    def gold_parts(self, prompt, text, info, finished=True):
        """What is behind the gold reward.

        ``correct`` (1.0 or 0.0), the verdict's ``status``, ``answer``, ``marker``, and the
        ``reference``.
        """
        verdict = self.verify(prompt, text, info)
        return {
            "correct": float(verdict["status"] == "correct"),
            **verdict,
            "reference": info["answer"],
        }

    def path(self, prompt, text, info):
        """The reasoning path of a reply, see :func:`equation_path`.

        The ``key`` of :func:`course_lib.pools.distinct_paths`.
        """
        return equation_path(text)

    def ideal_reply(self, info):
        """The reference solution, a reply with gold reward 1."""
        return info["solution"]
