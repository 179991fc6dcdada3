"""What every check does: run the reader's code on small inputs, give points by property, and name the likely mistake.

A check is a function of a :class:`Trial`, registered by :func:`task`. It states properties from the most basic on, each with its points and
its cases from the smallest input on. The first case that fails is shown with what the reader's code returned, never with what it should have
returned. Expected values of the visible cases are few and small; hidden probes (in the exercise's source, which is in no release and not in the
package) test the rest.
"""

import contextlib
import copy
import functools
import inspect
import io
import json
import numbers
import os
import signal
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ..errors import CourseError, require
from ..progress import in_notebook

DIFFICULTIES = ("easy", "medium", "hard")
SECONDS = 20  # one call of the reader's function


class Wrong(Exception):
    """A property does not hold: ``message`` in the reader's terms, ``shown`` the input and output that show it."""

    def __init__(self, message, shown=""):
        super().__init__(message)
        self.message, self.shown = message, shown


class NotWritten(Wrong):
    """The reader has not written this task yet."""


class CheckFailed(AssertionError):
    """A check that did not pass. In a notebook its message stands alone, without a traceback."""

    def _render_traceback_(self):
        return str(self).split("\n")


@dataclass
class Part:
    """One property: its name, its points, and what was wrong when it did not hold."""

    name: str
    points: float
    passed: bool = False
    message: str = ""
    shown: str = ""


@dataclass
class Outcome:
    """What a check found: ``points`` of ``most``, and its parts. ``written`` is False for an untouched stub."""

    task: str
    most: float
    parts: list = field(default_factory=list)
    written: bool = True

    @property
    def points(self):
        return round(sum(part.points for part in self.parts if part.passed), 6)

    @property
    def passed(self):
        return self.written and all(part.passed for part in self.parts)

    @property
    def message(self):
        """The first thing that is wrong, or the empty text."""
        return next((part.message for part in self.parts if not part.passed), "")

    def to_dict(self):
        """Plain data, for the log of ``course check``."""
        return {"task": self.task, "points": self.points, "most": self.most, "passed": self.passed, "written": self.written, "message": self.message,
                "parts": [vars(part) for part in self.parts]}


