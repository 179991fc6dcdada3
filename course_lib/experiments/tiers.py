"""What fits a machine: a tier by its GPU's memory and precision.

``cpu`` is the bundled help desk. All others name models of the Hugging Face Hub, which are
downloaded on first use. ``t4`` is what Colab lends: 15 GB and no native bfloat16. ``small`` is for
less and trains an adapter only (LoRA, which needs peft), ``mid`` and ``big`` are for more. ``mps``
is an Apple GPU; it is taken by its name only, since nothing was run on one. None of them was run
with its real weights when this was written, only on tiny checkpoints of the same architectures.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch

from ..base import require
from ..methods import FineTuning, Rounds
from ..models import Sampling, device_of
from .defaults import LR_LARGE, LR_LORA
from .settings import RunSettings

GIB = 2**30
# tier → the least GiB and compute capability (its first number) of a card, the best tier first
CARDS = {"big": (30, 8), "mid": (20, 8), "t4": (14, 0), "small": (5, 0)}
NATIVE_BFLOAT16 = 8  # from this compute capability on
HUB = {
    "world": "gsm8k",
    "policy": "Qwen/Qwen3-0.6B-Base",
    "reward": "Skywork/Skywork-Reward-V2-Qwen3-0.6B",
}


def rounds_of(sampling: Sampling, part: int | None = None, **training: Any) -> Rounds:
    """A loop with these settings of its two steps."""
    return Rounds(sampling=sampling, part=part, training=FineTuning(**training))


def _hub(name: str, dtype: str, sampling: Sampling, **more: Any) -> RunSettings:
    """A tier with models of the hub. ``more``: its fields, and those of its ``training``."""
    training = {"epochs": 2, "lr": LR_LARGE, "batch_size": 32, **more.pop("training")}
    if training.get("lora"):
        training["lr"] = LR_LORA
    loop = rounds_of(replace(sampling, temperature=0.8), **training)
    return RunSettings(name=name, groups=1, dtype=dtype, loop=loop, **HUB, **more)


# four replies or fewer in a part of a step, and where that is not enough, activations again
THRIFTY = {"accumulate": 8, "recompute": True}
SMALLEST = {"accumulate": 32, "recompute": True, "lora": 16}
TIERS = {
    "cpu": RunSettings(
        name="cpu",
        world="helpdesk",
        policy="helpdesk/policy",
        reward="helpdesk/reward-8000",
        prompts=512,
        held_out=256,
        groups=4,
        loop=rounds_of(
            Sampling(n=16, temperature=1.0, max_tokens=96, memory_mb=384),
            epochs=3,
            lr=1e-3,
            batch_size=32,
        ),
    ),
    "small": _hub(
        "small",
        "float16",
        Sampling(n=8, max_tokens=256),
        prompts=128,
        held_out=128,
        training=SMALLEST,
    ),
    "t4": _hub(
        "t4",
        "float16",
        Sampling(n=16, max_tokens=256),
        prompts=256,
        held_out=256,
        training=THRIFTY,
    ),
    "mid": _hub(
        "mid",
        "bfloat16",
        Sampling(n=16, max_tokens=256),
        prompts=1024,
        held_out=256,
        training=THRIFTY,
    ),
    "big": _hub(
        "big",
        "bfloat16",
        Sampling(n=32, max_tokens=320),
        prompts=2048,
        held_out=512,
        training={"batch_size": 64, "accumulate": 16},
    ),
    "mps": _hub(
        "mps",
        "float32",
        Sampling(n=8, max_tokens=256, memory_mb=3000),
        prompts=128,
        held_out=128,
        device="mps",
        training=SMALLEST,
    ),
}


@dataclass(frozen=True)
class Card:
    """A CUDA GPU, as far as it decides the tier.

    Attributes
    ----------
    name : what it calls itself.
    gib : memory in GiB.
    capability : the first number of its compute capability.
    """

    name: str
    gib: float
    capability: int

    @property
    def tier(self) -> str:
        """The best tier whose needs it meets; "cpu" where it is too small for a real model."""
        for name, (gib, capability) in CARDS.items():
            if self.gib >= gib and self.capability >= capability:
                return name
        return "cpu"

    @property
    def dtype(self) -> str:
        """The half precision it computes in natively."""
        return "bfloat16" if self.capability >= NATIVE_BFLOAT16 else "float16"


def card() -> Card | None:
    """The first CUDA GPU here; None without one."""
    if not torch.cuda.is_available():
        return None
    facts = torch.cuda.get_device_properties(0)
    return Card(getattr(facts, "name", "a GPU"), facts.total_memory / GIB, facts.major)


def apple_gpu() -> bool:
    """Whether torch can compute on an Apple GPU here."""
    return torch.backends.mps.is_available()


def detect() -> str:
    """The name of the tier this machine can run, by its GPU's memory and precision.

    ``cpu`` without a GPU, and on an Apple GPU: that one is taken by the name ``mps`` only.
    """
    found = card()
    return found.tier if found else "cpu"


def why_tier() -> str:
    """Why :func:`detect` says what it says: a sentence."""
    found = card()
    if found is None:
        if apple_gpu():
            return (
                'an Apple GPU is here and is taken by name only, tier("mps") or --tier mps: '
                "nothing was run on one"
            )
        return "no GPU that torch can use"
    facts = f"{found.name} with {found.gib:.1f} GiB"
    if found.tier == "cpu":
        return f"{facts}, too little for a real model (from {CARDS['small'][0]} GiB on)"
    native = "native bfloat16" if found.dtype == "bfloat16" else "no native bfloat16"
    return f"{facts} and {native}, so {found.dtype}"


def tier(name: str | None = None) -> RunSettings:
    """The :class:`RunSettings` of the tier called ``name``, or of the one detected here.

    The latter computes in the half precision that the GPU here has natively.
    """
    chosen = name or detect()
    require(chosen in TIERS, f"no tier {name!r}; the tiers are: {', '.join(TIERS)}.")
    settings = TIERS[chosen]
    found = card()
    if name is None and found is not None and settings.dtype != "float32":
        settings = replace(settings, dtype=found.dtype)
    return settings


def dtype_here(settings: RunSettings, device: str | None = None) -> torch.dtype | None:
    """The precision to load a tier's models in; None leaves it to the checkpoint, or to a CPU.

    ``device`` is the one asked for, in the place of the settings' own.
    """
    kind = device_of(device or settings.device).type
    if kind == "cpu" or (kind == "cuda" and settings.dtype == "float32"):
        return None
    return getattr(torch, settings.dtype)
