"""Many model classes of ``transformers``: what is promised of one is tried on each, or refused."""

import warnings

import pytest
import torch
from architectures import tiny, tiny_model, tokenizer

from course_lib.base import CourseError
from course_lib.methods import sft_loss
from course_lib.models import RewardModel, sample, sequence_logprobs
from course_lib.models.decoding import (
    RepeatedCacheEngine,
    RereadingEngine,
    SharedPrefixEngine,
    UnpaddedEngine,
)
from course_lib.models.proving import engine_class, packs

# each class with the engine it is known to get, the fastest first
SHARED = [
    "llama", "qwen3", "gpt2", "gpt_neox", "mixtral", "opt", "qwen2", "phi", "bert", "gpt_bigcode",
    "apertus", "arcee", "bitnet", "cohere", "ernie4_5", "gemma", "glm", "glm4", "granite",
    "granitemoe", "helium", "hunyuan_v1_dense", "internlm3", "ministral3", "nanochat", "olmo",
    "olmo2", "olmoe", "persimmon", "phi3", "qwen2_moe", "qwen3_moe", "seed_oss", "smollm3",
    "starcoder2", "gemma3_text", "mistral", "cohere2", "exaone4", "gpt_oss", "olmo3",
]  # fmt: skip
REPEATED = [
    "bloom", "diffllama", "deepseek_v3", "mamba", "qwen3_next",
    "biogpt", "codegen", "deepseek_v2", "falcon", "falcon_mamba", "gemma2",
    "gpt_neo", "gptj", "hrm_text", "jetmoe", "lfm2", "llama4_text", "mamba2", "mpt",
    "nemotron", "qwen3_5_text", "stablelm", "xglm",
]  # fmt: skip
OTHERS = {"bart": UnpaddedEngine, "rwkv": RereadingEngine, "openai-gpt": RereadingEngine}
REFUSED = ["electra", "xlm-roberta", "xlnet"]
QUICK = {"llama", "gpt2", "opt", "gemma3_text", "diffllama", "deepseek_v3", "qwen3_next", "rwkv"}

ENGINES = {
    **dict.fromkeys(SHARED, SharedPrefixEngine),
    **dict.fromkeys(REPEATED, RepeatedCacheEngine),
    **OTHERS,
}
CLASSES = [
    pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in ENGINES
]
PROMPTS = ["the cat sat on", "12 + 30 = ", "the mat", "a b c d e f g h"]
TOKENS = 8


@pytest.fixture(autouse=True)
def without_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def rows_of(pool):
    return [[t for t in row if t >= 0] for row in pool.tokens.flatten(0, 1).tolist()]


@pytest.mark.parametrize("name", CLASSES)
def test_it_samples_what_the_model_says(name):
    """Greedy is `generate`'s; log-probabilities are a plain pass's; candidates stand by number."""
    policy = tiny(name)
    assert engine_class(policy) is ENGINES[name]
    ids = policy.encode(PROMPTS)
    policy.model.generation_config.forced_eos_token_id = None  # a habit of BART's summaries

    greedy = sample(policy, PROMPTS, n=1, temperature=0, max_tokens=TOKENS)
    for prompt, row in zip(ids, rows_of(greedy), strict=True):
        given = torch.tensor([prompt])
        kept = {} if name in ("rwkv", "openai-gpt") else {"attention_mask": torch.ones_like(given)}
        expected = policy.model.generate(
            given,
            max_new_tokens=TOKENS,
            do_sample=False,
            pad_token_id=policy.pad_id,
            **kept,
        )[0, len(prompt) :].tolist()
        assert row == expected

    drawn = sample(policy, PROMPTS, n=5, temperature=0.8, max_tokens=TOKENS, seed=3)
    for i, prompt in enumerate(ids):
        for j in range(5):
            row = [t for t in drawn.tokens[i, j].tolist() if t >= 0]
            with torch.inference_mode():
                logits = policy.model(input_ids=torch.tensor([prompt + row])).logits[0]
            logp = logits.log_softmax(-1)[len(prompt) - 1 : -1]
            own = logp[torch.arange(len(row)), torch.tensor(row)]
            torch.testing.assert_close(drawn.logprobs[i, j, : len(row)], own, atol=2e-3, rtol=2e-3)

    fewer = sample(policy, PROMPTS[:2], n=3, temperature=0.8, max_tokens=TOKENS, seed=3)
    assert fewer.texts == [row[:3] for row in drawn.texts[:2]]
    for budget in (0.001, 0.02):
        again = sample(
            policy, PROMPTS, n=5, temperature=0.8, max_tokens=TOKENS, seed=3, memory_mb=budget
        )
        assert again.texts == drawn.texts


