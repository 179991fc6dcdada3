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

import torch

from ..base import require
from .online import clipped, minibatches, now, run, student_of
from .optimiser import Stepper

ADVANTAGES = ("group_std", "group", "leave_one_out", "reward", "best", "positive")
METHODS = {
    "grpo": {"advantage": "group_std", "ratio": "token", "kl": "loss", "beta": 0.05},
    "rloo": {"advantage": "leave_one_out", "ratio": "sequence", "kl": "reward", "beta": 0.05},
    "reinforce": {"advantage": "reward", "ratio": None, "kl": "reward", "beta": 0.0},
    "raft": {"advantage": "best", "ratio": None, "kl": "loss", "beta": 0.0},
    "raft++": {"advantage": "best", "ratio": "token", "kl": "loss", "beta": 0.0},
}


def advantages(rewards, kind="group_std"):
    """The weight of each reply: rewards (P, N) → (P, N) float32.

    "group_std" divides by the sample standard deviation (N − 1) plus 1e-4, as TRL does. "best"
    marks one reply a prompt, the first of ties. Raises for N = 1 where a group is needed.
    """
    require(kind in ADVANTAGES, f"advantage must be one of {', '.join(ADVANTAGES)}; got {kind!r}.")
    rewards = torch.as_tensor(rewards, dtype=torch.float32)
    P, N = rewards.shape
    require(
        N >= 2 or kind in ("reward", "positive"),
        f"advantage {kind!r} compares replies to the same prompt, so n must be at least 2; got "
        f"{N}.",
    )
    if kind == "reward":
        return rewards.clone()
    if kind == "positive":
        return (rewards > 0).float()
    if kind == "best":
        return torch.zeros_like(rewards).scatter_(1, rewards.argmax(1, keepdim=True), 1.0)
    mean = rewards.mean(1, keepdim=True)
    if kind == "leave_one_out":
        return (rewards - mean) * N / (N - 1)  # R_i − mean of the others
    return (
        (rewards - mean) / (rewards.std(1, keepdim=True) + 1e-4)
        if kind == "group_std"
        else rewards - mean
    )


def kept_groups(rewards, drop=None):
    """(P,) bool: which prompts to learn from.

    ``drop``: None, "equal" (all rewards of a group the same) or "wrong" (none above zero).
    """
    require(
        drop in (None, "equal", "wrong"), f"drop must be None, 'equal' or 'wrong'; got {drop!r}."
    )
    if drop == "equal":
        return (rewards.amax(1) - rewards.amin(1)) > 1e-8
    return (rewards > 0).any(1) if drop == "wrong" else torch.ones(len(rewards), dtype=torch.bool)


def grpo_loss(
    logp, old, reference, advantage, mask, ratio="token", clip=0.2, beta=0.0, per="token"
):
    """The loss of a batch: (sum, terms, fraction of terms clipped); the step divides sum by terms.

    logp, old, reference: (R, T) log-probabilities in nats, ``logp`` with gradients; advantage (R,);
    mask (R, T). ``per``: "token" averages over all tokens of the batch (DAPO; TRL's default),
    "sequence" gives each reply the same weight (the GRPO paper). With ``ratio="sequence"`` a reply
    is one term (RLOO). ``beta`` adds the k3 estimate of KL to the reference, ρ(exp(d) − d − 1) with
    d = log π_ref − log π, token by token, and always in float32: it cancels in half precision. The
    factor ρ = π/π_old is 1 in value on fresh samples, but without it the *gradient* would be that
    of KL(π_ref ‖ π) (TRL's ``use_bias_correction_kl``).
    """
    require(
        ratio in (None, "token", "sequence"),
        f"ratio must be None, 'token' or 'sequence'; got {ratio!r}.",
    )
    require(per in ("token", "sequence"), f"per must be 'token' or 'sequence'; got {per!r}.")
    weight = (
        mask.float() if per == "token" else mask.float() / mask.sum(-1, keepdim=True).clamp(min=1)
    )
    terms = int(mask.sum()) if per == "token" else len(mask)
    share = 0.0
    if ratio == "sequence":
        loss, cut = clipped(((logp - old) * mask).sum(-1).exp(), advantage, clip)
        total, terms, share = loss.sum(), len(mask), float(cut.float().mean())
        require(
            beta == 0,
            "with ratio='sequence' the KL penalty belongs in the reward: use kl='reward'.",
        )
        return total, terms, share
    rho = (logp - (old if ratio else logp.detach())).exp()
    if ratio == "token":
        loss, cut = clipped(rho, advantage[:, None], clip)
        share = float(cut[mask].float().mean())
    else:
        loss = -advantage[:, None] * logp
    if beta:
        d = torch.where(mask, reference - logp, 0.0)
        loss = loss + beta * rho * (d.exp() - d - 1)
    return (loss * weight).sum(), terms, share


