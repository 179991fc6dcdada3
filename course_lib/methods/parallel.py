"""Several processes that train one model: what the training code asks of them.

By default a process is alone, and nothing here does anything. Who starts several (``scale/``) says
so with :func:`taking_part`; each then trains on its share of every batch, and all make the same
step: gradients are summed, so the weights are those of one process but for the order in which
float32 numbers are added up.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

import torch

from ..base import Account, CourseError, require, spent

T = TypeVar("T")


class Processes(Protocol):
    """The processes that take part, seen from one of them.

    Attributes
    ----------
    rank : which one this is, from 0.
    size : how many there are.
    cut : whether each holds a part of the weights only. Gradients are then summed as they are
        made, and all must read equally often.
    """

    rank: int
    size: int
    cut: bool

    def summed(self, tensors: Sequence[torch.Tensor]) -> None:
        """Replace each tensor by its sum over all processes, the same in each to the last bit."""

    def gathered(self, value: Any) -> list[Any]:
        """The ``value`` of every process, by rank. Who calls it waits for all others."""

    def laid_out(self, holder: Any, loss_of: Callable) -> contextlib.AbstractContextManager[None]:
        """Inside, ``holder.model`` is as these processes train it; afterwards one model again.

        ``loss_of`` reads it; before it is changed it is tried on the first example.
        """

    def read(self, model: torch.nn.Module, loss_of: Callable, part: Any) -> Any:
        """``loss_of(part)``, which reads ``model`` in whatever pieces it likes."""

    def whole(self, tensor: torch.Tensor) -> torch.Tensor:
        """A weight or a number of its optimiser, as it is without the others, to be saved."""

    def like(self, saved: torch.Tensor, tensor: torch.Tensor) -> torch.Tensor:
        """What :meth:`whole` gave of one like ``tensor``, as this process holds it."""


class Alone:
    """One process: its sums are its own, and it holds everything."""

    rank, size, cut = 0, 1, False

    def summed(self, tensors: Sequence[torch.Tensor]) -> None:
        """Nothing is added."""

    def gathered(self, value: Any) -> list[Any]:
        """``value`` alone."""
        return [value]

    def laid_out(self, holder: Any, loss_of: Callable) -> contextlib.AbstractContextManager[None]:
        """Nothing changes."""
        return contextlib.nullcontext()

    def read(self, model: torch.nn.Module, loss_of: Callable, part: Any) -> Any:
        """``loss_of(part)``."""
        return loss_of(part)

    def whole(self, tensor: torch.Tensor) -> torch.Tensor:
        """``tensor`` itself."""
        return tensor

    def like(self, saved: torch.Tensor, tensor: torch.Tensor) -> torch.Tensor:
        """``saved`` itself."""
        return saved


# a context's own, so that threads can play processes
_current: ContextVar[Processes | None] = ContextVar("processes", default=None)


def processes() -> Processes:
    """Those that take part here; by default this process :class:`Alone`."""
    return _current.get() or Alone()


def is_main() -> bool:
    """Whether this process writes files and speaks to the reader: the first does."""
    return processes().rank == 0


@contextlib.contextmanager
def taking_part(among: Processes) -> Iterator[None]:
    """What is trained inside is trained by ``among`` together.

    All of them must run the same code on the same data and settings.
    """
    token = _current.set(among)
    try:
        yield
    finally:
        _current.reset(token)


def everyone(work: Callable[[], T]) -> list[T]:
    """What ``work()`` gives in every process, by rank; it must be plain enough to be pickled.

    Costs of the others are entered in the accounts that are open here, but for their seconds: they
    work at the same time. Where ``work`` fails, all fail: that process with its own error, the
    others with a :class:`~course_lib.base.CourseError` that quotes it, so that none waits for what
    never comes.
    """
    among = processes()
    if among.size == 1:
        return [work()]
    result, fault = None, None
    with Account() as account:
        try:
            result = work()
        except Exception as error:
            fault = error
    if fault is not None and among.cut:
        raise fault  # the others are in the midst of reading together; who started them ends them
    quoted = fault and f"{type(fault).__name__}: {fault}"
    answers = among.gathered((result, quoted, account.to_dict()))
    if fault is not None:
        raise fault
    for rank, (_, words, cost) in enumerate(answers):
        if words is not None:
            raise CourseError(f"process {rank} of {among.size} (from 0) stopped. {words}")
        if rank != among.rank:
            spent({**cost, "seconds": 0.0})
    return [answer for answer, _, _ in answers]


def check_equal(value: Any, what: str) -> None:
    """Raise :class:`~course_lib.base.CourseError` unless ``value`` is the same in every process."""
    among = processes()
    found = among.gathered(value)
    different = [rank for rank, other in enumerate(found) if other != found[0]]
    require(
        not different,
        f"processes 0 and {different[:1]} of {among.size} do not begin with the same {what}. Give "
        "all of them the same files, settings and checkpoint, on a disk that all can read.",
    )


def share(count: int) -> range:
    """Which of ``count`` things in a row fall to this process; shares differ by one at most."""
    among = processes()
    return range(count * among.rank // among.size, count * (among.rank + 1) // among.size)
