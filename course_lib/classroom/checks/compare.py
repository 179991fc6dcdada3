"""Comparing a reader's result with the right one, and writing values in a line."""

import math
import numbers
from typing import Any

import numpy as np

from .plain import Thing, plain_value, read_once

# words of one or two letters that begin a sentence; other short ones are names from code
SHORT_WORDS = frozenset("a an as at by if in is it no of on so to".split())


def same_value(a: Any, b: Any, tolerance: float) -> bool:
    """Whether two values are equal as plain ones.

    Numbers may differ by ``tolerance`` times the largest number of ``b`` (at least 1).
    """
    a = plain_value(a)
    b = plain_value(b)
    return _equal(a, b, tolerance * max(1.0, _size(b)))


def _size(value: Any) -> float:
    """The largest absolute number in a plain value; 0 where there is none."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return max(map(_size, value), default=0.0)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0.0
    if isinstance(value, int):
        return float(min(abs(value), 10**300))
    return abs(value) if math.isfinite(value) else 0.0


def _equal(a: Any, b: Any, slack: float) -> bool:
    """Equality of plain values, numbers within ``slack``; nan equals nan."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[k], b[k], slack) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_equal(x, y, slack) for x, y in zip(a, b, strict=True))
    if isinstance(a, numbers.Real) and isinstance(b, numbers.Real):
        return _near(a, b, slack)
    try:
        return type(a) is type(b) and bool(a == b)
    except Exception:
        return False


def _near(a: numbers.Real, b: numbers.Real, slack: float) -> bool:
    try:
        return a == b or abs(a - b) <= slack or (a != a and b != b)
    except OverflowError:  # an integer beyond float, minus a float
        return False


def shape_in_words(value: Any) -> str:
    """How a value is built, in words."""
    value = plain_value(value)
    if isinstance(value, list):
        return _shape_of_list(value)
    if isinstance(value, dict):
        return "the keys " + ", ".join(map(str, sorted(value, key=str)))
    if isinstance(value, bool):
        return "one truth value"
    if isinstance(value, numbers.Real):
        return "one number"
    if type(value) is str:
        return "one text"
    kind = value.kind if isinstance(value, Thing) else type(value).__name__
    if read_once(value):
        return f"type {kind}, which can be read only once (list() makes a list of it)"
    return f"type {kind}"


def _shape_of_list(value: list) -> str:
    """``shape (2, 3)``, or that rows differ in length."""
    sizes = [len(value)]
    inner = value
    while inner and isinstance(inner[0], list):
        width = len(inner[0])
        if not all(isinstance(row, list) and len(row) == width for row in inner):
            return _unequal_rows(inner) if inner is value else "rows of unequal lengths"
        sizes.append(width)
        inner = inner[0]
    comma = "," if len(sizes) == 1 else ""
    return f"shape ({', '.join(map(str, sizes))}{comma})"


def _unequal_rows(rows: list) -> str:
    lengths = [str(len(row)) if isinstance(row, list) else "none" for row in rows[:8]]
    return f"{len(rows)} rows of lengths {', '.join(lengths)}"


def in_a_line(value: Any, most: int = 160, given: bool = False) -> str:
    """A value in a line: four digits, at most ``most`` characters.

    With ``given`` arrays are written as a reader would type them.
    """
    name = getattr(value, "__name__", None) if callable(value) else None
    text = name or repr(_rounded(value, given))
    return text if len(text) <= most else text[: most - 4] + " ..."


def _rounded(value: Any, given: bool) -> Any:
    """``value`` with floats of four digits, arrays as lists or, with ``given``, as typed."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, (list, tuple)):
        # a named tuple cannot be built from one sequence
        kind = type(value) if type(value) in (list, tuple) else list
        return kind(_rounded(v, given) for v in value)
    if isinstance(value, dict):
        return {k: _rounded(v, given) for k, v in value.items()}
    if hasattr(value, "detach") or isinstance(value, (np.ndarray, np.generic)):
        plain = _rounded(plain_value(value), given)
        if not given or not np.ndim(value):
            return plain
        maker = "torch.tensor" if hasattr(value, "detach") else "np.array"
        return _Text(f"{maker}({plain!r})")
    return value


class _Text:
    """Something whose repr is ``text``."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def as_sentence(text: str) -> str:
    """``text`` with a capital letter, unless it begins with a name from code or a symbol.

    Such names are ``w``, ``lr`` and ``σ``.
    """
    word = text.split(" ")[0]
    is_word = word.isascii() and (len(word) > 2 or word in SHORT_WORDS)
    return text[0].upper() + text[1:] if is_word else text


def in_words(n: int) -> str:
    """Two, three and four in words, other numbers in digits."""
    return {2: "two", 3: "three", 4: "four"}.get(n, str(n))
