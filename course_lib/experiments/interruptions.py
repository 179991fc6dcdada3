"""A runtime that goes away, on purpose; and counting what is really done."""

import itertools
from contextlib import contextmanager

from ..base import require


class Disconnected(RuntimeError):
    """The runtime is gone. Raised by :func:`disconnect`."""


def _places():
    """What is counted → where the function that does one of it lives: (object, name)."""
    from ..methods import optimiser as training
    from ..methods import rounds as finetuning

    return {"sampling": (finetuning, "sample"), "training": (training.Stepper, "step")}


@contextmanager
def counting():
    """Inside the block, count the work really done: gives {"sampling": parts sampled, "training".

    Steps trained}.
    """
    done, real = (
        {"sampling": 0, "training": 0},
        {what: (home, name, getattr(home, name)) for what, (home, name) in _places().items()},
    )

    def counted(what, function):
        def call(*args, **kwargs):
            value = function(*args, **kwargs)
            done[what] += 1
            return value

        return call

    try:
        for what, (home, name, function) in real.items():
            setattr(home, name, counted(what, function))
        yield done
    finally:
        for home, name, function in real.values():
            setattr(home, name, function)


@contextmanager
def disconnect(during, after):
    """Inside the block, the runtime goes away: the call number ``after`` + 1 of "sampling" (one
    call a part) or "training" (one a step) raises.

    The exception is caught at the end of the block, which prints what happened. Nothing is cleaned
    up, as in a real crash.
    """
    require(
        during in ("sampling", "training"),
        f"during must be 'sampling' or 'training'; got {during!r}.",
    )
    home, name = _places()[during]
    real, calls = getattr(home, name), itertools.count()

    def counted(*args, **kwargs):
        if next(calls) >= after:
            raise Disconnected
        return real(*args, **kwargs)

    setattr(home, name, counted)
    try:
        yield
        print("the block came to its end: nothing was interrupted")
    except Disconnected:
        print(
            f"disconnected during {during}, after {after} "
            f"{'parts' if during == 'sampling' else 'steps'}"
        )
    finally:
        setattr(home, name, real)
