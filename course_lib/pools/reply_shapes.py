"""Rows with one reply or several, and what was thought of them: one function a shape.

Each takes a :class:`~course_lib.pools.records.Row` and gives its record. ``shapes.py`` has the
table that says which rows they read.
"""

import json
from collections.abc import Mapping
from typing import Any

from ..base import CourseError, Prompt, require
from .file_rewards import LARGEST, Rewards, numbers
from .messages import Side, is_dialogue, is_messages, messages_from, prompt_from, side_from
from .pool import FINISH
from .records import QUESTIONS, Record, Row
from .words import listed, type_name

# names of a prompt, of one reply, of several replies, and of the text in a reply that is an object
ASKS = ("prompt", "question", "problem", "query", "instruction", "input")
DIALOGUES = ("messages", "conversations", "conversation", "dialogue", "dialog")
# where pairs have what was said before their replies, if there is none of the others
BEFORE = ("trajectory", "context_messages", "context", "post", "history")
REPLIES = (
    "completion",
    "response",
    "output",
    "model_completion",
    "model_output",
    "generated_text",
    "generation",
    "prediction",
    "solution",
    "answer",
)
BESIDE = REPLIES[:-2]  # beside a dialogue, solution and answer are references
MANY = (
    "responses",
    "completions",
    "outputs",
    "generations",
    "samples",
    "candidates",
    "answers",
    "solutions",
)
TEXTS = ("response", "answer", "text", "completion", "output", "generation", "content")
HELPSTEER = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")


