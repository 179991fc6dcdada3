"""The engine of many machines: parts as rows of a Ray Data dataset, workers as its actors.

An actor loads the models once and makes part after part; prompts are read and replies written by
the actors, so that through Ray go only numbers of prompts. An actor that dies is started again and
its block of parts is done again: those already on disk are found there, the others come out the
same, since a candidate's draws follow from its own number alone.
"""

import contextlib
import importlib
import json
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..base import CourseError, require, whole
from ..methods import Span
from .worker import Facts, Work

BLOCKS = 4  # of parts for each worker at least, where nobody says how many
STEPS = 200  # and as many in all: what is done is told at the end of a block
# of the environment, before Ray is imported: no reports to its makers, no warnings of its core
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
ERROR = "error"  # in place of facts, what a worker refuses to do


@dataclass(frozen=True)
class OnRay:
    """An engine, see :class:`~course_lib.scale.worker.Engine`.

    Attributes
    ----------
    address : of a running cluster, "auto" for the one this machine belongs to; None starts Ray on
        this machine alone, and ends it.
    workers : how many actors; None is one for each GPU, or without any for each CPU.
    blocks : into how many the parts are dealt; None is 200, or four a worker.
    cpus, gpus : what Ray sets aside for a worker; gpus None is 1 where the cluster has any.
    """

    address: str | None = None
    workers: int | None = None
    blocks: int | None = None
    cpus: float = 1.0
    gpus: float | None = None

    def __post_init__(self) -> None:
        load_ray()  # where it is missing, that is said before anything is written

    def __call__(self, start: Callable[[], Work], spans: Sequence[Span]) -> Iterator[Facts]:
        """Have actors made by ``start`` make the parts ``spans``: the facts of each, as they come.

        Raises :class:`~course_lib.base.CourseError` with a worker's words where it refuses one.
        """
        ray = load_ray()
        started = not ray.is_initialized()
        if started:
            connect(ray, self.address, self.workers)
        try:
            yield from self._facts(ray, start, spans)
        except ray.exceptions.RayError as error:
            raise CourseError(
                f"the workers of Ray failed: {str(error).strip().splitlines()[-1][:300]}. Code of "
                "your own must be importable on every machine; what workers print is in "
                "the logs of Ray's session. Parts that were done are kept."
            ) from error
        finally:
            if started:
                ray.shutdown()

    def _facts(self, ray: Any, start: Callable[[], Work], spans: Sequence[Span]) -> Iterator[Facts]:
        there = ray.cluster_resources()
        gpus = self.gpus
        if gpus is None:
            gpus = 1.0 if there.get("GPU") else 0.0
        places = there["GPU"] / gpus if gpus else there.get("CPU", 1) / self.cpus
        workers = self.workers or max(1, int(places))
        require(
            workers <= places,
            f"{workers} workers need {workers * self.cpus:g} CPUs and {workers * gpus:g} GPUs; "
            f"Ray has {there.get('CPU', 0):g} and {there.get('GPU', 0):g}. Ask for fewer "
            "(--workers).",
        )
        workers = min(workers, len(spans))
        blocks = min(len(spans), self.blocks or max(BLOCKS * workers, STEPS))
        rows = [{"start": start, "stop": stop} for start, stop in spans]
        made = ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
            Actor,
            fn_constructor_args=(start,),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=workers),
            num_cpus=self.cpus,
            num_gpus=gpus,
        )
        for batch in made.iter_batches(batch_size=None, prefetch_batches=0):
            for text in batch["facts"]:
                facts = json.loads(str(text))
                require(ERROR not in facts, facts.get(ERROR, ""))
                yield facts


class Actor:
    """A worker as Ray Data calls it: batches of spans in, facts as JSON out."""

    def __init__(self, start: Callable[[], Work]) -> None:
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
        self.work: Work | None = None
        self.refused = ""
        try:
            self.work = start()
        except CourseError as error:  # raised here, it would reach the user as Ray's own
            self.refused = str(error)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The facts of each span, or a refusal in the library's words."""
        spans = zip(batch["start"].tolist(), batch["stop"].tolist(), strict=True)
        return {"facts": [json.dumps(self.facts(span)) for span in spans]}

    def facts(self, span: Span) -> Facts:
        """What came of one span."""
        if self.work is None:
            return {ERROR: self.refused}
        try:
            return self.work(span)
        except CourseError as error:
            return {ERROR: str(error)}


def load_ray() -> Any:
    """Ray with Ray Data. Raises :class:`~course_lib.base.CourseError` where it is not installed."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        ray = importlib.import_module("ray")
        importlib.import_module("ray.data")
    except ImportError as error:
        raise CourseError(
            f"--engine ray needs Ray Data ({error}): pip install -e '.[scale]', or pip install "
            "'ray[data]'. On one machine it works without."
        ) from None
    return ray


def connect(ray: Any, address: str | None, workers: int | None = None) -> None:
    """Join the cluster at ``address``, or start Ray on this machine, without its chatter."""
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    if address is None:
        # Ray's workers give way to all other programs, and would hardly start beside them
        os.environ.setdefault("RAY_worker_niceness", "0")
        cpus = None if workers is None else max(whole(workers, "workers", 1), os.cpu_count() or 1)
        with silent():
            ray.init(num_cpus=cpus, include_dashboard=False, **quiet)
    else:
        try:
            knock(address)
            with silent():
                ray.init(address=address, **quiet)
        except (OSError, RuntimeError, ValueError) as error:
            raise CourseError(
                f"no Ray cluster answers at {address} ({str(error).splitlines()[0][:200]}). Start "
                "one with `ray start --head`, or leave --address out."
            ) from None
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False


def knock(address: str) -> None:
    """Raise OSError where nobody listens at ``host:port``: Ray itself would end the program."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdigit():
        with socket.create_connection((host, int(port)), timeout=10):
            pass


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """What Ray's core writes to standard error while it starts goes nowhere; exceptions stay."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
