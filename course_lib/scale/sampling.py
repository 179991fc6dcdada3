"""What ``course sample|score --engine`` do: a world's prompts, or a file's, as a large job."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..base import require
from ..experiments import (
    OwnPrompts,
    RunSettings,
    asked_prompts,
    dtype_here,
    load_asked,
    reward_for,
    settings_for,
    sizes_for,
)
from ..methods import fingerprint
from ..models import Policy, Reward, Sampling
from ..pools import Pool, check_keys, pools_in, read_pool
from ..worlds import World
from .jobs import Done, Place, sample_in_parts, score_in_parts
from .parts import digest, model_facts, placed
from .prompts import Listed, Source, first_prompts, limited, source_of


@dataclass(frozen=True)
class PolicyOf:
    """Loads a policy by its name, as :func:`~course_lib.experiments.sample_from_world` does.

    Without a ``device`` it is the worker's own, and ``sizes`` give the precision for it: the
    machine that starts a job may have no GPU. ``place`` is where it lies, see :func:`placed`.
    """

    name: str
    place: str
    template: str | None
    system: str | None
    device: str | None
    sizes: RunSettings

    def __call__(self) -> Policy:
        """The policy, loaded."""
        dtype = dtype_here(self.sizes, self.device)
        how = {"device": self.device, "system": self.system, "dtype": dtype}
        return replace(load_asked(self.place, self.template, **how), source=self.name)


@dataclass(frozen=True)
class RewardOf:
    """Loads the reward behind a ``--reward`` argument; ``like`` shows what the prompts are."""

    spec: str
    world: World
    device: str | None
    like: Pool

    def __call__(self) -> Reward:
        """The reward, loaded."""
        return reward_for(self.like, self.spec, self.world, self.device)


def sample_from_world_in_parts(
    world: World,
    policy: str | None,
    place: Place,
    *,
    split: str = "train",
    prompts: int | None = None,
    device: str | None = None,
    asking: Mapping[str, Any],
    **sampling: Any,
) -> Done:
    """:func:`~course_lib.experiments.sample_from_world` as a large job, written to ``place``.

    Candidates are the same. Prompts of a ``prompts_file`` of JSON lines or Parquet are read by the
    workers, a part at a time.
    """
    place.check()
    sizes = sizes_for(world, asking.get("tier"))
    name = str(policy or world.policy or sizes.policy)
    file = asking.get("prompts_file")
    system = world.system if file is None or policy is None else None
    bare = load_asked(name, asking.get("template"), device="meta", system=system)
    if file is None:
        texts, info, settings = asked_prompts(
            world, bare, name, own=None, split=split, limit=prompts, asking=asking,
            sampling=sampling,
        )  # fmt: skip
        source: Source = Listed(texts, info)
        known = fingerprint([texts, info])
    else:
        require(not asking.get("shots"), "shots are a world's examples; leave --shots out.")
        source, settings = _of_file(Path(file), world, bare, prompts, sizes, sampling)
        known = digest(file)
    kind = device or sizes.device
    load = PolicyOf(name, placed(name), bare.template, system, kind, sizes)
    asked = {
        "policy": model_facts(name),
        "template": bare.template,
        "system": system,
        "prompts": known,
        "device": kind,
        "precision": sizes.dtype,
    }
    return sample_in_parts(source, load, settings, place, asked=asked)


def _of_file(
    file: Path,
    world: World,
    policy: Policy,
    limit: int | None,
    sizes: RunSettings,
    sampling: Mapping[str, Any],
) -> tuple[Source, Sampling]:
    """The prompts of a file, and how replies to them are drawn."""
    source = source_of(file)
    few = first_prompts(source)
    like = OwnPrompts.of(few, policy.system, world.policy, sizes.max_tokens)
    settings = settings_for(sizes, like, policy, few, sampling)
    return limited(source, limit), settings


def score_file_in_parts(
    pool: Path,
    spec: str,
    world: World,
    place: Place,
    *,
    name: str,
    device: str | None = None,
    skip_bad: bool = False,
    keys: Mapping[str, str] | None = None,
) -> Done:
    """``course score`` as a large job: a folder of parts, or a file, scored into ``place``."""
    check_keys(pool, keys)
    held = next(pools_in(pool)) if pool.is_dir() else read_pool(pool, skip_bad, keys)
    like = held.prompts_at(slice(0, 64)).light()
    reward = RewardOf(placed(spec), world, device, like)
    asked = {
        "reward": model_facts(spec),
        "world": world.name,
        "answers": getattr(world, "mode", None),
        "keys": fingerprint(keys),
        "skip_bad": skip_bad,
    }
    return score_in_parts(pool, reward, place, name=name, asked=asked, held=held)
