"""Finding the statement that gives a reply's answer, and the number in it."""

import re
from dataclasses import dataclass, replace
from fractions import Fraction

from ..base import require
from .chains import Doubt
from .digits import Number, read_digits
from .last_number import last_digit, last_number
from .marks import (
    MARK,
    NAMES,
    NEXT_QUESTION,
    check_behind,
    check_label,
    check_mark,
    prepared,
    read_boxed,
    spoken,
)
from .numbers import MAX_STATEMENT
from .statements import EMPTY_BOX, read_behind

MODES = ("lenient", "strict")

_WORD = re.compile(r"[^\W\d_]++")
_SENTENCE_END = re.compile(r"(?<=\S)(?:[.!?](?=\s)|\n)")
_GUESS = re.compile(
    r"\b(?i:alternatively|otherwise|could|might|maybe|perhaps|possibly|either|or)\b(?!\s+more)"
)
_FINAL = re.compile(r"\b(?i:final|finally)\b")
_NEAR = 120  # characters in which words between two answers can make a guess of both
_ROW = 5  # answers with fewer words between them stand in a row
_LONGEST_ROW = 16


@dataclass(frozen=True)
class Answer:
    """What was found in a reply.

    Attributes
    ----------
    number : the answer, or None.
    marker : what pointed to it, see :func:`find_answer`.
    reason : why there is no number; None where there is one.
    """

    number: Number | None
    marker: str | None
    reason: str | None = None


@dataclass(frozen=True)
class _Statement:
    """A statement of an answer and where it stands in the text."""

    answer: Answer
    start: int
    end: int
    named: bool = False  # words stand behind the number: "9 eggs"


def check_mode(mode: str) -> None:
    """Raise :class:`~course_lib.base.CourseError` for a mode that is not one of :data:`MODES`."""
    require(mode in MODES, f"mode must be 'lenient' or 'strict'; got {mode!r}.")


def find_answer(text: str, mode: str = "lenient") -> tuple[Fraction | None, str | None]:
    r"""The final answer of a reply and how it was found: ``(Fraction or None, marker or None)``.

    1. The **last** statement of an answer decides, whichever mark it has: ``#### 18`` (GSM8K's
    references), ``A: 18`` at the start of a line (the released model solutions), ``\boxed{18}``,
    "answer is 18" or "answer: 18".
    2. Without any, ``mode="lenient"`` takes the last number of the reply (marker ``"last
    number"``).

    ``mode="strict"`` knows only ``####`` and ``A:`` and never guesses. Where the deciding statement
    is not surely one number (``1e999``, ``3,4``, "42 or 43", a calculation without its result,
    different boxes in a row, a box that is not closed) the answer is None: no other number is
    tried. What stands in a think block is no answer. Time is linear in the text.
    """
    answer = read_answer(text, mode)
    return (None if answer.number is None else answer.number.value), answer.marker


def extract_answer(text: str, mode: str = "lenient") -> Fraction | None:
    """The final answer of a reply as an exact Fraction, or None.

    See :func:`find_answer` for the order of the rules.
    """
    return find_answer(text, mode)[0]


def read_answer(text: str, mode: str = "lenient") -> Answer:
    """The final answer of a reply, what else its number could mean, or why there is none."""
    check_mode(mode)
    said = spoken(text)
    if said is None:
        return Answer(None, None, "the reply ends in the middle of its thinking")
    return _Reply(prepared(said), mode).answer()


