"""The reward behind a ``--reward`` argument."""

from dataclasses import dataclass

import torch

from ..assets import resolve
from ..base import require
from ..models import GoldReward, load_reward_model
from ..pools import Pool
from ..worlds import World
from .prompting import OfQuestions


@dataclass
class JudgedByProxy:
    """Where there is no gold, the reward that selects is the only judge: its scores once more."""

    name: str = "gold"

    def score_pool(self, pool: Pool) -> torch.Tensor:
        """(P, N) float32, the pool's ``proxy``."""
        return pool.rewards["proxy"]


def make_reward(spec: str, world: World, device: str | None = None) -> GoldReward | OfQuestions:
    """The reward behind a ``--reward`` argument.

    A folder or hub name of a reward model, "gold", or "verifier".
    """
    if spec == "gold":
        return GoldReward(world, name="proxy")
    if spec == "verifier":
        require(
            world.verifiable,
            f"the world {world.name!r} has no verifier; use --reward gold, or a reward model's "
            "folder.",
        )
        return GoldReward(world, name="proxy")
    model = load_reward_model(
        resolve(spec), name="proxy", device=device, system=world.reward_system
    )
    return OfQuestions(model)
