r"""PPO for language models: a critic predicts the reward to come from every token, and the policy
is moved by how wrong it was.

Per step: sample one reply a prompt, give each token the reward −β(log π_old − log π_ref) and the
last one the reward model's score as well, turn the critic's values into advantages by GAE, and make
a few clipped updates of policy and critic.

    δ_t = r_t + γV_{t+1} − V_t        A_t = δ_t + γλ A_{t+1}        target of V_t: A_t + V_t

Four models are in memory: policy, reference, reward model, critic. Sources: PPO 1707.06347, GAE
1506.02438, and for language models InstructGPT 2203.02155.

What this leaves out: InstructGPT's pretraining term, which keeps general skills; a penalty
coefficient that adapts to a KL target; a critic that starts from the reward model; normalised
rewards.
"""

import copy

import torch

from ..base import CourseError, require
from ..models import Policy, batches_by_tokens, evaluating, response_logits
from .online import clipped, minibatches, now, padded, run, student_of
from .optimiser import Stepper


def new_critic(policy, seed=0):
    """A critic on a copy of ``policy``'s backbone with a head of one number a token, as a
    :class:`Policy` whose "logits" are values. It starts at 0.
    """
    from transformers import AutoModelForTokenClassification

    config = copy.deepcopy(policy.model.config)
    config.num_labels, config.architectures = 1, None
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = AutoModelForTokenClassification.from_config(config)
    except ValueError as error:
        raise CourseError(
            f"transformers has no token classifier for the architecture {config.model_type!r}, "
            "so PPO has no critic for it. Use GRPO or RLOO, which need none."
        ) from error
    loaded = model.base_model.load_state_dict(policy.model.base_model.state_dict(), strict=False)
    require(
        not loaded.missing_keys,
        f"the policy's backbone lacks {loaded.missing_keys[:3]}; it cannot serve as a critic's.",
    )
    head = next(
        m
        for m in reversed(list(model.modules()))
        if isinstance(m, torch.nn.Linear) and m.out_features == 1
    )
    torch.nn.init.zeros_(head.weight)
    return student_of(
        Policy(
            model.to(policy.device),
            policy.tokenizer,
            policy.system,
            policy.template,
            source="critic",
        )
    )


def values_now(critic, examples, mask):
    """V (R, T) before each response token, with gradients when they are on; zero off the mask."""
    values = response_logits(critic, examples)[0][:, 0].float()
    mask = mask.to(values.device)
    return torch.zeros(mask.shape, device=values.device).masked_scatter(mask, values)


def values_before(critic, examples, mask, budget=8192):
    """V (R, T) without gradients, in batches of ``budget`` tokens."""
    rows = [None] * len(examples)
    with evaluating(critic.model):
        for group in batches_by_tokens([len(p) + len(r) for p, r in examples], budget):
            part = [examples[i] for i in group]
            flat = response_logits(critic, part)[0][:, 0].float().cpu()
            for i, row in zip(group, flat.split([len(r) for _, r in part]), strict=True):
                rows[i] = row
    return padded(rows, mask.shape[1])


def token_rewards(scores, kl, mask, beta):
    """(R, T): −β·(log π_old − log π_ref) at every token, and the reply's score (R,) at its last
    one.
    """
    rewards = -beta * kl * mask
    last = mask.sum(-1).long() - 1
    rewards[torch.arange(len(rewards)), last] += scores
    return rewards


def gae(rewards, values, mask, gamma=1.0, lam=0.95):
    """Generalised advantage estimation: advantages and value targets, both (R, T) and zero off the
    mask.

    rewards, values (R, T); a reply ends after its last token, so the value after it is 0. λ = 1 is
    the whole return minus V; λ = 0 is δ alone.
    """
    advantages = torch.zeros_like(rewards)
    following = torch.zeros(len(rewards))
    for t in range(rewards.shape[1] - 1, -1, -1):
        after = (
            values[:, t + 1] * mask[:, t + 1]
            if t + 1 < rewards.shape[1]
            else torch.zeros(len(rewards))
        )
        delta = rewards[:, t] + gamma * after - values[:, t]
        following = (delta + gamma * lam * following) * mask[:, t]
        advantages[:, t] = following
    return advantages, (advantages + values) * mask


def whiten(x, mask):
    """x (R, T) with mean 0 and standard deviation 1 over the mask, zero off it."""
    inside = x[mask]
    return (x - inside.mean()) / (inside.std(correction=0) + 1e-8) * mask


def policy_loss(logp, old, advantage, mask, clip=0.2):
    """PPO's clipped surrogate over tokens: (sum, tokens, fraction clipped). All (R, T)."""
    loss, cut = clipped(((logp - old) * mask).exp(), advantage, clip)
    return (loss * mask).sum(), int(mask.sum()), float(cut[mask].float().mean())


