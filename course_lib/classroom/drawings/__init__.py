"""Drawings of the lessons: one idea each, understood in ten seconds.

Every drawing returns a :class:`~course_lib.classroom.plots.Figure` whose summary is its caption and
its text for those who do not see it. Each stands by itself, with stored replies and numbers, and
takes others. They are made of what :mod:`~course_lib.classroom.drawings.ink` has.
"""

from .beams import beam_tree
from .choosing import parting
from .clipping import clip
from .distilling import distillation
from .draws import tail
from .heads import scalar_head
from .holding import models_in_memory
from .margins import margin
from .masking import loss_mask
from .next_word import softmax
from .prefix import shared_prefix
from .steps import loop
from .weighing import weights

__all__ = [
    "beam_tree",
    "clip",
    "distillation",
    "loop",
    "loss_mask",
    "margin",
    "models_in_memory",
    "parting",
    "scalar_head",
    "shared_prefix",
    "softmax",
    "tail",
    "weights",
]
