r"""GRPO and its kin: policy gradients whose baseline is the other replies to the same prompt.

Every method here is one line, −A(x, y) log π_θ(y|x), and differs in three switches:

* ``advantage``, the weight A of a reply among the N of its prompt:
  "group_std" (R − mean)/std, GRPO · "group" R − mean, GRPO without std · "leave_one_out" R − mean
  of the *others*, RLOO · "reward" R itself, REINFORCE · "best" 1 for the best reply and 0 for the
  rest, RAFT and RFT · "positive" 1 where R > 0, RFT with a verifier.
* ``ratio``: None is −A log π; "token" and "sequence" put the importance ratio ρ = π_θ/π_old,
  clipped, in its place, so that several updates can be made with the same samples. RAFT with
  "token" is RAFT++.
* ``kl``: where the penalty β·KL(π_θ ‖ π_ref) goes, into the "loss" (GRPO, the k3 estimator) or into
  the "reward" (RLOO).

RFT is the case A ∈ {0, 1}: its supervised loss −Σ log π(kept reply) has the gradient of REINFORCE
with a reward that is 1 for kept replies and 0 for the others. What remains is how often samples are
drawn anew, and how often each is used: RFT makes several passes over one large sample without
correcting for the policy having moved.

Sources: GRPO 2402.03300, RLOO 2402.14740, RAFT 2304.06767, RAFT++ and the dropping of groups
2504.11343.

What this leaves out: GRPO's reward models of steps and its refreshed reference; separate upper and
lower clips, length limits with soft punishment and resampling until a group is mixed (DAPO);
sampling on other machines than training. Where it differs: tokens are averaged over the batch, as
DAPO and TRL do, where the GRPO paper averages within each reply first (``per="sequence"``); RLOO
has a ratio and a clip, as in TRL, which change nothing with one update; "best" keeps one reply, the
first, when several tie for the best.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ..base import Prompt, changed, number, require
from ..models import Policy, resting
from .online import Batch, OnlineLog, Task, clipped, minibatches, now, student_of, train_online
from .optimiser import BY_NAME, Stepper
from .settings import GRPO, Training

COMPARE = ("group_std", "group", "leave_one_out", "best")  # advantages made of differences
NEARLY_ALL = 0.9  # of the groups without a signal; from there on it is warned of
ADVANTAGES = ("group_std", "group", "leave_one_out", "reward", "best", "positive")
METHODS = {
    "grpo": {"advantage": "group_std", "ratio": "token", "kl": "loss", "beta": 0.05},
    "rloo": {"advantage": "leave_one_out", "ratio": "sequence", "kl": "reward", "beta": 0.05},
    "reinforce": {"advantage": "reward", "ratio": None, "kl": "reward", "beta": 0.0},
    "raft": {"advantage": "best", "ratio": None, "kl": "loss", "beta": 0.0},
    "raft++": {"advantage": "best", "ratio": "token", "kl": "loss", "beta": 0.0},
}


def check_advantage(kind: str | None, n: int) -> None:
    """Raise :class:`~course_lib.base.CourseError` for one that does not exist or needs a group."""
    require(kind in ADVANTAGES, f"advantage must be one of {', '.join(ADVANTAGES)}; got {kind!r}.")
    require(
        n >= 2 or kind not in COMPARE,
        f"advantage {kind!r} compares replies to the same prompt, so n must be at least 2; got "
        f"{n}.",
    )


def check_drop(drop: str | None) -> None:
    """Raise :class:`~course_lib.base.CourseError` for a choice that does not exist."""
    require(
        drop in (None, "equal", "wrong"), f"drop must be None, 'equal' or 'wrong'; got {drop!r}."
    )


def advantages(rewards: torch.Tensor, kind: str = "group_std") -> torch.Tensor:
    """The weight of each reply: rewards (P, N) → (P, N) float32.

    "group_std" divides by the sample standard deviation (N − 1) plus 1e-4, as TRL does. "best"
    marks one reply a prompt, the first of ties. Raises for N = 1 where a group is needed.
    """
    rewards = torch.as_tensor(rewards, dtype=torch.float32)
    N = rewards.shape[1]
    check_advantage(kind, N)
    if kind == "reward":
        return rewards.clone()
    if kind == "positive":
        return (rewards > 0).float()
    if kind == "best":
        best = rewards.argmax(1, keepdim=True)  # (P, 1)
        return torch.zeros_like(rewards).scatter_(1, best, 1.0)
    centred = rewards - rewards.mean(1, keepdim=True)
    if kind == "leave_one_out":
        return centred * N / (N - 1)  # R_i − mean of the others
    if kind == "group":
        return centred
    return centred / (rewards.std(1, keepdim=True) + 1e-4)


def kept_groups(rewards: torch.Tensor, drop: str | None = None) -> torch.Tensor:
    """(P,) bool: which prompts to learn from.

    ``drop``: None, "equal" (all rewards of a group the same) or "wrong" (none above zero).
    """
    check_drop(drop)
    if drop == "equal":
        return (rewards.amax(1) - rewards.amin(1)) > 1e-8
    if drop == "wrong":
        return (rewards > 0).any(1)
    return torch.ones(len(rewards), dtype=torch.bool)


@dataclass(frozen=True)
class Objective:
    """The switches of the loss.

    Attributes
    ----------
    ratio : None, "token" or "sequence" (then a reply is one term: RLOO).
    clip : how far the ratio may move from 1 before it stops having a gradient.
    beta : weight of the k3 estimate of KL to the reference.
    per : "token" averages over all tokens of the batch (DAPO; TRL's default), "sequence" gives each
        reply the same weight (the GRPO paper).
    """

    ratio: str | None = "token"
    clip: float = 0.2
    beta: float = 0.0
    per: str = "token"

    def check(self) -> None:
        """Raise :class:`~course_lib.base.CourseError` for a switch that does not exist."""
        require(
            self.ratio in (None, "token", "sequence"),
            f"ratio must be None, 'token' or 'sequence'; got {self.ratio!r}.",
        )
        require(
            self.per in ("token", "sequence"),
            f"per must be 'token' or 'sequence'; got {self.per!r}.",
        )
        require(
            self.ratio != "sequence" or self.beta == 0,
            "with ratio='sequence' the KL penalty belongs in the reward: use kl='reward'.",
        )


def grpo_loss(
    logp: torch.Tensor,
    old: torch.Tensor,
    reference: torch.Tensor,
    advantage: torch.Tensor,
    mask: torch.Tensor,
    objective: Objective = Objective(),
    **changes: Any,
) -> tuple[torch.Tensor, int, float]:
    """The loss of a batch: (sum, terms, fraction of terms clipped); the step divides sum by terms.

    logp, old, reference: (R, T) log-probabilities in nats, ``logp`` with gradients; advantage (R,);
    mask (R, T). ``beta`` adds ρ(exp(d) − d − 1) with d = log π_ref − log π, token by token, and
    always in float32: it cancels in half precision. The factor ρ = π/π_old is 1 in value on fresh
    samples, but without it the *gradient* would be that of KL(π_ref ‖ π) (TRL's
    ``use_bias_correction_kl``).
    """
    objective = changed(objective, changes)
    objective.check()
    if objective.ratio == "sequence":
        ratio = ((logp - old) * mask).sum(-1).exp()  # (R,)
        loss, cut = clipped(ratio, advantage, objective.clip)
        return loss.sum(), len(mask), float(cut.float().mean())

    share = 0.0
    before = old if objective.ratio else logp.detach()
    rho = (logp - before).exp()  # (R, T)
    if objective.ratio == "token":
        loss, cut = clipped(rho, advantage[:, None], objective.clip)
        share = float(cut[mask].float().mean())
    else:
        loss = -advantage[:, None] * logp
    if objective.beta:
        d = torch.where(mask, reference - logp, 0.0)
        loss = loss + objective.beta * rho * (d.exp() - d - 1)

    weight, terms = mask.float(), int(mask.sum())
    if objective.per == "sequence":
        weight = weight / mask.sum(-1, keepdim=True).clamp(min=1)
        terms = len(mask)
    return (loss * weight).sum(), terms, share


def grpo(
    policy: Policy,
    prompts: Sequence[Prompt],
    reward: Any,
    info: Sequence[dict] | None = None,
    settings: GRPO = GRPO(),
    *,
    reference: Policy | None = None,
    checkpoint: str | Path | None = None,
    **changes: Any,
) -> Policy:
    """Train a copy of ``policy`` online; ``policy`` itself is unchanged.

    It is also the reference, unless ``reference`` is given. ``changes`` are fields of ``settings``:
    ``method`` is a row of :data:`METHODS`; ``advantage``, ``ratio``, ``kl`` and ``beta`` override
    its switches. Each of ``steps`` steps samples ``n`` replies to ``prompts_per_step`` prompts and
    makes ``updates`` passes over them in batches of ``minibatch`` replies (default: all at once),
    cut into ``accumulate`` parts. Returns the trained policy; its ``training_log`` is an
    :class:`~course_lib.methods.online.OnlineLog`.
    """
    settings = with_switches(changed(settings, changes))
    student = student_of(policy)
    task = Task(student, reference or policy, prompts, info, reward)
    size = settings.minibatch or settings.prompts_per_step * settings.n
    optimiser = Training(lr=settings.lr, dtype=settings.dtype)
    steps_in_all = settings.updates_in_all(size)
    stepper = Stepper(student.model, steps_in_all, optimiser, schedule=BY_NAME[settings.schedule])

    def update(batch: Batch, step: int) -> dict[str, float]:
        weights = weights_of(batch, settings)
        rows = used_rows(batch, weights, settings)
        student.model.train()

        def loss_of(part: list[int]) -> tuple[torch.Tensor, int, dict[str, float]]:
            fresh = len(rows) <= size and settings.updates == 1
            return batch_loss(student, batch, part, weights, settings, fresh)

        batches = minibatches(rows, settings.updates, size, step, settings.seed)
        facts = stepper.several(loss_of, batches, settings.accumulate)
        return {**facts, "kept": len(rows)}

    with resting(policy.model if reference else None):
        student.training_log = train_online(
            task, settings, update, [stepper], checkpoint=checkpoint, label=settings.method
        )
    warn_without_signal(student.training_log, settings)
    student.source = f"{policy.source} trained by {settings.method}"
    return student


def warn_without_signal(log: OnlineLog, settings: GRPO) -> None:
    """Warn where nearly every group had equal rewards, and the method learns from differences."""
    shares = [step["no_signal"] for step in log.steps if "no_signal" in step]
    share = sum(shares) / len(shares) if shares else 0.0
    if share < NEARLY_ALL or settings.advantage not in COMPARE:
        return
    warnings.warn(
        f"{share:.0%} of the groups had no signal: all their rewards were equal, so "
        f"{settings.method} learnt next to nothing of the reward. Use a reward that differs "
        "between replies, easier or harder prompts, a higher temperature, or more replies "
        "a prompt (n).",
        stacklevel=3,
    )


def with_switches(settings: GRPO) -> GRPO:
    """``settings`` with the method's own switches where none was given, checked."""
    method = settings.method
    require(method in METHODS, f"method must be one of {', '.join(METHODS)}; got {method!r}.")
    own = METHODS[method]
    settings = replace(
        settings,
        advantage=own["advantage"] if settings.advantage is None else settings.advantage,
        ratio=own["ratio"] if settings.ratio == "method" else settings.ratio,
        kl=own["kl"] if settings.kl is None else settings.kl,
        beta=own["beta"] if settings.beta is None else settings.beta,
    )
    require(
        settings.kl in ("loss", "reward"), f"kl must be 'loss' or 'reward'; got {settings.kl!r}."
    )
    number(settings.beta, "beta", 0)
    settings = settings.normal()
    check_advantage(settings.advantage, settings.n)
    check_drop(settings.drop)
    Objective(settings.ratio, settings.clip, loss_beta(settings), settings.per).check()
    require(
        settings.ratio or settings.updates == 1 or settings.advantage in ("best", "positive"),
        "several updates on the same samples need the importance ratio; give ratio='token' or "
        "'sequence'.",
    )
    return settings


def loss_beta(settings: GRPO) -> float:
    """The weight of the KL penalty in the loss: 0 where it goes into the reward."""
    return settings.beta if settings.kl == "loss" else 0.0


def weights_of(batch: Batch, settings: GRPO) -> torch.Tensor:
    """(R,) the weight A of every reply."""
    rewards = batch.rewards
    if settings.kl == "reward":
        rewards = rewards - settings.beta * batch.kl.view_as(rewards)
    return advantages(rewards, settings.advantage).flatten()


def used_rows(batch: Batch, weights: torch.Tensor, settings: GRPO) -> list[int]:
    """The replies that go through the model, by row."""
    n = batch.rewards.shape[1]
    used = kept_groups(batch.rewards, settings.drop).repeat_interleave(n)
    if loss_beta(settings) == 0 and settings.advantage in ("best", "positive"):
        # a weight of 0 has no gradient: such replies need not go through the model
        used &= weights != 0
    return used.nonzero()[:, 0].tolist()


def batch_loss(
    student: Policy,
    batch: Batch,
    part: list[int],
    weights: torch.Tensor,
    settings: GRPO,
    fresh: bool,
) -> tuple[torch.Tensor, int, dict[str, float]]:
    """The loss of the replies ``part``; ``fresh`` when this is the only update on these samples."""
    logp = now(student, batch, part, settings.temperature)
    on = logp.device
    # one update on fresh samples: the ratio is 1, to the last bit
    old = logp.detach() if fresh else batch.old[part].to(on)
    objective = Objective(settings.ratio, settings.clip, loss_beta(settings), settings.per)
    total, terms, share = grpo_loss(
        logp,
        old,
        batch.reference[part].to(on),
        weights[part].to(on),
        batch.mask[part].to(on),
        objective,
    )
    return total, terms, {"clip_fraction": share}
