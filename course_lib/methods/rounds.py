"""Rounds of rejection-sampling fine-tuning: sample, score, select, fine-tune, again."""

from dataclasses import dataclass, field

from ..base import hold, require
from ..models import Policy, sample, score
from ..pools import Selection, select_best
from .optimiser import TrainingLog
from .sft import trained
from .stages import Stages


@dataclass
class Round:
    """One round: the policy it ended with, the scored pool, what was kept of it, what was trained
    on, and the reward model used.
    """

    policy: Policy
    pool: object
    selection: Selection
    trained_on: Selection
    reward: object
    log: TrainingLog = field(default_factory=TrainingLog)


def rejection_sampling_rounds(
    policy,
    prompts,
    reward,
    rounds=1,
    n=16,
    select=select_best,
    start="base",
    keep="all",
    refresh=None,
    info=None,
    temperature=1.0,
    max_tokens=96,
    seed=0,
    out=None,
    sampling=None,
    part=None,
    **training,
):
    """Rounds of sample → score → select → fine-tune. Returns a list of :class:`Round`.

    ``start``: each round trains a copy of the "base" policy or of the "last" round's. ``keep``:
    train on what was selected in "all" rounds so far, or in the "last" one only (Llama 2's V3 did,
    and lost skills; its fix was to pool all rounds). ``refresh``: None keeps the reward model
    frozen; a function ``(round, pool, reward) -> reward`` may train a new one on the current
    policy's replies before they are scored. ``select``: a function of the scored pool. ``sampling``
    and ``training`` are further settings of :func:`~course_lib.models.sample` and :func:`finetune`.
    With ``out`` (a folder), each stage is kept under a key of everything that affects it, and a
    killed run goes on; while it samples, every ``part`` prompts are kept (see :func:`sampled`).
    """
    require(rounds >= 1, f"rounds must be at least 1; got {rounds}.")
    require(start in ("base", "last"), f"start must be 'base' or 'last'; got {start!r}.")
    require(keep in ("all", "last"), f"keep must be 'all' or 'last'; got {keep!r}.")
    stages = None if out is None else (out if isinstance(out, Stages) else Stages(out))
    current, history = policy, []
    hold(policy=policy.model, student=policy.model, reward=getattr(reward, "model", None))
    for r in range(rounds):
        settings = {
            "n": n,
            "temperature": temperature,
            "max_tokens": max_tokens,
            "seed": seed + 1000 * r,
            **(sampling or {}),
        }
        pool = sampled(current, prompts, info, settings, stages, f"round{r + 1}-samples", part)
        if refresh is not None:
            reward = refresh(r, pool, reward)
        pool = score(pool, reward)
        chosen = select(pool)
        trained_on = (
            Selection.concat([h.selection for h in history] + [chosen])
            if keep == "all" and history
            else chosen
        )
        before = policy if start == "base" else current
        current = trained(
            before, trained_on, {"seed": seed, **training}, stages, f"round{r + 1}-policy"
        )
        history.append(Round(current, pool, chosen, trained_on, reward, current.training_log))
    return history


def sampled(policy, prompts, info, settings, stages=None, name="samples", part=None):
    """:func:`~course_lib.models.sample`, kept on disk in parts when ``stages`` is given.

    A crash costs at most one part: ``part`` prompts, by default as many as have about 400,000
    tokens to write at most.
    """
    info = info or [{} for _ in prompts]
    if stages is None:
        return sample(policy, prompts, info=info, **settings)
    part = part or max(1, 4096 * 96 // (settings.get("n", 16) * settings.get("max_tokens", 96)))

    def make(start, stop):
        return sample(
            policy, prompts[start:stop], info=info[start:stop], first_prompt=start, **settings
        )

    keyed = {k: v for k, v in settings.items() if k != "memory_mb"}
    return stages.pool(
        name,
        {"policy": policy, "prompts": prompts, "info": info, "settings": keyed},
        make,
        len(prompts),
        part,
    )
