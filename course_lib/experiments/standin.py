"""The tiny stand-in of lessons 09a and 09b.

Problems in GSM8K's form, and a Qwen3 of 70,000 parameters trained on them.
"""

import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..base import atomic_write, require
from ..worlds import EASY, NAMES, THINGS, few_shot, in_words, steps_of, value_of

KIND, WORDING = "three", 2  # "Ann has 3 pens, Ben has 4 and Eva has 8. How many pens are there?"

LARGEST = 9

SPLITS = ("pretraining", "train", "test")


def is_held_out(numbers: Sequence[int]) -> bool:
    """A third of all sets of numbers, by a hash of the numbers in order of size.

    In **no** order do they occur outside the test file.
    """
    return hashlib.sha256(str(sorted(numbers)).encode()).digest()[0] % 3 == 0


def is_for_pretraining(question: str) -> bool:
    """Half of all questions, by a hash of the text: none is in "pretraining" and in "train"."""
    return hashlib.sha256(question.encode()).digest()[0] < 128


def sums(split: str, count: int, seed: int = 0) -> list[dict[str, str]]:
    """``count`` problems as ``{"question", "answer"}`` in GSM8K's form.

    ``split`` is "pretraining", "train" or "test". Questions of "test" hold other sets of numbers
    than the rest, each order once. The other two have different questions, whose numbers may
    coincide. The order of steps is drawn at random.
    """
    require(
        split in SPLITS,
        f"split must be pretraining, train or test; got {split!r}.",
    )
    test = split == "test"
    every = itertools.product(range(1, LARGEST + 1), repeat=3)
    triples = [numbers for numbers in every if is_held_out(numbers) == test]
    require(
        not test or count <= len(triples),
        f"there are {len(triples)} problems to test on; got {count}.",
    )
    rng = np.random.default_rng([seed, SPLITS.index(split)])
    order = rng.permutation(len(triples))
    rows: list[dict[str, str]] = []
    seen = set()
    while len(rows) < count:
        at = order[len(rows)] if test else rng.integers(len(triples))
        question = in_words(KIND, triples[at], rng, WORDING, kinds=EASY)
        if question in seen:
            continue
        if not test and is_for_pretraining(question) != (split == "pretraining"):
            continue
        seen.add(question)
        rows.append({"question": question, "answer": _solution(triples[at], rng)})
    return rows


def _solution(numbers: Sequence[int], rng: np.random.Generator) -> str:
    """A right solution in GSM8K's form; the order of its steps is drawn at random."""
    make, *_ = EASY[KIND]
    expression = make(*numbers)
    lines = [f"<<{a}{sign}{b}={c}>>{c}" for a, sign, b, c in steps_of(expression, rng)]
    return "\n".join([*lines, f"#### {value_of(expression)}"])


def write_sums(folder: Path | str, train: int = 800, test: int = 240, seed: int = 0) -> str:
    """Write ``train.jsonl`` and ``test.jsonl`` of :func:`sums` in GSM8K's own file format.

    Returns ``folder``.
    """
    for split, count in (("train", train), ("test", test)):
        with atomic_write(Path(folder) / f"{split}.jsonl", "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in sums(split, count, seed))
    return str(folder)


def make_problems(folder: Path | str, seed: int = 0) -> Path:
    """The stand-in's problems, written in ``folder`` unless they are there: their own folder."""
    data = Path(folder) / "sums"
    if not (data / "test.jsonl").is_file():
        write_sums(data, seed=seed)
    return data


def make_standin(
    folder: Path | str,
    count: int = 5000,
    epochs: float = 4,
    lr: float = 6e-3,
    width: int = 48,
    seed: int = 0,
) -> tuple[str, str, str]:
    """The tiny stand-in, made in ``folder`` unless it is there.

    Returns (policy folder, reward-model folder, data folder). The policy is a Qwen3 of some 70,000
    parameters trained on ``count`` solved sums: a stand-in for pretraining. At these settings about
    half of its replies are right, and most of those by true steps; with a third of the training it
    mostly guesses. The reward model is a Qwen3 sequence classifier on the same backbone whose head
    is **random**: it loads like a real one, and its scores are noise.
    """
    from ..methods import finetune
    from ..models import load_policy, new_reward_model, tiny_policy

    folder = Path(folder)
    policy_folder = folder / "tiny-qwen3"
    reward_folder = folder / "tiny-qwen3-reward"
    data = make_problems(folder, seed)
    if not (policy_folder / "config.json").is_file():
        rows = sums("pretraining", count, seed)
        prompts = few_shot([row["question"] for row in rows])
        replies = [f" {row['answer']}" for row in rows]
        pairs = list(zip(prompts, replies, strict=True))

        texts = [prompt + reply for prompt, reply in pairs]
        start = tiny_policy(
            [*texts, *NAMES, *THINGS],
            width=width,
            vocabulary=400,
            seed=seed,
        )
        start = replace(start, template="plain")
        policy = finetune(start, pairs, epochs=epochs, lr=lr, batch_size=16, seed=seed)
        policy.save(policy_folder)
    if not (reward_folder / "config.json").is_file():
        policy = load_policy(policy_folder, device="cpu", template="plain")
        new_reward_model(policy, seed=seed + 1).save(reward_folder)
    return str(policy_folder), str(reward_folder), str(data)
