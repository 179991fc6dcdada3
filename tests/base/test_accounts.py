"""What a run costs, counted against numbers worked by hand."""

import math
import subprocess
import sys

import pytest

from course_lib.base import Account, CourseError, flops_per_token, hold
from course_lib.estimators import break_even, equal_quality_n, serving_flops
from course_lib.methods import finetune
from course_lib.models import (
    Sampling,
    new_reward_model,
    sample,
    score,
    sequence_logprobs,
    tiny_policy,
)
from course_lib.pools import select_best

PROMPTS = ["How do I reset my password?", "Hi.", "What is two plus two?"]


@pytest.fixture(scope="module")
def tiny():
    return tiny_policy(PROMPTS * 3, "qwen3", width=32, vocabulary=300, seed=1)


def test_flops_of_a_model_counted_by_hand(tiny):
    """Two layers of width 32: q and o 32×32, k and v 32×16, three 32×96 of the MLP.

    The output layer counts once, though tied.
    """
    layer = 2 * 32 * 32 + 2 * 32 * 16 + 3 * 32 * 96
    assert flops_per_token(tiny.model) == 2 * (2 * layer + len(tiny.tokenizer) * 32)
    reward = new_reward_model(tiny, layers=1)
    assert flops_per_token(reward.model) == 2 * (layer + 32)


def test_an_account_of_the_four_steps(tiny):
    reward, flops = new_reward_model(tiny), flops_per_token(tiny.model)
    prompt_tokens = sum(map(len, tiny.encode(PROMPTS)))
    with Account() as whole:
        with Account() as sampling:
            pool = sample(tiny, PROMPTS, n=4, max_tokens=8)
        written = int(pool.lengths.sum())
        assert sampling.tokens_sampled == written
        assert sampling.flops == flops * (written + prompt_tokens)
        with Account() as scoring:
            pool = score(pool, reward)
        # equal replies of a prompt are scored once
        distinct = {(i, t) for i, row in enumerate(pool.texts) for t in row}
        asked = [pool.prompts[i] for i, _ in distinct]
        read = sum(map(len, reward.encode(asked, [t for _, t in distinct])))
        assert scoring.tokens_scored == read and scoring.tokens_sampled == 0
        pairs = [(PROMPTS[0], "Hello."), (PROMPTS[1], "Good night.")]
        with Account() as training:
            tuned = finetune(tiny, pairs, epochs=3, batch_size=2)
        questions = tiny.encode([p for p, _ in pairs])
        replies = tiny.encode_responses([t for _, t in pairs])
        each = sum(map(len, questions)) + sum(map(len, replies))
        # a run carries its own account too
        assert tuned.training_log.account.tokens_trained == 3 * each
        assert training.tokens_trained == 3 * each and training.flops == 3 * flops * 3 * each
        with Account() as reading:
            sequence_logprobs(tiny, [([5, 6], [7, 8, 9])])
        assert reading.tokens_read == 5 and reading.flops == 5 * flops
    assert whole.flops == sampling.flops + scoring.flops + training.flops + reading.flops
    assert (whole.tokens_sampled, whole.tokens_scored) == (written, read)
    assert (whole.tokens_trained, whole.tokens_read) == (3 * each, 5)
    assert whole.peak_bytes > 2**20
    after = whole.to_dict()
    sample(tiny, PROMPTS, n=1, max_tokens=2)
    assert whole.to_dict() == after  # a closed account is not written to


def test_accounts_add_up_and_hold_models(tiny):
    with Account() as one:
        hold(policy=tiny.model, reward=None)
    parameters = sum(p.numel() for p in tiny.model.parameters())
    assert one.models == {"policy": parameters} and f"policy {parameters:,}" in str(one)
    two = Account(tokens_sampled=5, flops=2.0, models={"critic": 3}, peak_bytes=7, seconds=1.0)
    two.add(one)
    assert two.tokens_sampled == 5
    assert set(two.models) == {"policy", "critic"}
    assert two.peak_bytes == one.peak_bytes
    assert not Account().models and Account() != Account()


