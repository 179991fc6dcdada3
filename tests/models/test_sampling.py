"""`sample` against `generate`.

Equal greedy tokens, equal distributions, and the promises of reproducibility.
"""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from course_lib import assets
from course_lib.base import CourseError, key_of
from course_lib.models import (
    Policy,
    Sampling,
    draw,
    filtered,
    load_policy,
    sample,
    sequence_logprobs,
    tiny_policy,
    token_logprobs,
    uniforms,
)
from course_lib.models.decoding import RepeatedCacheEngine, SharedPrefixEngine
from course_lib.models.sampling import chunk_plan

PROMPTS = [
    "How do I reset my password?",
    "Hi.",
    "What is two plus two, and why is it so in every base above four?",
    "Tell me about the sea",
]
FALSE_ALARM = 1e-6  # probability that a correct sampler fails one distribution test


@pytest.fixture(scope="session", params=[pytest.param("llama", marks=pytest.mark.slow), "qwen3"])
def tiny(request):
    """A tiny checkpoint with sharpened random weights, so that some tokens are likely."""
    policy = tiny_policy(PROMPTS * 3, request.param, width=32, vocabulary=300, seed=1)
    with torch.no_grad():
        for p in policy.model.parameters():
            if p.dim() == 2:
                p.mul_(6)
        policy.model.get_input_embeddings().weight.mul_(4)
    return policy


def generated(policy, prompt, **settings):
    ids = torch.tensor([policy.encode([prompt])[0]])
    with torch.no_grad():
        out = policy.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            pad_token_id=policy.tokenizer.pad_token_id,
            eos_token_id=policy.stop_ids,
            **settings,
        )
    return out[:, ids.shape[1] :]


def row_tokens(pool, i, j=0):
    return [t for t in pool.tokens[i, j].tolist() if t >= 0]


def test_greedy_tokens_equal_generate(tiny):
    pool = sample(tiny, PROMPTS, n=1, temperature=0, max_tokens=24)
    for i, prompt in enumerate(PROMPTS):
        expected = generated(tiny, prompt, do_sample=False, max_new_tokens=24)[0]
        assert row_tokens(pool, i) == expected.tolist()


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_side_of_the_tokenizer_does_not_matter(tiny, side):
    tiny.tokenizer.padding_side = side
    together = sample(tiny, PROMPTS, n=2, max_tokens=12, seed=3)
    for i, prompt in enumerate(PROMPTS):
        alone = sample(tiny, [prompt], n=2, max_tokens=12, seed=3, first_prompt=i)
        for j in range(2):
            assert row_tokens(alone, 0, j) == row_tokens(together, i, j)
    tiny.tokenizer.padding_side = "left"


def two_token_distribution(policy, prompt, temperature, top_k, top_p, stops):
    """Exact probabilities of the first two tokens, by brute force from the model's own logits."""

    def step(rows):
        with torch.no_grad():
            logits = policy.model(torch.tensor(rows)).logits[:, -1]
        weights = filtered(torch.softmax(logits / temperature, -1), top_k, top_p).double()
        return (weights / weights.sum(-1, keepdim=True)).tolist()

    start = policy.encode([prompt])[0]
    first = step([start])[0]
    second = step([[*start, a] for a in range(len(first))])
    out = {}
    for a, p in enumerate(first):
        if a in stops:
            out[(a,)] = p
            continue
        for b, q in enumerate(second[a]):
            out[(a, b)] = p * q
    return {tokens: p for tokens, p in out.items() if p > 0}


