"""The tiny stand-in of lesson 09.

Problems in GSM8K's form, and a Qwen3 of 70,000 parameters trained on them.
"""

import hashlib
import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..base import atomic_write, require
from ..worlds import EASY, NAMES, THINGS, few_shot, in_words, steps_of, value_of

KIND, WORDING = "three", 2  # "Ann has 3 pens, Ben has 4 and Eva has 8. How many pens are there?"

LARGEST = 9


def is_held_out(numbers):
    """A third of all sets of numbers, by a hash of the numbers in order of size.

    In **no** order do they occur outside the test file.
    """
    return hashlib.sha256(str(sorted(numbers)).encode()).digest()[0] % 3 == 0


def sums(split, count, seed=0):
    """``count`` problems as ``{"question", "answer"}`` in GSM8K's form.

    ``split`` is "pretraining", "train" or "test". Questions of "test" hold other sets of numbers
    than the rest, each order once. The other two have different questions, whose numbers may
    coincide. The order of steps is drawn at random.
    """
    triples = [
        t
        for t in itertools.product(range(1, LARGEST + 1), repeat=3)
        if is_held_out(t) == (split == "test")
    ]
    require(
        split in ("pretraining", "train", "test"),
        f"split must be pretraining, train or test; got {split!r}.",
    )
    require(
        split != "test" or count <= len(triples),
        f"there are {len(triples)} problems to test on; got {count}.",
    )
    rng = np.random.default_rng([seed, ("pretraining", "train", "test").index(split)])
    order, rows, seen = rng.permutation(len(triples)), [], set()
    while len(rows) < count:
        numbers = triples[order[len(rows)] if split == "test" else rng.integers(len(triples))]
        question = in_words(KIND, numbers, rng, WORDING, kinds=EASY)
        # half of the questions for each, so that none is in both
        pretraining = hashlib.sha256(question.encode()).digest()[0] < 128
        if question in seen or (split != "test" and pretraining != (split == "pretraining")):
            continue
        seen.add(question)
        expression = EASY[KIND][0](*numbers)
        steps = [f"<<{a}{sign}{b}={c}>>{c}" for a, sign, b, c in steps_of(expression, rng)]
        rows.append(
            {"question": question, "answer": "\n".join([*steps, f"#### {value_of(expression)}"])}
        )
    return rows


def write_sums(folder, train=800, test=240, seed=0):
    """Write ``train.jsonl`` and ``test.jsonl`` of :func:`sums` into ``folder``, in GSM8K's own
    file format.
    """
    for split, count in (("train", train), ("test", test)):
        with atomic_write(Path(folder) / f"{split}.jsonl", "w") as file:
            file.writelines(json.dumps(row) + "\n" for row in sums(split, count, seed))
    return str(folder)


def make_standin(folder, count=5000, epochs=4, lr=6e-3, width=48, seed=0):
    """(policy folder, reward-model folder, data folder) of the tiny stand-in, made in ``folder``
    unless they are there.

    The policy is a Qwen3 of some 70,000 parameters trained on ``count`` solved sums: a stand-in for
    pretraining. At these settings about half of its replies are right, and most of those by true
    steps; with a third of the training it mostly guesses. The reward model is a Qwen3 sequence
    classifier on the same backbone whose head is **random**: it loads like a real one, and its
    scores are noise.
    """
    from ..methods import finetune
    from ..models import new_reward_model, tiny_policy

    folder = Path(folder)
    policy_folder, reward_folder, data = (
        folder / "tiny-qwen3",
        folder / "tiny-qwen3-reward",
        folder / "sums",
    )
    if not (data / "test.jsonl").is_file():
        write_sums(data, seed=seed)
    if not (policy_folder / "config.json").is_file():
        rows = sums("pretraining", count, seed)
        pairs = [
            (prompt, f" {row['answer']}")
            for prompt, row in zip(few_shot([row["question"] for row in rows]), rows, strict=True)
        ]
        start = replace(
            tiny_policy(
                [a + b for a, b in pairs] + [*NAMES, *THINGS],
                width=width,
                vocabulary=400,
                seed=seed,
            ),
            template="plain",
        )
        policy = finetune(start, pairs, epochs=epochs, lr=lr, batch_size=16, seed=seed)
        policy.save(policy_folder)
        new_reward_model(policy, seed=seed + 1).save(reward_folder)
    return str(policy_folder), str(reward_folder), str(data)
