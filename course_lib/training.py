"""The one optimiser loop of the library: reward models, fine-tuning and pretraining all run through :func:`train`."""

import math
import time
from dataclasses import dataclass, field

import numpy as np
import torch

from . import progress
from .errors import CourseError, require
from .files import atomic_write
from .policy import autocast


@dataclass
class TrainingLog:
    """What a training run did: loss per step, tokens trained on, seconds."""

    losses: list = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0


def order_of_epoch(count, epoch, seed):
    """The order of ``count`` examples in an epoch: a function of (seed, epoch) alone, so that a resumed run sees the same batches."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def rate(step, steps, lr, warmup=0.05):
    """Learning rate at a step: linear warm-up over the first 5 %, then a cosine down to a tenth."""
    if step < warmup * steps:
        return lr * (step + 1) / (warmup * steps + 1)
    done = (step - warmup * steps) / max(1.0, steps * (1 - warmup))
    return lr * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


def train(model, loss_of, count, epochs=1.0, lr=5e-4, batch_size=64, accumulate=1, seed=0, weight_decay=0.0, clip=1.0, betas=(0.9, 0.98),
          dtype=None, checkpoint=None, checkpoint_every=200, key=None, label="training"):
    """The one optimiser loop of the library: AdamW, warm-up and cosine, gradient clipping.

    ``loss_of(indices)`` returns (summed loss, number of terms) for a list of example indices; the step's loss is their
    ratio over the whole batch, however it is cut into ``accumulate`` parts. ``dtype`` float16 or bfloat16 turns on mixed
    precision on a GPU. With ``checkpoint`` (a file), the state is written every ``checkpoint_every`` steps and at the
    end, and an interrupted run goes on from it, to the same result for a model without dropout. The caller removes the file
    once the result is safe. ``key`` names the run: a checkpoint with another key is refused. Raises when the loss stops being a number.
    Returns a :class:`TrainingLog`.
    """
    require(count > 0, "nothing to train on: the selection is empty.")
    require(lr > 0 and batch_size >= 1 and accumulate >= 1 and epochs > 0, f"lr, batch_size, accumulate and epochs must be positive; got {lr}, {batch_size}, {accumulate}, {epochs}.")
    device = next(model.parameters()).device
    per_epoch = -(-count // batch_size)  # the last, smaller batch is kept
    steps = max(1, round(per_epoch * epochs))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=lr, betas=betas, weight_decay=weight_decay, fused=True)
    scaler = torch.amp.GradScaler(device.type, enabled=dtype == torch.float16 and device.type == "cuda")
    log, first = TrainingLog(), 0
    if checkpoint is not None and checkpoint.is_file():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        require(state["key"] == [key, steps, count], f"{checkpoint} is the checkpoint of another run (other data, settings or model). Delete it, or finish that run with its own settings.")
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        scaler.load_state_dict(state["scaler"])
        first, log.losses, log.tokens, log.seconds = state["step"], state["losses"], state["tokens"], state["seconds"]
    model.train()
    started, order, epoch_seen = time.perf_counter(), None, -1
    with progress.bar(steps, label, "step") as bar:
        bar.update(first)
        for step in range(first, steps):
            epoch, at = divmod(step, per_epoch)
            if epoch != epoch_seen:
                order, epoch_seen = order_of_epoch(count, epoch, seed), epoch
            batch = order[at * batch_size:(at + 1) * batch_size].tolist()
            parts = [batch[k::accumulate] for k in range(accumulate) if batch[k::accumulate]]
            terms, total = 0, 0.0
            for part in parts:
                with autocast(device, dtype):
                    loss, n = loss_of(part)
                terms, total = terms + n, total + float(loss.detach())
                scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            for p in model.parameters():
                if p.grad is not None:
                    p.grad.div_(terms)
            if not np.isfinite(total):
                raise CourseError(f"the loss became {total} at step {step} of {steps}. Lower the learning rate (it is {lr}) or check the data for empty examples.")
            if clip:
                torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
            for group in optimizer.param_groups:
                group["lr"] = rate(step, steps, lr)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad(set_to_none=True)
            log.losses.append(total / terms)
            log.tokens += terms
            bar.update(1)
            bar.set_postfix(loss=f"{total / terms:.3f}", refresh=False)
            if checkpoint is not None and ((step + 1) % checkpoint_every == 0 or step + 1 == steps):
                with atomic_write(checkpoint) as file:
                    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "scaler": scaler.state_dict(),
                                "step": step + 1, "losses": log.losses, "tokens": log.tokens, "key": [key, steps, count],
                                "seconds": log.seconds + time.perf_counter() - started}, file)
    model.eval()
    log.seconds += time.perf_counter() - started
    return log
