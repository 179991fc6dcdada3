"""Sampling a pool for a world's prompts, or one's own; the tier's sizes where none are given."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..base import Prompt, changed
from ..models import Sampling, sample
from ..pools import Pool
from ..worlds import Info, World, load_world
from .own_prompts import OwnPrompts
from .prompting import Asker, asked_world, load_asked, stops_for
from .settings import RunSettings
from .tiers import dtype_here, tier


def sample_from_world(
    world: World | str,
    policy: str | None = None,
    *,
    split: str = "train",
    prompts: int | None = None,
    device: str | None = None,
    asking: dict[str, Any] | None = None,
    **sampling: Any,
) -> Pool:
    """A pool of candidates for ``prompts`` prompts of one split of a world (None: all of them).

    ``world`` is a name, or an object for a world that needs data of its own. ``policy`` is a folder
    or hub name; without one it is the world's own, or the tier's. ``asking`` says how it is asked:
    ``template`` and ``shots`` (see :class:`~course_lib.experiments.RunSettings`),
    ``prompts_file``, whose prompts take the place of the world's, and ``tier``, the name of one; by
    default the CPU's for a world with a policy of its own, else this machine's. ``sampling``:
    fields of :class:`~course_lib.models.Sampling`; ``n``, ``temperature``, ``max_tokens`` and
    ``stop`` follow from tier, world and policy where they are missing or None.
    """
    asking = asking or {}
    if isinstance(world, str):
        world = load_world(world)
    sizes = sizes_for(world, asking.get("tier"))
    device = device or sizes.device
    name = str(policy or world.policy or sizes.policy)
    own = own_of(world, policy, asking.get("prompts_file"), sizes.max_tokens)
    system = world.system if own is None else own.system
    how = {"device": device, "system": system, "dtype": dtype_here(sizes, device)}
    loaded = load_asked(name, asking.get("template"), **how)
    # what was asked for, not where the package lies on this machine: the pool may travel
    loaded = replace(loaded, source=name)
    texts, info, settings = asked_prompts(
        world, loaded, name, own=own, split=split, limit=prompts, asking=asking, sampling=sampling
    )
    return sample(loaded, texts, settings, info=info)


def asked_prompts(
    world: World,
    policy: Asker,
    name: str,
    *,
    own: OwnPrompts | None,
    split: str,
    limit: int | None,
    asking: Mapping[str, Any],
    sampling: Mapping[str, Any],
) -> tuple[list[Prompt], list[Info], Sampling]:
    """Prompts as ``policy`` is asked them, what is known of each, and how replies are drawn.

    ``name`` is the policy's: a base model gets examples. ``own`` are the prompts of a file, see
    :func:`own_of`, in place of the world's. The others are as in :func:`sample_from_world`.
    """
    asked = asked_world(own or world, policy, name, asking.get("shots"))
    if own is not None:
        texts, info = own.every[:limit], own.info[:limit]
    else:
        texts, info = asked.prompts(split, limit=limit, seed=sampling.get("seed") or 0)
    sizes = sizes_for(world, asking.get("tier"))
    return texts, info, settings_for(sizes, asked, policy, texts, sampling)


def sizes_for(world: World, named: str | None) -> RunSettings:
    """The tier called ``named``.

    Without a name the CPU's for a world with a policy of its own, else this machine's.
    """
    return tier("cpu" if world.policy and named is None else named)


def settings_for(
    sizes: RunSettings,
    asked: World,
    policy: Asker,
    texts: Sequence[Prompt],
    sampling: Mapping[str, Any],
) -> Sampling:
    """How replies to ``texts`` are drawn.

    ``sampling`` has fields of :class:`~course_lib.models.Sampling`; what is missing or None there
    follows from the tier's ``sizes``, from the world as it is ``asked``, and from the policy.
    """
    given = {key: value for key, value in sampling.items() if value is not None}
    max_tokens = min(asked.max_tokens, sizes.max_tokens)
    given["stop"] = stops_for(policy, asked, given.get("stop"), texts)
    return changed(sizes.sampling, {"max_tokens": max_tokens, "seed": 0, **given})


def own_of(
    world: World, policy: str | None, path: str | Path | None, max_tokens: int
) -> OwnPrompts | None:
    """The prompts of a file, if there is one. The world's system message is for its own policy."""
    if path is None:
        return None
    return OwnPrompts(path, world.system if policy is None else None, world.policy, max_tokens)
