"""Word problems: an expression and the words around it.

A problem is drawn as a kind and its numbers; the kind makes the expression, and one of its wordings
the text.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .expressions import Expression, over, plus, rewrite, stays_within, steps_of, times, value_of

MISREAD = 0.6  # share of hurried solutions that misread, in kinds that can be misread
LIMIT = 99  # every number in a problem and in a solution lies between 0 and this
NAMES = "Ann Ben Cleo Dan Eva Finn Gus Hana Ivo Jill Kim Leo".split()
THINGS = "pens cups coins books stamps shells cards beads".split()


class Kind(NamedTuple):
    """A kind of problem.

    ``make`` turns the numbers into the expression; its parameters are called what the wordings call
    them. ``ranges`` has the lowest and the highest of each number. In ``wordings`` x, y, z are
    names of people and t, u, v things; the last wording is kept for the split "templates".
    ``misread`` makes the expression of who reads in a hurry; None where nobody misreads.
    """

    make: Callable[..., Expression]
    ranges: Sequence[tuple[int, int]]
    wordings: Sequence[str]
    misread: Callable[..., Expression] | None = None


KINDS: dict[str, Kind] = {
    "collect": Kind(
        lambda a, b, c, d: plus((1, a), (1, b), (1, c), (1, d)),
        [(2, 29)] * 4,
        (
            "{x} has {a} red {t}, {b} blue {t}, {c} green {t} and {d} white {t}. How many {t} "
            "are there?",
            "{x} found {a} {t} on Monday, {b} on Tuesday, {c} on Friday and {d} on Sunday. How "
            "many {t} is that?",
            "There are {a} red {t} and {b} blue {t} in a bag, and {c} green {t} and {d} white {t} "
            "on a table. How many {t} is that?",
            "{x} bought {a} {t}, found {b} and got {c} from {y} and {d} from {z}. How many {t} are "
            "there?",
            "There are {a} {t} in a box, {b} in a bag, {c} on a table and {d} on the floor. "
            "How many {t} are there?",
        ),
    ),
    "change": Kind(
        lambda a, b, c, d: plus((1, a), (-1, b), (-1, c), (1, d)),
        [(20, 79), (2, 19), (2, 19), (2, 19)],
        (
            "{x} had {a} {t}, lost {b}, gave {c} away and bought {d}. How many {t} are left?",
            "There were {a} {t} in a box. {x} took {b}, {y} took {c} and {x} put {d} back. How "
            "many {t} are left?",
            "{x} got {a} {t}, sold {b} and lost {c}. Then {x} bought {d} more. How many {t} are "
            "left?",
            "On Monday there were {a} {t}. {x} sold {b}, {y} took {c}, and {z} got {d} more. How "
            "many {t} are left?",
            "A shop had {a} {t}. It sold {b} on Monday and {c} on Tuesday and got {d} more. "
            "How many {t} are left?",
        ),
        # what came back is forgotten
        lambda a, b, c, d: plus((1, a), (-1, b), (-1, c)),
    ),
    "boxes": Kind(
        lambda a, b, c, d, e: plus((1, times(a, b)), (1, times(c, d)), (1, e)),
        [(2, 6), (2, 9), (2, 6), (2, 9), (2, 19)],
        (
            "{x} buys {a} boxes of {b} {t}, {c} bags of {d} {t} and {e} single {t}. How many "
            "{t} is that?",
            "There are {a} bags with {b} {t} each, {c} boxes with {d} {t} each and {e} {t} on "
            "a table. How many {t} are there?",
            "{x} found {a} bags of {b} {t}, {y} found {c} boxes of {d} {t} and {z} found {e} "
            "single {t}. How many {t} are there?",
            "On the table are {a} boxes with {b} {t} each, and on the floor {c} bags with {d} {t} "
            "each. {x} has {e} single {t}. How many {t} is that?",
            "{x} has {e} {t}, {y} has {a} boxes of {b} {t} and {c} bags of {d} {t}. How many "
            "{t} are there?",
        ),
        # the single ones are left out
        lambda a, b, c, d, e: plus((1, times(a, b)), (1, times(c, d))),
    ),
    "each": Kind(
        lambda m, a, b, c: times(m, plus((1, a), (1, b), (1, c))),
        [(2, 6), (2, 19), (2, 19), (2, 19)],
        (
            "{m} friends each have {a} red {t}, {b} blue {t} and {c} green {t}. How many {t} "
            "are there?",
            "There are {m} boxes. Each has {a} big {t}, {b} small {t} and {c} old {t}. How "
            "many {t} are there?",
            "{x} buys {m} bags. In each are {a} white {t}, {b} old {t} and {c} red {t}. How many "
            "{t} is that?",
            "On each of {m} days a shop sold {a} {t} to {x}, {b} to {y} and {c} to {z}. How many "
            "{t} is that?",
            "On each of {m} days {x} found {a} {t}, {y} found {b} and {z} found {c}. How many "
            "{t} is that?",
        ),
        # only the first is multiplied
        lambda m, a, b, c: plus((1, times(m, a)), (1, b), (1, c)),
    ),
    "spend": Kind(
        lambda a, m, b, n, c: plus((1, a), (-1, times(m, b)), (-1, times(n, c))),
        [(40, 99), (2, 6), (2, 7), (2, 6), (2, 7)],
        (
            "{x} has {a} coins and buys {m} {u} for {b} coins each and {n} {v} for {c} coins "
            "each. How many coins are left?",
            "{x} had {a} coins. {m} {u} cost {b} coins each and {n} {v} cost {c} coins each. "
            "{x} bought all. How many coins are left?",
            "A shop sold {x} {m} {u} at {b} coins each and {n} {v} at {c} coins each. {x} had {a} "
            "coins. How many coins are left?",
            "{x} has {a} coins. {x} buys {m} {u} and {n} {v}. The {u} cost {b} coins each, the {v} "
            "{c} coins each. How many coins are left?",
            "For {m} {u} at {b} coins each and {n} {v} at {c} coins each {x} paid from {a} "
            "coins. How many coins are left?",
        ),
        # one of the second is paid
        lambda a, m, b, n, c: plus((1, a), (-1, times(m, b)), (-1, c)),
    ),
    "more": Kind(
        lambda a, d, m: plus((1, a), (1, plus((1, a), (1, d))), (1, times(m, a))),
        [(2, 19), (2, 39), (2, 4)],
        (
            "{x} has {a} {t}. {y} has {d} more than {x}. {z} has {m} times as many as {x}. How "
            "many {t} are there?",
            "{x} found {a} {t}, {y} found {d} more than that and {z} found {m} times as many "
            "as {x}. How many {t} is that?",
            "{x} bought {a} {t}. {y} bought {d} more than {x}, and {z} bought {m} times as many as "
            "{x}. How many {t} are there?",
            "There are {a} {t} on a table. In a box are {d} more than on the table, and in a bag "
            "{m} times as many as on the table. How many {t} is that?",
            "{z} has {m} times as many {t} as {x}, and {y} has {d} more than {x}. {x} has {a} "
            "{t}. How many {t} are there?",
        ),
        # "d more than" is read as d
        lambda a, d, m: plus((1, a), (1, d), (1, times(m, a))),
    ),
    "share": Kind(
        lambda a, b, c, m: over(plus((1, a), (1, b), (1, c)), m),
        [(2, 29), (2, 29), (2, 29), (2, 6)],
        (
            "{m} friends share {a} red {t}, {b} blue {t} and {c} green {t}. How many {t} does "
            "each get?",
            "{x} puts {a} old {t}, {b} big {t} and {c} small {t} into {m} boxes, the same in "
            "each. How many {t} does each get?",
            "{m} friends found {a} {t} on Monday, {b} on Tuesday and {c} on Friday. They share "
            "all. How many {t} does each get?",
            "{x} had {a} {t}, {y} had {b} and {z} had {c}. All go into {m} bags, the same in each. "
            "How many {t} does each get?",
            "{a} {t} from {x}, {b} from {y} and {c} from {z} go to {m} friends, the same to "
            "each. How many {t} does each get?",
        ),
        # each one's share is forgotten
        lambda a, b, c, m: plus((1, a), (1, b), (1, c)),
    ),
    "twice": Kind(
        lambda m, a, b, c: plus((1, times(m, plus((1, a), (1, b)))), (-1, c)),
        [(2, 6), (2, 9), (2, 9), (2, 19)],
        (
            "{m} boxes each have {a} red {t} and {b} blue {t}. {x} takes {c} {t}. How many {t} "
            "are left?",
            "{x} found {a} big {t} and {b} small {t} on each of {m} days and lost {c}. How "
            "many {t} are left?",
            "{x} has {m} bags. In each are {a} green {t} and {b} old {t}. {y} takes {c} {t}. How "
            "many {t} are left?",
            "{m} friends each found {a} {t} on Monday and {b} on Sunday. {x} lost {c} {t}. How "
            "many {t} are left?",
            "{x} lost {c} {t}. Before that {x} had {m} bags with {a} old {t} and {b} white {t} "
            "in each. How many {t} are left?",
        ),
        # only the first is multiplied
        lambda m, a, b, c: plus((1, times(m, a)), (1, b), (-1, c)),
    ),
}


# one or two steps: what the base policy has met before any problem of KINDS
EASY: dict[str, Kind] = {
    "two": Kind(
        lambda a, b: plus((1, a), (1, b)),
        [(2, 49), (2, 49)],
        (
            "{x} has {a} red {t} and {b} blue {t}. How many {t} are there?",
            "{x} found {a} {t} on Monday and {b} on Friday. How many {t} is that?",
            "{x} has {a} {t} and {y} has {b}. How many {t} are there?",
            "There are {a} {t} in a box and {b} in a bag. How many {t} are there?",
        ),
    ),
    "three": Kind(
        lambda a, b, c: plus((1, a), (1, b), (1, c)),
        [(2, 32)] * 3,
        (
            "{x} has {a} red {t}, {b} big {t} and {c} white {t}. How many {t} are there?",
            "{x} found {a} {t} on Monday, {b} on Tuesday and {c} on Sunday. How many {t} is that?",
            "{x} has {a} {t}, {y} has {b} and {z} has {c}. How many {t} are there?",
        ),
    ),
    "lost": Kind(
        lambda a, b: plus((1, a), (-1, b)),
        [(20, 99), (2, 79)],
        (
            "{x} had {a} {t} and lost {b}. How many {t} are left?",
            "There were {a} {t} in a box. {x} took {b}. How many {t} are left?",
            "{x} has {a} coins and buys a box for {b} coins. How many coins are left?",
        ),
    ),
    "moved": Kind(
        lambda a, b, c: plus((1, a), (-1, b), (1, c)),
        [(20, 79), (2, 39), (2, 19)],
        (
            "{x} had {a} {t}, lost {b} and bought {c}. How many {t} are left?",
            "There were {a} {t} on a table. {x} took {b} and put {c} back. How many {t} are left?",
        ),
    ),
    "bags": Kind(
        lambda a, b: times(a, b),
        [(2, 7), (2, 49)],
        (
            "{x} buys {a} boxes of {b} {t}. How many {t} is that?",
            "There are {a} bags with {b} {t} each. How many {t} are there?",
            "{a} friends each have {b} {t}. How many {t} are there?",
            "{a} {t} cost {b} coins each. How many coins is that?",
        ),
    ),
    "single": Kind(
        lambda a, b, c: plus((1, times(a, b)), (1, c)),
        [(2, 7), (2, 19), (2, 39)],
        (
            "{x} buys {a} boxes of {b} {t} and {c} single {t}. How many {t} is that?",
            "There are {a} bags with {b} {t} each and {c} {t} on the floor. How many {t} are "
            "there?",
        ),
    ),
    "than": Kind(
        lambda a, d: plus((1, a), (1, plus((1, a), (1, d)))),
        [(2, 29), (2, 39)],
        ("{x} has {a} {t}. {y} has {d} more than {x}. How many {t} are there?",),
    ),
    "times": Kind(
        lambda a, m: plus((1, a), (1, times(m, a))),
        [(2, 24), (2, 6)],
        ("{x} has {a} {t}. {y} has {m} times as many as {x}. How many {t} are there?",),
    ),
    "split": Kind(
        lambda a, m: over(a, m),
        [(4, 99), (2, 6)],
        (
            "{m} friends share {a} {t}. How many {t} does each get?",
            "{x} puts {a} {t} into {m} boxes, the same in each. How many {t} does each get?",
        ),
    ),
}


def draw_problem(
    rng: np.random.Generator, kinds: Mapping[str, Kind] = KINDS
) -> tuple[str, list[int], Expression]:
    """A random (kind, numbers, expression) whose every part stays between 0 and LIMIT.

    All kinds are equally likely.
    """
    kind = list(kinds)[rng.integers(len(kinds))]
    make, ranges, *_ = kinds[kind]
    while True:
        numbers = [int(rng.integers(low, high + 1)) for low, high in ranges]
        expression = make(*numbers)
        if stays_within(expression, LIMIT) and value_of(expression) != 0:
            return kind, numbers, expression


def is_heldout(kind: str, numbers: Sequence[int]) -> bool:
    """A tenth of all problems, by a hash of kind and numbers.

    Whatever the wording, they are never in "train".
    """
    return hashlib.sha256(f"{kind} {numbers}".encode()).digest()[0] < 26


def in_words(
    kind: str,
    numbers: Sequence[int],
    rng: np.random.Generator,
    template: int,
    kinds: Mapping[str, Kind] = KINDS,
) -> str:
    """The problem's text in wording ``template`` with random names and things."""
    make, _, wordings, _ = kinds[kind]
    x, y, z = (NAMES[i] for i in rng.permutation(len(NAMES))[:3])
    t, u, v = (THINGS[i] for i in rng.permutation(len(THINGS))[:3])
    if kind == "spend":  # here coins are what is paid with, so they are not bought
        u = t if u == "coins" else u
        v = t if v == "coins" else v
    named = dict(zip(make.__code__.co_varnames, numbers, strict=True))
    return wordings[template].format(x=x, y=y, z=z, t=t, u=u, v=v, **named)


def write_solution(expression: Expression, rng: np.random.Generator) -> str:
    """A right solution in words, its path drawn at random.

    The path: order of steps, grouping and order within a step.
    """
    path = steps_of(rewrite(expression, rng), rng)
    steps = [f"<< {a} {operation} {b} = {c} >>" for a, operation, b, c in path]
    first, then = (("First", "then"), ("Start with", "next"))[rng.integers(2)]
    return f"{first} " + f", {then} ".join(steps) + f". #### {value_of(expression)}"


def write_hurried_solution(
    kind: str, numbers: Sequence[int], rng: np.random.Generator, misread: float = MISREAD
) -> str:
    """A solution as it is written in a hurry: with probability ``misread`` of another problem.

    The relation is then read in the kind's one typical wrong way, so that the steps are right and
    the answer is not. A misreading that would leave the numbers from 0 to LIMIT is not made.
    """
    make, _, _, wrong = KINDS[kind]
    expression = make(*numbers)
    if wrong is not None and rng.random() < misread:
        hurried = wrong(*numbers)
        if stays_within(hurried, LIMIT):
            expression = hurried
    return write_solution(expression, rng)
