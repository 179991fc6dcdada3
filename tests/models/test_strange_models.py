"""Models as people leave them: adapters on tuned bases, frozen weights, shifting positions."""

import subprocess
import sys

import pytest
import torch
from architectures import tiny, tiny_model, tokenizer

from course_lib.base import CourseError
from course_lib.estimators import bootstrap_interval
from course_lib.methods import Stages, finetune, fingerprint
from course_lib.models import (
    Policy,
    RewardModel,
    examples_of,
    load_policy,
    new_reward_model,
    sample,
    sequence_logprobs,
)

IDS = torch.arange(3, 23)[None]


def logits(policy):
    with torch.inference_mode():
        return policy.model(input_ids=IDS).logits


def lora(policy, name="default"):
    peft = pytest.importorskip("peft", reason="needs the [peers] extra (peft)")
    config = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM")
    model = peft.get_peft_model(policy.model, config, adapter_name=name).eval()
    for weight_name, weight in model.named_parameters():
        if "lora_B" in weight_name:
            torch.nn.init.normal_(weight, std=0.3)
    return Policy(model, policy.tokenizer, template="plain")


@pytest.mark.parametrize("how", ["tuned base", "merged", "named", "second"])
def test_an_adapter_comes_back_on_its_own_base(tmp_path, how):
    tiny("llama").save(tmp_path / "home")
    home = load_policy(tmp_path / "home", device="cpu", template="plain")
    if how == "tuned base":  # its weights are no more those of the folder it names
        home = finetune(home, [("the cat", "sat on")], lr=1e-2, epochs=3)
    policy = lora(home, "style" if how == "named" else "default")
    if how == "merged":
        policy.model.merge_adapter()
    if how == "second":
        before = fingerprint(policy)
        policy.model.add_adapter("other", policy.model.peft_config["default"])
        policy.model.set_adapter("other")
        assert fingerprint(policy) != before
        with pytest.warns(UserWarning, match="only the one in use, 'other', is saved"):
            policy.save(tmp_path / "adapter")
    else:
        policy.save(tmp_path / "adapter")
    if how != "merged":  # taking the change out again leaves rounding in the base
        assert (tmp_path / "adapter" / "base").is_dir() == (how == "tuned base")
    again = load_policy(tmp_path / "adapter", device="cpu", template="plain")
    torch.testing.assert_close(logits(again), logits(policy), atol=1e-4, rtol=1e-4)


def test_adapters_that_are_switched_off_are_not_saved(tmp_path):
    policy = lora(tiny("llama"))
    on = fingerprint(policy)
    policy.model.base_model.disable_adapter_layers()
    assert fingerprint(policy) != on
    with pytest.raises(CourseError, match="switched off"):
        policy.save(tmp_path / "adapter")


def test_prompt_tuning_is_refused():
    peft = pytest.importorskip("peft", reason="needs the [peers] extra (peft)")
    policy = tiny("llama")
    config = peft.PromptTuningConfig(num_virtual_tokens=3, task_type="CAUSAL_LM")
    policy.model = peft.get_peft_model(policy.model, config)
    with pytest.raises(CourseError, match="prompt or prefix tuning"):
        sequence_logprobs(policy, examples_of(policy, ["the cat"], ["sat"]))
    with pytest.raises(CourseError, match="prompt or prefix tuning"):
        new_reward_model(policy)


def longrope(name, **changes):
    """A model whose positions turn with the longest text."""
    rope = {
        "rope_type": "longrope",
        "rope_theta": 10000.0,
        "short_factor": [1.0] * 4,
        "long_factor": [4.0] * 4,
        "original_max_position_embeddings": 32,
    }
    return {"original_max_position_embeddings": 32, "rope_parameters": rope, **changes}


def test_rows_do_not_depend_on_longer_ones_where_positions_shift():
    policy = tiny("phi3", **longrope("phi3"))
    short, long, reply = (policy.encode([t])[0] for t in ("the cat sat on", "x" * 45, "12 = 42"))
    alone = sequence_logprobs(policy, [(short, reply)])
    beside = sequence_logprobs(policy, [(short, reply), (long, reply)])
    torch.testing.assert_close(beside[:1], alone)
    prompts = ["the cat sat on the mat", "x" * 45]
    pool = sample(policy, prompts, n=4, max_tokens=8)
    assert sample(policy, prompts[:1], n=4, max_tokens=8).texts == pool.texts[:1]
    model = tiny_model("phi3", head="SequenceClassification", **longrope("phi3"))
    reward = RewardModel(model, tokenizer())
    with torch.inference_mode():
        together = reward.logits([short, long])
        torch.testing.assert_close(together[:1], reward.logits([short]))


def test_an_empty_prompt_is_refused_where_its_first_token_would_have_no_context():
    policy = tiny("llama")
    with pytest.raises(CourseError, match="1 prompts have no tokens"):
        sequence_logprobs(policy, examples_of(policy, ["", "the cat"], ["sat on", "the mat"]))
    with pytest.raises(CourseError, match="prompts have no tokens"):
        finetune(policy, [("", "hello"), ("the cat", "sat")], epochs=1)


