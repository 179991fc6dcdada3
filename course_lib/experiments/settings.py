"""The one dial: everything that differs between machines and between runs, in one record.

``cpu`` is the bundled help desk. ``t4`` (15 GB, no native bfloat16) and ``big`` name models of the
Hugging Face Hub; they are downloaded on first use and were not run with their real weights when
this was written, only on tiny checkpoints of the same architectures.

A tier is a :class:`RunSettings`; so is lesson 09's job, made by :func:`job` from a tier: for a real
model on a GPU, or for a tiny stand-in on any machine. The stand-in has the architecture of the real
model (Qwen3) and the file format of the real data (GSM8K), so that every line of the loop is the
one a real run uses. Its size, its training and its problems are toys: three numbers below ten to
add up.

What this leaves out: downloading. Models come through ``transformers``; the GSM8K files are looked
for, never fetched.
"""

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import torch

from ..base import CourseError, key_of, require
from ..methods import FineTuning, Rounds, rounds_from
from ..models import Sampling
from ..pools import Keys
from .standin import make_standin

FEWEST_HELD_OUT = 16  # held-out prompts of a small run that did not ask for a number
PLACES = ("gsm8k", "data/gsm8k", "grade-school-math/grade_school_math/data", "drive/MyDrive/gsm8k")
MISSING = (
    "the GSM8K files train.jsonl and test.jsonl were not found. They are in the public repository "
    "openai/grade-school-math (MIT licence):\n"
    "  git clone --depth 1 https://github.com/openai/grade-school-math\n"
    "puts them into grade-school-math/grade_school_math/data, one of the places looked in. "
    'Or give the folder: find_gsm8k("FOLDER").'
)


@dataclass(frozen=True)
class RunSettings:
    """Settings of one run.

    Attributes
    ----------
    name : the tier: "cpu", "t4" or "big".
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
        for name in ("loop", "device"):
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
    def memory_mb(self) -> float:
        """Memory for the candidates in flight."""
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


def _loop(sampling: Sampling, **training: Any) -> Rounds:
    return Rounds(sampling=sampling, training=FineTuning(**training))


TIERS = {
    "cpu": RunSettings(
        name="cpu",
        world="helpdesk",
        policy="helpdesk/policy",
        reward="helpdesk/reward-8000",
        prompts=512,
        held_out=256,
        groups=4,
        loop=_loop(
            Sampling(n=16, temperature=1.0, max_tokens=96, memory_mb=384),
            epochs=3,
            lr=1e-3,
            batch_size=32,
            accumulate=1,
        ),
    ),
    "t4": RunSettings(
        name="t4",
        world="gsm8k",
        policy="Qwen/Qwen3-0.6B-Base",
        reward="Skywork/Skywork-Reward-V2-Qwen3-0.6B",
        prompts=256,
        held_out=512,
        groups=1,
        dtype="float16",
        loop=_loop(
            Sampling(n=16, temperature=0.8, max_tokens=320, memory_mb=6000),
            epochs=2,
            lr=1e-5,
            batch_size=32,
            accumulate=8,
        ),
    ),
    "big": RunSettings(
        name="big",
        world="gsm8k",
        policy="Qwen/Qwen3-0.6B-Base",
        reward="Skywork/Skywork-Reward-V2-Qwen3-0.6B",
        prompts=2048,
        held_out=512,
        groups=1,
        dtype="bfloat16",
        loop=_loop(
            Sampling(n=32, temperature=0.8, max_tokens=320, memory_mb=24000),
            epochs=2,
            lr=1e-5,
            batch_size=64,
            accumulate=4,
        ),
    ),
}


def detect() -> str:
    """The name of the tier this machine can run.

    By its GPU's memory and bfloat16 support, ``cpu`` without one.
    """
    if not torch.cuda.is_available():
        return "cpu"
    facts = torch.cuda.get_device_properties(0)
    return "big" if facts.total_memory >= 30 * 2**30 and facts.major >= 8 else "t4"


def tier(name: str | None = None) -> RunSettings:
    """The :class:`RunSettings` of the tier called ``name``, or of the one detected here."""
    name = name or detect()
    require(name in TIERS, f"no tier {name!r}; the tiers are: {', '.join(TIERS)}.")
    return TIERS[name]


def job(tier: RunSettings, folder: str | Path, data: str | Path | None = None) -> RunSettings:
    """What lesson 09 runs on a tier.

    On ``cpu`` the stand-in's problems and models are made in ``folder`` (some 20 seconds of
    training on two cores; found again if they are there). Otherwise the tier's own models from the
    hub, and the GSM8K files in ``data`` or where :func:`find_gsm8k` finds them.
    """
    if tier.name == "cpu":
        policy, reward, problems = make_standin(folder)
        sampling = Sampling(n=8, temperature=1.0, max_tokens=32, memory_mb=256)
        loop = _loop(sampling, epochs=2, lr=2e-3, batch_size=32, accumulate=1)
        return RunSettings(
            name="cpu",
            world="gsm8k",
            policy=policy,
            reward=reward,
            prompts=400,
            held_out=240,
            groups=8,
            loop=replace(loop, part=40),
            data=problems,
            shots=0,
        )
    sampling = replace(tier.sampling, stop=["\n\n", "<|endoftext|>"])
    part = max(1, tier.prompts // 16)
    return replace(
        tier,
        data=str(find_gsm8k(data)),
        shots=4,
        groups=8,
        loop=replace(tier.loop, sampling=sampling, part=part),
    )


def find_gsm8k(folder: str | Path | None = None) -> Path:
    """The folder with GSM8K's ``train.jsonl`` and ``test.jsonl`` (or ``.gz``).

    ``folder``, or the first of :data:`PLACES` below the working folder.
    """
    for place in [Path(folder)] if folder else [Path(p) for p in PLACES]:
        if all(_has(place, name) for name in ("train", "test")):
            return place
    if folder is None:
        raise CourseError(MISSING)
    raise CourseError(
        f"{folder} has no train.jsonl and test.jsonl. {MISSING[0].upper()}{MISSING[1:]}"
    )


def _has(place: Path, name: str) -> bool:
    return (place / f"{name}.jsonl").is_file() or (place / f"{name}.jsonl.gz").is_file()
