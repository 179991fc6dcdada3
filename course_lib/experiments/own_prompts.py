"""A file of one's own prompts, and the world they make."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..base import CourseError, Prompt, check_prompt, prompt_key, read_jsonl, require, simplest
from ..worlds import BaseWorld, Info

HELD_OUT = 5  # one prompt of so many is held out


def read_prompts(path: Path | str) -> tuple[list[Prompt], list[Info]]:
    """Prompts, and what else stands beside each, from a text file or a file of JSON lines.

    A text file has one prompt a line. A line of a ``.jsonl`` (or ``.jsonl.gz``), or a row of a
    ``.parquet``, has it under ``prompt``: see :func:`prompt_of`.
    """
    path = Path(path)
    if not path.name.removesuffix(".gz").endswith((".jsonl", ".json", ".parquet")):
        return _lines(path)
    rows, _ = read_jsonl(path, prompt_of)
    return [prompt for prompt, _ in rows], [info for _, info in rows]


def prompt_of(row: Mapping[str, Any]) -> tuple[Prompt, Info]:
    """The prompt of a row and its info, all other keys.

    It stands under ``prompt``: a text, or a list of chat messages. Raises
    :class:`~course_lib.base.CourseError` where there is none, or an empty one.
    """
    found = ", ".join(row)[:200] or "none"
    require("prompt" in row, f"found the keys {found}; expected 'prompt' among them.")
    check_prompt(row["prompt"])
    require(row["prompt"] != "", "found an empty prompt; expected some text.")
    return simplest(row["prompt"]), {key: row[key] for key in row if key != "prompt"}


def _lines(path: Path) -> tuple[list[Prompt], list[Info]]:
    require(
        path.is_file(),
        f"no file at {path}. Give a text file with one prompt a line, or a .jsonl file.",
    )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise CourseError(f"{path} is not text in UTF-8; save it so, one prompt a line.") from None
    prompts: list[Prompt] = [line.strip() for line in text.splitlines() if line.strip()]
    require(prompts, f"{path} is empty; one prompt a line is expected.")
    return prompts, [{} for _ in prompts]


class OwnPrompts(BaseWorld):
    """The prompts of a file as a world. There is no gold for them: a reward model must judge."""

    name = "own prompts"

    def __init__(
        self, path: Path | str, system: str | None, policy: str | None, max_tokens: int
    ) -> None:
        self.every, self.info = read_prompts(path)
        self.system, self.policy, self.max_tokens = system, policy, max_tokens

    @classmethod
    def of(
        cls, prompts: list[Prompt], system: str | None, policy: str | None, max_tokens: int
    ) -> "OwnPrompts":
        """The world of prompts that are in memory, of which nothing else is known."""
        world = cls.__new__(cls)
        world.every, world.info = prompts, [{} for _ in prompts]
        world.system, world.policy, world.max_tokens = system, policy, max_tokens
        return world

    def split(self, seed: int = 0) -> dict[str, list[int]]:
        """Positions to train on and held out, in the order of ``seed``.

        Equal prompts stay on one side.
        """
        keys = [prompt_key(prompt) for prompt in self.every]
        names = list(dict.fromkeys(keys))
        order = np.random.default_rng(seed).permutation(len(names)).tolist()
        held = {names[i] for i in order[: max(2, len(names) // HELD_OUT)]}
        rank = {names[i]: place for place, i in enumerate(order)}
        at = sorted(range(len(keys)), key=lambda i: rank[keys[i]])
        return {
            "train": [i for i in at if keys[i] not in held],
            "heldout": [i for i in at if keys[i] in held],
        }

    def prompts(
        self, split: str = "train", limit: int | None = None, seed: int = 0
    ) -> tuple[list[Prompt], list[Info]]:
        """The prompts of a split: one in five is held out."""
        parts = self.split(seed)
        require(split in parts, f"split must be 'train' or 'heldout'; got {split!r}.")
        require(
            len(parts[split]) > 0,
            f"{len(self.every)} prompts are too few to hold some out; give at least 3.",
        )
        chosen = parts[split][: None if limit is None else limit]
        return [self.every[i] for i in chosen], [self.info[i] for i in chosen]

    def gold(self, prompt: Any, text: str, info: Info, finished: bool = True) -> float:
        """There is none."""
        raise CourseError("your own prompts have no gold reward: give a reward model.")

    def gold_parts(
        self, prompt: Any, text: str, info: Info, finished: bool = True
    ) -> dict[str, Any]:
        """There is none."""
        return {}