def test_an_account_survives_an_error(tiny):
    account = Account()
    with pytest.raises(ZeroDivisionError), account:
        sample(tiny, PROMPTS, n=1, max_tokens=2)
        _ = 1 / 0
    assert account.tokens_sampled > 0
    with Account() as other:
        pass
    assert other.tokens_sampled == 0


@pytest.mark.slow
def test_a_resumed_run_has_the_account_of_the_whole(tiny, tmp_path, monkeypatch):
    """Stages and parts of stages keep what they cost.

    A run that died in its second part counts the same as one that never did.
    """
    from course_lib.methods import FineTuning, Request, Stages, rounds, sampled, trained

    def loop(folder):
        with Account() as account:
            sampling = Sampling(n=2048, max_tokens=2, seed=1)
            request = Request(PROMPTS * 3, None, sampling, part=2)
            pool = sampled(tiny, request, Stages(folder))
            best = score(pool.first(2), lambda prompt, text, info: float(len(text)), "length")
            training = FineTuning(epochs=4, batch_size=2)
            stages = Stages(folder)
            trained(tiny, select_best(best), training, stages)
        return account, stages.account("policy")["seconds"]

    whole, seconds = loop(tmp_path / "whole")
    real, calls = rounds.sample, []

    def dies(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(rounds, "sample", dies)
    with pytest.raises(KeyboardInterrupt):
        loop(tmp_path / "killed")
    monkeypatch.setattr(rounds, "sample", real)
    resumed, _ = loop(tmp_path / "killed")
    again, kept_seconds = loop(tmp_path / "whole")
    assert whole.tokens_trained > 0
    for name in ("tokens_sampled", "tokens_trained", "tokens_read", "tokens_scored", "flops"):
        assert getattr(whole, name) == getattr(resumed, name) == getattr(again, name)
    # the seconds of the stages too, though nothing was done again
    assert kept_seconds == seconds


PEAKS = """
import torch
from course_lib.base import Account
with Account() as small:
    pass
with Account() as large:
    torch.ones(2**26).sum()  # 256 MB
print(large.peak_bytes - small.peak_bytes)
"""


def test_peak_memory_sees_what_was_used():
    # in a new process: one that has freed as much before is given that again
    told = subprocess.run([sys.executable, "-c", PEAKS], capture_output=True, check=True)
    assert int(told.stdout) > 150 * 2**20


def test_break_even():
    assert break_even(1000, 16, 1) == pytest.approx(1000 / 15)
    assert break_even(1000, 1, 1) == break_even(1000, 1, 2) == math.inf
    assert break_even(0, 2, 1) == break_even(0, 1, 1) == 0
    assert break_even(0, 1, 2) == math.inf
    with pytest.raises(CourseError, match="negative"):
        break_even(-1, 2, 1)


def test_serving_costs():
    assert serving_flops(10, prompt_tokens=3, reply_tokens=5) == 80
    assert serving_flops(10, 3, 5, n=4, reward_flops=2) == 10 * (3 + 20) + 4 * 2 * 8
    with pytest.raises(CourseError, match="1 or more"):
        serving_flops(10, 3, 5, n=0)


def test_the_n_of_equal_quality():
    ns, quality = [1, 2, 4, 8], [0.0, 1.0, 1.5, 1.4]
    assert equal_quality_n(ns, quality, 1.0) == pytest.approx(2)
    assert equal_quality_n(ns, quality, 0.5) == pytest.approx(math.sqrt(2))
    assert equal_quality_n(ns, quality, 1.25) == pytest.approx(2 * math.sqrt(2))
    assert equal_quality_n(ns, quality, -1) == 1 and equal_quality_n(ns, quality, 2.0) == math.inf
    with pytest.raises(CourseError, match="ascending"):
        equal_quality_n([2, 1], [0, 1], 0.5)
