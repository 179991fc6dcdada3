"""Loading, log-probabilities, the SFT loss, the training loop and its resumption, fine-tuning and
rounds.
"""

import json

import numpy as np
import pytest
import torch

from course_lib.base import CourseError
from course_lib.methods import (
    dpo,
    finetune,
    held_out_loss,
    labelled_pairs,
    order_of_epoch,
    rejection_sampling_rounds,
    rounds,
    selected_examples,
    sft_loss,
    train,
    train_reward_model,
)
from course_lib.methods import sft as finetuning
from course_lib.models import examples_of, load_policy, sample, sequence_logprobs, tiny_policy
from course_lib.pools import LENGTH, best_per_prompt, random_per_prompt

PROMPTS = [
    "How do I reset my password?",
    "Hi.",
    "What is two plus two?",
    "Tell me about the sea",
    "And the sky?",
    "Good night.",
]
REPLIES = [
    "Open the page.",
    "Hello there, hello.",
    "Four.",
    "It is wide and blue and wide.",
    "It is far.",
    "Sleep well.",
]


@pytest.fixture(scope="session", params=[pytest.param("llama", marks=pytest.mark.slow), "qwen3"])
def tiny(request):
    return tiny_policy(PROMPTS * 3 + REPLIES * 3, request.param, width=32, vocabulary=320, seed=1)


@pytest.fixture(scope="session")
def scored(tiny):
    pool = sample(tiny, PROMPTS, n=4, max_tokens=12, seed=1)
    return pool.with_reward("length", pool.lengths.float())


def reference_loss(policy, prompt_ids, response_ids):
    """The loss by the book: full forward of one sequence, labels -100 on the prompt."""
    ids = torch.tensor([prompt_ids + response_ids])
    labels = torch.tensor([[-100] * len(prompt_ids) + response_ids])
    return policy.model(ids, labels=labels).loss * len(response_ids)


def test_loss_is_that_of_single_sequences_with_the_prompt_masked(tiny):
    examples = examples_of(tiny, PROMPTS, REPLIES)
    total, tokens = sft_loss(tiny, examples)
    assert tokens == sum(len(r) for _, r in examples)
    expected = sum(reference_loss(tiny, p, r) for p, r in examples)
    torch.testing.assert_close(total, expected, atol=1e-3, rtol=1e-4)


def test_packed_gradients_are_those_of_single_sequences(tiny):
    examples = examples_of(tiny, PROMPTS, REPLIES)
    weight = tiny.model.model.layers[0].self_attn.k_proj.weight
    tiny.model.zero_grad()
    sft_loss(tiny, examples)[0].backward()
    packed = weight.grad.clone()
    tiny.model.zero_grad()
    sum(reference_loss(tiny, p, r) for p, r in examples).backward()
    torch.testing.assert_close(
        packed, weight.grad, atol=1e-3 * float(weight.grad.abs().max()), rtol=1e-3
    )
    tiny.model.zero_grad()


def test_prompt_tokens_carry_no_loss(tiny):
    """Changing a prompt's text changes the loss only through the context.

    The number of terms stays that of the response.
    """
    ((p, r),) = examples_of(tiny, PROMPTS[:1], REPLIES[:1])
    assert sft_loss(tiny, [(p, r)])[1] == sft_loss(tiny, [(p + p, r)])[1] == len(r)


def test_responses_end_with_the_end_token(tiny):
    assert all(r[-1] == tiny.end_id for _, r in examples_of(tiny, PROMPTS, REPLIES))


def test_weights_scale_examples(tiny):
    examples = examples_of(tiny, PROMPTS, REPLIES)
    only_first, _ = sft_loss(tiny, examples, [1.0, 0, 0, 0, 0, 0])
    torch.testing.assert_close(only_first, sft_loss(tiny, examples[:1])[0], atol=1e-3, rtol=1e-4)


def test_special_tokens_are_not_added_twice(tiny):
    ids = tiny.encode(PROMPTS[:1])[0]
    assert tiny.tokenizer.decode(ids) == tiny.render(PROMPTS[:1])[0]