class _Reply:
    """A reply in one spelling, and the marks in it that may point to its answer."""

    def __init__(self, text: str, mode: str) -> None:
        names = ("hashes", "letter") if mode == "strict" else tuple(NAMES)
        self.text, self.mode = text, mode
        self.marks = [m for m in MARK.finditer(text) if m.lastgroup in names]
        self.last_digit, self.last_equal = last_digit(text), text.rfind("=")
        self.asks_itself = False  # a question of its own, with no answer before it
        self._cut_at_next_question()

    def _cut_at_next_question(self) -> None:
        """Leave out what follows once, an answer given, the model asks itself another question."""
        asked = [match.start() for match in NEXT_QUESTION.finditer(self.text)]
        if not asked:
            return
        answered = next((at for at in range(len(self.marks)) if self.statement(at)), None)
        if answered is None or self.marks[answered].start() > asked[0]:
            # a question that stands first is the one it was asked
            self.asks_itself = bool(re.search("[0-9]", self.text[: asked[0]]))
        if answered is None:
            return
        given = self.marks[answered].end()
        end = next((place for place in asked if place > given), len(self.text))
        if end < len(self.text):
            self.text = self.text[:end]
            self.marks = [m for m in self.marks if m.start() < end]
            self.last_digit, self.last_equal = last_digit(self.text), self.text.rfind("=")

    def answer(self) -> Answer:
        """The answer by the last mark that points to one, or else by the last number."""
        if self.asks_itself:
            return Answer(None, None, "the reply goes on with a question of its own")
        for at in reversed(range(len(self.marks))):
            statement = self.statement(at)
            if statement is not None:
                return self._unless_in_a_row(at, self._unless_a_step(statement))
        if self.mode == "strict":
            return Answer(None, None, "no mark with a number behind it")
        try:
            number = last_number(self.text)
        except Doubt as doubt:
            return Answer(None, "last number", str(doubt))
        return Answer(number, "last number") if number else Answer(None, None, "no number")

    def statement(self, at: int) -> _Statement | None:
        """The statement behind a mark, or None when the mark points to no number."""
        mark = self.marks[at]
        name = NAMES[mark.lastgroup or ""]
        end = min(len(self.text), mark.end() + MAX_STATEMENT)
        if at + 1 < len(self.marks):
            end = min(end, self.marks[at + 1].start())
        behind = self.text[mark.end() : end]
        try:
            check_label(mark, behind)
            if name == "\\boxed":
                found = read_boxed(self.text, mark)
            else:
                # only a number may follow "####" and "A:"; words may follow "answer is"
                found = read_behind(behind, must_follow=name != "answer is")
            if found is None or self._introduces(mark, behind, found.told, found.counted):
                return None
            end = mark.end() + found.end
            check_mark(self.text, mark)
            check_behind(self.text, mark.end(), end)
        except Doubt as doubt:
            if self._introduces(mark, behind, doubt.told, doubt.counted):
                return None
            return _Statement(Answer(None, name, str(doubt)), mark.start(), end)
        return _Statement(Answer(found.number, name), mark.start(), end, found.named)

    def _introduces(self, mark: re.Match[str], behind: str, told: bool, counted: bool) -> bool:
        """Whether a mark such as "Answer:" introduces a solution, of which this is the start."""
        sentence = _SENTENCE_END.search(behind)
        end = mark.end() + (sentence.end() if sentence else len(behind))
        counted = counted and mark[0].rstrip("*_").endswith(":") and mark.lastgroup == "says"
        return (told and self.last_digit >= end) or (counted and self.last_equal >= end)

    def _unless_a_step(self, found: _Statement) -> _Statement:
        """A statement such as "Answer: 9 eggs are left." may be the first step of a solution.

        So it must have the last number, too, where others follow.
        """
        number = found.answer.number
        if number is None or not found.named or self.last_digit < found.end:
            return found
        runs = re.findall(r"[0-9][0-9,.]*+", self.text[found.end :])
        last = read_digits(runs[-1].rstrip(",."))
        if last is not None and last.readings & number.readings:
            return found
        return replace(found, answer=Answer(None, found.answer.marker, "other numbers follow"))

    def _unless_in_a_row(self, at: int, last: _Statement) -> Answer:
        """The answer of the last statement, unless it ends a row of different ones.

        ``####`` and ``A:`` are formats in which the last one counts, whatever stands before it.
        """
        answer = last.answer
        if answer.marker in ("####", "A:") or answer.number is None:
            return answer
        place = last.start
        for earlier in reversed(range(max(0, at - _LONGEST_ROW), at)):
            found = self.statement(earlier)
            if found is None or found.answer.marker in ("####", "A:"):
                continue
            if self._stands_apart(found, place):
                break
            number = found.answer.number
            if number is None and self._is_begun(earlier, found.answer):
                continue
            if number is None or not number.readings & answer.number.readings:
                return Answer(None, answer.marker, "different answers in a row")
            place = found.start
        return answer

    def _stands_apart(self, earlier: _Statement, place: int) -> bool:
        """Whether enough is said between a statement and the next one that the next replaces it.

        Or whether only the next one is called final; but not where the words between are a guess.
        """
        between = self.text[earlier.end : place]
        if len(between) < _NEAR and _GUESS.search(between):
            return False
        before = self.text[max(0, earlier.start - _NEAR // 2) : earlier.start]
        finally_said = _FINAL.search(between) and not _FINAL.search(before)
        return bool(finally_said) or len(_WORD.findall(between)) >= _ROW

    def _is_begun(self, at: int, answer: Answer) -> bool:
        """Whether a statement without a number only leads up to the next one, or is empty.

        As in "The answer is 6 * 7 = \\boxed{42}", or a box in a box.
        """
        between = self.text[self.marks[at].start() : self.marks[at + 1].start()]
        nested = between.count("{") > between.count("}")
        return answer.marker == "answer is" or nested or answer.reason == EMPTY_BOX