def value_loss(values, old_values, targets, mask, clip=0.2):
    """½ max((V − target)², (V_clipped − target)²) over tokens: (sum, tokens).

    V may move ``clip`` from its old value before the gradient stops.
    """
    bounded = old_values + (values - old_values).clamp(-clip, clip)
    loss = 0.5 * torch.maximum((values - targets) ** 2, (bounded - targets) ** 2)
    return (loss * mask).sum(), int(mask.sum())


def ppo(
    policy,
    prompts,
    reward,
    info=None,
    steps=64,
    prompts_per_step=128,
    n=1,
    lr=1e-4,
    critic_lr=1e-3,
    updates=2,
    minibatch=None,
    accumulate=1,
    beta=0.05,
    clip=0.2,
    value_clip=0.2,
    gamma=1.0,
    lam=0.95,
    critic_warmup=0,
    temperature=1.0,
    max_tokens=96,
    seed=0,
    reference=None,
    dtype=None,
    checkpoint=None,
    checkpoint_every=20,
    token_budget=None,
):
    """Train a copy of ``policy`` by PPO; ``policy`` itself is unchanged and, unless ``reference``
    is given, is the reference.

    Each of ``steps`` steps samples ``n`` replies to ``prompts_per_step`` prompts and makes
    ``updates`` passes over them in batches of ``minibatch`` replies (default: half of them). For
    the first ``critic_warmup`` steps only the critic learns. ``token_budget`` ends the run early
    once so many response tokens are sampled. Returns the trained policy; its ``training_log`` is an
    :class:`~course_lib.methods.online.OnlineLog` with the critic's ``value_loss`` and ``explained``
    variance, and ``critic`` is kept.
    """
    require(
        0 <= lam <= 1 and 0 <= gamma <= 1,
        f"lam and gamma must be between 0 and 1; got {lam} and {gamma}.",
    )
    require(beta >= 0, f"beta must be 0 or more; got {beta}.")
    require(
        updates >= 1 and accumulate >= 1,
        f"updates and accumulate must be at least 1; got {updates} and {accumulate}.",
    )
    reference = reference or policy
    student, critic = student_of(policy), new_critic(policy, seed)
    size = minibatch or max(1, prompts_per_step * n // 2)
    in_all = steps * updates * -(-prompts_per_step * n // size)
    actor = Stepper(student.model, in_all, lr, dtype, schedule="constant")
    learner = Stepper(critic.model, in_all, critic_lr, dtype, schedule="constant")

    def update(batch, step):
        values = values_before(critic, batch.examples, batch.mask)
        rewards = token_rewards(
            batch.rewards.flatten(), batch.old - batch.reference, batch.mask, beta
        )
        raw, targets = gae(rewards, values, batch.mask, gamma, lam)
        advantage = whiten(raw, batch.mask)

        def policy_of(part):
            logp = now(student, batch, part, temperature)
            old, a, mask = (t[part].to(logp.device) for t in (batch.old, advantage, batch.mask))
            total, terms, share = policy_loss(logp, old, a, mask, clip)
            return total, terms, {"clip_fraction": share}

        def critic_of(part):
            v = values_now(critic, [batch.examples[r] for r in part], batch.mask[part])
            before, target, mask = (t[part].to(v.device) for t in (values, targets, batch.mask))
            return value_loss(v, before, target, mask, value_clip)

        student.model.train(), critic.model.train()
        rows, facts = list(range(len(batch.examples))), {}
        if step >= critic_warmup:
            facts = actor.several(
                policy_of, minibatches(rows, updates, size, step, seed), accumulate
            )
        fit = learner.several(critic_of, minibatches(rows, updates, size, step, seed), accumulate)
        spread = targets[batch.mask].var(correction=0)
        explained = 1 - (targets - values)[batch.mask].var(correction=0) / spread.clamp(min=1e-8)
        return {**facts, "value_loss": fit["loss"], "explained": float(explained)}

    models = {
        "policy": student.model,
        "reference": reference.model,
        "reward": getattr(reward, "model", None),
        "critic": critic.model,
    }
    key = [
        "ppo",
        lr,
        critic_lr,
        updates,
        size,
        accumulate,
        beta,
        clip,
        value_clip,
        gamma,
        lam,
        critic_warmup,
        str(dtype),
    ]
    student.training_log = run(
        student,
        reference,
        prompts,
        info,
        reward,
        update,
        [actor, learner],
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
        label="ppo",
    )
    student.critic, student.source = critic, f"{policy.source} trained by ppo"
    return student
