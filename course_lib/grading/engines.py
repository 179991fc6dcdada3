"""Engines: who does the work list. Each takes jobs and gives results as they come.

``processes`` is this machine; ``ray_tasks`` the same :class:`~.work.Worker` as Ray actors, on as
many machines as Ray has. Neither knows of the gradebook.
"""

import contextlib
import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from typing import Any

from ..base import CourseError, require
from ..scale.on_ray import connect, load_ray
from .inside import PR_SET_PDEATHSIG, libc
from .work import DIED, Graded, Setup, Worker

SLACK = 600  # seconds that a worker may take beyond its boxes' limits
TRIES = 2  # of a submission whose worker died


@dataclass(frozen=True)
class Job:
    """One submission to grade: its ``number`` in the list and its bytes, or why there are none.

    ``name`` is its file's.
    """

    number: int
    data: bytes | None
    problem: str = ""
    name: str = ""


# (how, jobs, how many at once) → (number of the job, what came of it), as they come
Engine = Callable[[Setup, Sequence[Job], int], Iterator[tuple[int, Graded]]]


# ---- processes of this machine -----------------------------------------------------------------


class Process:
    """A worker in a process of its own, and the job it has."""

    def __init__(self, setup: Setup, others: Sequence["Process"]) -> None:
        context = multiprocessing.get_context("fork")  # what is imported need not be again
        self.pipe, theirs = context.Pipe()
        # a copy of another's pipe would keep that one open when this program is killed
        closed = [self.pipe, *(other.pipe for other in others)]
        self.process = context.Process(target=serve, args=(setup, theirs, closed), daemon=True)
        self.process.start()
        theirs.close()
        self.setup = setup
        self.tasks: int | None = None  # known once it is ready
        self.job: Job | None = None
        self.until = time.monotonic() + SLACK

    def give(self, job: Job) -> None:
        """Have it grade ``job``."""
        self.job = job
        boxes = 1 + (self.tasks or 0)
        self.until = time.monotonic() + SLACK + 2 * boxes * self.setup.limits.seconds
        with contextlib.suppress(OSError):  # it is gone: hear() says so
            self.pipe.send(job)

    def hear(self) -> tuple[str, Any]:
        """What it says: ("ready", tasks), ("graded", …), ("error", words) or ("gone", None)."""
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            return "gone", None

    def end(self) -> None:
        """Kill it; its sandbox ends with it."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


def serve(setup: Setup, pipe: Connection, others: Sequence[Connection]) -> None:
    """A worker process: jobs in, results out, until nobody is there any more."""
    with contextlib.suppress(AttributeError):  # Linux has it
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who writes the gradebook
    for other in others:
        other.close()
    import torch

    torch.set_num_threads(1)
    try:
        with Worker(setup) as worker:
            pipe.send(("ready", worker.tasks))
            while True:
                job = pipe.recv()
                pipe.send(("graded", worker.graded(job.data, job.problem, job.name)))
    except CourseError as error:
        pipe.send(("error", str(error)))
    except (EOFError, BrokenPipeError):
        return


def processes(setup: Setup, jobs: Sequence[Job], workers: int) -> Iterator[tuple[int, Graded]]:
    """Grade ``jobs`` in ``workers`` processes of this machine, each with a sandbox.

    A worker that dies, or does not answer for longer than all its boxes may take, is started again
    and its submission tried once more; then it counts as stopped.
    """
    waiting, running = deque(jobs), list[Process]()
    tries: dict[int, int] = {}
    failed = 0  # starts in a row
    try:
        while waiting or any(process.job for process in running):
            while len(running) < min(workers, len(waiting) + sum(bool(p.job) for p in running)):
                running.append(Process(setup, running))
            for process in running:
                if waiting and process.tasks is not None and process.job is None:
                    process.give(waiting.popleft())
            for process in _heard(running):
                said, told = process.hear()
                require(said != "error", told)
                if said == "ready":
                    process.tasks, failed = told, 0
                elif said == "graded" and process.job:
                    number, process.job = process.job.number, None
                    yield number, told
                else:
                    running.remove(process)
                    process.end()
                    failed += process.tasks is None
                    require(failed < 3 * workers, "the workers do not start: they die at once.")
                    if process.job:
                        waiting.appendleft(_again(process.job, tries))
    finally:
        for process in running:
            process.end()


def _heard(running: Sequence[Process]) -> list[Process]:
    """The processes that have something to say or are gone; those that take too long are killed."""
    now = time.monotonic()
    for process in running:
        if process.until < now and (process.job or process.tasks is None):
            process.process.kill()
    ready = wait([process.pipe for process in running], timeout=1.0)
    return [process for process in running if process.pipe in ready]


def _again(job: Job, tries: dict[int, int]) -> Job:
    """The job whose worker died: once more as it is, then as one that cannot be graded."""
    tries[job.number] = tries.get(job.number, 1) + 1
    return job if tries[job.number] <= TRIES else replace(job, data=None, problem=DIED)


# ---- Ray ---------------------------------------------------------------------------------------


class RayWorker:
    """A :class:`~.work.Worker` as a Ray actor."""

    def __init__(self, setup: Setup) -> None:
        self.worker = Worker(setup).__enter__()

    def graded(self, job: Job) -> Graded:
        """What came of a job."""
        return self.worker.graded(job.data, job.problem, job.name)


def ray_tasks(setup: Setup, jobs: Sequence[Job], workers: int) -> Iterator[tuple[int, Graded]]:
    """Grade ``jobs`` in ``workers`` Ray actors; each machine needs this clone and bubblewrap.

    Joins a running Ray, or starts one on this machine and ends it. Raises where Ray is missing.
    """
    ray = load_ray()
    started = not ray.is_initialized()
    if started:
        connect(ray, None)
    actor = ray.remote(max_restarts=4, max_task_retries=1)(RayWorker)
    idle = [actor.remote(setup) for _ in range(min(workers, len(jobs)))]
    waiting, running = deque(jobs), dict[Any, tuple[Any, Job]]()
    try:
        while waiting or running:
            while waiting and idle:
                worker, job = idle.pop(), waiting.popleft()
                running[worker.graded.remote(job)] = worker, job
            for done in ray.wait(list(running))[0]:
                worker, job = running.pop(done)
                idle.append(worker)
                try:
                    yield job.number, ray.get(done)
                except ray.exceptions.RayActorError as error:
                    require(job.data is not None, f"a Ray worker does not start: {error}"[:600])
                    waiting.appendleft(replace(job, data=None, problem=DIED))
    finally:
        for worker in [*idle, *(worker for worker, _ in running.values())]:
            ray.kill(worker)
        if started:
            ray.shutdown()


ENGINES: dict[str, Engine] = {"processes": processes, "ray": ray_tasks}
