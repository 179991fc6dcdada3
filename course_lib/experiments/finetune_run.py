"""Fine-tuning a policy on a file of selected replies."""

from pathlib import Path
from typing import Any

import torch

from ..base import free_for_model
from ..methods import finetune
from ..pools import Selection, read_selection
from ..worlds import World, load_world
from .defaults import chosen_lr
from .prompting import load_asked


def finetune_from_file(
    replies: Path | str | Selection,
    out: Path | str,
    world: World | str = "helpdesk",
    policy: str | None = None,
    *,
    device: str | None = None,
    template: str | None = None,
    dtype: str = "float32",
    **training: Any,
) -> dict:
    """Fine-tune on the replies of a file; write the new policy to ``out``.

    ``replies`` is a file, or what :func:`~course_lib.pools.read_selection` made of one: preferred
    replies only, and those whose label is true; where there are other rewards, all replies.
    ``world`` is a name, or an object for a world that needs data of its own. ``policy`` is a folder
    or hub name; without one it is the world's own, or the help desk's. ``template`` None is what
    fits the policy, and so is the learning rate ``lr``. ``dtype`` float16 or bfloat16: mixed
    precision on a GPU. ``training``: what :func:`course_lib.finetune` takes beside
    them. A killed run goes on from ``out``.checkpoint.pt, which is removed once the policy is
    saved.

    Returns plain data: ``replies``, ``tokens``, ``seconds``, the first and last ``losses`` in nats
    per token, ``lr`` and ``lr_reason``, how many replies were ``left_out``, by reason, and
    ``unused_rewards``, those of the file that did not count. Raises
    :class:`~course_lib.base.CourseError` when ``out`` holds something else, or the file no replies.
    """
    free_for_model(out)
    if isinstance(world, str):
        world = load_world(world)
    source = policy or world.policy or "helpdesk/policy"
    loaded = load_asked(source, template, device=device, system=world.system)
    lr, reason = chosen_lr(training.pop("lr", None), loaded.model)
    chosen = replies if isinstance(replies, Selection) else read_selection(replies)
    checkpoint = Path(f"{out}.checkpoint.pt")
    student = finetune(
        loaded,
        chosen,
        lr=lr,
        dtype=None if dtype == "float32" else getattr(torch, dtype),
        checkpoint=checkpoint,
        **training,
    )
    student.save(out)
    checkpoint.unlink(missing_ok=True)
    log = student.training_log
    return {
        "replies": len(chosen),
        "tokens": log.tokens,
        "seconds": log.seconds,
        "losses": [log.losses[0], log.losses[-1]],
        "lr": lr,
        "lr_reason": reason,
        "left_out": chosen.settings.get("left_out", {}),
        "unused_rewards": chosen.settings.get("unused_rewards", []),
    }
