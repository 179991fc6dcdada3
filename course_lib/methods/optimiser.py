"""The one optimiser of the library.

Reward models, fine-tuning and pretraining run through :func:`train`; online methods take single
steps.
"""

import math
import time
import warnings
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..base import (
    Account,
    CourseError,
    Hooks,
    atomic_write,
    changed,
    key_of,
    progress,
    require,
    spent,
)
from ..models import autocast
from .settings import Training
from .stages import fingerprint

WARMUP = 0.05  # share of the steps in which the learning rate rises


@dataclass
class TrainingLog:
    """What a training run did.

    Attributes
    ----------
    losses : loss of every step.
    tokens : terms of the loss that were trained on; for fine-tuning: tokens.
    seconds : wall-clock time, interruptions left out.
    steps : further facts of every step, where the loss gives any.
    account : what the run cost.
    """

    losses: list[float] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0
    steps: list[dict[str, float]] = field(default_factory=list)
    account: Account | None = None


@dataclass(frozen=True)
class Checkpoint:
    """A file for interrupted runs, and the ``key`` of the run it belongs to.

    The key says which model and data; :func:`train` adds its own settings. A checkpoint with
    another key is refused. Whoever calls removes the file once the result is
    safe.
    """

    path: Path
    key: str


def order_of_epoch(count: int, epoch: int, seed: int) -> np.ndarray:
    """The order of ``count`` examples in an epoch.

    A function of (seed, epoch) alone, so that a resumed run sees the same batches.
    """
    return np.random.default_rng([seed, epoch]).permutation(count)


def rate(step: int, steps: int, lr: float) -> float:
    """Learning rate at a step: linear warm-up over the first 5 %, then a cosine down to a tenth."""
    warmup = WARMUP * steps
    if step < warmup:
        return lr * (step + 1) / (warmup + 1)
    done = (step - warmup) / max(1.0, steps * (1 - WARMUP))
    falling = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
    return lr * (0.1 + 0.9 * falling)


def constant_rate(step: int, steps: int, lr: float) -> float:
    """Learning rate at a step: the same warm-up, then ``lr`` to the end."""
    return lr * min(1.0, (step + 1) / (WARMUP * steps + 1))


BY_NAME = {"cosine": rate, "constant": constant_rate}

Own = dict[str, torch.Tensor | torch.dtype]  # by name: a buffer as it was, a parameter's dtype


def to_float32(model: torch.nn.Module) -> Own:
    """Turn ``model`` into float32; what it was before, for :func:`to_own_precision`."""
    own: Own = {name: weight.dtype for name, weight in model.named_parameters()}
    own |= {name: buffer.detach().clone() for name, buffer in model.named_buffers()}
    model.float()
    return own


def to_own_precision(model: torch.nn.Module, own: Own) -> None:
    """Give every parameter and buffer of ``model`` the precision it had before training.

    One by one, as a model may mix them: float32 adapters on a base in half precision, or rotary
    frequencies, which are never in half precision.
    """
    for name, weight in model.named_parameters():
        weight.data = weight.data.to(own[name])
        weight.grad = None
    for name, buffer in model.named_buffers():
        before = own[name].to(buffer.device)
        same = before.shape == buffer.shape and torch.equal(before.to(buffer.dtype), buffer)
        buffer.data = before if same else buffer.data.to(before.dtype)


