"""Drawings of the lessons: one idea each, understood in ten seconds.

Every drawing returns a :class:`~course_lib.classroom.plots.Figure` whose summary is its caption and
its text for those who do not see it. Each stands by itself, with stored replies and numbers, and
takes others. They are made of what :mod:`~course_lib.classroom.drawings.ink` has.
"""

from .beams import beam_tree
from .choosing import parting
from .clipping import clip
from .distilling import distillation
from .heads import scalar_head
from .loop import loop
from .margins import margin
from .masking import loss_mask
from .prefix import shared_prefix
from .softmax import softmax
from .tail import tail

__all__ = [
    "beam_tree",
    "clip",
    "distillation",
    "loop",
    "loss_mask",
    "margin",
    "parting",
    "scalar_head",
    "shared_prefix",
    "softmax",
    "tail",
]
