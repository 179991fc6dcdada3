"""What a plan is made of: the work, the machines, what is taken to be reached, and what comes out.

The arithmetic is in :mod:`~course_lib.scale.planning`.
"""

import math
from dataclasses import dataclass
from typing import Any

from ..base import number, require, whole
from .catalogue import Gpu, Model

USABLE = 0.9  # of a GPU's memory: libraries and pieces too small to use have the rest
IN_A_MACHINE = 8  # GPUs
NEVER = 2**20  # GPUs: not on any number of them


@dataclass(frozen=True)
class Work:
    """What is to be done.

    Attributes
    ----------
    prompts, n : how many, and candidates of each.
    tokens, prompt_tokens : of a reply and of a prompt, on average.
    keep : share of the candidates that is trained on; None is the best of each prompt, 1/n.
    epochs, batch_size : passes of training over them, and replies a step.
    lora : rank of the adapters that are trained in place of the weights; 0 trains all weights.
    distinct : share of the tokens that a reward model reads: equal replies are scored once.
    """

    prompts: int
    n: int = 16
    tokens: float = 512
    prompt_tokens: float = 100
    keep: float | None = None
    epochs: float = 1.0
    batch_size: int = 256
    lora: int = 0
    distinct: float = 1.0

    def __post_init__(self) -> None:
        whole(self.prompts, "prompts", 1)
        whole(self.n, "n, the candidates of a prompt,", 1)
        number(self.tokens, "tokens of a reply", 1)
        number(self.prompt_tokens, "prompt_tokens", 1)
        number(self.epochs, "epochs", 0)
        whole(self.batch_size, "batch_size, the replies of a training step,", 1)
        whole(self.lora, "lora, the rank of the adapters (0 trains all weights),", 0)
        require(number(self.distinct, "distinct", 0, 1) > 0, "distinct must be above 0.")
        if self.keep is not None:
            number(self.keep, "keep, the share of candidates that is trained on,", 0, 1)

    @property
    def replies(self) -> int:
        """Candidates of all prompts."""
        return self.prompts * self.n

    @property
    def kept(self) -> int:
        """Replies that are trained on."""
        return math.ceil(self.replies * (1 / self.n if self.keep is None else self.keep))

    @property
    def steps(self) -> float:
        """Training steps."""
        return math.ceil(self.kept / self.batch_size) * self.epochs


@dataclass(frozen=True)
class Efficiency:
    """What share of a limit is taken to be reached.

    Attributes
    ----------
    decode : of the memory's bandwidth, while tokens are drawn.
    read : of the operations, where tokens are only read: prompts, scoring.
    train : of the operations, in training, what is computed twice not counted.
    """

    decode: float = 0.5
    read: float = 0.4
    train: float = 0.35

    def __post_init__(self) -> None:
        for name in ("decode", "read", "train"):
            value = number(getattr(self, name), f"efficiency {name}", 0, 1)
            require(value > 0, f"efficiency {name} must be above 0; got {value:g}.")


