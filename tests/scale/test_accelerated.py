"""Two processes of `accelerate launch` on a CPU train what one process trains.

Losses of every step to 1e-5, and weights to 1e-4 after a dozen steps of AdamW with a rate of 3e-3:
what is left is the order in which float32 numbers are added up.
"""

import importlib.util
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest
import torch

from course_lib.base import CourseError

pytest.importorskip("accelerate", reason="accelerate is missing: pip install -e '.[scale]'")

from course_lib.commands.cli import main
from course_lib.scale import accelerated
from course_lib.scale.accelerated import CONFIGS, launch, with_engine
from course_lib.scale.ranks import buckets

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).parent / "trained_together.py"
SPEC = importlib.util.spec_from_file_location("trained_together", SCRIPT)
trained = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(trained)

LOSSES, WEIGHTS = 1e-5, 1e-4
LIMIT = 900  # seconds: what hangs, and nothing else, takes so long


def run(command):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )


def launched(folder, how, config):
    options = ["--config_file", CONFIGS / config, "--num_processes", 2, SCRIPT, folder, how]
    return run(["accelerate.commands.launch", *options])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Two processes with whole models; at the end the second is killed in the midst of a step."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, launched(folder, "whole", "ddp.yaml")


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    """Two processes with half of the weights each; at the end they are asked for GRPO."""
    folder = tmp_path_factory.mktemp("cut")
    return folder, launched(folder, "cut", "fsdp.yaml")


def compare(file, work):
    losses, weights = torch.load(file, weights_only=True)
    alone, own = work()
    assert losses == pytest.approx(alone, abs=LOSSES)
    assert weights.keys() == own.keys()
    for name, weight in own.items():
        torch.testing.assert_close(weights[name], weight, rtol=0, atol=WEIGHTS, msg=name)
    begun = dict(trained.policy().model.named_parameters())
    moved = [(own[n] - begun[n]).abs().max() for n in own if n in begun]
    assert max(moved) > 30 * WEIGHTS  # the comparison would see another training


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sft", "reward", "grpo", "resumed"])
def test_two_processes_train_what_one_does(whole, name):
    folder, result = whole
    assert "done" in result.stdout, result.stderr[-3000:]
    works = {"sft": trained.tuned, "reward": trained.rewarding, "grpo": trained.online}
    compare(folder / f"whole-{name}.pt", works.get(name, trained.tuned))


@pytest.mark.slow
def test_when_one_process_is_killed_the_launch_ends(whole):
    _, result = whole
    assert "done" in result.stdout and result.returncode != 0


