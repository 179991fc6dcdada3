"""Answering: check, explain, keep.

How an answer counts. The first answer to a question scores 1 when it is right: its level rises, and
it is asked again after more days than before. A card gives a second try after a wrong one, and that
counts half: right at the second try scores 0.5, below the 0.75 from which an answer counts as
right, so the question comes back the next day. Once the answer was shown, what is tried before that
day is practice: nothing is kept of it. :func:`answer` in Python has one try and is always kept.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ...base import require
from ..record import (
    RIGHT,
    entry_of,
    kept_in,
    load_progress,
    read_record,
    record,
    write_record,
)
from .items import LETTERS, Item, item_of, shuffled

NEAR = 0.7  # the most an order that is not right can score
SECOND = 0.5  # what a second try counts


def answer(item_id: str, given: str | Sequence[str]) -> str:
    """Check an answer, keep it, and return the explanation as text.

    ``given``: for a single choice the letter ("b"); for an ordering the letters of the steps in the
    right order ("bca" or a list); for a case your own text. A case is not marked by the computer:
    read the model answer, then call :func:`mark`.
    """
    item = item_of(item_id)
    if item["kind"] == "case":
        require(
            isinstance(given, str) and given.strip(),
            "write your answer as a text first; the model answer is shown after it.",
        )
        _keep_draft(item_id, given)
        return case_text(item)
    score, text = evaluate(item, given)
    record(item_id, given if isinstance(given, str) else "".join(given), score)
    return text


def _keep_draft(item_id: str, given: str) -> None:
    kept = read_record()
    entry_of(kept, item_id)["draft"] = given
    write_record(kept)


def heard(message: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what a card sends, and say what is kept of the item now.

    ``message``: ``item`` (its id) and ``answer``, with ``try`` (1 or 2) for a single choice and an
    ordering, with ``points`` for a marked case, with neither for the text of a case. The reply:
    ``entry`` of the progress file with its last answer, ``file`` (where it is), and ``practice``.
    """
    item = item_of(message["item"])
    given, attempt, points = (message.get(key) for key in ("answer", "try", "points"))
    before = load_progress().get(item["id"], {})
    practice = attempt is not None and waits(before)
    if item["kind"] == "case":
        require(isinstance(given, str), "the answer to a case is a text.")
        _keep_draft(item["id"], given)
        practice = points is not None and waits(before)
        if points is not None and not practice:
            mark(item["id"], points)
    elif not practice:
        require(attempt in (1, 2), f"a card gives tries 1 and 2; got {attempt!r}.")
        score, _ = evaluate(item, given)
        record(item["id"], given, score * (1 if attempt == 1 else SECOND), {"try": attempt})
    entry = last_of(load_progress().get(item["id"], {}))
    return {"entry": entry, "file": kept_in(), "practice": practice}


def waits(entry: Mapping[str, Any], now: datetime | None = None) -> bool:
    """Whether an item was answered for good and is not due yet: until then a card is practice.

    A wrong first try of a card is not for good.
    """
    answers, day = entry.get("answers"), entry.get("due")
    if not answers or not day or day <= (now or datetime.now(UTC)).isoformat():
        return False
    return answers[-1]["score"] >= RIGHT or answers[-1].get("try") != 1


def last_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An item's record with only its last answer: what a card shows of it."""
    return {**entry, "answers": list(entry.get("answers", ()))[-1:]}


def evaluate(item: Item, given: str | Sequence[str]) -> tuple[float, str]:
    """Score in [0, 1] and explanation of an answer to a single choice or an ordering.

    Every option is explained; nothing is kept.
    """
    if item["kind"] == "single":
        return _evaluate_single(item, given)
    require(
        item["kind"] == "order",
        f"{item['id']} is a case analysis, which is not evaluated: answer({item['id']!r}, "
        f"...), then mark({item['id']!r}, ...).",
    )
    return _evaluate_order(item, given)


