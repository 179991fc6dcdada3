"""A statement cut into numbers, signs and words, each number with its value.

The pattern's possessive ``*+`` and ``++`` give nothing back, so that no text makes the search slow.
"""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import factorial

from .altered import is_altered, is_scale, other_unit
from .digits import MAX_DIGITS, Number, read_digits
from .words import MINUS_WORDS

# letters of alphabets that put blanks between words; elsewhere ("答案是42") a number may follow
_LETTER = "A-Za-zªºÀ-ÖØ-öø-ɏΆ-Ͽἀ-῾Ѐ-ԯ"
_RUN = r"(?:[0-9]++(?:[.,'_][0-9]++|[ \u2009][0-9]{3}(?![0-9]))*+|\.[0-9]++)"
_SCALES = r"(?i:thousand|million|billion|trillion|hundred|dozen)"
_NUMBER = rf"""
    (?:(?<![{_LETTER}0-9_)\]}}%.+-])(?P<sign>[-+]))?
    (?:[$€£¥₹₩₽][ ]?(?P<inner>-(?=[0-9.]))?)?
    (?:(?P<whole>[0-9]++)[ \u2009](?=[0-9]++[ ]?/[ ]?[0-9]))?(?P<run>{_RUN})
    (?:[ ]?/[ ]?(?P<bottom>{_RUN}))?
    (?P<e>[eE][-+]?[0-9]++)?
    (?:[ ]?[×*][ ]?10[ ]?(?:\^|\*\*)[ ]?\{{?[ ]?(?P<ten>[-+]?[0-9]++)[ ]?\}}?)?
    (?P<power>[ ]?\^[ ]?\{{?[ ]?[-+]?[0-9]*+[ ]?\}}?|\*\*[0-9]++|_\{{?[0-9a-z]++\}}?)?
    (?P<percent>[ ]?(?:%|percent\b|per[ ]cent\b))?
    (?:-(?={_SCALES}\b))?
    (?P<glued>(?!{_SCALES}\b)[{_LETTER}][{_LETTER}0-9_]*+|\.\.++(?=[0-9])|:(?=[0-9])
        |\(|\\(?=[a-zA-Z])|[\ufffd±√∞π¢‰]|!(?=\s?[=×*/+]))?
"""
_ATOM = re.compile(
    rf"""
    (?P<number>{_NUMBER})
  | (?P<odd>[{_LETTER}]++[-.][0-9][\w.-]*+                # COVID-19, No.5, x-3
      | <=|>=|!=|(?<![<=-])[<>](?![<>/])|[≤≥≠∈±√∞π¢‰\ufffd]
      | (?<!\w)—(?=[0-9])                                 # a minus?
      | \\[a-zA-Z]++)                                     # a command that is not known
  | (?P<word>[{_LETTER}][{_LETTER}0-9_]*+(?:(?<=[0-9])\.[0-9]++)*+(?:['/-][{_LETTER}]++)*+
        (?:"?\^\{{?-?[0-9]++\}}?)?                        # m^2
      | [^\W0-9_{_LETTER}]++)
  | (?P<end>\n|;(?=\s*[^\W0-9])|(?:[.!?]|…)++(?=[\s"')*$}}\]]|$)|<<|>>|</)
  | (?P<equal>=++(?!>))
  | (?P<op>[-+*/×÷^])
  | (?P<open>[(\[{{])
  | (?P<close>[)\]}}])
  | (?P<comma>[,;|&])
  | (?P<other>\s++|.)
    """,
    re.VERBOSE | re.DOTALL,
)

_LARGE = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
# letters behind a number that make it another one, or none
_NO_UNITS = frozenset(
    "st nd rd th am pm pi sqrt log ln sin cos tan mod choose squared cubed factorial".split()
)
_SCALE_LETTERS = frozenset("kKMB")
_ONE_LETTER_UNITS = frozenset("gshlLCF")
_LARGEST_FACTORIAL = 20


@dataclass(frozen=True)
class Atom:
    """One piece of a statement.

    Attributes
    ----------
    kind : "number", "odd" (no number that is read here), "word", "equal", "op", "open", "close",
        "comma" or "end".
    text : as it stands there.
    start, end : its place in the statement.
    number : its value, for kind "number".
    """

    kind: str
    text: str
    start: int
    end: int
    number: Number | None = None

    @property
    def has_digits(self) -> bool:
        """Whether a number, or what is not read as one, is written with digits."""
        return self.kind in ("number", "odd") and any(char.isdigit() for char in self.text)

    def is_one_of(self, words: Container[str]) -> bool:
        """True for a word that is among ``words``, in small letters."""
        return self.kind == "word" and self.text.lower() in words


def atoms(statement: str) -> list[Atom]:
    """The pieces of a statement in order; the statement is as ``plain_text`` leaves it.

    What says nothing of a number (blanks, quotes, a mark of currency) is left out.
    """
    found: list[Atom] = []
    for atom in _pieces(statement):
        before = found[-1] if found else None
        if before and before.kind in ("number", "close") and atom.text[0] in "+-":
            # behind a number a sign is an operation: "16 -3"
            found += _split_sign(atom)
        elif before and before.is_one_of(MINUS_WORDS) and atom.kind == "number":
            found[-1] = Atom("odd", atom.text, before.start, atom.end)
        elif before and before.kind == "number" and atom.text.lower() in _LARGE:
            found[-1] = _enlarged(before, atom)
        elif before and before.kind == "number" and atom.kind == "word" and _changes(atom.text):
            found[-1] = Atom("odd", before.text, before.start, atom.end)
        elif before and before.number and other_unit(atom.text):
            found[-1] = _in_other_unit(before, other_unit(atom.text) or Fraction(1))
            found.append(atom)
        else:
            found.append(atom)
    return found


