"""What tests/scale/test_accelerated.py runs in one process and in two: small trainings.

accelerate launch … trained_together.py FOLDER whole|cut
"""

import os
import signal
import sys
from pathlib import Path

import torch

from course_lib.base import Hooks
from course_lib.methods import FineTuning, finetune, grpo, is_main, train_reward_model
from course_lib.models import projection, tiny_policy
from course_lib.scale.accelerated import joined

PROMPTS = ["How do I reset my password?", "Hi.", "What is two plus two?", "Tell me about the sea"]
PAIRS = [(PROMPTS[k % 4], "a word or more " * (1 + k % 5)) for k in range(13)]
WEIGHTS = [0.5 + k % 3 for k in range(13)]
# 13 = 3 × 4 + 1: the last batch of an epoch is one reply, and one process has none of it
TRAINING = FineTuning(epochs=3.0, lr=3e-3, batch_size=4, accumulate=2, checkpoint_every=5)
COMPARISONS = [
    {"prompt": PROMPTS[k % 4], "chosen": "a long answer " * (2 + k % 3), "rejected": "no " * k}
    for k in range(11)
]


class Stopped(Exception):
    pass


def stop(step):
    if step == 7:
        raise Stopped


def length(prompt, text, info):
    return float(len(text) % 7)


def policy():
    return tiny_policy([*PROMPTS, "a word or more"], width=32, vocabulary=300)


def tuned(checkpoint=None):
    student = finetune(policy(), PAIRS, TRAINING, weights=WEIGHTS, checkpoint=checkpoint)
    return student.training_log.losses, weights_of(student)


def rewarding():
    how = {"epochs": 3.0, "lr": 3e-3, "batch_size": 4, "accumulate": 2}
    model = train_reward_model(policy(), COMPARISONS, **how)
    return model.facts["losses"], weights_of(model)


def online():
    how = {"steps": 3, "n": 4, "prompts_per_step": 3, "max_tokens": 8, "lr": 3e-3}
    student = grpo(policy(), PROMPTS, length, minibatch=7, accumulate=2, **how)
    log = student.training_log
    facts = [log.column(name) for name in ("loss", "reward", "length", "kl")]
    return [value for column in facts for value in column], weights_of(student)


def weights_of(holder):
    return {name: weight.detach() for name, weight in holder.model.named_parameters()}


def in_pieces():
    """A large batch's loss is computed piece by piece, its gradients in the forward pass."""
    before, projection.ON_CPU = projection.ON_CPU, 3000
    try:
        return tuned()
    finally:
        projection.ON_CPU = before


def resumed(file):
    """Interrupted after seven steps; goes on from the fifth."""
    try:
        finetune(
            policy(),
            PAIRS,
            TRAINING,
            weights=WEIGHTS,
            checkpoint=file,
            hooks=Hooks(before_step=stop),
        )
    except Stopped:
        return tuned(file)


def main(folder, how):
    works = {"sft": tuned, "reward": rewarding}
    works["resumed"] = lambda: resumed(folder / f"{how}.pt")
    works |= {"grpo": online} if how == "whole" else {"pieces": in_pieces}
    with joined("cpu"):
        for name, work in works.items():
            done = work()
            if is_main():
                torch.save(done, folder / f"{how}-{name}.pt")
        if how == "whole":
            print("done", flush=True)
            finetune(policy(), PAIRS, TRAINING, hooks=Hooks(before_step=die))
        else:
            online()


def die(step):
    if step == 3 and not is_main():
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
