"""The one optimiser of the library.

Reward models, fine-tuning and pretraining run through :func:`train`; online methods take single
steps.
"""

import math
import time
from dataclasses import dataclass, field

import numpy as np
import torch

from ..base import Account, CourseError, Hooks, atomic_write, progress, require, spent
from ..models import autocast


@dataclass
class TrainingLog:
    """What a training run did: loss per step, terms of the loss (for fine-tuning.

    Tokens), seconds, further facts per step, and its account.
    """

    losses: list = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0
    steps: list = field(default_factory=list)
    account: Account | None = None


def order_of_epoch(count, epoch, seed):
    """The order of ``count`` examples in an epoch.

    A function of (seed, epoch) alone, so that a resumed run sees the same batches.
    """
    return np.random.default_rng([seed, epoch]).permutation(count)


def rate(step, steps, lr, warmup=0.05):
    """Learning rate at a step: linear warm-up over the first 5 %, then a cosine down to a tenth."""
    if step < warmup * steps:
        return lr * (step + 1) / (warmup * steps + 1)
    done = (step - warmup * steps) / max(1.0, steps * (1 - warmup))
    return lr * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


class Stepper:
    """AdamW with warm-up and cosine, gradient clipping, accumulation, mixed precision and a
    checkpoint: one optimiser for every method.

    ``steps`` is the length
    of the whole run, which the learning-rate schedule needs. ``schedule="constant"`` keeps the rate
    after the warm-up.
    """

    def __init__(
        self,
        model,
        steps,
        lr,
        dtype=None,
        clip=1.0,
        betas=(0.9, 0.98),
        weight_decay=0.0,
        schedule="cosine",
    ):
        require(
            lr > 0 and steps >= 1,
            f"lr must be positive and steps at least 1; got {lr} and {steps}.",
        )
        self.model, self.parameters = model, [p for p in model.parameters() if p.requires_grad]
        self.steps, self.lr, self.dtype, self.clip, self.schedule, self.step_number = (
            steps,
            lr,
            dtype,
            clip,
            schedule,
            0,
        )
        self.device = self.parameters[0].device
        self.optimizer = torch.optim.AdamW(
            self.parameters, lr=lr, betas=betas, weight_decay=weight_decay, fused=True
        )
        # losses are sums over a batch, so the scale starts lower than for means: from 65,536 the
        # first steps would overflow and be skipped
        self.scaler = torch.amp.GradScaler(
            self.device.type,
            init_scale=64.0,
            enabled=dtype == torch.float16 and self.device.type == "cuda",
        )

    def step(self, loss_of, parts):
        """One optimiser step on the sum of ``loss_of(part)`` over ``parts``, divided by the sum of
        their terms.

        ``loss_of`` returns (summed loss, terms) and may add a dictionary of facts. Returns (loss,
        terms, facts averaged over parts).
        """
        terms, total, noted = 0, 0.0, []
        for part in parts:
            with autocast(self.device, self.dtype):
                loss, n, *facts = loss_of(part)
            noted += facts
            terms, total = terms + n, total + float(loss.detach())
            self.scaler.scale(loss).backward()
        if not np.isfinite(total):
            raise CourseError(
                f"the loss became {total} at step {self.step_number} of {self.steps}. Lower "
                f"the learning rate (it is {self.lr}) or check the data for empty examples."
            )
        self.scaler.unscale_(self.optimizer)
        for p in self.parameters:
            if p.grad is not None:
                p.grad.div_(terms)
        if self.clip:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.clip)
        now = (
            rate(self.step_number, self.steps, self.lr)
            if self.schedule == "cosine"
            else self.lr * min(1.0, (self.step_number + 1) / (0.05 * self.steps + 1))
        )
        for group in self.optimizer.param_groups:
            group["lr"] = now
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.step_number += 1
        return total / terms, terms, mean_facts(noted)

    def several(self, loss_of, batches, accumulate=1):
        """One step for each of ``batches``, each in ``accumulate`` parts: the mean loss and facts.

        No batch, no step: {}.
        """
        done = [self.step(loss_of, in_parts(batch, accumulate)) for batch in batches]
        return mean_facts([{"loss": loss, **facts} for loss, _, facts in done])

    def state(self):
        """Weights, optimiser state and step number."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "step": self.step_number,
        }

    def restore(self, state):
        """Go on from what :meth:`state` gave."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.step_number = state["step"]


