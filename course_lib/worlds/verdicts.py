"""The verifier of word problems: a reply is correct, wrong, or unreadable."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..base import require
from .numbers import find_answer, parse_number


@dataclass(frozen=True)
class Verdict:
    """What the verifier says of one reply.

    Attributes
    ----------
    status : "correct", "wrong" (another number was read) or "unreadable" (no number was read).
    answer : the number read, an exact Fraction, or None.
    marker : what pointed to it: "####", "A:", "\\boxed", "answer is", "last number", or None.
    """

    status: str
    answer: Fraction | None
    marker: str | None

    def to_dict(self) -> dict[str, str | None]:
        """Plain data, for JSON: the same three by name, the answer as text."""
        answer = None if self.answer is None else str(self.answer)
        return {"status": self.status, "answer": answer, "marker": self.marker}


def verify(text: str, reference: object, mode: str = "lenient") -> Verdict:
    """The :class:`Verdict` on a reply. ``reference`` is the right answer, a number or its text.

    Equality is exact: 18.0 is 18, 17.99 is not.
    """
    right = parse_number(str(reference))
    require(
        right is not None,
        f"the reference answer must be a number like '18'; got {str(reference)[:40]!r}.",
    )
    answer, marker = find_answer(text, mode)
    if answer is None:
        return Verdict("unreadable", None, marker)
    return Verdict("correct" if answer == right else "wrong", answer, marker)


def verifier(prompt: str, text: str, info: Mapping[str, Any], mode: str = "lenient") -> float:
    """The verifiable reward: 1.0 for a correct reply, 0.0 for a wrong or unreadable one.

    ``info["answer"]`` holds the reference.
    """
    require(
        "answer" in info,
        "the verifier needs info['answer'], the reference; this prompt's info has: "
        f"{', '.join(info) or 'nothing'}.",
    )
    return float(verify(text, info["answer"], mode).status == "correct")
