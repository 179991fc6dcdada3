"""Sampling a pool for a world's prompts, with the tier's sizes where none are given."""

from dataclasses import replace
from typing import Any

from ..assets import resolve
from ..base import changed
from ..models import load_policy, sample
from ..pools import Pool
from ..worlds import World, load_world
from .settings import tier


def sample_from_world(
    world: World | str,
    policy: str | None = None,
    *,
    split: str = "train",
    prompts: int | None = None,
    device: str | None = None,
    template: str = "chat",
    seed: int = 0,
    **sampling: Any,
) -> Pool:
    """A pool of candidates for ``prompts`` prompts of one split of a world (None: all of them).

    ``world`` is a name, or an object for a world that needs data of its own. ``policy`` is a folder
    or hub name; without one it is the world's own, or the tier's. ``sampling``: fields of
    :class:`~course_lib.models.Sampling`; ``n``, ``temperature`` and ``max_tokens`` come from the
    tier where they are missing or None.
    """
    if isinstance(world, str):
        world = load_world(world)
    sizes = tier("cpu" if world.policy else None)
    asked = policy or world.policy or sizes.policy
    loaded = load_policy(resolve(asked), device=device, system=world.system, template=template)
    # what was asked for, not where the package lies on this machine: the pool may travel
    loaded = replace(loaded, source=str(asked))
    texts, info = world.prompts(split, limit=prompts, seed=seed)
    given = {name: value for name, value in sampling.items() if value is not None}
    max_tokens = min(world.max_tokens, sizes.max_tokens)
    settings = changed(sizes.sampling, {"max_tokens": max_tokens, **given, "seed": seed})
    return sample(loaded, texts, settings, info=info)