def _pieces(statement: str) -> Iterator[Atom]:
    for match in _ATOM.finditer(statement):
        kind, place = match.lastgroup or "other", (match[0], match.start(), match.end())
        if kind == "number":
            altered = is_altered(statement, match.start(), match.end())
            number = None if altered else _value(match)
            yield Atom("number" if number else "odd", *place, number)
        elif match["other"] is None and not _is_emphasis(match, statement):
            yield Atom(kind, *place)


def _is_emphasis(match: re.Match[str], statement: str) -> bool:
    """Whether a star is Markdown: no number on both sides of it, as in ``6 * 7``."""
    if match[0] != "*":
        return False
    before = statement[: match.start()].rstrip(" *")[-1:]
    behind = statement[match.end() :].lstrip(" *")[:1]
    return not (before.isalnum() or before in (")", "%")) or not (
        behind.isalnum() or behind in ("(", ".", "-", "$")
    )


def _split_sign(atom: Atom) -> list[Atom]:
    """A number with its sign as an operation and a number; an operation stays."""
    if atom.number is None:
        return [atom]
    number = atom.number if atom.text[0] == "+" else atom.number.negated()
    middle = atom.start + 1
    sign = Atom("op", atom.text[0], atom.start, middle)
    return [sign, Atom("number", atom.text[1:], middle, atom.end, number)]


def _enlarged(before: Atom, atom: Atom) -> Atom:
    """``5 million``; some references leave the million to the unit, so 5 is another sense."""
    assert before.number is not None
    factor = _LARGE[atom.text.lower()]
    number = before.number.times(Fraction(factor)).or_else(*before.number.readings)
    return Atom("number", f"{before.text} {atom.text}", before.start, atom.end, number)


def _in_other_unit(before: Atom, factor: Fraction) -> Atom:
    """A number whose unit may count for it: 350 cents are 350, and could be 3.50."""
    assert before.number is not None
    others = (value * factor for value in before.number.readings)
    number = before.number.or_else(*others)
    return Atom("number", before.text, before.start, before.end, number)


def _value(match: re.Match[str]) -> Number | None:
    """The value of a written number, or None when it is not surely one."""
    number = _unsigned(match)
    if number is None or (match["glued"] and not _is_unit(match["glued"])):
        return None
    behind = match.string[match.end() : match.end() + 3]
    if "." in match["run"] and behind.startswith(("...", "…")):
        return None  # 3.33... goes on
    if match["percent"]:
        number = number.or_else(*(value / 100 for value in number.readings))
    whole = number.value.denominator == 1 and 2 < number.value <= _LARGEST_FACTORIAL
    if behind.startswith("!") and whole:
        number = number.or_else(Fraction(factorial(int(number.value))))
    if match["sign"] and match["inner"]:
        return None
    return number.negated() if "-" in (match["sign"], match["inner"]) else number


def _unsigned(match: re.Match[str]) -> Number | None:
    """The value without its sign: digits, a fraction, a mixed number, a power of ten."""
    if sum(char.isdigit() for char in match[0]) > MAX_DIGITS:
        return None
    number = read_digits(match["run"])
    bottom = read_digits(match["bottom"] or "1")
    if number is None or bottom is None or bottom.value == 0:
        return None
    if match["bottom"]:
        sides = (number.value, bottom.value) if " /" in match[0] else ()
        number = Number(number.value / bottom.value).or_else(*sides)  # "42 / 43" may be two answers
    if match["whole"]:
        if number.value >= 1:
            return None
        whole = Fraction(match["whole"])
        number = Number(whole + number.value).or_else(whole * number.value)
    exponent = match["e"][1:] if match["e"] else match["ten"]
    if match["power"]:
        if match["run"] != "10" or exponent or match["bottom"] or "_" in match["power"]:
            return None
        exponent, number = re.sub(r"[^-0-9]", "", match["power"]), Number(Fraction(1))
    if exponent is None:
        return number
    power = int(exponent) if re.fullmatch(r"[-+]?[0-9]{1,3}", exponent) else MAX_DIGITS + 1
    return number.times(Fraction(10) ** power) if abs(power) <= MAX_DIGITS else None


def _changes(word: str) -> bool:
    """Whether a word behind a number makes it another one, or none."""
    return word.lower() in _NO_UNITS or word in _SCALE_LETTERS or is_scale(word)


def _is_unit(letters: str) -> bool:
    """Whether letters that touch a number may be its unit: ``18euros``, not ``3rd`` or ``2x``."""
    if _changes(letters) or not letters.isalpha():
        return False
    if letters[0] in "xX":  # 0xFF, 6xy
        return False
    return len(letters) > 1 or letters in _ONE_LETTER_UNITS
