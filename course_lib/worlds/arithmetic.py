"""Word problems with written-out steps, several right paths to each answer, and an exact verifier.

A problem is a small expression dressed in words: sums, differences, products and equal shares of
numbers below 100. A solution is a list of steps ``<< 3 * 4 = 12 >>`` and the answer after ``####``,
as in GSM8K, so that the verifier, the extractor of equations and the count of distinct paths of
:mod:`course_lib.worlds.gsm8k` serve both worlds.

What this leaves out: units, decimals, negative numbers, and any text a step could misunderstand.
Real problems have all of them.
"""

import hashlib

import numpy as np

from ..base import require
from .equation_paths import equation_path, equation_report
from .verdicts import verify

LIMIT = 99  # every number in a problem and in a solution lies between 0 and this
SIZES = {"train": 20000, "heldout": 2000, "templates": 2000}
# the bundled SFT policy has seen one solution each of prompts("train", limit=SFT_PROBLEMS, seed=0)
SFT_PROBLEMS = 4000
NAMES = "Ann Ben Cleo Dan Eva Finn Gus Hana Ivo Jill Kim Leo".split()
THINGS = "pens cups coins books stamps shells cards beads".split()

# ---- expressions -------------------------------------------------------------------------------
# A number, ("*", m, part), ("/", part, m) or ("+", [(sign, part), ...]); signs are 1 and -1.


def value_of(part):
    """The exact value of an expression, an int; None when a division has a remainder."""
    if isinstance(part, int):
        return part
    if part[0] == "+":
        values = [value_of(p) for _, p in part[1]]
        return (
            None
            if None in values
            else sum(s * v for (s, _), v in zip(part[1], values, strict=True))
        )
    if part[0] == "*":
        inside = value_of(part[2])
        return None if inside is None else part[1] * inside
    inside = value_of(part[1])
    return None if inside is None or inside % part[2] else inside // part[2]


def rewrite(part, rng):
    """The same value in another grouping.

    M·(a + b) may become m·a + m·b, (a + b)/m may become a/m + b/m, a bracket may open.
    """
    if isinstance(part, int):
        return part
    if part[0] == "+":
        terms = []
        for sign, inner in part[1]:
            inner = rewrite(inner, rng)
            opened = not isinstance(inner, int) and inner[0] == "+" and rng.random() < 0.5
            terms += [(sign * s, p) for s, p in inner[1]] if opened else [(sign, inner)]
        return ("+", terms)
    times = part[0] == "*"
    m, inner = (part[1], rewrite(part[2], rng)) if times else (part[2], rewrite(part[1], rng))
    if not isinstance(inner, int) and inner[0] == "+" and rng.random() < 0.5:
        spread = [(s, ("*", m, p) if times else ("/", p, m)) for s, p in inner[1]]
        if all(value_of(p) is not None for _, p in spread):
            return ("+", spread)
    return ("*", m, inner) if times else ("/", inner, m)


