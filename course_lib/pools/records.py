"""One line of a file of rollouts, checked and in one form whatever its shape."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..base import require, string
from .pool import FINISH, STOP
from .shapes import LISTS, PAIRS, SHAPES, SINGLES, type_name

LARGEST = 3.4e38  # rewards are kept as float32


@dataclass
class Record:
    """A prompt with some replies, their rewards (name → list) and finish (indices into FINISH).

    ``index`` is the line's ``prompt_index``, if it has one.
    """

    prompt: str
    texts: list[str]
    rewards: dict[str, list[float]]
    finish: list[int]
    info: dict[str, Any]
    index: Any = None


def record_of(row: Mapping[str, Any], shape: str) -> Record:
    """The line ``row`` of shape ``shape``, checked.

    Raises :class:`CourseError` saying what was found and expected; it never quotes the line.
    """
    ask, reply, extra = SHAPES[shape]
    prompt, messages = _prompt(row, ask)
    if shape in PAIRS:
        texts = [_reply(row[reply], reply), _reply(row[extra], extra)]
        rewards = {"preference": [1.0, 0.0]}
    elif shape in LISTS:
        require(
            isinstance(row[reply], list) and row[reply],
            f"found {type_name(row[reply])} under {reply!r}; expected a list of at least one "
            "reply.",
        )
        texts = [_reply(value, reply) for value in row[reply]]
        rewards = _rewards(row, extra, len(texts))
    else:
        texts = [_reply(row[reply], reply)]
        rewards = _rewards(row, extra, None)
    finish = _finish(row, shape, len(texts))
    used = {ask, reply, extra}
    if shape in SINGLES:
        used.add("prompt_index")
    if finish is not None:
        used.add("finish_reason")
    info = {key: value for key, value in row.items() if key not in used}
    if isinstance(info.get("info"), dict):  # where write_rollouts puts it
        info.update(info.pop("info"))
    if messages:
        info["messages"] = messages
    finish = finish or [STOP] * len(texts)
    return Record(prompt, texts, rewards, finish, info, index=row.get("prompt_index"))


def _finish(row: Mapping[str, Any], shape: str, count: int) -> list[int] | None:
    """The finish of each reply as indices into FINISH.

    None when the line does not say "stop" or "length" for every reply.
    """
    if shape in PAIRS:
        return None
    reasons = row.get("finish_reason")
    if shape in SINGLES:
        reasons = [reasons]
    if not isinstance(reasons, list) or len(reasons) != count:
        return None
    if any(reason not in ("stop", "length") for reason in reasons):
        return None
    return [FINISH.index(reason) for reason in reasons]


# ---- prompts and replies, plain or as chat messages


def _prompt(row: Mapping[str, Any], key: str) -> tuple[str, list[dict[str, Any]]]:
    """The prompt's text and the other chat messages."""
    messages = row[key]
    if not isinstance(messages, list):
        return string(row, key), []
    for message in messages:
        _check_message(message, key)
    users = [i for i, message in enumerate(messages) if message["role"] == "user"]
    require(
        users,
        f"found {len(messages)} chat messages under {key!r} and none from the user; expected "
        "at least one with role 'user'.",
    )
    last = users[-1]
    return messages[last]["content"], messages[:last] + messages[last + 1 :]


def _reply(value: Any, key: str) -> str:
    """The text of one reply, given as a string or as a list with one assistant message."""
    if not isinstance(value, list):
        require(
            isinstance(value, str),
            f"found {type_name(value)} as a reply under {key!r}; expected a string or a list with "
            "one assistant message.",
        )
        return string({key: value}, key)
    require(
        len(value) == 1,
        f"found {len(value)} chat messages in one reply under {key!r}; expected one, from "
        "the assistant.",
    )
    message = value[0]
    _check_message(message, key)
    require(
        message["role"] == "assistant",
        f"found a reply from {message['role'][:20]!r} under {key!r}; expected role 'assistant'.",
    )
    return message["content"]


def _check_message(message: Any, key: str) -> None:
    require(
        isinstance(message, dict) and isinstance(message.get("role"), str),
        f'found a chat message without a role under {key!r}; expected {{"role", "content"}}.',
    )
    string(message, "content")


# ---- rewards


def _rewards(row: Mapping[str, Any], key: str, count: int | None) -> dict[str, list[float]]:
    """The rewards of one line by name.

    Lists of ``count`` numbers, or of one number when ``count`` is None.
    """
    value = row.get(key)
    if value is None:
        return {}
    named = value if isinstance(value, dict) else {"reward": value}
    if count is None:
        named = {name: [number] for name, number in named.items()}
    else:
        for name, numbers in named.items():
            _check_list(name, numbers, key, count)
    for name, numbers in named.items():
        for number in numbers:
            _check_number(name, number)
    return {name: [float(number) for number in numbers] for name, numbers in named.items()}


def _check_list(name: str, numbers: Any, key: str, count: int) -> None:
    require(
        isinstance(numbers, list),
        f"found {type_name(numbers)} under {key!r}; expected a list of {count} "
        "numbers, or names with such lists.",
    )
    require(
        len(numbers) == count,
        f"found {len(numbers)} rewards {name!r} for {count} replies; expected one for each.",
    )


def _check_number(name: str, number: Any) -> None:
    require(
        isinstance(number, int | float),
        f"found {type_name(number)} as a reward {name!r}; expected a number.",
    )
    strange = "NaN" if number != number else "infinity or a number too large"
    require(
        -LARGEST < number < LARGEST,
        f"found {strange} as a reward {name!r}; expected a finite number.",
    )


# ---- one reply a line


def grouped(records: Sequence[Record]) -> list[Record]:
    """Neighbouring records with one prompt and one ``index`` joined, each with one reply before."""
    groups: list[list[Record]] = []
    for record in records:
        last = groups[-1][0] if groups else None
        if last and (last.prompt, last.index) == (record.prompt, record.index):
            groups[-1].append(record)
        else:
            groups.append([record])
    return [_group(group) for group in groups]


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
