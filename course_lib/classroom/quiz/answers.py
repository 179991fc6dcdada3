"""Answering without widgets: check, explain, keep."""

from ...base import require
from ..record import load_progress, read_record, record, write_record
from .items import LETTERS, item_of, shuffled


def answer(item_id, given):
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
        kept = read_record()
        kept["items"].setdefault(item_id, {"level": 0, "due": None, "answers": []})["draft"] = given
        write_record(kept)
        return case_text(item)
    score, text = evaluate(item, given)
    record(item_id, given if isinstance(given, str) else "".join(given), score)
    return text


def evaluate(item, given):
    """(score in [0, 1], explanation of every option) of an answer to a single choice or an
    ordering; nothing is kept.
    """
    if item["kind"] == "single":
        letters = LETTERS[: len(item["options"])]
        require(
            isinstance(given, str) and given.strip().lower() in set(letters),
            f"answer with one letter from {letters[0]} to {letters[-1]}; got {given!r}.",
        )
        chosen = letters.index(given.strip().lower())
        right = next(k for k, option in enumerate(item["options"]) if option.get("right") is True)
        lines = ["Right." if chosen == right else f"Not quite: the answer is {letters[right]}."]
        lines += [
            f"  {letter}) {option['why']}"
            for letter, option in zip(letters, item["options"], strict=True)
        ]
        return float(chosen == right), "\n".join(lines)
    require(
        item["kind"] == "order",
        f"{item['id']} is a case analysis, which is not evaluated: answer({item['id']!r}, "
        f"...), then mark({item['id']!r}, ...).",
    )
    letters = LETTERS[: len(item["steps"])]
    require(
        isinstance(given, str | list | tuple) and all(isinstance(g, str) for g in given),
        f"answer with letters, such as {letters[::-1]!r} or {list(letters[::-1])}; got {given!r}.",
    )
    given = [g for g in (given if not isinstance(given, str) else given.lower()) if g not in " ,;"]
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
    score = score if score == 1 else min(score, 0.7)
    wrong = next((k for k, at in enumerate(order) if at != k), None)
    lines = (
        ["Right."]
        if wrong is None
        else [f"Not quite: place {wrong + 1} is the first that differs. The order is:"]
    )
    lines += [f"  {k + 1}. {step['text']} {step['why']}" for k, step in enumerate(item["steps"])]
    return score, "\n".join(lines)


def mark(item_id, points):
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
    record(item_id, draft, len(set(points)) / count)
    return f"Noted: {len(set(points))} of {count} points."


def case_text(item):
    """Model answer and rubric of a case, as text."""
    return "\n".join(
        ["A model answer: " + item["model_answer"], "", "Compare with yours, point by point:"]
        + [f"  {k + 1}. {row['point']} {row['why']}" for k, row in enumerate(item["rubric"])]
    )


def item_text(item):
    """A question as plain text, with how to answer it."""
    lines = [f"[{item['id']}] {item['question']}"]
    if item["kind"] == "single":
        lines += [
            f"  {letter}) {option['text']}"
            for letter, option in zip(LETTERS, item["options"], strict=False)
        ]
        lines.append(f'  Answer: print(quiz.answer("{item["id"]}", "a"))')
    elif item["kind"] == "order":
        lines += [
            f"  {letter}) {item['steps'][k]['text']}"
            for letter, k in zip(LETTERS, shuffled(item), strict=False)
        ]
        lines.append(
            f'  Answer, the letters in your order: print(quiz.answer("{item["id"]}", '
            f'"{LETTERS[: len(item["steps"])]}"))'
        )
    else:
        lines.append(
            f'  Write a few sentences: print(quiz.answer("{item["id"]}", "...")), then '
            f'quiz.mark("{item["id"]}", [1, 2]) for the points you had.'
        )
    return "\n".join(lines)
