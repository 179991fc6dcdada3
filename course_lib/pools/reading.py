"""Pools and selections from the files that the steps hand to each other."""

from pathlib import Path

import torch

from ..base import require
from .pool import Pool
from .rollouts import read_rollouts
from .selection import Selection


def read_pool(path: Path | str, skip_bad: bool = False) -> Pool:
    """A pool from an ``.npz`` file, or from rollouts in JSONL, which may be gzip'd.

    ``skip_bad``: leave out broken lines of a JSONL file instead of raising.
    """
    name = str(path).removesuffix(".gz")
    if name.endswith((".jsonl", ".json")):
        return read_rollouts(path, skip_bad=skip_bad)
    return Pool.load(path)


def read_selection(path: Path | str) -> Selection:
    """The replies in a JSONL file of prompts and completions, with their weights.

    Empty replies are left out. A line without ``weight`` counts 1. Raises
    :class:`~course_lib.base.CourseError` when no reply is left.
    """
    pool = read_rollouts(path)
    written = torch.tensor([[bool(text) for text in row] for row in pool.texts])  # (P, N)
    prompts, candidates = (pool.present & written).nonzero(as_tuple=True)  # (K,) and (K,)
    require(len(prompts) > 0, f"{path} holds no replies to train on.")
    weights = []
    for i, j in zip(prompts.tolist(), candidates.tolist(), strict=True):
        weight = pool.info[i].get("weight", 1.0)
        # lines of one prompt that differ in weight were read as a list
        weights.append(float(weight[j] if isinstance(weight, list) else weight))
    return Selection(pool, prompts, candidates, torch.tensor(weights))
