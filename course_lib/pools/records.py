"""One row of a file in one form, whatever its shape, and the rows of one prompt joined."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base import Message, Prompt, messages_of, prompt_key, require, simplest, string
from .file_rewards import LARGEST, Rewards, found_rewards
from .messages import (
    Side,
    is_dialogue,
    is_messages,
    messages_from,
    prompt_from,
    side_from,
    sides_from,
)
from .pool import FINISH, STOP
from .turns import LONG, divided, marked
from .words import listed, type_name

# where a reference answer may stand; it is copied to info["answer"], where verifiers look
ANSWERS = (
    "answer",
    "ground_truth",
    "gts",
    "target",
    "reference_answer",
    "expected_answer",
    "final_answer",
    "gold_answer",
    "gold",
    "solution",
    "label",  # where it is no verdict
)
FEW = 4  # rows
QUESTIONS = ("prompt", "question", "problem", "query")  # what a context may belong to
ASKED = (*QUESTIONS, "instruction", "input")
SYSTEMS = ("system", "system_prompt", "system_message")
# what describes a row in words and is no prompt
NO_PROMPT = re.compile(
    r"(.*_)?(id|uuid|model|source|hash|date|url)|model_.*|dataset|subset|split|category|categories"
    r"|type|lang|language|domain|license|tags?|label"
)
# what numbers the prompts of a file; read only where some number comes twice
NUMBERS = ("prompt_id", "question_id", "problem_id", "task_id", "doc_id", "index", "idx", "id")


@dataclass
class Record:
    """A prompt with some replies, their rewards (name → list) and finish (indices into FINISH).

    ``single``: the row holds one reply, and others of the same prompt may stand in other rows.
    ``index`` is the row's ``prompt_index``, if it has one. ``gold`` is the number under ``label``,
    read as a verdict where it is 0 or 1.
    """

    prompt: Prompt
    texts: list[str]
    rewards: Rewards
    finish: list[int]
    info: dict[str, Any]
    single: bool = False
    index: Any = None
    gold: float | None = None


class Row:
    """One row of a file while it is read: which of its keys were used, the others become info."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.used: set[str] = set()
        self.named: set[str] = set()  # the fields that whoever reads has named; they decide

    def take(self, key: str) -> Any:
        """The value under ``key``, which will not be in info; None where there is none."""
        self.used.add(key)
        return self.values.get(key)

    def prompt(self, *keys: str) -> Prompt | None:
        """The prompt under the first of ``keys`` that is there; None where none is.

        The row's ``system`` message and ``history`` are put before it, and its ``context`` after
        it, which the question is about.
        """
        there = [key for key in keys if key in self.values]
        if not there:
            return None
        key = next((key for key in there if self.values[key] is not None), there[0])
        prompt = prompt_from(self.take(key), key)
        self._check_others(key, prompt)
        context = self.values.get("context")
        if key in QUESTIONS and isinstance(prompt, str) and isinstance(context, str):
            self.used.add("context")
            if context.strip() and context.strip() not in prompt:
                prompt = f"{prompt}\n\n{string(self.values, 'context')}"
        return prompt if key == "history" else self.with_history(prompt)

    def _check_others(self, key: str, prompt: Prompt) -> None:
        """Raise where text under another name of a prompt would be lost beside this one."""
        if key not in ASKED or "prompt" in self.named:
            return
        held = " ".join(" ".join(message["content"] for message in messages_of(prompt)).split())
        for other in (*ASKED, "history"):
            text = self.values.get(other)
            lost = other != key and isinstance(text, str) and " ".join(text.split()) not in held
            require(
                not lost,
                f"found a prompt under {key!r} and another text under {other!r}; expected one of "
                f"them. Say which is the prompt with --keys prompt={key}, or with "
                f"--keys prompt={key},system={other} what the other is.",
            )

    def with_history(self, prompt: Prompt) -> Prompt:
        """``prompt`` after the row's ``system`` message and ``history``, if it has them."""
        head, body = _headed(messages_of(prompt))
        own, before = _headed(self._history())
        if body[: len(before)] == before:
            before = []  # the prompt has it already
        if own and head and own != head:
            before = [*own, *before]
        head = head or own
        for key in SYSTEMS:
            system = self.values.get(key)
            if isinstance(system, str) and not head:
                self.used.add(key)
                if system.strip():
                    head = [{"role": "system", "content": string(self.values, key)}]
        return simplest([*head, *before, *body])

    def _history(self) -> list[Message]:
        """The turns under ``history``: chat messages, or pairs of a question and its answer."""
        turns = self.values.get("history")
        if not isinstance(turns, list) or not turns:
            return []
        self.used.add("history")
        if is_messages(turns):
            return messages_from(turns, "history")
        require(
            all(isinstance(turn, list) and len(turn) == 2 for turn in turns),
            "found a list under 'history' that is neither of chat messages nor of pairs "
            "[question, answer]; expected one of them.",
        )
        roles = ("user", "assistant")
        said = [part for turn in turns for part in zip(roles, turn, strict=True)]
        return [{"role": role, "content": string({"history": t}, "history")} for role, t in said]

    def side(self, key: str) -> Side:
        """The reply under ``key``."""
        return side_from(self.take(key), key)

    def sides(self, key: str) -> list[Side]:
        """The replies under ``key``."""
        return sides_from(self.take(key), key)

    def list_of_sides(self, key: str) -> list[Side]:
        """The replies under ``key``, which must be a list of them."""
        value = self.take(key)
        require(
            isinstance(value, list) and value,
            f"found {type_name(value)} under {key!r}; expected a list of at least one reply.",
        )
        return [side_from(one, key) for one in value]

    def is_list(self, key: str) -> bool:
        """Whether there are several replies under ``key``, or could be."""
        value = self.values.get(key)
        return isinstance(value, list) and not is_dialogue(value)

    def record(
        self,
        asked: Prompt | None,
        sides: Sequence[Side],
        rewards: Rewards | None = None,
        single: bool = False,
        own: str | None = None,
    ) -> Record:
        """The record of this row. Without ``rewards`` the row's own are looked for."""
        if asked is None:
            self._check_alone(sides)
        whole = divided(asked, sides)
        if asked is None:
            whole = whole._replace(prompt=self.with_history(whole.prompt))
        count = len(whole.texts)
        # one reply in a list joins others like it; of replies that were compared none does
        joins = single or (rewards is None and count == 1)
        if rewards is None:
            rewards, used = found_rewards(
                self.values, count, single, own, "rewards" not in self.named
            )
            self.used |= used
        finish = self._finish(count, single)
        index = self.take("prompt_index") if joins else None
        info = self._info()
        if whole.unused is not None and "prompt" in self.named:
            whole = whole._replace(prompt=whole.unused)
        elif whole.unused is not None:
            info["prompt"] = whole.unused
        gold = _gold(self.values.get("label"))
        return Record(whole.prompt, whole.texts, rewards, finish, info, joins, index, gold)

    def _check_alone(self, sides: Sequence[Side]) -> None:
        """Raise where the prompt of replies without turns may stand under a name not known."""
        texts = [side for side in sides if isinstance(side, str)]
        if len(texts) < len(sides) or marked(texts):
            return
        rest = {key: value for key, value in self.values.items() if key not in self.used}
        others = [key for key, value in rest.items() if _may_ask(key, value)]
        require(
            not others,
            f"found replies without a prompt, and text under {listed(others)[:200]}; expected the "
            "prompt under a known name. Say which it is with --keys prompt=NAME.",
        )

    def _finish(self, count: int, single: bool) -> list[int]:
        """How each reply ended, as indices into FINISH, where the row says it of all."""
        reasons = self.values.get("finish_reason")
        if single:
            reasons = [reasons]
        if not isinstance(reasons, list) or len(reasons) != count:
            return [STOP] * count
        if any(reason not in ("stop", "length") for reason in reasons):
            return [STOP] * count
        self.used.add("finish_reason")
        return [FINISH.index(reason) for reason in reasons]

    def _info(self) -> dict[str, Any]:
        """All that was not used, with the reference answer under ``answer``."""
        info = {key: value for key, value in self.values.items() if key not in self.used}
        if "answer" not in info:
            answer = _answer(info)
            if answer is not None:
                info["answer"] = answer
        elif isinstance(info["answer"], int | float | list):
            info["answer"] = _as_text(info["answer"])
        inner = info.get("info")
        if isinstance(inner, dict) and not (inner.keys() - {"info"}) & info.keys():
            info.update(info.pop("info"))  # where write_rollouts puts it
        return info


