"""The last number of a sentence, for want of a mark."""

from collections.abc import Sequence
from itertools import pairwise

from .atoms import Atom
from .chains import READ, Doubt, chain_start, check_rest, number_of_chain, value_of
from .digits import Number
from .words import COMPOUND, COPULAS, FILLERS, GUESSES, HEDGES, JOINS, NEGATIONS


def read_end(found: Sequence[Atom]) -> Number:
    """The last number of a sentence; the sentence must hold one."""
    last = max(i for i, atom in enumerate(found) if atom.has_digits)
    if any(atom.kind == "odd" for atom in found[last:]):
        raise Doubt("the last number cannot be read")
    end = last + 1
    while end < len(found) and found[end].kind == "close":
        end += 1
    if end < len(found) and found[end].kind == "op" and found[end].text not in "-/":
        raise Doubt("a calculation without its result")
    if last and found[last - 1].kind == "equal":
        number = _result(found[: last - 1], found[last])
        _check_before(number, found[: last - 1], "")
        _check_names(number, found[: last - 1])
    else:
        number = _told_last(found, last, end)
    check_rest(number, found[end:])
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
    whole = not any(atom.kind in READ for atom in left[:start]) or left[start - 1].kind == "equal"
    if whole and side:
        value = value_of(side)
        if value is not None and value not in number.readings:
            raise Doubt("the two sides of an equation differ")
    return number


def _told_last(found: Sequence[Atom], last: int, end: int) -> Number:
    """The last number of a sentence where it is not behind an "="."""
    start = chain_start(found, last)
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


def _check_names(number: Number, left: Sequence[Atom]) -> None:
    """Raise for two unknowns with a value each: "x = 3, y = 4"."""
    named = [
        pair[2].number
        for pair in zip(left, left[1:], left[2:], strict=False)
        if [a.kind for a in pair[:2]] == ["word", "equal"] and len(pair[0].text) == 1
    ]
    last_is_named = left and left[-1].kind == "word" and len(left[-1].text) == 1
    if last_is_named and any(n and not n.readings & number.readings for n in named):
        raise Doubt("more than one number could be the answer")


def _check_before(number: Number, before: Sequence[Atom], unit: str) -> None:
    """Raise where the words before a number deny it or join it to another one.

    Two numbers with a unit each may be one: "5 feet 6 inches".
    """
    words = []
    for atom in reversed(before):
        if atom.kind != "word":
            break
        words.append(atom.text.lower())
    said = [w for w in words if w in JOINS or w not in HEDGES | FILLERS | COPULAS]
    first = said[0] if said else ""
    if first in NEGATIONS or first.endswith("n't"):
        raise Doubt("the sentence does not name one number")
    place = len(before) - len(words) - 1
    joined = first in JOINS and len(words) <= (5 if first == "or" else 2)
    joined = joined or bool(GUESSES & set(words))
    joined = joined or (unit in COMPOUND and len(words) == 1 and words[0] in COMPOUND)
    if place >= 0 and before[place].kind == "comma":
        joined = joined or not words
        place -= 1
    other = before[place].number if place >= 0 else None
    if joined and other and other.value not in number.readings:
        raise Doubt("more than one number could be the answer")
