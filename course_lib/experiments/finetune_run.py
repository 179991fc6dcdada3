"""Fine-tuning a policy on a file of selected replies."""

from pathlib import Path
from typing import Any

import torch

from ..base import changed, free_for_model
from ..methods import FineTuning, finetune, is_main
from ..pools import Selection, read_selection
from ..worlds import World, load_world
from .defaults import chosen_lr
from .prompting import load_asked
from .tiers import dtype_here, tier

USUAL = FineTuning(epochs=3.0)
BESIDE = ("weights", "also", "hooks")  # what finetune takes beside its settings


def finetune_from_file(
    replies: Path | str | Selection,
    out: Path | str,
    world: World | str = "helpdesk",
    policy: str | None = None,
    *,
    device: str | None = None,
    template: str | None = None,
    tier_name: str | None = None,
    **training: Any,
) -> dict:
    """Fine-tune on the replies of a file; write the new policy to ``out``.

    ``replies`` is a file, or what :func:`~course_lib.pools.read_selection` made of one: preferred
    replies only, and those whose label is true; where there are other rewards, all replies.
    ``world`` is a name, or an object for a world that needs data of its own. ``policy`` is a folder
    or hub name; without one it is the world's own, or the help desk's. ``template`` None is what
    fits the policy, and so is the learning rate ``lr``. ``training``: what
    :func:`course_lib.finetune` takes beside them; ``dtype`` "float16" or "bfloat16" is mixed
    precision on a GPU. What is missing or None there is that of the tier called ``tier_name``, or
    without one :data:`USUAL`. A killed run goes on from ``out``.checkpoint.pt, which is removed
    once the policy is saved. Of several processes the first writes.

    Returns plain data: ``replies``, ``tokens``, ``seconds``, the first and last ``losses`` in nats
    per token, ``lr`` and ``lr_reason``, how many replies were ``left_out``, by reason, and
    ``unused_rewards``, those of the file that did not count. Raises
    :class:`~course_lib.base.CourseError` when ``out`` holds something else, or the file no replies.
    """
    free_for_model(out)
    if isinstance(world, str):
        world = load_world(world)
    sizes = tier(tier_name or "cpu")
    device = device or sizes.device
    source = str(policy or world.policy or sizes.policy)
    how = {"device": device, "system": world.system, "dtype": dtype_here(sizes, device)}
    loaded = load_asked(source, template, **how)
    beside = {name: training.pop(name) for name in BESIDE if name in training}
    given = _given(training)
    settings = changed(sizes.training if tier_name else USUAL, given)
    lr, reason = chosen_lr(given.get("lr"), loaded.model, settings.lora)
    settings = changed(settings, {"lr": lr})
    chosen = replies if isinstance(replies, Selection) else read_selection(replies)
    checkpoint = Path(f"{out}.checkpoint.pt")
    student = finetune(loaded, chosen, settings, checkpoint=checkpoint, **beside)
    if is_main():
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


def _given(training: dict[str, Any]) -> dict[str, Any]:
    """What is not None of these settings, a dtype named by a text as torch's: None is float32."""
    given = {name: value for name, value in training.items() if value is not None}
    name = given.get("dtype")
    if isinstance(name, str):
        given["dtype"] = None if name == "float32" else getattr(torch, name)
    return given
