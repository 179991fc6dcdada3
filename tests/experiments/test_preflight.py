"""What a real run needs is said before anything is downloaded, and held against what came."""

from dataclasses import replace

import pytest
import torch

import course_lib as course
from course_lib.base import CourseError, read_json
from course_lib.estimators import Savings, Shape, machine, training_memory
from course_lib.experiments import (
    COLAB_T4,
    Ledger,
    job,
    predicted_against_actual,
    preflight,
    shape_of,
    tier,
    timed_parts,
    timed_steps,
    training_steps,
    write_sums,
)
from course_lib.experiments.preflight import LIBRARIES
from course_lib.methods import FineTuning, Request, Stages, sampled
from course_lib.models import Sampling, new_reward_model, tiny_policy

QWEN = Shape(28, 1024, 3072, 16, 8, 128)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_sums(tmp_path_factory.mktemp("sums"), train=4, test=4)


def gpu(gb, disk=100.0):
    return {"gpu": "a GPU", "gpu_memory_gb": gb, "memory_gb": 16.0, "disk_free_gb": disk}


def test_lesson_09_fits_on_a_t4(data):
    plan = preflight(job(tier("t4"), "", data), COLAB_T4)
    assert plan.fits and plan.advice == [] and plan.room_gb == pytest.approx(15.8 - LIBRARIES)
    weights = 2 * QWEN.parameters / 1e9
    # two models of 0.6 billion in half precision
    assert plan.download_gb == pytest.approx(2 * weights)
    # what is fetched, a copy of the policy and three students; few steps have no checkpoint
    assert plan.disk_gb == pytest.approx(6 * weights, abs=0.3)
    assert list(plan.memory) == ["sampling", "training", "scoring", "test"]
    sampling = plan.memory["sampling"]
    # 16 candidates of 16 prompts: 256 tokens of each, and prompts of 80 + 4 × 190 tokens
    keys = (256 * 256 + 16 * 840) * 114_688 / 1e9
    assert sampling["keys and values"] == pytest.approx(keys)
    assert sampling["weights"] == pytest.approx(weights)
    # four replies of (128 + 256) / 2 tokens behind questions of 80, pieces of 2²⁶ logits
    by_hand = training_memory(
        QWEN, 4 * (192 + 80), 4 * 192, Savings(recompute=True), "float16", 0, 441
    )
    assert plan.peak_gb["training"] == pytest.approx(sum(by_hand.values()) / 1e9)
    assert sum(plan.minutes.values()) < 120 and set(plan.minutes) == {"download", *plan.memory}


def test_every_number_has_its_assumption(data):
    rows = preflight(job(tier("t4"), "", data), COLAB_T4).rows()
    assert all(len(row) == 4 and row[0] and row[1] for row in rows)
    said = {row[0]: row for row in rows}
    assert said["download"][1:3] == ("2.4 GB", "") and "2 bytes a parameter" in said["download"][3]
    assert "steps of" in said["time, sampling"][3] and "25% of all" in said["time, training"][3]
    assert said["disk"][2] == "70 GB" and "too few for checkpoints" in said["disk"][3]


def test_what_to_change_where_it_does_not_fit(data):
    work = job(tier("t4"), "", data)
    wide = preflight(work.changed(recompute=False, accumulate=2), COLAB_T4)
    assert not wide.fits and len(wide.advice) == 1
    assert "training needs" in wide.advice[0] and "with recompute=True it needs" in wide.advice[0]
    # on a card for which all weights are too many, an adapter
    (advice,) = preflight(work, gpu(9.0)).advice
    assert "with lora=16" in advice
    full = preflight(work, gpu(15.8, disk=2.0))
    assert any("of disk are needed and 2.0 are free" in line for line in full.advice)
    # one that is too small for anything
    assert any("smaller model" in line for line in preflight(work, gpu(1.5)).advice)


@pytest.mark.parametrize("name, gib", [("small", 5.6), ("t4", 14.0), ("mid", 20.0), ("big", 30.0)])
def test_each_tier_fits_the_smallest_card_it_is_for(name, gib, data):
    plan = preflight(job(tier(name), "", data), gpu(gib * 2**30 / 1e9))
    assert plan.fits, plan.advice