class Trial:
    """The reader's object under test. ``value`` is what was handed in: usually a function, sometimes a number, list or dictionary."""

    def __init__(self, value):
        self.value, self.parts, self.answered = value, [], False

    # ---- properties ----

    @contextlib.contextmanager
    def part(self, points, name):
        """One property worth ``points``: what is inside either passes or raises :class:`Wrong`. Later parts are tried all the same."""
        part = Part(name, points)
        self.parts.append(part)
        try:
            yield part
            part.passed = True
        except NotWritten:
            raise
        except Wrong as wrong:
            part.message, part.shown = wrong.message, wrong.shown
        except Exception as error:  # the reader's value has a type the check could not read
            part.message = f"this could not be checked: {type(error).__name__}: {str(error).rstrip('.')}. Is the result of the type the docstring asks for?"

    def run(self, *args, **kwargs):
        """The reader's function on a copy of the input. Errors, a missing result and a changed input become :class:`Wrong`."""
        given = copy.deepcopy((args, kwargs))
        try:
            with _limit(SECONDS), _quiet():
                got = self.value(*given[0], **given[1])
        except _Late:
            raise Wrong(f"your function has not ended after {SECONDS} seconds for this input. Is there a loop that never stops?", self._call(args, kwargs)) from None
        except Exception as error:
            if isinstance(error, NotImplementedError) and not error.args:
                raise NotWritten("not written yet.") from None
            line = _line_of(error, self.value)
            said = ": ".join(filter(None, (type(error).__name__, str(error))))
            raise Wrong(f"your code stopped with {said}" + (f" (line {line} of the function)." if line else "."), self._call(args, kwargs)) from None
        if got is None or got is Ellipsis:
            if self.answered or _has_body(self.value):
                raise Wrong("for this input your function returns nothing: does every way through it end in a return? (print only shows a value.)", self._call(args, kwargs))
            raise NotWritten("it returns nothing yet.")
        self.answered = True
        if not _same((args, kwargs), given, 0.0):
            raise Wrong("your function changes its input. Work on a copy: who calls it may still need it.", self._call(args, kwargs))
        return got

    def same(self, args, right, mistakes=(), tolerance=1e-6, otherwise="the result is not right"):
        """The reader's function on ``args`` must give ``right``.

        ``mistakes``: pairs (value, message); the first value that equals the result names the mistake. ``tolerance`` is relative to the size of
        ``right``. ``otherwise``: the message when no known mistake fits; it must not give the answer away.
        """
        got = self.run(*args)
        shown = f"{self._call(args)} gave {_text(got)}"
        if _same(got, right, tolerance):
            return got
        for value, message in mistakes:
            if _same(got, value, tolerance):
                raise Wrong(message, shown)
        have, want = _shape(got), _shape(right)
        if have != want:
            raise Wrong(f"the result has {have}, but should have {want}.", shown)
        raise Wrong(otherwise if otherwise.endswith((".", "?", ")")) else f"{otherwise}.", shown)

    def one_of(self, args, at, names):
        """A trial of one of several results alone: of the one at position ``at`` of those called ``names``, such as ("best", "control")."""
        got, called = self.run(*args), f"{_number(len(names))} things: {', '.join(names)}"
        shown = f"{self._call(args)} gave {_text(got)}"
        self.holds(isinstance(got, tuple | list) or getattr(got, "shape", ()), f"the result should be {called}.", shown)
        self.holds(len(got) == len(names), f"the result should be {called}; yours has length {len(got)}.", shown)
        self.holds(got[at] is not None, f"the {names[at]} is still None.", shown)

        @functools.wraps(self.value)
        def result(*_):
            return got[at]
        result.__name__ = f"the {names[at]} of {getattr(self.value, '__name__', 'your answer')}"
        return Trial(result)

    def gradients(self, args, which):
        """Gradients of the sum of the reader's result with respect to the tensors among ``args`` at the positions ``which``; kind words where there are none."""
        import torch
        args = [a.clone().requires_grad_() if k in which else a for k, a in enumerate(args)]
        try:
            self.run(*args)
        except Wrong as wrong:
            if "numpy()" in wrong.message or "requires grad" in wrong.message:
                raise Wrong("the result has no gradient: your function leaves torch. Compute with torch's own functions, so that training can follow them back.", wrong.shown) from None
            raise
        got = self.value(*args)  # run works on copies, and gradients would arrive there
        self.holds(isinstance(got, torch.Tensor) and got.requires_grad,
                   "the result has no gradient, so nothing could be trained with it. Keep it a tensor: no float(), no .item(), no .detach(), no torch.no_grad().", f"{self._call(args)} gave {_text(got)}")
        got.sum().backward()
        return [torch.zeros_like(args[k]) if args[k].grad is None else args[k].grad for k in which]

    def holds(self, condition, message, shown=""):
        """Raise :class:`Wrong` with ``message`` unless ``condition``."""
        if not condition:
            raise Wrong(message, shown)

    def _call(self, args=(), kwargs=None):
        """The call as the reader would write it, short enough to read."""
        name = getattr(self.value, "__name__", "your answer")
        try:
            names = list(inspect.signature(self.value).parameters)
        except (TypeError, ValueError):
            names = []
        named = [f"{names[k]}={_text(arg, given=True)}" if k < len(names) else _text(arg, given=True) for k, arg in enumerate(args)] + [f"{k}={_text(v, given=True)}" for k, v in (kwargs or {}).items()]
        return f"{name}({', '.join(named)})"


class _Late(BaseException):
    """Time is up; not an Exception, so that a reader's own ``except Exception`` does not catch it."""


def _quiet():
    """Under nbgrader, which gives no points to a cell with anything on stderr: without the reader's warnings."""
    return contextlib.redirect_stderr(io.StringIO()) if os.environ.get("NBGRADER_EXECUTION") else contextlib.nullcontext()


