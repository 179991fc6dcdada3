"""The number that a statement names: a box, what stands behind a mark, the last words of a reply.

What is not surely one number raises :class:`Doubt`, which says why.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby, pairwise
from typing import NamedTuple

from .atoms import Atom, atoms
from .digits import Number
from .equation_paths import evaluate

NEGATIONS = frozenset("not n't never neither nor isn't wasn't cannot can't".split())
_LIMITS = frozenset(
    "between either less more fewer greater below above under over exceeds than".split()
)
_HEDGES = frozenset("maybe possibly perhaps even about another also probably".split())
_JOINS = frozenset("or and and/or to through versus vs".split())
# words behind which another number is about something else: "18 for 3 days", "42, not 43"
_ASIDES = frozenset(
    "for in after because since as by at on with from when which that if using where per out not "
    "rather instead so than given therefore".split()
)
# units of which two make one quantity: "5 feet 6 inches"
_COMPOUND = frozenset(
    "feet foot ft inches inch in yards miles hours hour hrs minutes minute min seconds second days "
    "weeks months years pounds ounces lbs lb oz dollars dollar cents cent m cm km kg g".split()
)
_PARTS = frozenset("half halves third thirds quarter quarters fourth fifth".split())
_COPULAS = frozenset("is are was be equals equal makes totals costs of".split())
_FILLERS = frozenset(
    "about approximately approx roughly around nearly almost exactly just simply only therefore "
    "thus then so hence equal to a the total of now still also again indeed x y n".split()
)
NUMBER_WORDS = frozenset(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety "
    "hundred thousand million none half".split()
)
_READ = ("number", "odd")
_CHAIN = ("number", "op", "open", "close", "equal")
_UNIT_WORDS = 3  # between a number and the sign behind it: "12 red apples + 30 = 42"


EMPTY_BOX = "no number in the box"


class Doubt(Exception):
    """A statement names no number, or not surely one. Its text says why.

    ``told`` and ``counted`` as in :class:`Behind`.
    """

    def __init__(self, reason: str, told: bool = False, counted: bool = False) -> None:
        super().__init__(reason)
        self.told, self.counted = told, counted


class Behind(NamedTuple):
    """What was read behind a mark.

    ``end`` is where the sentence ends. ``told`` says that words come before the number: what
    follows "Answer:" may be a whole solution, and this its first sentence. ``counted`` says the
    same of a number with a calculation or several words beside it.
    """

    number: Number
    end: int
    told: bool = False
    counted: bool = False


# ---- calculations ------------------------------------------------------------------------------


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
            value = evaluate("".join(_spelled(atom) for atom in side))
            if value is None:
                raise Doubt("there is something beside the number that cannot be read")
            if not any(atom.number and atom.number.others for atom in side):
                readings.append(frozenset([value]))
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


def _spelled(atom: Atom) -> str:
    """An atom as :func:`~course_lib.worlds.equation_paths.evaluate` reads it."""
    if atom.number is not None:
        value: Fraction = atom.number.value
        return f"({value.numerator}/{value.denominator})"
    return {"×": "*", "÷": "/", "[": "(", "{": "(", "]": ")", "}": ")"}.get(atom.text, atom.text)


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
    if kinds & {"comma", "end"} or any(a.is_one_of(_JOINS | NEGATIONS | _LIMITS) for a in found):
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
    begins = next((a for a in found if not a.is_one_of(_FILLERS)), None)
    if begins and begins.kind == "word" and NUMBER_WORDS & set(begins.text.lower().split("-")):
        raise Doubt("a number in words", counted=True)
    size = next((i for i, a in enumerate(found) if a.kind == "end"), len(found))
    end = found[size].start if size < len(found) else len(statement)
    sentence = found[:size]
    first = next((i for i, a in enumerate(sentence) if a.kind in _READ), None)
    if first is None:
        return None
    while first and sentence[first - 1].kind in ("op", "open"):
        first -= 1
    lead, rest = sentence[:first], sentence[first:]
    if must_follow and lead:
        return None
    if any(a.is_one_of(NEGATIONS | _LIMITS) for a in lead):
        raise Doubt("the sentence does not name one number", counted=True)
    if all(a.is_one_of(_FILLERS) or a.kind == "equal" for a in lead):
        words = sum(atom.kind == "word" for atom in rest)
        counted = words > _UNIT_WORDS or any(atom.kind in ("op", "equal") for atom in rest)
        try:
            return Behind(_read_first(rest), end, counted=counted)
        except Doubt as doubt:
            raise Doubt(str(doubt), counted=True) from None
    return _read_told(sentence, end)


def _read_first(sentence: list[Atom]) -> Number:
    """The number at the start of a sentence."""
    chain, rest = _chain_from(sentence)
    if rest and rest[0].kind == "odd":
        raise Doubt("there is something behind the number that cannot be read")
    number = number_of_chain(chain)
    _check_rest(number, rest)
    return number


def _chain_from(sentence: list[Atom]) -> tuple[list[Atom], list[Atom]]:
    """The calculation or number that begins a sentence, and what follows."""
    at = 0
    while at < len(sentence):
        words = at
        while words < len(sentence) and sentence[words].kind == "word":
            words += 1
        if at < words <= at + _UNIT_WORDS and words < len(sentence):
            if sentence[words].kind not in ("op", "equal"):
                break
            at = words
        if sentence[at].kind not in _CHAIN or _is_aside(sentence, at):
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


def _check_rest(number: Number, rest: Sequence[Atom]) -> None:
    """Raise where what follows makes the number another one, or names another answer."""
    words: list[str] = []
    aside = False
    for atom in rest:
        if atom.kind == "word":
            words.append(atom.text.lower())
            if words[-1] in _PARTS and "and" in words[-3:]:
                raise Doubt("part of the number stands in words")
        elif atom.kind == "odd" or (atom.number and atom.number.value not in number.readings):
            aside = aside or bool(_ASIDES & set(words))
            if not aside or "or" in words or words[-1:] in (["and"], ["to"]):
                raise Doubt("more than one number could be the answer")
            words = []


def _read_told(sentence: list[Atom], end: int) -> Behind:
    """The number of a sentence that tells more: "The cost of 3 shirts is 45"."""
    places = [i for i, a in enumerate(sentence) if a.kind in _READ]
    before = sentence[places[-1] - 1]
    if before.is_one_of(_COPULAS) or before.kind == "equal":
        return Behind(read_end(sentence), end, told=True)
    values = {a.number.value if a.number else None for a in sentence if a.kind in _READ}
    if len(values) > 1:
        raise Doubt("more than one number could be the answer", told=True)
    return Behind(_read_first(sentence[places[0] :]), end, told=True)


# ---- the last number ---------------------------------------------------------------------------


def read_end(found: Sequence[Atom]) -> Number:
    """The last number of a sentence; the sentence must hold one."""
    last = max(i for i, a in enumerate(found) if a.kind in _READ)
    if found[last].kind == "odd":
        raise Doubt("the last number cannot be read")
    end = last + 1
    while end < len(found) and found[end].kind == "close":
        end += 1
    if end < len(found) and found[end].kind == "op" and found[end].text not in "-/":
        raise Doubt("a calculation without its result")
    if last and found[last - 1].kind == "equal":
        number = _result(found[: last - 1], found[last])
    else:
        number = _told_last(found, last, end)
    _check_rest(number, found[end:])
    return number


def _result(left: Sequence[Atom], result: Atom) -> Number:
    """The number behind the last "=", unless the calculation before it surely gives another one."""
    number = result.number
    assert number is not None
    start = len(left)
    while start and left[start - 1].kind in ("number", "op", "open", "close"):
        start -= 1
    side = left[start:]
    # behind words the calculation may have begun before them
    whole = not any(atom.kind in _READ for atom in left[:start]) or left[start - 1].kind == "equal"
    if whole and side and not any(a.number and a.number.others for a in side):
        value = evaluate("".join(_spelled(atom) for atom in side))
        if value is not None and value not in number.readings:
            raise Doubt("the two sides of an equation differ")
    return number


def _told_last(found: Sequence[Atom], last: int, end: int) -> Number:
    """The last number of a sentence where it is not behind an "="."""
    start = _chain_start(found, last)
    chain, before = list(found[start:end]), found[:start]
    while chain[0].kind in ("equal", "close") or _unbalanced(chain):
        chain.pop(0)
    dash = chain[0].kind == "op" and chain[0].text == "-"
    if dash:
        chain.pop(0)
    if before and before[-1].kind == "odd":
        raise Doubt("there is something before the number that cannot be read")
    number = number_of_chain(chain)
    unit = found[end].text.lower() if end < len(found) else ""
    _check_before(number, before, unit)
    results = [b.number for a, b in pairwise(before) if a.kind == "equal" and b.number]
    if results and not results[-1].readings & number.readings:
        raise Doubt("the result of a calculation stands before the last number")
    if not dash:
        return number
    # "x = - 5" is a minus, "Total - 5" may be a dash
    after_equal = start < last - 1 and found[start].kind == "equal"
    return number.negated() if after_equal else number.or_else(-number.value)


def _unbalanced(chain: list[Atom]) -> bool:
    """Whether a chain begins with a bracket that is not closed in it."""
    opened = sum(a.kind == "open" for a in chain)
    return chain[0].kind == "open" and opened > sum(a.kind == "close" for a in chain)


def _chain_start(found: Sequence[Atom], last: int) -> int:
    """Where the calculation begins whose last number is at ``last``."""
    start = last
    while start:
        before = start - 1
        while before >= 0 and found[before].kind == "word":
            before -= 1
        words = start - 1 - before
        if not words and found[before].kind in _CHAIN:
            start = before
        elif words and 0 <= before and words <= _UNIT_WORDS:
            if found[start].kind not in ("op", "equal") or found[before].kind not in (
                "number",
                "close",
            ):
                break
            start = before
        else:
            break
    return start


def _check_before(number: Number, before: Sequence[Atom], unit: str) -> None:
    """Raise where the words before a number deny it or join it to another one.

    Two numbers with a unit each may be one: "5 feet 6 inches".
    """
    words = []
    for atom in reversed(before):
        if atom.kind != "word":
            break
        words.append(atom.text.lower())
    said = [w for w in words if w in _JOINS or w not in _HEDGES | _FILLERS | _COPULAS]
    first = said[0] if said else ""
    if first in NEGATIONS or first.endswith("n't"):
        raise Doubt("the sentence does not name one number")
    place = len(before) - len(words) - 1
    joined = first in _JOINS and len(words) <= (5 if first == "or" else 2)
    joined = joined or (unit in _COMPOUND and len(words) == 1 and words[0] in _COMPOUND)
    if place >= 0 and before[place].kind == "comma":
        joined = joined or not words
        place -= 1
    other = before[place].number if place >= 0 else None
    if joined and other and other.value not in number.readings:
        raise Doubt("more than one number could be the answer")
