"""A checkpoint belongs to one run: its key is made from everything that may change the result."""

import functools
from types import SimpleNamespace

import pytest
import torch

from course_lib.base import CourseError, Hooks, key_of
from course_lib.methods import (
    GRPO,
    PPO,
    FineTuning,
    RewardTraining,
    Rounds,
    finetune,
    grpo,
    ppo,
    train_reward_model,
)
from course_lib.methods.online import identity
from course_lib.methods.optimiser import Checkpoint, train
from course_lib.models import FunctionReward, GoldReward, Sampling, sample, tiny_policy

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


def test_a_loop_trained_directly_is_known_by_its_settings_too(tiny, tmp_path):
    """`train` is public: its caller's key is about model and data."""
    kept = Checkpoint(tmp_path / "c.pt", "mine")
    weight = torch.nn.Linear(1, 1)

    def loss_of(indices):
        return weight(torch.ones(len(indices), 1)).sum(), len(indices)

    train(weight, loss_of, 4, batch_size=2, checkpoint=kept)
    train(weight, loss_of, 4, batch_size=2, checkpoint=kept)
    with pytest.raises(CourseError, match="another run"):
        train(weight, loss_of, 4, batch_size=2, epochs=3, checkpoint=kept)
    with pytest.raises(CourseError, match="another run"):
        train(weight, loss_of, 3, batch_size=2, checkpoint=kept)


def short(prompts, texts, info):
    """A verifier."""


def long(prompts, texts, info):
    """Another."""


def test_rewards_that_are_told_apart():
    assert identity(short) != identity(long) and identity(short) == identity(short)
    golds = [GoldReward(SimpleNamespace(name=name)) for name in ("here", "there")]
    assert identity(golds[0]) != identity(golds[1])


def at_least(length):
    return lambda prompt, text, info: float(len(text) >= length)


def test_wrapped_functions_are_told_apart_as_bare_ones_are():
    assert identity(FunctionReward(short)) != identity(FunctionReward(long))
    assert identity(FunctionReward(short)) == identity(FunctionReward(short))
    assert identity(FunctionReward(short)) != identity(FunctionReward(short, "other"))
    for wrap in (lambda f: f, FunctionReward):
        one, two = wrap(lambda prompt, text, info: 1.0), wrap(lambda prompt, text, info: 2.0)
        assert identity(one) != identity(two)  # both are called <lambda>
        assert identity(wrap(at_least(3))) != identity(wrap(at_least(4)))
        assert identity(wrap(at_least(3))) == identity(wrap(at_least(3)))
        parts = [functools.partial(short, info=value) for value in (1, 2)]
        assert identity(wrap(parts[0])) != identity(wrap(parts[1]))


def test_a_run_does_not_go_on_with_another_wrapped_function(tiny, tmp_path):
    settings = {"steps": 1, "prompts_per_step": 2, "n": 2, "max_tokens": 4, "method": "rloo"}
    kept = tmp_path / "run.pt"
    grpo(tiny, PROMPTS, FunctionReward(at_least(3)), checkpoint=kept, **settings)
    grpo(tiny, PROMPTS, FunctionReward(at_least(3)), checkpoint=kept, **settings)
    with pytest.raises(CourseError, match="another run"):
        grpo(tiny, PROMPTS, FunctionReward(at_least(2)), checkpoint=kept, **settings)


def test_a_function_is_in_no_key():
    with pytest.raises(TypeError, match="function"):
        key_of(Rounds())


@pytest.mark.parametrize("name", ["steps", "n", "prompts_per_step"])
@pytest.mark.parametrize("method", [grpo, ppo])
def test_an_online_run_needs_something_to_do(tiny, method, name):
    with pytest.raises(CourseError, match="must be at least 1"):
        method(tiny, PROMPTS, short, **{name: 0})
