"""A runtime that goes away, on purpose; and counting what is really done."""

from collections.abc import Iterator
from contextlib import contextmanager

from ..base import Hooks, require


class Disconnected(RuntimeError):
    """The runtime is gone. Raised in a block of :func:`disconnect`."""


class Watch:
    """Counts parts sampled and steps trained by the work that its ``hooks`` are given to.

    ``watch["sampling"]`` and ``watch["training"]`` say what was really done. With ``during`` and
    ``after``, that kind of work raises :class:`Disconnected` once so much of it was done.
    """

    def __init__(self, during: str | None = None, after: int = 0) -> None:
        require(
            during in (None, "sampling", "training"),
            f"during must be 'sampling' or 'training'; got {during!r}.",
        )
        self.during = during
        self.after = after
        self.done = {"sampling": 0, "training": 0}

    def __getitem__(self, kind: str) -> int:
        return self.done[kind]

    @property
    def hooks(self) -> Hooks:
        """To be given to the work that is watched."""
        return Hooks(
            before_part=lambda: self._before("sampling"),
            on_part=lambda: self._count("sampling"),
            before_step=lambda step: self._before("training"),
            on_step=lambda done: self._count("training"),
        )

    def _before(self, kind: str) -> None:
        if kind == self.during and self.done[kind] >= self.after:
            raise Disconnected

    def _count(self, kind: str) -> None:
        self.done[kind] += 1


@contextmanager
def counting() -> Iterator[Watch]:
    """A :class:`Watch` that counts and interrupts nothing."""
    yield Watch()


@contextmanager
def disconnect(during: str, after: int) -> Iterator[Watch]:
    """A :class:`Watch` under which the runtime goes away.

    Part or step number ``after`` + 1 of "sampling" or "training" raises. The exception is caught at
    the end of the block, which prints what happened. Nothing is cleaned up, as in a real crash.
    """
    watch = Watch(during, after)
    try:
        yield watch
        print("the block came to its end: nothing was interrupted")
    except Disconnected:
        kind = "parts" if during == "sampling" else "steps"
        print(f"disconnected during {during}, after {after} {kind}")
