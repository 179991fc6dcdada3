"""The dial, and the GPU tiers' path on tiny checkpoints of the same architectures (Qwen3 policy,
Qwen3 reward model).
"""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from course_lib.assets import resolve
from course_lib.base import CourseError
from course_lib.commands.cli import main
from course_lib.experiments import (
    TIERS,
    detect,
    job,
    jobs,
    problems_for,
    tier,
    why_tier,
    write_sums,
)
from course_lib.experiments.prompting import NEXT_QUESTION
from course_lib.models import device_of, new_reward_model, tiny_policy

GPUS = ("small", "t4", "mid", "big", "mps")


def test_tiers_are_named_and_unknown_ones_refused():
    assert set(TIERS) == {"cpu", *GPUS} and all(TIERS[name].name == name for name in TIERS)
    dtypes = {name: tier(name).dtype for name in TIERS}
    assert dtypes["t4"] == dtypes["small"] == "float16"
    assert dtypes["mid"] == dtypes["big"] == "bfloat16"
    assert dtypes["cpu"] == dtypes["mps"] == "float32" and tier("mps").device == "mps"
    assert tier("cpu").bundled and not any(tier(name).bundled for name in GPUS)
    with pytest.raises(CourseError, match="the tiers are"):
        tier("tpu")


@pytest.fixture
def machine_with(monkeypatch):
    """Make torch believe in a GPU of so many GiB and this compute capability; None is none."""

    def make(gib, major=0, apple=False):
        card = SimpleNamespace(name="Tesla X", total_memory=int((gib or 0) * 2**30), major=major)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gib is not None)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda i: card)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: apple)

    return make


def test_detection_without_a_gpu(machine_with):
    machine_with(None)
    assert (detect(), why_tier()) == ("cpu", "no GPU that torch can use")
    assert tier() == TIERS["cpu"]


def test_an_apple_gpu_is_taken_by_name_only(machine_with):
    machine_with(None, apple=True)
    assert detect() == "cpu" and device_of().type == "cpu"
    assert 'tier("mps")' in why_tier() and "nothing was run" in why_tier()


@pytest.mark.parametrize(
    "gib, major, expected, dtype",
    [
        (14.74, 7, "t4", "float16"),  # a T4, as torch sees it
        (15.8, 8, "t4", "bfloat16"),  # an RTX A4000
        (31.7, 7, "t4", "float16"),  # a V100
        (15.9, 6, "t4", "float16"),  # a P100
        (23.6, 8, "mid", "bfloat16"),  # an RTX 4090
        (22.0, 8, "mid", "bfloat16"),  # an L4
        (79.1, 8, "big", "bfloat16"),
        (139.8, 9, "big", "bfloat16"),
        (11.6, 8, "small", "bfloat16"),  # an RTX 3060
        (5.8, 7, "small", "float16"),  # a laptop's
        (3.9, 6, "cpu", "float32"),
    ],
)
def test_detection_by_memory_and_precision(machine_with, gib, major, expected, dtype):
    machine_with(gib, major)
    assert detect() == expected and tier().name == expected and tier().dtype == dtype
    assert tier("t4").dtype == "float16", "by name a tier is what it is"
    assert f"Tesla X with {gib:.1f} GiB" in why_tier()
    assert ("too little" if expected == "cpu" else f"so {dtype}") in why_tier()


def test_a_job_finds_its_problems_before_it_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fetched = []

    def fetch(folder):
        fetched.append(folder)
        write_sums(folder, train=2, test=2)
        return folder

    monkeypatch.setattr(jobs, "fetch_gsm8k", fetch)
    with pytest.raises(CourseError, match="were not found.*\n.*fetch_gsm8k"):
        job(tier("t4"), tmp_path)
    data = problems_for(tier("t4"), tmp_path)
    assert fetched == [tmp_path / "gsm8k"] == [data]
    work = job(tier("t4"), tmp_path, data)
    assert work.data == str(data) and problems_for(tier("t4"), tmp_path) == Path("gsm8k")
    assert len(fetched) == 1, "what is found is not fetched"
    # the stand-in's are made, by nobody's network
    made = problems_for(tier("cpu"), tmp_path)
    assert made == tmp_path / "sums" and len((made / "train.jsonl").open().readlines()) == 800


