"""A mapping for files in no known shape: which of their keys is the prompt, and so on.

``prompt=doc.question,responses=outputs,rewards=scores.rm`` in the command line's words. A dot goes
into an object, a number takes an item of a list, and a name after a list is taken of each item.
"""

from collections.abc import Mapping
from typing import Any

from ..base import CourseError, require
from .file_rewards import LABELS, Rewards, numbers, verdict
from .messages import prompt_from
from .pair_shapes import pair
from .records import Record, Row
from .reply_shapes import DIALOGUES, asked
from .shapes import TABLE, shape_of
from .words import listed, type_name

# what may be said on the left → the key it stands for in the row that is read
FIELDS = {
    "prompt": "prompt",
    "responses": "responses",
    "response": "responses",
    "completion": "responses",
    "rewards": "rewards",
    "reward": "rewards",
    "answer": "answer",
    "chosen": "chosen",
    "rejected": "rejected",
    "system": "system",
    "index": "prompt_index",
}
MAPPED = "keys"  # the shape of rows whose replies a mapping names

Keys = Mapping[str, str] | str


def parse_keys(keys: Keys | None) -> dict[str, str]:
    """The mapping as a dictionary, field → path, from one or from ``"field=path,field=path"``."""
    if not keys:
        return {}
    if isinstance(keys, str):
        parts = [part.partition("=") for part in keys.split(",")]
        keys = {field.strip(): path.strip() for field, _, path in parts}
    found = {}
    for field, path in keys.items():
        require(
            field in FIELDS and isinstance(path, str) and path,
            "a mapping says FIELD=KEY,FIELD=KEY, where a field is one of "
            f"{listed(FIELDS)}; got {field[:40]!r}.",
        )
        require(
            FIELDS[field] not in found, f"the mapping says twice what the {field} are; say it once."
        )
        found[FIELDS[field]] = path
    require(
        ("chosen" in found) == ("rejected" in found),
        "a mapping names chosen and rejected together, or neither of them.",
    )
    require(
        "chosen" not in found or "responses" not in found,
        "a mapping names responses, or chosen and rejected; not both.",
    )
    require(
        "chosen" not in found or "rewards" not in found,
        "a mapping names rewards, or chosen and rejected, which say themselves what is better; "
        "not both.",
    )
    return found


def value_at(row: Mapping[str, Any], path: str) -> Any:
    """The value at ``path``. Raises :class:`CourseError` naming the keys that are there."""
    if path in row:  # a key may have a dot in its name
        return row[path]
    return _inside(row, path.split("."), path)


def _inside(value: Any, steps: list[str], path: str) -> Any:
    if not steps:
        return value
    first, rest = steps[0], steps[1:]
    if isinstance(value, Mapping):
        require(
            first in value,
            f"found no {first!r} on the way to {path!r}, which --keys names; the keys there are "
            f"{listed(map(str, value))[:200]}.",
        )
        return _inside(value[first], rest, path)
    require(
        isinstance(value, list),
        f"found {type_name(value)} on the way to {path!r}, where --keys expects {first!r}.",
    )
    if not first.isdecimal():
        return [_inside(one, steps, path) for one in value]
    place = int(first) if len(first) < 10 else len(value)
    require(
        place < len(value),
        f"found a list of {len(value)} on the way to {path!r}, which --keys asks for item {first}.",
    )
    return _inside(value[place], rest, path)


def mapped_shape(row: Mapping[str, Any], keys: Mapping[str, str]) -> tuple[str, Record]:
    """The shape and the record of a row where ``keys`` says what is what.

    Fields that it does not name are found as without it.
    """
    values = {name: value for name, value in row.items() if name not in keys.values()}
    for name, path in keys.items():
        values[name] = value_at(row, path)
    mapped = Row(values)
    mapped.named = set(keys)
    if "responses" in keys:
        several = mapped.is_list("responses")
        prompt = asked(mapped, *DIALOGUES)
        sides = mapped.sides("responses")
        record = mapped.record(prompt, sides, single=not several, own=_own(keys))
        if keys.get("rewards") in LABELS:
            record.rewards = _named_rewards(values["rewards"], keys["rewards"], record)
        return MAPPED, record
    if "chosen" in keys:
        return MAPPED, pair(mapped)
    name = shape_of(values)
    if name not in TABLE:
        raise CourseError(f"rows of the shape {name} take no mapping.")
    record = TABLE[name].read(mapped)
    if "prompt" in keys and "prompt" not in mapped.used:  # the shape has it elsewhere
        found = record.prompt
        record.prompt = mapped.with_history(prompt_from(values["prompt"], keys["prompt"]))
        record.info.pop("prompt", None)
        if found != record.prompt:
            record.info["prompt"] = found  # what the shape would have asked
    if "rewards" in keys:
        record.rewards = _named_rewards(values["rewards"], keys["rewards"], record)
    if "answer" in keys:
        record.info["answer"] = values["answer"]
    if "prompt_index" in keys:
        record.index = values["prompt_index"]
    return name, record


def _named_rewards(value: Any, path: str, record: Record) -> Rewards:
    """The rewards that the mapping names; a label of KTO keeps its name, and what it means."""
    name = "reward"
    if path in LABELS:
        name, several = "label", isinstance(value, list)
        said = [verdict(one) for one in (value if several else [value])]
        if None not in said:
            value = [float(bool(one)) for one in said]
    return numbers(value, name, len(record.texts), record.single, "rewards")


def _own(keys: Mapping[str, str]) -> str | None:
    return "rewards" if "rewards" in keys else None
