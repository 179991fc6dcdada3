"""Before a long run: what fits in memory, and how long it will take.

Memory is counted by hand, in bytes a parameter; time is measured on a few parts of the work and
extrapolated, with an interval.

What this leaves out: activations of the forward pass (they depend on the model's code and the
batch), fragmentation, and everything that slows a machine later: heat, neighbours, a fuller disk.
"""

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from ..base import require
from .intervals import Interval

Value = TypeVar("Value")

GB = 1e9
# 97.5 % points of Student's t, for 1 to 10 degrees of freedom
T975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


# ---- memory ------------------------------------------------------------------------------------


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


def training_bytes(parameters: float, half: bool = True) -> dict[str, float]:
    """Bytes held while ``parameters`` weights are fine-tuned with AdamW: name → bytes.

    Training keeps float32 weights (4 bytes), a gradient (4) and Adam's two moments (8) for every
    parameter. The policy that sampled stays loaded beside it, in half precision (2) or float32 (4).
    """
    return {
        "policy that sampled": (2 if half else 4) * parameters,
        "weights": 4 * parameters,
        "gradients": 4 * parameters,
        "Adam's moments": 8 * parameters,
    }


def cache_bytes(config: Any, tokens: int, size: int = 2) -> int:
    """Bytes of keys and values of ``tokens`` tokens, for a ``transformers`` model's ``config``.

    2 × layers × key-value heads × head width × tokens × ``size`` bytes a number.
    """
    width = config.num_key_value_heads * config.head_dim
    return 2 * config.num_hidden_layers * width * tokens * size


def logits_bytes(tokens: int, vocabulary: int, copies: int = 3) -> int:
    """Bytes of the logits of ``tokens`` response tokens in float32.

    The loss and its gradient hold about ``copies`` arrays of that size.
    """
    return 4 * tokens * vocabulary * copies


def phases(
    parameters: float,
    replies: int = 4,
    reply_tokens: int = 200,
    vocabulary: int = 151_936,
    cache: float = 6000 * 2**20,
) -> dict[str, dict[str, float]]:
    """GB of what is held in each phase, activations left out: phase → {part: GB}.

    ``cache``: bytes allowed for the keys and values of candidates being written (``memory_mb`` of
    :func:`~course_lib.models.sample`; here the T4 tier's). ``replies`` of ``reply_tokens`` tokens
    are in one part of a training step; Qwen3's vocabulary by default. PPO here trains a policy and
    a critic of equal size and keeps a reference and a reward model in half precision; its keys and
    values while it samples are left out.
    """

    rft = training_bytes(parameters)
    sampling = {"policy that sampled": rft["policy that sampled"], "keys and values": cache}
    # the policy and the critic
    ppo = {part: 2 * rft[part] for part in ("weights", "gradients", "Adam's moments")}
    ppo["reference and reward model"] = 4 * parameters
    logits = logits_bytes(replies * reply_tokens, vocabulary)
    return {
        "sampling": _in_gb(sampling),
        "RFT training": _in_gb({**rft, "logits": logits}),
        "PPO (lesson 07)": _in_gb({**ppo, "logits": logits}),
    }


def _in_gb(parts: Mapping[str, float]) -> dict[str, float]:
    return {part: size / GB for part, size in parts.items()}


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