@pytest.mark.parametrize("name", GPUS)
def test_the_job_of_a_gpu(problems, name):
    real = job(tier(name), "", data=problems)
    assert (real.policy, real.reward) == (tier(name).policy, tier(name).reward)
    assert (real.shots, real.template, real.standin) == (4, "plain", False)
    assert real.stop == list(NEXT_QUESTION)
    assert real.rows == jobs.ROWS[name] == real.part * real.n
    # a part of the test has as many candidates as one of the sampling
    assert real.part_for(real.groups) * real.groups == real.rows
    if name != "mps":
        assert real.sampling.memory_mb is None, "what is free is measured"
    if name == "t4":  # the three policies' test, once each, is not most of the work
        assert 3 * real.held_out * real.groups <= real.prompts * real.n


def test_where_checkpoints_go_changes_no_result():
    here = tier("t4")
    assert here.changed(scratch="/tmp/x").asked() == here.asked()
    assert here.changed(scratch="/tmp/x").scratch == "/tmp/x" and here.scratch is None


def test_resolve_leaves_other_names_alone():
    assert resolve("Qwen/Qwen3-0.6B-Base") == "Qwen/Qwen3-0.6B-Base"
    assert resolve("helpdesk/policy").endswith("policy")


@pytest.fixture(scope="session")
def problems(tmp_path_factory):
    """A folder in GSM8K's format: forty sums."""
    folder = tmp_path_factory.mktemp("sums")
    for name, start in (("train", 0), ("test", 100)):
        rows = [
            {
                "question": f"What is {start + i} plus {i}?",
                "answer": f"It is <<{start + i}+{i}={start + 2 * i}>>{start + 2 * i}.\n#### "
                f"{start + 2 * i}",
            }
            for i in range(20)
        ]
        (folder / f"{name}.jsonl").write_text("\n".join(json.dumps(r) for r in rows))
    return folder


@pytest.fixture(scope="session")
def tiny_hub(tmp_path_factory, problems):
    """A Qwen3 policy that always ends in a number now and then, and a Qwen3 reward model, as
    folders.
    """
    folder = tmp_path_factory.mktemp("hub")
    texts = [
        line
        for f in ("train", "test")
        for line in (problems / f"{f}.jsonl").read_text().splitlines()
    ]
    policy = tiny_policy(texts, "qwen3", width=32, vocabulary=300, seed=2)
    policy.save(folder / "policy")
    new_reward_model(policy, seed=1).save(folder / "reward")
    return folder


def run(capsys, *args):
    status = main(["run", "--quiet", "--json", *[str(a) for a in args]])
    out = capsys.readouterr()
    return status, out.out, out.err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["small", "t4", "mid", "big"])
def test_gpu_tiers_run_on_tiny_checkpoints(problems, tiny_hub, capsys, name):
    status, out, err = run(
        capsys,
        "--tier",
        name,
        "--world",
        "gsm8k",
        "--data",
        problems,
        "--policy",
        tiny_hub / "policy",
        "--reward",
        tiny_hub / "reward",
        "-n",
        "3",
        "--prompts",
        "6",
        "--held-out",
        "4",
        "--max-tokens",
        "24",
        "--device",
        "cpu",
    )
    assert status == 0, err
    result = json.loads(out)
    assert (
        result["tier"] == name
        and result["world"] == "gsm8k"
        and result["rows"]["rft"]["kl"]["mean"] != 0
    )


def test_a_policy_that_never_solves_a_problem_is_told_so(problems, tiny_hub, capsys):
    status, _, err = run(
        capsys,
        "--tier",
        "t4",
        "--world",
        "gsm8k",
        "--data",
        problems,
        "--policy",
        tiny_hub / "policy",
        "-n",
        "2",
        "--prompts",
        "4",
        "--held-out",
        "4",
        "--device",
        "cpu",
    )
    assert status == 1 and "kept no candidate" in err


def test_no_policy_for_a_world_without_one(problems, capsys):
    status, _, err = run(capsys, "--tier", "cpu", "--world", "gsm8k", "--data", problems)
    assert status == 1 and "give one with --policy" in err
