"""What every check does: run the reader's code on small inputs, give points by property, and name
the likely mistake.

A check is a function of a :class:`Trial`, registered by :func:`task`. It states properties from the
most basic on, each with its points and its cases from the smallest input on. The first case that
fails is shown with what the reader's code returned, never with what it should have returned.
Expected values of the visible cases are few and small; hidden probes (in the exercise's source,
which is in no release and not in the package) test the rest.
"""

import contextlib
import copy
import functools
import inspect
import io
import os
import signal
import threading
import traceback

from .compare import in_a_line, in_words, same_value, shape_in_words
from .outcome import NotWritten, Part, Wrong

SECONDS = 20  # one call of the reader's function


class Trial:
    """The reader's object under test.

    ``value`` is what was handed in: usually a function, sometimes a number, list or dictionary.
    """

    def __init__(self, value):
        self.value, self.parts, self.answered = value, [], False

    # ---- properties ----

    @contextlib.contextmanager
    def part(self, points, name):
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
            part.message, part.shown = wrong.message, wrong.shown
        except Exception as error:  # the reader's value has a type the check could not read
            part.message = (
                f"this could not be checked: {type(error).__name__}: "
                f"{str(error).rstrip('.')}. Is the result of the type the docstring asks "
                "for?"
            )

    def run(self, *args, **kwargs):
        """The reader's function on a copy of the input.

        Errors, a missing result and a changed input become :class:`Wrong`.
        """
        given = copy.deepcopy((args, kwargs))
        try:
            with _limit(SECONDS), _quiet():
                got = self.value(*given[0], **given[1])
        except _Late:
            raise Wrong(
                f"your function has not ended after {SECONDS} seconds for this input. Is there "
                "a loop that never stops?",
                self._call(args, kwargs),
            ) from None
        except Exception as error:
            if isinstance(error, NotImplementedError) and not error.args:
                raise NotWritten("not written yet.") from None
            line = _line_of(error, self.value)
            said = ": ".join(filter(None, (type(error).__name__, str(error))))
            raise Wrong(
                f"your code stopped with {said}"
                + (f" (line {line} of the function)." if line else "."),
                self._call(args, kwargs),
            ) from None
        if got is None or got is Ellipsis:
            if self.answered or _has_body(self.value):
                raise Wrong(
                    "for this input your function returns nothing: does every way through it "
                    "end in a return? (print only shows a value.)",
                    self._call(args, kwargs),
                )
            raise NotWritten("it returns nothing yet.")
        self.answered = True
        if not same_value((args, kwargs), given, 0.0):
            raise Wrong(
                "your function changes its input. Work on a copy: who calls it may still need it.",
                self._call(args, kwargs),
            )
        return got

    def same(self, args, right, mistakes=(), tolerance=1e-6, otherwise="the result is not right"):
        """The reader's function on ``args`` must give ``right``.

        ``mistakes``: pairs (value, message); the first value that equals the result names the
        mistake. ``tolerance`` is relative to the size of ``right``. ``otherwise``: the message when
        no known mistake fits; it must not give the answer away.
        """
        got = self.run(*args)
        shown = f"{self._call(args)} gave {in_a_line(got)}"
        if same_value(got, right, tolerance):
            return got
        for value, message in mistakes:
            if same_value(got, value, tolerance):
                raise Wrong(message, shown)
        have, want = shape_in_words(got), shape_in_words(right)
        if have != want:
            raise Wrong(f"the result has {have}, but should have {want}.", shown)
        raise Wrong(otherwise if otherwise.endswith((".", "?", ")")) else f"{otherwise}.", shown)

    def one_of(self, args, at, names):
        """A trial of one of several results alone.

        Of the one at position ``at`` of those called ``names``, such as ("best", "control").
        """
        got, called = self.run(*args), f"{in_words(len(names))} things: {', '.join(names)}"
        shown = f"{self._call(args)} gave {in_a_line(got)}"
        self.holds(
            isinstance(got, tuple | list) or getattr(got, "shape", ()),
            f"the result should be {called}.",
            shown,
        )
        self.holds(
            len(got) == len(names),
            f"the result should be {called}; yours has length {len(got)}.",
            shown,
        )
        self.holds(got[at] is not None, f"the {names[at]} is still None.", shown)

        @functools.wraps(self.value)
        def result(*_):
            return got[at]

        result.__name__ = f"the {names[at]} of {getattr(self.value, '__name__', 'your answer')}"
        return Trial(result)

    def gradients(self, args, which):
        """Gradients of the sum of the reader's result with respect to the tensors among ``args``
        at the positions ``which``; kind words where there are none.
        """
        import torch

        args = [a.clone().requires_grad_() if k in which else a for k, a in enumerate(args)]
        try:
            self.run(*args)
        except Wrong as wrong:
            if "numpy()" in wrong.message or "requires grad" in wrong.message:
                raise Wrong(
                    "the result has no gradient: your function leaves torch. Compute with "
                    "torch's own functions, so that training can follow them back.",
                    wrong.shown,
                ) from None
            raise
        got = self.value(*args)  # run works on copies, and gradients would arrive there
        self.holds(
            isinstance(got, torch.Tensor) and got.requires_grad,
            "the result has no gradient, so nothing could be trained with it. Keep it a "
            "tensor: no float(), no .item(), no .detach(), no torch.no_grad().",
            f"{self._call(args)} gave {in_a_line(got)}",
        )
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
        named = [
            f"{names[k]}={in_a_line(arg, given=True)}"
            if k < len(names)
            else in_a_line(arg, given=True)
            for k, arg in enumerate(args)
        ] + [f"{k}={in_a_line(v, given=True)}" for k, v in (kwargs or {}).items()]
        return f"{name}({', '.join(named)})"


class _Late(BaseException):
    """Time is up; not an Exception, so that a reader's own ``except Exception`` does not catch
    it.
    """


def _quiet():
    """Under nbgrader, which gives no points to a cell with anything on stderr.

    Without the reader's warnings.
    """
    return (
        contextlib.redirect_stderr(io.StringIO())
        if os.environ.get("NBGRADER_EXECUTION")
        else contextlib.nullcontext()
    )


@contextlib.contextmanager
def _limit(seconds):
    """Raise :class:`_Late` in what runs longer than ``seconds``, where that is possible.

    In the main thread, on Linux and macOS.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(
        signal, "setitimer"
    ):
        yield
        return

    def late(*_):
        raise _Late

    before, left = (
        signal.signal(signal.SIGALRM, late),
        signal.setitimer(signal.ITIMER_REAL, seconds),
    )
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *left)
        signal.signal(signal.SIGALRM, before)


def _line_of(error, function):
    """The line of ``function`` (from 1) where ``error`` arose, or None."""
    code = getattr(function, "__code__", None)
    lines = [
        f.lineno
        for f in traceback.extract_tb(error.__traceback__)
        if code and f.filename == code.co_filename and f.name == code.co_name
    ]
    return lines[-1] - code.co_firstlineno + 1 if lines else None


def _has_body(function):
    """True when a function is more than a stub: it does something besides returning None."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is not None and (bool(code.co_names) or len(code.co_code) > 8)
