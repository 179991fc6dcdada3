"""What online methods share: sample a batch from the policy as it is now, score it, update, again.

Tensors are (R, T): R = P·N replies in prompt order, T tokens, ``mask`` True on response tokens, the
end token included.
"""

import contextlib
import functools
import inspect
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..base import Account, CourseError, Prompt, changed, hold, key_of, progress, require, spent
from ..models import (
    FunctionReward,
    Policy,
    Sampling,
    autocast,
    recomputing,
    response_losses,
    sample,
    score,
    token_logprobs,
)
from ..models.asking import checked_prompts
from ..pools import LENGTH, Pool
from .optimiser import (
    Checkpoint,
    Stepper,
    is_due,
    load_checkpoint,
    order_of_epoch,
    save_checkpoint,
)
from .parallel import everyone, processes, share
from .settings import Online
from .stages import fingerprint

SHOWN = ("reward", "kl", "length", "entropy", "clip_fraction")  # beside the progress bar
DROPS = re.compile("drop(out|_?path|$)|layer_?drop")  # attributes that are a dropout's probability


@dataclass
class Batch:
    """One step's replies, and log-probabilities in nats before the update."""

    pool: Pool
    examples: list  # R pairs (prompt ids, response ids): what the optimiser reads
    mask: torch.Tensor  # (R, T) bool
    old: torch.Tensor  # (R, T) log π_old, the policy that sampled
    reference: torch.Tensor  # (R, T) log π_ref
    rewards: torch.Tensor  # (P, N)

    @property
    def entropy(self) -> float:
        """−log π_old averaged over all tokens.

        An unbiased estimate, in nats a token, of the entropy of what the policy samples from.
        """
        return float(-self.old[self.mask].mean())

    @property
    def kl(self) -> torch.Tensor:
        """(R,) log π_old(y|x) − log π_ref(y|x).

        Its mean over replies estimates KL(π_old ‖ π_ref).
        """
        return (self.old - self.reference).sum(-1)


@dataclass
class OnlineLog:
    """A dictionary per step (reward, kl, length, no_signal, entropy, clip_fraction, loss, kept …).

    ``account`` is what the run cost.
    """

    steps: list[dict[str, float]] = field(default_factory=list)
    account: Account = field(default_factory=Account)

    def column(self, name: str) -> list[float]:
        """One fact of every step, as a list."""
        return [step[name] for step in self.steps]


def padded(rows: Sequence[torch.Tensor], width: int) -> torch.Tensor:
    """A list of float tensors as (R, width), zeros after each."""
    out = torch.zeros(len(rows), width)
    for line, row in zip(out, rows, strict=True):
        line[: len(row)] = row
    return out


def collect(
    student: Policy,
    reference: Policy,
    prompts: Sequence[Prompt],
    info: Sequence[dict],
    reward: Any,
    settings: Sampling = Sampling(n=8),
    dtype: torch.dtype | None = None,
    **changes: Any,
) -> Batch:
    """Sample replies from ``student``, score them, and look up their log-probabilities.

    Of several processes (``parallel.py``) each does so for some of the prompts, and all get the
    whole batch: the candidates are those of one process.
    """
    settings = changed(settings, changes)
    who = (student, reference, reward)

    def own() -> Batch | None:
        if processes().size == 1:
            return _collected(who, (prompts, info, 0), settings, dtype)
        at = share(len(prompts))
        some = slice(at.start, at.stop)
        asked = (prompts[some], info[some], at.start)
        return _collected(who, asked, settings, dtype) if at else None

    batch = _joined([part for part in everyone(own) if part is not None])
    check_finite(batch.rewards)
    return batch


def _joined(batches: Sequence[Batch]) -> Batch:
    """The batches of prompts in a row as one."""
    if len(batches) == 1:
        return batches[0]
    pool = Pool.concat([batch.pool for batch in batches])
    width = pool.tokens.shape[-1]
    old = [row for batch in batches for row in batch.old]
    reference = [row for batch in batches for row in batch.reference]
    return Batch(
        pool,
        [example for batch in batches for example in batch.examples],
        pool.tokens.flatten(0, 1) >= 0,
        padded(old, width),
        padded(reference, width),
        pool.rewards["reward"],
    )


