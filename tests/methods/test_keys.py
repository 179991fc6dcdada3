"""A checkpoint belongs to one run: its key is made from everything that may change the result."""

import functools
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
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
    rejection_sampling_rounds,
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

    common = {"batch_size": 2, "checkpoint": kept, "checkpoint_every": 1}
    train(weight, loss_of, 4, **common)
    train(weight, loss_of, 4, **common)
    with pytest.raises(CourseError, match="another run"):
        train(weight, loss_of, 4, epochs=3, **common)
    with pytest.raises(CourseError, match="another run"):
        train(weight, loss_of, 3, **common)


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


@dataclass
class LongerThan:
    """A reward with a setting of its own."""

    length: int

    def __call__(self, prompt, text, info):
        return float(len(text) > self.length)


def doubled(function):
    @functools.wraps(function)
    def double(prompt, text, info):
        return 2 * function(prompt, text, info)

    return double


def test_what_a_function_holds_tells_it_apart():
    for wrap in (lambda f: f, FunctionReward):
        assert identity(wrap(LongerThan(3))) != identity(wrap(LongerThan(4)))
        assert identity(wrap(LongerThan(3))) == identity(wrap(LongerThan(3)))
        assert identity(wrap(doubled(short))) != identity(wrap(short))
        assert identity(wrap(doubled(short))) != identity(wrap(doubled(long)))
        assert identity(wrap(len)) != identity(wrap(abs))


def test_a_run_does_not_go_on_with_another_wrapped_function(tiny, tmp_path):
    settings = {"steps": 2, "prompts_per_step": 2, "n": 2, "max_tokens": 4, "method": "rloo"}
    settings["checkpoint_every"] = 1
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
    with pytest.raises(CourseError, match=f"{name} must be .* at least 1"):
        method(tiny, PROMPTS, short, **{name: 0})


@pytest.mark.parametrize(
    "changes",
    [
        {"lr": 0.0},
        {"lr": float("nan")},
        {"lr": float("inf")},
        {"epochs": 0},
        {"epochs": float("inf")},
        {"batch_size": 1.5},
        {"batch_size": 0},
        {"accumulate": 1.5},
        {"accumulate": None},
        {"clip": -1.0},
        {"clip": float("nan")},
        {"betas": (0.9, 1.0)},
        {"betas": 0.9},
        {"weight_decay": -0.1},
        {"seed": -1},
        {"checkpoint_every": 0},
    ],
)
def test_what_cannot_be_trained_with_is_named(tiny, changes):
    (name,) = changes
    pairs = list(zip(PROMPTS, REPLIES, strict=True))
    with pytest.raises(CourseError, match=name):
        finetune(tiny, pairs, **changes)
    with pytest.raises(CourseError, match=name):
        train_reward_model(tiny, PAIRS, **changes)
    with pytest.raises(CourseError, match=name):
        rejection_sampling_rounds(tiny, PROMPTS, short, training=FineTuning(**changes))


@pytest.mark.parametrize("changes", [{"max_length": 0}, {"layers": 0}, {"layers": 1.5}])
def test_what_no_reward_model_can_have_is_named(tiny, changes):
    with pytest.raises(CourseError, match=next(iter(changes))):
        train_reward_model(tiny, PAIRS, **changes)


def test_whole_floats_are_whole_numbers(tiny):
    pairs = list(zip(PROMPTS, REPLIES, strict=True))
    one = finetune(tiny, pairs, batch_size=2, accumulate=2, epochs=1)
    other = finetune(tiny, pairs, batch_size=2.0, accumulate=np.float32(2), epochs=1)
    assert one.training_log.losses == other.training_log.losses
    assert key_of(FineTuning(batch_size=4.0).normal()) == key_of(FineTuning(batch_size=4))
    assert key_of(GRPO(n=2.0, minibatch=4.0).normal()) == key_of(GRPO(n=2, minibatch=4))
    assert key_of(FineTuning(lr=np.float32(0.5)).normal()) == key_of(FineTuning(lr=0.5))
    for settings in (FineTuning(epochs=2), RewardTraining(), GRPO(), PPO()):
        assert settings.normal() == settings  # and so has the key that it had
        assert str(key_of(settings.normal())) == str(key_of(settings))


SMALL = {"steps": 1, "prompts_per_step": 2, "n": 2, "max_tokens": 4}


