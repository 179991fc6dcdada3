"""What people give that was not expected: odd settings, long prompts, broken models, dialogues."""

import warnings

import numpy as np
import pytest
import torch
from architectures import tiny as tiny_of

from course_lib.base import CourseError
from course_lib.methods import selected_examples
from course_lib.models import Policy, new_reward_model, sample, sequence_logprobs, tiny_policy
from course_lib.models.sampling import Ending
from course_lib.models.stops import Stops
from course_lib.pools import threshold

TEXTS = ["the cat sat on the mat.\n\nQuestion: what is 12 + 30?", "Answer: 42"] * 4


@pytest.fixture(scope="module")
def tiny():
    return tiny_policy(TEXTS, seed=1)


@pytest.mark.parametrize(
    "bad, says",
    [
        ({"seed": 1.5}, "seed must be a whole number.*got 1.5"),
        ({"seed": True}, "seed must be a whole number"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**64}, "seed"),
        ({"n": None}, "n, the number of candidates.*got None"),
        ({"n": "4"}, "whole number.*got '4'"),
        ({"n": float("inf")}, "whole number"),
        ({"n": float("nan")}, "whole number"),
        ({"max_tokens": 2.5}, "max_tokens must be a whole number"),
        ({"max_tokens": None}, "max_tokens"),
        ({"temperature": 1e-45}, "temperature must be 0 .greedy. or at least 0.001"),
        ({"temperature": float("nan")}, "temperature"),
        ({"temperature": float("inf")}, "temperature"),
        ({"temperature": "warm"}, "temperature"),
        ({"top_p": float("nan")}, "top_p"),
        ({"top_p": 1.5}, "top_p"),
        ({"top_p": None}, "top_p"),
        ({"top_k": 2.5}, "top_k"),
        ({"memory_mb": -1}, "memory_mb"),
        ({"memory_mb": "all"}, "memory_mb"),
        ({"stop": []}, "empty list"),
        ({"stop": ""}, "empty text"),
        ({"stop": [-1]}, "stop token id must be a whole number from 0 to"),
        ({"stop": 10**9}, "stop token id"),
        ({"stop": [True]}, "stop token id"),
        ({"stop": [None]}, "stop token id"),
        ({"first_prompt": -1}, "first_prompt"),
        ({"first_candidate": 2**33}, "first_candidate"),
        ({"method": "beam", "stop": "two words"}, "token ids only"),
    ],
)
def test_odd_settings_are_refused_in_words(tiny, bad, says):
    with pytest.raises(CourseError, match=says):
        sample(tiny, ["hello"], **{"n": 2, "max_tokens": 2, **bad})


@pytest.mark.parametrize(
    "prompts, says",
    [
        ("hello", "prompts must be a list of prompts; got one str"),
        ({"prompt": "hello"}, "got one dict"),
        ([[]], "prompt 0 is an empty list"),
        ([[{"role": "user"}]], "without text"),
        ([[{"role": "user", "content": None}]], "without text"),
        ([["hello"]], "without text"),
        ([[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]], "ends with"),
    ],
)
def test_odd_prompts_are_refused_in_words(tiny, prompts, says):
    with pytest.raises(CourseError, match=says):
        sample(tiny, prompts, n=2, max_tokens=2)


def test_numbers_of_other_kinds_are_taken(tiny):
    plain = sample(tiny, ["hello"], n=3, max_tokens=4, seed=7, top_k=5)
    other = sample(
        tiny, ("hello",), n=np.int64(3), max_tokens=np.int32(4), seed=torch.tensor(7), top_k=5.0
    )
    assert plain.texts == other.texts


@pytest.mark.parametrize("share", [0.02, 0.25, 1.0])
def test_rows_may_end_on_their_first_token(tiny, share):
    """A share of all rows leave before the first step."""
    first = sample(tiny, TEXTS[:2], n=64, max_tokens=1, seed=5).tokens[..., 0].flatten()
    tokens, counts = first.unique(return_counts=True)
    order = counts.argsort(descending=True)
    enough = int((counts[order].cumsum(0) < share * len(first)).sum()) + 1
    stop = tokens[order][:enough].tolist()
    pool = sample(tiny, TEXTS[:2], n=64, max_tokens=6, seed=5, stop=stop)
    ended_first = (pool.lengths == 1).float().mean()
    assert ended_first >= share - 1e-6
    assert all(
        row == ""
        for i in range(2)
        for row, n in zip(pool.texts[i], pool.lengths[i], strict=True)
        if n == 1
    )


