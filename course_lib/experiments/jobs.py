"""What lesson 09 runs: one description of a job, filled in for a real model on a GPU or for a tiny
stand-in on any machine.

The stand-in has the architecture of the real model (Qwen3) and the file format of the real data
(GSM8K), so that every line of the loop is the one a real run uses. Its size, its training and its
problems are toys: three numbers below ten to add up.

What this leaves out: downloading. Models come through ``transformers``; the GSM8K files are looked
for, never fetched.
"""

from dataclasses import dataclass
from pathlib import Path

from ..base import CourseError
from .standin import make_standin

PLACES = ("gsm8k", "data/gsm8k", "grade-school-math/grade_school_math/data", "drive/MyDrive/gsm8k")

MISSING = """the GSM8K files train.jsonl and test.jsonl were not found. They are in the public repository openai/grade-school-math (MIT licence):
  git clone --depth 1 https://github.com/openai/grade-school-math
puts them into grade-school-math/grade_school_math/data, one of the places looked in. Or give the folder: find_gsm8k("FOLDER")."""


@dataclass(frozen=True)
class Job:
    """Everything that differs between the stand-in and the real run.

    ``policy`` and ``reward`` are folders or hub names, ``data`` is a folder with ``train.jsonl``
    and ``test.jsonl``. ``shots``: solved examples before each question. ``stop``: what ends a
    reply, see :func:`course_lib.models.sample`. ``groups``: candidates per held-out prompt.
    ``part``: prompts whose candidates are kept on disk together. ``dtype``: "float32", "float16" or
    "bfloat16".
    """

    name: str
    policy: str
    reward: str
    data: str
    shots: int
    stop: list | None
    n: int
    prompts: int
    held_out: int
    groups: int
    part: int
    max_tokens: int
    temperature: float
    dtype: str
    epochs: float
    lr: float
    batch_size: int
    accumulate: int
    memory_mb: int

    @property
    def standin(self):
        """True when this is the tiny stand-in."""
        return self.name == "cpu"

    @property
    def sampling(self):
        """Settings for :func:`~course_lib.models.sample`."""
        return {
            "n": self.n,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "stop": self.stop,
            "memory_mb": self.memory_mb,
        }

    @property
    def training(self):
        """Settings for :func:`~course_lib.methods.finetune`."""
        import torch

        dtype = None if self.dtype == "float32" else getattr(torch, self.dtype)
        return {
            "epochs": self.epochs,
            "lr": self.lr,
            "batch_size": self.batch_size,
            "accumulate": self.accumulate,
            "dtype": dtype,
        }


def job(tier, folder, data=None):
    """The :class:`Job` of a :class:`~course_lib.experiments.tiers.Tier`.

    On ``cpu`` the stand-in's problems and models are made in ``folder`` (some 20 seconds of
    training on two cores; found again if they are there). Otherwise the tier's own models from the
    hub, and the GSM8K files in ``data`` or where :func:`find_gsm8k` finds them.
    """
    if tier.name == "cpu":
        policy, reward, problems = make_standin(folder)
        return Job(
            "cpu",
            policy,
            reward,
            problems,
            shots=0,
            stop=None,
            n=8,
            prompts=400,
            held_out=240,
            groups=8,
            part=40,
            max_tokens=32,
            temperature=1.0,
            dtype="float32",
            epochs=2,
            lr=2e-3,
            batch_size=32,
            accumulate=1,
            memory_mb=256,
        )
    part = max(1, tier.prompts // 16)
    return Job(
        tier.name,
        tier.policy,
        tier.reward,
        str(find_gsm8k(data)),
        shots=4,
        stop=["\n\n", "<|endoftext|>"],
        n=tier.n,
        prompts=tier.prompts,
        held_out=tier.held_out,
        groups=8,
        part=part,
        max_tokens=tier.max_tokens,
        temperature=tier.temperature,
        dtype=tier.dtype,
        epochs=tier.epochs,
        lr=tier.lr,
        batch_size=tier.batch_size,
        accumulate=tier.accumulate,
        memory_mb=tier.memory_mb,
    )


def find_gsm8k(folder=None):
    """The folder with GSM8K's ``train.jsonl`` and ``test.jsonl`` (or ``.gz``).

    ``folder``, or the first of :data:`PLACES` below the working folder.
    """
    for place in [Path(folder)] if folder else [Path(p) for p in PLACES]:
        if all(
            (place / f"{name}.jsonl").is_file() or (place / f"{name}.jsonl.gz").is_file()
            for name in ("train", "test")
        ):
            return place
    raise CourseError(
        MISSING
        if folder is None
        else f"{folder} has no train.jsonl and test.jsonl. {MISSING[0].upper()}{MISSING[1:]}"
    )
