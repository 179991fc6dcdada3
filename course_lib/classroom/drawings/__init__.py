"""Drawings of the lessons: one idea each, understood in ten seconds.

Every drawing returns a :class:`~course_lib.classroom.plots.Figure` whose summary is its caption and
its text for those who do not see it. Each stands by itself, with stored replies and numbers, and
takes others. They are made of what :mod:`~course_lib.classroom.drawings.ink` has.
"""

from .choosing import parting
from .loop import loop
from .masking import loss_mask
from .softmax import softmax
from .tail import tail

__all__ = [
    "loop",
    "loss_mask",
    "parting",
    "softmax",
    "tail",
]