@pytest.mark.parametrize("name", CLASSES)
def test_a_step_of_fine_tuning_is_the_librarys(name):
    """Loss and gradients equal a plain pass's, with activations recomputed and without."""
    policy = tiny(name)
    prompts = policy.encode(PROMPTS[:2])
    replies = policy.encode_responses(["sat on the mat", "42"])
    examples = list(zip(prompts, replies, strict=True))
    parameters = [p for p in policy.model.parameters() if p.requires_grad]
    policy.model.train()

    expected = 0.0
    for prompt, reply in examples:
        ids = torch.tensor([prompt + reply])
        labels = torch.tensor([[-100] * len(prompt) + reply])
        expected = expected + _loss(policy.model(input_ids=ids).logits, labels)
    wanted = _gradient(expected, parameters)
    torch.testing.assert_close(
        -sequence_logprobs(policy, examples).sum(), expected.detach(), atol=1e-2, rtol=1e-3
    )

    ways = [None]
    if policy.model.supports_gradient_checkpointing:
        ways += [{"use_reentrant": False}, {"use_reentrant": True}]
    for way in ways:
        policy.model.train()
        if way:
            policy.model.gradient_checkpointing_enable(gradient_checkpointing_kwargs=way)
            assert not packs(policy.model)
        loss, count = sft_loss(policy, examples)
        assert count == sum(map(len, replies))
        got = _gradient(loss, parameters)
        assert float((got - wanted).norm() / wanted.norm()) < 1e-3, way
        if way:
            policy.model.gradient_checkpointing_disable()


def _loss(logits, labels):
    """Summed negative log-probability of the labels that are not -100."""
    return torch.nn.functional.cross_entropy(
        logits[0, :-1].float(), labels[0, 1:], ignore_index=-100, reduction="sum"
    )


def _gradient(loss, parameters):
    """All gradients end to end; unused weights count as zero."""
    for parameter in parameters:
        parameter.grad = None
    loss.backward()
    flat = [
        torch.zeros(p.numel()) if p.grad is None else p.grad.flatten().clone() for p in parameters
    ]
    return torch.cat(flat)


REWARD_CLASSES = [
    "llama", "qwen3", "gpt2", "gpt_neox", "mixtral", "opt", "phi", "gemma", "olmo2",
    "gemma3_text", "mistral", "bloom", "diffllama", "falcon", "qwen2", "starcoder2",
]  # fmt: skip


@pytest.mark.parametrize("end_is_pad", [False, True])
@pytest.mark.parametrize("name", REWARD_CLASSES)
def test_scores_are_the_librarys(name, end_is_pad):
    """Also where the pad token is the end token, which the library does not read."""
    from transformers import CONFIG_MAPPING, AutoModelForSequenceClassification

    if CONFIG_MAPPING[name] not in AutoModelForSequenceClassification._model_mapping:
        pytest.skip(f"transformers has no sequence classifier of {name}")
    ids = tokenizer()
    pad = ids.eos_token_id if end_is_pad else ids.pad_token_id
    model = tiny_model(name, head="SequenceClassification", pad_token_id=pad)
    reward = RewardModel(model, ids)
    texts = ["sat on the mat", "42", "a much longer reply than all the others", ""]
    rows = reward.encode(["the cat"] * 4, texts)
    rows += [row + [ids.eos_token_id] for row in rows]
    with torch.inference_mode():
        expected = [float(model(torch.tensor([row])).logits[0, 0]) for row in rows]
        got = reward.logits(rows)
    torch.testing.assert_close(got, torch.tensor(expected), atol=1e-3, rtol=1e-3)
    assert len({round(x, 3) for x in expected}) >= 3


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_causal_is_refused(name):
    with pytest.raises(CourseError, match="not a causal language model"):
        sample(tiny(name), PROMPTS, n=2, max_tokens=4)


def test_an_encoder_that_calls_itself_a_causal_model_is_refused():
    with pytest.raises(CourseError, match="is_decoder=True"):
        sample(tiny("bert", is_decoder=False), PROMPTS, n=2, max_tokens=4)


def test_an_encoder_with_a_decoder_is_refused(tmp_path):
    from transformers import T5Config, T5ForConditionalGeneration

    from course_lib.models import Policy, load_policy

    ids = tokenizer()
    config = T5Config(
        vocab_size=len(ids), d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4,
        decoder_start_token_id=0,
    )  # fmt: skip
    policy = Policy(T5ForConditionalGeneration(config), ids, template="plain")
    with pytest.raises(CourseError, match="encoder with a decoder"):
        sample(policy, PROMPTS, n=2, max_tokens=4)
    policy.save(tmp_path / "t5")
    with pytest.raises(CourseError, match="encoder with a decoder"):
        load_policy(tmp_path / "t5", device="cpu", template="plain")
