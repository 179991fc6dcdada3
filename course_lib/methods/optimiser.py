"""The one optimiser of the library.

Reward models, fine-tuning and pretraining run through :func:`train`; online methods take single
steps.
"""

import contextlib
import itertools
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
from ..models import autocast, recomputing
from .parallel import check_equal, everyone, is_main, processes
from .precision import Masters, trained_weights, wants_masters
from .settings import Online, Training
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
    skipped : steps that changed nothing, as a gradient was not finite in float16. Their losses are
        among ``losses``, their tokens are not counted.
    """

    losses: list[float] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0
    steps: list[dict[str, float]] = field(default_factory=list)
    account: Account | None = None
    skipped: int = 0

    def add(self, done: tuple[float, int, dict[str, float]], skipped: int) -> None:
        """Write down what :meth:`Stepper.step` gave; ``skipped`` steps were left out by then."""
        loss, terms, facts = done
        self.losses.append(loss)
        self.tokens += 0 if skipped > self.skipped else terms
        self.skipped = skipped
        self.steps += [facts] if facts else []


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


class Idle(list):
    """A part that another process has too: it is read because all must, and counts for nothing."""


@dataclass(frozen=True)
class Share:
    """What one process tells the others of its parts of a step.

    Attributes
    ----------
    loss : their summed loss.
    terms : how many terms that has.
    facts : a dictionary a part.
    found : for each weight, whether they left a gradient.
    """

    loss: float
    terms: int
    facts: list[dict[str, float]]
    found: list[bool]


class Stepper:
    """AdamW with a schedule, clipping, accumulation, mixed precision and a checkpoint.

    One optimiser for every method. ``steps`` is the length of the whole run, which the schedule
    ``(step, steps, lr) -> rate`` needs. Of ``settings`` it reads lr, dtype, clip, betas and
    weight_decay; loops and batches are the caller's, and :meth:`close` once all is done. Among
    several processes (``parallel.py``) each gives :meth:`step` parts of its own.

    Attributes
    ----------
    step_number : steps that were made.
    skipped : steps that were not, as a gradient was not finite in float16.
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
        self.parameters = [weight for _, weight in trained_weights(model)]
        require(
            self.parameters,
            "no weight of the model can be trained: all have requires_grad=False. Load an adapter "
            "with is_trainable=True, or set requires_grad_(True) on the weights to train.",
        )
        self.device = self.parameters[0].device
        self.masters: Masters | None = None
        cut = processes().cut
        require(
            not cut or settings.dtype != torch.float16,
            "a model whose weights are cut up is trained in bfloat16 or float32, not in float16.",
        )
        if not cut and settings.dtype is not None and wants_masters(self.device, settings.dtype):
            self.masters = Masters(model, settings.dtype)
            self.parameters = self.masters.weights
        self.steps = steps
        self.settings = settings
        self.schedule = schedule
        self.step_number = self.skipped = 0
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

        ``loss_of`` returns (summed loss, terms) and may add a dictionary of facts, numbers or
        tensors of one. Returns (loss, terms, facts averaged over parts). Of several processes each
        has ``parts`` of its own, or none; sums and averages are over those of all.
        """
        shares = everyone(lambda: self._gradients(loss_of, parts))
        total = sum(share.loss for share in shares)
        terms = sum(share.terms for share in shares)
        if not np.isfinite(total):
            raise CourseError(
                f"the loss became {total} at step {self.step_number} of {self.steps}. Lower "
                f"the learning rate (it is {self.settings.lr}) or check the data for empty "
                "examples."
            )
        if len(shares) > 1 and not processes().cut:
            self._exchange([any(found) for found in zip(*(s.found for s in shares), strict=True)])
        self._update(terms)
        return total / terms, terms, mean_facts([row for share in shares for row in share.facts])

    def _gradients(self, loss_of: Callable, parts: Iterable) -> "Share":
        """Add up the gradients of ``parts``; what is to be told of them."""
        terms, losses, noted = 0, [], []
        # one context for all parts, so that weights are copied to half precision once a step
        with autocast(self.device, self.settings.dtype):
            for part in parts:
                loss, count, *facts = processes().read(self.model, loss_of, part)
                if isinstance(part, Idle):
                    loss, count, facts = 0.0 * loss, 0, []
                noted += facts
                terms += count
                losses.append(loss.detach())
                with torch.autocast(self.device.type, enabled=False):
                    self.scaler.scale(loss).backward()
        # read only now: a look at a number waits for the GPU
        facts = [{name: float(value) for name, value in row.items()} for row in noted]
        found = [weight.grad is not None for weight in self.parameters]
        return Share(sum(float(loss) for loss in losses), terms, facts, found)

    def _exchange(self, wanted: Sequence[bool]) -> None:
        """Sum gradients over all processes: those that some process has, so that all move alike."""
        gradients = []
        for weight in itertools.compress(self.parameters, wanted):
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            gradients.append(weight.grad)
        processes().summed(gradients)

    def _update(self, terms: int) -> None:
        """Move the weights by the gradients of a summed loss over ``terms`` terms."""
        self.scaler.unscale_(self.optimizer)
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        if gradients:
            # the sum becomes a mean, however the batch was cut into parts
            torch._foreach_div_(gradients, float(terms))
        if self.settings.clip:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.settings.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = self.schedule(self.step_number, self.steps, self.settings.lr)
        if self._optimised():
            self.step_number += 1
        else:
            self.skipped += 1
        if self.masters is not None:
            self.masters.spread()
        self.optimizer.zero_grad(set_to_none=True)

    def _optimised(self) -> bool:
        """Whether the optimiser made its step: a scaler lowers its scale where it did not."""
        before = self.scaler.get_scale()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return self.scaler.get_scale() >= before

    def several(
        self, loss_of: Callable, batches: Iterable[Sequence], accumulate: int = 1
    ) -> dict[str, float]:
        """One step for each of ``batches``, each in ``accumulate`` parts: mean loss and facts.

        No batch, no step: {}.
        """
        done = [self.step(loss_of, own_parts(batch, accumulate)) for batch in batches]
        return mean_facts([{"loss": loss, **facts} for loss, _, facts in done])

    def close(self) -> None:
        """Leave the trained weights in the model, in float32."""
        if self.masters is not None:
            self.masters.give_back()
            self.masters = None

    def state(self) -> dict[str, Any]:
        """Trained weights, buffers that are stored, optimiser state and step numbers.

        Weights that are not trained are the model's own.
        """
        whole = processes().whole
        names = [name for name, _ in trained_weights(self.model)]
        weights = dict(zip(names, self.parameters, strict=True))
        every = {name for name, _ in self.model.named_parameters(remove_duplicate=False)}
        stored = self.model.state_dict()
        return {
            "weights": {name: whole(weight.detach()) for name, weight in weights.items()},
            "buffers": {name: stored[name] for name in stored if name not in every},
            "optimizer": _moments(self.optimizer.state_dict(), lambda _, value: whole(value)),
            "scaler": self.scaler.state_dict(),
            "step": self.step_number,
            "skipped": self.skipped,
        }

    def told(self) -> list[float]:
        """Numbers that tell one state of the weights from another, and one run from another."""
        whole = processes().whole
        sums = [whole(weight.detach().sum(dtype=torch.float64)) for weight in self.parameters]
        return [self.step_number, self.steps, self.settings.lr, *map(float, sums)]

    @torch.no_grad()
    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""
        like = processes().like
        for weight, saved in zip(self.parameters, state["weights"].values(), strict=True):
            weight.copy_(like(saved, weight))
        self.model.load_state_dict(state["buffers"], strict=False)
        if self.masters is not None:
            self.masters.spread()
        moments = _moments(state["optimizer"], lambda i, value: like(value, self.parameters[i]))
        self.optimizer.load_state_dict(moments)
        self.scaler.load_state_dict(state["scaler"])
        self.step_number, self.skipped = state["step"], state["skipped"]


def _moments(state: dict[str, Any], of: Callable[[int, torch.Tensor], Any]) -> dict[str, Any]:
    """An optimiser's state with ``of(number of the weight, value)`` for each of its tensors."""
    moments = {
        i: {name: of(i, value) if value.dim() else value for name, value in values.items()}
        for i, values in state["state"].items()
    }
    return {**state, "state": moments}


