"""An OpenAI-compatible server's answer, read with distrust: what it holds, and where it belongs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..pools import LENGTH, STOP
from .endpoint import FailedError

BROKEN = ("abort", "error")  # vLLM's and SGLang's words for a reply that was broken off
CUT = ("length", "content_filter")  # it would have gone on


@dataclass(frozen=True)
class Reply:
    """One candidate.

    Attributes
    ----------
    text : what was written, without what ended it.
    finish : ``STOP``, or ``LENGTH`` where it was cut.
    logprob : the sum of its tokens' log-probabilities in nats, or None.
    tokens : how many they are, or None.
    """

    text: str
    finish: int
    logprob: float | None = None
    tokens: int | None = None


def replies_in(answer: Any, count: int, stops: Sequence[str] = ()) -> dict[int, Reply]:
    """The candidates of one answer by their ``index``, at most ``count``.

    They may come in any order. Of two with one index the first counts; those with an index that
    nobody asked for, and those that were broken off, are left out. Raises :class:`FailedError`
    where none is left.
    """
    choices = answer.get("choices") if isinstance(answer, dict) else None
    if not isinstance(choices, list):
        raise FailedError("an answer without choices")
    found: dict[int, Reply] = {}
    for choice in choices:
        index = choice.get("index", 0) if isinstance(choice, dict) else None
        good = isinstance(index, int) and 0 <= index < count and index not in found
        if good and choice.get("finish_reason") not in BROKEN:
            found[index] = _reply(choice, stops)
    if not found:
        raise FailedError("an answer with no usable choice")
    return found


def _reply(choice: dict[str, Any], stops: Sequence[str]) -> Reply:
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else choice.get("text")
    if text is None and isinstance(message, dict):
        text = ""  # a model that only thought, and was cut before its answer
    if not isinstance(text, str):
        raise FailedError("a choice without text")
    numbers = _logprobs(choice.get("logprobs"))
    if isinstance(message, dict) and (message.get("reasoning_content") or message.get("reasoning")):
        numbers = None  # they are of its thoughts too, and those are not in the text
    return Reply(
        text=_cut(text.encode("utf-8", "replace").decode(), stops),
        finish=LENGTH if choice.get("finish_reason") in CUT else STOP,
        logprob=None if numbers is None else math.fsum(numbers),
        tokens=None if numbers is None else len(numbers),
    )


def _logprobs(given: Any) -> list[float] | None:
    """The log-probability of each token, of a chat's reply or of a completion; None without."""
    if not isinstance(given, dict):
        return None
    rows = given.get("content")
    numbers = given.get("token_logprobs")
    if isinstance(rows, list):
        numbers = [row.get("logprob") if isinstance(row, dict) else None for row in rows]
    if not isinstance(numbers, list):
        return None
    good = all(isinstance(one, int | float) and -1e9 < one < 1e9 for one in numbers)
    return [float(one) for one in numbers] if good else None


def _cut(text: str, stops: Sequence[str]) -> str:
    """``text`` up to the first stop text: TGI leaves them standing."""
    ends = [text.find(stop) for stop in stops if stop in text]
    return text[: min(ends)] if ends else text