def save_checkpoint(path, key, extra, *steppers):
    """Write the state of ``steppers`` and ``extra`` (plain values) to one file, atomically."""
    with atomic_write(path) as file:
        torch.save(
            {"steppers": [stepper.state() for stepper in steppers], "key": key, "extra": extra},
            file,
        )


def load_checkpoint(path, key, *steppers):
    """Go on from a checkpoint: its ``extra``, or None when there is none.

    Raises when it belongs to another run.
    """
    if path is None or not path.is_file():
        return None
    saved = torch.load(path, map_location=steppers[0].device, weights_only=True)
    require(
        saved["key"] == key,
        f"{path} is the checkpoint of another run (other data, settings or model). Delete it, "
        "or finish that run with its own settings.",
    )
    for stepper, state in zip(steppers, saved["steppers"], strict=True):
        stepper.restore(state)
    return saved["extra"]


def train(
    model,
    loss_of,
    count,
    epochs=1.0,
    lr=5e-4,
    batch_size=64,
    accumulate=1,
    seed=0,
    weight_decay=0.0,
    clip=1.0,
    betas=(0.9, 0.98),
    dtype=None,
    checkpoint=None,
    checkpoint_every=200,
    key=None,
    label="training",
    hooks: Hooks = Hooks(),  # noqa: B008 (frozen)
):
    """Train on a fixed set of examples: epochs over batches, each one :class:`Stepper` step.

    ``loss_of(indices)`` returns (summed loss, number of terms) for a list of example indices; the
    step's loss is their ratio over the whole batch, however it is cut into ``accumulate`` parts.
    ``dtype`` float16 or bfloat16 turns on mixed precision on a GPU. With ``checkpoint`` (a file),
    the state is written every ``checkpoint_every`` steps and at the end, and an interrupted run
    goes on from it, to the same result for a model without dropout. The caller removes the file
    once the result is safe. ``key`` names the run: a checkpoint with another key is refused. Raises
    when the loss stops being a number. Returns a :class:`TrainingLog`.
    """
    require(count > 0, "nothing to train on: the selection is empty.")
    require(
        lr > 0 and batch_size >= 1 and accumulate >= 1 and epochs > 0,
        f"lr, batch_size, accumulate and epochs must be positive; got {lr}, {batch_size}, "
        f"{accumulate}, {epochs}.",
    )
    per_epoch = -(-count // batch_size)  # the last, smaller batch is kept
    steps = max(1, round(per_epoch * epochs))
    stepper, log, key = (
        Stepper(model, steps, lr, dtype, clip, betas, weight_decay),
        TrainingLog(),
        [key, steps, count],
    )
    before = load_checkpoint(checkpoint, key, stepper)
    model.train()
    with Account() as account, progress.bar(steps, label, "step") as bar:
        if before is not None:
            spent(before["account"])
            log = TrainingLog(**{**before, "account": None})
        started, earlier, order, epoch_seen = time.perf_counter(), log.seconds, None, -1
        bar.update(stepper.step_number)
        for step in range(stepper.step_number, steps):
            epoch, at = divmod(step, per_epoch)
            if epoch != epoch_seen:
                order, epoch_seen = order_of_epoch(count, epoch, seed), epoch
            hooks.before_step(step)
            loss, terms, facts = stepper.step(
                loss_of,
                in_parts(order[at * batch_size : (at + 1) * batch_size].tolist(), accumulate),
            )
            log.losses.append(loss)
            log.tokens += terms
            log.steps += [facts] if facts else []
            log.seconds = earlier + time.perf_counter() - started
            bar.update(1)
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            if checkpoint is not None and ((step + 1) % checkpoint_every == 0 or step + 1 == steps):
                # log.account is set at the end
                save_checkpoint(
                    checkpoint, key, {**vars(log), "account": account.to_dict()}, stepper
                )
            hooks.on_step(step + 1)
            if at == per_epoch - 1:
                hooks.on_epoch(epoch + 1)
    model.eval()
    log.account = account
    return log


def mean_facts(rows):
    """The mean of each fact over dictionaries with the same names; {} for none."""
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]} if rows else {}


def in_parts(items, parts):
    """``items`` dealt into at most ``parts`` lists, none empty."""
    return [items[k::parts] for k in range(parts) if items[k::parts]]