@contextlib.contextmanager
def _limit(seconds):
    """Raise :class:`_Late` in what runs longer than ``seconds``, where that is possible: in the main thread, on Linux and macOS."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def late(*_):
        raise _Late

    before, left = signal.signal(signal.SIGALRM, late), signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *left)
        signal.signal(signal.SIGALRM, before)


def _line_of(error, function):
    """The line of ``function`` (from 1) where ``error`` arose, or None."""
    code = getattr(function, "__code__", None)
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if code and f.filename == code.co_filename and f.name == code.co_name]
    return lines[-1] - code.co_firstlineno + 1 if lines else None


def _has_body(function):
    """True when a function is more than a stub: it does something besides returning None."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is not None and (bool(code.co_names) or len(code.co_code) > 8)


def _plain(value):
    """Tensors, arrays and tuples as nested lists; everything else as it is."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return value


def _same(a, b, tolerance):
    """Equality of plain values, numbers within ``tolerance`` relative to the size of ``b``'s numbers (at least 1)."""
    a, b = _plain(a), _plain(b)
    return _equal(a, b, tolerance * max(1.0, _size(b)))


def _size(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return max(map(_size, value), default=0.0)
    return abs(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and np.isfinite(value) else 0.0


def _equal(a, b, slack):
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[k], b[k], slack) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_equal(x, y, slack) for x, y in zip(a, b))
    if isinstance(a, numbers.Real) and isinstance(b, numbers.Real):
        return a == b or abs(a - b) <= slack or (a != a and b != b)
    try:
        return type(a) is type(b) and bool(a == b)
    except Exception:
        return False


def _shape(value):
    """How a value is built, in words."""
    value = _plain(value)
    if isinstance(value, list):
        sizes, inner = [len(value)], value
        while inner and isinstance(inner[0], list):
            if not all(isinstance(row, list) and len(row) == len(inner[0]) for row in inner):
                lengths = ", ".join(str(len(row)) if isinstance(row, list) else "none" for row in inner[:8])
                return f"{len(inner)} rows of lengths {lengths}" if len(sizes) == 1 else "rows of unequal lengths"
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


def _text(value, most=160, given=False):
    """A value in a line: four digits, at most ``most`` characters. With ``given`` arrays are written as a reader would type them."""
    def rounded(v):
        if isinstance(v, float):
            return float(f"{v:.4g}")
        if isinstance(v, (list, tuple)):
            return type(v)(map(rounded, v)) if type(v) in (list, tuple) else rounded(list(v))
        if isinstance(v, dict):
            return {k: rounded(x) for k, x in v.items()}
        if hasattr(v, "detach") or isinstance(v, (np.ndarray, np.generic)):
            plain = rounded(_plain(v))
            return _As(f"{'torch.tensor' if hasattr(v, 'detach') else 'np.array'}({plain!r})") if given and np.ndim(v) else plain
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


def _sentence(text):
    """``text`` with a capital letter, unless it begins with a name from code or a symbol (``w``, ``lr``, ``σ``)."""
    word = text.split(" ")[0]
    return text[0].upper() + text[1:] if word.isascii() and (len(word) > 2 or word in ("a", "an", "as", "at", "by", "if", "in", "is", "it", "no", "of", "on", "so", "to")) else text


def _number(n):
    return {2: "two", 3: "three", 4: "four"}.get(n, str(n))


