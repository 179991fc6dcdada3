r"""GSM8K: real grade-school word problems with checkable answers (Cobbe et al., 2110.14168).

A reply is judged by its final number alone. Three outcomes are kept apart: *correct*, *wrong* (a number was read and it
is another one) and *unreadable* (no number could be read). Nothing here calls ``eval``: replies are untrusted text.

What this leaves out: units ("18 dollars" reads as 18, "5 million" as 5), numbers in words, scientific notation.
"""

import gzip
import json
import random
import re
import zlib
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from ..errors import CourseError, require
from ..pool import Pool

SYSTEMS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
MAX_DIGITS = 60  # a longer number is unreadable: a word problem never needs it, and converting it takes quadratic time

# ---- reading JSON lines -----------------------------------------------------------------------------------------


def read_jsonl(path, parse, skip_bad=False):
    """Read a ``.jsonl`` or gzip'd file, one JSON object a line. Returns ``(values, skipped)``.

    ``parse`` turns one dictionary into a value, or raises :class:`CourseError` saying what it found and expected.
    A bad line stops the reading with the file, the line number (from 1) and the reason; with ``skip_bad`` it goes to
    ``skipped`` as ``{"line": number, "reason": text}`` instead. Blank lines are passed over.
    """
    path = Path(path)
    require(path.is_file(), f"no file at {path}. Check the path; a file of JSON lines (.jsonl or .jsonl.gz) is expected there.")
    values, skipped = [], []
    for number, line in _lines(path):
        try:
            values.append(parse(_object(line)))
        except CourseError as error:
            if not skip_bad:
                raise CourseError(f"{path} line {number}: {error} Put that line right, or leave bad lines out with --skip-bad (skip_bad=True).") from None
            skipped.append({"line": number, "reason": str(error)})
    if not values and skipped:
        raise CourseError(f"{path} has no usable line: all {len(skipped)} are bad. Line {skipped[0]['line']}: {skipped[0]['reason']}")
    require(values, f"{path} is empty; one JSON object a line is expected.")
    return values, skipped


