"""The last number of a reply that marks no answer."""

import re
from collections.abc import Sequence

from .atoms import Atom, atoms
from .chains import Doubt, chain_start
from .digits import Number
from .endings import read_end
from .numbers import MAX_STATEMENT
from .words import COPULAS, FILLERS, GUESSES, HEDGES, NUMBER_WORDS, VERBS

_IN_WORDS = re.compile(
    r"\b(?i:is|are|was|be|equals|makes|answer:|total of)\W{1,3}"
    rf"(?i:{'|'.join(sorted(NUMBER_WORDS))})\b"
)

_NEAR = 120  # characters before and behind the last number
_NO_ANSWER = re.compile(
    r"\b(?:no (?:answer|solution)|cannot|can't|could not|couldn't|unable to|impossible|not enough"
    r"|not possible|(?:do not|don't) know|undetermined|confiden(?:t|ce)|certain(?:ty)?|sure)\b",
    re.IGNORECASE,
)
_LABELLED = re.compile(
    r"\b(?:steps?|problems?|questions?|parts?|exercises?|examples?|figures?|tables?|equations?"
    r"|pages?|chapters?|sections?|lines?|notes?|cases?|options?|versions?|grades?|level|no\.|\#)"
    r"\s?[#(]?[0-9][0-9.]*+\Z",
    re.IGNORECASE,
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
        after_equal = found[places[-1] - 1].kind == "equal" or len(sentence) == 1
        if re.search(r"[0-9] [0-9]{3}(?![0-9])", found[places[-1]].text) and not after_equal:
            raise Doubt("one number, or two")
        number = read_end(sentence)
        _check_about(number, sentence, _near(lines, at, last))
        _check_alone(number, found[: places[-1]], "\n".join(lines[max(0, at - 2) : at]))
        return number
    return None


def _near(lines: list[str], at: int, place: int) -> tuple[str, str]:
    """What stands before a place in a line, with the lines above, and behind it."""
    above = "\n".join(lines[max(0, at - 2) : at])
    before = f"{above}\n{lines[at][: place + 1]}"[-_NEAR:]
    return before, lines[at][place + 1 : place + _NEAR]


def _check_about(number: Number, sentence: list[Atom], near: tuple[str, str]) -> None:
    """Raise where the last number is plainly about something else than the answer."""
    if _NO_ANSWER.search(near[0]) or _NO_ANSWER.search(near[1]):
        raise Doubt("the reply says that there is no answer, or how sure it is")
    if _LABELLED.search(near[0]):
        raise Doubt("the last number is the label of something")
    if re.match(r"[^.!\n]{0,60}\?", near[1]):
        raise Doubt("the last number stands in a question")
    last = max(i for i, atom in enumerate(sentence) if atom.has_digits)
    if "%" in sentence[last].text and sentence[last + 1 : last + 2]:
        if sentence[last + 1].is_one_of(frozenset(["of"])):
            raise Doubt("the last number is a share of another one")
    start = chain_start(sentence, last)
    if any(atom.kind == "equal" for atom in sentence[start : last + 1]):
        return
    before = list(sentence[:start])
    others = [i for i, atom in enumerate(before) if atom.has_digits]
    while before and (before[-1].is_one_of(FILLERS | HEDGES) or before[-1].kind == "equal"):
        before.pop()
    if before and before[-1].is_one_of(GUESSES):
        raise Doubt("the sentence only guesses")
    if len(before) > 1 and before[-1].is_one_of(COPULAS) and before[-2].is_one_of(GUESSES):
        raise Doubt("the sentence only guesses")
    if not others:
        return
    told = before and before[-1].is_one_of(VERBS)
    told = told or [a.text.lower() for a in sentence[:start]][-2:] == ["total", "of"]
    earlier = (i for i in others if i and sentence[i - 1].is_one_of(VERBS))
    values = [sentence[i].number for i in earlier]
    if not told or any(n is None or not n.readings & number.readings for n in values):
        raise Doubt("the sentence has several numbers")


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
    before = [atom for atom in before if not _is_label(atom)]
    if any(atom.kind not in ("number", "end") for atom in before):
        return
    others = [a for a in (*atoms(above[-MAX_STATEMENT:]), *before) if not _is_label(a)]
    while others and others[-1].kind == "end":
        others.pop()
    alone = len(others) == 1 or (len(others) > 1 and others[-2].kind in ("end", "number"))
    if others and alone and others[-1].number and others[-1].number.value not in number.readings:
        raise Doubt("more than one number could be the answer")


def _is_label(atom: Atom) -> bool:
    """Whether an atom may belong to the mark of a list, such as "(b)" or "-"."""
    letter = atom.kind == "word" and len(atom.text) == 1
    return letter or atom.kind in ("open", "close") or (atom.kind == "op" and atom.text in "-*+")


def _check_code(lines: list[str], at: int) -> None:
    """Raise where the last number stands in a block of code and others stand outside."""
    fences = [i for i, line in enumerate(lines) if line.lstrip().startswith("```")]
    above = [i for i in fences if i < at]
    if len(above) % 2 and any(re.search("[0-9]", line) for line in lines[: above[-1]]):
        raise Doubt("the last number stands in a block of code")
