"""`run`: the whole loop on a world, or on somebody else's rollouts, as plain data."""

from pathlib import Path
from typing import Any

from ..base import Account, require, versions, write_json
from ..methods import Stages
from ..worlds import load_world
from .comparison import compare, plan_of
from .rollouts_run import run_on_rollouts
from .settings import RunSettings, tier
from .sources import world_of_file

TINY = {"lr": 2e-3, "epochs": 3}  # for the tiny policy that stands in where none is given


def run(
    world: Any = "helpdesk",
    *,
    tier_name: str | None = None,
    policy: str | Path | None = None,
    reward: str | Path | None = None,
    out: str | Path | None = None,
    rollouts: str | Path | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """Run the loop and return its result as plain data (the ``--json`` of ``course run``).

    ``world`` is a name or a world object. The settings are those of the tier ``tier_name``, by
    default the CPU's for a world with a policy of its own, else this machine's. ``changes`` are
    fields of these settings, of their loop, its sampling or its training: ``n``, ``prompts``,
    ``rounds``, ``seed``, ``lr``, ``data`` and so on; None leaves one as it is. ``out``: a folder
    for stages, so that a killed run resumes, and for ``result.json``. With ``rollouts`` (a file
    that :func:`~course_lib.pools.read_rollouts` reads; ``keys`` says what is what in it) its
    replies take the place of sampling.
    """
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
        stages = Stages(out) if out is not None else None
        if rollouts is not None:
            result = run_on_rollouts(world, rollouts, reward, policy, settings, stages)
        else:
            result = compare(plan_of(world, policy, reward, settings), stages)
    result = {
        **result,
        "seconds": round(account.seconds, 2),
        "account": account.to_dict(),
        "seed": settings.sampling.seed,
        "versions": versions(),
    }
    if stages is not None:
        write_json(stages.folder / "result.json", result)
    return result


def settings_of(
    world: Any, tier_name: str | None, changes: dict[str, Any], tiny: bool = False
) -> RunSettings:
    """The settings of a run, checked. A world with a policy of its own runs on the CPU's tier."""
    settings = tier("cpu" if world.policy and tier_name is None else tier_name)
    if tiny:
        settings = settings.changed(**TINY)
    epochs, lr = changes.get("epochs"), changes.get("lr")
    settings = settings.changed(**changes)
    settings.check()
    require(
        (epochs is None or epochs > 0) and (lr is None or lr > 0),
        f"epochs and lr must be above 0; got {epochs} and {lr}.",
    )
    return settings
