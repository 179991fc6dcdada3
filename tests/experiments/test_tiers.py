"""The dial, and the GPU tiers' path on tiny checkpoints of the same architectures (Qwen3 policy,
Qwen3 reward model).
"""

import json

import pytest
import torch

from course_lib.assets import resolve
from course_lib.base import CourseError
from course_lib.commands.cli import main
from course_lib.experiments import TIERS, detect, tier
from course_lib.models import new_reward_model, tiny_policy


def test_tiers_are_named_and_unknown_ones_refused():
    assert (
        set(TIERS) == {"cpu", "t4", "big"}
        and tier("t4").dtype == "float16"
        and tier("big").dtype == "bfloat16"
    )
    assert tier("cpu").bundled and not tier("t4").bundled
    with pytest.raises(CourseError, match="the tiers are"):
        tier("tpu")


def test_detection_without_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert detect() == "cpu"


@pytest.mark.parametrize(
    "memory, major, expected",
    [(15, 7, "t4"), (15, 8, "t4"), (79, 8, "big"), (139, 9, "big"), (32, 7, "t4")],
)
def test_detection_by_gpu(monkeypatch, memory, major, expected):
    from types import SimpleNamespace

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(
        torch.cuda,
        "get_device_properties",
        lambda i: SimpleNamespace(total_memory=memory * 2**30, major=major),
    )
    assert detect() == expected


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
@pytest.mark.parametrize("name", ["t4", "big"])
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
