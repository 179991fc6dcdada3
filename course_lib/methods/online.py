"""What online methods share: sample a batch from the policy as it is now, score it, update, again.

Tensors are (R, T): R = P·N replies in prompt order, T tokens, ``mask`` True on response tokens, the
end token included.
"""

from dataclasses import dataclass, field
from pathlib import Path

import torch

from ..base import Account, hold, progress, require, spent
from ..models import autocast, response_logits, sample, score, token_logprobs
from ..pools import LENGTH, Pool
from .optimiser import load_checkpoint, order_of_epoch, save_checkpoint
from .stages import fingerprint


@dataclass
class Batch:
    """One step's replies: the pool, what the optimiser reads, and log-probabilities in nats before
    the update.
    """

    pool: Pool
    examples: list  # R pairs (prompt ids, response ids)
    mask: torch.Tensor  # (R, T) bool
    old: torch.Tensor  # (R, T) log π_old, the policy that sampled
    reference: torch.Tensor  # (R, T) log π_ref
    rewards: torch.Tensor  # (P, N)

    @property
    def entropy(self):
        """−log π_old averaged over all tokens.

        An unbiased estimate, in nats a token, of the entropy of what the policy samples from.
        """
        return float(-self.old[self.mask].mean())

    @property
    def kl(self):
        """(R,) log π_old(y|x) − log π_ref(y|x).

        Its mean over replies estimates KL(π_old ‖ π_ref).
        """
        return (self.old - self.reference).sum(-1)


@dataclass
class OnlineLog:
    """A dictionary per step (reward, kl, length, entropy, clip_fraction, loss, kept ...) and the
    run's account.
    """

    steps: list = field(default_factory=list)
    account: Account = field(default_factory=Account)

    def column(self, name):
        """One fact of every step, as a list."""
        return [step[name] for step in self.steps]


def padded(rows, width):
    """A list of float tensors as (R, width), zeros after each."""
    out = torch.zeros(len(rows), width)
    for line, row in zip(out, rows, strict=True):
        line[: len(row)] = row
    return out


