"""The number that a statement names: a box, or what stands behind a mark."""

from fractions import Fraction
from itertools import groupby
from typing import NamedTuple

from .atoms import Atom, atoms
from .chains import READ, UNIT_WORDS, Doubt, chain_from, check_joined, check_rest, number_of_chain
from .digits import Number
from .endings import read_end
from .numbers import read_number
from .words import CHINESE_DIGITS, COPULAS, FILLERS, JOINS, LIMITS, NEGATIONS, NUMBER_WORDS

EMPTY_BOX = "no number in the box"


class Behind(NamedTuple):
    """What was read behind a mark.

    ``end`` is where the sentence ends. ``told`` says that words come before the number: what
    follows "Answer:" may be a whole solution, and this its first sentence. ``counted`` says the
    same of a number with a calculation or several words beside it. ``named`` says that words stand
    behind the number.
    """

    number: Number
    end: int
    told: bool = False
    counted: bool = False
    named: bool = False


# ---- a box -------------------------------------------------------------------------------------


def read_box(content: str) -> Number:
    """The number in a box, in which nothing else may stand but a unit, a name, a calculation."""
    found = atoms(content)
    while found and found[-1].kind == "end" and "!" not in found[-1].text:
        if "…" in found[-1].text or ".." in found[-1].text:
            raise Doubt("the number in the box goes on")
        found.pop()
    kinds = {atom.kind for atom in found}
    if not kinds & {"number", "odd"}:
        raise Doubt(EMPTY_BOX)
    if "odd" in kinds:
        raise Doubt("what is in the box cannot be read as one number")
    if kinds & {"comma", "end"} or any(a.is_one_of(JOINS | NEGATIONS | LIMITS) for a in found):
        raise Doubt("more than one number, or something else, in the box")
    if "open" in kinds and any(a.number and "," in a.text for a in found):
        raise Doubt("the box may hold several numbers")
    if [a.kind for a in found] == ["op", "number"] and found[0].text in "+-":
        number = found[1].number
        assert number is not None
        return number if found[0].text == "+" else number.negated()
    for equal, side in groupby(found, lambda atom: atom.kind == "equal"):
        parts = list(side)
        if not equal and any(a.number for a in parts):
            _check_units(parts, content)
    return number_of_chain(found)


def read_surroundings(content: str, before: str, after: str) -> frozenset[Fraction]:
    """What else a box could mean because of what stands beside it, as if it were no box.

    Raises where that changes its number, as in ``\\boxed{5}k`` or "less than \\boxed{5}".
    """
    own = read_number(content)
    before = before[max(before.rfind("\n"), before.rfind(". ")) + 1 :]
    found = atoms(before + (content if own else "7") + after)
    place = next((i for i, atom in enumerate(found) if atom.end > len(before)), len(found))
    read = found[place].number if place < len(found) else None
    value = own.value if own else Fraction(7)
    if read is None or value not in (read.value, -read.value) or (read.others and not own):
        raise Doubt("what stands beside the box makes it another number")
    size = next((i for i, a in enumerate(found) if i > place and a.kind == "end"), len(found))
    check_joined([atom for atom in found[place + 1 : size]])
    return read.others if own and value == read.value else frozenset()


def _check_units(side: list[Atom], content: str) -> None:
    """Raise where a letter beside a number may be a variable: ``42 x``, but not ``42 cm``."""
    for atom in side:
        quoted = content[: atom.start].rstrip().endswith('"')
        if atom.kind == "word" and len(atom.text) == 1 and not quoted:
            raise Doubt("a letter beside the number in the box")


# ---- a sentence behind a mark ------------------------------------------------------------------


def read_behind(statement: str, must_follow: bool) -> Behind | None:
    """The number behind a mark such as "The answer is", or None when there is none.

    With ``must_follow`` it must stand directly behind the mark. Of several numbers the first counts
    if what follows is about something else.
    """
    found = atoms(statement)
    while found and found[0].kind == "end" and found[0].text == "\n":
        found.pop(0)
    begins = next((a for a in found if not a.is_one_of(FILLERS)), None)
    if begins and begins.kind == "word" and _is_number_word(begins.text.lower()):
        raise Doubt("a number in words", counted=True)
    size = next((i for i, a in enumerate(found) if a.kind == "end"), len(found))
    end = found[size].start if size < len(found) else len(statement)
    sentence = found[:size]
    first = next((i for i, a in enumerate(sentence) if a.kind in READ), None)
    if first is None:
        return None
    while first and sentence[first - 1].kind in ("op", "open"):
        first -= 1
    lead, rest = sentence[:first], sentence[first:]
    if must_follow and lead:
        return None
    if any(a.is_one_of(NEGATIONS | LIMITS) for a in lead):
        raise Doubt("the sentence does not name one number", counted=True)
    if all(a.is_one_of(FILLERS) or a.kind == "equal" for a in lead):
        words = sum(atom.kind == "word" for atom in rest)
        counted = words > UNIT_WORDS or any(atom.kind in ("op", "equal") for atom in rest)
        try:
            number = _read_first(rest)
            return Behind(number, end, counted=counted, named=words > 0 and not must_follow)
        except Doubt as doubt:
            raise Doubt(str(doubt), counted=True) from None
    return _read_told(sentence, end)


def _is_number_word(word: str) -> bool:
    """Whether a word is a number in words, such as "forty-two"."""
    return bool(NUMBER_WORDS & set(word.split("-"))) or word[0] in CHINESE_DIGITS


def _read_first(sentence: list[Atom]) -> Number:
    """The number at the start of a sentence."""
    chain, rest = chain_from(sentence)
    if rest and rest[0].kind == "odd":
        raise Doubt("there is something behind the number that cannot be read")
    number = number_of_chain(chain)
    check_rest(number, rest)
    return number


def _read_told(sentence: list[Atom], end: int) -> Behind:
    """The number of a sentence that tells more: "The cost of 3 shirts is 45"."""
    places = [i for i, a in enumerate(sentence) if a.kind in READ]
    before = sentence[places[-1] - 1]
    if not sentence[places[-1]].has_digits:
        raise Doubt("there is something behind the number that cannot be read", told=True)
    if before.is_one_of(COPULAS) or before.kind == "equal":
        return Behind(read_end(sentence), end, told=True)
    values = {a.number.value if a.number else None for a in sentence if a.kind in READ}
    if len(values) > 1:
        raise Doubt("more than one number could be the answer", told=True)
    return Behind(_read_first(sentence[places[0] :]), end, told=True)
