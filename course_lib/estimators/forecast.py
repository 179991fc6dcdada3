"""Before a long run: what fits in memory, and how long it will take.

Memory is counted by hand, in bytes a parameter; time is measured on a few parts of the work and
extrapolated, with an interval.

What this leaves out: activations of the forward pass (they depend on the model's code and the
batch), fragmentation, and everything that slows a machine later: heat, neighbours, a fuller disk.
"""

import os
import shutil
import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..base import require
from .intervals import Interval

GB = 1e9
# 97.5 % points of Student's t, for 1 to 10 degrees of freedom
T975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


# ---- memory ------------------------------------------------------------------------------------


def machine():
    """What there is to work with.

    GPU name (or None), its memory, main memory and free disk, in GB of 10⁹ bytes.
    """
    import torch

    gpu = torch.cuda.get_device_properties(0) if torch.cuda.is_available() else None
    pages = (
        os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
    )
    return {
        "gpu": gpu and gpu.name,
        "gpu_memory_gb": gpu.total_memory / GB if gpu else 0.0,
        "memory_gb": pages / GB,
        "disk_free_gb": shutil.disk_usage(".").free / GB,
    }


def training_bytes(parameters, half=True):
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


def cache_bytes(config, tokens, size=2):
    """Bytes of keys and values of ``tokens`` tokens.

    2 × layers × key-value heads × head width × tokens × ``size`` bytes a number.
    """
    return (
        2 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim * tokens * size
    )


def logits_bytes(tokens, vocabulary, copies=3):
    """Bytes of the logits of ``tokens`` response tokens in float32.

    The loss and its gradient hold about ``copies`` arrays of that size.
    """
    return 4 * tokens * vocabulary * copies


def phases(parameters, replies=4, reply_tokens=200, vocabulary=151_936, cache=6000 * 2**20):
    """GB of what is held in each phase, activations left out: phase → {part: GB}.

    ``cache``: bytes allowed for the keys and values of candidates being written (``memory_mb`` of
    :func:`~course_lib.models.sample`; here the T4 tier's). ``replies`` of ``reply_tokens`` tokens
    are in one part of a training step; Qwen3's vocabulary by default. PPO here trains a policy and
    a critic of equal size and keeps a reference and a reward model in half precision; its keys and
    values while it samples are left out.
    """

    def gb(parts):
        return {part: size / GB for part, size in parts.items()}

    rft = training_bytes(parameters)
    logits = {"logits": logits_bytes(replies * reply_tokens, vocabulary)}
    ppo = {part: 2 * rft[part] for part in ("weights", "gradients", "Adam's moments")} | {
        "reference and reward model": 4 * parameters
    }
    sampling = {"policy that sampled": rft["policy that sampled"], "keys and values": cache}
    return {
        "sampling": gb(sampling),
        "RFT training": gb(rft | logits),
        "PPO (lesson 07)": gb(ppo | logits),
    }


# ---- time --------------------------------------------------------------------------------------


def timed(function, *args, **settings):
    """(seconds, value) of ``function(*args, **settings)``."""
    before = time.perf_counter()
    value = function(*args, **settings)
    return time.perf_counter() - before, value


@dataclass(frozen=True)
class Stage:
    """A stage of a long run: ``seconds`` measured for some equal parts of it, and how many such
    ``parts`` the whole has (need not be whole).
    """

    name: str
    seconds: list
    parts: float

    def __post_init__(self):
        require(
            len(self.seconds) >= 2,
            f"stage {self.name!r}: time at least 2 parts, or there is no interval; got "
            f"{len(self.seconds)}.",
        )
        require(self.parts > 0, f"stage {self.name!r}: parts must be above 0; got {self.parts}.")

    @property
    def total(self):
        """The 95 % **prediction** interval for the stage's total: M·m ± t·s·√(M + M²/K).

        K parts were timed, with mean m and standard deviation s; the whole has M. M·s² is the luck
        of the parts to come, M²s²/K that of the parts that were timed.
        """
        K, M, mean, spread = (
            len(self.seconds),
            self.parts,
            float(np.mean(self.seconds)),
            float(np.std(self.seconds, ddof=1)),
        )
        half = T975[min(K - 1, len(T975)) - 1] * spread * np.sqrt(M + M * M / K)
        return Interval(M * mean, max(0.0, M * mean - half), M * mean + half, 0.95, K)


def forecast(stages):
    """The :class:`~course_lib.estimators.Interval` for all stages together.

    Half-widths of stages with independent timings are added as squares. Stages that extrapolate
    **the same timings** (equal ``seconds``) are wrong together, so theirs are first added as they
    are.
    """
    require(len(stages) > 0, "nothing to forecast: give at least one Stage.")
    mean, halves = sum(stage.total.mean for stage in stages), {}
    for stage in stages:
        measured = tuple(stage.seconds)
        halves[measured] = halves.get(measured, 0.0) + stage.total.high - stage.total.mean
    half = float(np.sqrt(sum(h**2 for h in halves.values())))
    return Interval(
        mean, max(0.0, mean - half), mean + half, 0.95, min(len(stage.seconds) for stage in stages)
    )


# ---- several machines --------------------------------------------------------------------------


def shards(count, workers):
    """``count`` prompts cut into ``workers`` pieces (start, stop), as equal as can be.

    The remainder is not dropped.
    """
    require(
        1 <= workers <= count,
        f"workers must be between 1 and {count}, the number of prompts; got {workers}.",
    )
    ends = [count * k // workers for k in range(workers + 1)]
    return list(pairwise(ends))
