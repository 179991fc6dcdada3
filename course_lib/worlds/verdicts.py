"""The verifier of word problems: a reply is correct, wrong, or unreadable."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..base import CourseError, require
from .answers import read_answer
from .digits import Number
from .numbers import read_number


@dataclass(frozen=True)
class Verdict:
    """What the verifier says of one reply.

    Attributes
    ----------
    status : "correct", "wrong" (surely another number) or "unreadable" (not surely any number).
    answer : the number read, an exact Fraction, or None.
    marker : what pointed to it: "####", "A:", "\\boxed", "answer is", "last number", or None.
    reason : why the reply is unreadable, in words; None otherwise.
    """

    status: str
    answer: Fraction | None
    marker: str | None
    reason: str | None = None

    def to_dict(self) -> dict[str, str | None]:
        """Plain data, for JSON: status, answer (as text) and marker by name."""
        answer = None if self.answer is None else str(self.answer)
        return {"status": self.status, "answer": answer, "marker": self.marker}


def verify(text: str, reference: object, mode: str = "lenient") -> Verdict:
    """The :class:`Verdict` on a reply, given the right answer, see :func:`read_reference`.

    Equality is exact: 18.0 is 18, 17.99 is not. *wrong* is said only where one number was surely
    read and is surely another one; an answer that is right in another sense (20 % where the
    reference is 0.2, 1.234 where it is 1234) is unreadable, and pays nothing.
    """
    right = read_reference(reference)
    found = read_answer(text, mode)
    if found.number is None:
        return Verdict("unreadable", None, found.marker, found.reason)
    value = found.number.value
    if value == right.value:
        return Verdict("correct", value, found.marker)
    if found.number.readings & right.readings:
        reason = f"{value} could be meant as the right answer, but does not say so"
        return Verdict("unreadable", None, found.marker, reason)
    return Verdict("wrong", value, found.marker)


def read_reference(reference: object) -> Number:
    r"""The number of a reference: a number, its text, or a solution that ends with it.

    ``18``, ``"1,234"``, ``0.5``, ``Fraction(1, 2)``, ``r"\boxed{6}"``, ``"... #### 6"``. Raises
    :class:`~course_lib.base.CourseError` for anything else: a reference is not guessed at.
    """
    number = None
    if not isinstance(reference, bool):
        text = str(reference)
        number = read_number(text)
        if number is None and isinstance(reference, str):
            found = read_answer(text)
            number = found.number if found.marker != "last number" else None
    if number is None:
        raise CourseError(
            f"the reference answer must be a number like '18', or a solution that ends like "
            f"'#### 18'; got {str(reference)[:40]!r}."
        )
    return number


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
