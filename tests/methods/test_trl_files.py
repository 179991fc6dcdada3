"""Files that the course writes, read by the real TRL: its own checks and trainers take them."""

import pytest

pytest.importorskip("trl", reason="TRL is not installed: pip install -e '.[peers]'")
datasets = pytest.importorskip("datasets")

from trl import (  # noqa: E402
    DPOConfig,
    DPOTrainer,
    RewardConfig,
    RewardTrainer,
    SFTConfig,
    SFTTrainer,
)
from trl.data_utils import (  # noqa: E402
    is_conversational,
    maybe_apply_chat_template,
    maybe_extract_prompt,
)

from course_lib.models import load_policy, new_reward_model, tiny_policy  # noqa: E402
from course_lib.pools import (  # noqa: E402
    Pool,
    best_per_prompt,
    preference_pairs,
    write_pairs,
    write_rollouts,
    write_selection,
)

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
TEXTS = ["Open the page.", "No.", "Four.", "Sleep well, my friend."]


def say(role, text):
    return {"role": role, "content": text}


def history(text):
    return [
        say("system", "Be brief."),
        say("user", "Hi."),
        say("assistant", "Hi!"),
        say("user", text),
    ]


PROMPTS = {
    "standard": ["How do I reset my password?", "What is two plus two?"],
    "conversational": [history("And my password?"), "What is two plus two?"],
}


@pytest.fixture
def policy(tmp_path):
    """A tiny Qwen3 from disk: TRL reads the reference from where the model came from."""
    texts = [*TEXTS * 3, *PROMPTS["standard"] * 3]
    tiny_policy(texts, "qwen3", width=32, vocabulary=320).save(tmp_path / "policy")
    return load_policy(tmp_path / "policy")


@pytest.fixture(params=PROMPTS)
def form(request):
    return request.param


@pytest.fixture
def pool(form):
    return Pool.from_candidates(
        PROMPTS[form], [TEXTS[:2], TEXTS[2:]], {"reward": [[1, 0], [0.5, 0]]}
    )


def load(path):
    return datasets.load_dataset("json", data_files=str(path), split="train")


def arguments(config, out, **more):
    return config(
        output_dir=str(out),
        per_device_train_batch_size=2,
        report_to="none",
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        disable_tqdm=True,
        save_strategy="no",
        max_length=256,
        max_steps=1,
        **more,
    )


def test_selections_for_sft(policy, pool, form, tmp_path):
    path = tmp_path / "sft.jsonl"
    write_selection(best_per_prompt(pool).to_rows(), path)
    data = load(path)
    assert all(is_conversational(row) == (form == "conversational") for row in data)
    trainer = SFTTrainer(model=policy.model, args=arguments(SFTConfig, tmp_path / "out"),
                         train_dataset=data, processing_class=policy.tokenizer)  # fmt: skip
    assert trainer.train().training_loss > 0
    seen = policy.tokenizer.decode(trainer.train_dataset[0]["input_ids"])
    expected = ["Be brief.", "Hi!", "And my password?"] if form == "conversational" else []
    assert all(text in seen for text in [*expected, TEXTS[0]])


@pytest.mark.parametrize("written", ["pairs", "rollouts"])
def test_pairs_for_dpo_and_reward_models(policy, pool, form, tmp_path, written):
    path = tmp_path / "pairs.jsonl"
    if written == "pairs":
        write_pairs(preference_pairs(pool), path)
    else:
        preferred = pool.with_reward("preference", pool.reward() > 0)
        write_rollouts(preferred, path, "prompt/chosen/rejected")
    data = load(path)
    for row in data:
        assert is_conversational(row) == (form == "conversational")
        row = {key: row[key] for key in ("prompt", "chosen", "rejected")}
        text = maybe_apply_chat_template(maybe_extract_prompt(row), policy.tokenizer)
        assert all(isinstance(text[key], str) and text[key] for key in row)
    data = data.select_columns(["prompt", "chosen", "rejected"])
    trainer = DPOTrainer(model=policy.model, args=arguments(DPOConfig, tmp_path / "dpo"),
                         train_dataset=data, processing_class=policy.tokenizer)  # fmt: skip
    assert trainer.train().training_loss > 0
    model = new_reward_model(policy, seed=1).model
    trainer = RewardTrainer(model=model, args=arguments(RewardConfig, tmp_path / "reward"),
                            train_dataset=data, processing_class=policy.tokenizer)  # fmt: skip
    assert trainer.train().training_loss > 0


def test_rollouts_as_prompt_and_completion(pool, form, tmp_path):
    path = tmp_path / "rollouts.jsonl"
    write_rollouts(pool, path, "prompt/completion/reward")
    rows = list(load(path))
    assert len(rows) == 4
    assert all(is_conversational(row) == (form == "conversational") for row in rows)
