"""Comparing a reader's result with the right one, and writing values in a line."""

import numbers
from collections.abc import Iterator

import numpy as np


def plain_value(value):
    """Tensors, arrays and tuples as nested lists; everything else as it is."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain_value(v) for v in value]
    if isinstance(value, dict):
        return {k: plain_value(v) for k, v in value.items()}
    return value


def same_value(a, b, tolerance):
    """Equality of plain values, numbers within ``tolerance`` relative to the size of ``b``'s
    numbers (at least 1).
    """
    a, b = plain_value(a), plain_value(b)
    return _equal(a, b, tolerance * max(1.0, _size(b)))


def _size(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return max(map(_size, value), default=0.0)
    return (
        abs(value)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and np.isfinite(value)
        else 0.0
    )


def _equal(a, b, slack):
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[k], b[k], slack) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_equal(x, y, slack) for x, y in zip(a, b, strict=True))
    if isinstance(a, numbers.Real) and isinstance(b, numbers.Real):
        return a == b or abs(a - b) <= slack or (a != a and b != b)
    try:
        return type(a) is type(b) and bool(a == b)
    except Exception:
        return False


def shape_in_words(value):
    """How a value is built, in words."""
    value = plain_value(value)
    if isinstance(value, list):
        sizes, inner = [len(value)], value
        while inner and isinstance(inner[0], list):
            if not all(isinstance(row, list) and len(row) == len(inner[0]) for row in inner):
                lengths = ", ".join(
                    str(len(row)) if isinstance(row, list) else "none" for row in inner[:8]
                )
                return (
                    f"{len(inner)} rows of lengths {lengths}"
                    if len(sizes) == 1
                    else "rows of unequal lengths"
                )
            sizes.append(len(inner[0]))
            inner = inner[0]
        return f"shape ({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"
    if isinstance(value, dict):
        return "the keys " + ", ".join(map(str, sorted(value, key=str)))
    if isinstance(value, numbers.Real):
        return "one truth value" if isinstance(value, bool) else "one number"
    kind = type(value).__name__
    if isinstance(value, Iterator):
        return f"type {kind}, which can be read only once (list() makes a list of it)"
    return {"str": "one text"}.get(kind, f"type {kind}")


def in_a_line(value, most=160, given=False):
    """A value in a line: four digits, at most ``most`` characters.

    With ``given`` arrays are written as a reader would type them.
    """

    def rounded(v):
        if isinstance(v, float):
            return float(f"{v:.4g}")
        if isinstance(v, (list, tuple)):
            return type(v)(map(rounded, v)) if type(v) in (list, tuple) else rounded(list(v))
        if isinstance(v, dict):
            return {k: rounded(x) for k, x in v.items()}
        if hasattr(v, "detach") or isinstance(v, (np.ndarray, np.generic)):
            plain = rounded(plain_value(v))
            return (
                _As(f"{'torch.tensor' if hasattr(v, 'detach') else 'np.array'}({plain!r})")
                if given and np.ndim(v)
                else plain
            )
        return v

    text = getattr(value, "__name__", None) if callable(value) else None
    text = text or repr(rounded(value))
    return text if len(text) <= most else text[: most - 4] + " ..."


class _As:
    """Something whose repr is ``text``."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


def as_sentence(text):
    """``text`` with a capital letter, unless it begins with a name from code or a symbol (``w``,
    ``lr``, ``σ``).
    """
    word = text.split(" ")[0]
    return (
        text[0].upper() + text[1:]
        if word.isascii()
        and (
            len(word) > 2
            or word
            in ("a", "an", "as", "at", "by", "if", "in", "is", "it", "no", "of", "on", "so", "to")
        )
        else text
    )


def in_words(n):
    return {2: "two", 3: "three", 4: "four"}.get(n, str(n))
