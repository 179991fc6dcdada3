"""Before a long run: what there is, and how long it will take.

Time is measured on a few parts of the work and extrapolated, with an interval. What fits in memory
is counted in ``memory.py``.

What this leaves out: everything that slows a machine later: heat, neighbours, a fuller disk.
"""

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from ..base import require
from .intervals import Interval
from .memory import GB

Value = TypeVar("Value")

# 97.5 % points of Student's t, for 1 to 10 degrees of freedom
T975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


# ---- the machine -------------------------------------------------------------------------------


def machine() -> dict[str, Any]:
    """What there is to work with: GPU name (or None), its memory, main memory and free disk.

    Memory and disk are in GB of 10⁹ bytes. Main memory is 0 where the system does not tell, as on
    Windows.
    """
    import torch

    gpu = torch.cuda.get_device_properties(0) if torch.cuda.is_available() else None
    memory = 0
    if hasattr(os, "sysconf"):
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "gpu": gpu and gpu.name,
        "gpu_memory_gb": gpu.total_memory / GB if gpu else 0.0,
        "memory_gb": memory / GB,
        "disk_free_gb": shutil.disk_usage(".").free / GB,
    }


# ---- time --------------------------------------------------------------------------------------


def timed(function: Callable[..., Value], *args: Any, **settings: Any) -> tuple[float, Value]:
    """(seconds, value) of ``function(*args, **settings)``."""
    before = time.perf_counter()
    value = function(*args, **settings)
    return time.perf_counter() - before, value


@dataclass(frozen=True)
class Stage:
    """A stage of a long run.

    ``seconds`` measured for some equal parts of it, and how many such ``parts`` the whole has (need
    not be whole).
    """

    name: str
    seconds: Sequence[float]
    parts: float

    def __post_init__(self) -> None:
        require(
            len(self.seconds) >= 2,
            f"stage {self.name!r}: time at least 2 parts, or there is no interval; got "
            f"{len(self.seconds)}.",
        )
        require(self.parts > 0, f"stage {self.name!r}: parts must be above 0; got {self.parts}.")

    @property
    def total(self) -> Interval:
        """The 95 % **prediction** interval for the stage's total: M·m ± t·s·√(M + M²/K).

        K parts were timed, with mean m and standard deviation s; the whole has M. M·s² is the luck
        of the parts to come, M²s²/K that of the parts that were timed.
        """
        K = len(self.seconds)
        M = self.parts
        mean = float(np.mean(self.seconds))
        spread = float(np.std(self.seconds, ddof=1))
        t = T975[min(K - 1, len(T975)) - 1]  # the last one stands for all larger K: a little wide
        half = t * spread * np.sqrt(M + M * M / K)
        return Interval(M * mean, max(0.0, M * mean - half), M * mean + half, 0.95, K)


def forecast(stages: Sequence[Stage]) -> Interval:
    """The :class:`~course_lib.estimators.Interval` for all stages together.

    Half-widths of stages with independent timings are added as squares. Stages that extrapolate
    **the same timings** (equal ``seconds``) are wrong together, so theirs are first added as they
    are.
    """
    require(len(stages) > 0, "nothing to forecast: give at least one Stage.")
    mean = sum(stage.total.mean for stage in stages)
    halves: dict[tuple[float, ...], float] = {}  # timings → half-width of the stages that use them
    for stage in stages:
        total = stage.total
        measured = tuple(stage.seconds)
        halves[measured] = halves.get(measured, 0.0) + total.high - total.mean
    half = float(np.sqrt(sum(h**2 for h in halves.values())))
    fewest = min(len(stage.seconds) for stage in stages)
    return Interval(mean, max(0.0, mean - half), mean + half, 0.95, fewest)


# ---- several machines --------------------------------------------------------------------------


def shards(count: int, workers: int) -> list[tuple[int, int]]:
    """``count`` prompts cut into ``workers`` pieces (start, stop), as equal as can be.

    The remainder is not dropped.
    """
    require(
        1 <= workers <= count,
        f"workers must be between 1 and {count}, the number of prompts; got {workers}.",
    )
    ends = [count * k // workers for k in range(workers + 1)]
    return list(pairwise(ends))