def test_checkpoints_are_counted_where_they_are_written(data):
    few, many = (
        preflight(job(tier("t4"), "", data).changed(checkpoint_every=every), COLAB_T4)
        for every in (200, 20)
    )
    assert many.disk_gb - few.disk_gb == pytest.approx(2 * 12 * QWEN.parameters / 1e9)


def test_bfloat16_and_cards_of_other_sizes(data):
    work = job(tier("big"), "", data)
    small, large = preflight(work, gpu(42.0)), preflight(work, gpu(85.0))
    assert small.fits and large.fits
    # with more memory more candidates are side by side, in fewer steps
    assert large.peak_gb["sampling"] > 1.5 * small.peak_gb["sampling"]
    assert large.minutes["sampling"] < small.minutes["sampling"]


def test_the_stand_in_needs_next_to_nothing(tmp_path):
    policy = tiny_policy(["Question: 1 2 3 Answer: <<>>=+#"], "qwen3", width=32, vocabulary=300)
    policy.save(tmp_path / "policy")
    new_reward_model(policy).save(tmp_path / "reward")
    work = replace(
        tier("cpu"),
        world="gsm8k",
        policy=str(tmp_path / "policy"),
        reward=str(tmp_path / "reward"),
        shots=0,
    )
    plan = preflight(work)
    assert plan.fits and plan.download_gb == 0 and "download" not in plan.minutes
    assert plan.have.keys() == machine().keys() and max(plan.peak_gb.values()) < 1
    assert shape_of(work.policy) == Shape.of(policy.model.config)
    # float32 on a CPU: no copies in half precision
    assert "half-precision copy" not in plan.memory["training"]


def test_a_model_of_unknown_shape_is_not_downloaded(data):
    work = job(tier("t4"), "", data).changed(policy="nobody/no-such-model")
    with pytest.raises(CourseError, match="is not known before it is downloaded.*Qwen3-0.6B-Base"):
        preflight(work, COLAB_T4)
    with pytest.raises(CourseError, match="have needs gpu_memory_gb"):
        preflight(job(tier("t4"), "", data), {"gpu": "a GPU"})


# ---- timing ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def policy():
    return replace(
        tiny_policy(["what is the answer to this"], "qwen3", width=16, layers=1, vocabulary=300),
        template="plain",
    )


def request_of(parts, part=2):
    prompts = [f"what {i}" for i in range(parts * part)]
    return Request(prompts, [{} for _ in prompts], Sampling(n=2, max_tokens=4), part)


@pytest.fixture
def samples(monkeypatch):
    """How many prompts each call of sample had."""
    from course_lib.methods import rounds

    calls = []

    def counted(policy, prompts, *args, **settings):
        calls.append(len(prompts))
        return course.sample(policy, prompts, *args, **settings)

    monkeypatch.setattr(rounds, "sample", counted)
    return calls


def test_timed_parts_are_not_sampled_twice(policy, tmp_path, samples):
    stages, request = Stages(tmp_path), request_of(5)
    first = timed_parts(policy, request, stages, "samples", parts=3)
    assert len(first) == 3 and all(spent > 0 for spent in first) and samples == [2, 2, 2]
    # what was timed is read, and one part more is made
    again = timed_parts(policy, request, stages, "samples", parts=4)
    assert len(again) == 4 and samples == [2] * 4
    pool = sampled(policy, request, stages, "samples")
    assert samples == [2] * 5 and pool.P == 10
    alone = sampled(policy, request)
    assert pool.texts == alone.texts
    # the whole is there: the mean of its parts
    done = timed_parts(policy, request, stages, "samples", parts=3)
    assert samples == [2] * 5 + [10] and len(done) == 3 and len(set(done)) == 1