def test_order_of_epoch_is_a_permutation_of_seed_and_epoch():
    assert sorted(order_of_epoch(10, 0, 0)) == list(range(10))
    assert not np.array_equal(order_of_epoch(50, 0, 0), order_of_epoch(50, 1, 0))


def test_finetuning_lowers_the_loss_and_leaves_the_original_alone(tiny):
    before = {k: v.clone() for k, v in tiny.model.state_dict().items()}
    student = finetune(
        tiny, list(zip(PROMPTS, REPLIES, strict=True)), epochs=10, lr=3e-3, batch_size=3
    )
    examples = examples_of(tiny, PROMPTS, REPLIES)
    assert held_out_loss(student, examples).mean() < held_out_loss(tiny, examples).mean() - 0.5
    assert all(torch.equal(v, before[k]) for k, v in tiny.model.state_dict().items())


def test_accumulation_gives_the_same_step(tiny):
    pairs = list(zip(PROMPTS, REPLIES, strict=True))
    one = finetune(tiny, pairs, epochs=1, batch_size=6, seed=4)
    three = finetune(tiny, pairs, epochs=1, batch_size=6, accumulate=3, seed=4)
    examples = examples_of(tiny, PROMPTS, REPLIES)
    torch.testing.assert_close(
        sequence_logprobs(one, examples), sequence_logprobs(three, examples), atol=1e-2, rtol=1e-3
    )


def test_last_smaller_batch_is_kept(tiny):
    seen = []

    def loss_of(indices):
        seen.extend(indices)
        return sft_loss(tiny.copy(), [examples_of(tiny, PROMPTS[:1], REPLIES[:1])[0]])

    train(tiny.copy().model, loss_of, 5, epochs=1, batch_size=2)
    assert sorted(seen) == [0, 1, 2, 3, 4]


def test_interrupted_training_goes_on_to_the_same_result(tiny, tmp_path):
    pairs = list(zip(PROMPTS, REPLIES, strict=True)) * 4
    whole = finetune(tiny, pairs, epochs=2, batch_size=4, seed=2)
    file, calls = tmp_path / "checkpoint.pt", []
    real = finetuning.sft_loss

    def dies(*args):
        calls.append(1)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return real(*args)

    finetuning.sft_loss = dies
    try:
        with pytest.raises(KeyboardInterrupt):
            finetune(
                tiny, pairs, epochs=2, batch_size=4, seed=2, checkpoint=file, checkpoint_every=3
            )
    finally:
        finetuning.sft_loss = real
    assert file.is_file()
    resumed = finetune(
        tiny, pairs, epochs=2, batch_size=4, seed=2, checkpoint=file, checkpoint_every=3
    )
    assert len(resumed.training_log.losses) == 12
    for a, b in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-5)


def test_cut_replies_get_no_end_token(tiny, scored):
    chosen = best_per_prompt(scored, by="length")
    for policy in (tiny, tiny_policy(["other words entirely"] * 3, vocabulary=280)):
        for (_, response), i, j in zip(
            selected_examples(policy, chosen),
            chosen.prompt_index.tolist(),
            chosen.candidate_index.tolist(),
            strict=True,
        ):
            assert (response[-1] == policy.end_id) == (int(scored.finish[i, j]) != LENGTH)


def test_tokens_of_another_vocabulary_are_not_reused(scored):
    other = tiny_policy(["completely different text, with other merges"] * 5, vocabulary=290)
    chosen = best_per_prompt(scored, by="length")
    for (_, response), text in zip(selected_examples(other, chosen), chosen.texts, strict=True):
        assert other.decode([response])[0] == text


def test_empty_selection_and_empty_responses_are_refused(tiny):
    with pytest.raises(CourseError, match="kept no candidate"):
        finetune(tiny, [])
    with pytest.raises(CourseError, match="empty"):
        train(tiny.model, None, 0)


def test_pairs_may_be_dictionaries(tiny):
    pairs = list(zip(PROMPTS, REPLIES, strict=True))
    one = finetune(tiny, pairs, epochs=1)
    for name in ("completion", "response", "text"):
        other = finetune(tiny, [{"prompt": p, name: r} for p, r in pairs], epochs=1)
        assert one.training_log.losses == other.training_log.losses


