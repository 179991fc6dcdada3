"""Sampling a pool for a world's prompts, with the tier's sizes where none are given."""

from ..assets import resolve
from ..models import load_policy, sample
from ..pools import Pool
from ..worlds import load_world
from .tiers import tier


def sample_from_world(
    world: object,
    policy: str | None = None,
    *,
    split: str = "train",
    prompts: int | None = None,
    device: str | None = None,
    template: str = "chat",
    seed: int = 0,
    **sampling,
) -> Pool:
    """A pool of candidates for ``prompts`` prompts of one split of a world (None: all of them).

    ``world`` is a name or a world object. ``policy`` is a folder or hub name; without one it is the
    world's own, or the tier's. ``sampling``: what :func:`course_lib.sample` takes beside ``seed``
    and ``info``; ``n``, ``temperature`` and ``max_tokens`` come from the tier where they are
    missing or None.
    """
    if isinstance(world, str):
        world = load_world(world)
    own = getattr(world, "policy", None)  # the bundled policy of a world that has one
    sizes = tier("cpu" if own else None)
    loaded = load_policy(
        resolve(policy or own or sizes.policy),
        device=device,
        system=world.system,
        template=template,
    )
    texts, info = world.prompts(split, limit=prompts, seed=seed)
    settings = {
        "n": sizes.n,
        "temperature": sizes.temperature,
        "max_tokens": min(world.max_tokens, sizes.max_tokens),
        "memory_mb": sizes.memory_mb,
    }
    settings |= {name: value for name, value in sampling.items() if value is not None}
    return sample(loaded, texts, info=info, seed=seed, **settings)