def chi_square_p(counts, probabilities):
    """p-value of a chi-square test with rare outcomes pooled.

    By the normal approximation of Wilson and Hilferty.
    """
    total = sum(counts.values())
    kept = [outcome for outcome, p in probabilities.items() if p * total >= 8]
    observed = [counts.get(outcome, 0) for outcome in kept]
    expected = [probabilities[outcome] * total for outcome in kept]
    # the rare ones, pooled
    observed.append(total - sum(observed))
    expected.append(total - sum(expected))
    if expected[-1] < 8:
        expected[-2] += expected.pop()
        observed[-2] += observed.pop()
    df = len(expected) - 1
    assert df >= 3, "the test needs several likely outcomes"
    statistic = sum((o - e) ** 2 / e for o, e in zip(observed, expected, strict=True))
    z = ((statistic / df) ** (1 / 3) - (1 - 2 / (9 * df))) / math.sqrt(2 / (9 * df))
    return 0.5 * math.erfc(z / math.sqrt(2))


@pytest.mark.parametrize(
    "settings", [{}, {"temperature": 0.6}, {"top_p": 0.8}, {"top_k": 5}], ids=str
)
def test_sampled_distribution_is_the_models(tiny, settings):
    """Chi-square on the first two tokens of 6,000 candidates.

    A correct sampler fails with probability 1e-6 a case.
    """
    full = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, **settings}
    pool = sample(tiny, PROMPTS[:1], n=6000, max_tokens=2, seed=11, **settings)
    counts = {}
    for row in pool.tokens[0].tolist():
        key = tuple(t for t in row if t >= 0)
        counts[key] = counts.get(key, 0) + 1
    exact = two_token_distribution(tiny, PROMPTS[0], stops=tiny.stop_ids, **full)
    assert set(counts) <= set(exact)
    assert chi_square_p(counts, exact) > FALSE_ALARM
    full["temperature"] *= 1.3
    wrong = two_token_distribution(tiny, PROMPTS[0], stops=tiny.stop_ids, **full)
    assert chi_square_p(counts, wrong) < FALSE_ALARM, (
        "the test must tell a temperature that is 30 % off"
    )


@pytest.mark.slow
def test_same_distribution_as_generate(tiny):
    """First tokens of `generate(do_sample=True)` pass the same test.

    Both draw from the same distribution.
    """
    torch.manual_seed(0)
    rows = generated(
        tiny,
        PROMPTS[0],
        do_sample=True,
        num_return_sequences=4000,
        max_new_tokens=2,
        top_k=0,
        top_p=1.0,
        temperature=1.0,
    )
    stops = set(tiny.stop_ids)
    counts = {}
    for a, *rest in rows.tolist():
        key = (a,) if a in stops else (a, rest[0])
        counts[key] = counts.get(key, 0) + 1
    exact = two_token_distribution(tiny, PROMPTS[0], 1.0, 0, 1.0, tiny.stop_ids)
    assert chi_square_p(counts, exact) > FALSE_ALARM


def test_first_candidates_of_a_larger_pool(tiny):
    small = sample(tiny, PROMPTS, n=4, max_tokens=16, seed=5)
    large = sample(tiny, PROMPTS, n=16, max_tokens=16, seed=5)
    for i in range(4):
        for j in range(4):
            assert row_tokens(small, i, j) == row_tokens(large, i, j)


def test_chunks_order_and_parts_do_not_matter(tiny):
    whole = sample(tiny, PROMPTS, n=6, max_tokens=16, seed=5)
    chunked = sample(tiny, PROMPTS, n=6, max_tokens=16, seed=5, memory_mb=0.05)
    assert torch.equal(whole.tokens, chunked.tokens)
    torch.testing.assert_close(whole.logprobs, chunked.logprobs, atol=1e-4, rtol=1e-4)
    part = sample(tiny, PROMPTS[2:], n=2, max_tokens=16, seed=5, first_prompt=2, first_candidate=3)
    for i in range(2):
        for j in range(2):
            assert row_tokens(part, i, j) == row_tokens(whole, i + 2, j + 3)


def test_seeds_prompts_and_candidates_have_their_own_streams():
    rows = uniforms(0, [0, 0, 1, 1], [0, 1, 0, 1], 8)
    assert len(np.unique(rows.round(12), axis=0)) == 4
    assert not np.array_equal(uniforms(1, [0], [0], 8), rows[:1])
    assert np.array_equal(uniforms(0, [1], [1], 4)[0], rows[3, :4])


