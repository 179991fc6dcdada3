r"""GSM8K: real grade-school word problems with checkable answers (Cobbe et al., 2110.14168).

A reply is judged by its final number alone. Three outcomes are kept apart: *correct*, *wrong* (a
number was surely read and it is another one) and *unreadable* (no number could be read, or not
surely one). Nothing here calls ``eval``: replies are untrusted text.

What this leaves out: units ("18 dollars" reads as 18), numbers in words, answers that are not
numbers (π, roots, expressions, sets): all these but units are unreadable.
"""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..base import CourseError, read_jsonl, require, string
from .answers import check_mode, find_answer
from .equation_paths import equation_path
from .gsm8k_files import find_gsm8k
from .verdicts import verifier, verify
from .world import BaseWorld, Info


def read_problems(path: Path | str, skip_bad: bool = False) -> list[dict[str, Any]]:
    """GSM8K problems from a file of ``{"question", "answer"}`` lines.

    A list of ``{"id", "question", "solution", "answer"}``: ``id`` is the position in the file, so
    that equal questions stay apart; ``answer`` is the number after ``####`` as text.
    """

    def parse(row: Mapping[str, Any]) -> dict[str, str]:
        question = string(row, "question")
        solution = string(row, "answer")
        answer, marker = find_answer(solution, "strict")
        require(
            answer is not None and marker == "####",
            "found an 'answer' without a number after '####'; expected it to end like '#### 18'.",
        )
        return {"question": question, "solution": solution, "answer": str(answer)}

    problems, _ = read_jsonl(path, parse, skip_bad)
    return [{"id": i, **problem} for i, problem in enumerate(problems)]


class GSM8K(BaseWorld):
    """The GSM8K world: ``train`` is ``train.jsonl``, ``heldout`` is ``test.jsonl``.

    Either may be gzip'd (``.gz``). ``data`` is the folder that holds them; None is one of the
    places where :func:`find_gsm8k` looks. ``mode`` is how answers are read, see
    :func:`find_answer`.
    """

    name = "gsm8k"
    needs = "answer"
    system = "Solve the problem step by step. End with a line '#### ' followed by the final number."
    max_tokens = 400
    verifiable = True
    files = {"train": "train.jsonl", "heldout": "test.jsonl"}

    def __init__(self, data: Path | str | None = None, mode: str = "lenient") -> None:
        check_mode(mode)
        self.data = find_gsm8k() if data is None else Path(data)
        self.mode = mode
        self._problems: dict[str, list[dict[str, Any]]] = {}
        require(
            self.data.is_dir(),
            f"no folder at {self.data}; give the folder that holds train.jsonl and test.jsonl.",
        )

    def problems(self, split: str) -> list[dict[str, Any]]:
        """All problems of a split, in file order, see :func:`read_problems`."""
        require(
            split in self.files, f"split must be one of {', '.join(self.files)}; got {split!r}."
        )
        if split not in self._problems:
            self._problems[split] = read_problems(self._file(split))
        return self._problems[split]

    def _file(self, split: str) -> Path:
        name = self.files[split]
        for path in (self.data / name, self.data / f"{name}.gz"):
            if path.is_file():
                return path
        raise CourseError(
            f"{self.data} has no {name} or {name}.gz, the {split} problems. "
            "course_lib.worlds.fetch_gsm8k() fetches both from github.com/openai/grade-school-math."
        )

    def prompts(
        self, split: str = "train", limit: int | None = None, seed: int = 0
    ) -> tuple[list[str], list[Info]]:
        """``(questions, infos)`` of a split.

        An info has ``id``, ``answer`` (text) and ``solution``, the reference. The order is shuffled
        by ``seed`` and ``limit`` takes its first prompts: a smaller limit gives a prefix of a
        larger one.
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
        questions, infos = [], []
        for i in order[:limit]:
            problem = problems[i]
            questions.append(problem["question"])
            infos.append({key: problem[key] for key in ("id", "answer", "solution")})
        return questions, infos

    def verify(self, prompt: str, text: str, info: Info) -> dict[str, str | None]:
        """The verdict as a plain dictionary: ``status``, ``answer`` (text or None), ``marker``."""
        require("answer" in info, "the verifier needs info['answer'], the reference.")
        return verify(text, info["answer"], self.mode).to_dict()

    def gold(self, prompt: str, text: str, info: Info, finished: bool = True) -> float:
        """1.0 for a correct reply, else 0.0.

        A reply that was cut (``finished=False``) is judged by what it has written.
        """
        return verifier(prompt, text, info, self.mode)

    def gold_parts(
        self, prompt: str, text: str, info: Info, finished: bool = True
    ) -> dict[str, Any]:
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

    def path(self, prompt: str, text: str, info: Info) -> tuple[str, ...]:
        """The reasoning path of a reply, see :func:`equation_path`.

        The ``key`` of :func:`course_lib.pools.distinct_paths`.
        """
        return equation_path(text)

    def ideal_reply(self, info: Info) -> str:
        """The reference solution, a reply with gold reward 1."""
        return info["solution"]