class Task:
    """A registered check: call it with the reader's object; ``hint(1)`` to ``hint(3)`` help ever more."""

    def __init__(self, function, exercise, points, minutes, difficulty, idea, read, hints):
        self.function, self.exercise, self.name, self.idea = function, exercise, function.__name__, idea
        self.points, self.minutes, self.difficulty, self.read, self.hints = points, minutes, difficulty, read, tuple(hints)
        self.tries = 0  # failed ones in this process: the help offers a stronger hint after each
        require(len(self.hints) == 3, f"{self.id}: three hints are needed; got {len(self.hints)}.")
        require(difficulty in DIFFICULTIES, f"{self.id}: difficulty must be one of {', '.join(DIFFICULTIES)}; got {difficulty!r}.")

    @property
    def id(self):
        return f"{self.exercise}.{self.name}"

    def outcome(self, value):
        """Check ``value`` and return the :class:`Outcome`; nothing is printed or kept."""
        trial = Trial(value)
        try:
            if value is None or value is Ellipsis:
                raise NotWritten("it is still empty.")
            self.function(trial)
        except NotWritten as unwritten:
            return Outcome(self.id, self.points, [Part("written", self.points, False, unwritten.message)], written=False)
        found = Outcome(self.id, self.points, trial.parts)
        total = sum(part.points for part in trial.parts)
        require(abs(total - self.points) < 1e-9, f"{self.id}: the parts are worth {total} points, the task {self.points}.")
        return found

    def __call__(self, value):
        """Check the reader's object: print the points, or stop with what is wrong."""
        found = self.outcome(value)
        keep(found)
        self.tries += found.written and not found.passed
        if found.passed:
            print(f"{self.name}: {found.points:g} of {self.points:g} points. All {len(found.parts)} properties hold.")
            return None
        if os.environ.get("NBGRADER_EXECUTION") == "autograde" and found.points:
            print(self.text(found))
            return found.points  # nbgrader takes a check cell's value as its points, and an error as none
        raise CheckFailed(self.text(found))

    def text(self, found):
        """An outcome for the reader."""
        if not found.written:
            return f"{self.name}: {found.message} Fill in the cell above, run it, then run this check again. {self._help()}"
        wrong = next(part for part in found.parts if not part.passed)
        lines = [f"{self.name}: {found.points:g} of {self.points:g} points.", _sentence(wrong.message)]
        if wrong.shown:
            lines.append(f"The smallest input that shows it: {wrong.shown}")
        lines += [f"  {'ok   ' if part.passed else 'not  '} {part.name} ({part.points:g})" for part in found.parts]
        return "\n".join([*lines, self._help()])

    def _help(self):
        return f"Help: check.{self.name}.hint({min(max(self.tries, 1), 3)}), and {self.read}."

    def hint(self, level=1):
        """Print a hint: 1 points to the idea, 2 to the tool, 3 nearly says it."""
        require(level in (1, 2, 3), f"hints go from 1 to 3; got {level!r}.")
        print(f"Hint {level} of 3: {self.hints[level - 1]}")


def task(exercise, points, minutes, difficulty, idea, read, hints):
    """Register the decorated function of a :class:`Trial` as the visible check of the task of its name.

    ``idea``: where it stands on the map of ideas (:func:`course_lib.quiz.mastery`); ``read``: where the lesson explains it, as words that follow "Help: ... and"; ``hints``: three, each saying more than the one before.
    """
    return lambda function: Task(function, exercise, points, minutes, difficulty, idea, read, hints)


OUTCOMES = {}  # task id → the last outcome in this process


def need(*tasks):
    """Stop kindly unless each of these tasks has passed its check in this process: the first line of cells that use what the reader wrote."""
    lacking = [task.name for task in tasks if task.id not in OUTCOMES or not OUTCOMES[task.id].passed]
    if lacking:
        raise CheckFailed(f"This cell uses your {' and '.join(lacking)}: finish {'it' if len(lacking) == 1 else 'them'} first, run {'its check' if len(lacking) == 1 else 'their checks'} above, then run this cell.")


def keep(found):
    """Note an outcome here, in the log of ``course check`` (when one runs), and in the reader's progress file (in a notebook)."""
    OUTCOMES[found.task] = found
    if log := os.environ.get("COURSE_CHECK_LOG"):
        with open(log, "a", encoding="utf-8") as file:
            file.write(json.dumps(found.to_dict()) + "\n")
    elif in_notebook() and not os.environ.get("NBGRADER_EXECUTION"):
        from ..quiz import record_task
        with contextlib.suppress(CourseError, OSError):  # an unreadable progress file must not hide the check's own words
            record_task(found.task, found.points, found.most)
