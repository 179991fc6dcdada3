"""A checkpoint belongs to one run: its key is made from everything that may change the result."""

import pytest

from course_lib.base import CourseError, Hooks
from course_lib.methods import (
    GRPO,
    PPO,
    FineTuning,
    RewardTraining,
    finetune,
    grpo,
    train_reward_model,
)
from course_lib.models import Sampling, sample, tiny_policy

PROMPTS = ["How are you?", "What is new?", "Where is it?", "Who is there?"]
REPLIES = ["Very well.", "Nothing at all.", "Over there.", "It is only me."]
PAIRS = [
    {"prompt": p, "chosen": a, "rejected": b}
    for p, a, b in zip(PROMPTS, REPLIES, REPLIES[1:] + REPLIES[:1], strict=True)
]


class Gone(Exception):
    """The runtime is gone."""


def die_after(steps):
    def gone(step):
        if step >= steps:
            raise Gone

    return Hooks(before_step=gone)


@pytest.fixture(scope="module")
def tiny():
    return tiny_policy(PROMPTS + REPLIES, "qwen3", width=32, vocabulary=200, seed=1)


@pytest.mark.parametrize(
    "change",
    [{"weight_decay": 0.1}, {"clip": 0.5}, {"betas": (0.9, 0.95)}, {"accumulate": 2}, {"lr": 1e-4}],
    ids=lambda change: next(iter(change)),
)
def test_every_setting_of_fine_tuning_is_in_the_key(tiny, tmp_path, change):
    pairs = list(zip(PROMPTS, REPLIES, strict=True))
    common = {"checkpoint": tmp_path / "c.pt", "batch_size": 2, "checkpoint_every": 1}
    with pytest.raises(Gone):
        finetune(tiny, pairs, hooks=die_after(1), **common)
    with pytest.raises(CourseError, match="another run"):
        finetune(tiny, pairs, **common, **change)
    finetune(tiny, pairs, **common)  # the run it belongs to goes on


def test_a_reward_model_does_not_go_on_with_swapped_labels(tiny, tmp_path):
    common = {"checkpoint": tmp_path / "c.pt", "batch_size": 2, "checkpoint_every": 1}
    with pytest.raises(Gone):
        train_reward_model(tiny, PAIRS, hooks=die_after(1), **common)
    swapped = [{**p, "chosen": p["rejected"], "rejected": p["chosen"]} for p in PAIRS]
    with pytest.raises(CourseError, match="another run"):
        train_reward_model(tiny, swapped, **common)
    with pytest.raises(CourseError, match="another run"):
        train_reward_model(tiny, PAIRS, layers=1, **common)
    assert train_reward_model(tiny, PAIRS, **common).facts["pairs"] == 4


@pytest.mark.parametrize("change", [{"per": "sequence"}, {"drop": "equal"}, {"clip": 0.3}])
def test_every_setting_of_grpo_is_in_the_key(tiny, tmp_path, change):
    def length(prompt, text, info):
        return float(len(text))

    common = {"steps": 2, "prompts_per_step": 2, "n": 2, "max_tokens": 3, "checkpoint_every": 1}
    grpo(tiny, PROMPTS, length, checkpoint=tmp_path / "g.pt", **common)
    with pytest.raises(CourseError, match="another run"):
        grpo(tiny, PROMPTS, length, checkpoint=tmp_path / "g.pt", **common, **change)


def test_a_misspelt_setting_is_named():
    with pytest.raises(CourseError, match="unknown settings: learning_rate.*lr, batch_size"):
        finetune(None, [], learning_rate=1)
    for settings in (Sampling(), FineTuning(), RewardTraining(), GRPO(), PPO()):
        with pytest.raises(AttributeError):
            settings.seed = 1


def test_a_number_in_the_place_of_settings_is_told():
    with pytest.raises(CourseError, match="got 16. Give single settings by name: n=16"):
        sample(None, PROMPTS, 16)
