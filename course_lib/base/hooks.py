"""Hooks: functions that a caller may hang into long work, to watch it or to stop it."""

from collections.abc import Callable
from dataclasses import dataclass


def nothing(*_: object) -> None:
    """The hook that does nothing."""


@dataclass(frozen=True)
class Hooks:
    """What is called while long work goes on. A hook may raise, which ends the work where it is.

    Attributes
    ----------
    before_step : called with the number of the training step that comes next, counted from 0.
    on_step : called with the number of training steps done, after each.
    on_epoch : called with the number of epochs done, after each.
    before_part : called before a part of a pool is sampled.
    on_part : called after a part of a pool was sampled.
    """

    before_step: Callable[[int], None] = nothing
    on_step: Callable[[int], None] = nothing
    on_epoch: Callable[[int], None] = nothing
    before_part: Callable[[], None] = nothing
    on_part: Callable[[], None] = nothing