def collect(
    student, reference, prompts, info, reward, n, temperature, max_tokens, seed, dtype=None
):
    """Sample ``n`` replies for each prompt from ``student``, score them, and look up their
    log-probabilities. Returns a :class:`Batch`.
    """
    with autocast(student.device, dtype):
        pool = score(
            sample(
                student,
                prompts,
                n=n,
                temperature=temperature,
                max_tokens=max_tokens,
                seed=seed,
                info=info,
            ),
            reward,
            "reward",
        )
        ids = student.encode(prompts)
        mask = (pool.tokens >= 0).flatten(0, 1)
        responses = [
            row[keep].tolist() for row, keep in zip(pool.tokens.flatten(0, 1), mask, strict=True)
        ]
        examples = [(ids[r // n], response) for r, response in enumerate(responses)]
        old = pool.sampling_logprobs.flatten(0, 1)
        # in half precision the sampler and the trainer round differently: take the trainer's
        # numbers
        if dtype is not None:
            old = padded(token_logprobs(student, examples, temperature), mask.shape[1])
        ref = padded(token_logprobs(reference, examples, temperature), mask.shape[1])
    return Batch(pool, examples, mask, old, ref, pool.rewards["reward"])


def now(student, batch, rows, temperature=1.0):
    """log π_θ (r, T) of the replies ``rows`` under the policy being trained, with gradients.

    Zero off the mask.
    """
    logits, targets, _ = response_logits(student, [batch.examples[r] for r in rows])
    logits = logits.float() / temperature
    flat = -torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    mask = batch.mask[rows].to(flat.device)
    return torch.zeros(mask.shape, device=flat.device).masked_scatter(mask, flat)


def clipped(ratio, advantage, clip):
    """PPO's pessimistic surrogate −min(ρA, clip(ρ, 1 − ε, 1 + ε)A), elementwise, and where the
    clip took the gradient away (bool).
    """
    bounded = ratio.clamp(1 - clip, 1 + clip)
    return -torch.minimum(ratio * advantage, bounded * advantage), (
        bounded * advantage < ratio * advantage
    ).detach()


def identity(reward):
    """What tells one reward from another in a checkpoint's key.

    A model's weights, an ensemble's members, else its type, name and part.
    """
    if hasattr(reward, "members"):
        return [reward.how, reward.k, [identity(member) for member in reward.members]]
    return (
        reward
        if hasattr(reward, "tokenizer")
        else [type(reward).__name__, getattr(reward, "name", ""), getattr(reward, "part", "")]
    )


def student_of(policy):
    """A copy of ``policy`` to be trained.

    Float32, and without dropout, so that on fresh samples the importance ratio is 1 and a resumed
    run is the same run.
    """
    student = policy.copy()
    student.model.float()
    for module in student.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return student


def run(
    student,
    reference,
    prompts,
    info,
    reward,
    update,
    steppers,
    steps,
    prompts_per_step,
    n,
    temperature,
    max_tokens,
    seed,
    models,
    key,
    dtype=None,
    checkpoint=None,
    checkpoint_every=20,
    token_budget=None,
    label="rlhf",
):
    """The loop of every online method. ``update(batch, step)`` changes the policy and returns facts
    for the log. Returns an :class:`OnlineLog`.

    With ``token_budget`` it stops early, before the first step that finds so many response tokens
    sampled. ``steppers`` hold what is optimised; ``models`` names what is in memory. With
    ``checkpoint`` (a file) an interrupted run goes on to the same result: each step's prompts and
    samples follow from (seed, step) alone.
    """
    require(len(prompts) > 0, "no prompts to train on: give at least one.")
    require(
        steps >= 1 and prompts_per_step >= 1,
        f"steps and prompts_per_step must be at least 1; got {steps} and {prompts_per_step}.",
    )
    info = info or [{} for _ in prompts]
    width = min(prompts_per_step, len(prompts))
    # the few left over differ from epoch to epoch, as the order does
    per_epoch = len(prompts) // width
    log, checkpoint = OnlineLog(), None if checkpoint is None else Path(checkpoint)
    key = (
        None
        if checkpoint is None
        else fingerprint(
            [
                student,
                reference,
                prompts,
                info,
                identity(reward),
                token_budget,
                key,
                steps,
                prompts_per_step,
                n,
                temperature,
                max_tokens,
                seed,
            ]
        )
    )
    before = load_checkpoint(checkpoint, key, *steppers)
    if before is not None:
        log.steps = before["steps"]
    done = len(log.steps)
    with log.account, progress.bar(steps, label, "step") as bar:
        spent(before and before["account"])
        hold(**models)
        bar.update(done)
        for step in range(done, steps):
            if token_budget is not None and log.account.tokens_sampled >= token_budget:
                break
            epoch, at = divmod(step, per_epoch)
            chosen = order_of_epoch(len(prompts), epoch, seed)[
                at * width : (at + 1) * width
            ].tolist()
            batch = collect(
                student,
                reference,
                [prompts[i] for i in chosen],
                [info[i] for i in chosen],
                reward,
                n,
                temperature,
                max_tokens,
                seed=(seed << 24) + step,
                dtype=dtype,
            )
            facts = update(batch, step)
            facts = {
                "reward": float(batch.rewards.mean()),
                "kl": float(batch.kl.mean()),
                "length": float(batch.mask.sum(-1).float().mean()),
                "cut": float((batch.pool.finish == LENGTH).float().mean()),
                "entropy": batch.entropy,
                "clip_fraction": 0.0,
                "loss": 0.0,
                **facts,
            }
            log.steps.append(facts)
            bar.update(1)
            bar.set_postfix(
                {
                    name: f"{facts[name]:.2f}"
                    for name in ("reward", "kl", "length", "entropy", "clip_fraction")
                },
                refresh=False,
            )
            last = step + 1 == steps or (
                token_budget is not None and log.account.tokens_sampled >= token_budget
            )
            if checkpoint is not None and ((step + 1) % checkpoint_every == 0 or last):
                save_checkpoint(
                    checkpoint,
                    key,
                    {"steps": log.steps, "account": log.account.to_dict()},
                    *steppers,
                )
    student.model.eval()
    return log


def minibatches(rows, updates, size, step, seed):
    """Lists of row numbers: ``updates`` passes over ``rows`` in batches of ``size``, each pass in
    its own order (one batch: as they are).
    """
    for epoch in range(updates):
        order = (
            rows
            if size >= len(rows)
            else [
                rows[k] for k in order_of_epoch(len(rows), epoch, (seed * 1_000_003 + step) % 2**32)
            ]
        )
        yield from (order[k : k + size] for k in range(0, len(order), size))
