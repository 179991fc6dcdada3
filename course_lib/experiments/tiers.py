"""The one dial: which policy, reward model, world, sizes and precision, by the machine at hand.

``cpu`` is the bundled help desk. ``t4`` (15 GB, no native bfloat16) and ``big`` name models of the
Hugging Face Hub; they are downloaded on first use and were not run with their real weights when
this was written, only on tiny checkpoints of the same architectures.
"""

from dataclasses import dataclass

from ..base import require


@dataclass(frozen=True)
class Tier:
    """Settings of one tier.

    ``policy`` and ``reward`` are folders among the bundled assets or hub names.
    """

    name: str
    world: str
    policy: str
    reward: str
    n: int
    prompts: int
    held_out: int
    # replies served per held-out prompt in the comparison; the base pool holds groups × n
    # candidates
    groups: int
    max_tokens: int
    temperature: float
    dtype: str  # precision of sampling and of mixed-precision training
    epochs: float
    lr: float
    batch_size: int
    accumulate: int
    memory_mb: int

    @property
    def bundled(self):
        """True when policy and reward model come with the package."""
        return self.policy.startswith("helpdesk/")


TIERS = {
    "cpu": Tier(
        "cpu",
        "helpdesk",
        "helpdesk/policy",
        "helpdesk/reward-8000",
        n=16,
        prompts=512,
        held_out=256,
        groups=4,
        max_tokens=96,
        temperature=1.0,
        dtype="float32",
        epochs=3,
        lr=1e-3,
        batch_size=32,
        accumulate=1,
        memory_mb=384,
    ),
    "t4": Tier(
        "t4",
        "gsm8k",
        "Qwen/Qwen3-0.6B-Base",
        "Skywork/Skywork-Reward-V2-Qwen3-0.6B",
        n=16,
        prompts=256,
        held_out=512,
        groups=1,
        max_tokens=320,
        temperature=0.8,
        dtype="float16",
        epochs=2,
        lr=1e-5,
        batch_size=32,
        accumulate=8,
        memory_mb=6000,
    ),
    "big": Tier(
        "big",
        "gsm8k",
        "Qwen/Qwen3-0.6B-Base",
        "Skywork/Skywork-Reward-V2-Qwen3-0.6B",
        n=32,
        prompts=2048,
        held_out=512,
        groups=1,
        max_tokens=320,
        temperature=0.8,
        dtype="bfloat16",
        epochs=2,
        lr=1e-5,
        batch_size=64,
        accumulate=4,
        memory_mb=24000,
    ),
}


def detect():
    """The name of the tier this machine can run.

    By its GPU's memory and bfloat16 support, ``cpu`` without one.
    """
    import torch

    if not torch.cuda.is_available():
        return "cpu"
    facts = torch.cuda.get_device_properties(0)
    return "big" if facts.total_memory >= 30 * 2**30 and facts.major >= 8 else "t4"


def tier(name=None):
    """The :class:`Tier` called ``name``, or the one detected for this machine."""
    name = name or detect()
    require(name in TIERS, f"no tier {name!r}; the tiers are: {', '.join(TIERS)}.")
    return TIERS[name]