def test_a_sampling_of_few_parts_is_timed_whole(policy, tmp_path, samples):
    stages, request = Stages(tmp_path), request_of(2)
    assert len(timed_parts(policy, request, stages, "samples", parts=3)) == 2
    assert samples == [2, 2] and sampled(policy, request, stages, "samples").P == 4
    assert samples == [2, 2]
    with pytest.raises(CourseError, match="at least 2 parts.*smaller part"):
        timed_parts(policy, request_of(1), stages, "one")


def test_timed_steps_leave_the_policy_as_it_was(policy):
    before = {name: weight.clone() for name, weight in policy.model.state_dict().items()}
    pairs = [(f"what {i}", "the answer") for i in range(40)]
    settings = FineTuning(batch_size=4, epochs=1)
    seconds = timed_steps(policy, pairs, settings, steps=3)
    assert [spent > 0 for spent in seconds] == [True] * 3
    after = policy.model.state_dict()
    assert all(torch.equal(weight, after[name]) for name, weight in before.items())
    # a training of two steps has no more
    assert len(timed_steps(policy, pairs[:8], settings, steps=3)) == 2
    with pytest.raises(CourseError, match="at least 2 steps"):
        timed_steps(policy, pairs, settings, steps=1)


def test_steps_of_a_training(policy):
    settings = FineTuning(batch_size=32, epochs=2)
    assert training_steps(100, settings) == 8 and training_steps(1, settings) == 2
    pairs = [(f"what {i}", "the answer") for i in range(10)]
    student = course.finetune(policy, pairs, batch_size=4, epochs=1.5)
    counted = training_steps(pairs, FineTuning(batch_size=4, epochs=1.5))
    assert len(student.training_log.losses) == counted
    with pytest.raises(CourseError, match="replies to train on"):
        training_steps(0, settings)


def test_a_ledger_adds_up_and_outlives_an_interruption(tmp_path, monkeypatch):
    clock = iter(range(0, 100, 10))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(clock)))
    monkeypatch.setattr("course_lib.experiments.timing.Account", Memory)
    ledger = Ledger(tmp_path / "ledger.json")
    with ledger.stage("sampling"):
        pass
    with pytest.raises(RuntimeError), ledger.stage("sampling"):
        raise RuntimeError("the machine goes away")
    assert ledger.seconds == {"sampling": 20.0}
    resumed = Ledger(tmp_path / "ledger.json")
    with resumed.stage("test"):
        pass
    assert resumed.seconds == {"sampling": 20.0, "test": 10.0}
    assert read_json(tmp_path / "ledger.json")["seconds"] == resumed.seconds


class Memory:
    """An account that saw a peak of 3 GB, then of 2, then of 5."""

    peaks = [3e9, 2e9, 5e9] * 3

    def __enter__(self):
        self.peak_bytes = self.peaks.pop(0)
        return self

    def __exit__(self, *error):
        pass


def test_predicted_against_actual(monkeypatch, data):
    plan = preflight(job(tier("t4"), "", data), COLAB_T4)
    monkeypatch.setattr("course_lib.experiments.timing.Account", Memory)
    monkeypatch.setattr(Memory, "peaks", [3e9, 2e9, 5e9])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    ledger = Ledger()
    for stage in ("training", "training", "other"):
        with ledger.stage(stage):
            pass
    assert ledger.peak_gb == {"training": 3.0, "other": 5.0}, "the most of several"
    ledger.seconds = {"training": 120.0, "other": 60.0}
    training, other = predicted_against_actual(plan, ledger, {"training": 60.0})
    predicted = plan.peak_gb["training"]
    assert training == (
        "training", f"{predicted:.2f}", "3.00", f"{3 / predicted:.2f}", "1.00", "2.00", "2.00",
    )  # fmt: skip
    assert other == ("other", "–", "5.00", "–", "–", "1.00", "–")


def test_on_a_cpu_no_memory_is_compared(data):
    plan, ledger = preflight(job(tier("t4"), "", data), COLAB_T4), Ledger()
    ledger.seconds, ledger.peak_gb = {"sampling": 6.0}, {"sampling": None}
    ((_, _, came, ratio, *_),) = predicted_against_actual(plan, ledger)
    assert (came, ratio) == ("–", "–")
