"""The rewards of one row of a file, under whichever of the usual names they stand."""

import re
from collections.abc import Mapping
from typing import Any

from ..base import require
from .words import type_name

LARGEST = 3.4e38  # rewards are kept as float32
# the first of these that fits is the reward of a row; what it is called in the pool
MAIN = {"rewards": "reward", "reward": "reward", "scores": "score", "score": "score"}
# where none of those is there, all that fit of these
OTHER = re.compile(
    r"(.*_)?(rewards?|scores?|ratings?)|(is_)?correct|correctness(_\w+)?|acc|accuracy|passed"
    r"|exact_match|verifier"
)
LABELS = ("label", "labels", "kto_tag", "desirable", "chosen")  # KTO's: whether the reply is wanted
WANTED = {"true": True, "desirable": True, "chosen": True,
          "false": False, "undesirable": False, "rejected": False}  # fmt: skip

Rewards = dict[str, list[float]]  # name → one number for each reply of the row


def found_rewards(
    row: Mapping[str, Any],
    count: int,
    alone: bool,
    own: str | None = None,
    labels: bool = True,
) -> tuple[Rewards, set[str]]:
    """The rewards of a row with ``count`` replies, and the keys they stood under.

    ``alone``: the row holds one reply by itself, so a reward may be a number without a list.
    ``own``: the key that the row's shape has them under; what stands there must be rewards. A label
    of KTO is read beside the others, with ``labels``.
    """
    rewards, used = _main(row, count, alone, own)
    if not rewards:
        for key in row:
            if OTHER.fullmatch(key) and _fits(row[key], count, alone):
                rewards[key] = numbers(row[key], key, count, alone)[key]
                used.add(key)
    for key in LABELS if labels else ():
        value = row.get(key)
        said = [verdict(one) for one in (value if isinstance(value, list) else [value])]
        if len(said) == count and None not in said:
            rewards["label"] = [float(label) for label in said if label is not None]
            used.add(key)
    return rewards, used


def verdict(value: Any) -> bool | None:
    """Whether a label says that a reply is wanted; None where it is no label."""
    if isinstance(value, str):
        return WANTED.get(value.strip().lower())
    return bool(value) if isinstance(value, int | float) and value in (0, 1) else None


def _main(
    row: Mapping[str, Any], count: int, alone: bool, own: str | None
) -> tuple[Rewards, set[str]]:
    keys = list(MAIN) if own is None else [own, *(key for key in MAIN if key != own)]
    for key in keys:
        value = row.get(key)
        if value is None:
            continue
        as_list = isinstance(value, list) and not alone
        as_text = isinstance(value, str) and value.replace(".", "").lstrip("-").isdecimal()
        if (
            key == own
            or as_list
            or as_text
            or isinstance(value, dict)
            or _fits(value, count, alone)
        ):
            return numbers(value, MAIN.get(key, key), count, alone, key), {key}
    return {}, ({own} if own is not None and own in row else set())


def numbers(value: Any, name: str, count: int, alone: bool, key: str | None = None) -> Rewards:
    """``value`` as rewards: a list of numbers called ``name``, or a dictionary of such lists.

    Raises :class:`CourseError` for anything but ``count`` finite numbers.
    """
    key = key or name
    named = value if isinstance(value, dict) else {name: value}
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        # an object for each reply: [{"a": 1, "b": 2}, {"a": 0, "b": 1}]
        named = {name: [one.get(name) for one in value] for name in value[0]}
    rewards = {}
    for name, values in named.items():
        if alone and not isinstance(values, list):
            values = [values]
        elif count == 1 and isinstance(values, int | float):
            values = [values]
        _check_list(name, values, key, count)
        for number in values:
            _check_number(name, number)
        rewards[name] = [float(number) for number in values]
    return rewards


def _fits(value: Any, count: int, alone: bool) -> bool:
    """Whether ``value`` could be rewards of ``count`` replies; :func:`numbers` looks closer."""
    if isinstance(value, list):
        return len(value) == count and all(isinstance(one, int | float) for one in value)
    return (alone or count == 1) and isinstance(value, int | float)


def _check_list(name: str, values: Any, key: str, count: int) -> None:
    require(
        isinstance(values, list),
        f"found {type_name(values)} under {key!r}; expected a list of {count} "
        "numbers, or names with such lists.",
    )
    require(
        len(values) == count,
        f"found {len(values)} rewards {name!r} for {count} replies; expected one for each.",
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