def _gold(label: Any) -> float | None:
    """A number under ``label``, as it is."""
    number = isinstance(label, int | float) and not isinstance(label, bool)
    return label if number and -LARGEST < label < LARGEST else None


def _headed(messages: list[Message]) -> tuple[list[Message], list[Message]]:
    """The system message that ``messages`` begin with, if there is one, and the others."""
    at = int(bool(messages) and messages[0]["role"] == "system")
    return messages[:at], messages[at:]


def _may_ask(key: str, value: Any) -> bool:
    """Whether the text under ``key`` could be a prompt: text that only describes a row is none."""
    if isinstance(value, str) and NO_PROMPT.fullmatch(key):
        return len(value.split()) > 4
    return key not in SYSTEMS and _holds_text(value)


def _holds_text(value: Any) -> bool:
    if isinstance(value, list | dict):
        return any(map(_holds_text, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str) and bool(value.strip())


def _answer(info: Mapping[str, Any]) -> Any:
    """The reference answer under the first of its names, or where verl's data has it."""
    for key in ANSWERS:
        if info.get(key) is not None and not isinstance(info[key], dict | bool):
            return _as_text(info[key])
    judged = info.get("reward_model")
    return _as_text(judged.get("ground_truth")) if isinstance(judged, dict) else None


def _as_text(answer: Any) -> Any:
    """Numbers as text, and a list of one as that one."""
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    number = isinstance(answer, int | float) and not isinstance(answer, bool)
    return str(answer) if number else answer


def without_prompts(records: Sequence[Record]) -> int:
    """Cut the prompt off replies that repeat it, where all replies of a file do; says how many.

    A reply may begin with its question by chance or by habit: a file of few rows is left alone.
    """
    if len(records) < FEW or not all(_repeats(record) for record in records):
        return 0
    for record in records:
        assert isinstance(record.prompt, str)
        rests = [text[len(record.prompt) :] for text in record.texts]
        record.texts = [rest[1:] if rest[0] in " \n" else rest for rest in rests]
    return sum(len(record.texts) for record in records)


def _repeats(record: Record) -> bool:
    asked = record.prompt
    if not isinstance(asked, str) or len(asked) < LONG:
        return False
    return all(text.startswith(asked) and len(text) > len(asked) for text in record.texts)


def with_answers(records: Sequence[Record], path: Path | str) -> None:
    """Turn labels into answers where a number among them says that they are no verdicts."""
    golds = {record.gold for record in records} - {None}
    require(
        -1 not in golds or not golds <= {-1, 0, 1},
        f"{path}: found -1 under 'label'; expected true or false: whether a reply is wanted.",
    )
    if golds <= {0, 1}:
        return
    for record in records:
        if record.gold is not None and "label" in record.rewards:
            del record.rewards["label"]
            record.info["label"] = record.gold
            record.info.setdefault("answer", str(record.gold))


# ---- one reply a row


def grouped(records: Sequence[Record]) -> list[Record]:
    """Single records of one prompt and one number joined, wherever they stand in the file.

    Each prompt stands where it first came. Records of several replies stay as they are.
    """
    number = _number(records)
    groups: dict[Any, list[Record]] = {}
    for place, record in enumerate(records):
        key: Any = place
        if record.single:
            own = record.info.get(number) if number else None
            key = (prompt_key(record.prompt), _hashable(record.index), _hashable(own))
        groups.setdefault(key, []).append(record)
    return [group[0] if not group[0].single else _group(group) for group in groups.values()]


def _number(records: Sequence[Record]) -> str | None:
    """The key that numbers prompts, if there is one.

    It does when a number comes twice and always with the same prompt. One that differs in every row
    numbers rows, one that comes with several prompts numbers candidates: both would tear the
    replies of a prompt apart.
    """
    singles = [record for record in records if record.single]
    if any(record.index is not None for record in singles):
        return None  # prompt_index says it
    for key in NUMBERS:
        if singles and all(record.info.get(key) is not None for record in singles):
            values = [_hashable(record.info[key]) for record in singles]
            asked = {
                (value, prompt_key(record.prompt))
                for value, record in zip(values, singles, strict=True)
            }
            if len(asked) == len(set(values)) < len(values):
                return key
    return None


def _hashable(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _group(group: Sequence[Record]) -> Record:
    first = group[0]
    return Record(
        prompt=first.prompt,
        texts=[record.texts[0] for record in group],
        rewards={name: [record.rewards[name][0] for record in group] for name in first.rewards},
        finish=[record.finish[0] for record in group],
        info=_shared_info([record.info for record in group]),
    )


def _shared_info(infos: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One info for a group.

    A value that all lines share stays, others become the list of their values, None where absent.
    """
    joined = {}
    for key in dict.fromkeys(key for info in infos for key in info):
        values = [info.get(key) for info in infos]
        in_all = all(key in info for info in infos)
        shared = in_all and all(value == values[0] for value in values)
        joined[key] = values[0] if shared else values
    return joined