@dataclass(frozen=True)
class Cards:
    """The GPUs of a job.

    Attributes
    ----------
    gpu, count : which, and how many.
    network : bytes a second that a GPU can send to other machines, its share of what the machine
        can send; None is the GPU's usual.
    """

    gpu: Gpu
    count: int = 1
    network: float | None = None

    def __post_init__(self) -> None:
        whole(self.count, "gpus", 1)
        if self.network is not None:
            sent = number(self.network, "network, in bytes a second,", 0)
            require(sent > 0, "network must be above 0.")

    @property
    def beyond(self) -> float:
        """Bytes a second that a GPU can send to other machines."""
        return self.network or self.gpu.network

    def between(self, gpus: int) -> float:
        """Bytes a second that a GPU can send, where so many add up or gather numbers together.

        They go from GPU to GPU, and from machine to machine once, by the connections of all GPUs
        of a machine: the slower of the two counts.
        """
        if gpus <= IN_A_MACHINE:
            return self.gpu.link
        machines = math.ceil(gpus / IN_A_MACHINE)
        return min(self.gpu.link, gpus // machines * self.beyond)

    @property
    def room(self) -> float:
        """Bytes of a GPU that a job can use."""
        return USABLE * self.gpu.memory


@dataclass(frozen=True)
class Stage:
    """One stage of a job.

    Attributes
    ----------
    name : "sample", "score" or "train".
    tokens : drawn, read by the reward model, or trained on.
    flops, moved : operations, and bytes moved in GPUs' memory, of all of it.
    seconds : wall-clock; None where a copy does not fit on all GPUs together.
    limit : seconds at the published limits.
    bound : what it waits for: "bytes", "operations" or "network"; "measured" at measured rates.
    gpus, each, least : in use, those that a copy is split over, and the fewest it fits on.
    parts : what is done one after another: batches, steps.
    memory : part → bytes on one GPU.
    """

    name: str
    tokens: float
    flops: float
    moved: float
    seconds: float | None
    limit: float
    bound: str
    gpus: int
    each: int
    least: int
    parts: int
    memory: dict[str, float]

    @property
    def copies(self) -> int:
        """Copies of the model on the GPUs in use."""
        return max(1, self.gpus // self.each)

    @property
    def hours(self) -> float | None:
        """GPU hours."""
        return None if self.seconds is None else self.seconds * self.gpus / 3600


@dataclass(frozen=True)
class Plan:
    """What a job will cost, see :func:`plan`.

    Attributes
    ----------
    model, reward, work, cards : what was asked; a reward of None is a function.
    stages : in their order.
    storage : format → bytes of the pool.
    moves : what moves between GPUs, machines and disks → bytes.
    assumed : (what, value, where it is from).
    """

    model: Model
    reward: Model | None
    work: Work
    cards: Cards
    stages: list[Stage]
    storage: dict[str, float]
    moves: dict[str, float]
    assumed: list[tuple[str, str, str]]

    @property
    def seconds(self) -> float | None:
        """Wall-clock of all stages, one after another; None where one does not fit."""
        every = [stage.seconds for stage in self.stages]
        return None if None in every else sum(every)

    @property
    def hours(self) -> float | None:
        """GPU hours: all GPUs are held for all of the time."""
        return None if self.seconds is None else self.seconds * self.cards.count / 3600

    @property
    def slowest(self) -> str:
        """The stage that takes longest, or the first that does not fit."""
        return max(self.stages, key=lambda s: math.inf if s.seconds is None else s.seconds).name

    @property
    def advice(self) -> list[str]:
        """What to change, a sentence each: where something does not fit, or GPUs wait."""
        found, there = [], self.cards.count
        for stage in self.stages:
            adapters = ", or --lora 16" if stage.name == "train" and not self.work.lora else ""
            if stage.least >= NEVER:
                found.append(
                    f"{stage.name} fits on no number of these GPUs. Take larger ones, shorter "
                    f"replies, a smaller model{adapters}."
                )
            elif stage.seconds is None:
                found.append(
                    f"{stage.name} does not fit: a copy needs {stage.least} of these GPUs and "
                    f"there are {there}. Take more, larger ones, a smaller model{adapters}."
                )
            elif stage.gpus < there:
                found.append(f"{stage.name} uses {stage.gpus} of {there} GPUs; the rest wait.")
            if stage.name != "train" and stage.seconds and stage.each > IN_A_MACHINE:
                found.append(
                    f"{stage.name} splits a copy over machines, which costs much more time than "
                    "is said here. Take larger GPUs."
                )
        if self.stages[-1].bound == "network":
            found.append(
                "training waits for the network: fewer GPUs cost less there, or take more replies "
                "a step (--batch-size)" + ("." if self.work.lora else ", or --lora.")
            )
        return found

    def stage(self, name: str) -> Stage:
        """The stage of that name."""
        return next(stage for stage in self.stages if stage.name == name)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        stages = {}
        for stage in self.stages:
            stages[stage.name] = {
                key: value for key, value in vars(stage).items() if key != "name"
            } | {"hours": stage.hours}
        return {
            "model": self.model.name,
            "reward": self.reward.name if self.reward else None,
            "gpu": self.cards.gpu.name,
            "gpus": self.cards.count,
            "seconds": self.seconds,
            "gpu_hours": self.hours,
            "slowest": self.slowest,
            "stages": stages,
            "storage": self.storage,
            "moves": self.moves,
            "advice": self.advice,
            "assumed": [
                {"what": what, "value": value, "from": source}
                for what, value, source in self.assumed
            ],
        }