class Stepper:
    """AdamW with a schedule, clipping, accumulation, mixed precision and a checkpoint.

    One optimiser for every method. ``steps`` is the length of the whole run, which the schedule
    ``(step, steps, lr) -> rate`` needs. Of ``settings`` it reads lr, dtype, clip, betas and
    weight_decay; loops and batches are the caller's.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        steps: int,
        settings: Training,
        schedule: Callable[[int, int, float], float] = rate,
    ) -> None:
        require(
            settings.lr > 0 and steps >= 1,
            f"lr must be positive and steps at least 1; got {settings.lr} and {steps}.",
        )
        self.model = model
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        require(
            self.parameters,
            "no weight of the model can be trained: all have requires_grad=False. Load an adapter "
            "with is_trainable=True, or set requires_grad_(True) on the weights to train.",
        )
        self.device = self.parameters[0].device
        self.steps = steps
        self.settings = settings
        self.schedule = schedule
        self.step_number = 0
        self.optimizer = torch.optim.AdamW(
            self.parameters,
            lr=settings.lr,
            betas=settings.betas,
            weight_decay=settings.weight_decay,
            fused=True,
        )
        # losses are sums over a batch, so the scale starts lower than for means: from 65,536 the
        # first steps would overflow and be skipped
        half = settings.dtype == torch.float16 and self.device.type == "cuda"
        self.scaler = torch.amp.GradScaler(self.device.type, init_scale=64.0, enabled=half)

    def step(self, loss_of: Callable, parts: Iterable) -> tuple[float, int, dict[str, float]]:
        """One step on the sum of ``loss_of(part)`` over ``parts``, divided by the sum of terms.

        ``loss_of`` returns (summed loss, terms) and may add a dictionary of facts. Returns (loss,
        terms, facts averaged over parts).
        """
        terms, total, noted = 0, 0.0, []
        for part in parts:
            with autocast(self.device, self.settings.dtype):
                loss, count, *facts = loss_of(part)
            noted += facts
            terms += count
            total += float(loss.detach())
            self.scaler.scale(loss).backward()
        if not np.isfinite(total):
            raise CourseError(
                f"the loss became {total} at step {self.step_number} of {self.steps}. Lower "
                f"the learning rate (it is {self.settings.lr}) or check the data for empty "
                "examples."
            )
        self._update(terms)
        return total / terms, terms, mean_facts(noted)

    def _update(self, terms: int) -> None:
        """Move the weights by the gradients of a summed loss over ``terms`` terms."""
        self.scaler.unscale_(self.optimizer)
        for p in self.parameters:
            if p.grad is not None:
                p.grad.div_(terms)  # the sum becomes a mean, however the batch was cut into parts
        if self.settings.clip:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.settings.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule(self.step_number, self.steps, self.settings.lr)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.step_number += 1

    def several(
        self, loss_of: Callable, batches: Iterable[Sequence], accumulate: int = 1
    ) -> dict[str, float]:
        """One step for each of ``batches``, each in ``accumulate`` parts: mean loss and facts.

        No batch, no step: {}.
        """
        done = [self.step(loss_of, in_parts(batch, accumulate)) for batch in batches]
        return mean_facts([{"loss": loss, **facts} for loss, _, facts in done])

    def state(self) -> dict[str, Any]:
        """Weights, optimiser state and step number."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "step": self.step_number,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.step_number = state["step"]


def save_checkpoint(checkpoint: Checkpoint, extra: dict, *steppers: Stepper) -> None:
    """Write the state of ``steppers`` and ``extra`` (plain values) to one file, atomically."""
    states = [stepper.state() for stepper in steppers]
    with atomic_write(checkpoint.path) as file:
        torch.save({"steppers": states, "key": checkpoint.key, "extra": extra}, file)


def load_checkpoint(checkpoint: Checkpoint | None, *steppers: Stepper) -> dict | None:
    """Go on from a checkpoint: its ``extra``, or None when there is none.

    A damaged one is said and counts as none. Raises :class:`~course_lib.base.CourseError` when it
    belongs to another run.
    """
    if checkpoint is None or not checkpoint.path.is_file():
        return None
    saved = _read_checkpoint(checkpoint.path, steppers[0].device)
    if saved is None:
        warnings.warn(
            f"{checkpoint.path} is damaged (cut short or changed); the training begins again.",
            stacklevel=2,
        )
        return None
    require(
        saved["key"] == checkpoint.key,
        f"{checkpoint.path} is the checkpoint of another run (other data, settings or model). "
        "Delete it, or finish that run with its own settings.",
    )
    for stepper, state in zip(steppers, saved["steppers"], strict=True):
        stepper.restore(state)
    return saved["extra"]


