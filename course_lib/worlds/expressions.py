"""Small expressions: their value, other groupings of the same value, and right orders of steps."""

from itertools import combinations
from typing import Literal, TypeGuard

import numpy as np

# A number, ("*", m, part), ("/", part, m) or ("+", [(sign, part), ...]); signs are 1 and -1.
Terms = list[tuple[int, "Expression"]]
Sum = tuple[Literal["+"], Terms]
Expression = (
    int | Sum | tuple[Literal["*"], int, "Expression"] | tuple[Literal["/"], "Expression", int]
)
Step = tuple[int, str, int, int]  # left, operation, right, result


def plus(*terms: tuple[int, Expression]) -> Expression:
    """The sum of signed terms, (1, part) or (-1, part) each."""
    return ("+", list(terms))


def times(m: int, part: Expression) -> Expression:
    """The product m·part."""
    return ("*", m, part)


def over(part: Expression, m: int) -> Expression:
    """The quotient part/m."""
    return ("/", part, m)


def value_of(part: Expression) -> int | None:
    """The exact value of an expression, an int; None when a division has a remainder."""
    if isinstance(part, int):
        return part
    if part[0] == "+":
        total = 0
        for sign, term in part[1]:
            value = value_of(term)
            if value is None:
                return None
            total += sign * value
        return total
    if part[0] == "*":
        inside = value_of(part[2])
        return None if inside is None else part[1] * inside
    inside = value_of(part[1])
    if inside is None or inside % part[2]:
        return None
    return inside // part[2]


def stays_within(part: Expression, limit: int) -> bool:
    """True when every part's value lies between 0 and ``limit`` and no division has a remainder."""
    value = value_of(part)
    if value is None or not 0 <= value <= limit:
        return False
    if isinstance(part, int):
        return True
    if part[0] == "+":
        if not all(stays_within(term, limit) for _, term in part[1]):
            return False
        # all that is added may come before anything is taken away
        added = [value_of(term) or 0 for sign, term in part[1] if sign > 0]
        return sum(added) <= limit
    return stays_within(part[2] if part[0] == "*" else part[1], limit)


def rewrite(part: Expression, rng: np.random.Generator) -> Expression:
    """The same value in another grouping, drawn at random.

    m·(a + b) may become m·a + m·b, (a + b)/m may become a/m + b/m, a bracket may open.
    """
    if isinstance(part, int):
        return part
    if part[0] == "+":
        return plus(*_rewritten_terms(part[1], rng))
    if part[0] == "*":
        m, inner = part[1], rewrite(part[2], rng)
        if _is_sum(inner) and rng.random() < 0.5:
            return plus(*((sign, times(m, term)) for sign, term in inner[1]))
        return times(m, inner)
    inner, m = rewrite(part[1], rng), part[2]
    if _is_sum(inner) and rng.random() < 0.5:
        spread = [(sign, over(term, m)) for sign, term in inner[1]]
        # the sum may be divisible where its terms are not
        if all(value_of(term) is not None for _, term in spread):
            return plus(*spread)
    return over(inner, m)


def _is_sum(part: Expression) -> TypeGuard[Sum]:
    return not isinstance(part, int) and part[0] == "+"


def _rewritten_terms(terms: Terms, rng: np.random.Generator) -> Terms:
    """Each term in another grouping; the bracket of a sum within the sum may open."""
    rewritten: Terms = []
    for sign, term in terms:
        inner = rewrite(term, rng)
        if _is_sum(inner) and rng.random() < 0.5:
            rewritten += [(sign * s, p) for s, p in inner[1]]
        else:
            rewritten.append((sign, inner))
    return rewritten


def steps_of(part: Expression, rng: np.random.Generator) -> list[Step]:
    """A random right order of steps: (left, operation, right, result) each.

    The last one's result is the expression's value.
    """
    steps: list[Step] = []
    _reduce(part, rng, steps)
    return steps


def _reduce(part: Expression, rng: np.random.Generator, steps: list[Step]) -> int:
    """The value of ``part``; the steps that lead to it are put at the end of ``steps``."""
    if isinstance(part, int):
        return part
    if part[0] == "+":
        return _reduce_sum(part[1], rng, steps)
    if part[0] == "*":
        a, b = part[1], _reduce(part[2], rng, steps)
        if rng.random() >= 0.5:
            a, b = b, a
        result = a * b
        steps.append((a, "*", b, result))
        return result
    inside = _reduce(part[1], rng, steps)
    result = inside // part[2]
    steps.append((inside, "/", part[2], result))
    return result


def _reduce_sum(terms: Terms, rng: np.random.Generator, steps: list[Step]) -> int:
    """The value of a sum whose terms are joined two by two, in an order drawn at random.

    At each turn one of these happens, all equally likely: a term that is an expression is worked
    out, or two numbers are joined that can be.
    """
    open_terms: Terms = list(terms)
    while True:
        last = open_terms[0][1]
        if len(open_terms) == 1 and isinstance(last, int):
            return last
        waiting = [i for i, (_, term) in enumerate(open_terms) if not isinstance(term, int)]
        pairs = _joinable(open_terms)
        choice = int(rng.integers(len(pairs) + len(waiting)))
        if choice < len(waiting):
            i = waiting[choice]
            sign, term = open_terms[i]
            open_terms[i] = (sign, _reduce(term, rng, steps))
            continue
        i, j, (sign, a, operation, b) = pairs[choice - len(waiting)]
        if operation == "+" and rng.random() < 0.5:
            a, b = b, a
        result = a + b if operation == "+" else a - b
        steps.append((a, operation, b, result))
        left = [term for k, term in enumerate(open_terms) if k not in (i, j)]
        open_terms = [*left, (sign, result)]


def _joinable(terms: Terms) -> list[tuple[int, int, tuple[int, int, str, int]]]:
    """The pairs i < j of numbers among ``terms`` that can be joined, each with how."""
    ready = [(i, sign, term) for i, (sign, term) in enumerate(terms) if isinstance(term, int)]
    pairs = []
    for (i, s, a), (j, t, b) in combinations(ready, 2):
        how = joined((s, a), (t, b))
        if how is not None:
            pairs.append((i, j, how))
    return pairs


def joined(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int, str, int] | None:
    """How two signed numbers become one: (sign, left, operation, right).

    None when the result would be below zero on its own.
    """
    (s, a), (t, b) = one, other
    if s == t:
        return s, a, "+", b
    added, taken = (a, b) if s > 0 else (b, a)
    return (1, added, "-", taken) if added >= taken else None