def grpo(
    policy,
    prompts,
    reward,
    info=None,
    method="grpo",
    steps=64,
    prompts_per_step=16,
    n=8,
    lr=1e-4,
    updates=1,
    minibatch=None,
    accumulate=1,
    clip=0.2,
    drop=None,
    per="token",
    temperature=1.0,
    max_tokens=96,
    seed=0,
    reference=None,
    dtype=None,
    checkpoint=None,
    checkpoint_every=20,
    token_budget=None,
    **switches,
):
    """Train a copy of ``policy`` online; ``policy`` itself is unchanged and, unless ``reference``
    is given, is the reference.

    ``method``: a row of :data:`METHODS`; ``switches`` override its ``advantage``, ``ratio``, ``kl``
    and ``beta``. Each of ``steps`` steps samples ``n`` replies to ``prompts_per_step`` prompts and
    makes ``updates`` passes over them in batches of ``minibatch`` replies (default: all at once),
    cut into ``accumulate`` parts. ``drop`` leaves groups out, see :func:`kept_groups`. ``dtype``
    float16 or bfloat16: mixed precision on a GPU. ``token_budget`` ends the run early once so many
    response tokens are sampled. Returns the trained policy; its ``training_log`` is an
    :class:`~course_lib.methods.online.OnlineLog`.
    """
    require(method in METHODS, f"method must be one of {', '.join(METHODS)}; got {method!r}.")
    unknown = set(switches) - {"advantage", "ratio", "kl", "beta"}
    require(
        not unknown,
        f"unknown settings: {', '.join(sorted(unknown))}. The switches are advantage, ratio, "
        "kl and beta.",
    )
    s = {**METHODS[method], **switches}
    require(s["kl"] in ("loss", "reward"), f"kl must be 'loss' or 'reward'; got {s['kl']!r}.")
    require(s["beta"] >= 0, f"beta must be 0 or more; got {s['beta']}.")
    require(
        updates >= 1 and accumulate >= 1,
        f"updates and accumulate must be at least 1; got {updates} and {accumulate}.",
    )
    require(
        s["ratio"] or updates == 1 or s["advantage"] in ("best", "positive"),
        "several updates on the same samples need the importance ratio; give ratio='token' or "
        "'sequence'.",
    )
    reference = reference or policy
    student = student_of(policy)
    size = minibatch or prompts_per_step * n
    steps_in_all = steps * updates * -(-prompts_per_step * n // size)
    stepper = Stepper(student.model, steps_in_all, lr, dtype, schedule="constant")
    loss_beta = s["beta"] if s["kl"] == "loss" else 0.0

    def update(batch, step):
        rewards = batch.rewards
        if s["kl"] == "reward":
            rewards = rewards - s["beta"] * batch.kl.view_as(rewards)
        weights = advantages(rewards, s["advantage"]).flatten()
        used = kept_groups(batch.rewards, drop).repeat_interleave(n)
        if loss_beta == 0 and s["advantage"] in ("best", "positive"):
            # a weight of 0 has no gradient: such replies need not go through the model
            used &= weights != 0
        rows = used.nonzero()[:, 0].tolist()

        def loss_of(part):
            logp = now(student, batch, part, temperature)
            on = logp.device
            old, ref, mask = (t[part].to(on) for t in (batch.old, batch.reference, batch.mask))
            if len(rows) <= size and updates == 1:
                old = logp.detach()  # one update on fresh samples: the ratio is 1, to the last bit
            total, terms, share = grpo_loss(
                logp, old, ref, weights[part].to(on), mask, s["ratio"], clip, loss_beta, per
            )
            return total, terms, {"clip_fraction": share}

        student.model.train()
        return {
            **stepper.several(loss_of, minibatches(rows, updates, size, step, seed), accumulate),
            "kept": len(rows),
        }

    models = {
        "policy": student.model,
        "reference": reference.model,
        "reward": getattr(reward, "model", None),
    }
    key = [s, lr, updates, size, accumulate, clip, drop, per, str(dtype)]
    student.training_log = run(
        student,
        reference,
        prompts,
        info,
        reward,
        update,
        [stepper],
        steps,
        prompts_per_step,
        n,
        temperature,
        max_tokens,
        seed,
        models,
        key,
        dtype,
        checkpoint,
        checkpoint_every,
        token_budget,
        label=method,
    )
    student.source = f"{policy.source} trained by {method}"
    return student


__all__ = ["ADVANTAGES", "METHODS", "advantages", "grpo", "grpo_loss", "kept_groups"]