def shown(texts):
    """The texts whose characters are whole."""
    return [text for text in texts if "\ufffd" not in text]


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_stop_is_a_text_wherever_tokens_begin(tiny, length):
    """A reply goes up to the first stop text: inside a token, over several tokens."""
    free = sample(tiny, ["a", "b"], n=48, max_tokens=24, seed=3)
    flat = [text for row in free.texts for text in row]
    middle = [text[5 : 5 + length] for text in flat if len(text) > 12]
    stop = [text for text in shown(dict.fromkeys(middle)) if text.strip()][:3]
    pool = sample(tiny, ["a", "b"], n=48, max_tokens=24, seed=3, stop=stop)
    stops = Stops([], tuple(stop))
    assert [text for row in pool.texts for text in row] == [stops.cut(text) for text in flat]
    reached = torch.tensor([stops.reached(text) for text in flat]).reshape(2, 48)
    assert reached.sum() > 2
    assert torch.equal(pool.finish == 0, reached | (free.finish == 0))
    assert (pool.lengths <= free.lengths).all()


def test_a_stop_inside_a_token():
    """ ".\n\n" is one token of some vocabularies; a stop "\n" must be seen in it."""
    policy = tiny_policy(["a\n\n"] * 50, vocabulary=400, seed=2)
    (double,) = policy.tokenizer("\n\n", add_special_tokens=False)["input_ids"]
    assert bool(Stops.of(policy, "\n").may_end(policy)[double])
    ending = Ending(policy, Stops.of(policy, "\n"))
    row = torch.tensor([[policy.tokenizer("a")["input_ids"][0], double]], dtype=torch.int32)
    assert ending.by_token(torch.tensor([double])).tolist() == [0]
    assert ending.by_text(row, 0) == {0: 2}


def test_a_special_token_may_be_given_by_name(tiny):
    assert Stops.of(tiny, "<|im_end|>") == Stops([tiny.tokenizer.eos_token_id])
    assert Stops.of(tiny, [7, "\n\n"]) == Stops([7], ("\n\n",))
    assert Stops.of(tiny, "\n\n") == Stops(tiny.stop_ids, ("\n\n",))


def test_what_a_text_ended_is_trained_with_the_models_own_end(tiny):
    """The student learns to stop there by itself, without the text that stopped its teacher."""
    free = sample(tiny, ["a", "b"], n=48, max_tokens=24, seed=3)
    stop = next(t[3:5] for t in sum(free.texts, []) if len(t) > 7 and shown([t[3:5]]))
    pool = sample(tiny, ["a", "b"], n=48, max_tokens=24, seed=3, stop=stop)
    pool = pool.with_reward("done", (pool.finish == 0).float())
    kept = threshold(pool)
    changed = 0
    for (_, response), text in zip(selected_examples(tiny, kept), kept.texts, strict=True):
        assert response[-1] == tiny.end_id and stop not in tiny.decode([response])[0]
        if shown([text]):
            assert tiny.decode([response]) == [text]
        changed += response == tiny.encode_responses([text])[0]
    assert changed > 0


def test_prompts_leave_room_for_a_reply():
    policy = tiny_policy(TEXTS, max_positions=40)
    long = "the cat sat " * 20
    with pytest.raises(CourseError, match="only 40 positions. Shorten"):
        sample(policy, ["hello", long], n=2, max_tokens=4)
    with pytest.raises(CourseError, match="prompt 0 .*lower max_tokens to"):
        sample(policy, ["hello"], n=2, max_tokens=39)
    ids = policy.encode([long])[0]
    with pytest.raises(CourseError, match="a prompt with its reply has"):
        sequence_logprobs(policy, [(ids, [5, 6])])
    with pytest.raises(CourseError, match="a conversation has .* only 40 positions"):
        new_reward_model(policy).score_texts([long], ["reply"])


@pytest.mark.parametrize("temperature", [1.0, 0.7, 0])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_logits_that_are_no_numbers_are_named(tiny, temperature, value):
    broken = tiny.copy()
    sample(broken, ["hello"], n=1, temperature=temperature, max_tokens=3)
    broken.model.lm_head.weight = torch.nn.Parameter(broken.model.lm_head.weight.clone())
    broken.model.lm_head.weight.data[5] = value
    with pytest.raises(CourseError, match="not numbers .* at token 0"):
        sample(broken, ["hello"], n=1, temperature=temperature, max_tokens=3)
    with pytest.raises(CourseError, match="are not numbers"):  # seen at once
        sample(broken.copy(), ["hello"], n=1, temperature=temperature, max_tokens=3)