def _evaluate_single(item: Item, given: str | Sequence[str]) -> tuple[float, str]:
    options = item["options"]
    letters = LETTERS[: len(options)]
    require(
        isinstance(given, str) and given.strip().lower() in set(letters),
        f"answer with one letter from {letters[0]} to {letters[-1]}; got {given!r}.",
    )
    chosen = letters.index(given.strip().lower())
    right = next(k for k, option in enumerate(options) if option.get("right") is True)
    lines = ["Right." if chosen == right else f"Not quite: the answer is {letters[right]}."]
    for letter, option in zip(letters, options, strict=True):
        lines.append(f"  {letter}) {option['why']}")
    return float(chosen == right), "\n".join(lines)


def _evaluate_order(item: Item, given: str | Sequence[str]) -> tuple[float, str]:
    """The score is the share of pairs of steps in the right order; 1, or at most 0.7."""
    letters = LETTERS[: len(item["steps"])]
    require(
        isinstance(given, str | list | tuple) and all(isinstance(g, str) for g in given),
        f"answer with letters, such as {letters[::-1]!r} or {list(letters[::-1])}; got {given!r}.",
    )
    if isinstance(given, str):
        given = given.lower()
    given = [g for g in given if g not in " ,;"]
    require(
        sorted(given) == list(letters),
        f"answer with each of the letters {letters} once, in your order, such as "
        f"{letters[::-1]!r}; got {''.join(given)!r}.",
    )
    offered = shuffled(item)
    order = [offered[letters.index(g)] for g in given]
    pairs = [(a, b) for a in range(len(order)) for b in range(a + 1, len(order))]
    score = sum(order[a] < order[b] for a, b in pairs) / len(pairs)
    # an order is right or it is not; the number only says how near it is
    score = score if score == 1 else min(score, NEAR)
    wrong = next((k for k, at in enumerate(order) if at != k), None)
    if wrong is None:
        lines = ["Right."]
    else:
        lines = [f"Not quite: place {wrong + 1} is the first that differs. The order is:"]
    lines += [f"  {k}. {step['text']} {step['why']}" for k, step in enumerate(item["steps"], 1)]
    return score, "\n".join(lines)


def mark(item_id: str, points: Collection[int]) -> str:
    """Mark your own case answer.

    ``points`` lists the numbers (from 1) of the rubric's points that your answer has.
    """
    item = item_of(item_id)
    require(
        item["kind"] == "case", f"{item_id} is not a case analysis; use answer({item_id!r}, ...)."
    )
    count = len(item["rubric"])
    require(
        isinstance(points, list | tuple | set)
        and all(isinstance(p, int) and 1 <= p <= count for p in points),
        f"the rubric has points 1 to {count}, and yours are a list such as [1, 2]; got {points!r}.",
    )
    draft = load_progress().get(item_id, {}).get("draft", "")
    record(item_id, draft, len(set(points)) / count, {"points": sorted(set(points))})
    return f"Noted: {len(set(points))} of {count} points."


def case_text(item: Item) -> str:
    """Model answer and rubric of a case, as text."""
    rubric = [f"  {k}. {row['point']} {row['why']}" for k, row in enumerate(item["rubric"], 1)]
    start = ["A model answer: " + item["model_answer"], "", "Compare with yours, point by point:"]
    return "\n".join(start + rubric)


def item_text(item: Item) -> str:
    """A question as plain text, with how to answer it."""
    lines = [f"[{item['id']}] {item['question']}"]
    if item["kind"] == "single":
        offered = [option["text"] for option in item["options"]]
        how = f'  Answer: print(quiz.answer("{item["id"]}", "a"))'
    elif item["kind"] == "order":
        offered = [item["steps"][k]["text"] for k in shuffled(item)]
        how = (
            f'  Answer, the letters in your order: print(quiz.answer("{item["id"]}", '
            f'"{LETTERS[: len(offered)]}"))'
        )
    else:
        offered = []
        how = (
            f'  Write a few sentences: print(quiz.answer("{item["id"]}", "...")), then '
            f'quiz.mark("{item["id"]}", [1, 2]) for the points you had.'
        )
    # there are more letters than options
    lines += [f"  {letter}) {text}" for letter, text in zip(LETTERS, offered, strict=False)]
    return "\n".join([*lines, how])