@pytest.mark.parametrize(
    "pair, words",
    [
        ("ab", "pair 1 of .* is str"),
        (("a", "b", "c"), "pair 1 of .* is 3 items"),
        ({"question": "a", "answer": "b"}, "pair 1 of .* question, answer"),
        ({"prompt": "a", "completion": "b", "text": "c"}, "pair 1 of .* names"),
        ((None, "b"), "prompt in pair 1"),
        (("a", None), "text in pair 1"),
        ((["a"], "b"), "prompt in pair 1"),
        (7, "pair 1 of .* is int"),
    ],
)
def test_what_is_no_pair_is_refused_with_its_position(tiny, pair, words):
    good = ("the cat", "sat")
    with pytest.raises(CourseError, match=words):
        finetune(tiny, [good, pair])
    with pytest.raises(CourseError, match=words):
        finetune(tiny, [good], also=[good, pair])


@pytest.mark.parametrize("pairs", ["hello", {"prompt": "a", "completion": "b"}, 3, None])
def test_one_thing_is_no_list_of_pairs(tiny, pairs):
    with pytest.raises(CourseError, match="list of .prompt, text. pairs"):
        finetune(tiny, pairs)


@pytest.mark.parametrize(
    "row, words",
    [
        ({"prompt": "a", "chosen": "b"}, "comparison 1 has no 'rejected'"),
        (("a", "b", "c"), "comparison 1 has no 'prompt'"),
        ({"prompt": "a", "chosen": "b", "rejected": None}, "'rejected' of comparison 1"),
        ({"prompt": 3, "chosen": "b", "rejected": "c"}, "prompt of comparison 1"),
    ],
)
def test_what_is_no_comparison_is_refused_with_its_position(tiny, row, words):
    rows = [{"prompt": "a", "chosen": "b", "rejected": "c"}, row]
    with pytest.raises(CourseError, match=words):
        train_reward_model(tiny, rows)
    with pytest.raises(CourseError, match=words):
        labelled_pairs(tiny, rows)
    with pytest.raises(CourseError, match="labelled_pairs"):
        dpo(tiny, rows)


def test_half_precision_is_given_back_weight_by_weight(tiny):
    """Rotary frequencies are float32 in a model of half precision, and stay so, to the last bit."""
    policy = tiny.copy()
    weights = list(policy.model.named_parameters())
    for _, weight in weights[1:]:  # the first stays in float32, as an adapter may
        weight.data = weight.data.to(torch.bfloat16)
    tuned = finetune(policy, [("the cat", "sat")], epochs=1, lr=1e-2)
    for (name, before), (_, after) in zip(weights, tuned.model.named_parameters(), strict=True):
        assert before.dtype == after.dtype, name
    buffers = dict(policy.model.named_buffers())
    assert any(buffer.dtype == torch.float32 for buffer in buffers.values())
    for name, after in tuned.model.named_buffers():
        assert after.dtype == buffers[name].dtype and torch.equal(after, buffers[name]), name


def test_loss_that_is_not_a_number_stops_with_advice(tiny):
    with pytest.raises(CourseError, match="Lower the learning rate"):
        train(
            tiny.copy().model,
            lambda rows: (sum(p.sum() for p in tiny.model.parameters()) * float("nan"), 1),
            4,
            batch_size=2,
        )


def reward_of_length(prompt, text, info):
    return float(len(text))


def test_rounds_choices(tiny):
    args = dict(n=3, max_tokens=8, epochs=1, batch_size=4)
    both = rejection_sampling_rounds(tiny, PROMPTS, reward_of_length, rounds=2, keep="all", **args)
    last = rejection_sampling_rounds(
        tiny, PROMPTS, reward_of_length, rounds=2, keep="last", start="last", **args
    )
    assert [len(r.trained_on) for r in both] == [6, 12] and [len(r.trained_on) for r in last] == [
        6,
        6,
    ]
    assert torch.equal(both[0].pool.tokens, last[0].pool.tokens)
    assert not torch.equal(both[1].pool.tokens[..., :2], both[0].pool.tokens[..., :2]), (
        "round 2 samples from the new policy with new numbers"
    )
    seen = []

    def refresh(r, pool, reward):
        seen.append((r, pool.P))
        return reward

    rejection_sampling_rounds(tiny, PROMPTS, reward_of_length, rounds=2, refresh=refresh, **args)
    assert seen == [(0, 6), (1, 6)]
    with pytest.raises(CourseError, match="'all' or 'last'"):
        rejection_sampling_rounds(tiny, PROMPTS, reward_of_length, keep="none")


