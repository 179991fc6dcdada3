"""Before anything is downloaded: what a real run needs, against what there is.

Gigabytes to download and to store, the most memory of each stage, minutes of each stage. Every
number is arithmetic from the settings, the models' shapes and some assumptions, which stand beside
it. :func:`predicted_against_actual` holds them against what came.

What this leaves out: a colder machine, a slower network, a model that writes longer replies.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..assets import resolve
from ..base import require
from ..estimators import (
    GB,
    Savings,
    Shape,
    cache_bytes,
    in_gb,
    machine,
    sampling_memory,
    training_memory,
)
from ..models.loading import load_config
from ..models.projection import LARGE, ON_CPU, ON_LARGE_CARD, ON_SMALL_CARD
from ..models.room import CPU_MB, SHARE, SPARE
from .settings import RunSettings
from .timing import Ledger, training_steps

# of models whose configuration is not on this machine before they are downloaded
SHAPES = {
    "Qwen/Qwen3-0.6B-Base": Shape(28, 1024, 3072, 16, 8, 128),
    "Skywork/Skywork-Reward-V2-Qwen3-0.6B": Shape(28, 1024, 3072, 16, 8, 128),
    "Qwen/Qwen3-1.7B-Base": Shape(28, 2048, 6144, 16, 8, 128),
}
# as torch sees it, and about what Colab had beside it when this was written
COLAB_T4 = {"gpu": "Tesla T4", "gpu_memory_gb": 15.8, "memory_gb": 13.6, "disk_free_gb": 70.0}
LIBRARIES = 0.7  # GB of a card for CUDA itself, and for memory in pieces too small to use
QUESTION, SOLUTION = 80, 110  # tokens of GSM8K's, about
STANDIN = 40  # tokens of a stand-in's question
WRITTEN = 0.5  # of max_tokens: a mean reply
KEPT = 0.25  # of all replies: right, on a path of their own
SCORED = 16_384  # tokens that a reward model reads at once
JUDGED = 1000  # replies that a lesson shows it
TRAININGS = 3  # RFT, its control, the human solutions
TESTS = 12  # four policies at three temperatures


@dataclass(frozen=True)
class Pace:
    """What a machine is taken to do; nobody measured it there.

    Attributes
    ----------
    layer : seconds that a layer of a decoding step takes at least, however few the rows.
    moved : bytes a second.
    flops : operations a second, training or reading.
    fetched : bytes a second from the network.
    """

    layer: float
    moved: float
    flops: float
    fetched: float


PACES = {
    "cpu": Pace(0.4e-3, 5e9, 2e10, 20e6),
    "small": Pace(1.0e-3, 100e9, 5e12, 20e6),
    "t4": Pace(1.6e-3, 150e9, 6e12, 50e6),
    "mid": Pace(1.0e-3, 350e9, 25e12, 50e6),
    "big": Pace(0.8e-3, 900e9, 80e12, 50e6),
    "mps": Pace(1.5e-3, 80e9, 2e12, 20e6),
}


@dataclass(frozen=True)
class Preflight:
    """What a run needs.

    Attributes
    ----------
    work, have : the run's settings, and the machine as :func:`~course_lib.estimators.machine` says.
    memory : stage → {part: GB}.
    minutes : stage → minutes.
    download_gb, disk_gb : to fetch, and to store with it.
    assumed : what a number is made of, by stage or by "download" and "disk".
    """

    work: RunSettings
    have: Mapping[str, Any]
    memory: dict[str, dict[str, float]]
    minutes: dict[str, float]
    download_gb: float
    disk_gb: float
    assumed: dict[str, str]

    @property
    def peak_gb(self) -> dict[str, float]:
        """Stage → GB of all that is held at once."""
        return {stage: sum(parts.values()) for stage, parts in self.memory.items()}

    @property
    def room_gb(self) -> float:
        """GB there are for that: the card's without what its libraries take, or the machine's."""
        card = self.have["gpu_memory_gb"]
        return card - LIBRARIES if card else self.have["memory_gb"]

    @property
    def advice(self) -> list[str]:
        """What to change where something does not fit, a sentence each."""
        found = []
        room, disk = self.room_gb, self.have["disk_free_gb"]
        for stage, needed in self.peak_gb.items():
            if needed > room:
                change = _less(self, stage)
                found.append(f"{stage} needs {needed:.1f} GB and there are {room:.1f}: {change}.")
        if self.disk_gb > disk:
            found.append(
                f"{self.disk_gb:.1f} GB of disk are needed and {disk:.1f} are free: free some, or "
                "set scratch to a folder on a larger disk."
            )
        return found

    @property
    def fits(self) -> bool:
        """Whether memory and disk suffice."""
        return not self.advice

    def rows(self) -> list[tuple[str, str, str, str]]:
        """(what, needed, there is, assumed) for a table."""
        free = f"{self.have['disk_free_gb']:.0f} GB"
        rows = [
            ("download", _size(self.download_gb), "", self.assumed["download"]),
            ("disk", _size(self.disk_gb), free, self.assumed["disk"]),
        ]
        room = f"{self.room_gb:.1f} GB"
        for stage, needed in self.peak_gb.items():
            parts = sorted(self.memory[stage].items(), key=lambda part: -part[1])
            named = ", ".join(f"{name} {_size(size, '')}" for name, size in parts[:3])
            rows.append((f"memory, {stage}", _size(needed), room, named))
        for stage, minutes in self.minutes.items():
            rows.append((f"time, {stage}", _minutes(minutes), "", self.assumed[stage]))
        rows.append(("time together", _minutes(sum(self.minutes.values())), "", ""))
        return rows


def preflight(
    work: RunSettings,
    have: Mapping[str, Any] | None = None,
    trainings: int = TRAININGS,
    tests: int = TESTS,
) -> Preflight:
    """What ``work`` needs on a machine, see :class:`Preflight`. Nothing is downloaded.

    ``have``: what there is, as :func:`~course_lib.estimators.machine` says of this machine;
    :data:`COLAB_T4` is that of Colab's free GPU. ``trainings`` and ``tests`` are how many there
    are, a test for each policy and temperature. Raises :class:`~course_lib.base.CourseError` for a
    hub model whose shape is not known before it is there.
    """
    have = machine() if have is None else have
    require(
        {"gpu_memory_gb", "memory_gb", "disk_free_gb"} <= have.keys(),
        "have needs gpu_memory_gb, memory_gb and disk_free_gb, as machine() gives them; got "
        f"{', '.join(have) or 'nothing'}.",
    )
    plan = _Plan(work, dict(have), trainings, tests)
    download, why = plan.download()
    disk, of_what = plan.disk(download)
    assumed, minutes = {"download": why, "disk": of_what}, {}
    for stage, (seconds, words) in plan.times(download).items():
        minutes[stage] = seconds / 60
        assumed[stage] = words if stage != "download" else why
    memory = {stage: in_gb(parts) for stage, parts in plan.memory().items()}
    return Preflight(work, plan.have, memory, minutes, download, disk, assumed)


class _Plan:
    """The arithmetic of a preflight."""

    def __init__(self, work: RunSettings, have: dict[str, Any], trainings: int, tests: int) -> None:
        self.work, self.have, self.trainings, self.tests = work, have, trainings, tests
        self.pace = PACES.get(work.name, PACES["cpu"])
        self.policy, self.reward = shape_of(work.policy), shape_of(work.reward)
        self.precision = work.dtype if have["gpu_memory_gb"] else "float32"
        self.size = 4 if self.precision == "float32" else 2
        question = STANDIN if work.standin else QUESTION
        self.bare = question
        self.asked = question + (work.shots or 0) * (QUESTION + SOLUTION)
        self.reply = WRITTEN * work.max_tokens
        self.kept = max(1, round(KEPT * work.prompts * work.n))

    # ---- disk ----------------------------------------------------------------------------------

    def download(self) -> tuple[float, str]:
        """GB from the hub, and why."""
        hub = [name for name in (self.work.policy, self.work.reward) if is_hub(name)]
        if not hub:
            return 0.0, "nothing: the models are here"
        size = sum(2 * shape_of(name).parameters for name in hub) / GB
        rate = f"{self.pace.fetched / 1e6:.0f} MB a second"
        return size, f"policy and reward model, 2 bytes a parameter, at {rate}"

    def disk(self, download: float) -> tuple[float, str]:
        """GB in all, and why."""
        training, weights = self.work.training, self.policy.parameters
        learns = self.policy.adapter(training.lora) if training.lora else weights
        saved = self.size * (weights + self.trainings * learns) / GB
        steps = training_steps(self.kept, training)
        # the old one goes when the new one is whole
        files = 2 * 12 * learns / GB if steps > training.checkpoint_every else 0.0
        replies = self.work.prompts * self.work.n + self.tests * self.tested
        pools = 2 * 12 * replies * self.work.max_tokens / GB
        words = f"a copy of the policy, {self.trainings} students, pools"
        words += ", two checkpoints" if files else f"; {steps} steps are too few for checkpoints"
        return download + saved + files + pools, words

    # ---- memory --------------------------------------------------------------------------------

    @property
    def tested(self) -> int:
        """Replies of one test."""
        return self.work.held_out * self.work.groups

    def rows_at_once(self, n: int, asked: float) -> int:
        """Candidates side by side, ``n`` to a prompt of ``asked`` tokens, by the rules of models.

        As many as a budget of memory allows, in groups of prompts of like size; half of them where
        that turns out to be too many.
        """
        on_card = self.have["gpu_memory_gb"] > 0
        if self.work.memory_mb is not None:
            budget = self.work.memory_mb * 2**20
        elif on_card:
            held = self.size * self.policy.parameters / GB
            budget = SHARE * GB * max(0.0, self.have["gpu_memory_gb"] - LIBRARIES - held)
        else:
            budget = CPU_MB * 2**20
        row = SPARE["cuda" if on_card else "cpu"] * cache_bytes(
            self.policy, self.work.max_tokens, self.size
        )
        row += 16 * (self.policy.vocabulary + self.policy.hidden)
        most = max(1, int(budget / row))
        prompts = self.work.part_for(n)
        groups = -(-prompts // max(1, most // n))
        rows = min(n, most) * -(-prompts // groups)
        room = self.have["gpu_memory_gb"] - LIBRARIES
        while on_card and rows > 1 and sum(self.sampling(rows, n, asked).values()) > room * GB:
            rows //= 2
        return rows

    def sampling(self, rows: int, n: int, asked: float) -> dict[str, float]:
        """Bytes of sampling so many rows, ``n`` to a prompt of ``asked`` tokens."""
        tokens, prompts = self.work.max_tokens, -(-rows // n)
        return sampling_memory(self.policy, rows, tokens, prompts, int(asked), self.size)

    def memory(self) -> dict[str, dict[str, float]]:
        """Stage → {part: bytes} of what is held at once."""
        asked = self.asked  # the base policy sees the examples, in the test too
        sampling, test = (
            self.sampling(self.rows_at_once(n, asked), n, asked)
            for n in (self.work.n, self.work.groups)
        )
        scored = min(SCORED, JUDGED * (self.bare + self.reply))
        width = 3 * self.reward.intermediate + 4 * self.reward.hidden
        scoring = {
            "weights": float(self.size * self.reward.parameters),
            "reading": float(self.size * scored * width),
        }
        return {"sampling": sampling, "training": self.training(), "scoring": scoring, "test": test}

    def training(self, **changes: Any) -> dict[str, float]:
        """Bytes of a part of a training step, with settings changed."""
        training = replace(self.work.training, **changes)
        replies = -(-training.batch_size // training.accumulate)
        # the part that needs most has replies above the mean
        scored = replies * (self.reply + self.work.max_tokens) / 2
        tokens = scored + replies * self.bare
        savings = Savings(training.lora, training.recompute)
        return training_memory(
            self.policy,
            int(tokens),
            int(scored),
            savings,
            self.precision,
            logits_at_once=max(1, self.logits() // self.policy.vocabulary),
        )

    def logits(self) -> int:
        """Logits at once, by the rule of ``models/projection.py``."""
        card = self.have["gpu_memory_gb"] * GB
        if not card:
            return ON_CPU
        return ON_LARGE_CARD if card >= LARGE else ON_SMALL_CARD

    # ---- time ----------------------------------------------------------------------------------

    def step(self, rows: int, n: int, asked: float) -> float:
        """Seconds of a decoding step of ``rows`` rows, ``n`` to a prompt of ``asked`` tokens."""
        own = rows * self.reply
        stored = cache_bytes(self.policy, int(own + rows / n * asked), self.size)
        moved = self.size * self.policy.parameters + stored + 16 * rows * self.policy.vocabulary
        return self.policy.layers * self.pace.layer + moved / self.pace.moved

    def written(self, replies: int, n: int, asked: float) -> tuple[float, str]:
        """Seconds of sampling so many replies, and why."""
        part, rows = self.work.rows, self.rows_at_once(n, asked)
        steps = replies / part * -(-part // rows) * self.work.max_tokens
        step = self.step(rows, n, asked)
        reading = 2 * self.policy.parameters * replies / n * asked / self.pace.flops
        words = f"{steps:,.0f} steps of {1000 * step:.0f} ms, {rows} replies side by side"
        return steps * step + reading, words

    def times(self, download: float) -> dict[str, tuple[float, str]]:
        """Stage → (seconds, why)."""
        times = {
            "sampling": self.sampling_seconds(),
            "training": self.training_seconds(),
            "scoring": self.scoring_seconds(),
            "test": self.test_seconds(),
        }
        if download:
            times = {"download": (download * GB / self.pace.fetched, ""), **times}
        return times

    def sampling_seconds(self) -> tuple[float, str]:
        """Of all training prompts."""
        return self.written(self.work.prompts * self.work.n, self.work.n, self.asked)

    def test_seconds(self) -> tuple[float, str]:
        """Of every policy at every temperature; the base, one in four, sees the examples."""
        base = self.tests / 4
        shown, _ = self.written(round(base * self.tested), self.work.groups, self.asked)
        rest = round((self.tests - base) * self.tested)
        seconds, words = self.written(rest, self.work.groups, self.bare)
        return shown + seconds, f"{self.tests} tests of {self.tested:,} replies; students: {words}"

    def training_seconds(self) -> tuple[float, str]:
        """Of every student."""
        training = self.work.training
        tokens = self.kept * (self.bare + self.reply) * training.epochs * self.trainings
        each = (8 if training.recompute else 6) * self.policy.parameters
        rate = self.pace.flops
        words = (
            f"{self.trainings} × {training_steps(self.kept, training)} steps: {KEPT:.0%} of all "
            f"replies kept, {tokens:,.0f} tokens at {rate / each:,.0f} a second"
        )
        return each * tokens / rate, words

    def scoring_seconds(self) -> tuple[float, str]:
        """Of a reward model that reads some replies; a verifier takes none."""
        tokens = JUDGED * (self.bare + self.reply)
        words = f"a reward model reads {JUDGED:,} replies; the verifier takes no time"
        return 2 * self.reward.parameters * tokens / self.pace.flops, words


def _less(plan: Preflight, stage: str) -> str:
    """What would make a stage need less memory."""
    if stage in ("sampling", "test"):
        return "lower max_tokens, show fewer examples (shots), or take a smaller model"
    if stage == "scoring":
        return "give fewer or shorter replies, or take a smaller reward model"
    arithmetic = _Plan(plan.work, dict(plan.have), TRAININGS, TESTS)
    training = plan.work.training
    ways: dict[str, dict[str, Any]] = {
        "recompute=True": {"recompute": True},
        f"accumulate={training.batch_size}": {"accumulate": training.batch_size},
        f"recompute=True and accumulate={training.batch_size}": {
            "recompute": True,
            "accumulate": training.batch_size,
        },
        "lora=16": {"lora": 16},
        "lora=16 and recompute=True": {"lora": 16, "recompute": True},
    }
    for words, changes in ways.items():
        needed = sum(arithmetic.training(**changes).values()) / GB
        if needed <= plan.room_gb:
            return f"with {words} it needs {needed:.1f}"
    return "take a smaller model"


def shape_of(source: str) -> Shape:
    """The shape of the model at ``source``: a folder, a bundled one, or a known one of the hub."""
    if source in SHAPES:
        return SHAPES[source]
    folder = resolve(source)
    require(
        Path(folder).is_dir(),
        f"the shape of {source} is not known before it is downloaded. Known are "
        f"{', '.join(SHAPES)}, and every model in a folder: download it first.",
    )
    return Shape.of(load_config(str(folder)))


def is_hub(source: str) -> bool:
    """Whether a model is downloaded."""
    return source in SHAPES and not Path(source).is_dir()


def _size(gigabytes: float, unit: str = " GB") -> str:
    if 0 < gigabytes < 0.05:
        return f"{1000 * gigabytes:.1g} MB" if gigabytes < 0.001 else f"{1000 * gigabytes:.0f} MB"
    return f"{gigabytes:.1f}{unit}"


def _minutes(minutes: float) -> str:
    if minutes < 1:
        return "under a minute"
    return f"{minutes:.0f} minutes" if round(minutes) > 1 else "a minute"


def predicted_against_actual(
    plan: Preflight, ledger: Ledger, seconds: Mapping[str, float] | None = None
) -> list[tuple[str, ...]]:
    """(stage, GB predicted, GB actual, ratio, minutes predicted, actual, ratio) for a table.

    A ratio is actual divided by predicted. Without a GPU there is no actual memory: that of a
    process holds everything else, too. ``seconds``: better predictions of a stage's time than the
    plan's, such as those from its first parts.
    """
    rows = []
    for stage, spent in ledger.seconds.items():
        gigabytes, came = plan.peak_gb.get(stage), ledger.peak_gb.get(stage)
        minutes = plan.minutes.get(stage)
        if seconds is not None and stage in seconds:
            minutes = seconds[stage] / 60
        pairs = [*_pair(gigabytes, came, 2), *_pair(minutes, spent / 60, 2)]
        rows.append((stage, *pairs))
    return rows


def _pair(predicted: float | None, came: float | None, digits: int) -> tuple[str, str, str]:
    """Both numbers and the second divided by the first, as text; – for what there is not."""
    shown = ["–" if value is None else f"{value:.{digits}f}" for value in (predicted, came)]
    ratio = "–" if not predicted or came is None else f"{came / predicted:.2f}"
    return shown[0], shown[1], ratio