def test_log_probabilities_are_the_models(tiny):
    pool = sample(tiny, PROMPTS, n=3, max_tokens=10, seed=2, temperature=0.7)
    prompts = tiny.encode(PROMPTS)
    examples = [(prompts[i], row_tokens(pool, i, j)) for i in range(4) for j in range(3)]
    plain = token_logprobs(tiny, examples)
    tempered = token_logprobs(tiny, examples, temperature=0.7)
    for k, (a, b) in enumerate(zip(plain, tempered, strict=True)):
        i, j = divmod(k, 3)
        torch.testing.assert_close(a, pool.logprobs[i, j, : len(a)], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(b, pool.sampling_logprobs[i, j, : len(b)], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(
        pool.sum_logprobs.flatten(), sequence_logprobs(tiny, examples), atol=1e-3, rtol=1e-4
    )


def test_filtered_keeps_the_smallest_nucleus():
    weights = torch.tensor([[0.5, 0.3, 0.15, 0.05]])
    assert filtered(weights, top_p=0.7).tolist()[0] == pytest.approx([0.5, 0.3, 0, 0])
    assert filtered(weights, top_p=0.81).tolist()[0] == pytest.approx([0.5, 0.3, 0.15, 0])
    assert filtered(weights, top_k=1).tolist()[0] == pytest.approx([0.5, 0, 0, 0])
    assert filtered(weights, top_p=0.01).tolist()[0] == pytest.approx([0.5, 0, 0, 0])


def test_draw_never_takes_an_impossible_token():
    logits = torch.full((3, 5), float("-inf"))
    logits[:, 2] = 0.0
    for u in (0.0, 0.5, 1 - 1e-12):
        token, logp, _ = draw(logits, torch.full((3,), u, dtype=torch.float64))
        assert token.tolist() == [2, 2, 2] and logp.abs().max() == 0


def test_end_at_once_and_cut_at_the_limit(tiny):
    first = row_tokens(sample(tiny, PROMPTS[:1], n=1, temperature=0, max_tokens=4), 0)
    stopped = sample(tiny, PROMPTS[:1], n=1, temperature=0, max_tokens=4, stop=[first[0]])
    assert stopped.texts == [[""]]
    assert stopped.finish.tolist() == [[0]]
    assert stopped.lengths.tolist() == [[1]]
    other = (first[0] + 1) % 100
    cut = sample(tiny, PROMPTS[:1], n=1, temperature=0, max_tokens=1, stop=[other])
    assert cut.finish.tolist() == [[1]] and cut.lengths.tolist() == [[1]]
    both = sample(tiny, PROMPTS[:1], n=1, temperature=0, max_tokens=4, stop=[first[1], first[0]])
    assert both.lengths.tolist() == [[1]], "any of several stop tokens ends a reply"


def test_models_without_the_attention_interface_take_the_plain_way(tiny, monkeypatch):
    """The fallback gives the same candidates.

    It differs in how caches are kept, not in what is drawn.
    """
    fast = sample(tiny, PROMPTS, n=4, max_tokens=12, seed=9)
    monkeypatch.setattr("course_lib.models.proving.misfit", lambda model: "a test")
    again = tiny.copy()  # a model that nothing is known of yet
    with pytest.warns(UserWarning, match="without the fastest engine .a test."):
        plain = sample(again, PROMPTS, n=4, max_tokens=12, seed=9)
    same = (fast.tokens == plain.tokens[..., : fast.tokens.shape[2]]).float().mean()
    assert same == 1
    torch.testing.assert_close(fast.logprobs, plain.logprobs, atol=1e-3, rtol=1e-3)
    prompts = tiny.encode(PROMPTS)
    examples = [(prompts[i], row_tokens(plain, i, j)) for i in range(4) for j in range(4)]
    torch.testing.assert_close(
        sequence_logprobs(again, examples), fast.sum_logprobs.flatten(), atol=1e-2, rtol=1e-3
    )


def test_gpt2_a_model_of_another_family():
    """GPT-2 has learned positions and no grouped heads.

    It samples, and its greedy tokens equal `generate`'s.
    """
    from transformers import GPT2Config, GPT2LMHeadModel

    tokenizer = tiny_policy(PROMPTS * 3, vocabulary=300).tokenizer
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=256,
        n_embd=32,
        n_layer=2,
        n_head=2,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.eos_token_id,
    )
    policy = Policy(GPT2LMHeadModel(config).eval(), tokenizer)
    pool = sample(policy, PROMPTS, n=1, temperature=0, max_tokens=12)
    for i, prompt in enumerate(PROMPTS):
        expected = generated(policy, prompt, do_sample=False, max_new_tokens=12)[0]
        assert row_tokens(pool, i) == expected.tolist()
    assert sample(policy, PROMPTS, n=5, max_tokens=6).N == 5


def test_engines_agree_while_rows_leave(tiny):
    """Logits after dropping rows unevenly, prompts included, equal those of the plain engine."""
    ids = tiny.encode(PROMPTS)
    with torch.inference_mode():
        engines = [SharedPrefixEngine(tiny, ids), RepeatedCacheEngine(tiny, ids)]
        first = [e.start(3, 8) for e in engines]
        torch.testing.assert_close(first[0], first[1], atol=1e-3, rtol=1e-3)
        for rows in (None, torch.tensor([0, 1, 2, 4, 9, 11]), torch.tensor([1, 3, 5])):
            if rows is not None:
                for e in engines:
                    e.keep(rows)
            count = len(rows) if rows is not None else 12
            token = torch.arange(count) + 5
            out = [e.step(token) for e in engines]
            torch.testing.assert_close(out[0], out[1], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("method", ["beam", "diverse_beam"])
def test_beam_methods(tiny, method):
    pool = sample(tiny, PROMPTS[:2], n=3, method=method, max_tokens=8)
    assert (pool.P, pool.N) == (2, 3)
    assert len({tuple(row_tokens(pool, 0, j)) for j in range(3)}) == 3
    if method == "beam":
        expected = generated(
            tiny,
            PROMPTS[0],
            do_sample=False,
            num_beams=3,
            num_return_sequences=3,
            length_penalty=0.0,
            max_new_tokens=8,
        )
        best = row_tokens(pool, 0, 0)
        assert best == expected[0].tolist()[: len(best)]


def test_beams_come_likeliest_first_and_begin_no_less_likely_than_greedy():
    """By the log-probability of the whole reply, as in argTopN.

    Ranked by log-probability per token, as `generate` does unless told otherwise, this fails.
    """
    policy = load_policy(assets.path("helpdesk/policy"), device="cpu")
    prompts = ["I need to book a meeting room today.", "How do I reset my password?"]
    beams = sample(policy, prompts, n=8, method="beam")
    greedy = sample(policy, prompts, n=1, temperature=0)

    def logprobs(pool):
        examples = []
        for i, prompt in enumerate(policy.encode(prompts)):
            examples += [(prompt, row_tokens(pool, i, j)) for j in range(pool.N)]
        return sequence_logprobs(policy, examples).reshape(pool.P, pool.N)

    found = logprobs(beams)
    assert (found.diff(dim=1) <= 1e-4).all()
    assert (found[:, :1] >= logprobs(greedy) - 1e-4).all()
    assert len(set(beams.lengths[0].tolist())) > 1, "of different lengths, so that the rule matters"
    assert sample(policy, prompts, n=1, method="beam").texts == greedy.texts, (
        "one beam is greedy decoding"
    )


@pytest.mark.parametrize(
    "bad, says",
    [
        ({"n": 0}, "at least 1; got 0"),
        ({"n": 2.5}, "whole number"),
        ({"temperature": -1}, "temperature .* must be a number from 0"),
        ({"top_p": 0}, "top_p must be"),
        ({"top_k": -1}, "top_k"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"method": "bean"}, "method must be"),
        ({"temperature": 0, "n": 4}, "greedy"),
        ({"stop": []}, "empty list"),
    ],
)
def test_bad_settings_say_what_to_do(tiny, bad, says):
    with pytest.raises(CourseError, match=says):
        sample(tiny, PROMPTS[:1], **bad)


def test_settings_as_one_object_by_name_or_both(tiny):
    settings = Sampling(n=3, max_tokens=8, seed=2, temperature=0.7)
    whole = sample(tiny, PROMPTS, settings)
    by_name = sample(tiny, PROMPTS, n=3, max_tokens=8, seed=2, temperature=0.7)
    other = sample(tiny, PROMPTS, settings, seed=3)
    assert torch.equal(whole.tokens, by_name.tokens)
    assert torch.equal(other.tokens, sample(tiny, PROMPTS, replace(settings, seed=3)).tokens)
    assert not torch.equal(whole.tokens, other.tokens)
    with pytest.raises(CourseError, match="unknown settings: tempreature.*Sampling has: n, "):
        sample(tiny, PROMPTS, tempreature=0.7)


def test_a_whole_number_of_candidates_may_be_a_float(tiny):
    pool = sample(tiny, PROMPTS[:1], n=3.0, max_tokens=4)
    assert pool.N == 3
    assert torch.equal(pool.tokens, sample(tiny, PROMPTS[:1], n=3, max_tokens=4).tokens)


def test_memory_is_no_part_of_a_key():
    assert key_of(Sampling(memory_mb=1)) == key_of(Sampling())
    for change in ({"n": 2}, {"top_k": 3}, {"stop": [5]}, {"method": "beam"}):
        assert key_of(Sampling(**change)) != key_of(Sampling())


def test_plain_sampling_has_no_filter_and_temperature_1():
    assert Sampling().plain
    for change in ({"temperature": 0.9}, {"top_p": 0.99}, {"top_k": 1}):
        assert not Sampling(**change).plain


@pytest.mark.parametrize("rows_at_once", [1, 3, 4, 7, 30, 1000])
def test_chunks_hold_every_candidate_once_and_keep_within_the_budget(rows_at_once):
    lengths = [9, 2, 5, 5, 1, 30, 4]
    seen = []
    for chunks in chunk_plan(lengths, 4, rows_at_once):
        assert len({tuple(chunk.group) for chunk in chunks}) == 1, "a list shares its prompts"
        for chunk in chunks:
            prompt, candidate = chunk.rows()
            assert len(prompt) <= rows_at_once
            seen += zip(prompt.tolist(), candidate.tolist(), strict=True)
    assert sorted(seen) == [(i, j) for i in range(7) for j in range(4)]


def test_no_prompts_and_wrong_prompts(tiny):
    with pytest.raises(CourseError, match="no prompts"):
        sample(tiny, [])
    with pytest.raises(
        CourseError, match="prompt 1 must be a string or a list of chat messages; got int"
    ):
        sample(tiny, ["a", 3])


def test_duplicate_prompts_stay_apart(tiny):
    pool = sample(tiny, [PROMPTS[0], PROMPTS[0]], n=4, max_tokens=8)
    assert pool.P == 2 and row_tokens(pool, 0) != row_tokens(pool, 1)


def test_saved_and_loaded_policy_samples_the_same(tiny, tmp_path):
    tiny.save(tmp_path / "model")
    again = load_policy(tmp_path / "model", device="cpu")
    assert torch.equal(
        sample(tiny, PROMPTS, n=2, max_tokens=8).tokens,
        sample(again, PROMPTS, n=2, max_tokens=8).tokens,
    )