def test_a_models_words_for_what_it_cannot_do():
    """Half of the fast way missing is said once, in one line."""
    from course_lib.models import proving

    proving._said.clear()
    with pytest.warns(UserWarning, match="DiffLlamaForCausalLM is sampled without the fastest"):
        sample(tiny_of("diffllama"), ["a"], n=1, max_tokens=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sample(tiny_of("diffllama"), ["a"], n=1, max_tokens=2)


# ---- chat templates


GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}"
    "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate') }}{% endif %}"
    "<start_of_turn>{{ 'model' if m['role'] == 'assistant' else m['role'] }}\n"
    "{{ m['content'] | trim }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
SILENT = (
    "{% for m in messages %}{% if m['role'] != 'system' %}[{{ m['role'] }}] {{ m['content'] }}\n"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}"
)
THINKING = (  # as Qwen3's: an empty block of thoughts before the last reply
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['role'] == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def with_template(policy, template, **changes):
    import copy

    tokenizer = copy.deepcopy(policy.tokenizer)
    tokenizer.chat_template = template
    return Policy(policy.model, tokenizer, **changes)


@pytest.mark.parametrize("template", [GEMMA, SILENT])
def test_templates_without_a_system_role_keep_the_system_message(tiny, template):
    policy = with_template(tiny, template, system="Be kind.")
    (text,) = policy.render(["hello"])
    assert text.count("Be kind.") == 1 and text.index("Be kind.") < text.index("hello")
    own = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}]
    (text,) = policy.render([own])
    assert "Be brief." in text and "Be kind." not in text
    reward = new_reward_model(policy)
    row = reward.tokenizer.decode(reward.encode(["hello"], ["a reply"])[0])
    assert "Be kind." in row and "a reply" in row


def test_a_dialogue_is_rendered_whole(tiny):
    dialogue = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "three"},
    ]
    (chat,) = tiny.render([dialogue])
    (plain,) = Policy(tiny.model, tiny.tokenizer, template="plain").render([dialogue])
    for text in (chat, plain):
        places = [text.index(word) for word in ("Be kind.", "one", "two", "three")]
        assert places == sorted(places)
    assert plain.endswith("User: three\n\nAssistant:")
    pool = sample(tiny, [dialogue, "one"], n=2, max_tokens=3)
    assert pool.prompts == [dialogue, "one"]
    alone = sample(tiny, ["three"], n=2, max_tokens=3)
    assert alone.tokens.tolist() != pool.take(prompts=[0]).tokens.tolist()


def test_a_reward_model_reads_what_the_policy_wrote(tiny):
    policy = with_template(tiny, THINKING)
    reward = new_reward_model(policy)
    row = reward.tokenizer.decode(reward.encode(["hello"], ["a reply"])[0])
    assert "<think>" not in row
    assert row == policy.render(["hello"])[0] + "a reply<|im_end|>\n"


@pytest.mark.parametrize("template", ["{% for m in messages %}", "{{ raise_exception('no') }}"])
def test_a_broken_template_is_named(tiny, template):
    policy = with_template(tiny, template, system="Be kind.")
    with pytest.raises(CourseError, match="chat template cannot write"):
        sample(policy, ["hello"], n=1, max_tokens=2)


# ---- tokenizers and reward models of other kinds


def test_without_a_pad_token(tiny):
    import copy

    tokenizer = copy.deepcopy(tiny.tokenizer)
    tokenizer.pad_token = None
    policy = Policy(tiny.model, tokenizer)
    assert sample(policy, TEXTS[:2], n=3, max_tokens=4, seed=2).texts == (
        sample(tiny, TEXTS[:2], n=3, max_tokens=4, seed=2).texts
    )
    reward = new_reward_model(policy)
    assert torch.isfinite(reward.score_texts(["a", "b"], ["c", "d e f"])).all()


def test_reward_models_of_encoders_and_of_classes_without_one():
    with pytest.raises(CourseError, match="no sequence classifier|reads its first token"):
        new_reward_model(tiny_of("bert"))
    with pytest.raises(CourseError, match="no sequence classifier"):
        new_reward_model(tiny_of("mamba"))
