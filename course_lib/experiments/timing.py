"""How long a long run will take, and what a stage of it took: parts of it timed, nothing lost.

A forecast needs a few parts of each stage, done as the long run will do them. Parts of the sampling
are kept where the long run looks for them, so they are done once. Steps of a training are thrown
away, being few and short.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sized
from pathlib import Path
from typing import Any

import torch

from ..base import Account, Hooks, read_json, require, write_json
from ..methods import Request, Stages, Training, finetune, sampled
from ..models import Policy


class _Enough(Exception):
    """Enough was timed."""


class _Found(Account):
    """An account that notes the seconds of each part that was found on disk."""

    def __enter__(self) -> "_Found":
        super().__enter__()
        self.parts: list[float] = []
        return self

    def add(self, other: Account | Mapping[str, Any]) -> None:
        counts = other.to_dict() if isinstance(other, Account) else other
        self.parts.append(counts["seconds"])
        super().add(other)


def timed_parts(
    policy: Policy, request: Request, stages: Stages, name: str, parts: int = 3
) -> list[float]:
    """Seconds of the first ``parts`` parts of a sampling, which are kept in ``stages``.

    Whoever calls :func:`~course_lib.methods.sampled` with the same policy, request, stages and name
    finds them there. Parts that are there already are not sampled again: they took what their
    accounts say. A finished sampling gives the mean of its parts. Raises
    :class:`~course_lib.base.CourseError` where there are not two parts to time.
    """
    count = -(-len(request.prompts) // request.prompts_a_part())
    require(
        min(parts, count) >= 2,
        f"at least 2 parts are timed, or there is no interval; got parts={parts} of {count}. "
        "Give the request a smaller part.",
    )
    made: list[float] = []
    started = 0.0

    def before() -> None:
        nonlocal started
        if len(found.parts) + len(made) >= parts:
            raise _Enough
        started = time.perf_counter()

    def after() -> None:
        made.append(time.perf_counter() - started)

    hooks = Hooks(before_part=before, on_part=after)
    with contextlib.suppress(_Enough), _Found() as found:
        sampled(policy, request, stages, name, hooks)
        if not made and len(found.parts) == 1:  # the whole was there
            return [found.parts[0] / count] * min(parts, count)
    return [*found.parts, *made][:parts]


def timed_steps(
    policy: Policy, replies: Any, settings: Training, steps: int = 4, **changes: Any
) -> list[float]:
    """Seconds of each of ``steps`` training steps, behind a first one that warms up.

    ``replies`` and ``changes`` are those of :func:`~course_lib.finetune`; the student is thrown
    away. Fewer steps where the whole training is shorter, and then the first one counts, too.
    """
    require(steps >= 2, f"at least 2 steps are timed, or there is no interval; got {steps}.")
    ends: list[float] = []

    def before(step: int) -> None:
        if step == 0:
            ends.append(_now(policy.device))

    def after(done: int) -> None:
        ends.append(_now(policy.device))
        if done == steps + 1:
            raise _Enough

    hooks = Hooks(before_step=before, on_step=after)
    with contextlib.suppress(_Enough):
        finetune(policy, replies, settings, hooks=hooks, **changes)
    seconds = [later - earlier for earlier, later in zip(ends, ends[1:], strict=False)]
    return seconds[1:] if len(seconds) > 2 else seconds


def training_steps(replies: int | Sized, settings: Training) -> int:
    """How many steps a training on so many replies, or on these, has."""
    count = replies if isinstance(replies, int) else len(replies)
    require(count > 0, f"there must be replies to train on; got {count}.")
    return max(1, round(-(-count // settings.batch_size) * settings.epochs))


def _now(device: torch.device) -> float:
    """The clock, when the GPU has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


class Ledger:
    """What the stages of a run really took.

    ``file``: where it is kept, so that a run which is interrupted and goes on has the whole.

    Attributes
    ----------
    seconds : stage → seconds of work; what was found finished on disk takes none.
    peak_gb : stage → the most memory that tensors had on the GPU, in GB; None without one, since
        the memory of a process on a CPU holds everything else, too, and cannot be compared.
    """

    def __init__(self, file: str | Path | None = None) -> None:
        self.file = None if file is None else Path(file)
        self.seconds: dict[str, float] = {}
        self.peak_gb: dict[str, float | None] = {}
        if self.file is not None and self.file.is_file():
            known = read_json(self.file)
            self.seconds, self.peak_gb = known["seconds"], known["peak_gb"]

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Enter what happens in the block under ``name``; a name may come several times."""
        started = time.perf_counter()
        account = Account()
        try:
            with account:
                yield
        finally:
            spent = time.perf_counter() - started
            self.seconds[name] = self.seconds.get(name, 0.0) + spent
            peak = account.peak_bytes / 1e9 if torch.cuda.is_available() else None
            before = self.peak_gb.get(name)
            most = peak if before is None or peak is None else max(before, peak)
            self.peak_gb[name] = most
            if self.file is not None:
                write_json(self.file, {"seconds": self.seconds, "peak_gb": self.peak_gb})
