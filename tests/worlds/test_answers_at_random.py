"""The verifier on answers drawn at random: mutated, among noise, in every notation."""

import random
import re
import runpy
import unicodedata
from fractions import Fraction
from pathlib import Path

import pytest

from course_lib.worlds import verify

CASES = runpy.run_path(str(Path(__file__).with_name("answer_cases.py")))["CASES"]

STATUSES = ("correct", "wrong", "unreadable")


# ---- mutated replies ---------------------------------------------------------------------------


def every_value(text):
    """Every value that somebody could find in a text, by a reading that knows no rules.

    Written apart from the verifier, and much too generous: digits with separators in each sense,
    and any two joined as fractions, mixed numbers and powers of ten.
    """
    text = "".join(f" {unicodedata.normalize('NFKC', c)} " if c in "½⅓¾⅞²³" else c for c in text)
    text = unicodedata.normalize("NFKC", text.translate(str.maketrans("٫٬", ".,")))
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    text = "".join(str(unicodedata.decimal(c, c)) for c in text)
    text = re.sub(r"\\[,;:! ]|~|[{}]", " ", text.replace("{,}", ","))
    singles = []
    for run in re.findall(r"[0-9](?:[.,'’_\s]*[0-9])*|\.[0-9]+", text):
        parts = re.split(r"\s+", run)
        for written in {run, *parts, *(re.findall("[0-9]+", run))}:
            singles.append(set(values_of(written)))
    for written in re.findall(r"(?<![0-9])[0-9]{1,2}(?=[0-9])|[0-9](?=[0-9]?\b)", text):
        singles.append(set(values_of(written)))  # \frac72
    numbers = set().union(*singles)
    fractions = {a / b for a in numbers for b in numbers if b}
    powers = {Fraction(10) ** p for b in numbers if b < 70 for p in (int(b), -int(b))}
    found = numbers | fractions | {a * p for a in numbers | {Fraction(1)} for p in powers}
    found |= {a + b for a in numbers for b in fractions}
    found |= {a * b for a in set(found) for b in (10**3, 10**6, 10**9)}
    return found | {-a for a in found}


def values_of(run):
    """The values of digits with separators between them, in every sense."""
    run = re.sub(r"[\s'’_]", "", run)
    for written in {run.replace(",", ""), run.replace(".", "").replace(",", "."), run}:
        try:
            yield Fraction(written)
        except ValueError:
            continue


PIECES = list("0123456789.,-+/*=$%#!:;()[]{}^_~'\" \n\\") + [
    "\\boxed{", "}", "\\frac", "#### ", "A: ", "The answer is ", " or ", " and ", " not ", "\\,",
    "{,}", "½", "²", "٤", "４", "–", "−", "\u00a0", "\u200b", "<think>", "</think>", "\\text{",
    "\\times 10^", "million", "%", "42", "1,000", "x", "=", "**", "\x00", "\ud800", "<<", ">>",
]  # fmt: skip


def mutated(text, rng):
    """The text with one to four accidents."""
    for _ in range(rng.randint(1, 4)):
        at, piece = rng.randint(0, len(text)), rng.choice(PIECES)
        end = min(len(text), at + rng.randint(0, 3))
        text = rng.choice(
            [
                text[:at] + piece + text[at:],
                text[:at] + text[end:],
                text[:at] + piece + text[end:],
                text[:at] + text[at:end] * 2 + text[end:],
                text[:at],
            ]
        )
    return text


@pytest.mark.slow
def test_ten_thousand_mutated_replies():
    rng = random.Random(0)
    rows = [row for rows in CASES.values() for row in rows]
    seen = dict.fromkeys(STATUSES, 0)
    for _ in range(10_000):
        reply, reference, _ = rng.choice(rows)
        reply, mode = mutated(reply, rng), rng.choice(["lenient", "strict"])
        verdict = verify(reply, reference, mode)
        seen[verdict.status] += 1
        assert (verdict.answer is None) <= (verdict.status == "unreadable")
        if verdict.status == "correct":
            assert verdict.answer in every_value(reply), reply
    assert min(seen.values()) > 500, seen


# ---- noise around a clear answer ---------------------------------------------------------------

BEFORE = [
    "He has 3 apples and buys 4 more.\n",
    "3 + 4 = 7, or so I think. ",
    "<think>It is 5, or 6? No.</think>\n",
    "Step 1: 12 x 3 = 36\nStep 2: 36 - 7 = 29\n",
    "First, \\(x = \\frac{1}{2}\\), so \\(2x = 1\\).\n\n",
    "He pays $1,250.50 for 3 of them, 20% less.\n",
    "**Solution.** ",
    "Let me see ... \n\n",
    "- 5 pens\n- 6 pencils\n",
    "```python\nprint(6 * 7)\n```\n",
    "On 2024-01-05 at 3:30 he had 1/2 of it.\n",
    "",
]
MARKED = [
    "#### {}",
    "\\boxed{{{}}}",
    "The answer is {}.",
    "So the final answer is **{}**.",
    "Answer: {}",
    "The final answer is $\\boxed{{{}}}$.",
    "\nA: {}",
    "Therefore, the answer is {} dollars.",
]
BEHIND = ["", "\n", " ", "\n\nI hope this helps!", "\n\n---\n", "\n\nDone.", "\u200b"]


def test_noise_around_a_clear_answer():
    rng = random.Random(1)
    for _ in range(3000):
        value = rng.choice([rng.randint(-99, 999), rng.randint(1000, 10**7)])
        before = "".join(rng.sample(BEFORE, rng.randint(0, 4)))
        text = before + rng.choice(MARKED).format(value) + rng.choice(BEHIND)
        assert verify(text, value).status == "correct", text
        assert verify(text, value + 1).status == "wrong", text


