"""Reading one written number, exactly. Nothing here calls ``eval``: replies are untrusted text."""

from fractions import Fraction
from html import unescape

from .atoms import atoms
from .characters import plain_characters
from .digits import Number
from .latex import with_backslashes, without_latex

MAX_STATEMENT = 400  # characters: what names an answer is shorter


def plain_text(text: str) -> str:
    """The text with one spelling for every digit, sign and command. Time is linear in the text."""
    if "&" in text:
        text = unescape(text)  # "1&nbsp;000"
    return without_latex(plain_characters(with_backslashes(text)))


def read_number(text: str) -> Number | None:
    """One written number with what else it could mean, or None when it is not surely one."""
    if len(text) > MAX_STATEMENT:
        return None
    found = atoms(plain_text(text.strip()))
    if found and found[-1].kind == "end" and found[-1].text == ".":
        found.pop()
    return found[0].number if len(found) == 1 else None


def parse_number(text: str) -> Fraction | None:
    """The exact value of one written number as a Fraction, or None when it is not surely one.

    Reads ``18``, ``-$5``, ``18.0``, ``.5``, ``1/2``, ``2 1/2``, ``2½``, ``20%`` (as 20),
    ``\\frac{1}{2}``, ``1,234``, ``1 234``, ``1.234,50``, ``1.5e3`` and ``1.5 \\times 10^3``, in the
    digits of any script. Not read: ``3,4`` (34, 3.4, or two numbers?), division by zero, more than
    60 digits.
    """
    number = read_number(text)
    return None if number is None else number.value
