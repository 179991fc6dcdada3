"""`course run`, `sample` and `finetune` on a tier ask and train as lessons 09a and 09b do."""

import json
from dataclasses import replace

import pytest
import torch

from course_lib.commands import doctor
from course_lib.commands.cli import main
from course_lib.commands.options import TIER_NAMES
from course_lib.experiments import TIERS, finetune_run, job, sample_run, tier, tiers, write_sums
from course_lib.experiments.tiers import dtype_here
from course_lib.methods import FineTuning
from course_lib.models import tiny_policy
from course_lib.models.stops import Stops
from course_lib.worlds import verify


def test_the_options_are_the_tiers():
    assert tuple(TIERS) == TIER_NAMES


@pytest.mark.parametrize(
    "name, device, expected",
    [
        ("t4", "cuda", torch.float16),
        ("big", "cuda", torch.bfloat16),
        ("cpu", "cuda", None),
        ("t4", "cpu", None),
        ("mps", "mps", torch.float32),
    ],
)
def test_the_precision_to_load_a_tiers_models_in(monkeypatch, name, device, expected):
    monkeypatch.setattr(tiers, "device_of", torch.device)
    assert dtype_here(tier(name), device) is expected


class Caught(Exception):
    pass


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A base model: its name says so."""
    folder = tmp_path_factory.mktemp("models") / "tiny-Base"
    tiny_policy(["Question: How many pens? Answer: 3+4=7 ####"], "qwen3", width=16).save(folder)
    return folder


@pytest.fixture
def data(tmp_path):
    return write_sums(tmp_path / "sums", train=20, test=5)


def test_sample_asks_as_the_job_does(model, data, tmp_path, monkeypatch):
    seen = {}

    def sample(policy, prompts, settings, info):
        seen.update(policy=policy, prompts=prompts, settings=settings)
        raise Caught

    monkeypatch.setattr(sample_run, "sample", sample)
    given = ["--world", "gsm8k", "--data", data, "--policy", str(model), "--device", "cpu"]
    with pytest.raises(Caught):
        main(["sample", *given, "--tier", "t4", "--prompts", "3", "--out", str(tmp_path / "p.npz")])
    work = job(tier("t4"), "", data)
    wanted = replace(work.sampling, stop=[*work.stop, *seen["policy"].stop_ids])
    assert seen["settings"] == wanted and seen["policy"].template == work.template == "plain"
    # as many solved examples as the job shows, and the question
    assert {prompt.count("Question:") for prompt in seen["prompts"]} == {work.shots + 1}


def test_finetune_trains_as_the_job_does(model, tmp_path, monkeypatch):
    seen = {}

    def finetune(policy, chosen, settings, **beside):
        seen.update(policy=policy, settings=settings)
        raise Caught

    monkeypatch.setattr(finetune_run, "finetune", finetune)
    file = tmp_path / "sft.jsonl"
    file.write_text(json.dumps({"prompt": "Question: How many?", "completion": " 7"}) + "\n")
    given = ["finetune", str(file), "--policy", str(model), "--device", "cpu"]

    def asked(*more):
        with pytest.raises(Caught):
            main([*given, "--out", str(tmp_path / "m"), *more])
        return seen["settings"]

    # a tiny model has its own learning rate
    assert asked("--tier", "t4") == replace(tier("t4").training, lr=1e-3)
    assert seen["policy"].template == "plain"
    named = asked("--tier", "t4", "--accumulate", "2", "--dtype", "float32", "--lr", "3e-5")
    assert (named.accumulate, named.dtype, named.lr) == (2, None, 3e-5)
    assert (named.epochs, named.recompute) == (2, True)
    # LoRA has a rate of its own
    assert asked("--tier", "small").lora == 16 and seen["settings"].lr == 2e-4
    # and without a tier it is as it always was
    assert asked() == FineTuning(epochs=3.0, lr=1e-3)
    assert asked("--dtype", "bfloat16").dtype == torch.bfloat16


def test_an_invented_question_is_not_read(data):
    """A model that runs on into a question of its own is judged by the answer before it."""
    stops = Stops([0], tuple(job(tier("t4"), "", data).stop))
    right = " 3 + 4 = <<3+4=7>>7 pens.\n#### 7"
    for gap in ("\n\n", "\n", ""):
        written = f"{right}{gap}Question: How many pencils?\nAnswer: It is 9.\n#### 9"
        assert stops.reached(written) and stops.cut(written) == right
        assert verify(stops.cut(written), "7").status == "correct"
    assert not stops.reached("First step.\n\nSecond step: 3 + 4 = 7.\n\n#### 7")


def test_doctor_says_which_tier_and_why(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    found = doctor.examine()
    assert (found["tier"], found["mps"]) == ("cpu", True)
    assert 'tier cpu: an Apple GPU is here and is taken by name only, tier("mps")' in doctor.text(
        found
    )
