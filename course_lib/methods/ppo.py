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
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from ..base import CourseError, Prompt, changed, require
from ..models import Policy, batches_by_tokens, evaluating, response_logits, resting
from ..models.adapters import merged
from .online import Batch, Task, clipped, minibatches, now, padded, student_of, train_online
from .optimiser import BY_NAME, Stepper
from .settings import PPO, Training


def new_critic(policy: Policy, seed: int = 0) -> Policy:
    """A critic on a copy of ``policy``'s backbone with a head of one number a token.

    It is a :class:`Policy` whose "logits" are values. It starts at 0.
    """
    from transformers import AutoModelForTokenClassification

    config = copy.deepcopy(policy.model.config)
    config.num_labels = 1
    config.architectures = None
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = AutoModelForTokenClassification.from_config(config)
    except ValueError as error:
        raise CourseError(
            f"transformers has no token classifier for the architecture {config.model_type!r}, "
            "so PPO has no critic for it. Use GRPO or RLOO, which need none."
        ) from error
    core: Any = merged(policy.model).base_model  # with what an adapter adds
    backbone = core.state_dict()
    # not strict: a classifier's backbone may lack the language model's pooler or the like
    loaded = model.base_model.load_state_dict(backbone, strict=False)
    require(
        not loaded.missing_keys,
        f"the policy's backbone lacks {loaded.missing_keys[:3]}; it cannot serve as a critic's.",
    )
    torch.nn.init.zeros_(_head(model).weight)
    critic = Policy(
        model.to(policy.device), policy.tokenizer, policy.system, policy.template, source="critic"
    )
    return student_of(critic)


def _head(model: torch.nn.Module) -> torch.nn.Linear:
    """The last layer that gives one number."""
    layers = [m for m in model.modules() if isinstance(m, torch.nn.Linear) and m.out_features == 1]
    return layers[-1]


def values_now(critic: Policy, examples: Sequence, mask: torch.Tensor) -> torch.Tensor:
    """V (R, T) before each response token, with gradients when they are on; zero off the mask."""
    logits, _, _ = response_logits(critic, examples)  # (K, 1)
    values = logits[:, 0].float()
    mask = mask.to(values.device)
    return torch.zeros(mask.shape, device=values.device).masked_scatter(mask, values)


def values_before(
    critic: Policy, examples: Sequence, mask: torch.Tensor, budget: int = 8192
) -> torch.Tensor:
    """V (R, T) without gradients, in batches of ``budget`` tokens."""
    rows: list[torch.Tensor] = [torch.zeros(0)] * len(examples)
    lengths = [len(prompt) + len(response) for prompt, response in examples]
    with evaluating(critic.model):
        for group in batches_by_tokens(lengths, budget):
            part = [examples[i] for i in group]
            logits, _, _ = response_logits(critic, part)
            flat = logits[:, 0].float().cpu()
            sizes = [len(response) for _, response in part]
            for i, row in zip(group, flat.split(sizes), strict=True):
                rows[i] = row
    return padded(rows, mask.shape[1])


def token_rewards(
    scores: torch.Tensor, kl: torch.Tensor, mask: torch.Tensor, beta: float
) -> torch.Tensor:
    """(R, T): −β·(log π_old − log π_ref) at every token.

    At its last token a reply also gets its score (R,).
    """
    rewards = -beta * kl * mask
    last = mask.sum(-1).long() - 1
    rewards[torch.arange(len(rewards)), last] += scores
    return rewards


