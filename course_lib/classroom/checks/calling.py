"""Calling the reader's function: on copies, in time, twice, and with nothing right in sight.

A check says which calls it needs, and they are made when nothing of the check is running: a
:class:`~.trial.Trial` that has no answer yet raises :class:`Ask`, which ends the check;
:meth:`~.registry.Task.trial` makes the call and runs the check again from the start, with this
answer and all earlier ones at hand. So no caller of the reader's function has a right value among
its variables.
"""

import contextlib
import copy
import dis
import inspect
import io
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .compare import same_value
from .outcome import NotWritten, Wrong
from .plain import builtin_value, plain_value

SECONDS = 20  # one call of the reader's function
NOT_ENDED = (
    f"your function has not ended after {SECONDS} seconds for this input. Is there a loop that "
    "never stops?"
)
SAME = 1e-6  # two calls with one input may differ by this much, relatively
VARIES = (
    "the second call with the same input gives something else. Is something kept between calls (in "
    "a variable outside the function, in a default value), or drawn at random?"
)


@dataclass
class Answer:
    """What came of a call: a plain result, or what to say instead of one."""

    got: Any = None
    stopped: type | None = None  # the type of what the function raised
    wrong: Wrong | None = None  # the reader's error, in words
    noted: Any = None  # what ``around`` has noted


@dataclass
class Call:
    """One call that a check needs: the arguments, and how to make it.

    ``times``: how often, each time on a fresh copy. ``around``: a context manager to enter for the
    call; what it gives is kept as ``noted``. ``which``: positions of tensors whose gradients are
    the result.
    """

    args: tuple
    kwargs: dict[str, Any] = field(default_factory=dict)
    times: int = 2
    around: Callable[[], contextlib.AbstractContextManager] | None = None
    which: Sequence[int] = ()

    def made(self, function: Callable) -> Answer:
        """Make the call; the reader's errors, a changed input and a second result become words."""
        answer = Answer()
        with self.around() if self.around else contextlib.nullcontext() as answer.noted:
            try:
                if self.which:
                    answer.got = self._gradients(function)
                else:
                    self._results(function, answer)
            except Wrong as wrong:
                answer.stopped = type(wrong.__cause__) if wrong.__cause__ else None
                answer.wrong = type(wrong)(wrong.message)
        return answer

    def _results(self, function: Callable, answer: Answer) -> None:
        for again in range(self.times):
            given = copy.deepcopy((self.args, self.kwargs))
            # what the function prints is shown once
            with contextlib.redirect_stdout(io.StringIO()) if again else contextlib.nullcontext():
                got = builtin_value(_result(function, *given))
            if not same_value((self.args, self.kwargs), builtin_value(given), 0.0):
                raise Wrong(
                    "your function changes its input. Work on a copy: who calls it may still need "
                    "it."
                )
            if again and not alike(answer.got, got):
                raise Wrong(VARIES)
            answer.got = got
            if got is None or got is Ellipsis:
                return  # nothing to compare

    def _gradients(self, function: Callable) -> list | None:
        """A gradient for each of ``which``; None where the result is no tensor that has one."""
        import torch

        args = list(self.args)
        for k in self.which:
            args[k] = args[k].clone().requires_grad_()
        got = _result(function, tuple(args), self.kwargs)
        if not issubclass(type(got), torch.Tensor) or not torch.Tensor.requires_grad.__get__(got):
            return None
        leaves = [args[k] for k in self.which]
        found = torch.autograd.grad(torch.Tensor.sum(got), leaves, allow_unused=True)
        return [
            torch.zeros_like(leaf) if gradient is None else gradient.detach()
            for leaf, gradient in zip(leaves, found, strict=True)
        ]


class Ask(BaseException):
    """A check needs this call. Not an Exception, so that no check catches it."""

    def __init__(self, call: Call) -> None:
        super().__init__()
        self.call = call


def _result(function: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
    """What the reader's function returns in time; its errors in words."""
    try:
        with _limit(SECONDS), _quiet():
            return function(*args, **kwargs)
    except _Late:
        raise Wrong(NOT_ENDED) from None
    except Exception as error:
        if isinstance(error, NotImplementedError) and not error.args:
            raise NotWritten("not written yet.") from None
        said = ": ".join(filter(None, (type(error).__name__, str(error))))
        line = _line_of(error, function)
        where = f" (line {line} of the function)." if line else "."
        raise Wrong(f"your code stopped with {said}{where}") from error


def alike(one: Any, other: Any) -> bool:
    """Whether two results are the same; of what cannot be compared only the type counts."""
    return same_value(_comparable(one), _comparable(other), SAME)


def _comparable(value: Any) -> Any:
    value = plain_value(value)
    if isinstance(value, list):
        return [_comparable(x) for x in value]
    if isinstance(value, dict):
        return {key: _comparable(x) for key, x in value.items()}
    if value is None or isinstance(value, (bool, int, float, str, set, frozenset, range)):
        return value
    return type(value).__name__


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
