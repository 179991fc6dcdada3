"""What lesson 09 runs: one description of a job, filled in for a real model on a GPU or for a tiny stand-in on any machine.

The stand-in has the architecture of the real model (Qwen3) and the file format of the real data (GSM8K), so that every line of the loop is
the one a real run uses. Its size, its training and its problems are toys: three numbers below ten to add up.

What this leaves out: downloading. Models come through ``transformers``; the GSM8K files are looked for, never fetched.
"""

import hashlib
import itertools
import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .errors import CourseError, require
from .files import atomic_write
from .worlds.arithmetic import EASY, NAMES, THINGS, in_words, steps_of, value_of

KIND, WORDING = "three", 2   # "Ann has 3 pens, Ben has 4 and Eva has 8. How many pens are there?"
LARGEST = 9
PLACES = ("gsm8k", "data/gsm8k", "grade-school-math/grade_school_math/data", "drive/MyDrive/gsm8k")
MISSING = """the GSM8K files train.jsonl and test.jsonl were not found. They are in the public repository openai/grade-school-math (MIT licence):
  git clone --depth 1 https://github.com/openai/grade-school-math
puts them into grade-school-math/grade_school_math/data, one of the places looked in. Or give the folder: find_gsm8k("FOLDER")."""


@dataclass(frozen=True)
class Job:
    """Everything that differs between the stand-in and the real run.

    ``policy`` and ``reward`` are folders or hub names, ``data`` is a folder with ``train.jsonl`` and ``test.jsonl``. ``shots``: solved examples
    before each question. ``stop``: what ends a reply, see :func:`course_lib.sampling.sample`. ``groups``: candidates per held-out prompt.
    ``part``: prompts whose candidates are kept on disk together. ``dtype``: "float32", "float16" or "bfloat16".
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
        """Settings for :func:`~course_lib.sampling.sample`."""
        return {"n": self.n, "temperature": self.temperature, "max_tokens": self.max_tokens, "stop": self.stop, "memory_mb": self.memory_mb}

    @property
    def training(self):
        """Settings for :func:`~course_lib.finetuning.finetune`."""
        import torch
        dtype = None if self.dtype == "float32" else getattr(torch, self.dtype)
        return {"epochs": self.epochs, "lr": self.lr, "batch_size": self.batch_size, "accumulate": self.accumulate, "dtype": dtype}


def job(tier, folder, data=None):
    """The :class:`Job` of a :class:`~course_lib.tiers.Tier`.

    On ``cpu`` the stand-in's problems and models are made in ``folder`` (some 20 seconds of training on two cores; found again if they are
    there). Otherwise the tier's own models from the hub, and the GSM8K files in ``data`` or where :func:`find_gsm8k` finds them.
    """
    if tier.name == "cpu":
        policy, reward, problems = make_standin(folder)
        return Job("cpu", policy, reward, problems, shots=0, stop=None, n=8, prompts=400, held_out=240, groups=8, part=40, max_tokens=32, temperature=1.0,
                   dtype="float32", epochs=2, lr=2e-3, batch_size=32, accumulate=1, memory_mb=256)
    part = max(1, tier.prompts // 16)
    return Job(tier.name, tier.policy, tier.reward, str(find_gsm8k(data)), shots=4, stop=["\n\n", "<|endoftext|>"], n=tier.n, prompts=tier.prompts,
               held_out=tier.held_out, groups=8, part=part, max_tokens=tier.max_tokens, temperature=tier.temperature, dtype=tier.dtype, epochs=tier.epochs,
               lr=tier.lr, batch_size=tier.batch_size, accumulate=tier.accumulate, memory_mb=tier.memory_mb)


def find_gsm8k(folder=None):
    """The folder with GSM8K's ``train.jsonl`` and ``test.jsonl`` (or ``.gz``): ``folder``, or the first of :data:`PLACES` below the working folder."""
    for place in [Path(folder)] if folder else [Path(p) for p in PLACES]:
        if all((place / f"{name}.jsonl").is_file() or (place / f"{name}.jsonl.gz").is_file() for name in ("train", "test")):
            return place
    raise CourseError(MISSING if folder is None else f"{folder} has no train.jsonl and test.jsonl. {MISSING[0].upper()}{MISSING[1:]}")


def few_shot(questions, examples=()):
    """Plain-text prompts: the solved ``examples`` (pairs of question and solution), then each question, then ``Answer:``."""
    solved = "".join(f"Question: {question}\nAnswer: {solution}\n\n" for question, solution in examples)
    return [f"{solved}Question: {question}\nAnswer:" for question in questions]


# ---- the stand-in -----------------------------------------------------------------------------------------------------------


def is_held_out(numbers):
    """A third of all sets of numbers, by a hash of the numbers in order of size: in **no** order do they occur outside the test file."""
    return hashlib.sha256(str(sorted(numbers)).encode()).digest()[0] % 3 == 0


