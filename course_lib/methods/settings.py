"""Settings of everything that changes weights: frozen, and changed by name.

Those of a stage are whole in its key; a loop, which holds functions, is keyed by its stages.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self, TypeVar

import torch

from ..base import Hooks, no_key, number, require, whole
from ..models import Sampling
from ..pools import Pool, Selection, select_best

Chosen = TypeVar("Chosen")
MOST_SEED = 2**64 - 1
SCHEDULES = ("constant", "cosine")
MOST_ONLINE_SEED = 2**40 - 1  # each step of a run has its own, and a run up to 2**24 steps


def whole_numbers(settings: Any, **lowest: int) -> None:
    """Raise :class:`~course_lib.base.CourseError` unless these fields are whole and large enough.

    ``lowest``: a field's name, and the least it may be.
    """
    for name, low in lowest.items():
        whole(getattr(settings, name), name, low)


def above_zero(settings: Any, *names: str) -> None:
    """Raise :class:`~course_lib.base.CourseError` unless these fields are finite and above 0."""
    for name in names:
        value = number(getattr(settings, name), name, 0, what=" and above 0")
        require(value > 0, f"{name} must be above 0; got {value}.")


def in_python(settings: Chosen) -> Chosen:
    """Checked settings as plain ints and floats, whatever stood for them.

    A whole float where an int belongs becomes one; an int where a float belongs stays.
    """
    plain = {}
    for f in fields(settings):  # type: ignore[arg-type]
        value = getattr(settings, f.name)
        if f.type in (int, int | None) and value is not None:
            plain[f.name] = int(value)
        elif f.type is float and not isinstance(value, int | float):
            plain[f.name] = float(value)
    return replace(settings, **plain)  # type: ignore[type-var]


@dataclass(frozen=True)
class Training:
    """How a model is trained on a fixed set of examples.

    Attributes
    ----------
    epochs : passes over the examples; a fraction is allowed.
    lr : the highest learning rate; a warm-up leads to it and a cosine down from it.
    batch_size : examples a step. The last, smaller batch of an epoch is kept.
    accumulate : parts a batch is cut into. The step is the same, with less memory.
    seed : decides the order of the examples.
    weight_decay, betas : of AdamW.
    clip : the largest norm of a step's gradient; a larger one is scaled down to it. 0 is no limit.
    dtype : float16 or bfloat16 turn on mixed precision on a GPU; None is float32.
    lora : rank of an adapter (LoRA, by peft) that is trained in place of the weights; 0 trains
        them all. A policy that has an adapter keeps it.
    recompute : hold only what stands between layers, and compute the rest again in the backward
        pass: the same step with less memory, about a third slower.
    checkpoint_every : steps between two checkpoints, where there is a checkpoint at all.
    """

    epochs: float = 1.0
    lr: float = 5e-4
    batch_size: int = 64
    accumulate: int = 1
    seed: int = 0
    weight_decay: float = 0.0
    clip: float = 1.0
    betas: tuple[float, float] = (0.9, 0.98)
    dtype: torch.dtype | None = None
    lora: int = 0
    recompute: bool = no_key(False)
    checkpoint_every: int = no_key(200)

    def check(self) -> None:
        """Raise :class:`~course_lib.base.CourseError` for values that cannot be trained with."""
        above_zero(self, "epochs", "lr")
        whole_numbers(self, batch_size=1, accumulate=1, checkpoint_every=1, lora=0)
        require(
            isinstance(self.recompute, bool),
            f"recompute must be True or False; got {self.recompute!r}.",
        )
        whole(self.seed, "seed", 0, MOST_SEED)
        number(self.weight_decay, "weight_decay", 0)
        number(self.clip, "clip (0 switches it off)", 0)
        pair = isinstance(self.betas, list | tuple) and len(self.betas) == 2
        require(pair, f"betas must be two numbers, such as (0.9, 0.98); got {self.betas!r}.")
        for beta in self.betas:
            require(number(beta, "each of betas", 0, 1) < 1, f"betas must be below 1; got {beta}.")

    def normal(self) -> Self:
        """The same settings, checked, with whole numbers as int: 4.0 counts as 4."""
        self.check()
        return in_python(self)


@dataclass(frozen=True)
class FineTuning(Training):
    """How a policy is fine-tuned on selected replies."""

    epochs: float = 2.0
    lr: float = 1e-3
    batch_size: int = 32


@dataclass(frozen=True)
class RewardTraining(Training):
    """How a reward model is trained on comparisons.

    Attributes
    ----------
    layers : how many layers of a policy's backbone are used; None is all of them.
    max_length : tokens of a conversation that are read, counted from its end.
    """

    layers: int | None = None
    max_length: int = 2048

    def check(self) -> None:
        """Raise :class:`~course_lib.base.CourseError` for values that cannot be trained with."""
        super().check()
        whole_numbers(self, max_length=1)
        require(self.lora == 0, "a reward model trains all its weights; leave lora at 0.")
        if self.layers is not None:
            whole(self.layers, "layers (None is all)", 1)


@dataclass(frozen=True)
class DPO(Training):
    """How a policy is trained on pairs. ``beta`` scales the implicit reward β log π_θ/π_ref."""

    lr: float = 3e-4
    batch_size: int = 32
    beta: float = 0.1


@dataclass(frozen=True)
class Online:
    """What every online method has: sample from the policy as it is now, score, update, again.

    Attributes
    ----------
    steps : steps of the whole run; each samples ``n`` replies to ``prompts_per_step`` prompts.
    lr : the learning rate.
    schedule : "constant" after a warm-up, or "cosine", which falls to a tenth as for the other
        methods. It needs ``steps`` to be those that are made: a token budget should end none.
    updates : passes over the replies of one step.
    minibatch : replies an update; None is the method's own default.
    accumulate : parts an update is cut into.
    clip : how far the importance ratio may move before it stops having a gradient.
    seed : decides prompts, samples and orders, together with the step's number.
    token_budget : the run ends early, before the first step that finds so many response tokens
        sampled.
    recompute : as in :class:`Training`.
    """

    steps: int = 64
    prompts_per_step: int = 16
    n: int = 8
    lr: float = 1e-4
    schedule: str = "constant"
    updates: int = 1
    minibatch: int | None = None
    accumulate: int = 1
    clip: float = 0.2
    temperature: float = 1.0
    max_tokens: int = 96
    seed: int = 0
    dtype: torch.dtype | None = None
    token_budget: int | None = None
    recompute: bool = no_key(False)
    checkpoint_every: int = no_key(20)

    def check(self) -> None:
        """Raise :class:`~course_lib.base.CourseError` for values that no run can have."""
        whole_numbers(self, steps=1, prompts_per_step=1, n=1, updates=1, accumulate=1)
        whole_numbers(self, max_tokens=1, checkpoint_every=1)
        whole(self.seed, "seed", 0, MOST_ONLINE_SEED)
        if self.minibatch is not None:
            whole(self.minibatch, "minibatch (None is the method's own)", 1)
        if self.token_budget is not None:
            whole(self.token_budget, "token_budget (None is no limit)", 0)
        above_zero(self, "lr")
        require(
            self.schedule in SCHEDULES,
            f"schedule must be one of {', '.join(SCHEDULES)}; got {self.schedule!r}.",
        )
        number(self.clip, "clip", 0)
        above_zero(self, "temperature")

    def normal(self) -> Self:
        """The same settings, checked, with whole numbers as int: 4.0 counts as 4."""
        self.check()
        return in_python(self)

    def updates_in_all(self, size: int) -> int:
        """Optimiser steps of the whole run, with ``size`` replies an update."""
        per_pass = -(-self.prompts_per_step * self.n // size)
        return self.steps * self.updates * per_pass


@dataclass(frozen=True)
class GRPO(Online):
    """GRPO and its kin, see :mod:`course_lib.methods.grpo`.

    Attributes
    ----------
    method : a row of :data:`~course_lib.methods.METHODS`, which fills the switches left at None.
    advantage, ratio, kl, beta : the switches. ``ratio`` may be None on purpose, so that the
        method's own is written "method".
    drop : which groups to leave out: None, "equal" or "wrong".
    per : "token" or "sequence", what the loss is averaged over.
    """

    method: str = "grpo"
    advantage: str | None = None
    ratio: str | None = "method"
    kl: str | None = None
    beta: float | None = None
    drop: str | None = None
    per: str = "token"


@dataclass(frozen=True)
class PPO(Online):
    """PPO, see :mod:`course_lib.methods.ppo`.

    Attributes
    ----------
    critic_lr : learning rate of the critic.
    beta : weight of the KL penalty in the reward.
    value_clip : how far a value may move before it stops having a gradient.
    gamma, lam : discount, and the λ of generalised advantage estimation.
    critic_warmup : steps at the start in which only the critic learns.
    """

    prompts_per_step: int = 128
    n: int = 1
    updates: int = 2
    critic_lr: float = 1e-3
    beta: float = 0.05
    value_clip: float = 0.2
    gamma: float = 1.0
    lam: float = 0.95
    critic_warmup: int = 0

    def check(self) -> None:
        """Raise :class:`~course_lib.base.CourseError` for values that no run can have."""
        super().check()
        number(self.lam, "lam", 0, 1)
        number(self.gamma, "gamma", 0, 1)
        number(self.beta, "beta", 0)
        number(self.value_clip, "value_clip", 0)
        above_zero(self, "critic_lr")
        whole_numbers(self, critic_warmup=0)


Select = Callable[[Pool], Selection]


@dataclass(frozen=True)
class Rounds:
    """Rounds of rejection-sampling fine-tuning.

    Attributes
    ----------
    rounds : how many.
    start : each round trains a copy of the "base" policy or of the "last" round's.
    keep : train on what was selected in "all" rounds so far, or in the "last" one only (Llama 2's
        V3 did, and lost skills; its fix was to pool all rounds).
    select : a function of the scored pool.
    refresh : None keeps the reward model frozen; a function ``(round, pool, reward) -> reward`` may
        train a new one on the current policy's replies before they are scored.
    sampling, training : the settings of each round's two long steps. Round r samples with their
        seed plus 1000·r.
    part : prompts whose candidates are kept on disk together.
    hooks : what is called while the work goes on.
    """

    rounds: int = 1
    start: str = "base"
    keep: str = "all"
    select: Select = select_best
    refresh: Callable | None = None
    sampling: Sampling = field(default_factory=Sampling)
    training: Training = field(default_factory=FineTuning)
    part: int | None = None
    hooks: Hooks = field(default_factory=Hooks)

    def check(self) -> None:
        """Raise :class:`~course_lib.base.CourseError` for values that no run can have."""
        whole_numbers(self, rounds=1)
        if self.part is not None:
            whole(self.part, "part (None is the library's own)", 1)
        require(
            self.start in ("base", "last"), f"start must be 'base' or 'last'; got {self.start!r}."
        )
        require(self.keep in ("all", "last"), f"keep must be 'all' or 'last'; got {self.keep!r}.")

    def normal(self) -> Self:
        """The same settings, checked, those of both steps too, with whole numbers as int."""
        self.check()
        steps = {"sampling": self.sampling.normal(), "training": self.training.normal()}
        return replace(in_python(self), **steps)