def _collected(
    who: tuple[Policy, Policy, Any],
    asked: tuple[Sequence[Prompt], Sequence[dict], int],
    settings: Sampling,
    dtype: torch.dtype | None,
) -> Batch:
    """The batch of (prompts, their info, number of the first), by (student, reference, reward)."""
    student, reference, reward = who
    prompts, info, first = asked
    n, temperature = settings.n, settings.temperature
    with autocast(student.device, dtype):
        drawn = sample(student, prompts, settings, info=info, first_prompt=first)
        pool = score(drawn, finite_only(reward), "reward")
        ids = student.encode(prompts)
        tokens = pool.tokens.flatten(0, 1)  # (R, T), padded with -1
        mask = tokens >= 0
        responses = [row[keep].tolist() for row, keep in zip(tokens, mask, strict=True)]
        examples = [(ids[r // n], response) for r, response in enumerate(responses)]
        old = pool.sampling_logprobs.flatten(0, 1)
        # in half precision the sampler and the trainer round differently: take the trainer's
        # numbers
        if dtype is not None:
            old = padded(token_logprobs(student, examples, temperature), mask.shape[1])
        ref = padded(token_logprobs(reference, examples, temperature), mask.shape[1])
    return Batch(pool, examples, mask, old, ref, pool.rewards["reward"])


def now(
    student: Policy, batch: Batch, rows: Sequence[int], temperature: float = 1.0
) -> torch.Tensor:
    """log π_θ (r, T) of the replies ``rows`` under the policy being trained, with gradients.

    Zero off the mask.
    """
    losses, _, _ = response_losses(student, [batch.examples[r] for r in rows], temperature)  # (K,)
    mask = batch.mask[rows].to(losses.device)  # (r, T)
    return torch.zeros(mask.shape, device=losses.device).masked_scatter(mask, -losses)


def clipped(
    ratio: torch.Tensor, advantage: torch.Tensor, clip: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """PPO's pessimistic surrogate −min(ρA, clip(ρ, 1 − ε, 1 + ε)A), elementwise.

    Also where the clip took the gradient away (bool).
    """
    free = ratio * advantage
    bounded = ratio.clamp(1 - clip, 1 + clip) * advantage
    return -torch.minimum(free, bounded), (bounded < free).detach()


def identity(reward: Any) -> Any:
    """What tells one reward from another in a checkpoint's key.

    A model's weights, an ensemble's members, else where its function or class is defined, with its
    name, part and world. A function, wrapped or not, is also told by what it does: its code, its
    defaults and the plain values it holds.
    """
    if hasattr(reward, "members"):
        return [reward.how, reward.k, [identity(member) for member in reward.members]]
    if hasattr(reward, "tokenizer"):
        return reward
    if isinstance(reward, FunctionReward):
        return [type(reward).__qualname__, reward.name, identity(reward.function)]
    if isinstance(reward, functools.partial):
        given = [_constant(value) for value in (*reward.args, *sorted(reward.keywords.items()))]
        return ["partial", identity(reward.func), given]
    defined = reward if hasattr(reward, "__qualname__") else type(reward)
    world = getattr(getattr(reward, "world", None), "name", "")
    told = [getattr(reward, "name", ""), getattr(reward, "part", ""), world]
    if is_dataclass(reward) and not isinstance(reward, type):
        told += [_constant(getattr(reward, field.name)) for field in fields(reward)]
    return [defined.__module__, defined.__qualname__, *told, _code_of(defined)]


def _code_of(function: Any) -> list:
    """What a function of Python does, as plain values; [] for anything else."""
    function = getattr(function, "__func__", function)
    if not inspect.isfunction(function):
        return []
    held = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
    defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).items()]
    return [_constant(function.__code__), *map(_constant, defaults), *map(_constant, held)]


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:  # a name that has no value yet
        return False


def _constant(value: Any) -> Any:
    """A plain value, or the code of a function, the same in every process; else its type's name."""
    if inspect.isfunction(value):
        return [value.__module__, value.__qualname__, _constant(value.__code__)]
    if inspect.iscode(value):
        return [value.co_code.hex(), list(value.co_names), [*map(_constant, value.co_consts)]]
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    if isinstance(value, list | tuple):
        return [_constant(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str | bytes | complex):
        return repr(value)
    return type(value).__qualname__


def _silence(holder: Any, names: Sequence[str] = ()) -> None:
    """Set to 0 what ``holder`` has of ``names``, and each number that a dropout is named by."""
    for name, value in list(getattr(holder, "__dict__", {}).items()):
        if isinstance(value, float) and (name in names or DROPS.search(name)):
            setattr(holder, name, 0.0)


def student_of(policy: Policy) -> Policy:
    """A copy of ``policy`` to be trained.

    Float32, and without dropout, so that on fresh samples the importance ratio is 1 and a resumed
    run is the same run. Its configuration says so too.
    """
    student = policy.copy()
    student.model.float()
    for module in student.model.modules():
        drops = "Drop" in type(module).__name__
        _silence(module, ("p", "drop_prob") if drops else ())
        # many models keep the probability as a number, or read it from the configuration
        if hasattr(module, "config"):
            _silence(module.config)
    return student


def checked_info(info: Iterable[dict[str, Any]] | None, count: int) -> list[dict[str, Any]]:
    """``count`` dictionaries of facts, with numpy's numbers as Python's; empty ones for none.

    Raises :class:`~course_lib.base.CourseError` for another number of them, or anything else.
    """
    if info is None:
        return [{} for _ in range(count)]
    require(
        isinstance(info, Iterable) and not isinstance(info, str | bytes | Mapping),
        f"info must be a list of dictionaries, one a prompt; got one {type(info).__name__}.",
    )
    facts = list(info)
    require(
        len(facts) in (0, count),
        f"there are {count} prompts but {len(facts)} dictionaries of info; give one a prompt.",
    )
    for i, row in enumerate(facts):
        require(
            isinstance(row, Mapping),
            f"info {i} must be a dictionary; got {type(row).__name__}.",
        )
    return [_in_python(dict(row)) for row in facts] or [{} for _ in range(count)]


def _in_python(value: Any) -> Any:
    """``value`` with numpy's single numbers and texts as Python's own."""
    if isinstance(value, np.generic):
        return value.item()
    if type(value) in (list, tuple):
        return type(value)(map(_in_python, value))
    if type(value) is dict:
        return {_in_python(key): _in_python(item) for key, item in value.items()}
    return value


def check_plain(info: Sequence[dict[str, Any]]) -> None:
    """Raise :class:`~course_lib.base.CourseError` for facts that cannot be written to disk."""
    for i, row in enumerate(info):
        for name, value in row.items():
            try:
                json.dumps(value)
            except (TypeError, ValueError) as error:
                raise CourseError(
                    f"{name!r} in info {i} is {type(value).__name__}, which cannot be kept on "
                    "disk. Give numbers, texts, lists and dictionaries of them."
                ) from error


def check_finite(rewards: torch.Tensor) -> None:
    """Raise :class:`~course_lib.base.CourseError` for rewards (P, N) that cannot be compared."""
    bad = ~torch.isfinite(rewards)
    if bad.any():
        i, j = bad.nonzero()[0].tolist()
        raise CourseError(
            f"the reward gave {float(rewards[i, j])} for {int(bad.sum())} of {bad.numel()} "
            f"replies, first for reply {j} to prompt {i} of the step; it must give a finite number "
            "for each."
        )


def finite_only(reward: Any) -> Any:
    """``reward`` itself, or a function's with each value checked as it comes."""
    wrapped = type(reward) is FunctionReward
    if not wrapped and (not callable(reward) or hasattr(reward, "score_pool")):
        return reward
    function = reward.function if wrapped else reward

    def checked(prompt: Any, text: str, info: dict[str, Any]) -> float:
        value = function(prompt, text, info)
        try:
            good = not isinstance(value, str | bytes) and math.isfinite(value)
        except (TypeError, ValueError, RuntimeError):
            good = False
        require(
            good,
            f"the reward gave {repr(value)[:40]} for the reply {text[:60]!r}; it must give a "
            "finite number for every reply.",
        )
        return value

    return FunctionReward(checked, getattr(reward, "name", "reward"))


@dataclass
class Task:
    """Who takes part in an online run, and on which prompts."""

    student: Policy
    reference: Policy
    prompts: Sequence[Prompt]
    info: Sequence[dict] | None
    reward: Any

    def __post_init__(self) -> None:
        self.prompts = checked_prompts(self.prompts)
        self.info = checked_info(self.info, len(self.prompts))

    def held(self) -> dict[str, Any]:
        """The models in memory at once, by name."""
        return {
            "policy": self.student.model,
            "reference": self.reference.model,
            "reward": getattr(self.reward, "model", None),
        }

    def key(self, settings: Online) -> str:
        """What a checkpoint of this run is known by."""
        who = [self.student, self.reference, identity(self.reward)]
        what = [type(settings).__name__, key_of(settings)]
        info = checked_info(self.info, len(self.prompts))
        try:
            return fingerprint([who, list(self.prompts), info, what])
        except TypeError:
            check_plain(info)
            raise

    def prompts_of(self, step: int, settings: Online) -> list[int]:
        """Positions of a step's prompts: a function of (seed, step) alone."""
        width = min(settings.prompts_per_step, len(self.prompts))
        # the few left over differ from epoch to epoch, as the order does
        per_epoch = len(self.prompts) // width
        epoch, at = divmod(step, per_epoch)
        order = order_of_epoch(len(self.prompts), epoch, settings.seed)
        return order[at * width : (at + 1) * width].tolist()

    def collect(self, step: int, settings: Online) -> Batch:
        """The batch of a step."""
        chosen = self.prompts_of(step, settings)
        sampling = Sampling(
            n=settings.n,
            temperature=settings.temperature,
            max_tokens=settings.max_tokens,
            seed=(settings.seed << 24) + step,
        )
        prompts = [self.prompts[i] for i in chosen]
        info = [self.info[i] for i in chosen]
        return collect(
            self.student, self.reference, prompts, info, self.reward, sampling, settings.dtype
        )


def train_online(
    task: Task,
    settings: Online,
    update: Callable[[Batch, int], dict[str, float]],
    steppers: Sequence[Stepper],
    *,
    checkpoint: str | Path | None = None,
    label: str = "rlhf",
    held: dict[str, Any] | None = None,
) -> OnlineLog:
    """The loop of every online method.

    ``update(batch, step)`` changes the policy and returns facts for the log. ``steppers`` hold what
    is optimised; ``held`` names further models in memory. With ``token_budget`` it stops early,
    before the first step that finds so many response tokens sampled. With ``checkpoint`` (a file)
    an interrupted run goes on to the same result: each step's prompts and samples follow from
    (seed, step) alone.
    """
    require(
        not processes().cut,
        "online methods sample from the model they train, so each process must hold all of it; "
        "they do not run where weights are cut up (FSDP).",
    )
    steps, budget = settings.steps, settings.token_budget
    kept = None if checkpoint is None else Checkpoint(Path(checkpoint), task.key(settings))
    log = OnlineLog()
    before = load_checkpoint(kept, *steppers)
    if before is not None:
        log.steps = before["steps"]
    with log.account, _in_training(steppers, settings), progress.bar(steps, label, "step") as bar:
        spent(before and before["account"])
        hold(**task.held(), **(held or {}))
        bar.update(len(log.steps))
        for step in range(len(log.steps), steps):
            if _spent_all(log, budget):
                break
            batch = task.collect(step, settings)
            facts = {**_facts(batch), **update(batch, step)}
            log.steps.append(facts)
            bar.update(1)
            bar.set_postfix({name: f"{facts[name]:.2f}" for name in SHOWN}, refresh=False)
            going_on = not _spent_all(log, budget) and is_due(step + 1, steps, settings)
            if kept is not None and going_on:
                so_far = {"steps": log.steps, "account": log.account.to_dict()}
                save_checkpoint(kept, so_far, *steppers)
    task.student.model.eval()
    return log


@contextlib.contextmanager
def _in_training(steppers: Sequence[Stepper], settings: Online) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for stepper in steppers:
            stack.enter_context(contextlib.closing(stepper))
            stack.enter_context(recomputing(stepper.model, settings.recompute))
        yield


def _spent_all(log: OnlineLog, budget: int | None) -> bool:
    return budget is not None and log.account.tokens_sampled >= budget


def _facts(batch: Batch) -> dict[str, float]:
    """What the log says of every step; a method's own facts come on top."""
    return {
        "reward": float(batch.rewards.mean()),
        "kl": float(batch.kl.mean()),
        "length": float(batch.mask.sum(-1).float().mean()),
        "no_signal": no_signal(batch.rewards),
        "cut": float((batch.pool.finish == LENGTH).float().mean()),
        "entropy": batch.entropy,
        "clip_fraction": 0.0,
        "loss": 0.0,
    }


def no_signal(rewards: torch.Tensor) -> float:
    """The share of groups whose rewards (P, N) are all equal, so that none is better than another.

    A baseline made of the group then leaves no gradient. 0 where a group is one reply.
    """
    if rewards.shape[1] < 2:
        return 0.0
    return float((rewards.amax(1) == rewards.amin(1)).float().mean())


def minibatches(
    rows: Sequence[int], updates: int, size: int, step: int, seed: int
) -> Iterator[list[int]]:
    """Lists of row numbers: ``updates`` passes over ``rows`` in batches of ``size``.

    Each pass has its own order; where one batch holds all, they stay as they are.
    """
    for epoch in range(updates):
        order = list(rows)
        if size < len(rows):
            mixed = (seed * 1_000_003 + step) % 2**32
            order = [rows[k] for k in order_of_epoch(len(rows), epoch, mixed)]
        for at in range(0, len(order), size):
            yield order[at : at + size]