@pytest.mark.slow
def test_a_checkpoint_of_two_processes_goes_on_in_one(whole):
    """The run in two left its checkpoint after ten steps, of twelve."""
    folder, _ = whole
    compare(folder / "whole-sft.pt", lambda: trained.tuned(folder / "whole.pt"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sft", "reward", "pieces", "resumed"])
def test_weights_that_are_cut_up_train_alike(cut, name):
    folder, result = cut
    assert (folder / "cut-pieces.pt").is_file(), result.stderr[-3000:]
    works = {"reward": trained.rewarding, "pieces": trained.in_pieces}
    compare(folder / f"cut-{name}.pt", works.get(name, trained.tuned))


@pytest.mark.slow
def test_a_checkpoint_of_cut_up_weights_goes_on_in_one(cut):
    folder, _ = cut
    compare(folder / "cut-sft.pt", lambda: trained.tuned(folder / "cut.pt"))


@pytest.mark.slow
def test_online_methods_refuse_weights_that_are_cut_up(cut):
    _, result = cut
    assert result.returncode != 0 and "each process must hold all of it" in result.stderr


@pytest.mark.slow
def test_the_command_starts_its_processes(tmp_path, capsys):
    rows = [
        f'{{"prompt": "Reset number {i}?", "completion": "Wait {i % 7} minutes."}}'
        for i in range(20)
    ]
    replies = tmp_path / "replies.jsonl"
    replies.write_text("\n".join(rows))
    options = ["finetune", str(replies), "--epochs", "1", "--batch-size", "8", "--device", "cpu"]
    assert main([*options, "--out", str(tmp_path / "one")]) == 0
    alone = capsys.readouterr().out
    several = ["--engine", "accelerate", "--processes", "2", "--out", str(tmp_path / "two")]
    result = run(["course_lib", *options, *several])
    assert result.returncode == 0, result.stderr[-3000:]
    # said once; the seconds and the folder differ
    assert result.stdout.split(", ")[:2] == alone.split(", ")[:2]
    assert len(result.stdout.splitlines()) == 1
    weights = [weights_in(tmp_path / name) for name in ("one", "two")]
    for name, weight in weights[0].items():
        torch.testing.assert_close(weights[1][name], weight, rtol=0, atol=WEIGHTS, msg=name)


def weights_in(folder):
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


# ---- without processes ---------------------------------------------------------------------------


def test_buckets_hold_one_dtype_and_no_more_than_asked():
    sizes = [3, 4, 9, 1, 2]
    tensors = [torch.zeros(size) for size in sizes] + [torch.zeros(1, dtype=torch.float64)]
    found = [[tensor.numel() for tensor in bucket] for bucket in buckets(tensors, 7)]
    assert found == [[3, 4], [9], [1, 2], [1]]
    assert list(buckets([], 7)) == []


def test_several_processes_are_asked_for_by_engine():
    args = Namespace(engine="here", processes=2, accelerate_config=None, device=None, argv=[])
    with pytest.raises(CourseError, match="--engine accelerate"):
        with_engine(args, lambda args: 0)
    args = Namespace(engine="accelerate", processes=0, accelerate_config=None, device=None, argv=[])
    with pytest.raises(CourseError, match="at least 1"):
        with_engine(args, lambda args: 0)


def test_one_process_needs_no_launch():
    args = Namespace(engine="accelerate", processes=1, accelerate_config=None, device=None, argv=[])
    assert with_engine(args, lambda args: "done here") == "done here"


def test_without_accelerate_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(CourseError, match="pip install"):
        launch(["finetune"], 2, None)


def test_a_missing_configuration_is_said():
    with pytest.raises(CourseError, match="is not a file"):
        launch(["finetune"], 2, "nowhere.yaml")


@pytest.mark.parametrize(("code", "status"), [(1, 1), (-9, 137), (2, 2)])
def test_a_launch_gives_the_status_of_what_failed(monkeypatch, code, status):
    import accelerate.commands.launch as command
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

    seen = []

    def fails(args):
        seen.append(args)
        failure = ProcessFailure(local_rank=1, pid=1, exitcode=code, error_file="none")
        raise ChildFailedError("course_lib", {1: failure})

    monkeypatch.setattr(command, "launch_command", fails)
    assert launch(["finetune", "x.jsonl", "--out", "y"], 3, None) == status
    (args,) = seen
    assert args.num_processes == 3 and args.module and args.training_script == "course_lib"
    assert args.training_script_args == ["finetune", "x.jsonl", "--out", "y"]


@pytest.mark.parametrize("name", ["ddp.yaml", "fsdp.yaml"])
def test_accelerate_reads_the_configurations(name):
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser

    options = ["--config_file", str(CONFIGS / name), "--num_processes", "2", "script.py"]
    args, _, _ = _validate_launch_command(launch_command_parser().parse_args(options))
    assert (args.multi_gpu, args.use_fsdp) == ((True, False) if "ddp" in name else (False, True))
    assert args.mixed_precision == "no" and args.main_process_port == 0
    assert not args.use_fsdp or args.fsdp_version == 2


def test_an_older_fsdp_is_refused(monkeypatch):
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    monkeypatch.setenv("FSDP_VERSION", "1")
    state = Namespace(process_index=0, num_processes=1, device=torch.device("cpu"))
    with pytest.raises(CourseError, match="fsdp_version: 2"):
        accelerated.processes_of(state)


def test_layers_are_found_and_offloading_is_refused(monkeypatch):
    from course_lib.scale.sharded import cut_up, layers_of

    model = trained.policy().model
    assert layers_of(model) == list(model.model.layers)
    monkeypatch.setenv("FSDP_OFFLOAD_PARAMS", "true")
    with pytest.raises(CourseError, match="fsdp_offload_params"):
        cut_up(model, torch.device("cpu"), 1)
