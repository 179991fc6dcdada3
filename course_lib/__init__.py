"""Rejection sampling for LLM fine-tuning: the library behind the lessons.

The whole course is four steps::

    pool   = sample(policy, prompts, n=16, temperature=1.0, seed=0)
    pool   = score(pool, reward_model)
    best   = select_best(pool)
    better = finetune(policy, best)

Names are loaded on first use, so that ``import course_lib`` stays fast and does not import torch.
"""

from importlib import import_module

from .base.threads import wait_asleep
from .base.versions import VERSION as __version__

wait_asleep()

# where each public name lives
_HOME = {
    "Pool": "pools",
    "Selection": "pools",
    "Policy": "models",
    "load_policy": "models",
    "sample": "models",
    "RewardModel": "models",
    "load_reward_model": "models",
    "score": "models",
    "train_reward_model": "methods",
    "select_best": "pools",
    "finetune": "methods",
    "rejection_sampling_rounds": "methods",
    "load_world": "worlds",
    "tier": "experiments",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