@pytest.mark.parametrize("method", [grpo, ppo])
@pytest.mark.parametrize(
    "changes, words",
    [
        ({"n": None}, "n must be"),
        ({"n": 2.5}, "n must be"),
        ({"seed": -1}, "seed must be"),
        ({"minibatch": 0}, "minibatch"),
        ({"updates": 0}, "updates must be"),
        ({"accumulate": 0}, "accumulate must be"),
        ({"temperature": 0}, "temperature must be above 0"),
        ({"lr": float("nan")}, "lr must be"),
        ({"clip": -0.1}, "clip must be"),
        ({"max_tokens": 0}, "max_tokens must be"),
        ({"checkpoint_every": 0}, "checkpoint_every must be"),
        ({"token_budget": -1}, "token_budget"),
    ],
)
def test_what_no_online_run_can_have_is_named(tiny, method, changes, words):
    with pytest.raises(CourseError, match=words):
        method(tiny, PROMPTS, short, **{**SMALL, **changes})


@pytest.mark.parametrize("method", [grpo, ppo])
def test_prompts_and_info_of_an_online_run_are_checked(tiny, method):
    for prompts, words in (("hello", "list of prompts"), ([3], "prompt 0"), ([], "no prompts")):
        with pytest.raises(CourseError, match=words):
            method(tiny, prompts, short, **SMALL)
    for info, words in (
        ([{}], "4 prompts but 1"),
        ([{}] * 5, "4 prompts but 5"),
        ({"a": 1}, "info must be a list"),
        ([{}, {}, {}, 3], "info 3"),
    ):
        with pytest.raises(CourseError, match=words):
            method(tiny, PROMPTS, short, info=info, **SMALL)


@pytest.mark.parametrize("method", [grpo, ppo])
@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), "1", [1.0]])
@pytest.mark.parametrize("wrap", [lambda function: function, FunctionReward])
def test_a_reward_that_is_no_number_is_named(tiny, method, value, wrap):
    with pytest.raises(CourseError, match="the reward gave .* finite number"):
        method(tiny, PROMPTS, wrap(lambda prompt, text, info: value), **SMALL)


def test_an_infinite_score_of_a_whole_pool_is_named(tiny):
    reward = SimpleNamespace(
        name="far", score_pool=lambda pool: torch.full((pool.P, pool.N), -float("inf"))
    )
    with pytest.raises(CourseError, match="the reward gave -inf for 4 of 4"):
        grpo(tiny, PROMPTS, reward, **SMALL)


def test_one_reply_a_prompt_is_enough_without_a_group(tiny):
    one = {**SMALL, "n": 1}
    grpo(tiny, PROMPTS, at_least(3), method="reinforce", **one)
    for method in ("grpo", "rloo", "raft"):
        with pytest.raises(CourseError, match="n must be at least 2; got 1"):
            grpo(tiny, PROMPTS, at_least(3), method=method, **one)


# ---- rounds ------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_disk", [False, True])
def test_rounds_need_prompts_and_parts(tiny, tmp_path, on_disk):
    out = tmp_path if on_disk else None
    for prompts, changes, words in (
        ([], {}, "no prompts"),
        ("hello", {}, "list of prompts"),
        (PROMPTS, {"part": -1}, "part"),
        (PROMPTS, {"part": 0}, "part"),
        (PROMPTS, {"info": [{}]}, "4 prompts but 1"),
    ):
        with pytest.raises(CourseError, match=words):
            rejection_sampling_rounds(tiny, prompts, at_least(3), out=out, n=2, **changes)


def test_facts_in_numpy_are_kept_on_disk_as_numbers(tiny, tmp_path):
    info = [{"answer": np.int64(i), "of": [np.float32(0.5)]} for i in range(len(PROMPTS))]
    settings = {"info": info, "n": 2, "max_tokens": 4, "epochs": 1}
    there = rejection_sampling_rounds(tiny, PROMPTS, at_least(3), out=tmp_path, **settings)
    here = rejection_sampling_rounds(tiny, PROMPTS, at_least(3), **settings)
    assert there[0].pool.info == here[0].pool.info == [{"answer": i, "of": [0.5]} for i in range(4)]
    grpo(tiny, PROMPTS, at_least(3), info=info, checkpoint=tmp_path / "run.pt", **SMALL)


def test_facts_that_cannot_be_kept_on_disk_are_named(tiny, tmp_path):
    info = [{"answer": {1, 2}} for _ in PROMPTS]
    with pytest.raises(CourseError, match="'answer' in info 0 is set"):
        rejection_sampling_rounds(tiny, PROMPTS, at_least(3), info=info, out=tmp_path)
    with pytest.raises(CourseError, match="'answer' in info 0 is set"):
        grpo(tiny, PROMPTS, at_least(3), info=info, checkpoint=tmp_path / "run.pt", **SMALL)