def steps_of(part, rng):
    """A random right order of steps.

    A list of (left, operation, right, result) that ends in the expression's value.
    """
    steps = []

    def reduce(part):
        """Evaluate ``part`` and note each step."""
        if isinstance(part, int):
            return part
        if part[0] == "*":
            a, b = part[1], reduce(part[2])
            a, b = (a, b) if rng.random() < 0.5 else (b, a)
            return note(a, "*", b, a * b)
        if part[0] == "/":
            inner = reduce(part[1])
            return note(inner, "/", part[2], inner // part[2])
        terms = [(s, p if isinstance(p, int) else None, p) for s, p in part[1]]
        while len(terms) > 1 or terms[0][1] is None:
            ready = [i for i, t in enumerate(terms) if t[1] is not None]
            pairs = [
                (i, j)
                for i in ready
                for j in ready
                if i < j and joined(terms[i][:2], terms[j][:2]) is not None
            ]
            waiting = [i for i, t in enumerate(terms) if t[1] is None]
            choice = int(rng.integers(len(pairs) + len(waiting)))
            if choice < len(waiting):
                sign, _, inner = terms[waiting[choice]]
                terms[waiting[choice]] = (sign, reduce(inner), inner)
                continue
            i, j = pairs[choice - len(waiting)]
            sign, a, operation, b = joined(terms[i][:2], terms[j][:2])
            if operation == "+" and rng.random() < 0.5:
                a, b = b, a
            total = note(a, operation, b, a + b if operation == "+" else a - b)
            terms = [t for k, t in enumerate(terms) if k not in (i, j)] + [(sign, total, total)]
        return terms[0][1]

    def note(a, operation, b, result):
        steps.append((a, operation, b, result))
        return result

    reduce(part)
    return steps


def joined(one, other):
    """How two signed numbers become one.

    (sign, left, operation, right), or None when the result would be below zero on its own.
    """
    (s, a), (t, b) = one, other
    if s == t:
        return s, a, "+", b
    (a, b) = (a, b) if s > 0 else (b, a)
    return (1, a, "-", b) if a >= b else None


# ---- problems: an expression and its wordings; the last wording of each kind is kept for the spl


def _sum(a, b, c, d):
    return ("+", [(1, a), (1, b), (1, c), (1, d)])


KINDS = {
    "collect": (
        lambda a, b, c, d: _sum(a, b, c, d),
        [(2, 29)] * 4,
        (
            "{x} has {a} red {t}, {b} blue {t}, {c} green {t} and {d} white {t}. How many {t} "
            "are there?",
            "{x} found {a} {t} on Monday, {b} on Tuesday, {c} on Friday and {d} on Sunday. How "
            "many {t} is that?",
            "There are {a} {t} in a box, {b} in a bag, {c} on a table and {d} on the floor. "
            "How many {t} are there?",
        ),
    ),
    "change": (
        lambda a, b, c, d: ("+", [(1, a), (-1, b), (-1, c), (1, d)]),
        [(20, 79), (2, 19), (2, 19), (2, 19)],
        (
            "{x} had {a} {t}, lost {b}, gave {c} away and bought {d}. How many {t} are left?",
            "There were {a} {t} in a box. {x} took {b}, {y} took {c} and {x} put {d} back. How "
            "many {t} are left?",
            "A shop had {a} {t}. It sold {b} on Monday and {c} on Tuesday and got {d} more. "
            "How many {t} are left?",
        ),
    ),
    "boxes": (
        lambda a, b, c, d, e: ("+", [(1, ("*", a, b)), (1, ("*", c, d)), (1, e)]),
        [(2, 6), (2, 9), (2, 6), (2, 9), (2, 19)],
        (
            "{x} buys {a} boxes of {b} {t}, {c} bags of {d} {t} and {e} single {t}. How many "
            "{t} is that?",
            "There are {a} bags with {b} {t} each, {c} boxes with {d} {t} each and {e} {t} on "
            "a table. How many {t} are there?",
            "{x} has {e} {t}, {y} has {a} boxes of {b} {t} and {c} bags of {d} {t}. How many "
            "{t} are there?",
        ),
    ),
    "each": (
        lambda m, a, b, c: ("*", m, ("+", [(1, a), (1, b), (1, c)])),
        [(2, 6), (2, 19), (2, 19), (2, 19)],
        (
            "{m} friends each have {a} red {t}, {b} blue {t} and {c} green {t}. How many {t} "
            "are there?",
            "There are {m} boxes. Each has {a} big {t}, {b} small {t} and {c} old {t}. How "
            "many {t} are there?",
            "On each of {m} days {x} found {a} {t}, {y} found {b} and {z} found {c}. How many "
            "{t} is that?",
        ),
    ),
    "spend": (
        lambda a, m, b, n, c: ("+", [(1, a), (-1, ("*", m, b)), (-1, ("*", n, c))]),
        [(40, 99), (2, 6), (2, 7), (2, 6), (2, 7)],
        (
            "{x} has {a} coins and buys {m} {u} for {b} coins each and {n} {v} for {c} coins "
            "each. How many coins are left?",
            "{x} had {a} coins. {m} {u} cost {b} coins each and {n} {v} cost {c} coins each. "
            "{x} bought all. How many coins are left?",
            "For {m} {u} at {b} coins each and {n} {v} at {c} coins each {x} paid from {a} "
            "coins. How many coins are left?",
        ),
    ),
    "more": (
        lambda a, d, m: ("+", [(1, a), (1, ("+", [(1, a), (1, d)])), (1, ("*", m, a))]),
        [(2, 19), (2, 39), (2, 4)],
        (
            "{x} has {a} {t}. {y} has {d} more than {x}. {z} has {m} times as many as {x}. How "
            "many {t} are there?",
            "{x} found {a} {t}, {y} found {d} more than that and {z} found {m} times as many "
            "as {x}. How many {t} is that?",
            "{z} has {m} times as many {t} as {x}, and {y} has {d} more than {x}. {x} has {a} "
            "{t}. How many {t} are there?",
        ),
    ),
    "share": (
        lambda a, b, c, m: ("/", ("+", [(1, a), (1, b), (1, c)]), m),
        [(2, 29), (2, 29), (2, 29), (2, 6)],
        (
            "{m} friends share {a} red {t}, {b} blue {t} and {c} green {t}. How many {t} does "
            "each get?",
            "{x} puts {a} old {t}, {b} big {t} and {c} small {t} into {m} boxes, the same in "
            "each. How many {t} does each get?",
            "{a} {t} from {x}, {b} from {y} and {c} from {z} go to {m} friends, the same to "
            "each. How many {t} does each get?",
        ),
    ),
    "twice": (
        lambda m, a, b, c: ("+", [(1, ("*", m, ("+", [(1, a), (1, b)]))), (-1, c)]),
        [(2, 6), (2, 9), (2, 9), (2, 19)],
        (
            "{m} boxes each have {a} red {t} and {b} blue {t}. {x} takes {c} {t}. How many {t} "
            "are left?",
            "{x} found {a} big {t} and {b} small {t} on each of {m} days and lost {c}. How "
            "many {t} are left?",
            "{x} lost {c} {t}. Before that {x} had {m} bags with {a} old {t} and {b} white {t} "
            "in each. How many {t} are left?",
        ),
    ),
}


EASY = {  # one or two steps: what the base policy has met before any problem of KINDS
    "two": (
        lambda a, b: ("+", [(1, a), (1, b)]),
        [(2, 49), (2, 49)],
        (
            "{x} has {a} red {t} and {b} blue {t}. How many {t} are there?",
            "{x} found {a} {t} on Monday and {b} on Friday. How many {t} is that?",
            "{x} has {a} {t} and {y} has {b}. How many {t} are there?",
            "There are {a} {t} in a box and {b} in a bag. How many {t} are there?",
        ),
    ),
    "three": (
        lambda a, b, c: ("+", [(1, a), (1, b), (1, c)]),
        [(2, 32)] * 3,
        (
            "{x} has {a} red {t}, {b} big {t} and {c} white {t}. How many {t} are there?",
            "{x} found {a} {t} on Monday, {b} on Tuesday and {c} on Sunday. How many {t} is that?",
            "{x} has {a} {t}, {y} has {b} and {z} has {c}. How many {t} are there?",
        ),
    ),
    "lost": (
        lambda a, b: ("+", [(1, a), (-1, b)]),
        [(20, 99), (2, 79)],
        (
            "{x} had {a} {t} and lost {b}. How many {t} are left?",
            "There were {a} {t} in a box. {x} took {b}. How many {t} are left?",
            "{x} has {a} coins and buys a box for {b} coins. How many coins are left?",
        ),
    ),
    "moved": (
        lambda a, b, c: ("+", [(1, a), (-1, b), (1, c)]),
        [(20, 79), (2, 39), (2, 19)],
        (
            "{x} had {a} {t}, lost {b} and bought {c}. How many {t} are left?",
            "There were {a} {t} on a table. {x} took {b} and put {c} back. How many {t} are left?",
        ),
    ),
    "bags": (
        lambda a, b: ("*", a, b),
        [(2, 7), (2, 49)],
        (
            "{x} buys {a} boxes of {b} {t}. How many {t} is that?",
            "There are {a} bags with {b} {t} each. How many {t} are there?",
            "{a} friends each have {b} {t}. How many {t} are there?",
            "{a} {t} cost {b} coins each. How many coins is that?",
        ),
    ),
    "single": (
        lambda a, b, c: ("+", [(1, ("*", a, b)), (1, c)]),
        [(2, 7), (2, 19), (2, 39)],
        (
            "{x} buys {a} boxes of {b} {t} and {c} single {t}. How many {t} is that?",
            "There are {a} bags with {b} {t} each and {c} {t} on the floor. How many {t} are "
            "there?",
        ),
    ),
    "than": (
        lambda a, d: ("+", [(1, a), (1, ("+", [(1, a), (1, d)]))]),
        [(2, 29), (2, 39)],
        ("{x} has {a} {t}. {y} has {d} more than {x}. How many {t} are there?",),
    ),
    "times": (
        lambda a, m: ("+", [(1, a), (1, ("*", m, a))]),
        [(2, 24), (2, 6)],
        ("{x} has {a} {t}. {y} has {m} times as many as {x}. How many {t} are there?",),
    ),
    "split": (
        lambda a, m: ("/", a, m),
        [(4, 99), (2, 6)],
        (
            "{m} friends share {a} {t}. How many {t} does each get?",
            "{x} puts {a} {t} into {m} boxes, the same in each. How many {t} does each get?",
        ),
    ),
}


def _inside(part):
    """True when the value of every part lies between 0 and LIMIT, and no division leaves a
    remainder.
    """
    v = value_of(part)
    if v is None or not 0 <= v <= LIMIT:
        return False
    if isinstance(part, int):
        return True
    inner = (
        [p for _, p in part[1]] if part[0] == "+" else [part[2]] if part[0] == "*" else [part[1]]
    )
    if not all(_inside(p) for p in inner):
        return False
    return part[0] != "+" or sum(value_of(p) for s, p in part[1] if s > 0) <= LIMIT


def draw_problem(rng, kinds=KINDS):
    """A random (kind, numbers, expression) whose every part stays between 0 and LIMIT.

    All kinds are equally likely.
    """
    kind = list(kinds)[rng.integers(len(kinds))]
    make, ranges, _ = kinds[kind]
    while True:
        numbers = [int(rng.integers(low, high + 1)) for low, high in ranges]
        expression = make(*numbers)
        if _inside(expression) and value_of(expression) > 0:
            return kind, numbers, expression


def is_heldout(kind, numbers):
    """A tenth of all problems, by a hash of kind and numbers.

    Whatever the wording, they are never in "train".
    """
    return hashlib.sha256(f"{kind} {numbers}".encode()).digest()[0] < 26


def in_words(kind, numbers, rng, template, kinds=KINDS):
    """The problem's text in wording ``template`` with random names and things."""
    make, _, wordings = kinds[kind]
    x, y, z = (NAMES[i] for i in rng.permutation(len(NAMES))[:3])
    t, u, v = (THINGS[i] for i in rng.permutation(len(THINGS))[:3])
    if kind == "spend":
        u, v = (w if w != "coins" else t for w in (u, v))
    names = dict(zip(make.__code__.co_varnames, numbers, strict=True))
    return wordings[template].format(x=x, y=y, z=z, t=t, u=u, v=v, **names)


def write_solution(expression, rng):
    """A right solution in words, its path drawn at random.

    Order of steps, grouping and order within a step.
    """
    steps = [
        f"<< {a} {operation} {b} = {c} >>"
        for a, operation, b, c in steps_of(rewrite(expression, rng), rng)
    ]
    first, then = (("First", "then"), ("Start with", "next"))[rng.integers(2)]
    return f"{first} " + f", {then} ".join(steps) + f". #### {value_of(expression)}"


class Arithmetic:
    """The arithmetic world.

    Splits: "train", "heldout" (other problems, same wordings) and "templates" (other problems,
    other wordings).
    """

    name = "arithmetic"
    gold_name = "verifier"
    needs = "answer"
    policy = "arithmetic/policy"
    system = None
    max_tokens = 72
    verifiable = True

    def __init__(self):
        self._problems = {}

    def problems(self, split):
        """All problems of a split: dictionaries with "question", "answer" (text), "kind",
        "template", "numbers" and "solution" (one right path).
        """
        require(split in SIZES, f"split must be one of {', '.join(SIZES)}; got {split!r}.")
        if split not in self._problems:
            rng, rows, seen = np.random.default_rng([17, list(SIZES).index(split)]), [], set()
            while len(rows) < SIZES[split]:
                kind, numbers, expression = draw_problem(rng)
                template = 2 if split == "templates" else int(rng.integers(2))
                question = in_words(kind, numbers, rng, template)
                if is_heldout(kind, numbers) == (split == "train") or question in seen:
                    continue
                seen.add(question)
                rows.append(
                    {
                        "id": len(rows),
                        "question": question,
                        "answer": str(value_of(expression)),
                        "kind": kind,
                        "template": template,
                        "numbers": numbers,
                        "solution": write_solution(expression, rng),
                    }
                )
            self._problems[split] = rows
        return self._problems[split]

    def prompts(self, split="train", limit=None, seed=0):
        """``(questions, infos)`` of a split, in an order drawn with ``seed``; the first ``limit``
        of them.

        A smaller limit gives a prefix of a larger one. An info has ``id``, ``answer``, ``solution``
        (one right path), ``kind``, ``template`` and ``numbers``.
        """
        rows = self.problems(split)
        limit = len(rows) if limit is None else limit
        require(
            1 <= limit <= len(rows),
            f"limit must be between 1 and {len(rows)}, the number of {split} problems in the "
            f"arithmetic world; got {limit}.",
        )
        order = np.random.default_rng(seed).permutation(len(rows))[:limit]
        return [rows[i]["question"] for i in order], [
            {k: v for k, v in rows[i].items() if k != "question"} for i in order
        ]

    def verify(self, prompt, text, info):
        """The verdict as a plain dictionary: ``status`` ("correct", "wrong" or "unreadable"),
        ``answer`` (text or None), ``marker``.

        Only a number after ``####`` counts: a reply that never gives an answer is unreadable, not
        wrong.
        """
        require("answer" in info, "the verifier needs info['answer'], the right answer.")
        verdict = verify(text, info["answer"], "strict")
        return {
            "status": verdict.status,
            "answer": None if verdict.answer is None else str(verdict.answer),
            "marker": verdict.marker,
        }

    def gold(self, prompt, text, info, finished=True):
        """1.0 for a correct reply, else 0.0."""
        return float(self.verify(prompt, text, info)["status"] == "correct")

    def gold_parts(self, prompt, text, info, finished=True):
        """What is behind the gold reward.

        ``correct`` (1.0 or 0.0), the verdict, the ``reference``, and how many ``steps`` are
        ``false``.
        """
        verdict = self.verify(prompt, text, info)
        steps = equation_report([text])
        return {
            "correct": float(verdict["status"] == "correct"),
            **verdict,
            "reference": info["answer"],
            "steps": steps["equations"],
            "false": steps["false"],
        }

    def path(self, prompt, text, info):
        """The reasoning path of a reply.

        Its equations in order, see :func:`course_lib.worlds.equation_path`.
        """
        return equation_path(text)

    def ideal_reply(self, info):
        """A right solution."""
        return info["solution"]
