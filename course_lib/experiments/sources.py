"""The reward behind a ``--reward`` argument."""

from ..assets import resolve
from ..base import require
from ..models import GoldReward, RewardModel, load_reward_model
from ..worlds import World


def make_reward(spec: str, world: World, device: str | None = None) -> GoldReward | RewardModel:
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
    return load_reward_model(resolve(spec), name="proxy", device=device, system=world.reward_system)
