"""Equations in a solution: finding them, evaluating them without ``eval``, the path they make."""

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from .digits import MAX_DIGITS

_EQUATION = re.compile(r"<<([^<>]*+)>>")

_WRITTEN = re.compile(r"[0-9][0-9,]*+(?:\.[0-9]*+)?|\.[0-9]++")


def equations(text: str) -> list[str]:
    """The marked equations ``<<48/2=24>>`` of a solution, in order, in one spelling.

    Blanks and commas inside numbers go, and numbers get their shortest form (``1.0`` → ``1``,
    ``.5`` → ``0.5``).
    """
    return [_WRITTEN.sub(_shortest, "".join(found.split())) for found in _EQUATION.findall(text)]


def _shortest(match: re.Match[str]) -> str:
    """A written number in its shortest form."""
    whole, _, decimals = match[0].replace(",", "").partition(".")
    whole = whole.lstrip("0") or "0"
    decimals = decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def equation_path(text: str) -> tuple[str, ...]:
    """A key for the reasoning path of a solution: its ordered tuple of equations.

    RFT (2308.01825, section 3.3) keeps one right solution per distinct list of equations. Its
    released code compares the list with blanks removed and order kept; we also give numbers one
    spelling. A solution without marked equations has the empty path ``()``.
    """
    return tuple(equations(text))


def evaluate(expression: str) -> Fraction | None:
    """The exact value of an arithmetic expression as a Fraction, or None when it is not one.

    A recursive-descent parser for numbers, ``+ - * / //``, signs and brackets. At most 100 symbols,
    so that no input is slow or nests too deeply.

        sum     = product (("+" | "-") product)*
        product = signed (("*" | "/" | "//") signed)*
        signed  = ("+" | "-")* (number | "(" sum ")")
    """
    expression = expression.replace(" ", "")
    symbols = re.findall(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+|//|[-+*/()]", expression)
    if not symbols or len(symbols) > 100 or "".join(symbols) != expression:
        return None
    parser = _Parser(symbols)
    try:
        value = parser.sum()
    except (ValueError, ZeroDivisionError):
        return None
    return None if parser.rest else value


class _Parser:
    """Reads symbols from the left, with one method for each rule of :func:`evaluate`'s grammar."""

    def __init__(self, symbols: list[str]) -> None:
        self.rest = symbols[::-1]  # the next symbol is the last: pop() reads it

    def peek(self) -> str:
        """The next symbol, left where it is; empty at the end."""
        return self.rest[-1] if self.rest else ""

    def sum(self) -> Fraction:
        value = self.product()
        while self.peek() in ("+", "-"):
            symbol, term = self.rest.pop(), self.product()
            value = value + term if symbol == "+" else value - term
        return value

    def product(self) -> Fraction:
        value = self.signed()
        while self.peek() in ("*", "/", "//"):
            symbol, factor = self.rest.pop(), self.signed()
            if symbol == "*":
                value = value * factor
            elif symbol == "/":
                value = value / factor
            else:
                value = Fraction(value // factor)
        return value

    def signed(self) -> Fraction:
        sign = 1
        while self.peek() in ("+", "-"):
            if self.rest.pop() == "-":
                sign = -sign
        return sign * (self.bracket() if self.peek() == "(" else self.number())

    def bracket(self) -> Fraction:
        self.rest.pop()
        value = self.sum()
        if self.peek() != ")":
            raise ValueError("a bracket is not closed")
        self.rest.pop()
        return value

    def number(self) -> Fraction:
        number = self.rest.pop() if self.rest else ""
        if len(number) > MAX_DIGITS:
            raise ValueError("the number is too long")
        return Fraction(number)  # raises ValueError when it is no number


def equation_holds(equation: str, tolerance: float = 1e-3) -> bool | None:
    """True or False for an equation like ``48/2=24``; None when it cannot be read.

    That is when a side holds a letter or the "=" is missing. ``tolerance`` is the largest absolute
    difference allowed, 10⁻³ as in RFT's code: ``10/3=3.333`` holds, ``10/3=3.3`` does not. Use 0
    for exact arithmetic.
    """
    sides = []
    for side in equation.split("="):
        value = evaluate(side)
        if value is None:
            return None
        sides.append(value)
    if len(sides) < 2:
        return None
    return all(abs(a - b) <= Fraction(tolerance) for a, b in pairwise(sides))


def equation_report(texts: Sequence[str]) -> dict[str, int | float]:
    """Counts over solutions: how many have marked equations, how many those are, how many false.

    Keys: ``texts``, ``with_equations``, ``equations``, ``mean`` (equations per text),
    ``unreadable``, ``inexact`` (false in exact arithmetic), ``false`` (off by more than 10⁻³).
    """
    found = [equations(text) for text in texts]
    every = [equation for row in found for equation in row]
    exact = [equation_holds(equation, tolerance=0) for equation in every]
    # what holds exactly also holds within the tolerance, so only the inexact are looked at again
    inexact = [equation for equation, holds in zip(every, exact, strict=True) if holds is False]
    false = [equation for equation in inexact if not equation_holds(equation)]
    return {
        "texts": len(found),
        "with_equations": sum(bool(row) for row in found),
        "equations": len(every),
        "mean": len(every) / max(1, len(found)),
        "unreadable": exact.count(None),
        "inexact": len(inexact),
        "false": len(false),
    }
