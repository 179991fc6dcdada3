"""`run`: the whole loop on a world, or on somebody else's rollouts, as plain data."""

from pathlib import Path
from typing import Any

from ..base import Account, require, versions
from ..worlds import load_world
from .comparison import compare, plan_of, plan_text
from .own_prompts import OwnPrompts
from .results import Out, keep_result, open_folder
from .rollouts_run import run_on_rollouts
from .settings import RunSettings
from .sources import world_of_file
from .tiers import tier

TINY = {"lr": 2e-3, "epochs": 3}  # for the tiny policy that stands in where none is given


def run(
    world: Any = "helpdesk",
    *,
    tier_name: str | None = None,
    policy: str | Path | None = None,
    reward: str | Path | None = None,
    out: str | Path | Out | None = None,
    rollouts: str | Path | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """Run the loop and return its result as plain data (the ``--json`` of ``course run``).

    ``world`` is a name or a world object. The settings are those of the tier ``tier_name``, by
    default the CPU's for a world with a policy of its own, else this machine's. ``changes`` are
    fields of these settings, of their loop, its sampling or its training: ``n``, ``prompts``,
    ``rounds``, ``seed``, ``lr``, ``data`` and so on; None leaves one as it is. With ``rollouts`` (a
    file that :func:`~course_lib.pools.read_rollouts` reads; ``keys`` says what is what in it) its
    replies take the place of sampling.

    ``out``: a folder for stages, so that a killed run resumes, and for ``result.json``; a finished
    run gives the same result again. A folder with a run of other settings is refused; an
    :class:`Out` may allow it.
    """
    out = out if isinstance(out, Out) else Out(out)
    require(
        isinstance(world, str) or changes.get("answers") is None,
        "answers says how a world given by name reads replies; make yours with a mode instead.",
    )
    with Account() as account:
        if isinstance(world, str):
            load = load_world if rollouts is None else world_of_file
            world = load(world, changes.get("data"), changes.get("answers"))
        settings = settings_of(
            world, tier_name, changes, tiny=rollouts is not None and policy is None
        )
        if settings.prompts_file is not None:
            world, settings = on_own_prompts(world, policy, settings)
        asked = {"world": world.name, "policy": policy, "reward": reward, "rollouts": rollouts}
        stages = open_folder(out, {**asked, **settings.asked()}, settings.scratch)
        if rollouts is not None:
            result = run_on_rollouts(world, rollouts, reward, policy, settings, stages)
        else:
            plan = plan_of(world, policy, reward, settings)
            out.say(plan_text(plan))
            result = compare(plan, stages)
    result = {
        **result,
        "seconds": round(account.seconds, 2),
        "account": account.to_dict(),
        "seed": settings.sampling.seed,
        "versions": versions(),
    }
    return result if stages is None else keep_result(stages, result)


def settings_of(
    world: Any, tier_name: str | None, changes: dict[str, Any], tiny: bool = False
) -> RunSettings:
    """The settings of a run, checked. A world with a policy of its own runs on the CPU's tier.

    Replies have at most as many tokens as world and tier allow, unless ``changes`` say how many.
    """
    settings = tier("cpu" if world.policy and tier_name is None else tier_name)
    settings = settings.changed(max_tokens=min(world.max_tokens, settings.max_tokens))
    if tiny:
        settings = settings.changed(**TINY)
    epochs, lr = changes.get("epochs"), changes.get("lr")
    settings = settings.changed(**changes, lr_by_model=lr is None and not tiny)
    settings.check()
    require(
        (epochs is None or epochs > 0) and (lr is None or lr > 0),
        f"epochs and lr must be above 0; got {epochs} and {lr}.",
    )
    return settings


def on_own_prompts(
    world: Any, policy: str | Path | None, settings: RunSettings
) -> tuple[OwnPrompts, RunSettings]:
    """The prompts of the settings' file as a world, and settings with no more prompts than it has.

    The system message is that of ``world`` where the policy is its own.
    """
    system = world.system if policy is None else None
    assert settings.prompts_file is not None
    own = OwnPrompts(settings.prompts_file, system, world.policy, settings.max_tokens)
    parts = own.split(settings.sampling.seed)
    held = min(settings.held_out, len(parts["heldout"]))
    settings = settings.changed(prompts=min(settings.prompts, len(parts["train"])), held_out=held)
    require(
        settings.prompts >= 1,
        f"{len(own.every)} prompts are too few to hold some out; give at least 3.",
    )
    return own, settings
