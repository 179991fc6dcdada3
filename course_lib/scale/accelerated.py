"""Training in several processes that ``accelerate launch`` started, each with its own GPU.

Each step is made on the batch of one process, cut up. In float32, losses differ from those of one
process by less than 1e-5, and weights after a dozen steps by less than 1e-4: sums are added up in
another order. Online methods (GRPO) draw the same candidates until such a difference decides a
draw.

`course finetune` and `course train-reward` start their processes themselves. A script of one's own
is started by accelerate, and takes part with::

    with joined():
        student = grpo(policy, prompts, reward)
        if is_main():
            student.save("out")
"""

import contextlib
import logging
import os
import warnings
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from ..base import CourseError, progress, require
from ..methods.parallel import Processes, taking_part

INSTALL = "pip install -e '.[scale]'"
CONFIGS = Path(__file__).parent / "configs"
OWN = ("ddp", "fsdp")  # files that are there, by name
STARTED = ("LOCAL_RANK", "ACCELERATE_MIXED_PRECISION")  # what a launch leaves in the environment
PATIENCE = timedelta(hours=6)  # for a slower process; one that died ends all at once


def launched() -> bool:
    """Whether ``accelerate launch`` or ``torchrun`` started this process."""
    return any(name in os.environ for name in STARTED)


def several() -> bool:
    """Whether it was started as one of several."""
    return launched() and int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextlib.contextmanager
def joined(device: str | None = None) -> Iterator[None]:
    """Take part in the launch that started this process, from here to the end.

    ``device``: what the model is to be on; "cuda" is then a GPU of this process's own, and with
    "cpu", or without a GPU, processes talk through gloo. All but the first process are quiet.
    """
    state = _state(device)
    before = progress.quiet
    with contextlib.ExitStack() as stack:
        if state.process_index:
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            progress.quiet = True
        try:
            with taking_part(processes_of(state)):
                yield
        finally:
            progress.quiet = before
    # not after an error: the others may still be talking
    state.destroy_process_group()


def cut_up() -> bool:
    """Whether the launch asks for FSDP."""
    return os.environ.get("ACCELERATE_USE_FSDP", "false") == "true"


def processes_of(state: Any) -> Processes:
    """The processes of the launch, which hold whole models or parts of them."""
    if not cut_up():
        from .ranks import LaunchedProcesses

        return LaunchedProcesses(state)
    version = os.environ.get("FSDP_VERSION", "1")
    require(
        version == "2",
        f"the launch asks for FSDP {version}, and this needs fsdp_version: 2; see "
        f"{CONFIGS / 'fsdp.yaml'}.",
    )
    from .sharded import ShardedProcesses

    return ShardedProcesses(state)


def _state(device: str | None) -> Any:
    """accelerate's state of this process, with the connection to the others."""
    accelerate = _accelerate()
    import torch

    on_cpu = str(device).startswith("cpu") or not torch.cuda.is_available()
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    require(
        on_cpu or local <= torch.cuda.device_count(),
        f"{local} processes were started for {torch.cuda.device_count()} GPUs; give one process a "
        "GPU (--processes), or --device cpu.",
    )
    require(
        on_cpu or device is None or str(device) == "cuda",
        f"several processes cannot share {device}; leave --device out, and each gets its own GPU.",
    )
    return accelerate.PartialState(cpu=on_cpu, timeout=PATIENCE)


def _accelerate() -> Any:
    """The package; raises :class:`~course_lib.base.CourseError` where it is missing."""
    try:
        import accelerate
    except ImportError as error:
        raise CourseError(f"--engine accelerate needs accelerate: {INSTALL}") from error
    return accelerate


def launch(argv: Sequence[str], processes: int | None, config: str | Path | None) -> int:
    """Start ``course argv`` in ``processes`` processes, and wait for them. Returns the exit status.

    ``config``: a file of ``accelerate config``, for more machines than this one. When a process
    fails, the others are ended.
    """
    _accelerate()
    from accelerate.commands.launch import launch_command, launch_command_parser
    from accelerate.utils import patch_environment
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    if config in OWN:
        config = CONFIGS / f"{config}.yaml"
    require(
        config is None or Path(config).is_file(),
        f"{config} is not a file; give one of `accelerate config`, or {' or '.join(OWN)}.",
    )
    how = ["--module", "--mixed_precision", "no", "--dynamo_backend", "no"]
    if config is None:
        # --multi_gpu is accelerate's name for torch's launcher, which needs no GPU
        how += ["--multi_gpu", "--num_machines", "1", "--main_process_port", "0"]
    else:
        how += ["--config_file", str(config)]
    if processes is not None:
        how += ["--num_processes", str(processes)]
    # the process that failed has said why
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    threads = max(1, (os.cpu_count() or 1) // (processes or os.cpu_count() or 1))
    threads = os.environ.get("OMP_NUM_THREADS", str(threads))
    try:
        with patch_environment(OMP_NUM_THREADS=threads):
            launch_command(launch_command_parser().parse_args([*how, "course_lib", *argv]))
    except ChildFailedError as error:
        return _status([failure.exitcode for failure in error.failures.values()])
    except SignalException as stopped:  # sent to this process, which has ended the others
        return 128 + stopped.sigval
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 0


def _status(codes: Sequence[int]) -> int:
    """One exit status for those of several processes; a signal's is 128 and its number."""
    code = next((code for code in codes if code), 1)
    return code if code > 0 else 128 - code


def with_engine(args: Namespace, work: Callable[[Namespace], Any]) -> Any:
    """Do a command's ``work`` as its ``--engine`` says.

    In this process; or, with "accelerate", in processes that are started for it; or, in one of
    those, together with the others.
    """
    wanted = args.engine == "accelerate"
    require(
        wanted or (args.processes is None and args.accelerate_config is None),
        "--processes and --accelerate-config need --engine accelerate.",
    )
    if several():
        with joined(args.device):
            if cut_up():
                args.device = "cpu"  # whole models; parts of them go to the GPUs
            return work(args)
    if not wanted or launched():
        return work(args)
    count = args.processes
    require(count is None or count >= 1, f"--processes must be at least 1; got {count}.")
    if count is None and args.accelerate_config is None:
        import torch

        count = max(1, torch.cuda.device_count())
    if count == 1 and args.accelerate_config is None:
        _accelerate()
        return work(args)
    return launch(args.argv, count, args.accelerate_config)
