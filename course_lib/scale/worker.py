"""What a worker does with each part of a job: sample, score, write. It holds the models."""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..methods import Span, keep_part
from ..models import Policy, Reward, Sampling, sample, score
from ..pools import Pool
from .prompts import Source

Facts = dict[str, Any]  # of a finished part: "prompts", "replies", "tokens"


@dataclass(frozen=True)
class Steps:
    """What is done with every part of a job. It travels to the workers, and is small.

    Attributes
    ----------
    folder : where the parts are written, see :func:`~course_lib.methods.keep_part`.
    prompts : where prompts come from.
    policy : gives the policy, called once a worker.
    sampling : how candidates are drawn.
    reward, name : gives the reward, and what it is called in the pool; None scores nothing.
    pools : in place of the first three, where replies are there already: their pool by span.
    """

    folder: Path
    prompts: Source | None = None
    policy: Callable[[], Policy] | None = None
    sampling: Sampling = Sampling()
    reward: Callable[[], Reward] | None = None
    name: str | None = None
    pools: Callable[[Span], Pool] | None = None

    def __call__(self) -> "Worker":
        """A worker, its models loaded."""
        return Worker(self)


class Worker:
    """A process's policy and reward, and the making of parts."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.policy = None if steps.policy is None else steps.policy()
        self.reward = None if steps.reward is None else steps.reward()

    def __call__(self, span: Span) -> Facts:
        """Make the part ``span``, or find it made; what it holds."""
        pool = keep_part(self.steps.folder, span, self.make)
        return facts_of(pool)

    def make(self, start: int, stop: int) -> Pool:
        """The pool of the prompts from ``start`` to ``stop``."""
        steps = self.steps
        if steps.pools is not None:
            pool = steps.pools((start, stop))
        else:
            assert steps.prompts is not None and self.policy is not None
            prompts, info = steps.prompts.part((start, stop))
            pool = sample(self.policy, prompts, steps.sampling, info=info, first_prompt=start)
        if self.reward is not None:
            pool = score(pool, self.reward, steps.name)
        return pool


def facts_of(pool: Pool) -> Facts:
    """What a bar needs to know of a part."""
    replies, tokens = int(pool.present.sum()), int(pool.lengths.sum())
    return {"prompts": pool.P, "replies": replies, "tokens": tokens}


class Work(Protocol):
    """What makes a part: a :class:`Worker`, once it is started."""

    def __call__(self, span: Span) -> Facts:
        """Make the part ``span``."""


class Engine(Protocol):
    """Who makes parts: gives the facts of each as it is done, in any order."""

    def __call__(self, start: Callable[[], Work], spans: Sequence[Span]) -> Iterable[Facts]:
        """Have workers made by ``start`` make the parts ``spans``."""


def here(start: Callable[[], Work], spans: Sequence[Span]) -> Iterator[Facts]:
    """The engine of this process alone."""
    work = start()
    for span in spans:
        yield work(span)


class Shipped:
    """A policy or reward that is in memory, to be sent to workers: they call it to have it.

    Its weights travel in the computer's memory and go back to the kind of device they were on.
    """

    def __init__(self, thing: Any) -> None:
        model = getattr(thing, "model", None)
        self.device = "cpu" if model is None else next(model.parameters()).device.type
        self.thing = thing
        if self.device != "cpu":
            self.thing = copy.copy(thing)
            self.thing.model = copy.deepcopy(model).to("cpu")

    def __call__(self) -> Any:
        """The thing itself, on its device."""
        if self.device != "cpu":
            self.thing.model.to(self.device)
        return self.thing