def test_control_differs_from_treatment_only_in_the_choice(scored):
    treatment, control = best_per_prompt(scored, by="length"), random_per_prompt(scored, 1, 0)
    assert torch.equal(treatment.per_prompt, control.per_prompt)


def test_rounds_are_cached_and_keyed_by_everything(tiny, tmp_path, monkeypatch):
    args = dict(rounds=1, n=3, max_tokens=8, epochs=1, batch_size=4, out=tmp_path)
    first = rejection_sampling_rounds(tiny, PROMPTS, reward_of_length, **args)
    monkeypatch.setattr(rounds, "sample", lambda *a, **k: pytest.fail("sampled again"))
    monkeypatch.setattr(finetuning, "finetune", lambda *a, **k: pytest.fail("trained again"))
    again = rejection_sampling_rounds(tiny, PROMPTS, reward_of_length, **args)
    assert torch.equal(first[0].pool.tokens, again[0].pool.tokens)
    for a, b in zip(
        first[0].policy.model.parameters(), again[0].policy.model.parameters(), strict=True
    ):
        assert torch.equal(a, b)
    for change in ({"n": 2}, {"seed": 7}, {"temperature": 0.5}, {"max_tokens": 6}):
        with pytest.raises(BaseException, match="sampled again"):
            rejection_sampling_rounds(tiny, PROMPTS, reward_of_length, **{**args, **change})
    for change in ({"epochs": 2}, {"lr": 1e-4}):
        with pytest.raises(BaseException, match="trained again"):
            rejection_sampling_rounds(tiny, PROMPTS, reward_of_length, **{**args, **change})


# ---- loading -----------------------------------------------------------------------------------


def test_unknown_folder_and_not_a_model(tmp_path):
    with pytest.raises(CourseError, match="no model at .*nowhere"):
        load_policy(tmp_path / "nowhere")
    with pytest.raises(CourseError, match="no config.json"):
        load_policy(tmp_path)


def edit_json(path, **values):
    content = json.loads(path.read_text())
    content.update(values)
    path.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))


def test_tokenizer_without_pad_template_or_end(tiny, tmp_path):
    tiny.save(tmp_path / "m")
    config = tmp_path / "m" / "tokenizer_config.json"
    (tmp_path / "m" / "chat_template.jinja").unlink()
    with pytest.raises(CourseError, match="no chat template.*plain"):
        load_policy(tmp_path / "m", device="cpu")
    assert load_policy(tmp_path / "m", device="cpu", template="plain").encode(["Hi."])[0]
    edit_json(config, pad_token=None)
    without = load_policy(tmp_path / "m", device="cpu", template="plain")
    assert without.tokenizer.pad_token_id is None and without.pad_id == without.end_id
    assert sample(without, ["Hi.", "Hi there."], n=2, max_tokens=3).N == 2
    edit_json(config, pad_token="<|endoftext|>", eos_token=None)
    with pytest.raises(CourseError, match="no end token"):
        load_policy(tmp_path / "m", device="cpu", template="plain")


def test_reward_model_given_as_policy(tiny, tmp_path):
    from course_lib.models import new_reward_model

    new_reward_model(tiny).save(tmp_path / "rm")
    with pytest.raises(CourseError, match="sequence classifier.*--reward"):
        load_policy(tmp_path / "rm")


def test_round_trip_of_a_saved_policy(tiny, tmp_path):
    tiny.save(tmp_path / "m")
    again = load_policy(tmp_path / "m", device="cpu")
    examples = examples_of(tiny, PROMPTS, REPLIES)
    torch.testing.assert_close(
        sequence_logprobs(tiny, examples), sequence_logprobs(again, examples)
    )
    from transformers import AutoModelForCausalLM, AutoTokenizer

    assert (
        AutoModelForCausalLM.from_pretrained(tmp_path / "m")
        and AutoTokenizer.from_pretrained(tmp_path / "m").chat_template
    )
