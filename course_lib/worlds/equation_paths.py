"""Equations in a solution: finding them, evaluating them without ``eval``, and the path they
make.
"""

import re
from fractions import Fraction
from itertools import pairwise

from .numbers import MAX_DIGITS

_EQUATION = re.compile(r"<<([^<>]*+)>>")

_WRITTEN = re.compile(r"[0-9][0-9,]*+(?:\.[0-9]*+)?|\.[0-9]++")


def equations(text):
    """The marked equations ``<<48/2=24>>`` of a solution, in order, in one spelling.

    Blanks and commas inside numbers go, and numbers get their shortest form (``1.0`` → ``1``,
    ``.5`` → ``0.5``).
    """
    return [_WRITTEN.sub(_shortest, "".join(found.split())) for found in _EQUATION.findall(text)]


def _shortest(match):
    whole, _, decimals = match[0].replace(",", "").partition(".")
    whole, decimals = whole.lstrip("0") or "0", decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def equation_path(text):
    """A key for the reasoning path of a solution: its ordered tuple of equations.

    RFT (2308.01825, section 3.3) keeps one right solution per distinct list of equations. Its
    released code compares the list with blanks removed and order kept; we also give numbers one
    spelling. A solution without marked equations has the empty path ``()``.
    """
    return tuple(equations(text))


def evaluate(expression):
    """The exact value of an arithmetic expression as a Fraction, or None when it is not one.

    A recursive-descent parser for numbers, ``+ - * / //``, signs and brackets. At most 100 symbols,
    so that no input is slow or nests too deeply.

        sum     = product (("+" | "-") product)*
        product = signed (("*" | "/" | "//") signed)*
        signed  = ("+" | "-")* (number | "(" sum ")")
    """
    expression = expression.replace(" ", "")
    tokens = re.findall(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+|//|[-+*/()]", expression)
    if not tokens or len(tokens) > 100 or "".join(tokens) != expression:
        return None
    tokens = [*reversed(tokens)]  # the next symbol is the last: pop() reads it

    def peek():
        return tokens[-1] if tokens else ""

    def add():
        value = multiply()
        while peek() in ("+", "-"):
            value += multiply() if tokens.pop() == "+" else -multiply()
        return value

    def multiply():
        value = signed()
        while peek() in ("*", "/", "//"):
            symbol, other = tokens.pop(), signed()
            value = (
                value * other
                if symbol == "*"
                else value / other
                if symbol == "/"
                else Fraction(value // other)
            )
        return value

    def signed():
        sign = 1
        while peek() in ("+", "-"):
            sign = -sign if tokens.pop() == "-" else sign
        if peek() == "(":
            tokens.pop()
            value = add()
            if peek() != ")":
                raise ValueError("a bracket is not closed")
            tokens.pop()
        else:
            number = tokens.pop() if tokens else ""
            if len(number) > MAX_DIGITS:
                raise ValueError("the number is too long")
            value = Fraction(number)  # raises ValueError when it is no number
        return sign * value

    try:
        value = add()
    except (ValueError, ZeroDivisionError):
        return None
    return None if tokens else value


def equation_holds(equation, tolerance=1e-3):
    """True or False for an equation like ``48/2=24``; None when a side cannot be read (a letter, a
    missing "=").

    ``tolerance`` is the largest absolute difference allowed, 10⁻³ as in RFT's code: ``10/3=3.333``
    holds, ``10/3=3.3`` does not. Use 0 for exact arithmetic.
    """
    sides = [evaluate(side) for side in equation.split("=")]
    if len(sides) < 2 or None in sides:
        return None
    return all(abs(a - b) <= Fraction(tolerance) for a, b in pairwise(sides))


def equation_report(texts):
    """Counts over solutions: how many have marked equations, how many equations, and how many of
    those are false.

    Keys: ``texts``, ``with_equations``, ``equations``, ``mean`` (equations per text),
    ``unreadable``, ``inexact`` (false in exact arithmetic), ``false`` (off by more than 10⁻³).
    """
    found = [equations(text) for text in texts]
    every = [equation for row in found for equation in row]
    exact = [equation_holds(equation, tolerance=0) for equation in every]
    false = [
        equation
        for equation, holds in zip(every, exact, strict=True)
        if holds is False and not equation_holds(equation)
    ]
    return {
        "texts": len(found),
        "with_equations": sum(bool(row) for row in found),
        "equations": len(every),
        "mean": len(every) / max(1, len(found)),
        "unreadable": exact.count(None),
        "inexact": exact.count(False),
        "false": len(false),
    }