# ---- one value, many notations -----------------------------------------------------------------


def groups(separator):
    return lambda n: f"{n:,}".replace(",", separator)


def in_digits(zero):
    """The digits of the script whose zero this is."""
    return lambda n: str(n).translate({48 + d: chr(ord(zero) + d) for d in range(10)})


WHOLE = {
    "plain": str,
    "point": lambda n: f"{n}.0",
    "commas": groups(","),
    "braced commas": groups("{,}"),
    "negative space": groups(",\\!"),
    "LaTeX thin space": groups("\\,"),
    "narrow space": groups("\u202f"),
    "no-break space": groups("\u00a0"),
    "blank": groups(" "),
    "apostrophe": groups("'"),
    "Arabic-Indic": in_digits("٠"),
    "Devanagari": in_digits("०"),
    "full-width": in_digits("０"),
    "bold mathematical": in_digits("𝟎"),
    "zero-width": lambda n: "\u200b".join(str(n)),
    "quoted": lambda n: f"\\text{{{n}}}",
    "dollars": lambda n: f"\\${n}",
    "unit": lambda n: f"{n}\\text{{ cm}}",
    "percent": lambda n: f"{n}\\%",
    "sum": lambda n: f"{n - 3} + 3 = {n}",
    "name": lambda n: f"x = {n}",
    "fraction": lambda n: f"\\frac{{{2 * n}}}{{2}}",
    "euro": lambda n: f"{n} €",
}
PLACES = ["#### {}", "\\boxed{{{}}}", "The answer is {}.", "A: {}", "$\\boxed{{{}}}$"]
UNSURE = {("quoted", "A: {}"), ("name", "A: {}"), ("name", "#### {}")}  # "A: x = 5" is no format


@pytest.mark.parametrize("notation", list(WHOLE))
def test_a_whole_number_in_every_notation(notation):
    rng = random.Random(notation)
    for _ in range(60):
        value = rng.choice([rng.randint(4, 999), rng.randint(1000, 10**9)])
        place = rng.choice([p for p in PLACES if (notation, p) not in UNSURE])
        text = "3 + 4 = 7\n" + place.format(WHOLE[notation](value))
        assert verify(text, value).status == "correct", text
        assert verify(text, value + 1).status == "wrong", text


PARTS = {
    "\\frac": lambda w, a, b: f"{w}\\frac{{{a}}}{{{b}}}",
    "\\dfrac": lambda w, a, b: f"{w} \\dfrac{{{a}}}{{{b}}}",
    "short": lambda w, a, b: f"{w}\\frac{a}{b}",
    "slash": lambda w, a, b: f"{w} {a}/{b}",
    "fraction slash": lambda w, a, b: f"{w} {a}⁄{b}",
    "improper": lambda w, a, b: f"{w * b + a}/{b}",
    "improper \\frac": lambda w, a, b: f"\\frac{{{w * b + a}}}{{{b}}}",
}


@pytest.mark.parametrize("notation", list(PARTS))
def test_a_mixed_number_in_every_notation(notation):
    rng = random.Random(notation)
    for _ in range(60):
        whole, bottom = rng.randint(1, 99), rng.randint(2, 9)
        top, sign = rng.randint(1, bottom - 1), rng.choice(["", "-"])
        value = whole + Fraction(top, bottom)
        value = -value if sign else value
        text = rng.choice(PLACES).format(sign + PARTS[notation](whole, top, bottom))
        assert verify(text, value).status == "correct", text
        assert verify(text, value + 100).status == "wrong", text


POWERS = ["{} \\times 10^{{{}}}", "{} \\cdot 10^{}", "{} × 10^{}", "{}e{}", "{}E+{}", "{}*10^{}"]


@pytest.mark.parametrize("notation", POWERS)
@pytest.mark.parametrize("point", [".", ","])
def test_decimals_and_powers_of_ten(notation, point):
    """A decimal comma is never wrong; a point is read."""
    rng = random.Random(notation)
    for _ in range(40):
        digits, power = f"{rng.randint(1, 9)}{point}{rng.randint(1, 99)}", rng.randint(1, 9)
        value = Fraction(digits.replace(",", ".")) * 10**power
        text = rng.choice(PLACES).format(notation.format(digits, power))
        status = verify(text, value).status
        assert status == ("correct" if point == "." else "unreadable"), text
        assert verify(text, value + 1).status != "correct"


def test_european_decimals_with_groups():
    rng = random.Random(2)
    for _ in range(100):
        value = Fraction(rng.randint(10**5, 10**9), 100)
        text = f"{float(value):,.2f}".translate(str.maketrans(",.", ".,"))
        for place in PLACES:
            assert verify(place.format(text), value).status == "correct", text
            assert verify(place.format(text), value + 1).status == "wrong", text


DOUBTFUL = [
    "{a} or {b}", "{a}, {b}", "{a} and {b}", "{a} to {b}", "either {a} or {b}", "{a} + {b}",
    "({a}, {b})", "{a}; {b}", "{a} / {b} / {a}", "{a}:{b}", "{a} × {b}", "{a} - {b}", "{a} {b}",
    "{a} = {b}", "between {a} and {b}", "{a} ± {b}", "{a}^{b}", "{a}_{b}",
]  # fmt: skip


@pytest.mark.parametrize("form", DOUBTFUL)
def test_two_numbers_are_never_paid_and_never_wrong(form):
    rng = random.Random(form)
    for _ in range(40):
        a, b = rng.sample(range(2, 100), 2)
        for place in (*PLACES, "It is {}.", "{}"):
            text = place.format(form.format(a=a, b=b))
            for value in (a, b):
                assert verify(text, value).status == "unreadable", text