def test_keys_see_frozen_weights_and_the_depth_of_dictionaries():
    policy = tiny("llama")
    frozen = policy.copy()
    for name, weight in frozen.model.named_parameters():
        weight.requires_grad_("lm_head" in name)
    assert fingerprint(policy) != fingerprint(frozen)
    assert fingerprint([{"a": {}, "b": 1}]) != fingerprint([{"a": {"b": 1}}])


def test_keys_do_not_see_how_the_last_batch_was_padded():
    policy = tiny("llama")
    before = fingerprint(policy)
    policy.tokenizer(["a", "bbb"], padding=True, truncation=True, max_length=2)
    assert fingerprint(policy) == before


@pytest.mark.slow
def test_a_live_process_keeps_its_unfinished_stage(tmp_path):
    """Another process that begins the same stage takes nothing away."""
    begin = (
        "import sys; from course_lib.methods import Stages\n"
        "def make(folder, partial): raise SystemExit\n"
        f"Stages({str(tmp_path)!r}).stage('s', {{'a': 1}}, make, None)"
    )

    def make(folder, partial):
        (folder / "x.txt").write_text("result", "utf-8")
        subprocess.run([sys.executable, "-c", begin], check=False)

    def load(folder):
        return (folder / "x.txt").read_text("utf-8")

    assert Stages(tmp_path).stage("s", {"a": 1}, make, load) == "result"
    assert Stages(tmp_path).stage("s", {"a": 1}, make, load) == "result"


def test_beams_are_not_bent_by_the_models_own_settings():
    policy = tiny("llama")
    plain = sample(policy, ["the cat sat"], n=4, method="beam", max_tokens=8)
    policy.model.generation_config.repetition_penalty = 1.5
    assert sample(policy, ["the cat sat"], n=4, method="beam", max_tokens=8).texts == plain.texts


def test_tool_calls_are_refused_and_names_too():
    for more in ({"tool_calls": [{"name": "add"}]}, {"name": "Ann"}):
        asked = [{"role": "user", "content": "hi", **more}]
        with pytest.raises(CourseError, match="only role and content are read"):
            sample(tiny("llama"), [asked], n=1, max_tokens=2)


def test_tokens_that_are_added_are_seen():
    import copy

    policy = tiny("llama", vocab_size=400)
    policy = Policy(policy.model, copy.deepcopy(policy.tokenizer), template="plain")
    before = policy.vocabulary
    sample(policy, ["a"], n=2, max_tokens=2, stop="zz")
    policy.tokenizer.add_tokens(["STOPHERE"])
    assert policy.vocabulary != before
    pool = sample(policy, ["a"], n=200, max_tokens=12, stop="STOPHERE", temperature=3.0)
    assert not any("STOPHERE" in text for text in pool.texts[0])


def test_a_tokenizer_larger_than_the_model_is_named():
    policy = tiny("llama")
    small = Policy(tiny_model("llama", vocab_size=20, eos_token_id=2), policy.tokenizer)
    small.template = "plain"
    with pytest.raises(CourseError, match="the model knows 20 tokens"):
        sample(small, ["the cat"], n=1, max_tokens=2)


def test_layers_of_reward_models():
    policy = tiny("llama")
    for bad in (0, -1, 1.5, 3):
        with pytest.raises(CourseError, match="layers must be a whole number from 1 to 2"):
            new_reward_model(policy, layers=bad)
    assert new_reward_model(policy, layers=1).model.config.num_hidden_layers == 1


def test_templates_that_want_a_system_message_serve_reward_models_too():
    import copy

    ids = copy.deepcopy(tokenizer())
    ids.chat_template = (
        "{% if messages[0]['role'] != 'system' %}{{ raise_exception('system first') }}{% endif %}"
        + ids.chat_template
    )
    policy = Policy(tiny_model("llama"), ids, system="Be kind.")
    assert "Be kind." in policy.render(["hi"])[0]
    row = new_reward_model(policy).encode(["hi"], ["hello"])[0]
    assert "hello" in ids.decode(row)


def test_two_valued_marks_have_exact_intervals():
    marks = bootstrap_interval([-1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    shares = bootstrap_interval([0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    assert (marks.low, marks.high) == pytest.approx((2 * shares.low - 1, 2 * shares.high - 1))
    few = bootstrap_interval([0.5, 0.51])
    assert few.high - few.low > 0.1


def test_positions_that_begin_behind_the_pad_tokens():
    policy = tiny("roberta", pad_token_id=1)
    sample(policy, ["x" * 60], n=1, max_tokens=126 - len(policy.encode(["x" * 60])[0]))
    with pytest.raises(CourseError, match="only 126 positions"):
        sample(policy, ["x" * 60], n=1, max_tokens=127 - len(policy.encode(["x" * 60])[0]))
