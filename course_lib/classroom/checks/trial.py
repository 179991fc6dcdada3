"""What every check does: run the reader's code on small inputs and name the likely mistake.

A check is a function of a :class:`Trial`, registered by :func:`task`. It states properties from the
most basic on, each with its points and its cases from the smallest input on. The first case that
fails is shown with what the reader's code returned, never with what it should have returned.
Expected values of the visible cases are few and small; hidden probes, which are in no release and
not in the package (``exercises/proofs/``), test the rest.
"""

import contextlib
import copy
import dis
import functools
import inspect
import io
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from .compare import in_a_line, in_words, same_value, shape_in_words
from .outcome import NotWritten, Part, Wrong

SECONDS = 20  # one call of the reader's function


class Trial:
    """The reader's object under test.

    ``value`` is what was handed in: usually a function, sometimes a number, list or dictionary.
    """

    def __init__(self, value: Any) -> None:
        self.value = value
        self.parts: list[Part] = []
        self.answered = False  # some call has returned something

    @contextlib.contextmanager
    def part(self, points: float, name: str) -> Iterator[Part]:
        """One property worth ``points``: what is inside either passes or raises :class:`Wrong`.

        Later parts are tried all the same.
        """
        part = Part(name, points)
        self.parts.append(part)
        try:
            yield part
            part.passed = True
        except NotWritten:
            raise
        except Wrong as wrong:
            part.message = wrong.message
            part.shown = wrong.shown
        except Exception as error:  # the reader's value has a type the check could not read
            said = f"{type(error).__name__}: {str(error).rstrip('.')}"
            part.message = (
                f"this could not be checked: {said}. "
                "Is the result of the type the docstring asks for?"
            )

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """The reader's function on a copy of the input.

        Errors, a missing result and a changed input become :class:`Wrong`.
        """
        given = copy.deepcopy((args, kwargs))
        try:
            got = self._result_of(*given)
            self._expect_something(got)
            if not same_value((args, kwargs), given, 0.0):
                raise Wrong(
                    "your function changes its input. Work on a copy: who calls it may still need "
                    "it."
                )
        except NotWritten:
            raise
        except Wrong as wrong:
            raise Wrong(wrong.message, self.call_text(args, kwargs)) from None
        return got

    def _result_of(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        """What the reader's function returns in time; its errors in words."""
        try:
            with _limit(SECONDS), _quiet():
                return self.value(*args, **kwargs)
        except _Late:
            raise Wrong(
                f"your function has not ended after {SECONDS} seconds for this input. "
                "Is there a loop that never stops?"
            ) from None
        except Exception as error:
            if isinstance(error, NotImplementedError) and not error.args:
                raise NotWritten("not written yet.") from None
            said = ": ".join(filter(None, (type(error).__name__, str(error))))
            line = _line_of(error, self.value)
            where = f" (line {line} of the function)." if line else "."
            raise Wrong(f"your code stopped with {said}{where}") from None

    def _expect_something(self, got: Any) -> None:
        """Tell an empty stub from a function in which one way ends without a return."""
        if got is not None and got is not Ellipsis:
            self.answered = True
        elif self.answered or has_body(self.value):
            raise Wrong(
                "for this input your function returns nothing: does every way through it end in a "
                "return? (print only shows a value.)"
            )
        else:
            raise NotWritten("it returns nothing yet.")

    def same(
        self,
        args: tuple,
        right: Any,
        mistakes: Iterable[tuple[Any, str]] = (),
        tolerance: float = 1e-6,
        otherwise: str = "the result is not right",
    ) -> Any:
        """The reader's function on ``args`` must give ``right``; returns what it gave.

        ``mistakes``: pairs (value, message); the first value that equals the result names the
        mistake. ``tolerance`` is relative to the size of ``right``. ``otherwise``: the message when
        no known mistake fits; it must not give the answer away.
        """
        got = self.run(*args)
        if same_value(got, right, tolerance):
            return got
        shown = f"{self.call_text(args)} gave {in_a_line(got)}"
        for value, message in mistakes:
            if same_value(got, value, tolerance):
                raise Wrong(message, shown)
        have = shape_in_words(got)
        want = shape_in_words(right)
        if have != want:
            raise Wrong(f"the result has {have}, but should have {want}.", shown)
        stop = "" if otherwise.endswith((".", "?", ")")) else "."
        raise Wrong(otherwise + stop, shown)

    def one_of(self, args: tuple, at: int, names: Sequence[str]) -> "Trial":
        """A trial of one of several results alone: of the one at position ``at``.

        ``names``: what the results are called, such as ("best", "control").
        """
        got = self.run(*args)
        called = f"{in_words(len(names))} things: {', '.join(names)}"
        shown = f"{self.call_text(args)} gave {in_a_line(got)}"
        several = isinstance(got, tuple | list) or getattr(got, "shape", ())
        self.holds(several, f"the result should be {called}.", shown)
        self.holds(
            len(got) == len(names),
            f"the result should be {called}; yours has length {len(got)}.",
            shown,
        )
        self.holds(got[at] is not None, f"the {names[at]} is still None.", shown)

        @functools.wraps(self.value)
        def result(*_: Any) -> Any:
            return got[at]

        result.__name__ = f"the {names[at]} of {getattr(self.value, '__name__', 'your answer')}"
        return Trial(result)

    def gradients(self, args: tuple, which: Sequence[int]) -> list:
        """Gradients of the sum of the reader's result, one tensor for each of ``which``.

        ``which``: positions of tensors among ``args``. Where there are no gradients,
        :class:`Wrong` says kindly why.
        """
        import torch

        args = [a.clone().requires_grad_() if k in which else a for k, a in enumerate(args)]
        try:
            self.run(*args)
        except Wrong as wrong:
            if "numpy()" in wrong.message or "requires grad" in wrong.message:
                raise Wrong(
                    "the result has no gradient: your function leaves torch. Compute with torch's "
                    "own functions, so that training can follow them back.",
                    wrong.shown,
                ) from None
            raise
        got = self.value(*args)  # run works on copies, and gradients would arrive there
        self.holds(
            isinstance(got, torch.Tensor) and got.requires_grad,
            "the result has no gradient, so nothing could be trained with it. Keep it a tensor: "
            "no float(), no .item(), no .detach(), no torch.no_grad().",
            f"{self.call_text(args)} gave {in_a_line(got)}",
        )
        got.sum().backward()
        return [torch.zeros_like(args[k]) if args[k].grad is None else args[k].grad for k in which]

    def holds(self, condition: Any, message: str, shown: str = "") -> None:
        """Raise :class:`Wrong` with ``message`` unless ``condition``."""
        if not condition:
            raise Wrong(message, shown)

    def call_text(self, args: Sequence = (), kwargs: dict[str, Any] | None = None) -> str:
        """The call as the reader would write it, short enough to read."""
        name = getattr(self.value, "__name__", "your answer")
        try:
            names = list(inspect.signature(self.value).parameters)
        except (TypeError, ValueError):
            names = []
        written = []
        for k, arg in enumerate(args):
            text = in_a_line(arg, given=True)
            written.append(f"{names[k]}={text}" if k < len(names) else text)
        for key, value in (kwargs or {}).items():
            written.append(f"{key}={in_a_line(value, given=True)}")
        return f"{name}({', '.join(written)})"


class _Late(BaseException):
    """Time is up.

    Not an Exception, so that a reader's own ``except Exception`` does not catch it.
    """


def _quiet() -> contextlib.AbstractContextManager:
    """Without the reader's warnings under nbgrader.

    It gives no points to a cell with anything on stderr.
    """
    if os.environ.get("NBGRADER_EXECUTION"):
        return contextlib.redirect_stderr(io.StringIO())
    return contextlib.nullcontext()


@contextlib.contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Raise :class:`_Late` in what runs longer than ``seconds``, where that is possible.

    It is in the main thread, on Linux and macOS.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or not hasattr(signal, "setitimer"):
        yield
        return

    def late(*_: Any) -> None:
        raise _Late

    handler_before = signal.signal(signal.SIGALRM, late)
    timer_before = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer_before)
        signal.signal(signal.SIGALRM, handler_before)


def _line_of(error: Exception, function: Callable) -> int | None:
    """The line of ``function`` (from 1) where ``error`` arose, or None."""
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    here = (code.co_filename, code.co_name)
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if (frame.filename, frame.name) == here]
    return lines[-1] - code.co_firstlineno + 1 if lines else None


def _empty() -> None:
    """Every form of an empty body, one a line."""
    ...
    pass
    return None


def _opnames(function: Callable) -> set[str]:
    return {step.opname for step in dis.get_instructions(function)}


# what an empty body is made of, whatever this version of Python calls it
NOTHING = _opnames(_empty) | _opnames(lambda: None)


def has_body(function: Any) -> bool:
    """True when a function is more than a stub.

    A stub holds only a docstring, ``...``, ``pass`` and ``return None``. What calls, computes or
    assigns anything takes instructions that no stub has.
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is not None and not all(map(_does_nothing, dis.get_instructions(code)))


def _does_nothing(step: dis.Instruction) -> bool:
    """Whether an instruction stands in empty bodies too; constants there are None and ``...``."""
    if step.opcode in dis.hasconst and step.argval is not None and step.argval is not Ellipsis:
        return False
    return step.opname in NOTHING
