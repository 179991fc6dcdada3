"""The run on real weights, on a tiny random Gemma 3: what it counts, and that it goes on."""

import json
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch

from course_lib.base import CourseError, read_json
from course_lib.experiments import Disconnected, Watch, layout, real_run
from course_lib.methods import FineTuning
from course_lib.models import Policy, Sampling, byte_tokenizer, load_policy
from course_lib.pools import Pool, distinct_paths, matched_control
from course_lib.worlds import GSM8K, verify

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import measured  # noqa: E402
import real_weights  # noqa: E402


def sums(count, seed):
    """Sums of two small numbers in GSM8K's form; half of them are written the other way round.

    No question is the same for two seeds.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(count):
        a, b = rng.integers(1, 4, 2)
        first, second = (a, b) if rng.random() < 0.5 else (b, a)
        question = f"Case {seed}{k:03d}: what is {a} and {b}?"
        answer = f"<<{first}+{second}={a + b}>>{a + b}\n#### {a + b}"
        rows.append({"question": question, "answer": answer})
    return rows


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """(folder of a tiny Gemma 3 with random weights, folder of toy problems)."""
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    folder = tmp_path_factory.mktemp("real")
    data = folder / "sums"
    data.mkdir()
    for split, count, seed in (("train", 120, 0), ("test", 20, 1)):
        lines = [json.dumps(row) + "\n" for row in sums(count, seed)]
        (data / f"{split}.jsonl").write_text("".join(lines))
    texts = [f"Question: {row['question']}\nAnswer: {row['answer']}" for row in sums(60, 2)]
    ids = byte_tokenizer(texts, vocabulary=320)
    config = Gemma3TextConfig(
        vocab_size=len(ids),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=16,
        sliding_window=16,
        layer_types=["sliding_attention", "full_attention"],
        max_position_embeddings=256,
        bos_token_id=None,
        eos_token_id=ids.eos_token_id,
        pad_token_id=ids.pad_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Gemma3ForCausalLM(config).eval()
    Policy(model, ids, template="plain").save(folder / "model")
    return folder / "model", data


@pytest.fixture(scope="module")
def asked(places):
    model, data = places
    return real_run.Asked(
        model=str(model),
        data=str(data),
        weights="random weights",
        sft=60,
        choose=6,
        problems=24,
        test=16,
        n=6,
        n_choose=2,
        n_test=4,
        temperatures=(1.0, 0.5),
        sampling=Sampling(temperature=0.7, max_tokens=40),
        training=FineTuning(epochs=12, lr=1e-2, batch_size=8),
        part=8,
    )


@pytest.fixture(scope="module")
def done(asked, tmp_path_factory):
    """(result, folder, what was watched) of a run without a stop."""
    folder, watch = tmp_path_factory.mktemp("run"), Watch()
    return real_run.run(asked, folder, watch.hooks), folder, watch


def pools(folder, name):
    """The pools of that name, with a verdict on every reply."""
    for place in folder.glob(f"stages/{name}-*"):
        pool = Pool.load(place / "pool.npz")
        right = [
            [float(verify(text, info["answer"], "strict").status == "correct") for text in row]
            for row, info in zip(pool.texts, pool.info, strict=True)
        ]
        yield pool.with_reward("verifier", right)


def test_no_problem_is_in_two_places_and_none_is_too_long(asked):
    policy = load_policy(asked.model, device="cpu", template="plain")
    world = GSM8K(asked.data, mode="strict")
    found = real_run.problems_for(policy, world, asked)
    assert {name: len(one.prompts) for name, one in found.items()} == {
        "sft": 60, "choose": 6, "problems": 24, "test": 16,
    }  # fmt: skip
    for one, other in combinations(found.values(), 2):
        assert not set(one.prompts) & set(other.prompts)
    of_test = {f"Question: {row['question']}\nAnswer:" for row in sums(20, 1)}
    assert set(found["test"].prompts) <= of_test
    lengths = sorted({len(policy.encode_responses([f" {i['solution']}"])[0])
                      for i in found["sft"].info})  # fmt: skip
    short = real_run.problems_for(policy, world, replace(asked, longest=lengths[-1], test=2))
    assert short["sft"].prompts == found["sft"].prompts
    with pytest.raises(CourseError, match="there are 0 whose solution is short enough"):
        real_run.problems_for(policy, world, replace(asked, longest=2))
    with pytest.raises(CourseError, match="80 train problems|train problems are asked for"):
        real_run.problems_for(policy, world, replace(asked, problems=80))


def test_the_arms_differ_in_their_data_alone(done, asked):
    """The same number of steps, and as many random replies as paths, problem by problem."""
    result, folder, _ = done
    (seed,) = result["by_seed"]
    logs = [read_json(place / "log.json") for place in folder.glob("stages/policy-*")]
    steps = sorted(len(log["losses"]) for log in logs)
    (pool,) = pools(folder, "problems")
    assert (pool.P, pool.N) == (24, 6) and pool.provenance.temperature == 0.7
    paths = distinct_paths(pool, by="verifier", key=GSM8K(asked.data).path)
    random = matched_control(paths, 0)
    assert torch.equal(paths.per_prompt, random.per_prompt) and len(paths) > 3
    sampled = seed["sampled"]
    assert sampled["paths"] == len(paths) and sampled["replies"] == 24 * 6
    assert sampled["right"] == pytest.approx(float(pool.reward().mean()), abs=1e-4)
    assert sampled["control_right"] == pytest.approx(float(random.rewards().mean()), abs=1e-4)
    after = -(-(60 + len(paths)) // 8)
    assert seed["steps"] == {"SFT": 8 * 12, "after": after}
    assert steps == [after, after, after, 96]


def test_what_is_told_is_what_the_pools_hold(done, asked):
    result, folder, _ = done
    tests = {}
    for pool in pools(folder, "test"):
        right = pool.reward().sum(1)
        tests["".join(str(int(c)) for c in right)] = pool.provenance.temperature
        assert (pool.P, pool.N) == (16, 4)
    (seed,) = result["by_seed"]
    assert list(seed["policies"]) == list(real_run.POLICIES)
    for name, judged in seed["policies"].items():
        assert set(judged["tried"]) == {"1", "0.5"}
        best = max(judged["tried"], key=judged["tried"].get)
        assert judged["temperature"] == float(best) and set(judged["at"]) == {"1", best}
        for temperature, found in judged["at"].items():
            assert tests[found["right"]] == float(temperature)
        counts = np.array([int(c) for c in judged["at"]["1"]["right"]])
        row = result["policies"][name]
        assert row["pass@1 at 1"]["mean"] == pytest.approx(counts.mean() / 4)
        assert row["pass@4 at 1"]["mean"] == pytest.approx((counts > 0).mean())
    of = {name: one["at"]["1"]["right"] for name, one in seed["policies"].items()}
    gap = np.mean([int(a) - int(b) for a, b in zip(of["RFT"], of["random control"], strict=True)])
    found = result["differences"]["RFT − random control"]["pass@1 at 1"]
    assert found["mean"] == pytest.approx(gap / 4) and found["low"] <= found["mean"]


def test_a_policy_was_learned_at_all(done):
    """Else the counts above would be compared with zeros."""
    result, *_ = done
    assert result["policies"]["SFT"]["pass@1 at 1"]["mean"] > 0.05
    assert result["by_seed"][0]["policies"]["SFT"]["at"]["1"]["readable"] > 0.8


@pytest.mark.parametrize("during, after", [("training", 37), ("sampling", 8), ("training", 100)])
def test_a_killed_run_goes_on_to_the_same_end(done, asked, tmp_path, during, after):
    result, _, watched = done
    first = Watch(during, after)
    with pytest.raises(Disconnected):
        real_run.run(asked, tmp_path, first.hooks)
    second = Watch()
    again = real_run.run(asked, tmp_path, second.hooks)
    assert again["by_seed"] == result["by_seed"]
    assert again["differences"] == result["differences"]
    if during == "sampling":  # nothing that was done is done again
        for kind in ("sampling", "training"):
            assert first[kind] + second[kind] == watched[kind]
    third = Watch()
    real_run.run(asked, tmp_path, third.hooks)
    assert third["sampling"] == third["training"] == 0


def test_counts_are_kept_a_character_each():
    assert real_run.as_text([0, 9, 10, 35]) == "09az"
    assert real_run.counts_in("09az").tolist() == [0, 9, 10, 35]
    assert real_run.solved_by("024", 4, 1).tolist() == pytest.approx([0.0, 0.5, 1.0])
    assert real_run.solved_by("024", 4, 2).tolist() == pytest.approx([0.0, 1 - 1 / 6, 1.0])


def seed_of(rights):
    """A seed with these right replies of 2 to three problems, at every temperature."""
    policies = {}
    for name, right in zip(real_run.POLICIES, rights, strict=True):
        found = {"right": right, "majority": "100"}
        policies[name] = {"temperature": 0.5, "at": {"1": found, "0.5": found}}
    return {"policies": policies}


def test_several_seeds_are_told_for_other_seeds():
    seeds = [seed_of(["010", "010", "222", "000"]), seed_of(["011", "010", "220", "001"])]
    told = real_run.summary(seeds, 2)
    assert told["policies"]["RFT"]["pass@1 at its T"]["mean"] == pytest.approx(5 / 6)
    assert told["policies"]["RFT"]["pass@1 at its T"]["high"] == 1.0, "a share is no more than 1"
    assert told["policies"]["SFT"]["temperature"] == [0.5, 0.5]
    gap = told["differences"]["RFT − random control"]["pass@1 at 1"]
    assert gap["mean"] == pytest.approx((3 / 3 + (2 + 2 - 1) / 2 / 3) / 2) and gap["n"] == 2
    best = told["differences"]["SFT, verifier of 2 − RFT, one reply"]["pass@1 at its T"]
    assert best["mean"] == pytest.approx((1 / 3 + 2 / 3) / 2 - 5 / 6)


def test_tables_have_a_row_a_policy(done):
    result, *_ = done
    rows = real_run.table(result)
    names = [*real_run.POLICIES, "SFT, best of 4 by the verifier", "SFT, majority of 4"]
    assert [row[0] for row in rows[1:]] == names and {len(row) for row in rows} == {6}
    shown = result["policies"]["SFT"]["pass@1 at its T"]
    assert rows[1][2] == f"{shown['mean']:.3f} [{shown['low']:.3f}, {shown['high']:.3f}]"
    assert rows[5][2] == rows[1][4], "best of 4 by the verifier is pass@4"
    drawn, intervals = real_run.shown(result)
    assert drawn == names and [f"{v.mean:.3f}" for v in intervals] == [r[2][:5] for r in rows[1:]]
    pairs = real_run.differences_table(result)
    assert len(pairs) == 1 + len(real_run.PAIRS) + 2
    for row, found in zip(pairs[1:], result["differences"].values(), strict=True):
        first = found["pass@1 at its T"]
        assert (row[2] == "yes") == (first["low"] > 0 or first["high"] < 0)
    assert len(layout(rows)) == len(rows)


def test_the_page_of_measurements_has_the_run_that_is_stored(done, tmp_path, monkeypatch):
    result, *_ = done
    monkeypatch.setattr(measured.results, "FOLDER", tmp_path)
    assert measured.real() == [], "nothing is stored"
    stored = {**result, "command": "python benchmarks/real_weights.py", "device": "CPU"}
    (tmp_path / "real_weights.json").write_text(json.dumps(stored))
    page = "\n".join(measured.real())
    assert "random weights · CPU · `python benchmarks/real_weights.py`" in page
    sampled = result["by_seed"][0]["sampled"]
    assert f"144 replies to 24 other training problems, {sampled['right']:.1%} of them" in page
    for row in real_run.table(result)[1:]:
        assert f"| {' | '.join(row)} |" in page
    assert "one seed" in page and "has at most" not in page
    short = {**stored, "asked": {**stored["asked"], "longest": 80}}
    (tmp_path / "real_weights.json").write_text(json.dumps(short))
    assert "whose reference has at most 80 tokens" in "\n".join(measured.real())


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"temperatures": (0.7, 0.4)}, "1 one of them"),
        ({"temperatures": (1.0, 0.0)}, "above 0"),
        ({"seeds": ()}, "one or more"),
        ({"seeds": (1, 1)}, "each once"),
        ({"n_test": 36}, "n_test"),
        ({"test": 1}, "two problems"),
        ({"sft": 0}, "sft"),
    ],
)
def test_what_no_run_can_be_is_refused(asked, tmp_path, changes, says):
    with pytest.raises(CourseError, match=says):
        real_run.run(replace(asked, **changes), tmp_path)


def test_nothing_right_is_said(asked, tmp_path):
    """An untrained model at hardly any rate."""
    few = replace(asked, problems=2, n=1, training=FineTuning(epochs=1, lr=1e-7, batch_size=40))
    with pytest.raises(CourseError, match="none of 2 replies is right"):
        real_run.run(few, tmp_path)


def test_the_benchmark_stores_no_place_of_a_machine(places, tmp_path, capsys, monkeypatch):
    model, data = places
    monkeypatch.setattr(real_weights, "RESULTS", tmp_path / "stored.json")
    command = f"--model {model} --data {data} --out {tmp_path / 'run'} --sft 60 --choose 4 "
    command += "--problems 12 --test 8 -n 6 --n-test 2 --n-choose 1 --epochs 12 --lr 1e-2 "
    command += "--max-tokens 40 --temperatures 1 --part 8 --seeds 3 --store --weights".strip()
    real_weights.main([*command.split(), "random weights"])
    text = (tmp_path / "stored.json").read_text()
    assert str(tmp_path) not in text and str(model.parent) not in text
    stored = json.loads(text)
    assert stored["command"].startswith("python benchmarks/real_weights.py --model FOLDER --data")
    assert stored["command"].endswith("--seeds 3 --store --weights 'random weights'")
    assert stored["weights"] == "random weights" and "CPU" in stored["device"]
    assert [seed["seed"] for seed in stored["by_seed"]] == [3]
    assert len(stored["by_seed"][0]["policies"]["RFT"]["at"]["1"]["right"]) == 8
    shown = capsys.readouterr().out
    assert "random weights · CPU" in shown and "SFT, majority of 2" in shown


def test_the_benchmark_stores_nothing_without_words(capsys):
    with pytest.raises(SystemExit):
        real_weights.arguments(["--model", "m", "--data", "d", "--store"])
    assert "the words that go beside every number" in capsys.readouterr().err
