"""Rows that compare replies: one function a shape, all with the reward ``preference``.

It is 1 for what was preferred, 0 for what was not, and 0.5 for both where nothing was preferred.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ..base import CourseError, Prompt, require, string
from .messages import Side, checked
from .records import Record, Row
from .reply_shapes import BEFORE, DIALOGUES, asked, first_of
from .words import listed

Verdict = Callable[[Row], float]  # 1.0 where the first reply is preferred, 0.0 the second, 0.5 none


def pair(row: Row, chosen: str = "chosen", rejected: str = "rejected") -> Record:
    """A chosen and a rejected reply, with a prompt beside them or only in them."""
    sides = [row.side(chosen), row.side(rejected)]
    if row.values.get("messages") == row.values[chosen]:
        row.used.add("messages")  # UltraFeedback's, once more the chosen dialogue
    return row.record(_asked(row, sides), sides, {"preference": [1.0, 0.0]})


def pair_of_responses(row: Row) -> Record:
    """The same, as Argilla names them."""
    return pair(row, "chosen_response", "rejected_response")


def _asked(row: Row, sides: list[Side]) -> Prompt | None:
    """The prompt beside the replies; None where it stands only in them."""
    texts = all(isinstance(side, str) for side in sides)
    # whole dialogues beside dialogues repeat them
    return asked(row, *((*DIALOGUES, *BEFORE) if texts else ()))


def best_and_worse(row: Row) -> Record:
    """RewardBench 2: lists of right and of wrong replies."""
    chosen, rejected = row.list_of_sides("chosen"), row.list_of_sides("rejected")
    preference = [1.0] * len(chosen) + [0.0] * len(rejected)
    return row.record(asked(row), [*chosen, *rejected], {"preference": preference})


def two(first: str, second: str, verdict: Verdict, row: Row) -> Record:
    """Two replies and a verdict on them."""
    sides = [row.side(first), row.side(second)]
    better = verdict(row)
    prompt = row.prompt("context") if isinstance(row.values.get("context"), list) else None
    if prompt is None and isinstance(row.values.get("question"), dict):  # webgpt's
        prompt = checked(string(row.values["question"], "full_text"), "question")
    if prompt is None and isinstance(sides[0], str):
        prompt = asked(row, *BEFORE)
    return row.record(prompt, sides, {"preference": [better, 1.0 - better]})


def by_id(key: str, row: Row) -> float:
    """``key`` names the better reply: 0 or 1."""
    value = row.values.get(key)
    require(value in (0, 1), f"found no 0 or 1 under {key!r}, which names the better reply.")
    return float(value == 0)


def by_sign(key: str, row: Row) -> float:
    """HelpSteer's preferences under ``key``: −3 to 3, below 0 where the first reply is better."""
    return _compared(0.0, row.values.get(key), key)


def by_label(row: Row) -> float:
    """SHP's ``labels``: 1 where the first reply is preferred."""
    return 1.0 - by_id("labels", row)


def by_scores(first: str, second: str, row: Row) -> float:
    """Two numbers, the higher one better."""
    return _compared(row.values.get(first), row.values.get(second), f"{first}' and '{second}")


def _compared(one: Any, other: Any, name: str) -> float:
    numbers = all(isinstance(value, int | float) and value == value for value in (one, other))
    require(numbers, f"found no number under '{name}', which says which reply is better.")
    return 0.5 if one == other else float(one > other)


WINNERS = ("winner", "preferred", "preference", "choice", "label")
# no numbers: 0 and 1, or 1 and 2, cannot be told apart in one row
FIRST = ("a", "model_a", "response_a", "model a", "first", "a>b")
SECOND = ("b", "model_b", "response_b", "model b", "second", "b>a")


def by_winner(row: Row) -> float:
    """A word for the winner: ``model_a``, ``A``, ``B``, ``tie`` ..."""
    key = first_of(row.values, WINNERS)
    word = str(row.values[key]).strip().lower() if key is not None else ""
    if word in FIRST or word in SECOND:
        return float(word in FIRST)
    if word.startswith(("tie", "same", "equal", "both", "neither")):
        return 0.5
    if word.lstrip("-").replace(".", "").isdecimal():
        raise CourseError(
            f"found a number under {key!r}, which may count the replies from 0 or from 1; expected "
            'a word for the better one: "a" or "model_a", "b" or "model_b", "tie". Or write rows '
            "of prompt, chosen and rejected."
        )
    raise CourseError(
        f"found two replies and no word for the better one; expected one of {listed(WINNERS)} to "
        "say model_a, model_b or tie."
    )


def summaries(row: Row) -> Record:
    """OpenAI's summarize-from-feedback: a post, two summaries, and which was chosen."""
    values = row.take("summaries")
    good = isinstance(values, list) and len(values) == 2
    require(
        good and all(isinstance(one, dict) for one in values),
        "found no two objects under 'summaries'; expected two with 'text' each.",
    )
    sides: list[Side] = [string(one, "text") for one in values]
    better = by_id("choice", row)
    facts = row.values.get("info")
    key = first_of(facts, ("post", "article")) if isinstance(facts, Mapping) else None
    require(key is not None, "found no 'post' or 'article' under 'info'; expected the text.")
    assert isinstance(facts, Mapping) and key is not None
    prompt = checked(string(facts, key), f"info.{key}")
    record = row.record(prompt, sides, {"preference": [better, 1.0 - better]})
    rest = [{name: value for name, value in one.items() if name != "text"} for one in values]
    record.info["summaries"] = rest
    return record