def save_checkpoint(checkpoint: Checkpoint, extra: dict, *steppers: Stepper) -> None:
    """Write the state of ``steppers`` and ``extra`` (plain values) to one file, atomically.

    Of several processes the first writes it; any number can go on from it.
    """
    if not is_main() and not processes().cut:
        return
    states = [stepper.state() for stepper in steppers]
    if not is_main():
        return
    with atomic_write(checkpoint.path) as file:
        torch.save({"steppers": states, "key": checkpoint.key, "extra": extra}, file)


def load_checkpoint(checkpoint: Checkpoint | None, *steppers: Stepper) -> dict | None:
    """Go on from a checkpoint: its ``extra``, or None when there is none.

    A damaged one is said and counts as none. Raises :class:`~course_lib.base.CourseError` when it
    belongs to another run, or when several processes would not begin alike.
    """
    extra = _loaded(checkpoint, *steppers)
    if processes().size > 1:
        check_equal([stepper.told() for stepper in steppers], "weights and step")
    return extra


def _loaded(checkpoint: Checkpoint | None, *steppers: Stepper) -> dict | None:
    if checkpoint is None or not checkpoint.path.is_file():
        return None
    place = torch.device("cpu") if processes().cut else steppers[0].device
    saved = _read_checkpoint(checkpoint.path, place)
    if saved is None:
        warnings.warn(
            f"{checkpoint.path} is damaged (cut short or changed); the training begins again.",
            stacklevel=3,
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
    steps, but not after the last, and an interrupted run goes on from it, to the same result for a
    model without dropout. Raises when the loss stops being a number.
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
    with (
        Account() as account,
        contextlib.closing(stepper),
        recomputing(model, settings.recompute),
        progress.bar(steps, label, "step") as bar,
    ):
        if before is not None:
            spent(before["account"])
            log = TrainingLog(**{**before, "account": None})
        started, earlier = time.perf_counter(), log.seconds
        first = len(log.losses)
        bar.update(first)
        for step, batch in batches_from(first, steps, count, settings):
            hooks.before_step(step)
            log.add(stepper.step(loss_of, own_parts(batch, settings.accumulate)), stepper.skipped)
            log.seconds = earlier + time.perf_counter() - started
            bar.update(1)
            bar.set_postfix(loss=f"{log.losses[-1]:.3f}", refresh=False)
            done = step + 1
            if checkpoint is not None and is_due(done, steps, settings):
                # log.account is set at the end
                so_far = {**vars(log), "account": account.to_dict()}
                save_checkpoint(checkpoint, so_far, stepper)
            hooks.on_step(done)
            if done % per_epoch == 0:
                hooks.on_epoch(done // per_epoch)
    model.eval()
    log.account = account
    warn_of_skipped(log)
    return log


def is_due(done: int, steps: int, settings: Training | Online) -> bool:
    """Whether a checkpoint is written after ``done`` of ``steps``: never after the last.

    The result itself is about to be saved then.
    """
    return done % settings.checkpoint_every == 0 and done != steps


def warn_of_skipped(log: TrainingLog) -> None:
    """Say how many steps float16 left out, where there were any."""
    if log.skipped:
        warnings.warn(
            f"{log.skipped} of {len(log.losses)} steps changed nothing: a gradient was not finite "
            "in float16. A few at the start are usual; lower the learning rate if there are many.",
            stacklevel=3,
        )


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
    return {name: sum(float(row[name]) for row in rows) / len(rows) for name in rows[0]}


def own_parts(items: Sequence, accumulate: int) -> list:
    """This process's parts of ``items``, at most ``accumulate``; none where there is little.

    Where weights are cut up, all processes have equally many.
    """
    among = processes()
    if among.cut:
        accumulate = max(1, min(accumulate, len(items) // among.size))
    parts = in_parts(items, accumulate * among.size)[among.rank :: among.size]
    return [Idle(items[:1])] if among.cut and not parts else parts


def in_parts(items: Sequence, parts: int) -> list:
    """``items`` dealt into at most ``parts`` lists, none empty."""
    return [items[k::parts] for k in range(parts) if items[k::parts]]
