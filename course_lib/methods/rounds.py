"""Rounds of rejection-sampling fine-tuning: sample, score, select, fine-tune, again."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from ..base import Hooks, Prompt, changed, hold, key_of, require, whole
from ..models import Policy, Sampling, sample, score
from ..models.asking import checked_prompts
from ..pools import Pool, Selection
from .online import check_plain, checked_info
from .optimiser import TrainingLog
from .settings import Rounds
from .sft import trained
from .stages import Stages

TOKENS_A_PART = 4096 * 96  # about what a crash may cost: tokens to write at most


@dataclass
class Round:
    """One round.

    Attributes
    ----------
    policy : the policy it ended with.
    pool : what was sampled, scored.
    selection : what was kept of it.
    trained_on : what the policy was trained on: of this round, or of all so far.
    reward : the reward model that was used.
    log : of the training.
    """

    policy: Policy
    pool: Pool
    selection: Selection
    trained_on: Selection
    reward: object
    log: TrainingLog = field(default_factory=TrainingLog)


def rejection_sampling_rounds(
    policy: Policy,
    prompts: Sequence[Prompt],
    reward: Any,
    settings: Rounds = Rounds(),
    info: Sequence[dict] | None = None,
    out: str | Path | Stages | None = None,
    **changes: Any,
) -> list[Round]:
    """Rounds of sample → score → select → fine-tune. Returns a list of :class:`Round`.

    ``changes`` are fields of ``settings``, of its sampling or of its training: ``rounds=3,
    start="last", n=16, lr=1e-3``. A ``seed`` is that of both; ``sampling`` may be a dictionary of
    further changes. With ``out`` (a folder), each stage is kept under a key of everything that
    affects it, and a killed run goes on; while it samples, every ``part`` prompts are kept (see
    :func:`sampled`).
    """
    settings = rounds_from(settings, changes).normal()
    prompts = checked_prompts(prompts)
    facts = checked_info(info, len(prompts))
    stages = out if out is None or isinstance(out, Stages) else Stages(out)
    hold(policy=policy.model, student=policy.model, reward=getattr(reward, "model", None))
    current, history = policy, []
    for r in range(settings.rounds):
        sampling = replace(settings.sampling, seed=settings.sampling.seed + 1000 * r)
        request = Request(prompts, facts, sampling, settings.part)
        pool = sampled(current, request, stages, f"round{r + 1}-samples", settings.hooks)
        if settings.refresh is not None:
            reward = settings.refresh(r, pool, reward)
        pool = score(pool, reward)
        chosen = settings.select(pool)
        trained_on = chosen
        if settings.keep == "all" and history:
            trained_on = Selection.concat([*(h.selection for h in history), chosen])
        before = policy if settings.start == "base" else current
        name = f"round{r + 1}-policy"
        current = trained(before, trained_on, settings.training, stages, name, settings.hooks)
        history.append(Round(current, pool, chosen, trained_on, reward, current.training_log))
    return history


def rounds_from(settings: Rounds, changes: dict[str, Any]) -> Rounds:
    """``settings`` with ``changes`` put where they belong: rounds, sampling, or training.

    A ``seed`` goes to both steps. Raises :class:`~course_lib.base.CourseError` for a name that is
    a field of none of them.
    """
    changes = dict(changes)
    inner = changes.pop("sampling", None)
    require(
        inner is None or isinstance(inner, Sampling | dict),
        f"sampling must be a Sampling, such as Sampling(n=16), or a dict of its fields; got "
        f"{inner!r}.",
    )
    if isinstance(inner, Sampling):
        settings = replace(settings, sampling=inner)
    own = {f.name for f in fields(Rounds)}
    of_sampling = {f.name for f in fields(Sampling)}
    of_training = {f.name for f in fields(settings.training)}
    sampling = {k: v for k, v in changes.items() if k in of_sampling - own}
    training = {k: v for k, v in changes.items() if k in of_training - own}
    rest = {k: v for k, v in changes.items() if k not in {*sampling, *training}}
    if isinstance(inner, dict):
        sampling |= inner
    settings = changed(settings, rest)
    return replace(
        settings,
        sampling=changed(settings.sampling, sampling),
        training=changed(settings.training, training),
    )


@dataclass(frozen=True)
class Request:
    """What to sample: prompts with their facts, how, and how many prompts a part on disk has.

    ``part`` None: as many as have about 400,000 tokens to write at most.
    """

    prompts: Sequence[Prompt]
    info: Sequence[dict] | None
    sampling: Sampling
    part: int | None = None

    def prompts_a_part(self) -> int:
        """Prompts whose candidates are kept on disk together."""
        tokens = self.sampling.n * self.sampling.max_tokens
        if self.part is not None:
            return whole(self.part, "part (None is the library's own)", 1)
        return max(1, TOKENS_A_PART // int(tokens))


def sampled(
    policy: Policy,
    request: Request,
    stages: Stages | None = None,
    name: str = "samples",
    hooks: Hooks = Hooks(),
) -> Pool:
    """:func:`~course_lib.models.sample`, kept on disk in parts when ``stages`` is given.

    A crash costs at most one part. ``hooks.before_part`` and ``hooks.on_part`` are called around
    each.
    """
    prompts, sampling = checked_prompts(request.prompts), request.sampling.normal()
    info = checked_info(request.info, len(prompts))

    def make(start: int, stop: int) -> Pool:
        hooks.before_part()
        part = sample(
            policy, prompts[start:stop], sampling, info=info[start:stop], first_prompt=start
        )
        hooks.on_part()
        return part

    if stages is None:
        return make(0, len(prompts))
    check_plain(info)
    inputs = {"policy": policy, "prompts": prompts, "info": info, "settings": key_of(sampling)}
    ahead = None
    if stages.ahead is not None:
        whole_job = replace(request, prompts=prompts, info=info, sampling=sampling)
        ahead = partial(stages.ahead, policy, whole_job)
    return stages.pool(name, inputs, make, len(prompts), request.prompts_a_part(), ahead)
