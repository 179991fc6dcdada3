"""The shapes in which people keep rollouts as JSON lines, told apart by their keys.

| shape | one line holds | rewards |
|---|---|---|
| ``prompt/responses/rewards`` | a prompt and its N replies | a list, or ``{name: list}``, or none |
| ``question/completions/rewards`` | the same, other names | the same |
| ``input/output/reward`` | one reply | a number, or ``{name: number}``, or none |
| ``prompt/completion/reward`` | one reply, as TRL's SFT trainer reads it | the same |
| ``prompt/chosen/rejected`` | a pair (see below) | reward ``preference`` is 1 and 0 |
| ``model solutions`` | a problem and its solutions (see below) | ``verifier`` and ``label`` |

Pairs are as TRL's DPO and reward trainers read them. Model solutions are a GSM8K problem and four
systems' solutions, and are read only.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from ..base import CourseError
from .model_solutions import SYSTEMS

LISTS = {
    "prompt/responses/rewards": ("prompt", "responses", "rewards"),
    "question/completions/rewards": ("question", "completions", "rewards"),
}

SINGLES = {
    "input/output/reward": ("input", "output", "reward"),
    "prompt/completion/reward": ("prompt", "completion", "reward"),
}

PAIRS = {"prompt/chosen/rejected": ("prompt", "chosen", "rejected")}

SOLUTIONS = "model solutions"

SHAPES = {**LISTS, **SINGLES, **PAIRS}


def shape_of(row: Mapping[str, Any]) -> str:
    """The name of the shape that one line has.

    Raises :class:`CourseError` naming the keys found and those of the shapes.
    """
    if "ground_truth" in row and any(system in row for system in SYSTEMS):
        return SOLUTIONS
    for shape, keys in SHAPES.items():
        needed = keys if shape in PAIRS else keys[:2]  # rewards may be absent
        if all(key in row for key in needed):
            return shape
    known = "; ".join("{" + ", ".join(keys) + "}" for keys in SHAPES.values())
    hint = ""
    if {"chosen", "rejected"} <= row.keys():
        hint = " Dialogue pairs without a prompt, as in hh-rlhf, are read by hh_pairs."
    raise CourseError(
        f"found the keys {listed(sorted(row))[:200]}; expected one of the shapes {known}.{hint}"
    )


# ---- words for messages


def listed(names: Iterable[str]) -> str:
    """Names for a message: "a, b", or "none"."""
    return ", ".join(names) or "none"


def type_name(value: Any) -> str:
    """The type of a JSON value for a message, which never quotes the value itself."""
    if value == []:
        return "an empty list"
    if value is None:
        return "null"
    return type(value).__name__
