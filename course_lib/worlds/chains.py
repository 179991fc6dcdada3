"""Calculations in a statement, such as ``6 * 7 = 42``, and what stands beside them.

What is not surely one number raises :class:`Doubt`, which says why.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby, pairwise

from .atoms import Atom
from .digits import Number
from .equation_paths import evaluate
from .words import ASIDES, NUMBER_WORDS, PARTS

READ = ("number", "odd")  # kinds of atoms with digits, or what stands for them
CHAIN = ("number", "op", "open", "close", "equal")
UNIT_WORDS = 3  # between a number and the sign behind it: "12 red apples + 30 = 42"


class Doubt(Exception):
    """A statement names no number, or not surely one. Its text says why.

    ``told`` and ``counted`` as in :class:`Behind`.
    """

    def __init__(self, reason: str, told: bool = False, counted: bool = False) -> None:
        super().__init__(reason)
        self.told, self.counted = told, counted


def number_of_chain(chain: Sequence[Atom]) -> Number:
    """The number of ``6 * 7 = 42``: what its sides have in common.

    Words are units and names and count for nothing. A side may be a calculation, but one must be a
    number: no calculation is done for the reply.
    """
    sides = [list(side) for equal, side in groupby(chain, lambda a: a.kind == "equal") if not equal]
    numbers, readings = [], []
    for side in sides:
        side = [atom for atom in side if atom.kind != "word"]
        number = _single(side)
        if number is not None:
            numbers.append(number)
            readings.append(number.readings)
        elif side:
            value = value_of(side)
            if value is not None:
                readings.append(frozenset([value]))
            elif not any(atom.number and atom.number.others for atom in side):
                raise Doubt("there is something beside the number that cannot be read")
    if not numbers:
        raise Doubt("a calculation without its result")
    common = frozenset.intersection(*readings)
    if not common:
        raise Doubt("the two sides of an equation differ")
    last = next((n.value for n in reversed(numbers) if n.value in common), min(common))
    return Number(last, common - {last})


def _single(side: list[Atom]) -> Number | None:
    """The number of a side that is one, perhaps in brackets, which may mean a minus in accounts."""
    if len(side) == 1:
        return side[0].number
    if [atom.kind for atom in side] == ["open", "number", "close"]:
        number = side[1].number
        assert number is not None
        return number.or_else(-number.value) if side[0].text == "(" else number
    return None


def value_of(side: Sequence[Atom]) -> Fraction | None:
    """The exact value of a calculation, or None when it cannot be read, or not in one sense."""
    if any(atom.number and atom.number.others for atom in side):
        return None
    return evaluate("".join(_spelled(atom) for atom in side))


def _spelled(atom: Atom) -> str:
    """An atom as :func:`~course_lib.worlds.equation_paths.evaluate` reads it."""
    if atom.number is not None:
        value = atom.number.value
        return f"({value.numerator}/{value.denominator})"
    return {"×": "*", "÷": "/", "[": "(", "{": "(", "]": ")", "}": ")"}.get(atom.text, atom.text)


def chain_from(sentence: list[Atom]) -> tuple[list[Atom], list[Atom]]:
    """The calculation or number that begins a sentence, and what follows."""
    at = 0
    while at < len(sentence):
        words = at
        while words < len(sentence) and sentence[words].kind == "word":
            words += 1
        if at < words <= at + UNIT_WORDS and words < len(sentence):
            if sentence[words].kind not in ("op", "equal"):
                break
            at = words
        if sentence[at].kind not in CHAIN or _is_aside(sentence, at):
            break
        at += 1
    behind = sentence[at].kind if at < len(sentence) else "end"
    chain = sentence[:at]
    while chain and _is_punctuation(chain, behind):
        at -= 1
        chain = sentence[:at]
    return chain, sentence[at:]


def _is_aside(sentence: list[Atom], at: int) -> bool:
    """Whether a bracket opens behind a number: "42 (6 * 7)"."""
    return sentence[at].kind == "open" and at > 0 and sentence[at - 1].kind in ("number", "word")


def _is_punctuation(chain: list[Atom], behind: str) -> bool:
    """Whether the last atom of a chain is no part of it: a dash, a bracket, "per" in 5/day."""
    last = chain[-1]
    if last.kind == "close":
        return sum(a.kind == "open" for a in chain) < sum(a.kind == "close" for a in chain)
    if last.kind == "op":
        return last.text in "-/" and behind in ("word", "end")
    opened = sum(a.kind == "open" for a in chain) > sum(a.kind == "close" for a in chain)
    return last.kind == "equal" or (last.kind == "open" and opened)


def chain_start(found: Sequence[Atom], last: int) -> int:
    """Where the calculation begins whose last number is at ``last``."""
    start = last
    while start:
        before = start - 1
        while before >= 0 and found[before].kind == "word":
            before -= 1
        words = start - 1 - before
        if not words and found[before].kind in CHAIN:
            start = before
        elif words and 0 <= before and words <= UNIT_WORDS:
            beside = found[start].kind in ("op", "equal")
            if not beside or found[before].kind not in ("number", "close"):
                break
            start = before
        else:
            break
    return start


def check_rest(number: Number, rest: Sequence[Atom]) -> None:
    """Raise where what follows makes the number another one, or names another answer."""
    results = [b.number for a, b in pairwise(rest) if a.kind == "equal" and b.number]
    if results and not results[-1].readings & number.readings:
        raise Doubt("more than one calculation could be the answer")
    words: list[str] = []
    aside = False
    for atom in rest:
        if atom.kind == "word":
            words.append(atom.text.lower())
            in_words = words[-2:-1] == ["and"] and words[-1].split("-")[0] in NUMBER_WORDS
            if in_words or (words[-1] in PARTS and "and" in words[-3:]):
                raise Doubt("part of the number stands in words")
        elif atom.kind == "odd" or (atom.number and atom.number.value not in number.readings):
            aside = aside or bool(ASIDES & set(words))
            joined = words[-1:] == ["and"] or (words[-1:] == ["to"] and "rounded" not in words)
            if not aside or joined or "or" in words:
                raise Doubt("more than one number could be the answer")
            words = []


def check_joined(rest: Sequence[Atom]) -> None:
    """Raise where "and" joins more to a number: "2 hours and 30 minutes", "and fifty cents"."""
    words: list[str] = []
    for atom in rest:
        number = atom.kind in READ or atom.text.lower().split("-")[0] in NUMBER_WORDS | PARTS
        if number and "and" in words[-2:] and len(words) <= UNIT_WORDS:
            raise Doubt("part of the number stands behind it")
        if atom.kind != "word" or number:
            return
        words.append(atom.text.lower())