def _read_checkpoint(path: Path, device: torch.device) -> dict | None:
    """What :func:`save_checkpoint` wrote; None when the file is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:  # torch itself does not look at the checksums
                return None
        saved = torch.load(path, map_location=device, weights_only=True)
        return saved if {"key", "steppers", "extra"} <= saved.keys() else None
    except Exception:  # a damaged file fails in any way
        return None


def train(
    model: torch.nn.Module,
    loss_of: Callable,
    count: int,
    settings: Training = Training(),
    *,
    checkpoint: Checkpoint | None = None,
    hooks: Hooks = Hooks(),
    label: str = "training",
    **changes: Any,
) -> TrainingLog:
    """Train on a fixed set of examples: epochs over batches, each one :class:`Stepper` step.

    ``loss_of(indices)`` returns (summed loss, number of terms) for a list of example indices; the
    step's loss is their ratio over the whole batch, however it is cut into parts. ``changes`` are
    fields of ``settings``. With ``checkpoint``, the state is written every ``checkpoint_every``
    steps and at the end, and an interrupted run goes on from it, to the same result for a model
    without dropout. Raises when the loss stops being a number.
    """
    settings = changed(settings, changes).normal()
    require(count > 0, "nothing to train on: the selection is empty.")
    per_epoch = -(-count // settings.batch_size)  # the last, smaller batch is kept
    steps = max(1, round(per_epoch * settings.epochs))
    stepper, log = Stepper(model, steps, settings), TrainingLog()
    if checkpoint is not None:
        whole = fingerprint([checkpoint.key, steps, count, key_of(settings)])
        checkpoint = replace(checkpoint, key=whole)
    before = load_checkpoint(checkpoint, stepper)
    model.train()
    with Account() as account, progress.bar(steps, label, "step") as bar:
        if before is not None:
            spent(before["account"])
            log = TrainingLog(**{**before, "account": None})
        started, earlier = time.perf_counter(), log.seconds
        bar.update(stepper.step_number)
        for step, batch in batches_from(stepper.step_number, steps, count, settings):
            hooks.before_step(step)
            loss, terms, facts = stepper.step(loss_of, in_parts(batch, settings.accumulate))
            log.losses.append(loss)
            log.tokens += terms
            log.steps += [facts] if facts else []
            log.seconds = earlier + time.perf_counter() - started
            bar.update(1)
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            done = step + 1
            due = done % settings.checkpoint_every == 0 or done == steps
            if checkpoint is not None and due:
                # log.account is set at the end
                so_far = {**vars(log), "account": account.to_dict()}
                save_checkpoint(checkpoint, so_far, stepper)
            hooks.on_step(done)
            if done % per_epoch == 0:
                hooks.on_epoch(done // per_epoch)
    model.eval()
    log.account = account
    return log


def batches_from(
    first: int, steps: int, count: int, settings: Training
) -> Iterable[tuple[int, list[int]]]:
    """(step, example indices) of every step from ``first`` on."""
    size = settings.batch_size
    per_epoch = -(-count // size)
    order, order_is_of = np.empty(0, dtype=int), -1
    for step in range(first, steps):
        epoch, at = divmod(step, per_epoch)
        if epoch != order_is_of:
            order, order_is_of = order_of_epoch(count, epoch, settings.seed), epoch
        yield step, order[at * size : (at + 1) * size].tolist()


def mean_facts(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """The mean of each fact over dictionaries with the same names; {} for none."""
    if not rows:
        return {}
    return {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}


def in_parts(items: Sequence, parts: int) -> list:
    """``items`` dealt into at most ``parts`` lists, none empty."""
    return [items[k::parts] for k in range(parts) if items[k::parts]]
