"""The one dial: everything that differs between machines and between runs, in one record.

Which record fits a machine is said in ``tiers.py``; what lessons 09a and 09b make of it, in
``jobs.py``.
"""

from dataclasses import dataclass, field, fields, replace
from typing import Any

import torch

from ..base import key_of, no_key, require
from ..methods import FineTuning, Rounds, rounds_from
from ..models import Sampling
from ..pools import Keys

FEWEST_HELD_OUT = 16  # held-out prompts of a small run that did not ask for a number


@dataclass(frozen=True)
class RunSettings:
    """Settings of one run.

    Attributes
    ----------
    name : the tier, one of :data:`~course_lib.experiments.TIERS`.
    world : the world's name.
    policy, reward : folders among the bundled assets, other folders, or hub names.
    prompts, held_out : how many to train on, and to compare on.
    groups : replies served per held-out prompt; the base pool holds groups × n candidates.
    dtype : precision of sampling and of mixed-precision training on a GPU.
    loop : rounds, sampling and training.
    rule : the selection rule's name; None chooses by the reward.
    minimum : the least reward that ``threshold`` and ``distinct_paths`` keep; None is 1 for a
        verifier and must be given for another reward.
    template : "chat", or "plain" for prompts as bare text; None is what fits the policy.
    device : where to run; None takes cuda when there is one.
    skip_bad : leave out broken lines of a rollouts file instead of stopping.
    keys : what is what in a rollouts file, see :func:`~course_lib.pools.read_rollouts`.
    data : folder of the world's data.
    prompts_file : a file of one's own prompts, in the place of the world's.
    shots : solved examples before each question, in plain prompts; None is what fits the policy.
    lr_by_model : the learning rate follows from the size of a policy that is named, in place of the
        one in ``loop``.
    answers : how a verifier reads replies, "lenient" or "strict"; None is the world's own way.
    temperatures : each method is also shown at the best of these for serving; with one or none it
        is shown at the temperature of sampling only.
    choosing : how many prompts that temperature is chosen on.
    scratch : folder for the checkpoints of a training, gigabytes each; None is that of the stages.
        On this machine's own disk, where the stages are kept on a network drive.
    """

    name: str
    world: str
    policy: str
    reward: str
    prompts: int
    held_out: int
    groups: int
    dtype: str = "float32"
    loop: Rounds = field(default_factory=Rounds)
    rule: str | None = None
    minimum: float | None = None
    template: str | None = None
    device: str | None = None
    skip_bad: bool = False
    keys: Keys | None = None
    data: str | None = None
    prompts_file: str | None = None
    shots: int | None = None
    lr_by_model: bool = False
    answers: str | None = None
    temperatures: tuple[float, ...] = (1.0, 0.7, 0.5, 0.3, 0.1)
    choosing: int = 64
    scratch: str | None = no_key(None)

    def changed(self, **changes: Any) -> "RunSettings":
        """These settings with fields of their own, of the loop, or of its two steps replaced.

        What is None stays as it is. Asking for fewer prompts without saying how many are held out
        holds out fewer in proportion, so that a small run is small. Raises
        :class:`~course_lib.base.CourseError` for an unknown name.
        """
        changes = {name: value for name, value in changes.items() if value is not None}
        if "prompts" in changes and "held_out" not in changes:
            few = max(FEWEST_HELD_OUT, self.held_out * changes["prompts"] // self.prompts)
            changes["held_out"] = min(self.held_out, few)
            changes.setdefault("choosing", min(self.choosing, few))
        own = {f.name for f in fields(self)} - {"loop"}
        mine = {name: value for name, value in changes.items() if name in own}
        inner = {name: value for name, value in changes.items() if name not in own}
        return replace(self, loop=rounds_from(self.loop, inner), **mine)

    def check(self) -> None:
        """Raise :class:`~course_lib.base.CourseError` for values that no comparison can have."""
        n, seed, rounds = self.n, self.sampling.seed, self.loop.rounds
        require(
            n >= 1,
            f"n is the number of candidates per prompt and must be at least 1; got {n}.",
        )
        require(rounds >= 1, f"rounds must be at least 1; got {rounds}.")
        require(seed >= 0, f"seed must be a whole number from 0; got {seed}.")
        require(
            self.held_out >= 2,
            f"held-out prompts: at least 2 are needed for an interval; got {self.held_out}.",
        )
        require(
            self.temperature > 0,
            "temperature must be above 0 for this comparison, which needs different candidates; "
            f"got {self.temperature}.",
        )
        require(
            all(temperature > 0 for temperature in self.temperatures),
            "temperatures to choose among must be above 0; got "
            f"{', '.join(f'{t:g}' for t in self.temperatures)}.",
        )
        require(
            self.choosing >= 1,
            "choosing is the number of prompts a temperature is chosen on and must be at least "
            f"1; got {self.choosing}.",
        )

    def asked(self) -> dict[str, Any]:
        """All that may change a result, as plain data: what two runs must share to be one run."""
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        for name in ("loop", "device", "scratch"):
            del own[name]
        loop = {name: getattr(self.loop, name) for name in ("rounds", "start", "keep")}
        steps = {"sampling": key_of(self.sampling), "training": key_of(self.loop.training)}
        return {**own, **loop, **steps}

    @property
    def bundled(self) -> bool:
        """True when policy and reward model come with the package."""
        return self.policy.startswith("helpdesk/")

    @property
    def standin(self) -> bool:
        """True for a job on the tiny stand-in, see :func:`job`."""
        return self.name == "cpu" and self.world == "gsm8k"

    @property
    def sampling(self) -> Sampling:
        """Settings for :func:`~course_lib.models.sample`."""
        return self.loop.sampling

    @property
    def training(self) -> FineTuning:
        """Settings for :func:`~course_lib.methods.finetune`, in this run's precision."""
        dtype = None if self.dtype == "float32" else getattr(torch, self.dtype)
        return replace(self.loop.training, dtype=dtype)

    @property
    def n(self) -> int:
        """Candidates per prompt."""
        return self.sampling.n

    @property
    def temperature(self) -> float:
        """Temperature of sampling."""
        return self.sampling.temperature

    @property
    def temperatures_tried(self) -> tuple[float, ...]:
        """Those to choose among for serving, from high to low: that of sampling is one of them.

        That alone where nothing is to be chosen.
        """
        if len(self.temperatures) < 2:
            return (self.temperature,)
        return tuple(sorted({self.temperature, *self.temperatures}, reverse=True))

    @property
    def max_tokens(self) -> int:
        """Tokens of a response at most."""
        return self.sampling.max_tokens

    @property
    def memory_mb(self) -> float | None:
        """Memory for the candidates in flight; None is what fits."""
        return self.sampling.memory_mb

    @property
    def stop(self) -> Any:
        """What ends a reply, see :class:`~course_lib.models.Sampling`."""
        return self.sampling.stop

    @property
    def epochs(self) -> float:
        """Passes over what was selected."""
        return self.loop.training.epochs

    @property
    def part(self) -> int | None:
        """Prompts whose candidates are kept on disk together."""
        return self.loop.part

    @property
    def rows(self) -> int:
        """Candidates of a part: what is sampled and kept together."""
        return self.n * (self.part or self.prompts)

    def part_for(self, n: int) -> int:
        """Prompts of a part with ``n`` candidates each, as many candidates as a part of the
        sampling has: then a step of one takes about as long as a step of the other.
        """
        return max(1, self.rows // n)
