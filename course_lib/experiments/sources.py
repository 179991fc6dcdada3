"""The reward behind a ``--reward`` argument, and the world behind a file of rollouts."""

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import torch

from ..assets import resolve
from ..base import CourseError, require
from ..models import FunctionReward, GoldReward, Reward, load_reward_model
from ..pools import Pool
from ..worlds import GSM8K, World, check_mode, load_world, verifier
from .prompting import OfQuestions


@dataclass
class JudgedByProxy:
    """Where there is no gold, the reward that selects is the only judge: its scores once more."""

    name: str = "gold"

    def score_pool(self, pool: Pool) -> torch.Tensor:
        """(P, N) float32, the pool's ``proxy``."""
        return pool.rewards["proxy"]


def make_reward(
    spec: str, world: World, device: str | None = None, dtype: torch.dtype | None = None
) -> GoldReward | OfQuestions:
    """The reward behind a ``--reward`` argument.

    A folder or hub name of a reward model, "gold", or "verifier". ``dtype`` is a model's; None is
    the checkpoint's own, or float32 on a CPU.
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
        resolve(spec), name="proxy", device=device, dtype=dtype, system=world.reward_system
    )
    return OfQuestions(model)


def reward_for(pool: Pool, spec: str, world: World, device: str | None = None) -> Reward:
    """:func:`make_reward` for a pool: its own reference answers are enough for a verifier."""
    answers = all("answer" in info for info in pool.info)
    if spec == "verifier" and answers and not world.verifiable:
        return FunctionReward(verifier, name="proxy")
    return make_reward(spec, world, device)


class WithoutProblems(GSM8K):
    """The GSM8K world for a file that brings its own questions and answers: no data is needed."""

    def __init__(self, mode: str = "lenient") -> None:
        check_mode(mode)
        self.mode = mode

    def problems(self, split: str) -> NoReturn:
        """There are none."""
        raise CourseError(
            "the world 'gsm8k' needs a folder with train.jsonl and test.jsonl for its prompts: "
            "give it with --data DIR (in Python: data=DIR)."
        )


def world_of_file(name: str, data: Path | str | None = None, answers: str | None = None) -> World:
    """The world called ``name`` for work on a file that holds its prompts: ``data`` may be left
    out.
    """
    if name == "gsm8k" and data is None:
        return WithoutProblems(answers or "lenient")
    return load_world(name, data, answers)
