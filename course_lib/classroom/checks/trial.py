"""What every check does: run the reader's code on small inputs and name the likely mistake.

A check is a function of a :class:`Trial`, registered by :func:`task`. It states properties from the
most basic on, each with its points and its cases from the smallest input on. The first case that
fails is shown with what the reader's code returned, never with what it should have returned.
Expected values of the small cases are few; one large and untidy case (``untidy.py``) is compared by
a number alone, and hidden probes, which are in no release and not in the package
(``exercises/proofs/``), test the rest.

A check runs once more for every call that it makes (:mod:`.calling` says why), so it must do the
same each time and change nothing.
"""

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from .calling import VARIES, Answer, Ask, Call, alike, has_body
from .compare import in_a_line, in_words, same_value, shape_in_words
from .outcome import NotWritten, Part, Wrong
from .plain import half_precision
from .untidy import fits, untidy_cases

LARGER = (
    "the small cases are right, and in a larger and less tidy one something is not. Does your code "
    "fit small or tidy inputs only?"
)
AGAIN = 5  # calls with the input of a failed case, to tell chance from a mistake


class Trial:
    """The reader's object under test.

    ``value`` is what was handed in: usually a function, sometimes a number, list or dictionary.
    ``answers``: what the calls so far have given (:mod:`.calling`); without it every call is made
    at once. ``task``: the id of the task, for its untidy cases.
    """

    def __init__(self, value: Any, answers: Sequence[Answer] | None = None, task: str = "") -> None:
        self.value = value
        self.task = task
        self.parts: list[Part] = []
        self.answered = False  # some call has returned something
        self.asked: list[Call] = []
        self._answers = answers
        self._last: Call | None = None  # the last call that ended well
        self._got: Any = None  # and what it gave
        self._calls: dict[str, list[tuple[str, str]]] = {}  # call in a line → its arguments

    @contextlib.contextmanager
    def part(self, points: float, name: str) -> Iterator[Part]:
        """One property worth ``points``: what is inside either passes or raises :class:`Wrong`.

        Later parts are tried all the same.
        """
        part = Part(name, points)
        self.parts.append(part)
        self._last = self._got = None
        try:
            yield part
            part.passed = True
        except NotWritten:
            raise
        except Wrong as wrong:
            part.message = VARIES if self._varies() else self._coarse() or wrong.message
            part.shown = wrong.shown
            part.given, part.gave = self._told_apart(wrong.shown)
        except Exception as error:  # the reader's value has a type the check could not read
            said = f"{type(error).__name__}: {str(error).rstrip('.')}"
            part.message = self._coarse() or (
                f"this could not be checked: {said}. "
                "Is the result of the type the docstring asks for?"
            )

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """What the reader's function gives for a copy of the input, in types of Python's own.

        Errors, a missing result, a changed input and another result of a second call become
        :class:`Wrong`.
        """
        return self.answer(Call(args, kwargs)).got

    def answer(self, call: Call) -> Answer:
        """The :class:`Answer` to a call that must end well."""
        answer = self._answer(call)
        try:
            if answer.wrong:
                raise type(answer.wrong)(answer.wrong.message)
            self._expect_something(answer.got)
        except NotWritten:
            raise
        except Wrong as wrong:
            self._last = None
            raise Wrong(wrong.message, self.call_text(call.args, call.kwargs)) from None
        self._last, self._got = call, answer.got
        return answer

    def stopped(self, *args: Any) -> type | None:
        """The type of the error with which the reader's function stops on this input, or None."""
        return self._answer(Call(args, times=1)).stopped

    def noted(self, args: tuple, around: Callable) -> Any:
        """What the context manager ``around`` notes while the reader's function runs on ``args``.

        Whatever comes of the call itself.
        """
        return self._answer(Call(args, times=1, around=around)).noted

    def _answer(self, call: Call) -> Answer:
        if self._answers is None:
            self.asked.append(call)
            return call.made(self.value)
        at = len(self.asked)
        if at == len(self._answers):
            raise Ask(call)
        self.asked.append(call)
        return self._answers[at]

    def _varies(self) -> bool:
        """Whether the last input gives something else when it is tried often, or the first now."""
        last = self._last
        if last is None:
            return False
        wrong = self._answer(Call(last.args, last.kwargs, AGAIN, last.around)).wrong
        if wrong is not None and wrong.message == VARIES:
            return True
        if not self._answers or self._answers[0].wrong or self.asked[0].which:
            return False
        first, before = self.asked[0], self._answers[0].got
        now = self._answer(Call(first.args, first.kwargs, 1, first.around))
        return now.wrong is None and not alike(before, now.got)

    def _coarse(self) -> str:
        """What to say of a result in half precision, or ""."""
        half = half_precision(self._got)
        return half and (
            f"the result is in {half}, which keeps two or three digits: too few to compare. "
            "Compute in float32, as the tensors you are given are."
        )

    def written(self) -> bool:
        """Whether the reader's function is more than a stub."""
        return has_body(self.value)

    def _expect_something(self, got: Any) -> None:
        """Tell an empty stub from a function in which one way ends without a return."""
        if got is not None and got is not Ellipsis:
            self.answered = True
        elif self.answered or self.written():
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
        alone = Trial(result)
        alone._calls = self._calls  # what is shown of it is told apart here
        return alone

    def gradients(self, args: tuple, which: Sequence[int]) -> list:
        """Gradients of the sum of the reader's result, one tensor for each of ``which``.

        ``which``: positions of tensors among ``args``. Where there are no gradients,
        :class:`Wrong` says kindly why.
        """
        leaves = [a.clone().requires_grad_() if k in which else a for k, a in enumerate(args)]
        try:
            got = self.run(*leaves)
        except Wrong as wrong:
            if "numpy()" in wrong.message or "requires grad" in wrong.message:
                raise Wrong(
                    "the result has no gradient: your function leaves torch. Compute with torch's "
                    "own functions, so that training can follow them back.",
                    wrong.shown,
                ) from None
            raise
        # run works on copies, and gradients would arrive there
        found = self._answer(Call(tuple(args), which=which)).got
        self.holds(
            found is not None,
            "the result has no gradient, so nothing could be trained with it. Keep it a tensor: "
            "no float(), no .item(), no .detach(), no torch.no_grad().",
            f"{self.call_text(leaves)} gave {in_a_line(got)}",
        )
        return found

    def untidy(self, message: str = "") -> None:
        """The task's large and untidy cases; ``message`` says more of what may be wrong.

        They are left out where an earlier property does not hold: one mistake costs its points
        once.
        """
        if not all(part.passed for part in self.parts[:-1]):
            return
        for args, right in untidy_cases(self.task):
            got = self.run(*args)
            shown = f"{self.call_text(args)} gave {in_a_line(got)}"
            self.holds(fits(got, right), f"{LARGER} {message}".strip(), shown)

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
        pairs = []
        for k, arg in enumerate(args):
            pairs.append((names[k] if k < len(names) else "", in_a_line(arg, given=True)))
        for key, value in (kwargs or {}).items():
            pairs.append((key, in_a_line(value, given=True)))
        written = ", ".join(f"{key}={text}" if key else text for key, text in pairs)
        text = f"{name}({written})"
        self._calls[text] = pairs
        return text

    def _told_apart(self, shown: str) -> tuple[list[tuple[str, str]], str]:
        """The arguments of the call with which ``shown`` begins, and what stands after it."""
        begun = [text for text in self._calls if shown.startswith(text)]
        if not begun:
            return [], ""
        call = max(begun, key=len)
        return self._calls[call], shown[len(call) :].removeprefix(" gave ").strip()


class Outline(Trial):
    """A trial that calls nothing: only the names of the parts are gathered."""

    def _answer(self, call: Call) -> Answer:
        raise Wrong("not tried")
