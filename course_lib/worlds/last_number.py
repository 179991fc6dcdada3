"""The last number of a reply that marks no answer."""

import re
from collections.abc import Sequence

from .atoms import Atom, atoms
from .chains import Doubt
from .digits import Number
from .endings import read_end
from .numbers import MAX_STATEMENT
from .words import NUMBER_WORDS

_IN_WORDS = re.compile(
    r"\b(?i:is|are|was|be|equals|makes|answer:|total of)\W{1,3}"
    rf"(?i:{'|'.join(sorted(NUMBER_WORDS))})\b"
)


def last_number(text: str) -> Number | None:
    """The last number of a reply, or None where it has none. Raises :class:`Doubt`."""
    lines = text.split("\n")
    for at in reversed(range(len(lines))):
        line, last = lines[at], last_digit(lines[at])
        found = atoms(_around(line, last)) if last >= 0 else []
        places = [i for i, atom in enumerate(found) if atom.has_digits]
        if not places:
            continue
        if _IN_WORDS.search("\n".join([line[last + 1 :], *lines[at + 1 :]])):
            raise Doubt("a number in words stands behind the last number")
        _check_code(lines, at)
        sentence = _sentence(found, places[-1])
        after_equal = found[places[-1] - 1].kind == "equal"
        if re.search(r"[0-9] [0-9]{3}(?![0-9])", found[places[-1]].text) and not after_equal:
            raise Doubt("one number, or two")
        number = read_end(sentence)
        _check_alone(number, found[: places[-1]], "\n".join(lines[max(0, at - 2) : at]))
        return number
    return None


def _sentence(found: list[Atom], place: int) -> list[Atom]:
    """The sentence around a place."""
    ends = [i for i, atom in enumerate(found) if atom.kind == "end"]
    start = max((i + 1 for i in ends if i < place), default=0)
    return found[start : min((i for i in ends if i > place), default=len(found))]


def last_digit(text: str) -> int:
    """Where the last digit stands, or -1."""
    return max((match.end() - 1 for match in re.finditer("[0-9]++", text)), default=-1)


def _around(line: str, place: int) -> str:
    """The part of a line around a place, from a blank on."""
    start = max(0, place - MAX_STATEMENT)
    blank = line.find(" ", start, place) if start else 0
    return line[max(blank, start) : place + MAX_STATEMENT // 4]


def _check_alone(number: Number, before: Sequence[Atom], above: str) -> None:
    """Raise where another number stands by itself just before the last one: "42? 43?"."""
    if any(atom.kind not in ("number", "end") for atom in before):
        return
    others = [*atoms(above[-MAX_STATEMENT:]), *before]
    while others and others[-1].kind == "end":
        others.pop()
    alone = len(others) == 1 or (len(others) > 1 and others[-2].kind in ("end", "number"))
    if others and alone and others[-1].number and others[-1].number.value not in number.readings:
        raise Doubt("more than one number could be the answer")


def _check_code(lines: list[str], at: int) -> None:
    """Raise where the last number stands in a block of code and others stand outside."""
    fences = [i for i, line in enumerate(lines) if line.lstrip().startswith("```")]
    above = [i for i in fences if i < at]
    if len(above) % 2 and any(re.search("[0-9]", line) for line in lines[: above[-1]]):
        raise Doubt("the last number stands in a block of code")