def sums(split, count, seed=0):
    """``count`` problems as ``{"question", "answer"}`` in GSM8K's form.

    ``split`` is "pretraining", "train" or "test". Questions of "test" hold other sets of numbers than the rest, each order once. The other two have
    different questions, whose numbers may coincide. The order of steps is drawn at random.
    """
    triples = [t for t in itertools.product(range(1, LARGEST + 1), repeat=3) if is_held_out(t) == (split == "test")]
    require(split in ("pretraining", "train", "test"), f"split must be pretraining, train or test; got {split!r}.")
    require(split != "test" or count <= len(triples), f"there are {len(triples)} problems to test on; got {count}.")
    rng = np.random.default_rng([seed, ("pretraining", "train", "test").index(split)])
    order, rows, seen = rng.permutation(len(triples)), [], set()
    while len(rows) < count:
        numbers = triples[order[len(rows)] if split == "test" else rng.integers(len(triples))]
        question = in_words(KIND, numbers, rng, WORDING, kinds=EASY)
        pretraining = hashlib.sha256(question.encode()).digest()[0] < 128  # half of the questions for each, so that none is in both
        if question in seen or (split != "test" and pretraining != (split == "pretraining")):
            continue
        seen.add(question)
        expression = EASY[KIND][0](*numbers)
        steps = [f"<<{a}{sign}{b}={c}>>{c}" for a, sign, b, c in steps_of(expression, rng)]
        rows.append({"question": question, "answer": "\n".join([*steps, f"#### {value_of(expression)}"])})
    return rows


def write_sums(folder, train=800, test=240, seed=0):
    """Write ``train.jsonl`` and ``test.jsonl`` of :func:`sums` into ``folder``, in GSM8K's own file format."""
    for split, count in (("train", train), ("test", test)):
        with atomic_write(Path(folder) / f"{split}.jsonl", "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in sums(split, count, seed))
    return str(folder)


def make_standin(folder, count=5000, epochs=4, lr=6e-3, width=48, seed=0):
    """(policy folder, reward-model folder, data folder) of the tiny stand-in, made in ``folder`` unless they are there.

    The policy is a Qwen3 of some 70,000 parameters trained on ``count`` solved sums: a stand-in for pretraining. At these
    settings about half of its replies are right, and most of those by true steps; with a third of the training it mostly guesses. The reward model is a Qwen3
    sequence classifier on the same backbone whose head is **random**: it loads like a real one, and its scores are noise.
    """
    from .finetuning import finetune
    from .reward import new_reward_model
    from .tiny import tiny_policy

    folder = Path(folder)
    policy_folder, reward_folder, data = folder / "tiny-qwen3", folder / "tiny-qwen3-reward", folder / "sums"
    if not (data / "test.jsonl").is_file():
        write_sums(data, seed=seed)
    if not (policy_folder / "config.json").is_file():
        rows = sums("pretraining", count, seed)
        pairs = [(prompt, f" {row['answer']}") for prompt, row in zip(few_shot([row["question"] for row in rows]), rows)]
        start = replace(tiny_policy([a + b for a, b in pairs] + [*NAMES, *THINGS], width=width, vocabulary=400, seed=seed), template="plain")
        policy = finetune(start, pairs, epochs=epochs, lr=lr, batch_size=16, seed=seed)
        policy.save(policy_folder)
        new_reward_model(policy, seed=seed + 1).save(reward_folder)
    return str(policy_folder), str(reward_folder), str(data)


# ---- a runtime that goes away ---------------------------------------------------------------------------------------------------


class Disconnected(RuntimeError):
    """The runtime is gone. Raised by :func:`disconnect`."""


def _places():
    """What is counted → where the function that does one of it lives: (object, name)."""
    from . import finetuning, training
    return {"sampling": (finetuning, "sample"), "training": (training.Stepper, "step")}


@contextmanager
def counting():
    """Inside the block, count the work really done: gives {"sampling": parts sampled, "training": steps trained}."""
    done, real = {"sampling": 0, "training": 0}, {what: (home, name, getattr(home, name)) for what, (home, name) in _places().items()}

    def counted(what, function):
        def call(*args, **kwargs):
            value = function(*args, **kwargs)
            done[what] += 1
            return value
        return call

    try:
        for what, (home, name, function) in real.items():
            setattr(home, name, counted(what, function))
        yield done
    finally:
        for home, name, function in real.values():
            setattr(home, name, function)


@contextmanager
def disconnect(during, after):
    """Inside the block, the runtime goes away: the call number ``after`` + 1 of "sampling" (one call a part) or "training" (one a step) raises.

    The exception is caught at the end of the block, which prints what happened. Nothing is cleaned up, as in a real crash.
    """
    require(during in ("sampling", "training"), f"during must be 'sampling' or 'training'; got {during!r}.")
    home, name = _places()[during]
    real, calls = getattr(home, name), itertools.count()

    def counted(*args, **kwargs):
        if next(calls) >= after:
            raise Disconnected
        return real(*args, **kwargs)

    setattr(home, name, counted)
    try:
        yield
        print("the block came to its end: nothing was interrupted")
    except Disconnected:
        print(f"disconnected during {during}, after {after} {'parts' if during == 'sampling' else 'steps'}")
    finally:
        setattr(home, name, real)