def gae(
    rewards: torch.Tensor,
    values: torch.Tensor,
    mask: torch.Tensor,
    gamma: float = 1.0,
    lam: float = 0.95,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Generalised advantage estimation: advantages and value targets, both (R, T).

    Both are zero off the mask. rewards, values (R, T); a reply ends after its last token, so the
    value after it is 0. λ = 1 is the whole return minus V; λ = 0 is δ alone.
    """
    R, T = rewards.shape
    advantages = torch.zeros_like(rewards)
    following = torch.zeros(R)  # A_{t+1}
    after = torch.zeros(R)  # V_{t+1}
    for t in reversed(range(T)):
        delta = rewards[:, t] + gamma * after - values[:, t]
        following = (delta + gamma * lam * following) * mask[:, t]
        advantages[:, t] = following
        after = values[:, t] * mask[:, t]
    return advantages, (advantages + values) * mask


def whiten(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """x (R, T) with mean 0 and standard deviation 1 over the mask, zero off it."""
    inside = x[mask]
    return (x - inside.mean()) / (inside.std(correction=0) + 1e-8) * mask


def policy_loss(
    logp: torch.Tensor,
    old: torch.Tensor,
    advantage: torch.Tensor,
    mask: torch.Tensor,
    clip: float = 0.2,
) -> tuple[torch.Tensor, int, float]:
    """PPO's clipped surrogate over tokens: (sum, tokens, fraction clipped). All (R, T)."""
    ratio = ((logp - old) * mask).exp()
    loss, cut = clipped(ratio, advantage, clip)
    return (loss * mask).sum(), int(mask.sum()), float(cut[mask].float().mean())


def value_loss(
    values: torch.Tensor,
    old_values: torch.Tensor,
    targets: torch.Tensor,
    mask: torch.Tensor,
    clip: float = 0.2,
) -> tuple[torch.Tensor, int]:
    """½ max((V − target)², (V_clipped − target)²) over tokens: (sum, tokens).

    V may move ``clip`` from its old value before the gradient stops.
    """
    bounded = old_values + (values - old_values).clamp(-clip, clip)
    loss = 0.5 * torch.maximum((values - targets) ** 2, (bounded - targets) ** 2)
    return (loss * mask).sum(), int(mask.sum())


def explained_variance(
    targets: torch.Tensor, values: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """Share of the targets' variance that the values explain: 1 is all, 0 no better than a mean."""
    spread = targets[mask].var(correction=0).clamp(min=1e-8)
    return 1 - (targets - values)[mask].var(correction=0) / spread


def ppo(
    policy: Policy,
    prompts: Sequence[Prompt],
    reward: Any,
    info: Sequence[dict] | None = None,
    settings: PPO = PPO(),
    *,
    reference: Policy | None = None,
    checkpoint: str | Path | None = None,
    **changes: Any,
) -> Policy:
    """Train a copy of ``policy`` by PPO; ``policy`` itself is unchanged.

    It is also the reference, unless ``reference`` is given. ``changes`` are fields of ``settings``.
    Each of ``steps`` steps samples ``n`` replies to ``prompts_per_step`` prompts and makes
    ``updates`` passes over them in batches of ``minibatch`` replies (default: half of them). For
    the first ``critic_warmup`` steps only the critic learns. Returns the trained policy; its
    ``training_log`` is an :class:`~course_lib.methods.online.OnlineLog` with the critic's
    ``value_loss`` and ``explained`` variance, and ``critic`` is kept.
    """
    settings = changed(settings, changes).normal()
    student, critic = student_of(policy), new_critic(policy, settings.seed)
    task = Task(student, reference or policy, prompts, info, reward)
    update = Update(student, critic, settings)
    with resting(policy.model if reference else None):
        student.training_log = train_online(
            task,
            settings,
            update,
            [update.actor, update.learner],
            checkpoint=checkpoint,
            label="ppo",
            held={"critic": critic.model},
        )
    student.critic = critic
    student.source = f"{policy.source} trained by ppo"
    return student


class Update:
    """One step's updates of policy and critic: call it with the batch and the step's number."""

    def __init__(self, student: Policy, critic: Policy, settings: PPO) -> None:
        self.student, self.critic, self.settings = student, critic, settings
        self.size = settings.minibatch or max(1, settings.prompts_per_step * settings.n // 2)
        steps = settings.updates_in_all(self.size)
        of_actor = Training(lr=settings.lr, dtype=settings.dtype)
        of_critic = Training(lr=settings.critic_lr, dtype=settings.dtype)
        schedule = BY_NAME[settings.schedule]
        self.actor = Stepper(student.model, steps, of_actor, schedule)
        self.learner = Stepper(critic.model, steps, of_critic, schedule)

    def __call__(self, batch: Batch, step: int) -> dict[str, float]:
        settings = self.settings
        values = values_before(self.critic, batch.examples, batch.mask)
        kl = batch.old - batch.reference
        rewards = token_rewards(batch.rewards.flatten(), kl, batch.mask, settings.beta)
        raw, targets = gae(rewards, values, batch.mask, settings.gamma, settings.lam)
        advantage = whiten(raw, batch.mask)
        self.student.model.train()
        self.critic.model.train()
        facts = {}
        if step >= settings.critic_warmup:
            facts = self._move_policy(batch, advantage, step)
        fit = self._fit_critic(batch, values, targets, step)
        explained = explained_variance(targets, values, batch.mask)
        return {**facts, "value_loss": fit["loss"], "explained": float(explained)}

    def _batches(self, batch: Batch, step: int) -> Iterator[list[int]]:
        rows = range(len(batch.examples))
        return minibatches(rows, self.settings.updates, self.size, step, self.settings.seed)

    def _move_policy(self, batch: Batch, advantage: torch.Tensor, step: int) -> dict[str, float]:
        def loss_of(part: list[int]) -> tuple[torch.Tensor, int, dict[str, float]]:
            logp = now(self.student, batch, part, self.settings.temperature)
            old, a, mask = (t[part].to(logp.device) for t in (batch.old, advantage, batch.mask))
            total, terms, share = policy_loss(logp, old, a, mask, self.settings.clip)
            return total, terms, {"clip_fraction": share}

        return self.actor.several(loss_of, self._batches(batch, step), self.settings.accumulate)

    def _fit_critic(
        self, batch: Batch, values: torch.Tensor, targets: torch.Tensor, step: int
    ) -> dict[str, float]:
        def loss_of(part: list[int]) -> tuple[torch.Tensor, int]:
            v = values_now(self.critic, [batch.examples[r] for r in part], batch.mask[part])
            before, target, mask = (t[part].to(v.device) for t in (values, targets, batch.mask))
            return value_loss(v, before, target, mask, self.settings.value_clip)

        return self.learner.several(loss_of, self._batches(batch, step), self.settings.accumulate)