def _lines(path):
    with open(path, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    try:
        with (gzip.open if zipped else open)(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise CourseError(f"{path} is not a complete gzip file ({error}). Copy or download it again.") from None


def _object(line):
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise CourseError("found bytes that are not UTF-8; expected JSON in UTF-8.") from None
    except RecursionError:
        raise CourseError("found JSON nested too deeply; expected a flat object.") from None
    except ValueError as error:
        raise CourseError(f"found broken JSON ({getattr(error, 'msg', 'a number too long')}); expected one complete JSON object a line.") from None
    require(isinstance(value, dict), f"found a JSON {type(value).__name__}; expected an object like {{\"key\": ...}}.")
    return value


def string(row, key):
    """``row[key]`` when it is text; otherwise a :class:`CourseError` naming the key and the type found, never the text."""
    require(key in row, f"found the keys {', '.join(row)[:200] or 'none'}; expected {key!r} among them.")
    value = row[key]
    require(isinstance(value, str), f"found {type(value).__name__} under {key!r}; expected a string.")
    require(value.isascii() or value.encode("utf-8", "ignore").decode() == value, f"found half a character (a lone surrogate) under {key!r}; expected valid Unicode.")
    return value


# ---- the final answer -------------------------------------------------------------------------------------------

_DIGITS = r"(?:[0-9][0-9,.]*+|\.[0-9][0-9,.]*+)"
_NUMBER = rf"(?<![\w.])[-+−]?(?:\\?[$€£][ ]?[-−]?)?(?:{_DIGITS}(?:[eE][-+]?[0-9]++)?(?:[ ][0-9]++(?=/))?(?:/{_DIGITS})?|\\[dt]?frac\{{[0-9]++\}}\{{[0-9]++\}})"
_MARKER = r"(?P<marker>(?<!\#)\#{4,}+|\\boxed[ ]?\{|(?i:\banswer\s{0,3}(?:is|:))|^[ \t]{0,8}A:)"
_MARKED = re.compile(_MARKER + r"[\s*_`(\\{$:=~]{0,12}" + rf"(?P<number>{_NUMBER})", re.MULTILINE)
_ANY_NUMBER = re.compile(_NUMBER)
_VALUE = re.compile(r"(?P<sign>[-+]?)(?:(?P<whole>[0-9]+) (?=[0-9]+/))?(?P<top>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:/(?P<bottom>[0-9]+(?:\.[0-9]+)?))?")


def parse_number(text):
    """The exact value of one written number as a Fraction, or None when it is not one.

    Reads ``18``, ``1,234``, ``-$5``, ``18.0``, ``.5``, ``1/2``, ``2 1/2``, ``20%`` (as 20) and ``\\frac{1}{2}``. Commas are
    dropped wherever they stand, as GSM8K's own reader does. Exponents, division by zero and numbers of more than
    :data:`MAX_DIGITS` digits give None.
    """
    text = re.sub(r"\\[dt]?frac\{([0-9]+)\}\{([0-9]+)\}", r"\1/\2", text.strip()).replace("−", "-")
    text = re.sub(r"\\?[$€£] ?", "", text).replace(",", "").rstrip("%.")
    match = _VALUE.fullmatch(text)
    if not match or sum(c.isdigit() for c in text) > MAX_DIGITS:
        return None
    bottom = Fraction(match["bottom"] or 1)
    if bottom == 0:
        return None
    value = Fraction(match["whole"] or 0) + Fraction(match["top"]) / bottom
    return -value if match["sign"] == "-" else value


def find_answer(text, mode="lenient"):
    r"""The final answer of a reply and how it was found: ``(Fraction or None, marker or None)``.

    1. The **last** marker with a number behind it decides, whichever kind it is: ``#### 18`` (GSM8K's references),
       ``A: 18`` at the start of a line (the released model solutions), ``\boxed{18}``, "answer is 18" or "answer: 18".
    2. Without any, ``mode="lenient"`` takes the last number of the reply (marker ``"last number"``).

    ``mode="strict"`` knows only ``####`` and ``A:`` and never guesses. If the deciding number is malformed
    (``1e999``, ``1/0``, 5,000 digits) the answer is None: no other number is tried. Time is linear in the text.
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


def _marker_name(found):
    found = found.strip().lower()
    return "####" if found.startswith("#") else "A:" if found == "a:" else "\\boxed" if found.startswith("\\") else "answer is"


def extract_answer(text, mode="lenient"):
    """The final answer of a reply as an exact Fraction, or None. See :func:`find_answer` for the order of the rules."""
    return find_answer(text, mode)[0]


@dataclass(frozen=True)
class Verdict:
    """What the verifier says of one reply.

    Attributes
    ----------
    status : "correct", "wrong" (another number was read) or "unreadable" (no number was read).
    answer : the number read, an exact Fraction, or None.
    marker : what pointed to it: "####", "A:", "\\boxed", "answer is", "last number", or None.
    """

    status: str
    answer: Fraction | None
    marker: str | None


def verify(text, reference, mode="lenient"):
    """The :class:`Verdict` on a reply. ``reference`` is the right answer, a number or its text. Equality is exact: 18.0 is 18, 17.99 is not."""
    right = parse_number(str(reference))
    require(right is not None, f"the reference answer must be a number like '18'; got {str(reference)[:40]!r}.")
    answer, marker = find_answer(text, mode)
    status = "unreadable" if answer is None else "correct" if answer == right else "wrong"
    return Verdict(status, answer, marker)


def verifier(prompt, text, info, mode="lenient"):
    """The verifiable reward: 1.0 for a correct reply, 0.0 for a wrong or unreadable one. ``info["answer"]`` holds the reference."""
    require("answer" in info, f"the verifier needs info['answer'], the reference; this prompt's info has: {', '.join(info) or 'nothing'}.")
    return float(verify(text, info["answer"], mode).status == "correct")


# ---- equations and reasoning paths ------------------------------------------------------------------------------


_EQUATION = re.compile(r"<<([^<>]*+)>>")
_WRITTEN = re.compile(r"[0-9][0-9,]*+(?:\.[0-9]*+)?|\.[0-9]++")


def equations(text):
    """The marked equations ``<<48/2=24>>`` of a solution, in order, in one spelling.

    Blanks and commas inside numbers go, and numbers get their shortest form (``1.0`` → ``1``, ``.5`` → ``0.5``).
    """
    return [_WRITTEN.sub(_shortest, "".join(found.split())) for found in _EQUATION.findall(text)]


def _shortest(match):
    whole, _, decimals = match[0].replace(",", "").partition(".")
    whole, decimals = whole.lstrip("0") or "0", decimals.rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def equation_path(text):
    """A key for the reasoning path of a solution: its ordered tuple of equations.

    RFT (2308.01825, section 3.3) keeps one right solution per distinct list of equations. Its released code compares the
    list with blanks removed and order kept; we also give numbers one spelling. A solution without marked equations
    has the empty path ``()``.
    """
    return tuple(equations(text))


def evaluate(expression):
    """The exact value of an arithmetic expression as a Fraction, or None when it is not one.

    A recursive-descent parser for numbers, ``+ - * / //``, signs and brackets. At most 100 symbols, so that no
    input is slow or nests too deeply.

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
            value = value * other if symbol == "*" else value / other if symbol == "/" else Fraction(value // other)
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
    """True or False for an equation like ``48/2=24``; None when a side cannot be read (a letter, a missing "=").

    ``tolerance`` is the largest absolute difference allowed, 10⁻³ as in RFT's code: ``10/3=3.333`` holds, ``10/3=3.3``
    does not. Use 0 for exact arithmetic.
    """
    sides = [evaluate(side) for side in equation.split("=")]
    if len(sides) < 2 or None in sides:
        return None
    return all(abs(a - b) <= Fraction(tolerance) for a, b in pairwise(sides))


def equation_report(texts):
    """Counts over solutions: how many have marked equations, how many equations, and how many of those are false.

    Keys: ``texts``, ``with_equations``, ``equations``, ``mean`` (equations per text), ``unreadable``,
    ``inexact`` (false in exact arithmetic), ``false`` (off by more than 10⁻³).
    """
    found = [equations(text) for text in texts]
    every = [equation for row in found for equation in row]
    exact = [equation_holds(equation, tolerance=0) for equation in every]
    false = [equation for equation, holds in zip(every, exact) if holds is False and not equation_holds(equation)]
    return {"texts": len(found), "with_equations": sum(bool(row) for row in found), "equations": len(every), "mean": len(every) / max(1, len(found)),
            "unreadable": exact.count(None), "inexact": exact.count(False), "false": len(false)}


# ---- the world --------------------------------------------------------------------------------------------------


def read_problems(path, skip_bad=False):
    """GSM8K problems from ``{"question", "answer"}`` lines: a list of ``{"id", "question", "solution", "answer"}``.

    ``id`` is the position in the file, so that equal questions stay apart; ``answer`` is the number after ``####`` as text.
    """
    def parse(row):
        question, solution = string(row, "question"), string(row, "answer")
        answer, marker = find_answer(solution, "strict")
        require(answer is not None and marker == "####", "found an 'answer' without a number after '####'; expected it to end like '#### 18'.")
        return {"question": question, "solution": solution, "answer": str(answer)}

    problems, _ = read_jsonl(path, parse, skip_bad)
    return [{"id": i, **problem} for i, problem in enumerate(problems)]


class GSM8K:
    """The GSM8K world: ``train`` is ``train.jsonl``, ``heldout`` is ``test.jsonl``, either may be gzip'd (``.gz``).

    ``data`` is the folder that holds them. ``mode`` is how answers are read, see :func:`find_answer`.
    """

    name = "gsm8k"
    gold_name = "verifier"
    needs = "answer"
    system = "Solve the problem step by step. End with a line '#### ' followed by the final number."
    max_tokens = 400
    verifiable = True
    files = {"train": "train.jsonl", "heldout": "test.jsonl"}

    def __init__(self, data, mode="lenient"):
        require(data is not None, "the gsm8k world needs the folder with train.jsonl and test.jsonl; give it with data=... "
                "The files are in github.com/openai/grade-school-math, grade_school_math/data.")
        require(mode in ("lenient", "strict"), f"mode must be 'lenient' or 'strict'; got {mode!r}.")
        self.data, self.mode, self._problems = Path(data), mode, {}
        require(self.data.is_dir(), f"no folder at {self.data}; give the folder that holds train.jsonl and test.jsonl.")

    def problems(self, split):
        """All problems of a split, in file order, see :func:`read_problems`."""
        require(split in self.files, f"split must be one of {', '.join(self.files)}; got {split!r}.")
        if split not in self._problems:
            name = self.files[split]
            path = next((p for p in (self.data / name, self.data / f"{name}.gz") if p.is_file()), None)
            require(path is not None, f"{self.data} has no {name} or {name}.gz, the {split} problems. "
                    "Fetch it from github.com/openai/grade-school-math, grade_school_math/data.")
            self._problems[split] = read_problems(path)
        return self._problems[split]

    def prompts(self, split="train", limit=None, seed=0):
        """``(questions, infos)`` of a split; an info has ``id``, ``answer`` (text) and ``solution``, the reference.

        The order is shuffled by ``seed`` and ``limit`` takes its first prompts: a smaller limit gives a prefix of a larger one.
        """
        problems = self.problems(split)
        limit = len(problems) if limit is None else limit
        require(1 <= limit <= len(problems), f"limit must be between 1 and {len(problems)}, the number of {split} problems in {self.data}; got {limit}.")
        order = list(range(len(problems)))
        random.Random(seed).shuffle(order)
        problems = [problems[i] for i in order[:limit]]
        return [p["question"] for p in problems], [{k: p[k] for k in ("id", "answer", "solution")} for p in problems]

    def verify(self, prompt, text, info):
        """The verdict as a plain dictionary: ``status``, ``answer`` (text or None), ``marker``."""
        require("answer" in info, "the verifier needs info['answer'], the reference.")
        verdict = verify(text, info["answer"], self.mode)
        return {"status": verdict.status, "answer": None if verdict.answer is None else str(verdict.answer), "marker": verdict.marker}

    def gold(self, prompt, text, info, finished=True):
        """1.0 for a correct reply, else 0.0. A reply that was cut (``finished=False``) is judged by what it has written."""
        return verifier(prompt, text, info, self.mode)

    def gold_parts(self, prompt, text, info, finished=True):
        """What is behind the gold reward: ``correct`` (1.0 or 0.0), the verdict's ``status``, ``answer``, ``marker``, and the ``reference``."""
        verdict = self.verify(prompt, text, info)
        return {"correct": float(verdict["status"] == "correct"), **verdict, "reference": info["answer"]}

    def path(self, prompt, text, info):
        """The reasoning path of a reply, see :func:`equation_path`; the ``key`` of :func:`course_lib.selection.distinct_paths`."""
        return equation_path(text)

    def ideal_reply(self, info):
        """The reference solution, a reply with gold reward 1."""
        return info["solution"]


# ---- the released model solutions -------------------------------------------------------------------------------


def load_model_solutions(path, skip_bad=False):
    """The released GSM8K model solutions as a Pool of N = 4, one candidate per system in the order of :data:`SYSTEMS`.

    Rewards: ``"verifier"`` (ours) and ``"label"`` (the file's ``is_correct``), both 0 or 1. ``settings["systems"]`` names
    the candidates. The four replies of a prompt come from four different models: they are not i.i.d. samples of one policy.
    """
    def parse(row):
        question, reference = string(row, "question"), string(row, "ground_truth")
        answer = extract_answer(reference, "strict")
        require(answer is not None, "found a 'ground_truth' without a final number; expected it to end like 'A: 18'.")
        for system in SYSTEMS:
            require(isinstance(row.get(system), dict), f"found no solution of {system}; expected {{\"solution\", \"is_correct\"}} for each of {', '.join(SYSTEMS)}.")
            string(row[system], "solution")
            require(isinstance(row[system].get("is_correct"), bool), f"found no true or false under 'is_correct' of {system}.")
        return question, {"answer": str(answer), "solution": reference}, [row[s]["solution"] for s in SYSTEMS], [float(row[s]["is_correct"]) for s in SYSTEMS]

    rows, skipped = read_jsonl(path, parse, skip_bad)
    prompts, infos, texts, labels = map(list, zip(*rows))
    infos = [{"id": i, **info} for i, info in enumerate(infos)]
    verdicts = [[verifier(prompt, text, info) for text in row] for prompt, info, row in zip(prompts, infos, texts)]
    return Pool.from_candidates(prompts, texts, {"verifier": verdicts, "label": labels}, infos,
                                {"source": Path(path).name, "shape": "model solutions", "systems": list(SYSTEMS), "n": len(SYSTEMS), "skipped": skipped})


def agreement(pool, mode="lenient"):
    """Where our verifier and the file's ``label`` differ, and how the answers were read.

    Returns ``{"compared", "agree", "disagree": [...], "status": counts, "markers": counts, "unmarked": [...]}``. A row of
    ``disagree`` or ``unmarked`` (no explicit marker in the reply) has ``prompt`` and ``candidate`` (positions), ``system``,
    ``answer`` (read from the reply), ``reference``, ``label``, ``verdict`` and ``reason``.
    """
    labels = pool.reward("label").tolist()
    systems = pool.settings.get("systems", list(range(pool.N)))
    report = {"compared": 0, "agree": 0, "disagree": [], "status": {}, "markers": {}, "unmarked": []}
    for i, texts in enumerate(pool.texts):
        for j, text in enumerate(texts):
            if not pool.present[i, j]:
                continue
            verdict = verify(text, pool.info[i]["answer"], mode)
            same = (verdict.status == "correct") == (labels[i][j] == 1)
            row = {"prompt": i, "candidate": j, "system": systems[j], "answer": None if verdict.answer is None else str(verdict.answer),
                   "reference": pool.info[i]["answer"], "label": bool(labels[i][j]), "verdict": verdict.status, "reason": _reason(verdict)}
            report["compared"] += 1
            report["agree"] += same
            report["status"][verdict.status] = report["status"].get(verdict.status, 0) + 1
            report["markers"][verdict.marker] = report["markers"].get(verdict.marker, 0) + 1
            if not same:
                report["disagree"].append(row)
            if verdict.marker in (None, "last number"):
                report["unmarked"].append(row)
    return report


def _reason(verdict):
    if verdict.marker is None:
        return "no marker and no number to fall back on"
    if verdict.answer is None:
        return f"the number found by {verdict.marker!r} is malformed"
    return f"found by {verdict.marker!r}, " + ("equal to the reference" if verdict.status == "correct" else "another number than the reference")
