"""Reading the number a reply answers with.

Nothing here calls ``eval``: replies are untrusted text.
"""

import re
from fractions import Fraction

from ..base import require

# a longer number is unreadable: a word problem never needs it, and converting it takes quadratic
# time
MAX_DIGITS = 60

# The possessive *+ and ++ give nothing back, so that no text makes the search slow.
_DIGITS = r"(?:[0-9][0-9,.]*+|\.[0-9][0-9,.]*+)"
_SIGN = r"(?<![\w.])[-+−]?(?:\\?[$€£][ ]?[-−]?)?"  # and a currency, before or after the sign
_EXPONENT = r"(?:[eE][-+]?[0-9]++)?"
_MIXED = r"(?:[ ][0-9]++(?=/))?"  # the 1 of "2 1/2"
_FRACTION = r"\\[dt]?frac\{[0-9]++\}\{[0-9]++\}"
_NUMBER = rf"{_SIGN}(?:{_DIGITS}{_EXPONENT}{_MIXED}(?:/{_DIGITS})?|{_FRACTION})"

_MARKER = r"(?P<marker>(?<!\#)\#{4,}+|\\boxed[ ]?\{|(?i:\banswer\s{0,3}(?:is|:))|^[ \t]{0,8}A:)"
_BETWEEN = r"[\s*_`(\\{$:=~]{0,12}"  # between a marker and its number
_MARKED = re.compile(rf"{_MARKER}{_BETWEEN}(?P<number>{_NUMBER})", re.MULTILINE)

_ANY_NUMBER = re.compile(_NUMBER)

_PLAIN = r"[0-9]+(?:\.[0-9]+)?"
_VALUE = re.compile(
    r"(?P<sign>[-+]?)(?:(?P<whole>[0-9]+) (?=[0-9]+/))?"
    rf"(?P<top>{_PLAIN}|\.[0-9]+)(?:/(?P<bottom>{_PLAIN}))?"
)


def parse_number(text: str) -> Fraction | None:
    """The exact value of one written number as a Fraction, or None when it is not one.

    Reads ``18``, ``1,234``, ``-$5``, ``18.0``, ``.5``, ``1/2``, ``2 1/2``, ``20%`` (as 20) and
    ``\\frac{1}{2}``. Commas are dropped wherever they stand, as GSM8K's own reader does. Exponents,
    division by zero and numbers of more than :data:`MAX_DIGITS` digits give None.
    """
    text = re.sub(r"\\[dt]?frac\{([0-9]+)\}\{([0-9]+)\}", r"\1/\2", text.strip())
    text = text.replace("−", "-")
    text = re.sub(r"\\?[$€£] ?", "", text)  # a currency
    text = text.replace(",", "").rstrip("%.")
    match = _VALUE.fullmatch(text)
    if not match or sum(c.isdigit() for c in text) > MAX_DIGITS:
        return None
    bottom = Fraction(match["bottom"] or 1)
    if bottom == 0:
        return None
    value = Fraction(match["whole"] or 0) + Fraction(match["top"]) / bottom
    return -value if match["sign"] == "-" else value


def find_answer(text: str, mode: str = "lenient") -> tuple[Fraction | None, str | None]:
    r"""The final answer of a reply and how it was found: ``(Fraction or None, marker or None)``.

    1. The **last** marker with a number behind it decides, whichever kind it is: ``#### 18``
    (GSM8K's references), ``A: 18`` at the start of a line (the released model solutions),
    ``\boxed{18}``, "answer is 18" or "answer: 18".
    2. Without any, ``mode="lenient"`` takes the last number of the reply (marker ``"last
    number"``).

    ``mode="strict"`` knows only ``####`` and ``A:`` and never guesses. If the deciding number is
    malformed (``1e999``, ``1/0``, 5,000 digits) the answer is None: no other number is tried. Time
    is linear in the text.
    """
    require(mode in ("lenient", "strict"), f"mode must be 'lenient' or 'strict'; got {mode!r}.")
    number = marker = None
    for match in _MARKED.finditer(text):
        name = _marker_name(match["marker"])
        if mode == "lenient" or name in ("####", "A:"):
            number, marker = match["number"], name
    if marker is None and mode == "lenient":
        for match in _ANY_NUMBER.finditer(text):
            number, marker = match[0], "last number"
    return (None if number is None else parse_number(number)), marker


def _marker_name(found: str) -> str:
    """What a marker found in a reply is called."""
    found = found.strip().lower()
    if found.startswith("#"):
        return "####"
    if found.startswith("\\"):
        return "\\boxed"
    return "A:" if found == "a:" else "answer is"


def extract_answer(text: str, mode: str = "lenient") -> Fraction | None:
    """The final answer of a reply as an exact Fraction, or None.

    See :func:`find_answer` for the order of the rules.
    """
    return find_answer(text, mode)[0]