def first_of(row: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    """The first of ``keys`` that the row has."""
    return next((key for key in keys if row.get(key) is not None), None)


def in_list(ask: str, reply: str, own: str, row: Row) -> Record:
    """A prompt and a list of its replies, with rewards under ``own``."""
    return row.record(row.prompt(ask), row.list_of_sides(reply), own=own)


def one_reply(ask: str, reply: str, own: str, row: Row) -> Record:
    """A prompt and one reply, or a list of them, with a reward under ``own``."""
    several = row.is_list(reply) and bool(row.values[reply])
    return row.record(row.prompt(ask), row.sides(reply), single=not several, own=own)


def any_list(row: Row) -> Record:
    """A prompt and a list of replies under some of the usual names."""
    many = next(key for key in MANY if row.is_list(key))
    return row.record(asked(row, *DIALOGUES), row.list_of_sides(many))


def any_reply(row: Row) -> Record:
    """A prompt and one reply under some of the usual names."""
    reply = first_of(row.values, REPLIES)
    assert reply is not None
    several = row.is_list(reply)
    return row.record(asked(row), row.sides(reply), single=not several)


def alpaca(row: Row) -> Record:
    """An instruction with an input, which may be empty, and the reply to both."""
    prompt = with_input(row)
    reply = first_of(row.values, ("output", "response"))
    assert reply is not None
    several = row.is_list(reply)
    return row.record(prompt, row.sides(reply), single=not several)


def asked(row: Row, *more: str) -> Prompt | None:
    """The prompt under one of its usual names or of ``more``; None where there is none."""
    if isinstance(row.values.get("instruction"), str) and "prompt" not in row.values:
        return with_input(row)
    return row.prompt(*ASKS, *more)


def with_input(row: Row) -> Prompt:
    """Alpaca's prompt: the instruction, and the input or context after an empty line.

    A question beside it is the prompt, unless the instruction holds it.
    """
    key = first_of(row.values, QUESTIONS)
    question, whole = row.values.get(key or ""), row.values.get("instruction")
    if key and not (isinstance(question, str) and isinstance(whole, str) and question in whole):
        prompt = row.prompt(key)
        assert prompt is not None
        return prompt
    parts = []
    for key in ("instruction", "input", "context"):
        value = row.values.get(key)
        if isinstance(value, str) or key == "instruction":
            text = row.take(key)
            require(
                isinstance(text, str),
                f"found {type_name(text)} under {key!r}; expected a string.",
            )
            parts.append(text)
        else:
            require(
                not value,
                f"found {type_name(value)} under {key!r} beside an instruction; expected a string. "
                "Say which key is the whole prompt with --keys prompt=NAME.",
            )
    prompt = prompt_from("\n\n".join(part for part in parts if part.strip()), "instruction")
    return row.with_history(prompt)


def helpsteer(row: Row) -> Record:
    """HelpSteer and HelpSteer2: a reply and five marks, which become five rewards."""
    side = row.side("response")
    rewards: Rewards = {}
    for name in HELPSTEER:
        if name in row.values:
            rewards |= numbers(row.take(name), name, 1, True)
    return row.record(row.prompt("prompt"), [side], rewards, single=True)


def dialogue(row: Row) -> Record:
    """Whole dialogues, as OpenAI and ShareGPT have them: the last message is the reply."""
    key = first_of(row.values, DIALOGUES)
    assert key is not None
    last = row.values[key][-1] if is_messages(row.values[key]) else {}
    messages = messages_from(row.take(key), key)
    if last.get("weight") == 0:  # OpenAI's: not to be learned
        row.values = {**row.values, "weight": 0}
    require(
        messages[-1]["role"] == "assistant",
        f"found a dialogue under {key!r} that ends with a message from the "
        f"{messages[-1]['role']}, so there is no reply; expected the assistant's last.",
    )
    require(len(messages) > 1, f"found a reply without a prompt under {key!r}; expected both.")
    prompt = prompt_from(row.with_history(messages[:-1]), key)
    return row.record(prompt, [messages[-1]["content"]], single=True)


def scored_dialogue(row: Row) -> Record:
    """open-instruct: dialogues with the reply beside them, or both in them and once more beside."""
    reply_key, key = first_of(row.values, BESIDE), first_of(row.values, DIALOGUES)
    assert reply_key is not None and key is not None
    reply = row.side(reply_key)
    messages = messages_from(row.values[key], key)
    row.used.add(key)
    if messages[-1]["role"] == "assistant":
        last = messages.pop()
        if last["content"] != reply:
            row.used.discard(key)  # the dialogue stays in info, with the reply that differs
    require(messages, f"found a reply without a prompt under {key!r}; expected both.")
    return row.record(prompt_from(row.with_history(messages), key), [reply], single=True)


# ---- replies that are objects


def is_objects(value: Any) -> bool:
    """Whether ``value`` is a list of objects with a reply in each, and no chat messages."""
    if not isinstance(value, list) or not value or is_dialogue(value):
        return False
    if is_messages(value) and not any(one.keys() - {"role", "content"} for one in value):
        return False
    return all(isinstance(one, dict) and first_of(one, TEXTS) for one in value)


def objects(row: Row) -> Record:
    """UltraFeedback and Nectar: each reply is an object with its model, its marks or its rank."""
    many = next(key for key in MANY if is_objects(row.values.get(key)))
    sides: list[Side] = []
    others = []
    for one in row.take(many):
        rest = Row(one)
        name = first_of(one, TEXTS)
        assert name is not None
        if "role" in one:
            rest.used |= {"role", "content"}
            sides.append(side_from(one, many))
        else:
            sides.append(rest.side(name))
        others.append({key: value for key, value in one.items() if key not in rest.used})
    rewards = _marks(others) or None  # else they may stand beside the replies
    record = row.record(asked(row, *DIALOGUES), sides, rewards)
    record.info[many] = others
    if all(one.get("finish_reason") in FINISH[:2] for one in others):
        record.finish = [FINISH.index(one["finish_reason"]) for one in others]
    return record


def _marks(replies: list[dict[str, Any]]) -> Rewards:
    """The reward that all replies have: a score, a rank (the first is the best), or ratings."""
    for name in ("reward", "score", "overall_score", "rating", "pm_score"):
        values = [one.get(name) for one in replies]
        if all(isinstance(value, int | float) for value in values):
            return numbers(values, name, len(values), False)
    ranks = [one.get("rank") for one in replies]
    if all(_is_mark(rank) for rank in ranks):
        return {"rank": [-float(rank) for rank in ranks if rank is not None]}
    ratings = [_mean_rating(one.get("annotations")) for one in replies]
    if all(rating is not None for rating in ratings):
        return {"rating": [rating for rating in ratings if rating is not None]}
    return {}


def _is_mark(value: Any) -> bool:
    return isinstance(value, int | float) and -LARGEST < value < LARGEST


def _mean_rating(annotations: Any) -> float | None:
    """The mean of UltraFeedback's ratings of one reply, which are digits as text."""
    if not isinstance(annotations, dict):
        return None
    found = [mark.get("Rating") for mark in annotations.values() if isinstance(mark, dict)]
    digits = [float(mark) for mark in map(str, found) if mark.isascii() and mark.isdigit()]
    return sum(digits) / len(digits) if digits and max(digits) < LARGEST else None


# ---- lm-evaluation-harness

METRICS = ("exact_match", "acc", "math_verify", "pass@1", "prompt_level_strict_acc")


def lm_eval(row: Row) -> Record:
    """A sample of lm-evaluation-harness: a doc, what was asked, and what came back.

    The prompt is the request, with its few-shot examples. A metric is of the whole doc, and so a
    reward only where there is one reply.
    """
    replies = row.take("resps")
    good = isinstance(replies, list) and len(replies) == 1 and isinstance(replies[0], list)
    require(
        good and replies[0] and all(isinstance(reply, str) for reply in replies[0]),
        "found no generated reply under 'resps' (a multiple-choice task has none); expected one "
        "list of texts.",
    )
    texts: list[Side] = [*Row({"resps": replies[0]}).list_of_sides("resps")]
    asked = _request(row)
    rewards: Rewards = {}
    if len(texts) == 1:
        named = row.values.get("metrics")
        names = named if isinstance(named, list) else METRICS
        for name in names:
            if isinstance(name, str) and isinstance(row.values.get(name), int | float):
                rewards |= numbers(row.take(name), name, 1, True)
    return row.record(asked, texts, rewards, single=len(texts) == 1)


def _request(row: Row) -> Prompt:
    """What the model was asked: the first argument, or the doc's question."""
    value = row.values.get("arguments")
    rest: list[Any] = []
    while isinstance(value, list | dict) and value and not is_messages(value):
        first, *others = value.values() if isinstance(value, dict) else value
        value, rest = first, rest + others
    if isinstance(value, str) and value.strip():
        row.used.add("arguments")
        if rest:
            row.values = {**row.values, "arguments_rest": rest}
        if value.startswith('[{"role"'):  # chat messages, written as text
            try:
                return prompt_from(json.loads(value), "arguments")
            except (ValueError, RecursionError):
                pass
        return prompt_from(value, "arguments")
    doc = row.values.get("doc")
    name = first_of(doc, ASKS) if isinstance(doc, dict) else None
    if not isinstance(doc, dict) or name is None:
        keys = listed(doc) if isinstance(doc, dict) else type_name(doc)
        raise CourseError(
            f"found no request under 'arguments', and under 'doc': {keys[:200]}; say which is the "
            "prompt with --keys prompt=doc.NAME."
        )
    return prompt_from(doc[name], f"doc.{name}")


# ---- rows that are no replies to one prompt


def steps(row: Row) -> Record:
    """Refuses stepwise supervision, whose completions are the steps of one reply."""
    raise CourseError(
        "found the steps of one reply under 'completions', with a label each; expected whole "
        "replies. Join the steps, or say what is what with --keys."
    )
