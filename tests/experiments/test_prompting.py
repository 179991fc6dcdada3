"""How a model is asked: base models in plain text with examples, and what ends their replies."""

import json
import shutil

import pytest
import torch

from course_lib import load_policy
from course_lib.assets import path
from course_lib.base import CourseError
from course_lib.commands.cli import main
from course_lib.commands.options import unescaped
from course_lib.experiments import run, sample_from_world
from course_lib.experiments.comparison import plan_of, plan_text
from course_lib.experiments.prompting import (
    NEXT_QUESTION,
    FewShot,
    OfQuestions,
    asked_world,
    is_base,
    load_asked,
    stops_for,
)
from course_lib.experiments.run import settings_of
from course_lib.models import FunctionReward, new_reward_model, score, tiny_policy
from course_lib.models.stops import Stops
from course_lib.pools import Pool
from course_lib.worlds import load_world


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    """A folder in GSM8K's format: thirty sums to train on, ten held out."""
    folder = tmp_path_factory.mktemp("sums")
    for name, start, count in (("train", 0, 30), ("test", 100, 10)):
        rows = [
            {"question": f"What is {start + i} plus {i}?", "answer": f"#### {start + 2 * i}"}
            for i in range(count)
        ]
        text = "\n".join(map(json.dumps, rows))
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A tiny Qwen3 under a base model's name; it has a chat template, as Qwen3's base models do."""
    folder = tmp_path_factory.mktemp("hub") / "Tiny-Base"
    texts = [f"Question: What is {i} plus {i}?\nAnswer: #### {2 * i}\n\n" for i in range(40)]
    policy = tiny_policy(texts, "qwen3", width=32, vocabulary=300, seed=2)
    policy.save(folder)
    new_reward_model(policy, seed=1).save(folder.parent / "reward")
    return folder


@pytest.mark.parametrize(
    "name, template, expected",
    [
        ("Qwen/Qwen3-0.6B-Base", "{{x}}", True),
        ("google/gemma-3-270m-pt", "{{x}}", True),
        ("models/qwen3-0.6b-base/", "{{x}}", True),
        ("Qwen/Qwen3-0.6B", "{{x}}", False),
        ("gpt2", None, True),
        ("helpdesk/policy", "{{x}}", False),
        ("arithmetic/base", "{{x}}", False),
        ("someone/Database-Chat", "{{x}}", False),
    ],
)
def test_base_models_are_known_by_name_or_by_their_tokenizer(name, template, expected):
    class Tokenizer:
        chat_template = template

    assert is_base(name, Tokenizer()) == expected


def test_the_template_follows_from_the_model_unless_it_is_given(base):
    assert load_policy(base).tokenizer.chat_template
    assert load_asked(base).template == "plain"
    assert load_asked(base, "chat").template == "chat"
    assert load_asked("helpdesk/policy").template == "chat"
    assert load_asked("helpdesk/policy", "plain").template == "plain"


def test_a_base_model_is_asked_with_examples_from_the_training_problems(problems, base):
    world = load_world("gsm8k", problems)
    policy = load_asked(base)
    asked = asked_world(world, policy, base, None)
    assert isinstance(asked, FewShot) and asked.shots == 4
    train, info = asked.prompts("train", 20)
    held, held_info = asked.prompts("heldout", 5)
    questions = world.prompts("train", 20)[0]
    for prompt, question in zip(train, questions, strict=True):
        assert prompt.count("Question: ") == 5 and prompt.endswith(f"Question: {question}\nAnswer:")
        assert prompt.count("#### ") == 4
    examples = [question for question, _ in asked.examples()]
    assert not set(examples) & set(questions) and set(examples) < set(world.prompts("train")[0])
    assert all(text.split("Question: ")[1:5] == train[0].split("Question: ")[1:5] for text in held)
    assert asked.gold(held[0], f"#### {held_info[0]['answer']}", held_info[0]) == 1
    with pytest.raises(CourseError, match="lower --prompts or --shots"):
        asked.prompts("train", 28)
    assert len(asked.prompts("train")[0]) == 26, "all but the examples"


def test_other_models_are_asked_as_before(problems):
    world = load_world("arithmetic")
    policy = load_asked("arithmetic/policy")
    assert asked_world(world, policy, "arithmetic/policy", None) is world
    assert stops_for(policy, world, None) is None


def test_examples_stand_in_plain_prompts_only(problems, base):
    world = load_world("gsm8k", problems)
    with pytest.raises(CourseError, match="--template plain"):
        asked_world(world, load_asked(base, "chat"), base, 2)
    with pytest.raises(CourseError, match="0 or more; got -1"):
        asked_world(world, load_asked(base), base, -1)
    assert asked_world(world, load_asked(base), base, 0).prompts("train", 1)[0][0].count("Q") == 1
    assert asked_world(world, load_asked(base), base, 2).prompts("train", 1)[0][0].count("Q") == 3


def test_a_reply_ends_before_the_next_question_or_by_the_own_end_tokens(problems, base):
    policy = load_asked(base)
    world = asked_world(load_world("gsm8k", problems), policy, base, None)
    assert stops_for(policy, world, None) == [*NEXT_QUESTION, *policy.stop_ids]
    assert stops_for(policy, world, ["END"]) == ["END", *policy.stop_ids]
    assert stops_for(policy, load_world("helpdesk"), None) is None
    dialogue = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    asked = [*dialogue, {"role": "user", "content": "Bye"}]
    assert "\n\nUser:" in stops_for(policy, load_world("helpdesk"), None, [asked])


@pytest.mark.parametrize("tier", ["t4", "big", "cpu"])
def test_a_run_of_any_tier_asks_a_base_model_so(problems, base, tier):
    """Not by a chat template, zero-shot and without its stops, as lesson 09a warns."""
    world = load_world("gsm8k", problems)
    settings = settings_of(world, tier, {"prompts": 8, "held_out": 4, "device": "cpu"})
    plan = plan_of(world, base, "verifier", settings)
    assert plan.base.template == "plain" and plan.world.shots == 4
    assert plan.loop.sampling.stop == [*NEXT_QUESTION, *plan.base.stop_ids]
    assert "plain prompts with 4 solved examples" in plan_text(plan)
    assert r"'\n\nQuestion:'" in plan_text(plan)
    chat = settings.changed(template="chat", stop=["#"], max_tokens=7)
    plan = plan_of(world, base, "verifier", chat)
    assert plan.base.template == "chat" and plan.world is world
    assert plan.loop.sampling.stop[0] == "#" and plan.loop.sampling.max_tokens == 7


def test_a_reward_model_reads_the_bare_question(problems, base):
    asked = FewShot(load_world("gsm8k", problems), 2)
    prompts, info = asked.prompts("train", 3)
    seen = []

    def reward(prompt, text, about):
        seen.append(prompt)
        return 1.0

    pool = Pool.from_candidates([*prompts, "Hi"], [["a"]] * 4, info=[*info, {"question": "no"}])
    score(pool, OfQuestions(FunctionReward(reward)))
    assert seen == [*(one["question"] for one in info), "Hi"]


@pytest.mark.slow
def test_a_whole_run_with_examples(problems, base):
    """With the stops of few-shot prompts, and a reward that is no verifier."""
    sizes = {"prompts": 6, "n": 2, "held_out": 4, "epochs": 1, "max_tokens": 12}
    result = run(
        "gsm8k", data=problems, policy=base, reward=base.parent / "reward", device="cpu", **sizes
    )
    assert (result["template"], result["shots"]) == ("plain", 4)
    assert result["rows"]["rft"]["tokens"]["mean"] <= 12


def test_sampling_from_a_base_model_and_a_stop(problems, base, tmp_path):
    world = load_world("gsm8k", problems)
    pool = sample_from_world(world, str(base), prompts=3, n=2, max_tokens=5, stop=["#"])
    assert all(prompt.count("Question: ") == 5 for prompt in pool.prompts)
    assert pool.lengths.max() <= 5
    bare = sample_from_world(
        world, str(base), prompts=1, n=1, max_tokens=3, stop=["#"], asking={"shots": 0}
    )
    assert bare.prompts[0].startswith("Question: ") and bare.prompts[0].count("Question") == 1


def test_a_stop_from_the_command_line_ends_a_reply(tmp_path):
    words = ["sample", "--prompts", "4", "-n", "8", "--quiet", "--out"]
    assert main([*words, str(tmp_path / "all.npz")]) == 0
    stop = ["--stop", "Then", "--max-tokens", "20"]
    assert main([*words, str(tmp_path / "cut.npz"), *stop]) == 0
    whole, cut = Pool.load(tmp_path / "all.npz"), Pool.load(tmp_path / "cut.npz")
    assert cut.lengths.max() <= 20 and cut.lengths.sum() < whole.lengths.sum()
    assert not any("Then" in text for row in cut.texts for text in row)
    assert torch.equal(cut.tokens[:, :, 0], whole.tokens[:, :, 0]), "the same draws"


def test_a_stop_the_tokenizer_has_no_token_for_is_a_text():
    """Not its unknown token, which would stand in the place of the end tokens as well."""
    policy = load_policy(path("helpdesk/policy"))
    assert policy.tokenizer.convert_tokens_to_ids("\n\nQuestion:") == policy.tokenizer.unk_token_id
    stops = Stops.of(policy, ["\n\nQuestion:", "Then", policy.tokenizer.eos_token])
    assert stops.texts == ("\n\nQuestion:", "Then")
    assert stops.ids == [policy.tokenizer.eos_token_id]
    assert Stops.of(policy, "Then").ids == policy.stop_ids


@pytest.mark.parametrize(
    "typed, meant",
    [(r"\n\nQuestion:", "\n\nQuestion:"), (r"a\tb", "a\tb"), (r"C:\\new", r"C:\new"), ("é", "é")],
)
def test_escapes_of_stops(typed, meant):
    assert unescaped(typed) == meant


def test_max_tokens_of_a_run_may_be_above_the_worlds(problems):
    world = load_world("helpdesk")
    assert settings_of(world, None, {}).max_tokens == min(world.max_tokens, 96)
    assert settings_of(world, None, {"max_tokens": 200}).max_tokens == 200


def test_options_about_sampling_are_refused_beside_rollouts(capsys, tmp_path):
    for words in (["--shots", "2"], ["--stop", "x"], ["--max-tokens", "9"]):
        assert main(["run", "--rollouts", "r.jsonl", *words]) == 1
        assert f"{words[0]} cannot be used with --rollouts" in capsys.readouterr().err


def test_fine_tuning_writes_prompts_as_sampling_did(base, tmp_path):
    """Also from the command line: a base model's are plain."""
    selection = tmp_path / "s.jsonl"
    rows = [{"prompt": "Question: What?\nAnswer:", "completion": f" {i}"} for i in range(4)]
    selection.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    copy = shutil.copytree(base, tmp_path / "other")  # no base model by its name
    from course_lib.experiments import finetune_from_file

    plain = finetune_from_file(selection, tmp_path / "a", policy=str(base), epochs=1)
    chat = finetune_from_file(selection, tmp_path / "b", policy=str(copy), epochs=1)
    asked = finetune_from_file(
        selection, tmp_path / "c", policy=str(copy), epochs=1, template="plain"
    )
    assert plain["losses"] == asked["losses"] != chat["losses"]
    assert path("helpdesk/policy").is_dir()
