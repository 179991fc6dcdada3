"""LoRA policies of peft: trained, saved, loaded and carried through rounds like any other."""

import pytest
import torch

from course_lib.base import CourseError
from course_lib.methods import finetune, fingerprint, new_critic, ppo, rejection_sampling_rounds
from course_lib.models import FunctionReward, load_policy, new_reward_model, sample, tiny_policy
from course_lib.pools import best_per_prompt

peft = pytest.importorskip("peft", reason="needs the [peers] extra (peft)")
pytestmark = pytest.mark.peers

PROMPTS = ["the cat", "a mat", "12 + 30"]


@pytest.fixture
def base():
    return tiny_policy(["the cat sat on the mat", "12 + 30 = 42"] * 3, seed=3)


def with_lora(policy, alpha=16):
    """A copy of ``policy`` with LoRA matrices that change what it says."""
    adapted = policy.copy()
    config = peft.LoraConfig(r=4, lora_alpha=alpha, target_modules=["q_proj", "v_proj"])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        adapted.model = peft.get_peft_model(adapted.model, config).eval()
        for name, weight in adapted.model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=0.3)
    return adapted


def longest(prompt, text, info):
    return float(len(text))


def logits_of(policy):
    ids = torch.tensor([policy.encode(["the cat"])[0]])
    with torch.inference_mode():
        return policy.model(ids).logits


def trainable(policy):
    return {name for name, p in policy.model.named_parameters() if p.requires_grad}


def test_it_samples_fast_and_trains_the_adapter_alone(base):
    policy = with_lora(base)
    pool = sample(policy, PROMPTS, n=4, max_tokens=6, seed=1)
    assert pool.texts != sample(base, PROMPTS, n=4, max_tokens=6, seed=1).texts
    tuned = finetune(policy, [("the cat", "sat")] * 4, epochs=2, lr=1e-2, batch_size=2)
    assert trainable(tuned) == trainable(policy) and all("lora" in n for n in trainable(tuned))
    before, after = policy.model.state_dict(), tuned.model.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed and all("lora" in name for name in changed)


@pytest.mark.parametrize("base_on_disk", [False, True])
def test_it_is_saved_and_loaded(base, tmp_path, base_on_disk):
    if base_on_disk:
        base.save(tmp_path / "base")
        base = load_policy(tmp_path / "base", device="cpu")
    policy = with_lora(base)
    policy.save(tmp_path / "adapter")
    assert (tmp_path / "adapter" / "base").is_dir() != base_on_disk
    again = load_policy(tmp_path / "adapter", device="cpu")
    torch.testing.assert_close(logits_of(again), logits_of(policy))
    assert trainable(again) == trainable(policy)
    sampled = [sample(one, PROMPTS, n=3, max_tokens=6).texts for one in (again, policy)]
    assert sampled[0] == sampled[1]
    policy.save(tmp_path / "adapter")  # over itself


@pytest.mark.parametrize("start", ["base", "last"])
def test_it_goes_through_rounds_on_disk(base, tmp_path, start):
    policy = with_lora(base)

    longest_reward = FunctionReward(longest, "length")

    def rounds(out):
        return rejection_sampling_rounds(
            policy, PROMPTS, longest_reward, rounds=2, start=start, n=4, max_tokens=6, epochs=1,
            batch_size=2, lr=1e-2, select=best_per_prompt, out=out,
        )  # fmt: skip

    memory = rounds(None)
    for _ in range(2):  # made, and then found again
        disk = rounds(tmp_path / "out")
        for one, other in zip(memory, disk, strict=True):
            assert one.pool.texts == other.pool.texts
            assert trainable(other.policy) == trainable(policy)
            torch.testing.assert_close(logits_of(one.policy), logits_of(other.policy))


def test_its_settings_are_part_of_its_fingerprint(base):
    """Alpha scales the change and stands in no weight."""
    assert fingerprint(with_lora(base, 16)) == fingerprint(with_lora(base, 16))
    assert fingerprint(with_lora(base, 16)) != fingerprint(with_lora(base, 32))


def test_a_reward_model_on_it_starts_from_the_adapted_weights(base):
    ids = torch.tensor([[5, 6, 7]])
    policy = with_lora(base)
    reward = new_reward_model(policy)
    with torch.inference_mode():
        own = reward.model.base_model(ids)[0]
        adapted = policy.model(ids, output_hidden_states=True).hidden_states[-1]
    torch.testing.assert_close(own, adapted, atol=1e-4, rtol=1e-4)


def test_adapters_that_cannot_be_loaded_say_why(base, tmp_path, monkeypatch):
    with_lora(base).save(tmp_path / "a")
    config = tmp_path / "a" / "adapter_config.json"
    whole = config.read_text()
    config.write_text(whole[:50])
    for leftover in (tmp_path / "a" / "base").iterdir():
        leftover.unlink()
    with pytest.raises(CourseError, match="cannot be read"):
        load_policy(tmp_path / "a", device="cpu")
    config.write_text(
        whole.replace('"base_model_name_or_path": ""', '"base_model_name_or_path": null')
    )
    with pytest.raises(CourseError, match="does not name its base"):
        load_policy(tmp_path / "a", device="cpu")


def test_ppo_has_a_critic_that_starts_from_the_adapted_weights(base):
    policy = with_lora(base)
    settings = {"steps": 1, "prompts_per_step": 2, "max_tokens": 4}
    trained = ppo(policy, PROMPTS, longest, **settings)
    assert trainable(trained) == trainable(policy)
    ids = torch.tensor([policy.encode(["the cat"])[0]])
    critic = new_critic(policy)
    with torch.inference_mode():
        own = policy.model(ids, output_hidden_states=True).hidden_states[-1]
        theirs = critic.model(ids, output_hidden_states=True).hidden_states[-1]
    torch.testing.assert_close(own, theirs, atol=1e-4, rtol=1e-4)


def test_an_adapter_that_is_frozen_says_so(base):
    policy = with_lora(base)
    policy.model.requires_grad_(False)
    with pytest.raises(CourseError, match="is_trainable=True"):
        finetune(policy, [("the cat", "sat")])
